/** For tests: a group member that does as it is told, one request at a time, and keeps the answers. */
import type { JoinGroupResponse } from '../protocol/11-join-group.ts';
import type { SyncGroupResponse } from '../protocol/14-sync-group.ts';
import { encodeAssignment, encodeSubscription } from '../protocol/consumer-protocol.ts';
import { errorName } from '../protocol/errors.ts';
import type { CommitResult } from './commit.ts';
import type { FakeWorld } from './fake-world.testing.ts';
import type { FetchedGroup } from './fetch-offsets.ts';

export interface FakeMemberOptions {
  readonly group?: string;
  readonly topics?: readonly string[];
  readonly protocols?: readonly string[];
  readonly groupInstanceId?: string | null;
  readonly sessionTimeoutMs?: number;
  readonly rebalanceTimeoutMs?: number;
  readonly apiVersion?: number;
  readonly protocolType?: string;
}

/** The name of the answer's error, `NONE`, or `pending` while there is no answer. */
export type Outcome = string;

const NO_ID = '0'.repeat(32);

/** An answer, or null while there is none. */
interface Slot<T> {
  answer: T | null;
}

const outcomeOf = (slot: Slot<{ errorCode: number }>): Outcome =>
  slot.answer === null ? 'pending' : errorName(slot.answer.errorCode);

export const subscribing = (topics: readonly string[]): Buffer =>
  encodeSubscription({ version: 0, topics: [...topics], ownedPartitions: [], userData: null });

export const assigning = (topic: string, partitions: readonly number[]): Buffer =>
  encodeAssignment({ version: 0, assignment: [{ topic, partitions: [...partitions] }], userData: null });

export class FakeMember {
  readonly world: FakeWorld;
  readonly clientId: string;
  options: Required<FakeMemberOptions>;
  memberId = '';
  generation = -1;
  lastJoin: Slot<JoinGroupResponse> = { answer: null };
  lastSync: Slot<SyncGroupResponse> = { answer: null };

  constructor(world: FakeWorld, clientId: string, options: FakeMemberOptions = {}) {
    this.world = world;
    this.clientId = clientId;
    this.options = {
      group: 'g',
      topics: ['t'],
      protocols: ['range'],
      groupInstanceId: null,
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      apiVersion: 9,
      protocolType: 'consumer',
      ...options,
    };
  }

  /** One JoinGroup. @returns reads how it went, now or later */
  joinOnce(): () => Outcome {
    const { group, sessionTimeoutMs, rebalanceTimeoutMs, groupInstanceId, protocols, topics, apiVersion } =
      this.options;
    const slot: Slot<JoinGroupResponse> = { answer: null };
    this.lastJoin = slot;
    this.world.coordinator.joinGroup(
      { apiVersion, clientId: this.clientId, clientHost: '10.0.0.1' },
      {
        groupId: group,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        memberId: this.memberId,
        groupInstanceId,
        protocolType: this.options.protocolType,
        protocols: protocols.map((name) => ({ name, metadata: subscribing(topics) })),
        reason: null,
      },
      (answer) => {
        if (slot.answer !== null) throw new Error(`${this.clientId}: a JoinGroup was answered twice`);
        slot.answer = answer;
        if (answer.errorCode === 0) this.generation = answer.generationId;
        if (answer.errorCode === 0 || answer.memberId !== '') this.memberId = answer.memberId;
      },
    );
    return () => outcomeOf(slot);
  }

  /** Joins, a second time with the id that it was given. */
  join(): () => Outcome {
    const outcome = this.joinOnce();
    return outcome() === 'MEMBER_ID_REQUIRED' ? this.joinOnce() : outcome;
  }

  get isLeader(): boolean {
    return this.lastJoin.answer?.leader === this.memberId;
  }

