/**
 * What the client knows of the cluster: topics of interest enter, partition counts and leaders leave, refreshed in the
 * background when they are too old or have turned out wrong. An older leader epoch never replaces a newer one (KIP-320).
 */
import { metadataApi } from '../../../cluster/protocol/03-metadata.ts';
import { after, backoffMs, nowMs, type Signal, sleep } from '../clock.ts';
import { BrokerError, KafkaError, nameOf, type TopicPartition } from '../errors.ts';
import type { NetworkClient } from './client.ts';

export interface Leader {
  readonly brokerId: number;
  readonly epoch: number;
}

interface PartitionMetadata extends Leader {
  /** Brokers that are there and have a replica that is. */
  readonly replicas: readonly number[];
}

interface TopicMetadata {
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: ReadonlyMap<number, PartitionMetadata>;
}

const NO_LEADER = -1;
/** From here on topics are named, and not their ids alone. */
const VERSION_MAX = 12;

export class Metadata {
  readonly #network: NetworkClient;
  readonly #signal: Signal;
  readonly #allowAutoCreate: boolean;
  #interest: readonly string[] | 'all' = [];
  #topics = new Map<string, TopicMetadata>();
  #errors = new Map<string, BrokerError>();
  #fatal: BrokerError | null = null;
  /** What the last answer was asked about. */
  #answered: readonly string[] | 'all' = [];
  /** By partition: an epoch of its leader that a broker has named, newer than the one that is known. */
  readonly #namedEpochs = new Map<string, number>();
  #isNeeded = false;
  #isRunning = false;
  #failures = 0;
  #lastAttemptMs = Number.NEGATIVE_INFINITY;
  #cancelAging: () => void = () => {};
  /** Answers so far; raised after each. */
  version = 0;

  constructor(network: NetworkClient, signal: Signal, allowAutoCreate: boolean) {
    this.#network = network;
    this.#signal = signal;
    this.#allowAutoCreate = allowAutoCreate;
  }

  /** Asks from now on for these topics; at once where one of them is new. */
  setInterest(interest: readonly string[] | 'all'): void {
    const before = this.#interest;
    this.#interest = interest;
    const isNew =
      interest === 'all'
        ? before !== 'all'
        : interest.some((topic) => before === 'all' || !before.includes(topic));
    if (isNew) this.requestUpdate();
  }

  /** Topics that are there, in order of name. */
  get topics(): string[] {
    return [...this.#topics.keys()].sort();
  }

  isInternal(topic: string): boolean {
    return this.#topics.get(topic)?.isInternal ?? false;
  }

  partitionCount(topic: string): number | undefined {
    return this.#topics.get(topic)?.partitions.size;
  }

  /** The leader, or null where there is none, the partition is not known, or a newer leader has been heard of. */
  leader(one: TopicPartition): Leader | null {
    const leader = this.#topics.get(one.topic)?.partitions.get(one.partition);
    if (leader === undefined || leader.brokerId === NO_LEADER) return null;
    return leader.epoch < this.#namedEpochOf(one) ? null : leader;
  }

  #namedEpochOf(one: TopicPartition): number {
    // Asked for each partition in each poll, and nearly always there is none.
    return this.#namedEpochs.size === 0 ? -1 : (this.#namedEpochs.get(nameOf(one)) ?? -1);
  }

