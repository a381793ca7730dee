/**
 * A Kafka consumer with the Java client's semantics and words: a subscription or an assignment enters, `poll` hands over
 * records, and offsets are committed. After Kafka's class ClassicKafkaConsumer.
 *
 * It is not safe for calls at the same time: a call while another is under way is refused, but for `wakeup`, and for calls
 * that a rebalance listener makes from inside poll or close.
 */
import { Deadline, Signal, within } from '../clock.ts';
import { type ConsumerConfig, type ConsumerOptions, consumerConfig } from '../config.ts';
import {
  ConcurrentModificationError,
  IllegalStateError,
  isRetriable,
  nameOf,
  TimeoutError,
  type TopicPartition,
  WakeupError,
} from '../errors.ts';
import { NetworkClient } from '../network/client.ts';
import type { Transport } from '../network/connection.ts';
import { Metadata } from '../network/metadata.ts';
import type { OffsetAndMetadata, Offsets } from './commits.ts';
import type { ConsumerRecord } from './completed-fetch.ts';
import { type ConsumerParts, Fetcher } from './fetcher.ts';
import { type CommitCallback, ConsumerGroup, type RebalanceListener } from './group.ts';
import { OffsetResetter } from './offsets.ts';
import { SubscriptionState } from './subscription-state.ts';

/** What identifies the member to others, such as the transactional producer that commits its offsets. */
export interface ConsumerGroupMetadata {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** Java's DEFAULT_CLOSE_TIMEOUT_MS. */
const CLOSE_TIMEOUT_MS = 30_000;
/** No metadata has this version. */
const UNSEEN = -1;

interface Interest {
  readonly partitions: readonly TopicPartition[];
  readonly ofGroup: readonly string[];
  readonly topics: readonly string[];
}
const NO_TOPICS: readonly string[] = [];
/** Not yet made of anything: no list is the same as these. */
const NOTHING: Interest = { partitions: [], ofGroup: [], topics: [] };

const logCommitError: CommitCallback = (_, error) => {
  if (error !== null) console.error(`reference client: an asynchronous commit failed: ${error.message}`);
};

export class Consumer {
  readonly #config: ConsumerConfig;
  readonly #network: NetworkClient;
  readonly #metadata: Metadata;
  readonly #signal = new Signal();
  readonly #subscriptions: SubscriptionState;
  readonly #fetcher: Fetcher;
  readonly #resetter: OffsetResetter;
  readonly #group: ConsumerGroup | null;
  #metadataVersion = 0;
  /** The topics that were of interest last, and what they were made of. */
  #interest: Interest = NOTHING;
  #isBusy = false;
  #isInListener = false;
  #isClosed = false;
  #isWakeupDue = false;
  /** Ends the call that is under way, where that waits for something else than the signal. */
  #interrupt: ((error: Error) => void) | null = null;

  /** @throws ConfigError */
  constructor(options: ConsumerOptions, transport: Transport) {
    const config = consumerConfig(options, (sentence) => console.error(`reference client: ${sentence}`));
    this.#config = config;
    this.#network = new NetworkClient(config, transport);
    this.#metadata = new Metadata(this.#network, this.#signal, config['allow.auto.create.topics']);
    this.#subscriptions = new SubscriptionState(config['auto.offset.reset']);
    const parts: ConsumerParts = {
      config,
      network: this.#network,
      metadata: this.#metadata,
      subscriptions: this.#subscriptions,
      signal: this.#signal,
    };
    this.#fetcher = new Fetcher(parts);
    this.#resetter = new OffsetResetter(parts);
    const groupId = config['group.id'];
    this.#group = groupId === null ? null : new ConsumerGroup(groupId, parts, (call) => this.#callOut(call));
  }

  /**
   * Replaces the subscription; the group is joined by the polls that follow.
   * @throws IllegalStateError without a group id, or after `assign`
   */
  subscribe(to: readonly string[] | RegExp, listener: RebalanceListener = {}): void {
    this.#enter();
    try {
      const group = this.#requireGroup('subscribe');
      this.#subscriptions.subscribe(to);
      group.listener = listener;
      // A pattern finds what is known already, and does not join without topics until something new is learned.
      this.#metadataVersion = UNSEEN;
      this.#updateInterest();
    } finally {
      this.#isBusy = this.#isInListener;
    }
  }

  /** Takes partitions by hand, outside group management; positions of those that stay are kept. */
  assign(partitions: readonly TopicPartition[]): void {
    this.#enter();
    try {
      this.#subscriptions.assignManually(partitions);
      this.#updateInterest();
    } finally {
      this.#isBusy = this.#isInListener;
    }
  }

