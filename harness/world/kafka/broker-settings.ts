/** The settings of trial brokers: the shape of a set enters, the environment variables of each container leave. */

/** Ports inside a container. Clients' traffic comes from the host, brokers' and controllers' stays in the network. */
export const containerPorts = { client: 9092, controller: 9093, sasl: 9094, internal: 19_092 } as const;

export interface BrokerPlace {
  readonly id: number;
  /** Name under which the other brokers find it. */
  readonly internalHost: string;
  /** Address under which clients on the host find it. */
  readonly advertisedHost: string;
  readonly advertisedPort: number;
  readonly rack?: string | undefined;
  /** Port of the host for a second listener for clients, on which they have to log in. */
  readonly saslPort?: number | undefined;
}

export interface SettingsInput {
  readonly brokers: readonly BrokerPlace[];
  readonly clusterId: string;
  readonly groupInitialRebalanceDelayMs: number;
  /** Kafka's own names (`log.retention.ms`); they win over everything below. */
  readonly extraSettings: Readonly<Record<string, string>>;
}

/** A broker that misses heartbeats for this long is fenced; Kafka's default of 9 s makes every crash a long wait. */
export const BROKER_SESSION_TIMEOUT_MS = 3_000;

const RACK_AWARE_SELECTOR = 'org.apache.kafka.common.replica.RackAwareReplicaSelector';

/**
 * The JVM. The quick compiler only, because a broker of a trial lives for minutes: it is ready sooner and takes less
 * of the cores that the members need. Addresses are looked up anew each time, since a container that is started
 * again may have another one; Java would keep the old one for 30 s.
 */
const jvm = {
  KAFKA_HEAP_OPTS: '-Xms128m -Xmx512m',
  KAFKA_JVM_PERFORMANCE_OPTS: '-server -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Djava.awt.headless=true',
  KAFKA_OPTS: '-Dsun.net.inetaddr.ttl=0 -Dsun.net.inetaddr.negative.ttl=0',
} as const;

/** The whole environment of one broker's container, the same for the official image and for a locally built one. */
export function brokerEnvironment(input: SettingsInput, brokerId: number): Record<string, string> {
  const settings = brokerSettings(input, brokerId);
  const environment: Record<string, string> = { CLUSTER_ID: input.clusterId, ...jvm };
  for (const [name, value] of Object.entries(settings)) environment[environmentName(name)] = value;
  return environment;
}

/** The broker's settings under Kafka's own names. */
export function brokerSettings(input: SettingsInput, brokerId: number): Record<string, string> {
  const { brokers } = input;
  const place = brokers.find((broker) => broker.id === brokerId);
  if (place === undefined) throw new Error(`no broker ${brokerId} among ${brokers.length}`);
  const replication = String(brokers.length);
  const partitions = brokers.length === 1 ? '1' : '3';
  const minInSyncReplicas = brokers.length === 1 ? '1' : '2';
  const hasSasl = place.saslPort !== undefined;
  return {
    'node.id': String(brokerId),
    'process.roles': 'broker,controller',
    'controller.quorum.voters': brokers
      .map((broker) => `${broker.id}@${broker.internalHost}:${containerPorts.controller}`)
      .join(','),
    listeners: `CLIENT://:${containerPorts.client},INTERNAL://:${containerPorts.internal},CONTROLLER://:${containerPorts.controller}${hasSasl ? `,SASL://:${containerPorts.sasl}` : ''}`,
    // A broker cannot reach itself under the address of the host, so its own traffic has a listener of its own.
    'advertised.listeners': `CLIENT://${place.advertisedHost}:${place.advertisedPort},INTERNAL://${place.internalHost}:${containerPorts.internal}${hasSasl ? `,SASL://${place.advertisedHost}:${place.saslPort}` : ''}`,
    'listener.security.protocol.map': `CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT${hasSasl ? ',SASL:SASL_PLAINTEXT' : ''}`,
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'log.dirs': '/tmp/kraft-combined-logs',

    // One partition is one coordinator; three of them can move between three brokers.
    'offsets.topic.num.partitions': partitions,
    'offsets.topic.replication.factor': replication,
    'transaction.state.log.num.partitions': partitions,
    'transaction.state.log.replication.factor': replication,
    'transaction.state.log.min.isr': minInSyncReplicas,
    'share.coordinator.state.topic.num.partitions': partitions,
    'share.coordinator.state.topic.replication.factor': replication,
    'share.coordinator.state.topic.min.isr': minInSyncReplicas,
    'default.replication.factor': replication,
    'min.insync.replicas': minInSyncReplicas,

    // Consumers without a rack go on asking leaders.
    ...(place.rack === undefined
      ? {}
      : { 'broker.rack': place.rack, 'replica.selector.class': RACK_AWARE_SELECTOR }),

    'group.min.session.timeout.ms': '500',
    'group.initial.rebalance.delay.ms': String(input.groupInitialRebalanceDelayMs),
    'auto.create.topics.enable': 'false',
    'broker.session.timeout.ms': String(BROKER_SESSION_TIMEOUT_MS),
    'broker.heartbeat.interval.ms': '500',
    'controlled.shutdown.enable': 'true',
    // Leaders move when a scenario moves them, not because five minutes have passed.
    'auto.leader.rebalance.enable': 'false',
    // The cleaner's default buffer is a quarter of the heap.
    'log.cleaner.dedupe.buffer.size': '4194304',
    ...input.extraSettings,
  };
}

/** `log.dirs` becomes KAFKA_LOG_DIRS; "_" is doubled and "-" tripled, as the official image reads them. */
export function environmentName(setting: string): string {
  const name = setting.replaceAll('_', '__').replaceAll('-', '___').replaceAll('.', '_');
  return `KAFKA_${name.toUpperCase()}`;
}