  /**
   * A broker has named an epoch beside an offset. Whoever is known as the leader of an older one may have been cut off, and
   * would answer with an old view (Kafka's class Metadata).
   */
  hasEpoch(one: TopicPartition, epoch: number): void {
    const known = this.#topics.get(one.topic)?.partitions.get(one.partition)?.epoch ?? -1;
    if (known < 0 || epoch <= Math.max(known, this.#namedEpochOf(one))) return;
    this.#namedEpochs.set(nameOf(one), epoch);
    this.requestUpdate();
  }

  /** Whether the broker is there and has a replica of the partition. */
  hasReplica({ topic, partition }: TopicPartition, brokerId: number): boolean {
    return this.#topics.get(topic)?.partitions.get(partition)?.replicas.includes(brokerId) ?? false;
  }

  /** @throws BrokerError for a topic that may not be read, or a login that was refused */
  throwFatal(): void {
    const error = this.#fatal;
    this.#fatal = null;
    if (error !== null) throw error;
    for (const one of this.#errors.values()) if (!one.isRetriable) throw one;
  }

  /** Whether the last answer is about all of these topics, known or not. */
  isAbout(topics: readonly string[]): boolean {
    const answered = this.#answered;
    return answered === 'all' || topics.every((topic) => answered.includes(topic));
  }

  /** Whether the last answer is about every topic that there is. */
  get isAboutAll(): boolean {
    return this.#answered === 'all';
  }

  errorOf(topic: string): BrokerError | undefined {
    return this.#errors.get(topic);
  }

  /** Refreshes in the background, again and again until it succeeds; the signal says when. */
  requestUpdate(): void {
    this.#isNeeded = true;
    if (!this.#isRunning && !this.#network.isClosed) void this.#run();
  }

  close(): void {
    this.#isNeeded = false;
    this.#cancelAging();
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    const { config } = this.#network;
    while (this.#isNeeded && !this.#network.isClosed) {
      const pauseMs = backoffMs(config['retry.backoff.ms'], config['retry.backoff.max.ms'], this.#failures);
      const waitMs = this.#lastAttemptMs + pauseMs - nowMs();
      if (waitMs > 0) await sleep(waitMs);
      this.#isNeeded = false;
      this.#lastAttemptMs = nowMs();
      try {
        await this.#update();
        this.#failures = 0;
      } catch (error) {
        this.#failures += 1;
        this.#isNeeded = true;
        if (error instanceof BrokerError && !error.isRetriable) this.#fatal = error;
      }
      this.#signal.notify();
    }
    this.#isRunning = false;
  }

  async #update(): Promise<void> {
    const interest = this.#interest;
    const answer = await this.#network.requestAny(
      metadataApi,
      {
        topics: interest === 'all' ? null : interest.map((name) => ({ name })),
        allowAutoTopicCreation: this.#allowAutoCreate,
      },
      { versionMax: VERSION_MAX },
    );
    // A broker that knows of no broker has just started, and knows of no topic either (Kafka's class NetworkClient).
    if (answer.brokers.length === 0) throw new KafkaError('the broker knows of no broker');
    this.#network.setBrokers(answer.brokers);
    const brokerIds = new Set(answer.brokers.map(({ nodeId }) => nodeId));
    const topics = new Map<string, TopicMetadata>();
    const errors = new Map<string, BrokerError>();
    for (const { name, topicId, isInternal, errorCode, partitions } of answer.topics) {
      if (name === null) continue;
      const known = this.#topics.get(name);
      if (errorCode !== 0) {
        const error = new BrokerError(errorCode, `topic ${name}`);
        errors.set(name, error);
        if (error.isRetriable) this.#isNeeded = true;
        continue;
      }
      const byIndex = new Map<number, PartitionMetadata>();
      for (const { partitionIndex, leaderId, leaderEpoch, replicaNodes, offlineReplicas } of partitions) {
        if (leaderId === NO_LEADER) this.#isNeeded = true;
        const one = { topic: name, partition: partitionIndex };
        const before = known?.topicId === topicId ? known.partitions.get(partitionIndex) : undefined;
        const newest = Math.max(before?.epoch ?? -1, this.#namedEpochOf(one));
        const isOlder = before !== undefined && leaderEpoch !== -1 && leaderEpoch < newest;
        // Of a topic that was created again, epochs begin anew.
        if (!isOlder) this.#namedEpochs.delete(nameOf(one));
        const replicas = replicaNodes.filter((id) => brokerIds.has(id) && !offlineReplicas.includes(id));
        byIndex.set(partitionIndex, isOlder ? before : { brokerId: leaderId, epoch: leaderEpoch, replicas });
      }
      topics.set(name, { topicId, isInternal, partitions: byIndex });
    }
    this.#topics = topics;
    this.#errors = errors;
    this.#answered = interest;
    this.version += 1;
    this.#cancelAging();
    this.#cancelAging = after(this.#network.config['metadata.max.age.ms'], () => this.requestUpdate());
  }
}
