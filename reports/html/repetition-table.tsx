/** Who processed what again, and why, as a table: a history and its ledger enter, rows a person can read leave. */
import type { JSX } from 'preact';
import { type History, MARKER_PREFIX } from '../../harness/history/schema.ts';
import type { LedgerEntry } from '../../properties/property.ts';
import { count, formatSeconds } from '../describe-event.ts';
import { shorten, shortenName } from '../escape.ts';
import { type Repetition, repetitionsOf, type Turn } from '../repetitions.ts';
import { Wide } from './badges.tsx';

const ROWS_MAX = 200;
const TEXT_MAX = 1_000;

export function Repetitions({
  history,
  ledger,
}: {
  readonly history: History;
  readonly ledger: readonly LedgerEntry[];
}): JSX.Element {
  const rows = repetitionsOf(history, ledger);
  if (rows.length === 0) return <p>No record was processed more than once.</p>;
  const records = rows.reduce((sum, row) => sum + row.lastOffset - row.firstOffset + 1, 0);
  const shown = rows.slice(0, ROWS_MAX);
  return (
    <>
      <h3>Who processed what again, and why</h3>
      <p class="quiet">
        {count(records, 'record')} in {count(rows.length, 'stretch', 'stretches')}. What was not committed for
        certain may come again; the ledger below counts it for each hand-over.
      </p>
      <Wide label="records processed again">
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
                  {row.tooMany === null ? null : (
                    <div class={row.tooMany ? 'bad' : 'quiet'}>
                      {row.tooMany
                        ? '✗ more than was allowed'
                        : '✓ allowed: it was not committed for certain'}
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
  const whose = names.every((name) => name.startsWith(MARKER_PREFIX)) ? ', written by the harness' : '';
  return `${count(number, 'record')}${names.length === 0 ? '' : ` (${shorten(names.join(' to '), 200)}${whose})`} in ${shorten(group, 100)}`;
};

const timesOf = ([first, last]: readonly [Turn, Turn]): string =>
  first.timeMs === last.timeMs
    ? `at ${formatSeconds(first.timeMs, 3)}`
    : `${formatSeconds(first.timeMs, 3)} to ${formatSeconds(last.timeMs, 3)}`;
