/**
 * What became of the records of a run, and why: a history and its verdict enter; one sentence for what came twice, what
 * was never processed and what is in no log leaves, and one for each kind of anomaly.
 */
import type { EventOf, History } from '../harness/history/schema.ts';
import type { LedgerEntry, Verdict } from '../properties/property.ts';
import { recordSpans } from '../scenarios/lessons/lesson.ts';
import { count } from './describe-event.ts';
import { fatesOf, type Repetition } from './fates.ts';

/** At least one sentence. */
export const findingsOf = (history: History, verdict: Verdict): string[] => [
  ...fatesInWords(history, verdict),
  ...anomalyFindings(verdict),
];

/** What became of the records, without the anomalies; at least one sentence where there is a group. */
export function fatesInWords(history: History, verdict: Verdict): string[] {
  const fates = fatesOf(history);
  const { groups } = history.start.scenario;
  const acknowledged = acknowledgedRecords(history);
  const aborted = abortedRecords(history);
  return [
    ...groups.flatMap(({ id }) => {
      const { again, never } = fates.groups.get(id) ?? { again: [], never: [] };
      const entries = verdict.ledger.filter((entry) => entry.group === id && entry.replayed > 0);
      const repeated = again.length === 0 ? [] : [repetitionSentence(again, id, entries, history)];
      const isAborted = never.length > 0 && never.every((record) => aborted.has(record));
      const lost =
        never.length === 0
          ? []
          : [
              `${records(never)} ${was(never)} never processed in ${id}${isAborted ? ': their transactions were aborted' : ''}.`,
            ];
      return again.length === 0 && never.length === 0
        ? [`${id} processed every record exactly once.`]
        : [...repeated, ...lost];
    }),
    ...(fates.notInLog.length === 0
      ? []
      : [
          `At the end no partition log holds ${records(fates.notInLog, false)}${acknowledgedPart(fates.notInLog, acknowledged)}.`,
        ]),
  ];
}

/** More hand-overs than that are no longer told one by one. */
const HANDOVERS_TOLD_MAX = 3;
const SPANS_TOLD_MAX = 6;

function repetitionSentence(
  again: readonly Repetition[],
  group: string,
  entries: readonly LedgerEntry[],
  history: History,
): string {
  if (entries.length <= HANDOVERS_TOLD_MAX) {
    const why = entries.map((entry) => describeHandover(entry, history)).join('; ');
    const isShared = again.some(({ processes }) => new Set(processes).size > 1);
    const overlap = isShared ? 'two members had them at the same time' : 'their member began them again';
    return `${records(again.map(({ record }) => record))} came twice in ${group}: ${why || overlap}.`;
  }
  const times = new Map<string, number>();
  for (const entry of entries) {
    const how = isOverlap(entry, history)
      ? `by ${entry.toProcess} when they were already ${entry.fromProcess}'s`
      : `by ${entry.toProcess} ${causeWords[entry.cause](entry.fromProcess ?? 'the owner before', 'them')}`;
    times.set(how, (times.get(how) ?? 0) + entry.replayed);
  }
  const spans = recordSpans(again.map(({ record }) => record));
  const named = spans.slice(0, SPANS_TOLD_MAX).join(', ');
  const parts = [...times].sort(([, a], [, b]) => b - a).map(([how, number]) => `${number} ${how}`);
  return `${count(again.length, 'record')} (${named}${spans.length > SPANS_TOLD_MAX ? ' and others' : ''}) came again in ${group}, ${count(
    [...times.values()].reduce((sum, one) => sum + one, 0),
    'time',
  )} in all: ${parts.join('; ')}.`;
}

/** One sentence for each kind, and how many more there are. */
function anomalyFindings({ anomalies }: Verdict): string[] {
  const kinds = new Map<string, { message: string; count: number }>();
  for (const { property, signature, message } of anomalies) {
    const kind = kinds.get(`${property} ${signature}`);
    if (kind === undefined) kinds.set(`${property} ${signature}`, { message, count: 1 });
    else kind.count++;
  }
  return [...kinds.values()].map(({ message, count: times }) =>
    times === 1 ? message : `${message} (${times - 1} more of this kind)`,
  );
}

