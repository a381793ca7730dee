/**
 * The control plane (Kafka's KRaft quorum): orders and broker sessions enter, metadata images leave. It elects leaders,
 * keeps the in-sync sets and gives out topic and producer ids. Whether there is one that may decide is the quorum's affair.
 *
 * Not implemented: reassignment of replicas, access control lists.
 */
import type { Cancel, ClusterEnvironment } from './environment.ts';
import {
  type BrokerState,
  emptyImage,
  type MetadataImage,
  NO_LEADER,
  type PartitionState,
  type TopicState,
  withBroker,
  withQuotas,
  withTopics,
} from './metadata-image.ts';
import type { Profile } from './profiles.ts';
import { type ErrorName, errorCode } from './protocol/errors.ts';
import { alterQuotas, type QuotaChange, type QuotaOutcome } from './quota/entities.ts';
import type { ClusterSettings } from './settings.ts';
import { topicLimits, whyConfigInvalid } from './topic-configs.ts';
import { isTopicName } from './topic-name.ts';

export interface Outcome {
  readonly errorCode: number;
  readonly message: string | null;
}

const done: Outcome = { errorCode: 0, message: null };
const refuse = (name: ErrorName, message: string): Outcome => ({ errorCode: errorCode(name), message });

export interface NewTopic {
  readonly name: string;
  /** -1 for the cluster's default. */
  readonly partitions: number;
  /** -1 for the cluster's default. */
  readonly replicationFactor: number;
  /** Replicas of each partition, in place of the two numbers. */
  readonly assignments?: readonly (readonly number[])[];
  readonly configs?: ReadonlyMap<string, string | null>;
  readonly isInternal?: boolean;
}

export interface IsrProposal {
  readonly topicId: string;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
}

const PRODUCER_ID_BLOCK = 1_000;
/** The controller's own limit, which no setting changes. */
const PARTITIONS_PER_REQUEST_MAX = 10_000;

export class Controller {
  readonly #environment: ClusterEnvironment;
  readonly #settings: ClusterSettings;
  readonly #profile: Profile;
  readonly #changed: () => void;
  #image: MetadataImage = emptyImage;
  /** Since when brokers are silent, and the timers that fence them. */
  readonly #silence = new Map<number, { readonly sinceMs: number; readonly cancel: Cancel }>();
  /** Brokers that want to register while the session of their earlier life still runs. */
  readonly #waiting = new Map<number, () => void>();
  #nextProducerIdBlock = 0;
  #isSuspended = false;

  constructor(
    environment: ClusterEnvironment,
    settings: ClusterSettings,
    profile: Profile,
    changed: () => void,
  ) {
    this.#environment = environment;
    this.#settings = settings;
    this.#profile = profile;
    this.#changed = changed;
  }

  get image(): MetadataImage {
    return this.#image;
  }