  /** Leaves the group and gives everything up. */
  async unsubscribe(): Promise<void> {
    await this.#run(async () => {
      await this.#group?.unsubscribe();
      this.#subscriptions.unsubscribe();
      this.#updateInterest();
    });
  }

  /**
   * Takes part in the group and hands over records that have come, at most max.poll.records, waiting for the first.
   * @throws WakeupError, NoOffsetForPartitionError, OffsetOutOfRangeError, BrokerError, KafkaError of the listener
   */
  async poll(timeoutMs: number): Promise<ConsumerRecord[]> {
    this.#enter();
    try {
      if (this.#subscriptions.isNone)
        throw new IllegalStateError('Consumer is not subscribed to any topics or assigned any partitions');
      return await this.#poll(new Deadline(timeoutMs));
    } finally {
      this.#isBusy = this.#isInListener;
    }
  }

  async #poll(deadline: Deadline): Promise<ConsumerRecord[]> {
    const membership = this.#group?.membership;
    membership?.pollBegins();
    try {
      for (;;) {
        this.#throwIfWoken();
        const seen = this.#signal.version;
        await this.#step();
        const records = this.#fetcher.collect();
        // Asked for before the application works on what is here, so that the next poll finds something.
        this.#fetcher.sendFetches();
        if (records.length > 0 || deadline.isOver) return records;
        await this.#signal.wait(Math.min(deadline.leftMs, this.#nextStepInMs), seen);
      }
    } finally {
      membership?.pollEnds();
    }
  }

  /**
   * Commits these offsets, or all that poll has handed over, and waits; what passes is tried again.
   * @throws CommitFailedError, RebalanceInProgressError, BrokerError, TimeoutError, WakeupError
   */
  async commitSync(offsets?: Offsets, timeoutMs = this.#config['default.api.timeout.ms']): Promise<void> {
    await this.#run(async () => {
      const group = this.#requireGroup('commitSync');
      const deadline = new Deadline(timeoutMs);
      group.runCallbacks();
      await this.#wakeable(group.commitUntil(offsets ?? group.allConsumed(), deadline));
      // Callbacks of commits made before this one come before it returns.
      group.runCallbacks();
    });
  }

  /** Commits these offsets, or all that poll has handed over, without waiting and without trying again. */
  commitAsync(offsets?: Offsets, callback: CommitCallback = logCommitError): void {
    this.#enter();
    try {
      const group = this.#requireGroup('commitAsync');
      group.runCallbacks();
      group.commitInBackground(offsets ?? group.allConsumed(), callback);
    } finally {
      this.#isBusy = this.#isInListener;
    }
  }

  /** The next poll hands over records from here. */
  seek(partition: TopicPartition, offset: number): void {
    if (offset < 0) throw new IllegalStateError('seek offset must not be a negative number');
    this.#subscriptions.get(partition).seek({ offset, epoch: -1 });
  }

  seekToBeginning(partitions: readonly TopicPartition[]): void {
    for (const one of partitions) this.#subscriptions.get(one).reset('earliest');
  }

  seekToEnd(partitions: readonly TopicPartition[]): void {
    for (const one of partitions) this.#subscriptions.get(one).reset('latest');
  }

  /** Poll hands over nothing of them until `resume`; a rebalance that takes them away forgets it. */
  pause(partitions: readonly TopicPartition[]): void {
    for (const one of partitions) this.#subscriptions.get(one).isPaused = true;
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const one of partitions) this.#subscriptions.get(one).isPaused = false;
  }

  paused(): TopicPartition[] {
    return this.#subscriptions.partitions
      .filter(({ isPaused }) => isPaused)
      .map(({ topic, partition }) => ({ topic, partition }));
  }

  assignment(): TopicPartition[] {
    return this.#subscriptions.assignment;
  }

  subscription(): string[] {
    return [...this.#subscriptions.topics];
  }

  /**
   * The offset of the next record, asked for where it is not known yet.
   * @throws IllegalStateError, TimeoutError, WakeupError, NoOffsetForPartitionError
   */
  async position(
    partition: TopicPartition,
    timeoutMs = this.#config['default.api.timeout.ms'],
  ): Promise<number> {
    return await this.#run(async () => {
      const deadline = new Deadline(timeoutMs);
      const state = this.#subscriptions.get(partition);
      for (;;) {
        this.#throwIfWoken();
        const seen = this.#signal.version;
        if (state.phase === 'fetching' && state.position !== null) return state.position.offset;
        if (deadline.isOver) throw new TimeoutError(`no position of ${nameOf(partition)} in time`);
        this.#positionStep();
        await this.#signal.wait(Math.min(deadline.leftMs, this.#config['retry.backoff.ms']), seen);
      }
    });
  }

  /**
   * @returns by name of the partition (`topic-0`); those without a committed offset are left out
   * @throws BrokerError, TimeoutError, WakeupError
   */
  async committed(
    partitions: readonly TopicPartition[],
    timeoutMs = this.#config['default.api.timeout.ms'],
  ): Promise<Map<string, Required<OffsetAndMetadata>>> {
    return await this.#run(async () => {
      const group = this.#requireGroup('committed');
      const deadline = new Deadline(timeoutMs);
      for (;;) {
        const seen = this.#signal.version;
        try {
          return await this.#wakeable(within(group.committed(partitions), deadline, 'committed offsets'));
        } catch (error) {
          if (!isRetriable(error) || deadline.isOver) throw error;
        }
        await this.#signal.wait(Math.min(deadline.leftMs, this.#config['retry.backoff.ms']), seen);
      }
    });
  }

  /**
   * That of the last assignment, also when the place has been lost since: the offsets of a transaction would pass for those
   * of somebody outside the group otherwise.
   * @throws IllegalStateError without a group id
   */
  groupMetadata(): ConsumerGroupMetadata {
    const { id, joinedAs } = this.#requireGroup('groupMetadata');
    return {
      groupId: id,
      generationId: joinedAs.id,
      memberId: joinedAs.memberId,
      groupInstanceId: this.#config['group.instance.id'],
    };
  }

  /** Whether this member leads its group, and the assignor that the group has agreed on; for an observer. */
  get groupRole(): { readonly isLeader: boolean; readonly protocol: string | null } {
    return {
      isLeader: this.#group?.isLeader ?? false,
      protocol: this.#group?.membership.generation.protocol ?? null,
    };
  }

  /** Ends the call that waits, or the next one that would, with WakeupError. */
  wakeup(): void {
    this.#isWakeupDue = true;
    if (this.#interrupt !== null) {
      this.#isWakeupDue = false;
      this.#interrupt(new WakeupError('wakeup'));
    }
    this.#signal.notify();
  }

  /** Commits where that is automatic, leaves the group and ends the connections; never for longer than the timeout. */
  async close(timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    if (this.#isClosed) return;
    await this.#run(async () => {
      try {
        await this.#group?.close(new Deadline(timeoutMs));
      } finally {
        this.#isClosed = true;
        this.#metadata.close();
        this.#network.close();
      }
    });
  }

  async #step(): Promise<void> {
    this.#metadata.throwFatal();
    this.#updateInterest();
    const mayInitialize = this.#group === null || (await this.#group.step());
    if (mayInitialize) this.#positionStep();
    else this.#resetter.step();
  }

  #positionStep(): void {
    if (this.#group !== null) this.#group.initializePositions();
    else this.#subscriptions.resetInitializing(this.#subscriptions.partitions);
    this.#resetter.step();
  }

  get #nextStepInMs(): number {
    // Errors are tried again after the backoff, which no answer announces.
    const hasUnknown = this.#subscriptions.partitions.some(({ phase }) => phase !== 'fetching');
    const retryMs = hasUnknown ? this.#config['retry.backoff.ms'] : this.#fetcher.retryInMs;
    // Never at once: what is due and cannot be done yet would stop the clock of a simulated process.
    return Math.max(1, Math.min(retryMs, this.#group?.nextStepInMs ?? Number.POSITIVE_INFINITY));
  }

  #updateInterest(): void {
    const { pattern } = this.#subscriptions;
    if (pattern === null) {
      const { partitions } = this.#subscriptions;
      const ofGroup = this.#group?.topicsOfInterest ?? NO_TOPICS;
      // Poll comes by again and again, and nearly always nothing has changed.
      const { partitions: before, ofGroup: ofGroupBefore } = this.#interest;
      if (partitions !== before || ofGroup !== ofGroupBefore) {
        const assigned = partitions.map(({ topic }) => topic);
        this.#interest = { partitions, ofGroup, topics: [...new Set([...ofGroup, ...assigned])].sort() };
      }
      this.#metadata.setInterest(this.#interest.topics);
      return;
    }
    this.#metadata.setInterest('all');
    if (this.#metadataVersion === this.#metadata.version) return;
    this.#metadataVersion = this.#metadata.version;
    this.#subscriptions.matched(
      this.#metadata.topics.filter((topic) => !this.#metadata.isInternal(topic) && pattern.test(topic)),
    );
  }

  #requireGroup(call: string): ConsumerGroup {
    if (this.#group === null) throw new IllegalStateError(`${call} needs a group.id`);
    return this.#group;
  }

  #throwIfWoken(): void {
    if (!this.#isWakeupDue) return;
    this.#isWakeupDue = false;
    throw new WakeupError('wakeup');
  }

  async #wakeable<T>(promise: Promise<T>): Promise<T> {
    this.#throwIfWoken();
    const interrupted = new Promise<never>((_, reject) => {
      this.#interrupt = reject;
    });
    try {
      return await Promise.race([promise, interrupted]);
    } finally {
      this.#interrupt = null;
    }
  }

  /** @throws IllegalStateError, ConcurrentModificationError */
  #enter(): void {
    if (this.#isClosed) throw new IllegalStateError('This consumer has already been closed.');
    if (this.#isBusy && !this.#isInListener)
      throw new ConcurrentModificationError('KafkaConsumer is not safe for calls at the same time');
    this.#isBusy = true;
  }

  async #run<T>(call: () => Promise<T>): Promise<T> {
    this.#enter();
    try {
      return await call();
    } finally {
      this.#isBusy = this.#isInListener;
    }
  }

  async #callOut(call: () => void | Promise<void>): Promise<void> {
    this.#isInListener = true;
    try {
      await call();
    } finally {
      this.#isInListener = false;
      this.#isBusy = true;
    }
  }
}