const was = (items: readonly string[]): string => (items.length === 1 ? 'was' : 'were');

const records = (items: readonly string[], capital = true): string =>
  `${capital ? 'R' : 'r'}ecord${items.length === 1 ? '' : 's'} ${recordSpans(items).join(', ')}`;

function abortedRecords({ events }: History): ReadonlySet<string> {
  const aborts = new Set(
    events.flatMap((event) =>
      event.kind === 'transaction-end' && event.ending === 'abort'
        ? [`${event.process} ${event.transaction}`]
        : [],
    ),
  );
  return new Set(
    events.flatMap((event) =>
      event.kind === 'produce-invoke' && aborts.has(`${event.process} ${event.transaction}`)
        ? event.records.map(({ record }) => record)
        : [],
    ),
  );
}

function acknowledgedRecords({ events }: History): ReadonlySet<string> {
  const invokes = new Map<string, EventOf<'produce-invoke'>>();
  const acknowledged = new Set<string>();
  for (const event of events) {
    if (event.kind === 'produce-invoke') invokes.set(`${event.process} ${event.produce}`, event);
    if (event.kind !== 'produce-ok') continue;
    const invoke = invokes.get(`${event.process} ${event.produce}`);
    if (invoke === undefined || invoke.acks === 0) continue;
    for (const { record } of invoke.records) acknowledged.add(record);
  }
  return acknowledged;
}

function acknowledgedPart(missing: readonly string[], acknowledged: ReadonlySet<string>): string {
  const both = missing.filter((record) => acknowledged.has(record));
  if (both.length === 0) return '';
  return both.length === missing.length
    ? `, although ${missing.length === 1 ? 'it was' : 'all were'} acknowledged`
    : `, although ${recordSpans(both).join(', ')} ${was(both)} acknowledged`;
}

/** @param what the partition, or records of several */
const causeWords: Readonly<Record<LedgerEntry['cause'], (from: string, what?: 'it' | 'them') => string>> = {
  first: () => 'at the start',
  crash: (from) => `after the crash of ${from}`,
  stall: (from) => `after ${from} stood still`,
  leave: (from) => `after ${from} had left`,
  rebalance: (from, what = 'it') =>
    `after ${what === 'it' ? 'the rebalance' : 'rebalances'} that took ${what} from ${from}`,
  'handler-failure': () => 'after the handler had failed',
  seek: () => 'after the application had sought another offset',
  'client-restart': (from) => `after the client of ${from} had started anew`,
  'offsets-deleted': () => 'after the committed offset had been deleted',
  'records-deleted': () => 'after its position had been outside the log',
  unexplained: () => 'for no reason that the history shows',
};

/** Why a partition was taken up where it was, without a full stop. */
export const describeHandover = (entry: LedgerEntry, history: History): string =>
  isOverlap(entry, history) ? goingOn(entry) : because(entry);

/** An entry for a member that went on after its partition had another owner points back to where it began. */
const isOverlap = (entry: LedgerEntry, { events }: History): boolean =>
  events[entry.event]?.time !== entry.time;

const goingOn = ({ fromProcess, toProcess, topic, partition, replayed }: LedgerEntry): string =>
  `${toProcess} went on with ${topic}-${partition} when it was already ${fromProcess}'s, and ${count(replayed, 'record')} ${replayed === 1 ? 'was' : 'were'} processed by both`;

function because({
  cause,
  fromProcess,
  toProcess,
  topic,
  partition,
  committedOffset,
  resumedOffset,
  replayed,
}: LedgerEntry): string {
  const where = `${topic}-${partition}`;
  const again = `${count(replayed, 'record')} came again`;
  // No commit and no owner before had a part in it.
  if (cause === 'unexplained' && (fromProcess ?? toProcess) === toProcess)
    return `${causeWords[cause]('')}, ${toProcess} was given ${where} from offset ${resumedOffset} again, with no hand-over in between, and ${again}`;
  const committed = committedOffset === null ? 'nothing was committed' : `${committedOffset} was committed`;
  return `${causeWords[cause](fromProcess ?? 'the owner before')}, ${toProcess} went on with ${where} at offset ${resumedOffset}, since ${committed}, and ${again}`;
}
