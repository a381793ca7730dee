/**
 * Who processed what again, and why: a history and its duplicate ledger enter; one row for each stretch of records that
 * the same member processed again for the same reason leaves.
 */
import type { EventOf, History } from '../harness/history/schema.ts';
import type { LedgerEntry } from '../properties/property.ts';
import { describeHandover } from './narrate-findings.ts';

/** One time that somebody processed a record. */
export interface Turn {
  readonly process: string;
  readonly timeMs: number;
}

export interface Repetition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** Ids of the first and the last record, where a producer of the scenario wrote them. */
  readonly firstRecord: string | null;
  readonly lastRecord: string | null;
  /** The time before, of the first and of the last of the records. */
  readonly before: readonly [first: Turn, last: Turn];
  /** So many of them were processed to the end that time; the handler failed at some, and others it never finished. */
  readonly finishedBefore: number;
  /** This time, of the first and of the last of the records. */
  readonly again: readonly [first: Turn, last: Turn];
  readonly why: string;
  /** Whether it was allowed to come again; null where the ledger has no hand-over for it. */
  readonly judgement: 'allowed' | 'too many' | 'unexplained' | null;
}

type Begin = EventOf<'processing-begin'>;
type Row = { -readonly [K in keyof Repetition]: Repetition[K] };

/** In order of the time at which they came again. */
export function repetitionsOf(history: History, ledger: readonly LedgerEntry[]): Repetition[] {
  const last = new Map<string, { begin: Begin; finished: boolean }>();
  const rows: Row[] = [];
  /** The row that the next record of a partition may belong to, and what it would have to have in common. */
  const open = new Map<string, { readonly key: string; readonly row: Row }>();
  for (const event of history.events) {
    if (event.kind !== 'processing-begin' && event.kind !== 'processing-end') continue;
    const lane = `${event.group} ${event.topic}/${event.partition}`;
    const place = `${lane}/${event.offset}`;
    const before = last.get(place);
    if (event.kind === 'processing-end') {
      if (before?.begin.process === event.process) before.finished = event.outcome === 'ok';
      continue;
    }
    last.set(place, { begin: event, finished: false });
    if (before === undefined) continue;
    const entry = entryFor(event, ledger);
    const key = `${before.begin.process} ${event.process} ${entry?.event ?? ''}`;
    const offset = Number(event.offset);
    const beforeTurn = turnOf(before.begin);
    const current = open.get(lane);
    if (current?.key === key && current.row.lastOffset + 1 === offset) {
      const { row } = current;
      row.lastOffset = offset;
      row.lastRecord = event.record;
      row.before = [row.before[0], beforeTurn];
      row.finishedBefore += Number(before.finished);
      row.again = [row.again[0], turnOf(event)];
      continue;
    }
    const { group, topic, partition, record } = event;
    const begun: Row = {
      ...{ group, topic, partition },
      firstOffset: offset,
      lastOffset: offset,
      firstRecord: record,
      lastRecord: record,
      before: [beforeTurn, beforeTurn],
      finishedBefore: Number(before.finished),
      again: [turnOf(event), turnOf(event)],
      why:
        entry === undefined
          ? `${event.process} was given it again, with no hand-over in between`
          : describeHandover(entry, history),
      judgement: entry === undefined ? null : judgementOn(entry),
    };
    open.set(lane, { key, row: begun });
    rows.push(begun);
  }
  return rows;
}

function judgementOn({ cause, replayed, mayReplay }: LedgerEntry): Repetition['judgement'] {
  // What nothing explains is not allowed, however little of it was committed.
  if (cause === 'unexplained') return 'unexplained';
  return replayed > mayReplay ? 'too many' : 'allowed';
}

const turnOf = ({ process, time }: Begin): Turn => ({ process, timeMs: time });

/** The stretch of consuming in which it came again: the last one that this process had opened by then. */
const entryFor = (begin: Begin, ledger: readonly LedgerEntry[]): LedgerEntry | undefined =>
  ledger
    .filter(
      (entry) =>
        entry.group === begin.group &&
        entry.topic === begin.topic &&
        entry.partition === begin.partition &&
        entry.toProcess === begin.process &&
        entry.event <= begin.seq,
    )
    .toSorted((a, b) => a.event - b.event)
    .at(-1);
