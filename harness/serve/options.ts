/**
 * What a cluster on real sockets can be told: options as a person or a test writes them enter, checked they leave with
 * the cluster's own settings, or a sentence that says what is wrong with them.
 */
import { z } from 'zod';
import { formatPath } from '../../scenarios/schema.ts';
import { groupSettingNames } from '../cluster/group/settings.ts';
import { profileNames } from '../cluster/profiles.ts';
import { saslMechanisms } from '../cluster/sasl.ts';
import { type ClusterSettings, completeSettings } from '../cluster/settings.ts';
import { transactionSettingNames } from '../cluster/transaction/settings.ts';
import { UsageError } from '../errors.ts';

export const BROKERS_MAX = 5;
const PORT_MAX = 65_535;
const PARTITIONS_MAX = 1_000;
const LOOPBACK = '127.0.0.1';

/** The settings of Kafka's brokers that the simulated cluster obeys, and what they are called in it. */
const numbers = {
  'socket.request.max.bytes': 'socketRequestBytesMax',
  'message.max.bytes': 'messageBytesMax',
  'fetch.max.bytes': 'fetchBytesMax',
  'connections.max.reauth.ms': 'connectionsMaxReauthMs',
  'num.partitions': 'numPartitions',
  'default.replication.factor': 'defaultReplicationFactor',
  'min.insync.replicas': 'minInsyncReplicas',
  'replica.lag.time.max.ms': 'replicaLagTimeMaxMs',
  'broker.session.timeout.ms': 'brokerSessionTimeoutMs',
  'log.retention.check.interval.ms': 'logRetentionCheckIntervalMs',
  'log.retention.ms': 'logRetentionMs',
  'log.cleaner.backoff.ms': 'logCleanerIntervalMs',
  'offsets.topic.num.partitions': 'offsetsTopicNumPartitions',
  'offsets.topic.replication.factor': 'offsetsTopicReplicationFactor',
  'transaction.state.log.num.partitions': 'transactionStateLogNumPartitions',
  'transaction.state.log.replication.factor': 'transactionStateLogReplicationFactor',
  'transaction.state.log.min.isr': 'transactionStateLogMinIsr',
} as const satisfies Readonly<Record<string, keyof ClusterSettings>>;

const switches = {
  'auto.create.topics.enable': 'autoCreateTopicsEnable',
  'unclean.leader.election.enable': 'uncleanLeaderElectionEnable',
} as const satisfies Readonly<Record<string, keyof ClusterSettings>>;

const IDLE_SETTING = 'connections.max.idle.ms';
const IDLE_MS = 600_000;

export const settingNames: readonly string[] = [
  ...Object.keys(numbers),
  ...Object.keys(switches),
  ...groupSettingNames,
  ...transactionSettingNames,
  IDLE_SETTING,
].sort();

const settingsSchema = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .superRefine((settings, context) => {
    for (const [name, value] of Object.entries(settings)) {
      const isSwitch = name in switches || name === 'transaction.partition.verification.enable';
      const isValid = isSwitch ? /^(true|false)$/.test(String(value)) : /^\d{1,15}$/.test(String(value));
      const message = !settingNames.includes(name)
        ? 'expected a broker setting that the simulated cluster obeys'
        : isValid
          ? null
          : `expected ${isSwitch ? 'true or false' : 'a whole number'}`;
      if (message !== null) context.addIssue({ code: 'custom', path: [name], message });
    }
  });

const topicSchema = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9._-]{1,249}$/),
  partitions: z.int().min(1).max(PARTITIONS_MAX).default(1),
  /** As many as there are brokers, three at most, where it is left out. */
  replicationFactor: z.int().min(1).max(BROKERS_MAX).optional(),
  configs: z.record(z.string(), z.string()).default({}),
});

