/**
 * What the partition logs held at the end and how many partitions there were when: `fact-log` events and actions
 * enter, logs that answer "is there a record between these offsets" and partition counts leave.
 */
import { type EventOf, type History, MARKER_PREFIX } from '../../harness/history/schema.ts';
import type { Group, Scenario } from '../../scenarios/schema.ts';
import { eventsOf } from './by-kind.ts';
import type { AppliedAction } from './processes.ts';
import { CLOCK_TOLERANCE_MS, firstIndexWhere, listAt, partitionKey, toOffset } from './values.ts';

export type TransactionState = 'committed' | 'aborted' | 'open';

export interface PartitionLog {
  readonly topic: string;
  readonly partition: number;
  readonly event: EventOf<'fact-log'>;
  readonly logStartOffset: number;
  readonly logEndOffset: number;
  /** Records of the scenario's producers and the harness's markers, by offset. */
  readonly recordAt: ReadonlyMap<number, string>;
  /** How the transactions of records ended that belong to one, by offset. */
  readonly transactions: ReadonlyMap<
    number,
    { readonly state: TransactionState; readonly endedAt: number | null }
  >;
  /**
   * The offsets of those records, ascending, but for records of a compacted topic that a newer one of their key follows, or
   * that have no key: each replica is compacted by itself, so that a group may be kept from them even if they are there.
   */
  readonly offsets: readonly number[];
}

