/**
 * The configurations of consumer and producer: options by their names in Kafka's documentation enter, all options with
 * the Java client's defaults (4.x) leave, or a ConfigError that names the option.
 */
import { z } from 'zod';
import { ConfigError } from './errors.ts';

const milliseconds = z.number().min(0);
const positive = z.number().min(1);

/** What both have, as far as the network is concerned. */
const common = {
  'bootstrap.servers': z.array(z.string().regex(/^.+:\d+$/, "an address of the form 'host:port'")).min(1),
  'client.id': z.string().default(''),
  'metadata.max.age.ms': milliseconds.default(300_000),
  'request.timeout.ms': positive.default(30_000),
  'retry.backoff.ms': milliseconds.default(100),
  'retry.backoff.max.ms': milliseconds.default(1_000),
  'reconnect.backoff.ms': milliseconds.default(50),
  'reconnect.backoff.max.ms': milliseconds.default(1_000),
  'socket.connection.setup.timeout.ms': positive.default(10_000),
};

const assignorName = z.enum(['range', 'roundrobin', 'sticky', 'cooperative-sticky']);

const consumerSchema = z.strictObject({
  ...common,
  'allow.auto.create.topics': z.boolean().default(true),
  'auto.commit.interval.ms': milliseconds.default(5_000),
  'auto.offset.reset': z.enum(['earliest', 'latest', 'none']).default('latest'),
  'client.rack': z.string().default(''),
  'default.api.timeout.ms': milliseconds.default(60_000),
  /** Without a group id it is false unless it was asked for, which is refused. */
  'enable.auto.commit': z.boolean().optional(),
  'fetch.max.bytes': z.int().min(0).default(52_428_800),
  'fetch.max.wait.ms': z.int().min(0).default(500),
  'fetch.min.bytes': z.int().min(0).default(1),
  'group.id': z.string().min(1).nullable().default(null),
  'group.instance.id': z.string().min(1).nullable().default(null),
  'heartbeat.interval.ms': positive.default(3_000),
  'isolation.level': z.enum(['read_uncommitted', 'read_committed']).default('read_uncommitted'),
  'max.partition.fetch.bytes': z.int().min(0).default(1_048_576),
  'max.poll.interval.ms': z.int().min(1).default(300_000),
  'max.poll.records': z.int().min(1).default(500),
  'partition.assignment.strategy': z.array(assignorName).min(1).default(['range', 'cooperative-sticky']),
  'session.timeout.ms': z.int().min(1).default(45_000),
});

const producerSchema = z.strictObject({
  ...common,
  acks: z.union([z.literal(0), z.literal(1), z.literal('all')]).optional(),
  'batch.size': z.int().min(0).default(16_384),
  'delivery.timeout.ms': milliseconds.default(120_000),
  /** True unless another option contradicts it and it was not asked for. */
  'enable.idempotence': z.boolean().optional(),
  'linger.ms': milliseconds.default(5),
  'max.block.ms': milliseconds.default(60_000),
  'max.in.flight.requests.per.connection': z.int().min(1).default(5),
  'max.request.size': z.int().min(0).default(1_048_576),
  /** Records without a key: to one partition until a batch is full (KIP-794), or to each in turn. */
  'partitioner.class': z.enum(['default', 'RoundRobinPartitioner']).default('default'),
  retries: z.int().min(0).default(2_147_483_647),
  'transaction.timeout.ms': z.int().min(1).default(60_000),
  'transactional.id': z.string().min(1).nullable().default(null),
});

export type NetworkConfig = { [K in keyof typeof common]: z.output<(typeof common)[K]> };
export type ConsumerOptions = z.input<typeof consumerSchema>;
export type ProducerOptions = z.input<typeof producerSchema>;
export type ConsumerConfig = Omit<z.output<typeof consumerSchema>, 'enable.auto.commit'> & {
  readonly 'enable.auto.commit': boolean;
};
export type ProducerConfig = Omit<z.output<typeof producerSchema>, 'enable.idempotence' | 'acks'> & {
  readonly 'enable.idempotence': boolean;
  readonly acks: 0 | 1 | 'all';
};

const parse = <S extends z.ZodType>(schema: S, options: unknown): z.output<S> => {
  const result = schema.safeParse(options);
  if (result.success) return result.data;
  throw new ConfigError(z.prettifyError(result.error));
};

/**
 * @param warn takes one sentence about what is allowed and seldom wise
 * @throws ConfigError
 */
export function consumerConfig(options: ConsumerOptions, warn: (sentence: string) => void): ConsumerConfig {
  const config = parse(consumerSchema, options);
  const { 'heartbeat.interval.ms': heartbeatMs, 'session.timeout.ms': sessionMs } = config;
  // Kafka's class Heartbeat refuses it.
  if (heartbeatMs >= sessionMs)
    throw new ConfigError(
      `heartbeat.interval.ms (${heartbeatMs}) must be lower than session.timeout.ms (${sessionMs})`,
    );
  if (heartbeatMs * 3 > sessionMs)
    warn(
      `heartbeat.interval.ms (${heartbeatMs}) is above a third of session.timeout.ms (${sessionMs}): few lost heartbeats cost the membership.`,
    );
  const hasGroup = config['group.id'] !== null;
  if (!hasGroup && config['enable.auto.commit'] === true)
    throw new ConfigError('enable.auto.commit cannot be true without a group.id');
  return { ...config, 'enable.auto.commit': config['enable.auto.commit'] ?? hasGroup };
}

/** @throws ConfigError */
export function producerConfig(options: ProducerOptions): ProducerConfig {
  const config = parse(producerSchema, options);
  const lingerAndRequestMs = config['linger.ms'] + config['request.timeout.ms'];
  let deliveryMs = config['delivery.timeout.ms'];
  if (deliveryMs < lingerAndRequestMs) {
    if (options['delivery.timeout.ms'] !== undefined)
      throw new ConfigError('delivery.timeout.ms must not be less than linger.ms + request.timeout.ms');
    deliveryMs = lingerAndRequestMs;
  }
  const acks = config.acks ?? 'all';
  const contradiction =
    acks !== 'all'
      ? 'acks all'
      : config.retries === 0
        ? 'retries above 0'
        : config['max.in.flight.requests.per.connection'] > 5
          ? 'max.in.flight.requests.per.connection of at most 5'
          : null;
  const isTransactional = config['transactional.id'] !== null;
  const asked = config['enable.idempotence'];
  if (contradiction !== null && asked === true)
    throw new ConfigError(`enable.idempotence needs ${contradiction}`);
  const idempotence = contradiction === null && asked !== false;
  if (isTransactional && !idempotence)
    throw new ConfigError(
      `transactional.id needs enable.idempotence${contradiction === null ? '' : ` and ${contradiction}`}`,
    );
  return { ...config, acks, 'delivery.timeout.ms': deliveryMs, 'enable.idempotence': idempotence };
}
