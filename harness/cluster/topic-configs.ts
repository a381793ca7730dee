/**
 * Settings of topics: names and values as text enter, checked and with Kafka's defaults they leave. Those that the
 * simulated cluster acts on are read from here; the others are kept and shown.
 */
import type { TopicState } from './metadata-image.ts';
import type { ClusterSettings } from './settings.ts';

/** Kafka's own numbers for the type of a setting, as DescribeConfigs answers them. */
export const configTypes = { boolean: 1, string: 2, int: 3, long: 5, double: 6, list: 7 } as const;
export type ConfigType = keyof typeof configTypes;

interface Definition {
  readonly type: ConfigType;
  /** Null where the newest release does not have it: then it is there if an older one gives a default. */
  readonly fallback: ((settings: ClusterSettings) => string) | null;
  readonly allowed?: readonly string[];
  readonly min?: number;
}

const constant = (value: string) => () => value;
const LONG_MAX = '9223372036854775807';

/** In alphabetical order. */
const definitions: ReadonlyMap<string, Definition> = new Map<string, Definition>([
  ['cleanup.policy', { type: 'list', fallback: constant('delete'), allowed: ['delete', 'compact'] }],
  ['compression.gzip.level', { type: 'int', fallback: constant('-1') }],
  ['compression.lz4.level', { type: 'int', fallback: constant('9') }],
  [
    'compression.type',
    {
      type: 'string',
      fallback: constant('producer'),
      allowed: ['producer', 'uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'],
    },
  ],
  ['compression.zstd.level', { type: 'int', fallback: constant('3') }],
  ['delete.retention.ms', { type: 'long', fallback: constant('86400000'), min: 0 }],
  ['file.delete.delay.ms', { type: 'long', fallback: constant('60000'), min: 0 }],
  ['flush.messages', { type: 'long', fallback: constant(LONG_MAX), min: 1 }],
  ['flush.ms', { type: 'long', fallback: constant(LONG_MAX), min: 0 }],
  ['follower.replication.throttled.replicas', { type: 'list', fallback: constant('') }],
  ['index.interval.bytes', { type: 'int', fallback: constant('4096'), min: 0 }],
  ['leader.replication.throttled.replicas', { type: 'list', fallback: constant('') }],
  ['local.retention.bytes', { type: 'long', fallback: constant('-2'), min: -2 }],
  ['local.retention.ms', { type: 'long', fallback: constant('-2'), min: -2 }],
  ['max.compaction.lag.ms', { type: 'long', fallback: constant(LONG_MAX), min: 1 }],
  ['max.message.bytes', { type: 'int', fallback: (settings) => String(settings.messageBytesMax), min: 0 }],
  ['message.downconversion.enable', { type: 'boolean', fallback: null }],
  ['message.format.version', { type: 'string', fallback: null }],
  ['message.timestamp.after.max.ms', { type: 'long', fallback: constant('3600000'), min: 0 }],
  ['message.timestamp.before.max.ms', { type: 'long', fallback: constant(LONG_MAX), min: 0 }],
  ['message.timestamp.difference.max.ms', { type: 'long', fallback: null, min: 0 }],
  [
    'message.timestamp.type',
    { type: 'string', fallback: constant('CreateTime'), allowed: ['CreateTime', 'LogAppendTime'] },
  ],
  ['min.cleanable.dirty.ratio', { type: 'double', fallback: constant('0.5'), min: 0 }],
  ['min.compaction.lag.ms', { type: 'long', fallback: constant('0'), min: 0 }],
  [
    'min.insync.replicas',
    { type: 'int', fallback: (settings) => String(settings.minInsyncReplicas), min: 1 },
  ],
  ['preallocate', { type: 'boolean', fallback: constant('false') }],
  ['remote.log.copy.disable', { type: 'boolean', fallback: constant('false') }],
  ['remote.log.delete.on.disable', { type: 'boolean', fallback: constant('false') }],
  ['remote.storage.enable', { type: 'boolean', fallback: constant('false') }],
  ['retention.bytes', { type: 'long', fallback: constant('-1'), min: -1 }],
  ['retention.ms', { type: 'long', fallback: (settings) => String(settings.logRetentionMs), min: -1 }],
  ['segment.bytes', { type: 'int', fallback: constant('1073741824'), min: 14 }],
  ['segment.index.bytes', { type: 'int', fallback: constant('10485760'), min: 4 }],
  ['segment.jitter.ms', { type: 'long', fallback: constant('0'), min: 0 }],
  ['segment.ms', { type: 'long', fallback: constant('604800000'), min: 1 }],
  [
    'unclean.leader.election.enable',
    { type: 'boolean', fallback: (settings) => String(settings.uncleanLeaderElectionEnable) },
  ],
]);