  #publish(image: MetadataImage): void {
    this.#image = image;
    this.#changed();
  }

  // Without a majority of the controllers nothing is decided (KIP-595)

  /** Sessions do not end until there is a controller again. */
  suspend(): void {
    this.#isSuspended = true;
    for (const { cancel } of this.#silence.values()) cancel();
  }

  /** @param isAnother one that was elected takes every broker for one that it has just heard of, so sessions begin anew */
  resume(isAnother: boolean): void {
    this.#isSuspended = false;
    const nowMs = this.#environment.controller.nowMs();
    for (const [id, { sinceMs }] of [...this.#silence]) this.#expect(id, isAnother ? nowMs : sinceMs);
  }

  /** Since when each of the silent brokers has been so. */
  get silentSince(): ReadonlyMap<number, number> {
    return new Map([...this.#silence].map(([id, { sinceMs }]) => [id, sinceMs]));
  }

  // Brokers

  /**
   * A broker that has started: fenced at first, and unfenced once it has caught up. A session of its earlier life that
   * still runs has to end before (DUPLICATE_BROKER_REGISTRATION in Kafka, which the broker answers by trying again).
   *
   * @param clean whether it ended its earlier life by a controlled shutdown
   */
  register(id: number, clean: boolean, registered: () => void): void {
    const known = this.#image.brokers.get(id);
    if (known !== undefined && !known.fenced) {
      this.#waiting.set(id, () => this.register(id, clean, registered));
      return;
    }
    // What was left of an earlier session, of one that was fenced already, must not end this one.
    this.#endSilence(id);
    let image = withBroker(this.#image, { id, fenced: true, shuttingDown: false });
    if (!clean && this.#profile.eligibleLeaderReplicas) image = this.#afterUncleanShutdown(image, id);
    this.#publish(image);
    registered();
  }

  unfence(id: number): void {
    const broker = this.#image.brokers.get(id);
    if (broker === undefined || !broker.fenced) return;
    const image = withBroker(this.#image, { ...broker, fenced: false });
    this.#publish(this.#electAll(image, (partition) => partition.leader === NO_LEADER));
  }

  /** The broker sends no heartbeats from now on: after its session timeout it is fenced. */
  silent(id: number): void {
    this.#silence.get(id)?.cancel();
    this.#expect(id, this.#environment.controller.nowMs());
  }

  #expect(id: number, sinceMs: number): void {
    const { controller } = this.#environment;
    const delayMs = Math.max(0, sinceMs + this.#settings.brokerSessionTimeoutMs - controller.nowMs());
    const cancel = this.#isSuspended ? () => {} : controller.after(delayMs, () => this.fence(id));
    this.#silence.set(id, { sinceMs, cancel });
  }

  #endSilence(id: number): void {
    this.#silence.get(id)?.cancel();
    this.#silence.delete(id);
  }

  /** The broker sends heartbeats again. @returns whether its session was still running */
  heard(id: number): boolean {
    this.#endSilence(id);
    return this.#image.brokers.get(id)?.fenced === false;
  }

  fence(id: number): void {
    this.#endSilence(id);
    const broker = this.#image.brokers.get(id);
    if (broker !== undefined && !broker.fenced) {
      const image = withBroker(this.#image, { ...broker, fenced: true });
      this.#publish(this.#withoutBroker(image, id));
    }
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    waiting?.();
  }

  /** Takes all leaderships from a broker that is about to go; what nobody else can lead has no leader from now on. */
  beginShutdown(id: number): void {
    const broker = this.#image.brokers.get(id);
    if (broker === undefined || broker.fenced) return;
    const image = withBroker(this.#image, { ...broker, shuttingDown: true });
    this.#publish(this.#withoutBroker(image, id));
  }

  isActive(image: MetadataImage, id: number): boolean {
    const broker = image.brokers.get(id);
    return broker !== undefined && !broker.fenced && !broker.shuttingDown;
  }

  #withoutBroker(image: MetadataImage, id: number): MetadataImage {
    return this.#mapPartitions(image, (partition, topic) => {
      if (!partition.isr.includes(id) && partition.leader !== id) return partition;
      const others = partition.isr.filter((one) => one !== id);
      // Without KIP-966 the last member stays in the set, so that nobody else can be elected cleanly.
      const isr = others.length > 0 || this.#profile.eligibleLeaderReplicas ? others : partition.isr;
      return this.#elect(image, topic, this.#withIsr(partition, topic, isr));
    });
  }

  /** KIP-966: what an unclean shutdown may have lost makes a replica unfit to be elected for what it had. */
  #afterUncleanShutdown(image: MetadataImage, id: number): MetadataImage {
    return this.#mapPartitions(image, (partition) => {
      if (!partition.isr.includes(id) && !partition.eligibleLeaders.includes(id)) return partition;
      const isr = partition.isr.filter((one) => one !== id);
      const eligibleLeaders = partition.eligibleLeaders.filter((one) => one !== id);
      const lastKnownLeader =
        isr.length === 0 && partition.lastKnownLeader < 0 ? id : partition.lastKnownLeader;
      return changed({ ...partition, isr, eligibleLeaders, lastKnownLeader });
    });
  }

  // Elections

  #withIsr(partition: PartitionState, topic: TopicState, isr: readonly number[]): PartitionState {
    let eligibleLeaders: readonly number[] = [];
    if (this.#profile.eligibleLeaderReplicas && isr.length < this.#minInsync(topic, partition)) {
      const candidates = new Set([...partition.eligibleLeaders, ...partition.isr]);
      eligibleLeaders = partition.replicas.filter((id) => candidates.has(id) && !isr.includes(id));
    }
    const lastKnownLeader =
      isr.length === 0 && partition.leader >= 0 ? partition.leader : partition.lastKnownLeader;
    return changed({ ...partition, isr, eligibleLeaders, lastKnownLeader });
  }

  #minInsync(topic: TopicState, partition: PartitionState): number {
    return Math.min(topicLimits(topic, this.#settings).minInsyncReplicas, partition.replicas.length);
  }

  /** Keeps a leader that may lead; otherwise the first replica that may; otherwise nobody. */
  #elect(image: MetadataImage, topic: TopicState, partition: PartitionState): PartitionState {
    const { replicas, isr, eligibleLeaders } = partition;
    const isActive = (id: number) => this.isActive(image, id);
    const mayLead = (id: number) =>
      isActive(id) && (isr.includes(id) || (isr.length === 0 && eligibleLeaders.includes(id)));
    if (mayLead(partition.leader)) return partition;
    const clean = replicas.find(mayLead);
    if (clean !== undefined)
      return ledBy({ ...partition, isr: isr.includes(clean) ? isr : [clean] }, clean, eligibleLeaders);
    const { lastKnownLeader } = partition;
    if (isr.length === 0 && eligibleLeaders.length === 0 && isActive(lastKnownLeader))
      return ledBy({ ...partition, isr: [lastKnownLeader] }, lastKnownLeader, []);
    if (topicLimits(topic, this.#settings).uncleanLeaderElection) {
      const unclean = replicas.find(isActive);
      if (unclean !== undefined) {
        const { name } = topic;
        this.#environment.observe({
          kind: 'unclean-election',
          topic: name,
          partition: partition.partition,
          broker: unclean,
        });
        return ledBy({ ...partition, isr: [unclean] }, unclean, []);
      }
    }
    return partition.leader === NO_LEADER ? partition : ledBy(partition, NO_LEADER, eligibleLeaders);
  }

  #electAll(image: MetadataImage, which: (partition: PartitionState) => boolean): MetadataImage {
    return this.#mapPartitions(image, (partition, topic) =>
      which(partition) ? this.#elect(image, topic, partition) : partition,
    );
  }

  #mapPartitions(
    image: MetadataImage,
    map: (partition: PartitionState, topic: TopicState) => PartitionState,
  ): MetadataImage {
    let isChanged = false;
    const topics = [...image.topics.values()].map((topic) => {
      const partitions = topic.partitions.map((partition) => map(partition, topic));
      if (partitions.every((partition, index) => partition === topic.partitions[index])) return topic;
      isChanged = true;
      return { ...topic, partitions };
    });
    return isChanged ? withTopics(image, topics) : image;
  }

  /** Makes a member of the ISR the leader, as a preferred election after a reassignment would. */
  moveLeader(topicName: string, partition: number, broker: number): Outcome {
    const state = this.#image.topics.get(topicName)?.partitions[partition];
    if (state === undefined) return refuse('UNKNOWN_TOPIC_OR_PARTITION', `no ${topicName}-${partition}`);
    if (!state.isr.includes(broker) || !this.isActive(this.#image, broker))
      return refuse('ELIGIBLE_LEADERS_NOT_AVAILABLE', `broker ${broker} is not in sync`);
    if (state.leader === broker) return refuse('ELECTION_NOT_NEEDED', `broker ${broker} leads already`);
    this.#replacePartition(topicName, changed(ledBy(state, broker, state.eligibleLeaders)));
    return done;
  }

  /** AlterPartition (KIP-497): a leader asks for another in-sync set. */
  alterIsr(leader: number, proposal: IsrProposal): Outcome {
    const topic = this.#image.topicsById.get(proposal.topicId);
    const state = topic?.partitions[proposal.partition];
    if (topic === undefined || state === undefined)
      return refuse('UNKNOWN_TOPIC_OR_PARTITION', 'no such partition');
    if (state.leader !== leader || state.leaderEpoch !== proposal.leaderEpoch)
      return refuse('FENCED_LEADER_EPOCH', `the leader is ${state.leader} in epoch ${state.leaderEpoch}`);
    if (!proposal.isr.every((id) => id === leader || this.isActive(this.#image, id)))
      return refuse('INELIGIBLE_REPLICA', 'a fenced broker cannot be in sync');
    const isr = state.replicas.filter((id) => proposal.isr.includes(id));
    this.#replacePartition(topic.name, this.#withIsr(state, topic, isr));
    return done;
  }

  #replacePartition(topicName: string, state: PartitionState): void {
    const topics = [...this.#image.topics.values()].map((topic) =>
      topic.name === topicName
        ? { ...topic, partitions: topic.partitions.with(state.partition, state) }
        : topic,
    );
    this.#publish(withTopics(this.#image, topics));
  }

  // Topics

  createTopic(wanted: NewTopic, validateOnly = false): Outcome {
    const problem = this.#whyNotCreated(wanted);
    if (problem !== null) return problem;
    const assignments = wanted.assignments ?? this.#place(wanted, 0);
    if ('errorCode' in assignments) return assignments;
    const leaderless = this.#whyLeaderless(assignments);
    if (leaderless !== null) return leaderless;
    if (validateOnly) return done;
    const configs = new Map<string, string>();
    for (const [name, value] of wanted.configs ?? []) if (value !== null) configs.set(name, value);
    const topic: TopicState = {
      name: wanted.name,
      id: this.newTopicId(),
      isInternal: wanted.isInternal ?? false,
      partitions: assignments.map((replicas, partition) => this.#newPartition(partition, replicas)),
      configs,
    };
    this.#publish(withTopics(this.#image, [...this.#image.topics.values(), topic]));
    return done;
  }

  newTopicId(): string {
    return this.#environment.randomUuid('topic-id').replaceAll('-', '');
  }

  #whyNotCreated(wanted: NewTopic): Outcome | null {
    const { name, assignments } = wanted;
    if (!isTopicName(name)) return refuse('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: '${name}'`);
    if (this.#image.topics.has(name))
      return refuse('TOPIC_ALREADY_EXISTS', `Topic '${name}' already exists.`);
    const alike = [...this.#image.topics.keys()].find(
      (other) => other.replaceAll('.', '_') === name.replaceAll('.', '_'),
    );
    if (alike !== undefined)
      return refuse('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topics: ${alike}`);
    for (const [config, value] of wanted.configs ?? []) {
      const why = whyConfigInvalid(config, value, this.#settings);
      if (why !== null) return refuse('INVALID_CONFIG', why);
    }
    if (assignments === undefined) return null;
    if (wanted.partitions !== -1 || wanted.replicationFactor !== -1)
      return refuse('INVALID_REQUEST', 'An assignment excludes a partition count and a replication factor.');
    return this.#whyAssignmentsInvalid(assignments);
  }

  #whyAssignmentsInvalid(assignments: readonly (readonly number[])[]): Outcome | null {
    const size = assignments[0]?.length ?? 0;
    const isValid = assignments.every(
      (replicas) =>
        replicas.length === size &&
        size > 0 &&
        new Set(replicas).size === size &&
        replicas.every((id) => this.#image.brokers.has(id)),
    );
    return isValid ? null : refuse('INVALID_REPLICA_ASSIGNMENT', 'The manual assignment is not valid.');
  }

  /** Replicas of new partitions: leaders go round the brokers from a random one on, followers come next to them. */
  #place(wanted: Pick<NewTopic, 'partitions' | 'replicationFactor'>, firstPartition: number) {
    const count = wanted.partitions === -1 ? this.#settings.numPartitions : wanted.partitions;
    const factor =
      wanted.replicationFactor === -1 ? this.#settings.defaultReplicationFactor : wanted.replicationFactor;
    if (count > PARTITIONS_PER_REQUEST_MAX)
      return refuse('POLICY_VIOLATION', 'Excessively large number of partitions per request.');
    if (factor <= 0)
      return refuse('INVALID_REPLICATION_FACTOR', 'Replication factor must be larger than 0, or -1.');
    if (count <= 0)
      return refuse('INVALID_PARTITIONS', 'Number of partitions was set to an invalid non-positive value.');
    // One that is shutting down is not counted, until it is gone (UsableBrokerIterator).
    const brokers = [...this.#image.brokers.values()].filter(
      ({ fenced, shuttingDown }) => fenced || !shuttingDown,
    );
    const usable = brokers.filter((broker) => !broker.fenced).map((broker) => broker.id);
    const fenced = brokers.filter((broker) => broker.fenced).map((broker) => broker.id);
    if (usable.length === 0)
      return refuse(
        'INVALID_REPLICATION_FACTOR',
        `Unable to replicate the partition ${factor} time(s): All brokers are currently fenced.`,
      );
    if (factor > brokers.length)
      return refuse(
        'INVALID_REPLICATION_FACTOR',
        `Unable to replicate the partition ${factor} time(s): The target replication factor of ${factor} cannot be reached because only ${brokers.length} broker(s) are registered.`,
      );
    const start = this.#environment.randomInt('placement', usable.length) + firstPartition;
    return Array.from({ length: count }, (_, index) => {
      const turned = usable.map((_broker, step) => usable[(start + index + step) % usable.length] as number);
      return [...turned, ...fenced].slice(0, factor);
    });
  }

  /** A partition whose replicas are all on brokers that are fenced or shutting down could never get a leader. */
  #whyLeaderless(assignments: readonly (readonly number[])[]): Outcome | null {
    const replicas = assignments.find((ids) => !ids.some((id) => this.isActive(this.#image, id)));
    return replicas === undefined
      ? null
      : refuse(
          'INVALID_REPLICATION_FACTOR',
          `Unable to replicate the partition ${replicas.length} time(s): All brokers are currently fenced or in controlled shutdown.`,
        );
  }

  #newPartition(partition: number, replicas: readonly number[]): PartitionState {
    const isr = replicas.filter((id) => this.isActive(this.#image, id));
    return {
      partition,
      replicas,
      isr,
      eligibleLeaders: [],
      lastKnownLeader: NO_LEADER,
      leader: isr[0] ?? NO_LEADER,
      leaderEpoch: 0,
      partitionEpoch: 0,
    };
  }

  /** @param count how many partitions the topic has in the end */
  createPartitions(
    topicName: string,
    count: number,
    assignments: readonly (readonly number[])[] | null,
    validateOnly = false,
  ): Outcome {
    const topic = this.#image.topics.get(topicName);
    if (topic === undefined)
      return refuse('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.');
    const present = topic.partitions.length;
    if (count > PARTITIONS_PER_REQUEST_MAX)
      return refuse('INVALID_PARTITIONS', 'Excessively large number of partitions per request.');
    if (count <= present)
      return refuse(
        'INVALID_PARTITIONS',
        `Topic currently has ${present} partitions, which is not fewer than ${count}.`,
      );
    const replicationFactor = topic.partitions[0]?.replicas.length ?? 1;
    if (assignments !== null && assignments.length !== count - present)
      return refuse('INVALID_REPLICA_ASSIGNMENT', 'There must be one assignment for each new partition.');
    const problem = assignments === null ? null : this.#whyAssignmentsInvalid(assignments);
    if (problem !== null) return problem;
    const placed = assignments ?? this.#place({ partitions: count - present, replicationFactor }, present);
    if ('errorCode' in placed) return placed;
    const leaderless = this.#whyLeaderless(placed);
    if (leaderless !== null) return leaderless;
    if (validateOnly) return done;
    const added = placed.map((replicas, index) => this.#newPartition(present + index, replicas));
    this.#replaceTopic({ ...topic, partitions: [...topic.partitions, ...added] });
    return done;
  }

  #replaceTopic(next: TopicState): void {
    const topics = [...this.#image.topics.values()].map((topic) => (topic.id === next.id ? next : topic));
    this.#publish(withTopics(this.#image, topics));
  }

  deleteTopic(topicName: string): Outcome {
    if (!this.#image.topics.has(topicName))
      return refuse('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.');
    this.#publish(
      withTopics(
        this.#image,
        [...this.#image.topics.values()].filter((topic) => topic.name !== topicName),
      ),
    );
    return done;
  }

  /** @param alter what becomes of the topic's own settings, or why they cannot be changed so */
  alterConfigs(
    topicName: string,
    alter: (configs: ReadonlyMap<string, string>) => ReadonlyMap<string, string | null> | string,
    validateOnly: boolean,
  ): Outcome {
    const topic = this.#image.topics.get(topicName);
    const altered = alter(topic?.configs ?? new Map());
    if (typeof altered === 'string') return refuse('INVALID_CONFIG', altered);
    if (topicName === '') return refuse('INVALID_REQUEST', 'Default topic resources are not allowed.');
    if (!isTopicName(topicName))
      return refuse('INVALID_TOPIC_EXCEPTION', `Topic name is invalid: '${topicName}'`);
    const configs = new Map<string, string>();
    for (const [name, value] of altered) {
      const why = whyConfigInvalid(name, value, this.#settings);
      if (why !== null) return refuse('INVALID_CONFIG', why);
      configs.set(name, value as string);
    }
    if (topic === undefined)
      return refuse('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.');
    if (!validateOnly) this.#replaceTopic({ ...topic, configs });
    return done;
  }

  /** @returns an outcome for each entity (KIP-546) */
  alterClientQuotas(changes: readonly QuotaChange[], validateOnly: boolean): readonly QuotaOutcome[] {
    const { table, outcomes } = alterQuotas(this.#image.quotas, changes);
    if (!validateOnly) this.#publish(withQuotas(this.#image, table));
    return outcomes;
  }

  /** A block of ids for one broker, as AllocateProducerIds (KIP-730) gives them out. */
  allocateProducerIds(): { first: number; count: number } {
    const first = this.#nextProducerIdBlock;
    this.#nextProducerIdBlock += PRODUCER_ID_BLOCK;
    return { first, count: PRODUCER_ID_BLOCK };
  }
}

const changed = (partition: PartitionState): PartitionState => ({
  ...partition,
  partitionEpoch: partition.partitionEpoch + 1,
});

const ledBy = (
  partition: PartitionState,
  leader: number,
  eligibleLeaders: readonly number[],
): PartitionState => ({
  ...partition,
  leader,
  leaderEpoch: partition.leaderEpoch + 1,
  eligibleLeaders: eligibleLeaders.filter((id) => id !== leader),
  lastKnownLeader: leader === NO_LEADER ? partition.lastKnownLeader : NO_LEADER,
  partitionEpoch: partition.partitionEpoch + 1,
});

export type { BrokerState };
