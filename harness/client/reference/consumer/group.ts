/**
 * A consumer in its group: what it has subscribed to enters, partitions are assigned and revoked with the listener's
 * knowledge, and its offsets are committed. After Kafka's class ConsumerCoordinator.
 */
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../cluster/protocol/consumer-protocol.ts';
import type { Assignor, MemberSubscription } from '../assignors/assignor.ts';
import { assignors } from '../assignors/index.ts';
import { Deadline, nowMs, sleep, within } from '../clock.ts';
import type { ConsumerConfig } from '../config.ts';
import {
  BrokerError,
  CommitFailedError,
  isRetriable,
  KafkaError,
  nameOf,
  RebalanceInProgressError,
  RetriableCommitFailedError,
  TimeoutError,
  type TopicPartition,
  typeOf,
} from '../errors.ts';
import { commitOffsets, fetchOffsets, type OffsetAndMetadata, type Offsets } from './commits.ts';
import type { ConsumerParts } from './fetcher.ts';
import { type GroupMember, type GroupProtocol, type Joined, Membership } from './membership.ts';
import type { PartitionState } from './subscription-state.ts';

/** Calls of the application's code, awaited inside poll and close; what they throw, poll throws. */
export interface RebalanceListener {
  onPartitionsAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>;
  onPartitionsRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** The partitions may have another owner already; without it, onPartitionsRevoked is called. */
  onPartitionsLost?(partitions: readonly TopicPartition[]): void | Promise<void>;
}

/** The commit before JoinGroup. */
interface PrepareCommit {
  readonly deadline: Deadline;
  state: 'due' | 'sent' | 'done';
}

export type CommitCallback = (offsets: Offsets, error: Error | null) => void;

const SUBSCRIPTION_VERSION = 3;
const ASSIGNMENT_VERSION = 3;
/** After these the answer to a commit says where the coordinator is not. */
const COORDINATOR_MOVED: ReadonlySet<string | null> = new Set([
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'REQUEST_TIMED_OUT',
]);

/** In the order given: assignors depend on it. */
const grouped = (partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] => {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const list = topics.get(topic) ?? [];
    list.push(partition);
    topics.set(topic, list);
  }
  return [...topics].map(([topic, list]) => ({ topic, partitions: list }));
};

const flat = (topics: readonly { topic: string; partitions: readonly number[] }[]): TopicPartition[] =>
  topics.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })));

const without = (
  partitions: readonly TopicPartition[],
  others: readonly TopicPartition[],
): TopicPartition[] => {
  const names = new Set(others.map(nameOf));
  return partitions.filter((one) => !names.has(nameOf(one)));
};

