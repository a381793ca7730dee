/**
 * One simulated broker: connections, its own copy of the metadata, and its replicas. Images of the controller and
 * requests enter; what it leads, follows and answers follows from them.
 */
import { BrokerConnection, type Connection, type Peer } from './broker-connection.ts';
import { Deadlines } from './deadlines.ts';
import type { Cancel, Environment } from './environment.ts';
import { PartitionLog } from './log/partition-log.ts';
import { emptyImage, type MetadataImage, type PartitionState, type TopicState } from './metadata-image.ts';
import { ClientQuotas } from './quota/client-quotas.ts';
import { Replica, type ReplicaHost } from './replica.ts';
import type { ClusterCore } from './simulated-cluster.ts';
import { topicLimits } from './topic-configs.ts';

/** The broker's replicas of one topic, by partition; partitions that live elsewhere have none. */
export interface LocalTopic {
  topic: TopicState;
  readonly replicas: (Replica | undefined)[];
}

/** Recovering: it acts on its metadata, and no client reaches it before it has registered. */
export type BrokerPhase = 'down' | 'starting' | 'recovering' | 'running' | 'shutting-down';

export class Broker implements ReplicaHost {
  readonly brokerId: number;
  readonly cluster: ClusterCore;
  readonly environment: Environment;
  readonly connections = new Set<BrokerConnection>();
  phase: BrokerPhase = 'down';
  isPaused = false;
  /** Whether the last life ended by a controlled shutdown. */
  endedCleanly = true;
  /** Goes up with every start, so that what was scheduled in an earlier life is not done in a later one. */
  life = 0;
  quotas = new ClientQuotas();
  #image: MetadataImage = emptyImage;
  #isApplying = false;
  #isCheckingIsr = false;
  /** Logs outlive the process. */
  readonly #disk = new Map<string, PartitionLog[]>();
  readonly #topics = new Map<string, LocalTopic>();
  readonly #topicsByName = new Map<string, LocalTopic>();
  readonly #deadlines = new Deadlines(this);
  #producerIds = { next: 0, end: 0 };

  constructor(cluster: ClusterCore, id: number) {
    this.cluster = cluster;
    this.brokerId = id;
    this.environment = cluster.environment.broker(id);
  }

  /** It leads, follows and coordinates. */
  get isUp(): boolean {
    return this.listens || this.phase === 'recovering';
  }

  /** Clients reach it. */
  get listens(): boolean {
    return this.phase === 'running' || this.phase === 'shutting-down';
  }

  /** The metadata that this broker has got to. */
  get image(): MetadataImage {
    return this.#image;
  }

  nowMs(): number {
    return this.environment.nowMs();
  }

  /** A timer of this life: it is not called in a later one. */
  after(delayMs: number, callback: () => void): Cancel {
    const { life } = this;
    return this.environment.after(delayMs, () => {
      if (this.life === life && this.isUp) callback();
    });
  }

  deadline(delayMs: number, callback: () => void): Cancel {
    return this.#deadlines.after(delayMs, callback);
  }

  // Connections

  connect(peer: Peer): Connection | null {
    if (!this.listens) return null;
    const connection = new BrokerConnection(this.cluster.nextConnectionId(), this, peer);
    this.connections.add(connection);
    return connection;
  }

  disconnected(connection: BrokerConnection): void {
    this.connections.delete(connection);
  }

  unsupportedApiVersions(correlationId: number): Buffer {
    return this.cluster.unsupportedApiVersions(correlationId);
  }

  /** Goes on with requests that came while the broker was paused. */
  unpause(): void {
    this.isPaused = false;
    for (const connection of [...this.connections]) connection.proceed();
  }

  closeConnections(reset: boolean): void {
    for (const connection of [...this.connections]) connection.end(reset);
  }

  // Metadata

