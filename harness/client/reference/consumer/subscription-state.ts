/**
 * What a consumer has subscribed to and where it stands: subscriptions, assignments, seeks and pauses enter, the state of
 * each assigned partition leaves. After Kafka's class SubscriptionState.
 *
 * Offsets are numbers here, since a partition of a trial never outgrows 2^53.
 */
import type { ConsumerConfig } from '../config.ts';
import { IllegalStateError, NoOffsetForPartitionError, nameOf, type TopicPartition } from '../errors.ts';

export type ResetStrategy = 'earliest' | 'latest';

export interface Position {
  /** The next offset to be handed over. */
  readonly offset: number;
  /** The leader epoch of the record before it, or -1 where it is not known. */
  readonly epoch: number;
}

/** One assigned partition; a new object with each assignment, so what belongs to an old one can be told. */
export class PartitionState implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly name: string;
  /** `initializing` waits for the committed offset, `resetting` for the log's, `validating` for the leader's word. */
  phase: 'initializing' | 'resetting' | 'validating' | 'fetching' = 'initializing';
  position: Position | null = null;
  resetStrategy: ResetStrategy | null = null;
  isPaused = false;
  /** It is about to be given up, and what has been handed over of it is being committed. */
  isRevoking = false;
  /** The leader epoch up to which the position is known to be in the leader's log. */
  validatedEpoch = -1;
  /** Not asked for before this, after an error. */
  retryAtMs = 0;
  /** The follower that the leader has sent us to, and until when (KIP-392). */
  #preferredReplica: { readonly brokerId: number; readonly untilMs: number } | null = null;

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic;
    this.partition = partition;
    this.name = nameOf(this);
  }

  get isFetchable(): boolean {
    return this.phase === 'fetching' && !this.isPaused && !this.isRevoking;
  }

  /** The replica to read from in place of the leader; null where there is none, or no longer. */
  preferredReplica(nowMs: number): number | null {
    if (this.#preferredReplica !== null && nowMs > this.#preferredReplica.untilMs)
      this.#preferredReplica = null;
    return this.#preferredReplica?.brokerId ?? null;
  }

  /** Being sent to the same replica again does not lengthen the time. */
  prefer(brokerId: number, untilMs: number): void {
    if (brokerId !== this.#preferredReplica?.brokerId) this.#preferredReplica = { brokerId, untilMs };
  }

  /** To where it has been handed over; null while the position is looked for, or held against a new leader. */
  get consumed(): Position | null {
    return this.phase === 'fetching' ? this.position : null;
  }

  /** @returns whether there was one */
  forgetPreferredReplica(): boolean {
    const had = this.#preferredReplica !== null;
    this.#preferredReplica = null;
    return had;
  }

  seek(position: Position): void {
    this.position = position;
    this.phase = 'fetching';
    this.resetStrategy = null;
  }

  reset(strategy: ResetStrategy): void {
    this.phase = 'resetting';
    this.resetStrategy = strategy;
    this.retryAtMs = 0;
  }
}

type Subscription =
  | { readonly kind: 'none' }
  | { readonly kind: 'topics'; readonly topics: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: RegExp; topics: readonly string[] }
  | { readonly kind: 'manual' };

const compare = (a: TopicPartition, b: TopicPartition): number =>
  a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition;

export class SubscriptionState {
  readonly #resetPolicy: ConsumerConfig['auto.offset.reset'];
  #subscription: Subscription = { kind: 'none' };
  #assigned = new Map<string, PartitionState>();
  #partitions: readonly PartitionState[] = [];

  constructor(resetPolicy: ConsumerConfig['auto.offset.reset']) {
    this.#resetPolicy = resetPolicy;
  }

  /** Partitions are the group's to assign. */
  get isGroupManaged(): boolean {
    return this.#subscription.kind === 'topics' || this.#subscription.kind === 'pattern';
  }

  get isNone(): boolean {
    return this.#subscription.kind === 'none';
  }

  get pattern(): RegExp | null {
    return this.#subscription.kind === 'pattern' ? this.#subscription.pattern : null;
  }

  /** In order of name. */
  get topics(): readonly string[] {
    return 'topics' in this.#subscription ? this.#subscription.topics : [];
  }

  get resetPolicy(): ResetStrategy | null {
    return this.#resetPolicy === 'none' ? null : this.#resetPolicy;
  }

  subscribe(to: readonly string[] | RegExp): void {
    this.#require(to instanceof RegExp ? 'pattern' : 'topics');
    if (to instanceof RegExp) this.#subscription = { kind: 'pattern', pattern: to, topics: [] };
    else this.#subscription = { kind: 'topics', topics: [...new Set(to)].sort() };
  }

  /** @returns whether the topics that the pattern finds are others than before */
  matched(topics: readonly string[]): boolean {
    if (this.#subscription.kind !== 'pattern') return false;
    const isSame = topics.join(' ') === this.#subscription.topics.join(' ');
    this.#subscription.topics = topics;
    return !isSame;
  }

  assignManually(partitions: readonly TopicPartition[]): void {
    this.#require('manual');
    this.#subscription = { kind: 'manual' };
    this.setAssigned(partitions);
  }

  unsubscribe(): void {
    this.#subscription = { kind: 'none' };
    this.#assigned.clear();
    this.#partitions = [];
  }

  /** Partitions that stay keep their position and whether they are paused. */
  setAssigned(partitions: readonly TopicPartition[]): void {
    const before = this.#assigned;
    this.#assigned = new Map(
      partitions
        .toSorted(compare)
        .map((one) => [nameOf(one), before.get(nameOf(one)) ?? new PartitionState(one)]),
    );
    this.#partitions = [...this.#assigned.values()];
  }

  /** Nothing is fetched or handed over of what is assigned, until it is given up. */
  markRevoking(): void {
    for (const state of this.#partitions) state.isRevoking = true;
  }

  /** Whether each of the partitions is of a topic that is subscribed to now. */
  covers(partitions: readonly TopicPartition[]): boolean {
    return partitions.every(({ topic }) => this.pattern?.test(topic) ?? this.topics.includes(topic));
  }

  /** In order of topic and partition; another list after each assignment. */
  get partitions(): readonly PartitionState[] {
    return this.#partitions;
  }

  get assignment(): TopicPartition[] {
    return this.partitions.map(({ topic, partition }) => ({ topic, partition }));
  }

  find(partition: TopicPartition): PartitionState | undefined {
    return this.#assigned.get(nameOf(partition));
  }

  /** @throws IllegalStateError */
  get(partition: TopicPartition): PartitionState {
    const state = this.find(partition);
    if (state === undefined) throw new IllegalStateError(`${nameOf(partition)} is not assigned`);
    return state;
  }

  isCurrent(state: PartitionState): boolean {
    return this.#assigned.get(state.name) === state;
  }

  /**
   * Partitions for which the group has no committed offset begin where auto.offset.reset says.
   * @throws NoOffsetForPartitionError where it says `none`
   */
  resetInitializing(states: readonly PartitionState[]): void {
    const initializing = states.filter((state) => state.phase === 'initializing' && this.isCurrent(state));
    const { resetPolicy } = this;
    if (initializing.length > 0 && resetPolicy === null)
      throw new NoOffsetForPartitionError(initializing.map(({ topic, partition }) => ({ topic, partition })));
    for (const state of initializing) state.reset(resetPolicy as ResetStrategy);
  }

  #require(kind: Subscription['kind']): void {
    const current = this.#subscription.kind;
    if (current !== 'none' && current !== kind)
      throw new IllegalStateError(
        'Subscription to topics, partitions and pattern are mutually exclusive; call unsubscribe first',
      );
  }
}
