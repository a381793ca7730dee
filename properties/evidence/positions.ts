/**
 * How members came to their positions: joins, committed offsets fetched, log ends asked for and positions found out
 * of range enter; per process and partition, the answers in the process's own order leave.
 */
import type { EventOf, History } from '../../harness/history/schema.ts';
import { eventsOf } from './by-kind.ts';
import { type GenerationEvidence, owns } from './generations.ts';
import type { ProcessEvidence } from './processes.ts';
import { between, CLOCK_TOLERANCE_MS, lastBefore, listAt, partitionKey, toOffset } from './values.ts';

/** A moment at which a process took up a new assignment. */
export interface Join {
  readonly process: string;
  readonly group: string;
  readonly seq: number;
  readonly time: number;
  readonly memberId: string | null;
  /** The coordinator's record of it; null where none fits. */
  readonly generation: GenerationEvidence | null;
}

export interface FetchedOffset {
  readonly seq: number;
  readonly time: number;
  /** Null: the coordinator has none. */
  readonly offset: number | null;
}

export interface ListedOffset {
  readonly seq: number;
  readonly time: number;
  readonly at: 'earliest' | 'latest' | 'time';
  readonly offset: number;
}

export interface OutOfRange {
  readonly seq: number;
  readonly time: number;
  /** The offset that was asked for. */
  readonly offset: number;
  /** Whether the request said which epoch of the leader it was meant for (KIP-320). */
  readonly namesEpoch: boolean;
  /** Whether the leader had told the process before to read from a follower. */
  readonly mayBeFollowers: boolean;
}

/** The application's order to go elsewhere. */
export interface Sought {
  readonly seq: number;
  readonly time: number;
  /** -2 for the log's beginning, -1 for its end. */
  readonly offset: number;
}

export interface PartitionPositions {
  readonly fetched: readonly FetchedOffset[];
  readonly listed: readonly ListedOffset[];
  readonly outOfRange: readonly OutOfRange[];
  readonly sought: readonly Sought[];
  /** Brokers that the leader named, to be read from in its place (KIP-392). */
  readonly followers: readonly { readonly seq: number; readonly time: number; readonly broker: number }[];
}

export interface PositionEvidence {
  /** By process, in its own order. */
  readonly joins: ReadonlyMap<string, readonly Join[]>;
  /** By process: when its application was told what it gives up, or what it owns from now on. */
  readonly takenUp: ReadonlyMap<string, readonly { readonly seq: number }[]>;
  /** By process, then by partition. */
  readonly positions: ReadonlyMap<string, ReadonlyMap<string, PartitionPositions>>;
}

type Building = { [K in keyof PartitionPositions]: PartitionPositions[K][number][] };

const noPositions = (): Building => ({
  fetched: [],
  listed: [],
  outOfRange: [],
  sought: [],
  followers: [],
});

const NO_POSITIONS: PartitionPositions = noPositions();

/** Whether the application of any member had sought this offset of the partition before. */
export const hasBeenSought = (
  evidence: PositionEvidence,
  key: string,
  offset: number,
  beforeSeq: number,
): boolean => {
  for (const partitions of evidence.positions.values())
    for (const one of partitions.get(key)?.sought ?? [])
      if (one.offset === offset && one.seq < beforeSeq) return true;
  return false;
};

export const positionsOf = (evidence: PositionEvidence, process: string, key: string): PartitionPositions =>
  evidence.positions.get(process)?.get(key) ?? NO_POSITIONS;

/**
 * The join by which a process holds a partition at some moment: its last one; but what a cooperative rebalance takes
 * away is still held by the one before, until the application gives it up in its next poll (KIP-429).
 */
export function holdingJoin(
  evidence: PositionEvidence,
  process: string,
  key: string,
  seq: number,
): Join | null {
  const joins = evidence.joins.get(process) ?? [];
  const join = lastBefore(joins, seq);
  const before = join === null ? null : lastBefore(joins, join.seq);
  if (join?.generation == null || before?.generation == null) return join;
  const takesAway = !owns(join.generation, process, key) && owns(before.generation, process, key);
  if (!takesAway || join.generation.event.protocol !== 'cooperative-sticky') return join;
  return between(evidence.takenUp.get(process) ?? [], join.seq, seq).length > 0 ? join : before;
}