export interface RecordLocation {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface LogEvidence {
  readonly logs: ReadonlyMap<string, PartitionLog>;
  readonly locations: ReadonlyMap<string, readonly RecordLocation[]>;
}

export function indexLogs(history: History): LogEvidence {
  const logs = new Map<string, PartitionLog>();
  const locations = new Map<string, RecordLocation[]>();
  const compacted = compactedTopics(history);
  const keys = compacted.size === 0 ? new Map<string, string | null>() : keysOf(history);
  for (const event of eventsOf(history, 'fact-log')) {
    const { topic, partition } = event;
    const recordAt = new Map<number, string>();
    const transactions = new Map<number, { state: TransactionState; endedAt: number | null }>();
    for (const { offset: text, record, transaction } of event.records) {
      if (transaction !== undefined) transactions.set(toOffset(text), transaction);
      // A record that nobody of the scenario wrote may be a control record, which no client delivers.
      if (record === null) continue;
      const offset = toOffset(text);
      recordAt.set(offset, record);
      listAt(locations, record).push({ topic, partition, offset });
    }
    logs.set(partitionKey(topic, partition), {
      topic,
      partition,
      event,
      logStartOffset: toOffset(event.logStartOffset),
      logEndOffset: toOffset(event.logEndOffset),
      recordAt,
      transactions,
      offsets: compacted.has(topic) ? newestOf(recordAt, keys) : [...recordAt.keys()].sort((a, b) => a - b),
    });
  }
  return { logs, locations };
}

function compactedTopics({ start, events }: History): Set<string> {
  const topics = new Set<string>();
  for (const event of events) {
    const action = event.kind === 'action' ? start.scenario.actions[event.action] : undefined;
    if (action?.kind === 'compact-topic') topics.add(action.topic);
  }
  return topics;
}

/** By record; markers have none, and are written last. */
function keysOf({ events }: History): Map<string, string | null> {
  const keys = new Map<string, string | null>();
  for (const event of events)
    if (event.kind === 'produce-invoke') for (const { record, key } of event.records) keys.set(record, key);
  return keys;
}

/** Where the newest record of each key is, and every marker. */
function newestOf(recordAt: ReadonlyMap<number, string>, keys: ReadonlyMap<string, string | null>): number[] {
  const newest = new Map<string, number>();
  for (const [offset, record] of recordAt) {
    const isMarker = record.startsWith(MARKER_PREFIX);
    const key = isMarker ? record : keys.get(record);
    if (key != null)
      newest.set(isMarker ? record : `key ${key}`, Math.max(newest.get(`key ${key}`) ?? -1, offset));
  }
  return [...newest.values()].sort((a, b) => a - b);
}

/** The offsets in [from, to) at which the final log holds a record. */
export const recordsBetween = (log: PartitionLog, from: number, to: number): readonly number[] =>
  log.offsets.slice(
    firstIndexWhere(log.offsets, (offset) => offset >= from),
    firstIndexWhere(log.offsets, (offset) => offset >= to),
  );

const shown = new WeakMap<PartitionLog, PartitionLog>();

/** The log as a group sees it: without the records that it may be kept from because their transaction was not committed. */
export function shownTo(group: Group, log: PartitionLog): PartitionLog;
export function shownTo(group: Group, log: PartitionLog | undefined): PartitionLog | undefined;
export function shownTo(group: Group, log: PartitionLog | undefined): PartitionLog | undefined {
  if (log === undefined || log.transactions.size === 0 || group.isolationLevel === 'read_uncommitted')
    return log;
  let seen = shown.get(log);
  if (seen === undefined) {
    const isCommitted = (offset: number): boolean =>
      (log.transactions.get(offset)?.state ?? 'committed') === 'committed';
    seen = { ...log, offsets: log.offsets.filter(isCommitted) };
    shown.set(log, seen);
  }
  return seen;
}

/** Whether a reader at `from` may deliver `to` first: nothing that the final log still holds lies between. */
export const isNextRecord = (log: PartitionLog | undefined, from: number, to: number): boolean =>
  to >= from && (log === undefined || recordsBetween(log, from, to).length === 0);

/**
 * The partition counts, ascending, of a topic that a generation written at `time` may have been made for.
 * @param noticeMs how long a group may take to notice added partitions
 */
export function partitionCountsAt(
  scenario: Scenario,
  actions: readonly AppliedAction[],
  topic: string,
  time: number,
  noticeMs: number,
): number[] | null {
  const initial = scenario.topology.topics.find((one) => one.name === topic);
  if (initial === undefined) return null;
  let acceptable = [{ count: initial.partitions, toTime: Number.NEGATIVE_INFINITY, isNoticed: true }];
  for (const { action, fromTime, toTime, isCertain, detail } of actions) {
    if (!('topic' in action) || action.topic !== topic) continue;
    if (fromTime - CLOCK_TOLERANCE_MS > time) break;
    // What was being added to a topic may not be there when that has been created again.
    const count =
      action.kind === 'add-partitions'
        ? action.partitions
        : action.kind === 'recreate-topic' && typeof detail.partitions === 'number'
          ? detail.partitions
          : null;
    if (count === null) continue;
    const one = { count, toTime, isNoticed: isCertain && time > toTime + noticeMs };
    // Partitions do not become fewer: of two additions that were under way at once, the larger stands whichever came last.
    const larger =
      action.kind === 'add-partitions'
        ? acceptable.filter((other) => other.count > count && other.toTime >= fromTime)
        : [];
    if (!one.isNoticed) acceptable.push(one);
    else acceptable = larger.some((other) => other.isNoticed) ? larger : [one, ...larger];
  }
  return [...new Set(acceptable.map(({ count }) => count))].sort((a, b) => a - b);
}

/**
 * The topics whose final logs are all known, so that a record that is in none of them is nowhere, and was nowhere: what a
 * compaction took was there.
 */
export function topicsWithAllLogs(
  scenario: Scenario,
  actions: readonly AppliedAction[],
  logs: ReadonlyMap<string, PartitionLog>,
): Set<string> {
  return new Set(
    scenario.topology.topics
      .map(({ name }) => name)
      .filter(
        (topic) => !actions.some(({ action }) => action.kind === 'compact-topic' && action.topic === topic),
      )
      .filter((topic) => {
        const count = Math.min(
          ...(partitionCountsAt(scenario, actions, topic, Number.POSITIVE_INFINITY, 0) ?? []),
        );
        return Array.from({ length: count }, (_, partition) =>
          logs.has(partitionKey(topic, partition)),
        ).every(Boolean);
      }),
  );
}

/** The delete-records actions that hit a partition. */
export const deletionsOf = (
  actions: readonly AppliedAction[],
  topic: string,
  partition: number,
): AppliedAction[] =>
  actions.filter(
    ({ action }) =>
      action.kind === 'delete-records' && action.topic === topic && action.partition === partition,
  );
