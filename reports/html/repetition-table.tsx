/** Who processed what again, and why, as a table: what came again in a scenario enters, rows a person can read leave. */
import type { JSX } from 'preact';
import { MARKER_PREFIX } from '../../harness/history/schema.ts';
import { count, formatSeconds } from '../describe-event.ts';
import { shorten, shortenName } from '../escape.ts';
import type { Repetition, Turn } from '../repetitions.ts';
import { Wide } from './badges.tsx';

const ROWS_MAX = 200;
const TEXT_MAX = 1_000;
/** Beyond that the pictures below would be out of sight. */
const ROWS_OPEN_MAX = 12;

export function Repetitions({
  rows,
  index,
}: {
  readonly rows: readonly Repetition[];
  /** Of the scenario. */
  readonly index: number;
}): JSX.Element {
  const own = rows.filter((row) => !isOfMarkers(row));
  const markers = rows.filter(isOfMarkers);
  return (
    <>
      <h3 class="anchor" id={repetitionsId(index)}>
        Who processed what again, and why
      </h3>
      {own.length === 0 ? (
        <p>No record of a producer was processed more than once.</p>
      ) : (
        <>
          <p class="quiet">
            {count(recordsIn(own), 'record')} in {count(own.length, 'stretch', 'stretches')}. What was not
            committed for certain may come again; the ledger below counts it for each hand-over.
          </p>
          <Folded rows={own} />
        </>
      )}
      {markers.length === 0 ? null : (
        <details>
          <summary>
            {count(recordsIn(markers), 'more record')} processed again, which the harness itself had written
            to see whether the group keeps up
          </summary>
          <Table rows={markers} label="records of the harness processed again" />
        </details>
      )}
    </>
  );
}

/** What was more than allowed is always in sight, then what nothing explains, and of the rest what came first. */
function Folded({ rows }: { readonly rows: readonly Repetition[] }): JSX.Element {
  const judged = (...judgements: readonly Repetition['judgement'][]): readonly Repetition[] =>
    rows.filter(({ judgement }) => judgements.includes(judgement));
  const tooMany = judged('too many');
  const room = Math.max(0, ROWS_OPEN_MAX - tooMany.length);
  const others = [...judged('unexplained'), ...judged('allowed', null)];
  const open = new Set([...tooMany, ...others.slice(0, room)]);
  const folded = rows.filter((row) => !open.has(row));
  return (
    <>
      <Table rows={rows.filter((row) => open.has(row))} label="records processed again" />
      {folded.length === 0 ? null : (
        <details>
          <summary>{count(folded.length, 'more stretch', 'more stretches')}</summary>
          <Table rows={folded} label="more records processed again" />
        </details>
      )}
    </>
  );
}

const judgements = {
  allowed: '✓ allowed: it was not committed for certain',
  'too many': '✗ more than was allowed',
  unexplained: '✗ not allowed: nothing that happened explains it',
} as const;

export const repetitionsId = (index: number): string => `s${index}-again`;

/** So many were processed again, those of the harness left out. */
export const recordsAgain = (rows: readonly Repetition[]): number =>
  recordsIn(rows.filter((row) => !isOfMarkers(row)));

const recordsIn = (rows: readonly Repetition[]): number =>
  rows.reduce((sum, row) => sum + row.lastOffset - row.firstOffset + 1, 0);

const isOfMarkers = ({ firstRecord, lastRecord }: Repetition): boolean =>
  firstRecord?.startsWith(MARKER_PREFIX) === true && lastRecord?.startsWith(MARKER_PREFIX) === true;

function Table({
  rows,
  label,
}: {
  readonly rows: readonly Repetition[];
  readonly label: string;
}): JSX.Element {
  const shown = rows.slice(0, ROWS_MAX);
  return (
    <>
      <Wide label={label}>
        <table class="repetitions">
          <thead>
            <tr>
              <th>records</th>
              <th>first processed by</th>
              <th>again by</th>
              <th>why</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr
                key={`${row.group} ${row.topic} ${row.partition} ${row.firstOffset} ${row.again[0].timeMs}`}
              >
                <td data-label="records">
                  <b>{placeOf(row)}</b>
                  <div class="quiet">{recordsOf(row)}</div>
                </td>
                <td data-label="first processed by">
                  <b>{shortenName(row.before[0].process, 100)}</b>
                  <div class="quiet">
                    {timesOf(row.before)}, {finishedOf(row)}
                  </div>
                </td>
                <td data-label="again by">
                  <b>{shortenName(row.again[0].process, 100)}</b>
                  <div class="quiet">{timesOf(row.again)}</div>
                </td>
                <td data-label="why">
                  {shorten(row.why, TEXT_MAX)}
                  {row.judgement === null ? null : (
                    <div class={row.judgement === 'allowed' ? 'quiet' : 'bad'}>
                      {judgements[row.judgement]}
                    </div>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
      {rows.length > shown.length ? (
        <p class="quiet">
          {count(rows.length - shown.length, 'more stretch', 'more stretches')} left out here.
        </p>
      ) : null}
    </>
  );
}

function finishedOf({ finishedBefore, firstOffset, lastOffset }: Repetition): string {
  const number = lastOffset - firstOffset + 1;
  if (finishedBefore === number) return 'finished';
  return finishedBefore === 0 ? 'not finished' : `${finishedBefore} of ${number} finished`;
}

const placeOf = ({ topic, partition, firstOffset, lastOffset }: Repetition): string =>
  `${shortenName(topic, 100)}-${partition} ${
    firstOffset === lastOffset ? `offset ${firstOffset}` : `offsets ${firstOffset} to ${lastOffset}`
  }`;

const recordsOf = ({ group, firstRecord, lastRecord, firstOffset, lastOffset }: Repetition): string => {
  const number = lastOffset - firstOffset + 1;
  const names = [...new Set([firstRecord, lastRecord].flatMap((name) => (name === null ? [] : [name])))];
  return `${count(number, 'record')}${names.length === 0 ? '' : ` (${shorten(names.join(' to '), 200)})`} in ${shorten(group, 100)}`;
};

const timesOf = ([first, last]: readonly [Turn, Turn]): string =>
  first.timeMs === last.timeMs
    ? `at ${formatSeconds(first.timeMs, 3)}`
    : `${formatSeconds(first.timeMs, 3)} to ${formatSeconds(last.timeMs, 3)}`;