export class ConsumerGroup {
  readonly id: string;
  readonly membership: Membership;
  readonly #parts: ConsumerParts;
  readonly #config: ConsumerConfig;
  /** Runs the application's code; what it calls in turn is allowed. */
  readonly #callOut: (call: () => void | Promise<void>) => Promise<void>;
  readonly #assignors: readonly Assignor[];
  readonly #isCooperative: boolean;
  listener: RebalanceListener = {};
  isLeader = false;
  /** As what it last came to an assignment; unlike the membership's own it outlives the loss of the place. */
  joinedAs = { id: -1, memberId: '' };
  /** In the leader: the partition counts that the assignment was made from. */
  #countsAssigned: string | null = null;
  #countsAssigning: string | null = null;
  #groupTopics: readonly string[] = [];
  /** What `topicsOfInterest` was made of last, and what came of it. */
  #interest: {
    readonly own: readonly string[];
    readonly groups: readonly string[];
    topics: string[];
  } | null = null;
  /** What was subscribed to when the group was joined. */
  #joinedTopics: string | null = null;
  /** The last assignment and its generation, for assignors that carry it. */
  #lastAssignment: readonly TopicPartition[] = [];
  #lastGeneration = -1;
  #prepareCommit: PrepareCommit | null = null;
  #autoCommitDueMs: number;
  #pendingCommits = 0;
  readonly #completedCallbacks: (() => void)[] = [];
  /** What a commit in the background met that the application cannot go on after. */
  #fenced: Error | null = null;
  #fetching: readonly PartitionState[] | null = null;
  #failure: Error | null = null;
  #retryAtMs = 0;

  constructor(
    id: string,
    parts: ConsumerParts,
    callOut: (call: () => void | Promise<void>) => Promise<void>,
  ) {
    this.id = id;
    this.#parts = parts;
    this.#config = parts.config;
    this.#callOut = callOut;
    this.#assignors = parts.config['partition.assignment.strategy'].map((name) => assignors[name]);
    // Eager where any assignor knows nothing else (KIP-429).
    this.#isCooperative = this.#assignors.every(
      ({ rebalanceProtocol }) => rebalanceProtocol === 'cooperative',
    );
    this.#autoCommitDueMs = nowMs() + parts.config['auto.commit.interval.ms'];
    this.membership = new Membership(parts.config, id, parts.network, parts.signal, {
      protocols: () => this.#protocols(),
      assign: (...parts) => this.#assign(...parts),
    });
  }

  /** Topics that have to be known: the member's own and, in the leader, the group's. */
  get topicsOfInterest(): readonly string[] {
    const own = this.#parts.subscriptions.topics;
    const groups = this.#groupTopics;
    if (this.#interest?.own !== own || this.#interest.groups !== groups)
      this.#interest = { own, groups, topics: [...new Set([...own, ...groups])].sort() };
    return this.#interest.topics;
  }

  /**
   * Does what is to be done for the member to have its place, without waiting for a broker.
   * @returns whether positions may be set: it is in the group, or needs none; at once, unless the listener is called
   * @throws what the listener has thrown, or an error that nothing but the application can mend
   */
  step(): boolean | Promise<boolean> {
    this.runCallbacks();
    this.#throwFailure();
    const { subscriptions } = this.#parts;
    if (!subscriptions.isGroupManaged) {
      this.#autoCommit();
      return true;
    }
    this.membership.throwFailure();
    if (this.membership.coordinator() === null) return false;
    const joined = this.membership.takeJoined();
    return joined === null ? this.#stepOn() : this.#joinCompleted(joined).then(() => this.#stepOn());
  }

  #stepOn(): boolean | Promise<boolean> {
    const { subscriptions } = this.#parts;
    this.#noticeChanges();
    // What a pattern finds is not known before.
    if (subscriptions.pattern !== null && !this.#parts.metadata.isAboutAll) return false;
    if (this.membership.isJoining) return false;
    if (this.membership.isRejoinNeeded) return this.#rejoin();
    this.#autoCommit();
    return true;
  }

  async #rejoin(): Promise<false> {
    if (await this.#prepared()) this.membership.join();
    return false;
  }

  /** The time to the next thing that this has to do in poll, in milliseconds. */
  get nextStepInMs(): number {
    return this.#config['enable.auto.commit'] && !this.membership.isRejoinNeeded
      ? Math.max(0, this.#autoCommitDueMs - nowMs())
      : Number.POSITIVE_INFINITY;
  }

  // Commits

  /** @throws CommitFailedError, RebalanceInProgressError, BrokerError, DisconnectError, TimeoutError */
  async commit(offsets: Offsets): Promise<void> {
    if (offsets.length === 0) return;
    const { subscriptions, network } = this.#parts;
    const { membership } = this;
    const { generation } = membership;
    if (subscriptions.isGroupManaged && membership.state !== 'stable') {
      if (membership.isRebalancing)
        throw new RebalanceInProgressError(
          'The member is taking part in a rebalance: call poll to finish it',
        );
      throw new CommitFailedError('the member is not part of an active group');
    }
    const committer = {
      groupId: this.id,
      groupInstanceId: subscriptions.isGroupManaged ? this.#config['group.instance.id'] : null,
      generationId: subscriptions.isGroupManaged ? generation.id : -1,
      memberId: subscriptions.isGroupManaged ? generation.memberId : '',
    };
    const nodeId = membership.finder.nodeId ?? (await membership.finder.find());
    try {
      await commitOffsets(network, nodeId, committer, offsets);
    } catch (error) {
      throw this.#commitError(error, nodeId, generation);
    }
  }

  /**
   * Commits again and again until it succeeds or the time is over.
   * @throws as `commit`, and TimeoutError
   */
  async commitUntil(offsets: Offsets, deadline: Deadline): Promise<void> {
    for (;;) {
      try {
        return await within(this.commit(offsets), deadline, 'commit');
      } catch (error) {
        if (!isRetriable(error)) throw error;
        await sleep(Math.min(this.#config['retry.backoff.ms'], deadline.leftMs));
        if (deadline.isOver) throw new TimeoutError('The commit was not confirmed in time', { cause: error });
      }
    }
  }

  /** Sends at once and is not made again; the callback is called in a later poll, commitSync or close. */
  commitInBackground(offsets: Offsets, callback: CommitCallback): void {
    this.#pendingCommits += 1;
    void this.#commitOnce(offsets, callback);
  }

  async #commitOnce(offsets: Offsets, callback: CommitCallback): Promise<void> {
    let failure: Error | null = null;
    try {
      await this.commit(offsets);
    } catch (error) {
      failure = isRetriable(error) ? new RetriableCommitFailedError(error as Error) : (error as Error);
    }
    this.#pendingCommits -= 1;
    this.#completedCallbacks.push(() => callback(offsets, failure));
    if (typeOf(failure) === 'FENCED_INSTANCE_ID') this.#fenced = failure;
    this.#parts.signal.notify();
  }

  /** @throws FENCED_INSTANCE_ID from the first commit in the background on that was answered so */
  runCallbacks(): void {
    if (this.#fenced !== null) throw this.#fenced;
    this.#callBack();
  }

  #callBack(): void {
    if (this.#completedCallbacks.length > 0) for (const run of this.#completedCallbacks.splice(0)) run();
  }

  get hasPendingCommits(): boolean {
    return this.#pendingCommits > 0;
  }

  /** What has been handed over so far, as it is committed. */
  allConsumed(): Offsets {
    const offsets: Offsets[number][] = [];
    for (const { topic, partition, consumed } of this.#parts.subscriptions.partitions)
      if (consumed !== null)
        offsets.push({ topic, partition, offset: consumed.offset, leaderEpoch: consumed.epoch });
    return offsets;
  }

  // Committed offsets

  /**
   * Sets the positions of partitions that have none; returns at once, the signal says when it is done.
   * @throws what the last attempt has met and nothing but the application can mend, such as NoOffsetForPartitionError
   */
  initializePositions(): void {
    this.#throwFailure();
    const { subscriptions } = this.#parts;
    if (this.#fetching !== null || nowMs() < this.#retryAtMs) return;
    const waiting = subscriptions.partitions.filter(({ phase }) => phase === 'initializing');
    if (waiting.length === 0) return;
    const nodeId = this.membership.coordinator();
    if (nodeId === null) return;
    this.#fetching = waiting;
    void this.#fetchCommitted(nodeId, waiting)
      .then((offsets) => {
        for (const state of waiting) {
          const found = offsets.get(state.name);
          if (found === undefined || state.phase !== 'initializing' || !subscriptions.isCurrent(state))
            continue;
          state.seek({ offset: found.offset, epoch: found.leaderEpoch });
        }
        subscriptions.resetInitializing(waiting);
      })
      .catch((error: unknown) => {
        this.#retryAtMs = nowMs() + this.#config['retry.backoff.ms'];
        if (!isRetriable(error)) this.#failure = error as Error;
      })
      .finally(() => {
        this.#fetching = null;
        this.#parts.signal.notify();
      });
  }

  /** @throws BrokerError, DisconnectError, TimeoutError */
  async committed(partitions: readonly TopicPartition[]): Promise<Map<string, Required<OffsetAndMetadata>>> {
    return await this.#fetchCommitted(await this.membership.finder.find(), partitions);
  }

  // Leaving

  /** Commits where that is automatic, tells the listener, and leaves. */
  async close(deadline: Deadline): Promise<void> {
    const { subscriptions } = this.#parts;
    try {
      if (this.#config['enable.auto.commit'])
        await this.commitUntil(this.allConsumed(), deadline).catch((error: Error) => {
          console.error(`reference client: the last commit failed: ${error.message}`);
        });
      while (this.hasPendingCommits && !deadline.isOver)
        await this.#parts.signal.wait(deadline.leftMs, this.#parts.signal.version);
      this.#callBack();
    } finally {
      await this.#leave('the consumer is being closed', deadline);
      subscriptions.unsubscribe();
      this.membership.close();
    }
  }

  async unsubscribe(): Promise<void> {
    await this.#leave(
      'the consumer unsubscribed from all topics',
      new Deadline(this.#config['default.api.timeout.ms']),
    );
    this.#joinedTopics = null;
  }

  async #leave(reason: string, deadline: Deadline): Promise<void> {
    const { subscriptions } = this.#parts;
    if (subscriptions.isGroupManaged) {
      const owned = subscriptions.assignment;
      const isLost = this.membership.generation.id < 0;
      if (owned.length > 0) await (isLost ? this.#lost(owned) : this.#revoked(owned));
      subscriptions.setAssigned([]);
    }
    // Also where nothing is subscribed to: a join that was under way then may have been given a member id since.
    const leaving = this.membership.leave(reason);
    await within(leaving, deadline, 'leave').catch((error: unknown) => {
      if (!(error instanceof TimeoutError)) throw error;
    });
  }

  // Taking part

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /** The subscription has changed, or, in the leader, the partitions have. */
  #noticeChanges(): void {
    const { subscriptions } = this.#parts;
    if (this.membership.isRejoinNeeded) return;
    const { metadata } = this.#parts;
    // An answer that was on its way when the group came to other topics knows nothing of them.
    const isKnown = metadata.isAbout(this.#groupTopics);
    if (this.#countsAssigned !== null && isKnown && this.#countsAssigned !== this.#counts())
      this.membership.requestRejoin('the partitions of a subscribed topic have changed');
    else if (this.#joinedTopics !== null && this.#joinedTopics !== subscriptions.topics.join(' '))
      this.membership.requestRejoin('the subscription has changed');
  }

  #counts(): string {
    return this.#groupTopics
      .map((topic) => `${topic}:${this.#parts.metadata.partitionCount(topic) ?? 'none'}`)
      .join(' ');
  }

  /**
   * Before JoinGroup: commits where that is automatic, and tells the listener what it has to give up.
   * @returns whether the group may be joined now
   */
  async #prepared(): Promise<boolean> {
    const { membership } = this;
    if (!membership.needsPrepare) return true;
    const isLost = membership.generation.id < 0;
    if (this.#config['enable.auto.commit'] && !isLost) {
      this.#prepareCommit ??= { deadline: new Deadline(this.#config['max.poll.interval.ms']), state: 'due' };
      if (this.#prepareCommit.state === 'due') void this.#commitBeforeJoin(this.#prepareCommit);
    }
    if (this.#prepareCommit?.state === 'sent') return false;
    this.#prepareCommit = null;
    membership.needsPrepare = false;
    this.isLeader = false;
    const { subscriptions } = this.#parts;
    const owned = subscriptions.assignment;
    // The place may have been lost while the commit was under way.
    if (membership.generation.id < 0) {
      if (owned.length > 0) await this.#giveUp([], () => this.#lost(owned));
    } else if (!this.#isCooperative) await this.#giveUp([], () => this.#revoked(owned));
    else {
      const kept = owned.filter((one) => subscriptions.covers([one]));
      const revoked = without(owned, kept);
      if (revoked.length > 0) await this.#giveUp(kept, () => this.#revoked(revoked));
    }
    return true;
  }

  async #giveUp(kept: readonly TopicPartition[], tell: () => Promise<void>): Promise<void> {
    try {
      await tell();
    } finally {
      this.#parts.subscriptions.setAssigned(kept);
    }
  }

  async #joinCompleted({ generation, isLeader, assignment }: Joined): Promise<void> {
    const { subscriptions } = this.#parts;
    this.isLeader = isLeader;
    this.joinedAs = generation;
    this.#countsAssigned = isLeader ? this.#countsAssigning : null;
    if (!isLeader) this.#groupTopics = [];
    this.membership.needsPrepare = true;
    const owned = subscriptions.assignment;
    // A member that is given nothing may be sent no bytes at all.
    const assigned = assignment.byteLength === 0 ? [] : flat(decodeAssignment(assignment).assignment);
    if (!subscriptions.covers(assigned)) {
      this.membership.requestRejoin('the assignment does not match the subscription any more');
      return;
    }
    const added = without(assigned, owned);
    const revoked = without(owned, assigned);
    const errors: unknown[] = [];
    const attempt = async (call: () => Promise<void>): Promise<void> => {
      try {
        await call();
      } catch (error) {
        errors.push(error);
      }
    };
    if (this.#isCooperative && revoked.length > 0) {
      await attempt(() => this.#revoked(revoked));
      this.membership.requestRejoin('partitions were revoked: the group may give them to others now');
    }
    this.#lastAssignment = assigned;
    this.#lastGeneration = generation.id;
    this.#autoCommitDueMs = nowMs() + this.#config['auto.commit.interval.ms'];
    subscriptions.setAssigned(assigned);
    await attempt(async () => await this.#call(() => this.listener.onPartitionsAssigned?.(added)));
    if (errors.length > 0) throw new KafkaError('The rebalance listener has thrown', { cause: errors[0] });
  }

  async #revoked(partitions: readonly TopicPartition[]): Promise<void> {
    await this.#call(() => this.listener.onPartitionsRevoked?.(partitions));
  }

  async #lost(partitions: readonly TopicPartition[]): Promise<void> {
    const { listener } = this;
    await this.#call(() =>
      listener.onPartitionsLost === undefined
        ? listener.onPartitionsRevoked?.(partitions)
        : listener.onPartitionsLost(partitions),
    );
  }

  async #call(call: () => void | Promise<void> | undefined): Promise<void> {
    await this.#callOut(async () => await call());
  }

  #protocols(): GroupProtocol[] {
    const { subscriptions } = this.#parts;
    const { topics, assignment } = subscriptions;
    this.#joinedTopics = topics.join(' ');
    const rackId = this.#config['client.rack'];
    return this.#assignors.map((assignor) => ({
      name: assignor.name,
      metadata: encodeSubscription({
        version: SUBSCRIPTION_VERSION,
        topics: [...topics],
        ownedPartitions: grouped(assignment),
        generationId: this.membership.generation.id,
        rackId: rackId === '' ? null : rackId,
        userData: assignor.subscriptionUserData(this.#lastAssignment, this.#lastGeneration),
      }),
    }));
  }

  /** In the leader: the assignment, from partition counts that are fresh enough to know all topics. */
  async #assign(
    protocol: string,
    members: readonly GroupMember[],
    isSkipped: boolean,
  ): Promise<Map<string, Uint8Array>> {
    const { metadata, signal } = this.#parts;
    const assignor = this.#assignors.find(({ name }) => name === protocol);
    if (assignor === undefined) throw new BrokerError(INCONSISTENT_GROUP_PROTOCOL, `assignor ${protocol}`);
    const subscriptions: MemberSubscription[] = members.map(
      ({ memberId, groupInstanceId, metadata: bytes }) => {
        const {
          topics,
          ownedPartitions,
          generationId = -1,
          rackId = null,
          userData,
        } = decodeSubscription(bytes);
        return {
          memberId,
          groupInstanceId,
          topics,
          ownedPartitions: flat(ownedPartitions),
          generationId,
          rackId,
          userData,
        };
      },
    );
    this.#groupTopics = [...new Set(subscriptions.flatMap(({ topics }) => topics))].sort();
    const isUnknown = (topic: string): boolean => metadata.partitionCount(topic) === undefined;
    if (this.#groupTopics.some(isUnknown)) {
      const deadline = new Deadline(this.#config['request.timeout.ms']);
      const { version } = metadata;
      if (this.#parts.subscriptions.pattern === null) metadata.setInterest(this.topicsOfInterest);
      metadata.requestUpdate();
      // An answer that was on its way already knows nothing of the topics that are new.
      while ((metadata.version === version || !metadata.isAbout(this.#groupTopics)) && !deadline.isOver)
        await signal.wait(deadline.leftMs, signal.version);
    }
    const counts = new Map(
      this.#groupTopics.flatMap((topic) => {
        const count = metadata.partitionCount(topic);
        return count === undefined ? [] : [[topic, count] as const];
      }),
    );
    this.#countsAssigning = this.#counts();
    if (isSkipped) return new Map();
    const assignment = assignor.assign(counts, subscriptions);
    return new Map(
      [...assignment].map(([memberId, partitions]) => [
        memberId,
        encodeAssignment({
          version: ASSIGNMENT_VERSION,
          assignment: grouped(partitions),
          userData: null,
        }),
      ]),
    );
  }

  // Inside commits

  /** Is made once, and again only by a later poll, as in Java: after close nothing may commit what close has passed. */
  async #commitBeforeJoin(commit: PrepareCommit): Promise<void> {
    const { deadline } = commit;
    commit.state = 'sent';
    try {
      await within(this.commit(this.allConsumed()), deadline, 'commit');
      commit.state = 'done';
    } catch (error) {
      if (isRetriable(error)) await sleep(Math.min(this.#config['retry.backoff.ms'], deadline.leftMs));
      commit.state = isRetriable(error) && !deadline.isOver ? 'due' : 'done';
      if (commit.state === 'done')
        console.error(`reference client: the commit before a rebalance failed: ${(error as Error).message}`);
    }
    this.#parts.signal.notify();
  }

  #autoCommit(): void {
    if (!this.#config['enable.auto.commit'] || nowMs() < this.#autoCommitDueMs) return;
    this.#autoCommitDueMs = nowMs() + this.#config['auto.commit.interval.ms'];
    const offsets = this.allConsumed();
    if (offsets.length === 0) return;
    this.commitInBackground(offsets, (_, error) => {
      if (error === null) return;
      console.error(`reference client: an automatic commit failed: ${error.message}`);
      if (isRetriable(error))
        this.#autoCommitDueMs = Math.min(this.#autoCommitDueMs, nowMs() + this.#config['retry.backoff.ms']);
    });
  }

  #commitError(error: unknown, nodeId: number, generation: Membership['generation']): unknown {
    const { membership } = this;
    const type = typeOf(error);
    if (COORDINATOR_MOVED.has(type) || (!(error instanceof BrokerError) && isRetriable(error)))
      membership.finder.markUnknown(nodeId);
    const cause = { cause: error };
    switch (type) {
      case 'REBALANCE_IN_PROGRESS':
        if (membership.state === 'stable') membership.requestRejoin('a commit found the group rebalancing');
        return new RebalanceInProgressError('The group is being rebalanced: call poll to take part', cause);
      case 'UNKNOWN_MEMBER_ID':
      case 'ILLEGAL_GENERATION':
        if (membership.generation !== generation && membership.isRebalancing)
          return new RebalanceInProgressError('The member has joined again since', cause);
        membership.lostMembership(generation, type);
        return new CommitFailedError('the group has been rebalanced without this member', cause);
      case 'FENCED_INSTANCE_ID':
        // Fatal, so the member does not join anew: it would take the place back from whoever has it now.
        if (membership.generation === generation) return error;
        return membership.state === 'preparing'
          ? new RebalanceInProgressError('The member has joined again since', cause)
          : new CommitFailedError('the member has joined again since', cause);
      default:
        return error;
    }
  }

  async #fetchCommitted(
    nodeId: number,
    partitions: readonly TopicPartition[],
  ): Promise<Map<string, Required<OffsetAndMetadata>>> {
    try {
      return await fetchOffsets(this.#parts.network, nodeId, this.id, partitions);
    } catch (error) {
      if (COORDINATOR_MOVED.has(typeOf(error)) || (!(error instanceof BrokerError) && isRetriable(error)))
        this.membership.finder.markUnknown(nodeId);
      throw error;
    }
  }
}

const INCONSISTENT_GROUP_PROTOCOL = 23;
