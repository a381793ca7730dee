/**
 * Which records each group left out, as far as two runs can be compared in it: a history enters; for each group and record
 * that a partition log holds at the end, whether it was left out, and in which order it and the group's starts came, leaves.
 */
import { fatesOf } from '../../../reports/fates.ts';
import type { Group } from '../../../scenarios/schema.ts';
import type { History } from '../../history/schema.ts';

export interface RecordFate {
  readonly isLeftOut: boolean;
  /** Runs with another order say nothing of each other: a group that begins at the log's end skips what came before. */
  readonly order: string;
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** Brokers stamp what they write in milliseconds, and a process tells of it a little later. */
const TOLERANCE_MS = 50;

/** By group and record; without records that were deleted or never written, which is the end states' matter. */
export function recordFates(history: History): Map<string, Map<string, RecordFate>> {
  const { groups } = fatesOf(history);
  const places = placesOf(history);
  const writes = writesOf(history);
  return new Map(
    history.start.scenario.groups.map((group) => {
      const leftOut = new Set(groups.get(group.id)?.never);
      const fates = new Map<string, RecordFate>();
      if (isUpToInstants(group)) return [group.id, fates];
      for (const [record, { topic, partition }] of places) {
        const write = writes.get(record);
        if (write === undefined || !group.topics.includes(topic)) continue;
        const order = orderOf(write, startsOf(history, group, topic, partition));
        if (order !== null) fates.set(record, { isLeftOut: leftOut.has(record), order });
      }
      return [group.id, fates];
    }),
  );
}

/** What is committed before it is processed is lost with whatever comes between: a crash, a stall, a rebalance. */
const isUpToInstants = ({ commitOrder }: Group): boolean => commitOrder === 'commit-then-process';

function placesOf({ events }: History): Map<string, { topic: string; partition: number }> {
  const places = new Map<string, { topic: string; partition: number }>();
  for (const event of events)
    if (event.kind === 'fact-log')
      for (const { record } of event.records)
        if (record !== null) places.set(record, { topic: event.topic, partition: event.partition });
  return places;
}

/** From the call until it is certain that the broker had written. */
function writesOf({ events }: History): Map<string, Span> {
  const answered = new Map<string, number>();
  for (const event of events)
    if (event.kind === 'produce-ok') answered.set(`${event.process} ${event.produce}`, event.time);
  const writes = new Map<string, Span>();
  for (const event of events) {
    if (event.kind !== 'produce-invoke' || event.process === 'harness') continue;
    // With acks 0 the answer says nothing of the broker.
    const certain = event.acks === 0 ? undefined : answered.get(`${event.process} ${event.produce}`);
    for (const { record } of event.records)
      writes.set(record, { from: event.time, to: certain ?? Number.POSITIVE_INFINITY });
  }
  return writes;
}

/**
 * The times within which a group with `latest` looks for the end of a partition log: from its first generation, or from
 * what made its committed offset unusable, to its next commit. The other policies do not depend on when they look.
 */
function startsOf({ events, start }: History, group: Group, topic: string, partition: number): Span[] {
  if (group.autoOffsetReset !== 'latest') return [];
  const { actions } = start.scenario;
  const isOfPartition = (event: { readonly topic: string; readonly partition: number }): boolean =>
    event.topic === topic && event.partition === partition;
  const starts: Span[] = [];
  let openSince: number | null = null;
  let hasBegun = false;
  for (const event of events) {
    if (event.kind === 'group-generation' && event.group === group.id && event.state === 'stable') {
      if (!hasBegun) openSince = event.time;
      hasBegun = true;
    } else if (event.kind === 'action') {
      const action = actions[event.action];
      const isUnusable =
        (action?.kind === 'delete-records' || action?.kind === 'alter-offsets') && isOfPartition(action);
      if (isUnusable) openSince ??= event.time;
    } else if (event.kind === 'commit-removed' && event.group === group.id && isOfPartition(event))
      openSince ??= event.time;
    else if (event.kind === 'commit-accepted' && event.group === group.id && isOfPartition(event)) {
      if (openSince !== null) starts.push({ from: openSince, to: event.time });
      openSince = null;
    }
  }
  if (openSince !== null) starts.push({ from: openSince, to: Number.POSITIVE_INFINITY });
  return starts;
}

/**
 * Null where one of the starts may have come before or after it, and for a record between two starts: whether the group got
 * to it before it lost its offset is up to how quick it was.
 */
function orderOf(write: Span, starts: readonly Span[]): string | null {
  const places = starts.map(({ from, to }) =>
    write.to < from - TOLERANCE_MS ? 'before' : write.from > to + TOLERANCE_MS ? 'after' : null,
  );
  const order = places.join(' ');
  return places.includes(null) || order.includes('after before') ? null : order;
}