export function indexPositions(
  history: History,
  processes: ReadonlyMap<string, ProcessEvidence>,
  generations: ReadonlyMap<string, readonly GenerationEvidence[]>,
): PositionEvidence {
  const positions = new Map<string, Map<string, Building>>();
  const at = (process: string, topic: string, partition: number): Building => {
    const key = partitionKey(topic, partition);
    const ofProcess = positions.get(process) ?? new Map<string, Building>();
    positions.set(process, ofProcess);
    const found = ofProcess.get(key) ?? noPositions();
    ofProcess.set(key, found);
    return found;
  };
  const takenUp = new Map<string, { seq: number }[]>();
  /** By process: the partition whose committed offset its application asks for just now. */
  const questions = new Map<string, string>();
  /** By process: such partitions that it was told nothing of in time; the answers may be on their way. */
  const unanswered = new Map<string, string[]>();
  /** By process: what it has been given and may still ask for by itself. */
  const waiting = new Map<string, Set<string>>();
  /** What the application asked for moves nobody. */
  const isApplications = (process: string, key: string): boolean => {
    if (questions.get(process) === key) return true;
    const late = unanswered.get(process) ?? [];
    if (!late.includes(key) || waiting.get(process)?.has(key) === true) return false;
    late.splice(late.indexOf(key), 1);
    return true;
  };
  for (const event of eventsOf(
    history,
    'wire-sync',
    'client-assigned',
    'client-rebalancing',
    'client-joined',
    'wire-offset-fetch',
    'wire-list-offsets',
    'wire-fetch-error',
    'wire-read-replica',
    'application-call',
    'application-call-end',
  )) {
    const { seq, time } = event;
    if (event.kind === 'wire-sync' || event.kind === 'client-assigned') {
      const keys = event.assignment.flatMap(({ topic, partitions }) =>
        partitions.map((partition) => partitionKey(topic, partition)),
      );
      waiting.set(event.process, new Set(keys));
    } else if (event.kind === 'client-rebalancing' || event.kind === 'client-joined')
      listAt(takenUp, event.process).push({ seq });
    else if (event.kind === 'wire-offset-fetch' && event.error === null) {
      for (const { topic, partition, offset: text } of event.offsets) {
        const key = partitionKey(topic, partition);
        if (event.offsets.length === 1 && isApplications(event.process, key)) continue;
        waiting.get(event.process)?.delete(key);
        const offset = text === null ? -1 : toOffset(text);
        at(event.process, topic, partition).fetched.push({ seq, time, offset: offset < 0 ? null : offset });
      }
    } else if (event.kind === 'wire-list-offsets' && event.error === null && event.offset !== null) {
      const end =
        event.at === 'earliest' || event.at === '-2'
          ? 'earliest'
          : event.at === 'latest' || event.at === '-1'
            ? 'latest'
            : 'time';
      at(event.process, event.topic, event.partition).listed.push({
        seq,
        time,
        at: end,
        offset: toOffset(event.offset),
      });
    } else if (event.kind === 'wire-fetch-error' && event.error === 'OFFSET_OUT_OF_RANGE') {
      const { outOfRange, followers } = at(event.process, event.topic, event.partition);
      outOfRange.push({
        seq,
        time,
        offset: toOffset(event.offset),
        namesEpoch: event.leaderEpoch !== undefined,
        mayBeFollowers: followers.length > 0,
      });
    } else if (event.kind === 'wire-read-replica')
      at(event.process, event.topic, event.partition).followers.push({ seq, time, broker: event.broker });
    else if (event.kind === 'application-call-end') {
      const asked = questions.get(event.process);
      if (asked !== undefined && event.answer === undefined) listAt(unanswered, event.process).push(asked);
      questions.delete(event.process);
    } else if (event.kind === 'application-call' && event.call === 'committed')
      questions.set(event.process, partitionKey(event.topic ?? '', event.partitions?.[0] ?? 0));
    else if (event.kind === 'application-call' && event.topic !== null && event.offset !== null) {
      for (const partition of event.partitions ?? [])
        at(event.process, event.topic, partition).sought.push({ seq, time, offset: toOffset(event.offset) });
    }
  }
  return { joins: indexJoins(history, processes, generations), takenUp, positions };
}

