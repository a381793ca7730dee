/**
 * When each partition had a live owner: joins, generations and the lives of processes enter; per partition the spans of
 * time in which nobody who could consume it had it leave.
 */
import { isCooperative } from '../coverage.ts';
import { eventsOf } from './by-kind.ts';
import type { Evidence, GroupEvidence } from './evidence.ts';
import { assignedPartitions, owns } from './generations.ts';
import type { ProcessEvidence } from './processes.ts';
import { listAt, partitionKey } from './values.ts';

export interface Span {
  readonly fromTime: number;
  readonly toTime: number;
}

/** A member's hold on a partition, from when it heard of it to when it gave it up, lost it, or was no longer there. */
export interface Hold extends Span {
  readonly process: string;
  readonly key: string;
}

/** Signs by which a member itself ends its ownership. */
const ENDINGS = ['client-crashed', 'client-stopped', 'wire-leave', 'process-frozen'] as const;

/** All holds of a group's members; a stalled member holds nothing while it is stalled. */
export function holdsOf(evidence: Evidence, group: GroupEvidence): Hold[] {
  const cooperative = isCooperative(group);
  const endings = new Map<string, { time: number; seq: number; isRebalance: boolean }[]>();
  for (const { kind, process, time, seq } of eventsOf(evidence.history, 'client-rebalancing', ...ENDINGS))
    listAt(endings, process).push({ time, seq, isRebalance: kind === 'client-rebalancing' });
  return group.processes.flatMap((process) => {
    const joins = evidence.positions.joins.get(process.process) ?? [];
    const own = endings.get(process.process) ?? [];
    return joins.flatMap((join, i): Hold[] => {
      const { generation } = join;
      const member = generation?.members.find(({ clientId }) => clientId === process.process);
      if (generation === null || member === undefined) return [];
      const next = joins[i + 1] ?? null;
      return assignedPartitions(member).flatMap((key) => {
        const isKept = cooperative && next?.generation != null && owns(next.generation, process.process, key);
        const ending = own.find(({ seq, isRebalance }) => seq > join.seq && !(isRebalance && isKept));
        // Whoever is not in a later generation is not an owner any more, whether it knows or not.
        const lost = group.generations.find(
          (one) => one.index > generation.index && !owns(one, process.process, key),
        );
        const toTime = Math.min(
          process.exit?.time ?? Number.POSITIVE_INFINITY,
          next?.time ?? Number.POSITIVE_INFINITY,
          ending?.time ?? Number.POSITIVE_INFINITY,
          lost?.time ?? Number.POSITIVE_INFINITY,
        );
        return awake(process, { fromTime: join.time, toTime }).map((span) => ({
          ...span,
          process: process.process,
          key,
        }));
      });
    });
  });
}

/** The span without the stalls of the process. */
const awake = ({ stalls }: ProcessEvidence, span: Span): Span[] => without([span], stalls);

/** A partition without a live owner. */
export interface Ownerless extends Span {
  readonly group: string;
  readonly key: string;
}

/**
 * The spans in which a partition had no live owner although a member of its group was running, from the group's first
 * assignment (or the partition's own beginning) to the end of settling.
 */
export function ownerlessSpans(evidence: Evidence, group: GroupEvidence): Ownerless[] {
  const holds = holdsOf(evidence, group);
  const firstTime = holds.reduce(
    (first, { fromTime }) => Math.min(first, fromTime),
    Number.POSITIVE_INFINITY,
  );
  const endTime = evidence.settled?.time ?? evidence.history.events.at(-1)?.time ?? 0;
  const running = merged(
    group.processes.flatMap((process) =>
      awake(process, { fromTime: process.startTime, toTime: process.exit?.time ?? endTime }),
    ),
  );
  return partitionsOf(evidence, group).flatMap(({ key, sinceTime }) => {
    const fromTime = Math.max(firstTime, sinceTime);
    if (fromTime >= endTime) return [];
    const owned = holds.filter((hold) => hold.key === key);
    const able = running.flatMap((span) => overlap(span, { fromTime, toTime: endTime }));
    return without(able, merged(owned)).map((span) => ({ ...span, group: group.id, key }));
  });
}

/** Those of the scenario, and those that were added, from then on. */
function partitionsOf({ scenario, actions }: Evidence, { config }: GroupEvidence) {
  return scenario.topology.topics
    .filter(({ name }) => config.topics.includes(name))
    .flatMap(({ name, partitions }) => {
      const found = Array.from({ length: partitions }, (_, partition) => ({
        key: partitionKey(name, partition),
        sinceTime: Number.NEGATIVE_INFINITY,
      }));
      for (const { action, toTime } of actions)
        if (action.kind === 'add-partitions' && action.topic === name)
          for (let partition = found.length; partition < action.partitions; partition++)
            found.push({ key: partitionKey(name, partition), sinceTime: toTime });
      return found;
    });
}

const overlap = (a: Span, b: Span): Span[] => {
  const [fromTime, toTime] = [Math.max(a.fromTime, b.fromTime), Math.min(a.toTime, b.toTime)];
  return fromTime < toTime ? [{ fromTime, toTime }] : [];
};

/** In order of time, those that touch or overlap made one. */
function merged(spans: readonly Span[]): Span[] {
  const result: { fromTime: number; toTime: number }[] = [];
  for (const { fromTime, toTime } of [...spans].sort((a, b) => a.fromTime - b.fromTime)) {
    if (fromTime >= toTime) continue;
    const last = result.at(-1);
    if (last !== undefined && fromTime <= last.toTime) last.toTime = Math.max(last.toTime, toTime);
    else result.push({ fromTime, toTime });
  }
  return result;
}

/** What of the spans none of the others covers. */
function without(spans: readonly Span[], others: readonly Span[]): Span[] {
  return spans.flatMap((span) => {
    const left: Span[] = [];
    let { fromTime } = span;
    for (const other of merged(others)) {
      if (other.toTime <= fromTime) continue;
      if (other.fromTime >= span.toTime) break;
      if (other.fromTime > fromTime) left.push({ fromTime, toTime: other.fromTime });
      fromTime = other.toTime;
    }
    if (fromTime < span.toTime) left.push({ fromTime, toTime: span.toTime });
    return left;
  });
}
