/**
 * The simulated Kafka cluster: connections, faults and administrative orders of the world enter, bytes and evidence
 * leave. Here the parts are put together: controller, brokers, replication, handlers and coordinators.
 */
import { dataPlaneHandlers } from './api/handlers.ts';
import { Broker, type BrokerPhase } from './broker.ts';
import { BrokerCalls } from './broker-calls.ts';
import type { Connection, Peer } from './broker-connection.ts';
import { startCleaning } from './cleaning.ts';
import { Controller, type NewTopic, type Outcome } from './controller.ts';
import { ReplicaCoordinatorLog } from './coordinator-log.ts';
import type {
  ClusterEnvironment,
  CoordinatorLog,
  Environment,
  NewRecord,
  StoredRecord,
} from './environment.ts';
import type { AnyHandler } from './handler.ts';
import { type EndInterception, type Interception, Interceptions } from './interception.ts';
import type { PartitionLog } from './log/partition-log.ts';
import { storedRecords } from './log/stored-records.ts';
import { lowWatermark } from './low-watermark.ts';
import { type MetadataImage, NO_LEADER, type TopicState } from './metadata-image.ts';
import type { Profile } from './profiles.ts';
import { apiVersionsApi } from './protocol/18-api-versions.ts';
import { encodeResponse } from './protocol/api.ts';
import { errorCode } from './protocol/errors.ts';
import { ControllerQuorum } from './quorum.ts';
import type { QuotaChange, QuotaOutcome } from './quota/entities.ts';
import type { Replica } from './replica.ts';
import { Replication } from './replication.ts';
import type { SaslDemand } from './sasl.ts';
import { type ClusterSettings, completeSettings, type DelayRange } from './settings.ts';
import type { TransactionVerifier } from './transaction/verification.ts';

export const OFFSETS_TOPIC = '__consumer_offsets';
export const TRANSACTIONS_TOPIC = '__transaction_state';

const API_VERSIONS = 18;
const PRODUCE = 0;
const CLIENT_PORT = 9092;
const NOT_LEADER = errorCode('NOT_LEADER_OR_FOLLOWER');
const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');

const NO_CONTROLLER: Outcome = {
  errorCode: errorCode('NOT_CONTROLLER'),
  message: 'There is no active controller.',
};

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Node extends Address {
  readonly id: number;
  readonly rack: string | null;
}

export type LeadershipChange = 'elected' | 'resigned';
/** A broker has become or ceased to be leader of a partition, as far as that broker knows, or has crashed. */
export type LeadershipListener = (partition: number, change: LeadershipChange, broker: Broker) => void;
/** A broker has learned that a topic is gone. */
export type TopicDeletionListener = (topic: TopicState, broker: Broker) => void;

/** Something that lives in the brokers and has handlers of its own, such as the group coordinators. */
export type ClusterPart = (cluster: ClusterCore) => void;

export interface ClusterOptions {
  /** Brokers get the ids 1 to this. */
  readonly brokerCount: number;
  readonly profile: Profile;
  readonly settings?: Partial<ClusterSettings>;
  readonly environment: ClusterEnvironment;
  readonly sasl?: SaslDemand;
  readonly parts?: readonly ClusterPart[];
  /** Where clients find a broker; kafka-1:9092 and so on where it is left out. */
  readonly addressOf?: (brokerId: number) => Address;
}

export interface LogOffsets {
  readonly logStartOffset: bigint;
  readonly lastStableOffset: bigint;
  readonly highWatermark: bigint;
  readonly logEndOffset: bigint;
}

export interface PartitionContents {
  readonly logStartOffset: bigint;
  readonly highWatermark: bigint;
  /** Those of data. */
  readonly records: readonly StoredRecord[];
  /** The same, and the markers of transactions among them. */
  readonly entries: readonly StoredRecord[];
}