/**
 * A process's joins: its SyncGroup answers where there is a tap, else what its client says, else the coordinator's
 * records that name it.
 */
function indexJoins(
  history: History,
  processes: ReadonlyMap<string, ProcessEvidence>,
  generations: ReadonlyMap<string, readonly GenerationEvidence[]>,
): Map<string, Join[]> {
  const syncs = new Map<string, EventOf<'wire-sync'>[]>();
  const claims = new Map<string, EventOf<'client-joined'>[]>();
  for (const event of eventsOf(history, 'wire-sync'))
    if (event.error === null) listAt(syncs, event.process).push(event);
  const byHand = new Map<string, EventOf<'client-assigned'>[]>();
  for (const event of eventsOf(history, 'client-assigned')) listAt(byHand, event.process).push(event);
  for (const event of eventsOf(history, 'client-joined')) listAt(claims, event.process).push(event);
  const byIdentity = new Map<string, GenerationEvidence>();
  const byMemberId = new Map<string, GenerationEvidence[]>();
  const byClientId = new Map<string, GenerationEvidence[]>();
  for (const [group, groupGenerations] of generations)
    for (const generation of groupGenerations)
      if (generation.isStable)
        for (const { memberId, clientId } of generation.members) {
          const identity = `${group} ${memberId} ${generation.generation}`;
          // Written again where a static member has come back (KIP-345); the others joined the first time.
          if (!byIdentity.has(identity)) byIdentity.set(identity, generation);
          listAt(byMemberId, `${group} ${memberId}`).push(generation);
          listAt(byClientId, `${group} ${clientId}`).push(generation);
        }
  const joins = new Map<string, Join[]>();
  for (const { process, group, exit, hasWire } of processes.values()) {
    if (group === null) continue;
    const taken = byHand.get(process);
    if (taken !== undefined) {
      // It is no member, and yet it begins anew each time.
      joins.set(
        process,
        taken.map(({ seq, time }) => ({ process, group, seq, time, memberId: null, generation: null })),
      );
      continue;
    }
    // Where there is a tap, what it did not see never reached the member.
    const ofProcess = syncs.get(process) ?? (hasWire ? [] : undefined);
    if (ofProcess !== undefined) {
      joins.set(
        process,
        ofProcess.map((event) => ({
          process,
          group: event.group,
          seq: event.seq,
          time: event.time,
          memberId: event.memberId,
          generation: byIdentity.get(`${event.group} ${event.memberId} ${event.generation}`) ?? null,
        })),
      );
      continue;
    }
    const claimed = claims.get(process);
    if (claimed !== undefined) {
      joins.set(
        process,
        claimed.map((event) => ({
          process,
          group: event.group,
          seq: event.seq,
          time: event.time,
          memberId: event.memberId,
          generation:
            byMemberId
              .get(`${event.group} ${event.memberId}`)
              ?.findLast((generation) => generation.time <= event.time + CLOCK_TOLERANCE_MS) ?? null,
        })),
      );
      continue;
    }
    // A static member is counted on for a session after its process has ended (KIP-345).
    const recorded = (byClientId.get(`${group} ${process}`) ?? []).filter(
      ({ time }) => exit === null || time <= exit.time,
    );
    joins.set(
      process,
      recorded.map((generation) => ({
        process,
        group,
        seq: generation.seq,
        time: generation.time,
        memberId: generation.members.find((member) => member.clientId === process)?.memberId ?? null,
        generation,
      })),
    );
  }
  return joins;
}