  /** The controller has a newer image: it takes effect after the metadata delay. */
  metadataChanged(): void {
    if (this.#isApplying || !this.isUp || this.cluster.quorum.isCutOff(this.brokerId)) return;
    this.#isApplying = true;
    this.after(this.cluster.draw('metadata', this.cluster.settings.metadataDelay), () => {
      this.#isApplying = false;
      // Cut off meanwhile, it is told again when it no longer is.
      if (!this.cluster.quorum.isCutOff(this.brokerId)) this.applyImage(this.cluster.controller.image);
    });
  }

  /** Begins a life with nothing in memory but the logs. */
  begin(): void {
    this.life += 1;
    this.#image = emptyImage;
    this.#isApplying = false;
    this.#isCheckingIsr = false;
    this.#deadlines.clear();
    this.#producerIds = { next: 0, end: 0 };
    this.quotas = new ClientQuotas();
  }

  applyImage(image: MetadataImage): void {
    const previous = this.#image;
    if (image === previous) return;
    this.#image = image;
    for (const [id, local] of this.#topics) if (!image.topicsById.has(id)) this.#dropTopic(local);
    for (const id of this.#disk.keys()) if (!image.topicsById.has(id)) this.#disk.delete(id);
    for (const topic of image.topicsById.values())
      if (previous.topicsById.get(topic.id) !== topic) this.#applyTopic(topic);
    if (image.quotas !== previous.quotas) this.quotas.update(image.quotas);
    if (image.brokers !== previous.brokers)
      for (const replica of this.replicas()) replica.considerAllExpanding();
    this.cluster.brokerHasApplied(this);
  }

  #dropTopic(local: LocalTopic): void {
    this.#topics.delete(local.topic.id);
    if (this.#topicsByName.get(local.topic.name) === local) this.#topicsByName.delete(local.topic.name);
    for (const replica of local.replicas) {
      if (replica === undefined) continue;
      const wasLeader = replica.isLeader;
      replica.close();
      if (wasLeader) this.cluster.leadershipChanged(replica.topic.name, replica.partition, this, 'resigned');
    }
    this.cluster.topicDeleted(local.topic, this);
  }

  #applyTopic(topic: TopicState): void {
    let local = this.#topics.get(topic.id);
    if (local === undefined) {
      local = { topic, replicas: [] };
      this.#topics.set(topic.id, local);
    }
    local.topic = topic;
    this.#topicsByName.set(topic.name, local);
    const limits = topicLimits(topic, this.cluster.settings);
    for (const state of topic.partitions) {
      if (!state.replicas.includes(this.brokerId)) continue;
      const replica = local.replicas[state.partition];
      if (replica === undefined) {
        this.#addReplica(local, state);
        continue;
      }
      replica.log.segmentLimits = limits;
      replica.minInsyncReplicas = limits.minInsyncReplicas;
      const change = replica.apply(topic, state);
      if (change !== 'unchanged') this.cluster.leadershipChanged(topic.name, state.partition, this, change);
    }
  }

  #addReplica(local: LocalTopic, state: PartitionState): void {
    const limits = topicLimits(local.topic, this.cluster.settings);
    const log = this.#logOnDisk(local.topic.id, state.partition);
    const replica = new Replica(this, local.topic, state, log);
    log.segmentLimits = limits;
    replica.minInsyncReplicas = limits.minInsyncReplicas;
    local.replicas[state.partition] = replica;
    if (!replica.isLeader) return;
    replica.lead();
    this.cluster.leadershipChanged(local.topic.name, state.partition, this, 'elected');
  }

  #logOnDisk(topicId: string, partition: number): PartitionLog {
    let logs = this.#disk.get(topicId);
    if (logs === undefined) {
      logs = [];
      this.#disk.set(topicId, logs);
    }
    logs[partition] ??= new PartitionLog();
    return logs[partition];
  }

  /** The log on this broker's disk, whether or not its process runs. */
  storedLog(topicId: string, partition: number): PartitionLog | undefined {
    return this.#disk.get(topicId)?.[partition];
  }

  // Replicas

  topicByName(name: string): LocalTopic | undefined {
    return this.#topicsByName.get(name);
  }

  topicById(id: string): LocalTopic | undefined {
    return this.#topics.get(id);
  }

  replica(topicId: string, partition: number): Replica | null {
    return this.#topics.get(topicId)?.replicas[partition] ?? null;
  }

  *replicas(): Generator<Replica> {
    for (const local of this.#topics.values())
      for (const replica of local.replicas) if (replica !== undefined) yield replica;
  }

  /** The process has gone: nothing of its memory stays. */
  lose(): void {
    for (const replica of this.replicas()) {
      const wasLeader = replica.isLeader;
      replica.forget();
      if (wasLeader) this.cluster.leadershipChanged(replica.topic.name, replica.partition, this, 'resigned');
    }
    this.#topics.clear();
    this.#topicsByName.clear();
  }

  replicate(replica: Replica): void {
    this.cluster.replication.wake(replica, this.brokerId);
    this.#watchIsr();
  }

  replicateTo(replica: Replica, followerId: number): void {
    this.cluster.replication.follow(replica, this.brokerId, followerId);
  }

  followerRead(replica: Replica): void {
    this.cluster.followerRead(replica, this);
  }

  isEligible(brokerId: number): boolean {
    return this.cluster.controller.isActive(this.#image, brokerId);
  }

  /** Followers are looked at twice per `replica.lag.time.max.ms`, as in Kafka, while any is behind. */
  #watchIsr(): void {
    if (this.#isCheckingIsr) return;
    this.#isCheckingIsr = true;
    const { replicaLagTimeMaxMs } = this.cluster.settings;
    this.after(Math.max(1, Math.floor(replicaLagTimeMaxMs / 2)), () => {
      this.#isCheckingIsr = false;
      let isAnyBehind = false;
      for (const replica of this.replicas())
        if (replica.considerShrinking(replicaLagTimeMaxMs)) isAnyBehind = true;
      if (isAnyBehind) this.#watchIsr();
    });
  }

  proposeIsr(replica: Replica, isr: readonly number[]): void {
    const proposal = {
      topicId: replica.topic.id,
      partition: replica.partition,
      leaderEpoch: replica.leaderEpoch,
      isr,
    };
    this.toController(() => {
      const { errorCode } = this.cluster.controller.alterIsr(this.brokerId, proposal);
      if (errorCode !== 0) replica.proposalFailed();
    });
  }

  /** Does something in the controller, after the delay to it, and once there is one that can be reached. */
  toController(act: () => void): void {
    const { life } = this;
    this.after(this.cluster.draw('controller', this.cluster.settings.controllerDelay), () =>
      this.cluster.quorum.whenReached(this.brokerId, () => {
        if (this.life === life && this.isUp) act();
      }),
    );
  }

  /** Whether an id is left of the last block, or the controller can be asked for more. */
  get hasProducerIds(): boolean {
    return this.#producerIds.next < this.#producerIds.end || this.cluster.quorum.reaches(this.brokerId);
  }

  nextProducerId(): number {
    if (this.#producerIds.next === this.#producerIds.end) {
      const { first, count } = this.cluster.controller.allocateProducerIds();
      this.#producerIds = { next: first, end: first + count };
    }
    const id = this.#producerIds.next;
    this.#producerIds.next += 1;
    return id;
  }
}