/** What the parts of the cluster share. */
export class ClusterCore {
  readonly environment: ClusterEnvironment;
  readonly settings: ClusterSettings;
  readonly profile: Profile;
  readonly sasl: SaslDemand | null;
  readonly clusterId: string;
  readonly controller: Controller;
  readonly quorum: ControllerQuorum;
  /** Who reaches the controller may have changed. */
  onReachChanged: () => void = () => {};
  readonly replication: Replication;
  readonly calls = new BrokerCalls(this);
  /** Asks transaction coordinators about partitions; null where the cluster has none. */
  transactionVerifier: TransactionVerifier | null = null;
  readonly interceptions = new Interceptions();
  readonly brokers = new Map<number, Broker>();
  /** Requests that brokers have taken up, for measurements. */
  requests = 0;
  /** Of those, how many of each API, by its key. */
  readonly requestsByApi = new Map<number, number>();
  readonly #addressOf: (brokerId: number) => Address;
  readonly #handlers = new Map<number, AnyHandler>();
  readonly #leadershipListeners = new Map<string, LeadershipListener[]>();
  readonly #coordinatorLogs = new WeakMap<Replica, CoordinatorLog>();
  readonly #deletionListeners: TopicDeletionListener[] = [];
  /** Pairs of brokers that cannot replicate, lower id first. */
  readonly #isolated = new Set<string>();
  #announcement: readonly { apiKey: number; minVersion: number; maxVersion: number }[] | null = null;
  #connections = 0;

  constructor(options: ClusterOptions) {
    this.environment = options.environment;
    this.profile = options.profile;
    const { topicDefaults } = this.profile;
    this.settings = completeSettings({ ...options.settings, topicDefaults }, options.brokerCount);
    this.sasl = options.sasl ?? null;
    this.#addressOf = options.addressOf ?? ((brokerId) => ({ host: `kafka-${brokerId}`, port: CLIENT_PORT }));
    const uuid = this.environment.randomUuid('cluster-id').replaceAll('-', '');
    this.clusterId = Buffer.from(uuid, 'hex').toString('base64url');
    this.controller = new Controller(this.environment, this.settings, this.profile, () => {
      for (const broker of this.brokers.values()) broker.metadataChanged();
    });
    this.quorum = this.#newQuorum(options.brokerCount);
    this.replication = new Replication({
      replica: (brokerId, topicId, partition) => {
        const broker = this.brokers.get(brokerId);
        return broker?.isUp === true ? broker.replica(topicId, partition) : null;
      },
      isLinked: (leaderId, followerId) => this.isLinked(leaderId, followerId),
      after: (followerId, callback) =>
        this.broker(followerId).after(this.draw('replication', this.settings.replicationDelay), callback),
    });
    for (let id = 1; id <= options.brokerCount; id++) this.brokers.set(id, new Broker(this, id));
    this.registerHandlers(dataPlaneHandlers);
  }