  /** @param assignments by member id, for the leader */
  sync(assignments: Readonly<Record<string, Buffer>> = {}): () => Outcome {
    const slot: Slot<SyncGroupResponse> = { answer: null };
    this.lastSync = slot;
    this.world.coordinator.syncGroup(
      {
        groupId: this.options.group,
        generationId: this.generation,
        memberId: this.memberId,
        groupInstanceId: this.options.groupInstanceId,
        protocolType: this.options.protocolType,
        protocolName: this.lastJoin.answer?.protocolName ?? null,
        assignments: Object.entries(assignments).map(([memberId, assignment]) => ({ memberId, assignment })),
      },
      (answer) => {
        if (slot.answer !== null) throw new Error(`${this.clientId}: a SyncGroup was answered twice`);
        slot.answer = answer;
      },
    );
    return () => outcomeOf(slot);
  }

  heartbeat(): Outcome {
    const slot: Slot<{ errorCode: number }> = { answer: null };
    this.world.coordinator.heartbeat(
      {
        groupId: this.options.group,
        generationId: this.generation,
        memberId: this.memberId,
        groupInstanceId: this.options.groupInstanceId,
      },
      (errorCode) => {
        slot.answer = { errorCode };
      },
    );
    return outcomeOf(slot);
  }

  leave(): () => Outcome {
    const slot: Slot<{ errorCode: number }> = { answer: null };
    this.world.coordinator.leaveGroup(
      this.options.group,
      [{ memberId: this.memberId, groupInstanceId: this.options.groupInstanceId, reason: null }],
      (error, members) => {
        slot.answer = { errorCode: error === 0 ? (members[0]?.errorCode ?? 0) : error };
      },
    );
    return () => outcomeOf(slot);
  }

  commit(offset: number, { partition = 0, topic = 't', metadata = '' } = {}): () => Outcome {
    const slot: Slot<CommitResult> = { answer: null };
    this.world.coordinator.commitOffsets(
      9,
      {
        groupId: this.options.group,
        memberId: this.memberId,
        groupInstanceId: this.options.groupInstanceId,
        generationId: this.generation,
        retentionTimeMs: -1n,
        topics: [
          {
            name: topic,
            topicId: NO_ID,
            partitions: [
              {
                partitionIndex: partition,
                committedOffset: BigInt(offset),
                committedLeaderEpoch: -1,
                committedMetadata: metadata,
              },
            ],
          },
        ],
      },
      (answer) => {
        slot.answer = answer;
      },
    );
    return () =>
      slot.answer === null ? 'pending' : errorName(slot.answer[0]?.partitions[0]?.errorCode ?? -1);
  }
}

/** The committed offset as a client reads it; null where there is none, a name where it is refused. */
export function committed(
  world: FakeWorld,
  { group = 'g', topic = 't', partition = 0, requireStable = false } = {},
): number | null | string {
  let fetched: FetchedGroup | null = null;
  world.coordinator.fetchOffsets(
    { groupId: group, topics: [{ name: topic, topicId: NO_ID, partitionIndexes: [partition] }] },
    requireStable,
    (answer) => {
      fetched = answer;
    },
  );
  const answer = fetched as FetchedGroup | null;
  if (answer === null) return 'pending';
  if (answer.errorCode !== 0) return errorName(answer.errorCode);
  const one = answer.topics[0]?.partitions[0];
  if (one === undefined) return 'nothing';
  if (one.errorCode !== 0) return errorName(one.errorCode);
  return one.committedOffset < 0n ? null : Number(one.committedOffset);
}

/** Members of one group, with one partition each, in a stable generation. */
export function stableGroup(world: FakeWorld, members: readonly FakeMember[]): void {
  for (const member of members) member.join();
  world.pass(world.settings.initialRebalanceDelayMs * 2);
  share(world, members);
}

/** Everyone syncs, with one partition for each member in the order given. */
export function share(world: FakeWorld, members: readonly FakeMember[]): void {
  const leader = members.find(({ isLeader }) => isLeader);
  const plan = Object.fromEntries(members.map(({ memberId }, i) => [memberId, assigning('t', [i])]));
  for (const member of members) member.sync(member === leader ? plan : {});
  world.pass(10);
}