/** Null where the release does not have the setting. */
const defaultOf = (name: string, settings: ClusterSettings): string | null =>
  settings.topicDefaults[name] ?? definitions.get(name)?.fallback?.(settings) ?? null;

/** What is wrong with a setting, in a sentence, or null. */
export function whyConfigInvalid(
  name: string,
  value: string | null,
  settings: ClusterSettings,
): string | null {
  const definition = definitions.get(name);
  if (definition === undefined || defaultOf(name, settings) === null)
    return `Unknown topic config name: ${name}`;
  if (value === null) return `Null value not supported for topic configs: ${name}`;
  return isValid(definition, value) ? null : `Invalid value ${value} for configuration ${name}`;
}

function isValid({ type, allowed, min }: Definition, value: string): boolean {
  if (type === 'boolean') return value === 'true' || value === 'false';
  // KIP-1161: a list may be empty.
  if (type === 'list' && value === '') return true;
  if (type === 'list' || type === 'string')
    return allowed === undefined || value.split(',').every((one) => allowed.includes(one.trim()));
  if (type === 'double') return Number.isFinite(Number(value)) && value !== '' && Number(value) >= (min ?? 0);
  return /^-?\d{1,19}$/.test(value) && Number(value) >= (min ?? Number.NEGATIVE_INFINITY);
}

/** What a list is where the topic has none of its own; null for a setting that is no list. */
export function listConfigDefault(name: string, settings: ClusterSettings): string | null {
  return definitions.get(name)?.type === 'list' ? defaultOf(name, settings) : null;
}

export interface DescribedConfig {
  readonly name: string;
  readonly value: string;
  readonly type: ConfigType;
  readonly isDefault: boolean;
}

/** All settings of a topic, in alphabetical order. */
export function describeConfigs(
  configs: ReadonlyMap<string, string>,
  settings: ClusterSettings,
): DescribedConfig[] {
  return [...definitions].flatMap(([name, { type }]) => {
    const value = configs.get(name) ?? defaultOf(name, settings);
    return value === null ? [] : [{ name, value, type, isDefault: !configs.has(name) }];
  });
}

const textOf = (topic: Pick<TopicState, 'configs'>, name: string, settings: ClusterSettings): string =>
  topic.configs.get(name) ?? (defaultOf(name, settings) as string);

/** What the simulated cluster acts on, as numbers and truth values. */
export interface TopicLimits {
  readonly messageBytesMax: number;
  readonly minInsyncReplicas: number;
  readonly retentionMs: number;
  readonly retentionBytes: number;
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly timestampAfterMaxMs: number;
  readonly timestampBeforeMaxMs: number;
  readonly isCompacted: boolean;
  readonly isDeleted: boolean;
  readonly hasLogAppendTime: boolean;
  readonly uncleanLeaderElection: boolean;
}

/** Worked out once per state of a topic, since every produced batch asks for them. */
const limits = new WeakMap<ReadonlyMap<string, string>, TopicLimits>();

export function topicLimits(topic: Pick<TopicState, 'configs'>, settings: ClusterSettings): TopicLimits {
  const known = limits.get(topic.configs);
  if (known !== undefined) return known;
  const text = (name: string) => textOf(topic, name, settings);
  const policies = text('cleanup.policy').split(',');
  const made: TopicLimits = {
    messageBytesMax: Number(text('max.message.bytes')),
    minInsyncReplicas: Number(text('min.insync.replicas')),
    retentionMs: Number(text('retention.ms')),
    retentionBytes: Number(text('retention.bytes')),
    segmentBytes: Number(text('segment.bytes')),
    segmentMs: Number(text('segment.ms')),
    timestampAfterMaxMs: Number(text('message.timestamp.after.max.ms')),
    timestampBeforeMaxMs: Number(text('message.timestamp.before.max.ms')),
    isCompacted: policies.includes('compact'),
    isDeleted: policies.includes('delete'),
    hasLogAppendTime: text('message.timestamp.type') === 'LogAppendTime',
    uncleanLeaderElection: text('unclean.leader.election.enable') === 'true',
  };
  limits.set(topic.configs, made);
  return made;
}