export const clusterOptionsSchema = z
  .strictObject({
    brokers: z.int().min(1).max(BROKERS_MAX).default(1),
    profile: z.enum(profileNames).default('4.3'),
    /** The address to listen on. */
    host: z.string().min(1).default(LOOPBACK),
    /** What clients are told; the host where it is left out. */
    advertisedHost: z.string().min(1).optional(),
    /** Of the first broker, the others next to it; 0 for free ones. */
    port: z.int().min(0).max(PORT_MAX).default(0),
    topics: z.array(topicSchema).default([]),
    settings: settingsSchema.default({}),
    /** By broker id. */
    racks: z.record(z.string().regex(/^[1-5]$/), z.string()).default({}),
    sasl: z
      .strictObject({
        mechanisms: z.array(z.enum(saslMechanisms)).min(1),
        users: z.record(z.string().min(1), z.string()),
        /** `connections.max.reauth.ms` by mechanism. */
        maxReauthMs: z.partialRecord(z.enum(saslMechanisms), z.int().min(0)).optional(),
      })
      .nullable()
      .default(null),
    /** In PEM. A certificate authority makes client certificates necessary. */
    tls: z
      .strictObject({
        certificate: z.string(),
        key: z.string(),
        clientCertificateAuthority: z.string().optional(),
      })
      .nullable()
      .default(null),
    /** What all connections together may keep waiting, unread and unsent. */
    bufferedBytesMax: z
      .int()
      .min(1 << 20)
      .default(256 << 20),
    /** Port of the control channel; 0 for a free one, null for none. */
    controlPort: z.int().min(0).max(PORT_MAX).nullable().default(null),
  })
  .superRefine(({ port, brokers, topics }, context) => {
    if (port > 0 && port + brokers - 1 > PORT_MAX)
      context.addIssue({
        code: 'custom',
        path: ['port'],
        message: `no room for ${brokers} brokers up to ${PORT_MAX}`,
      });
    for (const [index, { replicationFactor }] of topics.entries())
      if (replicationFactor !== undefined && replicationFactor > brokers)
        context.addIssue({
          code: 'custom',
          path: ['topics', index, 'replicationFactor'],
          message: `expected at most the number of brokers (${brokers})`,
        });
  });

/** What may be left out is optional. */
export type StartOptions = z.input<typeof clusterOptionsSchema>;
export type CheckedOptions = z.output<typeof clusterOptionsSchema>;

/** @throws UsageError that names every key at fault */
export function checkOptions(given: unknown, what = 'These options'): CheckedOptions {
  const result = clusterOptionsSchema.safeParse(given);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) =>
    issue.code === 'unrecognized_keys'
      ? `  ${formatPath([...issue.path, ...issue.keys.slice(0, 1)])}: expected no such key`
      : `  ${formatPath(issue.path)}: ${issue.message}`,
  );
  throw new UsageError(`${what} cannot be used:\n${lines.join('\n')}`, {
    ...(lines.some((line) => line.includes('broker setting'))
      ? { hint: `The broker settings are: ${settingNames.join(', ')}.` }
      : {}),
  });
}

/** How soon a broker that is started answers; a real one takes seconds, for which nobody wants to wait. */
const BROKER_START_MS = 50;
/** As in the configuration files that come with Kafka: a test does not want to wait three seconds for a group. */
const INITIAL_REBALANCE_DELAY_MS = '0';
const NO_DELAY = { minMs: 0, maxMs: 0 };
const LOG_CLEANER_INTERVAL_MS = 15_000;

/** Kafka's settings by Kafka's names enter, the cluster's own leave. */
export function clusterSettings({ settings, brokers, racks }: CheckedOptions): ClusterSettings {
  const made: Record<string, unknown> = {
    autoCreateTopicsEnable: true,
    brokerStartMs: BROKER_START_MS,
    // All brokers are in one process. And a client that was told that its topic exists finds it at any broker, as it
    // does on a real cluster where the way back to the client takes longer than the way from broker to broker.
    metadataDelay: NO_DELAY,
    controllerDelay: NO_DELAY,
    replicationDelay: NO_DELAY,
    brokerRequestDelay: NO_DELAY,
    logCleanerIntervalMs: LOG_CLEANER_INTERVAL_MS,
    transactionStateLogMinIsr: Math.min(2, brokers),
    racks,
  };
  const extra: Record<string, string> = { 'group.initial.rebalance.delay.ms': INITIAL_REBALANCE_DELAY_MS };
  for (const [name, value] of Object.entries(settings)) {
    if (name in numbers) made[numbers[name as keyof typeof numbers]] = Number(value);
    else if (name in switches) made[switches[name as keyof typeof switches]] = String(value) === 'true';
    else if (name !== IDLE_SETTING) extra[name] = String(value);
  }
  return completeSettings({ ...made, staticNames: Object.keys(settings), extra }, brokers);
}

export const idleMsOf = ({ settings }: CheckedOptions): number => Number(settings[IDLE_SETTING] ?? IDLE_MS);