  #newQuorum(nodes: number): ControllerQuorum {
    const { controller, settings } = this;
    const { controller: clock } = this.environment;
    const { brokerSessionTimeoutMs, brokerHeartbeatIntervalMs } = settings;
    return new ControllerQuorum(
      {
        nodeIds: Array.from({ length: nodes }, (_, index) => index + 1),
        isCut: (left, right) => this.isIsolated(left, right),
        nowMs: () => clock.nowMs(),
        after: (delayMs, callback) => clock.after(delayMs, callback),
        draw: (purpose, range) => this.draw(purpose, range),
        drawNode: (ids) => ids[this.environment.randomInt('controller-node', ids.length)] as number,
        expired: () => {
          // Its session began with its last heartbeat, up to an interval before it fell silent.
          const latest = { minMs: 0, maxMs: brokerHeartbeatIntervalMs };
          const since = [...controller.silentSince];
          return since.flatMap(([id, sinceMs]) =>
            clock.nowMs() - sinceMs + this.draw('broker-heartbeat', latest) >= brokerSessionTimeoutMs
              ? [id]
              : [],
          );
        },
        suspended: () => controller.suspend(),
        resumed: (isAnother, fenced) => {
          controller.resume(isAnother);
          for (const id of fenced) {
            const isBack = !controller.silentSince.has(id);
            controller.fence(id);
            if (isBack) this.broker(id).toController(() => controller.unfence(id));
          }
        },
        reachChanged: () => this.onReachChanged(),
      },
      settings,
    );
  }

  broker(id: number): Broker {
    const broker = this.brokers.get(id);
    if (broker === undefined) throw new Error(`no broker ${id}`);
    return broker;
  }

  draw(purpose: string, range: DelayRange): number {
    if (range.maxMs <= range.minMs) return range.minMs;
    return range.minMs + this.environment.randomInt(purpose, range.maxMs - range.minMs + 1);
  }

  nextConnectionId(): number {
    this.#connections += 1;
    return this.#connections;
  }

  /** A broker as clients see it. */
  node(id: number): Node {
    return { id, ...this.#addressOf(id), rack: this.settings.racks[id] ?? null };
  }

  // Handlers

  /** A handler takes the place of an earlier one with the same key. */
  registerHandlers(handlers: readonly AnyHandler[]): void {
    for (const handler of handlers) this.#handlers.set(handler.api.key, handler);
    this.#announcement = null;
  }

  /** A broker has taken up a request. */
  countRequest(apiKey: number): void {
    this.requests += 1;
    this.requestsByApi.set(apiKey, (this.requestsByApi.get(apiKey) ?? 0) + 1);
  }

  handler(apiKey: number): AnyHandler | undefined {
    return this.profile.versions.has(apiKey) ? this.#handlers.get(apiKey) : undefined;
  }

  /** The versions that are both the profile's and implemented, ascending by key. */
  announcement(): readonly { apiKey: number; minVersion: number; maxVersion: number }[] {
    this.#announcement ??= [...this.profile.versions]
      .flatMap(([apiKey, range]) => {
        const handler = this.#handlers.get(apiKey);
        if (handler === undefined) return [];
        const minVersion = Math.max(range.min, handler.api.versions.min);
        const maxVersion = Math.min(range.max, handler.api.versions.max);
        if (minVersion > maxVersion) return [];
        return [
          {
            apiKey,
            minVersion: apiKey === PRODUCE ? this.profile.announcedProduceMin : minVersion,
            maxVersion,
          },
        ];
      })
      .sort((left, right) => left.apiKey - right.apiKey);
    return this.#announcement;
  }

  unsupportedApiVersions(correlationId: number): Buffer {
    const apiKeys = this.announcement().filter(({ apiKey }) => apiKey === API_VERSIONS);
    return encodeResponse(apiVersionsApi, 0, correlationId, {
      errorCode: errorCode('UNSUPPORTED_VERSION'),
      apiKeys,
    });
  }

  // Coordinators

  onLeadership(topic: string, listener: LeadershipListener): void {
    const listeners = this.#leadershipListeners.get(topic) ?? [];
    listeners.push(listener);
    this.#leadershipListeners.set(topic, listeners);
  }

  leadershipChanged(topic: string, partition: number, broker: Broker, change: LeadershipChange): void {
    for (const listener of this.#leadershipListeners.get(topic) ?? []) listener(partition, change, broker);
  }

  onTopicDeleted(listener: TopicDeletionListener): void {
    this.#deletionListeners.push(listener);
  }

  topicDeleted(topic: TopicState, broker: Broker): void {
    for (const listener of this.#deletionListeners) listener(topic, broker);
  }

  /** The log of a coordinator's partition, for its leader; null where this broker does not lead it. */
  coordinatorLog(topic: string, partition: number, brokerId: number): CoordinatorLog | null {
    const broker = this.broker(brokerId);
    const replica = broker.isUp ? broker.topicByName(topic)?.replicas[partition] : undefined;
    if (replica === undefined || !replica.isLeader) return null;
    return this.#coordinatorLogOf(replica, broker.environment);
  }

  /** One per replica, so that a coordinator that is elected again recognises its log. */
  #coordinatorLogOf(replica: Replica, environment: Environment): CoordinatorLog {
    let log = this.#coordinatorLogs.get(replica);
    if (log === undefined) {
      log = new ReplicaCoordinatorLog(replica, environment);
      this.#coordinatorLogs.set(replica, log);
    }
    return log;
  }

  /** How many partitions a topic has, as a broker knows it; 0 for one that it does not know. */
  partitionCount(topic: string, brokerId: number): number {
    return this.broker(brokerId).image.topics.get(topic)?.partitions.length ?? 0;
  }

  /** Where a partition's leader is, as a broker knows it; null where it has none that clients can reach. */
  leaderNode(topic: string, partition: number, brokerId: number): Node | null {
    const { image } = this.broker(brokerId);
    const leader = image.topics.get(topic)?.partitions[partition]?.leader ?? NO_LEADER;
    const broker = image.brokers.get(leader);
    return broker === undefined || broker.fenced ? null : this.node(leader);
  }

  createInternalTopic(name: string, partitions: number, replicationFactor: number): void {
    if (this.controller.image.topics.has(name)) return;
    const configs = new Map([
      ['cleanup.policy', 'compact'],
      ['segment.bytes', '104857600'],
    ]);
    if (name === TRANSACTIONS_TOPIC)
      configs
        .set('compression.type', 'uncompressed')
        .set('min.insync.replicas', String(this.settings.transactionStateLogMinIsr))
        .set('unclean.leader.election.enable', 'false');
    this.controller.createTopic({ name, partitions, replicationFactor, isInternal: true, configs });
  }

  // Replication

  isLinked(leaderId: number, followerId: number): boolean {
    const [leader, follower] = [this.broker(leaderId), this.broker(followerId)];
    if (!leader.isUp || leader.isPaused || !follower.isUp) return false;
    return !this.isIsolated(leaderId, followerId);
  }

  isIsolated(left: number, right: number): boolean {
    return this.#isolated.size > 0 && this.#isolated.has(pairOf(left, right));
  }

  isolate(left: number, right: number, isIsolated: boolean): void {
    if (isIsolated) this.#isolated.add(pairOf(left, right));
    else this.#isolated.delete(pairOf(left, right));
    this.quorum.cutChanged();
    if (!isIsolated) this.replication.retry(left);
  }

  /** A consumer reads from a follower: its leader keeps it informed from now on. */
  followerRead(replica: Replica, follower: Broker): void {
    const leader = this.brokers.get(replica.state.leader);
    const source = leader?.isUp === true ? leader.replica(replica.topic.id, replica.partition) : null;
    if (source?.isLeader === true) source.noteFollowerRead(follower.brokerId);
  }

  /** Followers look for their leaders, and what had to wait for this broker's metadata is tried again. */
  brokerHasApplied(broker: Broker): void {
    for (const replica of broker.replicas()) {
      if (replica.isLeader || replica.state.leader === NO_LEADER) continue;
      if (replica.reconciledEpoch === replica.leaderEpoch) continue;
      const leader = this.brokers.get(replica.state.leader);
      const source = leader?.isUp === true ? leader.replica(replica.topic.id, replica.partition) : null;
      if (leader !== undefined && source?.isLeader === true)
        this.replication.follow(source, leader.brokerId, broker.brokerId);
    }
    this.replication.retry(broker.brokerId);
  }

  /** The leader's replica as the controller knows it, if that broker can be reached and knows it too. */
  leaderReplica(topicName: string, partition: number): Replica | null {
    const topic = this.controller.image.topics.get(topicName);
    const leader = this.brokers.get(topic?.partitions[partition]?.leader ?? NO_LEADER);
    if (topic === undefined || leader === undefined || !leader.listens) return null;
    const replica = leader.replica(topic.id, partition);
    return replica?.isLeader === true ? replica : null;
  }

  /** The leader's log, or where nobody leads the one that goes furthest in the newest epoch. */
  authoritativeLog(topicName: string, partition: number): PartitionLog | null {
    const leader = this.leaderReplica(topicName, partition);
    if (leader !== null) return leader.log;
    const topic = this.controller.image.topics.get(topicName);
    const replicas = topic?.partitions[partition]?.replicas ?? [];
    let best: PartitionLog | null = null;
    for (const id of replicas) {
      const log = this.broker(id).storedLog(topic?.id ?? '', partition);
      if (log === undefined) continue;
      const isBetter =
        best === null ||
        log.epochs.latest > best.epochs.latest ||
        (log.epochs.latest === best.epochs.latest && log.logEndOffset > best.logEndOffset);
      if (isBetter) best = log;
    }
    return best;
  }
}

const pairOf = (left: number, right: number): string => `${Math.min(left, right)}-${Math.max(left, right)}`;

/** The cluster towards the world. */
export class SimulatedCluster {
  /** For parts and tests; a world does with what is here. */
  readonly core: ClusterCore;
  /** Brokers whose heartbeats do not reach the controller, although they run. */
  readonly #unheard = new Set<number>();
  /** Brokers that nothing passes to and from the controller of. */
  readonly #cutOff = new Set<number>();

  constructor(core: ClusterCore) {
    this.core = core;
    core.onReachChanged = () => this.#reachChanged();
  }

  get clusterId(): string {
    return this.core.clusterId;
  }

  get brokerIds(): readonly number[] {
    return [...this.core.brokers.keys()];
  }

  /** The controller's view. */
  get image(): MetadataImage {
    return this.core.controller.image;
  }

  address(brokerId: number): Address {
    const { host, port } = this.core.node(brokerId);
    return { host, port };
  }

  /** @returns null where the connection is refused, since no process listens */
  connect(brokerId: number, peer: Peer): Connection | null {
    return this.core.broker(brokerId).connect(peer);
  }

  phase(brokerId: number): BrokerPhase {
    return this.core.broker(brokerId).phase;
  }

  // Faults of brokers

  /** SIGKILL: connections are reset, memory is lost, logs stay. The world drops the broker's timers. */
  crashBroker(brokerId: number): void {
    const broker = this.core.broker(brokerId);
    if (broker.phase === 'down') return;
    const wasUp = broker.isUp;
    this.#end(broker, false);
    // Nobody is left to end its session.
    if (this.#isAlone) this.core.controller.heard(brokerId);
    else if (wasUp) this.core.controller.silent(brokerId);
    this.core.quorum.left(brokerId, false);
  }

  /**
   * Controlled shutdown: leaders move away first, then the process ends. Without a controller it waits for one.
   *
   * @param stopped called when it has ended, unless it crashes before
   */
  stopBroker(brokerId: number, stopped?: () => void): void {
    const broker = this.core.broker(brokerId);
    if (broker.phase !== 'running') return;
    broker.phase = 'shutting-down';
    const { life } = broker;
    broker.toController(() => {
      this.core.controller.beginShutdown(brokerId);
      broker.after(this.core.settings.controlledShutdownMs, () =>
        this.core.quorum.whenReached(brokerId, () => {
          if (broker.life !== life || broker.phase !== 'shutting-down') return;
          this.#end(broker, true);
          this.core.controller.fence(brokerId);
          this.core.quorum.left(brokerId, true);
          stopped?.();
        }),
      );
    });
  }

  #end(broker: Broker, clean: boolean): void {
    broker.phase = 'down';
    broker.isPaused = false;
    broker.endedCleanly = clean;
    broker.closeConnections(!clean);
    broker.lose();
    this.core.replication.stopped(broker.brokerId);
    this.core.calls.ended(broker);
  }

  /**
   * Starts a broker that is down; it serves clients once it has registered.
   *
   * @param serving called when it does, unless it goes down before
   */
  startBroker(brokerId: number, serving?: () => void): void {
    const broker = this.core.broker(brokerId);
    if (broker.phase !== 'down') return;
    broker.phase = 'starting';
    broker.begin();
    const { life } = broker;
    const isStarting = (): boolean =>
      broker.life === life && (broker.phase === 'starting' || broker.phase === 'recovering');
    const { brokerStartMs, controllerStartMs } = this.core.settings;
    broker.environment.after(Math.min(controllerStartMs, brokerStartMs), () => {
      if (isStarting()) this.core.quorum.joined(brokerId);
    });
    broker.environment.after(brokerStartMs, () => {
      if (!isStarting()) return;
      if (this.#isAlone && !broker.endedCleanly) this.#recover(broker);
      this.core.quorum.whenReached(brokerId, () => {
        if (!isStarting()) return;
        this.core.controller.register(brokerId, broker.endedCleanly, () => {
          const toControllerMs = this.core.draw('controller', this.core.settings.controllerDelay);
          broker.environment.after(toControllerMs, () =>
            this.core.quorum.whenReached(brokerId, () => {
              if (!isStarting()) return;
              this.#serve(broker);
              serving?.();
            }),
          );
        });
      });
    });
  }

  /** Its controller goes with it, as one of Kafka's nodes that are both does. */
  get #isAlone(): boolean {
    return this.core.brokers.size === 1;
  }

  /**
   * To a controller that has come back with it the broker is one that has just been heard of: it may not register before
   * that session is over. Until then it leads what it led when it crashed, and members that cannot reach their
   * coordinator lose their place in the group.
   */
  #recover(broker: Broker): void {
    broker.phase = 'recovering';
    broker.applyImage(this.core.controller.image);
    this.core.controller.silent(broker.brokerId);
  }

  /** Its sockets open once it is unfenced (BrokerServer). */
  #serve(broker: Broker): void {
    const { controller } = this.core;
    broker.phase = 'running';
    broker.endedCleanly = false;
    controller.unfence(broker.brokerId);
    broker.applyImage(controller.image);
    startCleaning(broker);
    // It got as far as to register, and no further.
    if (this.#unheard.has(broker.brokerId)) controller.silent(broker.brokerId);
  }

  /** SIGSTOP: what arrives is kept, and the controller hears nothing. The world holds the broker's timers. */
  pauseBroker(brokerId: number): void {
    const broker = this.core.broker(brokerId);
    if (!broker.isUp || broker.isPaused) return;
    broker.isPaused = true;
    this.core.controller.silent(brokerId);
    this.core.quorum.froze(brokerId);
  }

  /** SIGCONT. A broker that was fenced meanwhile first acts on what it knew before. */
  unpauseBroker(brokerId: number): void {
    const broker = this.core.broker(brokerId);
    if (!broker.isPaused) return;
    broker.unpause();
    this.core.quorum.thawed(brokerId);
    this.#heard(broker);
  }

  #heard(broker: Broker): void {
    // Before it has registered it sends no heartbeats, and nothing may keep the session of its earlier life alive.
    if (!broker.listens || this.#unheard.has(broker.brokerId) || this.#cutOff.has(broker.brokerId)) return;
    const isAlive = this.core.controller.heard(broker.brokerId);
    if (!isAlive) broker.toController(() => this.core.controller.unfence(broker.brokerId));
    this.core.replication.retry(broker.brokerId);
  }

  /** Heartbeats do not pass where nothing does, and what the controller has decided is heard of once they do again. */
  #reachChanged(): void {
    const { controller, quorum } = this.core;
    for (const broker of this.core.brokers.values()) {
      const { brokerId } = broker;
      const wasCutOff = this.#cutOff.has(brokerId);
      if (quorum.isCutOff(brokerId)) {
        this.#cutOff.add(brokerId);
        if (!wasCutOff && !broker.isPaused && broker.listens && !this.#unheard.has(brokerId))
          controller.silent(brokerId);
      } else if (wasCutOff) {
        this.#cutOff.delete(brokerId);
        broker.metadataChanged();
        if (!broker.isPaused) this.#heard(broker);
      }
    }
  }

  /** Cuts or restores what passes between two nodes: replication, requests, and what their controllers have to say. */
  isolateBroker(left: number, right: number, isIsolated = true): void {
    this.core.isolate(left, right, isIsolated);
  }

  /** Cuts or restores a broker's heartbeats to the controller; clients still reach it. */
  isolateFromController(brokerId: number, isIsolated = true): void {
    const broker = this.core.broker(brokerId);
    if (isIsolated) {
      this.#unheard.add(brokerId);
      if (broker.listens) this.core.controller.silent(brokerId);
      return;
    }
    this.#unheard.delete(brokerId);
    // One that is frozen is silent for a reason of its own.
    if (!broker.isPaused) this.#heard(broker);
  }

  /** Makes the next requests of an API fail on purpose. */
  intercept(interception: Interception): EndInterception {
    return this.core.interceptions.add(interception);
  }

  // Administration by the harness itself, which no client sees

  /** Creates a topic, known to every running broker at once. */
  createTopic(topic: NewTopic): Outcome {
    if (!this.core.quorum.isActive) return NO_CONTROLLER;
    const outcome = this.core.controller.createTopic(topic);
    for (const broker of this.core.brokers.values())
      if (broker.isUp && !broker.isPaused && this.core.quorum.reaches(broker.brokerId))
        broker.applyImage(this.core.controller.image);
    return outcome;
  }

  /** @param count how many partitions the topic has in the end */
  addPartitions(topic: string, count: number): Outcome {
    return this.#decided(() => this.core.controller.createPartitions(topic, count, null));
  }

  deleteTopic(topic: string): Outcome {
    return this.#decided(() => this.core.controller.deleteTopic(topic));
  }

  /** @returns an outcome for each entity */
  alterClientQuotas(changes: readonly QuotaChange[]): readonly QuotaOutcome[] {
    return this.core.controller.alterClientQuotas(changes, false);
  }

  moveLeader(topic: string, partition: number, brokerId: number): Outcome {
    return this.#decided(() => this.core.controller.moveLeader(topic, partition, brokerId));
  }

  #decided(decide: () => Outcome): Outcome {
    return this.core.quorum.isActive ? decide() : NO_CONTROLLER;
  }

  /** The leader as the controller knows it, or null. */
  leaderOf(topic: string, partition: number): number | null {
    const leader = this.image.topics.get(topic)?.partitions[partition]?.leader ?? NO_LEADER;
    return leader === NO_LEADER ? null : leader;
  }

  /** DeleteRecords up to an offset, at most to the high watermark. @returns the new log start offset, or null */
  deleteRecords(topic: string, partition: number, beforeOffset: bigint): bigint | null {
    const replica = this.core.leaderReplica(topic, partition);
    if (replica === null) return null;
    replica.log.advanceLogStart(Math.min(Number(beforeOffset), replica.log.highWatermark));
    replica.appended();
    return BigInt(replica.log.logStartOffset);
  }

  /** Below it records are gone for good, whoever leads next; null where nobody leads. */
  lowWatermark(topic: string, partition: number): bigint | null {
    const replica = this.core.leaderReplica(topic, partition);
    return replica === null ? null : BigInt(lowWatermark(this.core, replica));
  }

  /** Compacts the leader's and the followers' logs. @returns how many records went from the leader's */
  compact(
    topic: string,
    partition: number,
    options: { below?: bigint; dropTombstones?: boolean } = {},
  ): number {
    const leader = this.core.leaderReplica(topic, partition);
    if (leader === null) return 0;
    const below = options.below === undefined ? undefined : Number(options.below);
    for (const id of leader.state.replicas)
      if (id !== leader.state.leader)
        this.core.broker(id).storedLog(leader.topic.id, partition)?.compact(below, options.dropTombstones);
    return leader.log.compact(below, options.dropTombstones);
  }

  logOffsets(topic: string, partition: number): LogOffsets | null {
    const log = this.core.authoritativeLog(topic, partition);
    if (log === null) return null;
    return {
      logStartOffset: BigInt(log.logStartOffset),
      lastStableOffset: BigInt(log.lastStableOffset),
      highWatermark: BigInt(log.highWatermark),
      logEndOffset: BigInt(log.logEndOffset),
    };
  }

  /**
   * What a read_uncommitted reader finds: all data records up to the high watermark, whatever transaction they belong
   * to. The end that it gives is the high watermark too.
   *
   * @throws UnreadableBatchError where a batch is compressed in a way that cannot be read here
   */
  readPartition(topic: string, partition: number): PartitionContents | null {
    const log = this.core.authoritativeLog(topic, partition);
    if (log === null) return null;
    const highWatermark = BigInt(log.highWatermark);
    const entries = [...storedRecords(log)].filter(({ offset }) => offset < highWatermark);
    return {
      logStartOffset: BigInt(log.logStartOffset),
      highWatermark,
      records: entries.filter(({ transaction }) => (transaction?.marker ?? null) === null),
      entries,
    };
  }

  /** Writes records of the harness in one batch with acks all; `done` is never called synchronously. */
  produce(
    topic: string,
    partition: number,
    records: readonly NewRecord[],
    done: (error: number, baseOffset: bigint) => void,
  ): void {
    const replica = this.core.leaderReplica(topic, partition);
    if (replica === null) {
      const error = this.image.topics.has(topic) ? NOT_LEADER : UNKNOWN_TOPIC_OR_PARTITION;
      this.core.environment.controller.after(0, () => done(error, -1n));
      return;
    }
    const { environment } = this.core.broker(replica.state.leader);
    new ReplicaCoordinatorLog(replica, environment).append(records, done);
  }
}

/** A running cluster with its internal topics, all brokers up at the present moment. */
export function createSimulatedCluster(options: ClusterOptions): SimulatedCluster {
  const core = new ClusterCore(options);
  const { controller, settings } = core;
  for (const part of options.parts ?? []) part(core);
  for (const broker of core.brokers.values()) {
    broker.begin();
    controller.register(broker.brokerId, true, () => undefined);
    controller.unfence(broker.brokerId);
  }
  core.createInternalTopic(
    OFFSETS_TOPIC,
    settings.offsetsTopicNumPartitions,
    settings.offsetsTopicReplicationFactor,
  );
  for (const broker of core.brokers.values()) {
    broker.phase = 'running';
    broker.endedCleanly = false;
  }
  for (const broker of core.brokers.values()) {
    broker.applyImage(controller.image);
    startCleaning(broker);
  }
  return new SimulatedCluster(core);
}
