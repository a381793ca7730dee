/**
 * The settings of a simulated cluster: what a caller leaves out enters as Kafka's own default, a complete set leaves.
 * Names are Kafka's in camel case, with the unit where Kafka's name lacks it.
 */

/** A time that is drawn anew for each use, evenly from this range. */
export interface DelayRange {
  readonly minMs: number;
  readonly maxMs: number;
}

export interface ClusterSettings {
  /** `socket.request.max.bytes`: a larger frame closes the connection. */
  readonly socketRequestBytesMax: number;
  /** `message.max.bytes`, the default of `max.message.bytes`. */
  readonly messageBytesMax: number;
  /** `fetch.max.bytes` of the broker. */
  readonly fetchBytesMax: number;
  /** `connections.max.reauth.ms`: how long a SASL session lasts, unless its mechanism says otherwise; 0 for no end. */
  readonly connectionsMaxReauthMs: number;
  readonly numPartitions: number;
  /** `auto.create.topics.enable`: whether asking for a topic by name creates it. */
  readonly autoCreateTopicsEnable: boolean;
  readonly defaultReplicationFactor: number;
  /** `min.insync.replicas`, unless the topic says otherwise. */
  readonly minInsyncReplicas: number;
  readonly uncleanLeaderElectionEnable: boolean;
  readonly replicaLagTimeMaxMs: number;
  /** From a leader's append to the follower's having it, and the leader's knowing that. */
  readonly replicationDelay: DelayRange;
  /** From a change in the controller to its effect in a broker. */
  readonly metadataDelay: DelayRange;
  /** From a broker's request to the controller to its effect there. */
  readonly controllerDelay: DelayRange;
  /** From a broker's request to another broker to its arrival there, and the same for the answer. */
  readonly brokerRequestDelay: DelayRange;
  /** How long the controller takes a silent broker for alive. */
  readonly brokerSessionTimeoutMs: number;
  /** How often a broker tells the controller that it lives. */
  readonly brokerHeartbeatIntervalMs: number;
  /** Until the others have elected a controller when the node of the active one is gone; 0 where no broker is that node. */
  readonly controllerElectionDelay: DelayRange;
  /** Until an active controller that has lost its majority resigns. */
  readonly controllerResignationDelay: DelayRange;
  /** Until a majority that has come together again has elected a controller. */
  readonly controllerVoteDelay: DelayRange;
  /** From the start of a node's process until its controller takes part in elections. */
  readonly controllerStartMs: number;
  /** From the start of a broker's process to its registration. */
  readonly brokerStartMs: number;
  /** From the order to shut down to the closing of the sockets. */
  readonly controlledShutdownMs: number;
  readonly logRetentionCheckIntervalMs: number;
  /** How often compaction runs over compacted topics other than the internal ones; null for never. */
  readonly logCleanerIntervalMs: number | null;
  readonly logRetentionMs: number;
  readonly offsetsTopicNumPartitions: number;
  readonly offsetsTopicReplicationFactor: number;
  readonly transactionStateLogNumPartitions: number;
  readonly transactionStateLogReplicationFactor: number;
  readonly transactionStateLogMinIsr: number;
  /** Whether a fetch from a consumer with a rack is sent to a follower in that rack (KIP-392). */
  readonly rackAwareReplicaSelector: boolean;
  /** Rack of each broker; a broker that is not in it has none. */
  readonly racks: Readonly<Record<number, string>>;
  /** Defaults of topics' settings that are not those of the newest release, and settings that older releases have. */
  readonly topicDefaults: Readonly<Record<string, string>>;
  /** Names of the settings that were given rather than taken from Kafka's defaults, for who asks where they come from. */
  readonly staticNames: readonly string[];
  /** Settings that other parts of the cluster read, such as `group.initial.rebalance.delay.ms`, by Kafka's name. */
  readonly extra: Readonly<Record<string, string>>;
}

const at = (ms: number): DelayRange => ({ minMs: ms, maxMs: ms });

export const defaultSettings: ClusterSettings = {
  socketRequestBytesMax: 104_857_600,
  messageBytesMax: 1_048_588,
  fetchBytesMax: 57_671_680,
  connectionsMaxReauthMs: 0,
  numPartitions: 1,
  autoCreateTopicsEnable: false,
  defaultReplicationFactor: 1,
  minInsyncReplicas: 1,
  uncleanLeaderElectionEnable: false,
  replicaLagTimeMaxMs: 30_000,
  replicationDelay: at(1),
  metadataDelay: at(1),
  controllerDelay: at(1),
  brokerRequestDelay: at(1),
  brokerSessionTimeoutMs: 9_000,
  brokerHeartbeatIntervalMs: 2_000,
  controllerElectionDelay: at(0),
  controllerResignationDelay: at(3_000),
  controllerVoteDelay: at(0),
  controllerStartMs: 500,
  brokerStartMs: 1_000,
  controlledShutdownMs: 100,
  logRetentionCheckIntervalMs: 300_000,
  logCleanerIntervalMs: null,
  logRetentionMs: 604_800_000,
  offsetsTopicNumPartitions: 50,
  offsetsTopicReplicationFactor: 3,
  transactionStateLogNumPartitions: 50,
  transactionStateLogReplicationFactor: 3,
  transactionStateLogMinIsr: 2,
  rackAwareReplicaSelector: false,
  racks: {},
  topicDefaults: {},
  staticNames: [],
  extra: {},
};

/** Kafka's defaults, with replication factors that so many brokers can carry. */
export function completeSettings(given: Partial<ClusterSettings>, brokerCount: number): ClusterSettings {
  const settings = { ...defaultSettings, ...given };
  return {
    ...settings,
    offsetsTopicReplicationFactor: Math.min(settings.offsetsTopicReplicationFactor, brokerCount),
    transactionStateLogReplicationFactor: Math.min(
      settings.transactionStateLogReplicationFactor,
      brokerCount,
    ),
  };
}
