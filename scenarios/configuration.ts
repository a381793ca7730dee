/**
 * The vocabulary of configuration: what a person writes into a file enters, in the words of Kafka's documentation, a
 * checked `Configuration` or a sentence for each offending key leaves. It says nothing of any client: each adapter takes
 * the words or refuses them by name.
 */
import { z } from 'zod';
import { UsageError } from '../harness/errors.ts';
import { formatPath, nativeOptionsSchema } from './schema.ts';

const milliseconds = (min: number, max: number) => z.int().min(min).max(max);
const HOUR_MS = 3_600_000;

const common = {
  'metadata.max.age.ms': milliseconds(100, HOUR_MS),
  'request.timeout.ms': milliseconds(1, HOUR_MS),
  'retry.backoff.ms': milliseconds(0, HOUR_MS),
  'retry.backoff.max.ms': milliseconds(0, HOUR_MS),
  'reconnect.backoff.ms': milliseconds(0, HOUR_MS),
  'reconnect.backoff.max.ms': milliseconds(0, HOUR_MS),
  'socket.connection.setup.timeout.ms': milliseconds(1, HOUR_MS),
};

const consumerShape = {
  ...common,
  'session.timeout.ms': milliseconds(500, 1_800_000),
  /** Needs session.timeout.ms beside it; left out, at most a third of that. */
  'heartbeat.interval.ms': milliseconds(50, 600_000),
  'max.poll.interval.ms': milliseconds(100, HOUR_MS),
  /** How long a rebalance waits for a member; the Java consumer has max.poll.interval.ms for it. */
  'rebalance.timeout.ms': milliseconds(500, 1_800_000),
  'max.poll.records': z.int().min(1).max(100_000),
  'auto.offset.reset': z.enum(['earliest', 'latest', 'none']),
  'enable.auto.commit': z.boolean(),
  'auto.commit.interval.ms': milliseconds(1, HOUR_MS),
  /** In order of preference. */
  'partition.assignment.strategy': z
    .union([
      z.enum(['range', 'roundrobin', 'sticky', 'cooperative-sticky']),
      z.array(z.enum(['range', 'roundrobin', 'sticky', 'cooperative-sticky'])).min(1),
    ])
    .transform((names) => (typeof names === 'string' ? [names] : names)),
  'isolation.level': z.enum(['read_uncommitted', 'read_committed']),
  /** Each member has its own: its name in the scenario. Null is a dynamic member. */
  'group.instance.id': z.literal('{member}').nullable(),
  'fetch.min.bytes': z.int().min(1).max(1_048_576),
  'fetch.max.bytes': z.int().min(0).max(0x7fff_ffff),
  'fetch.max.wait.ms': milliseconds(1, 60_000),
  'max.partition.fetch.bytes': z.int().min(64).max(1_048_576),
  'default.api.timeout.ms': milliseconds(1, HOUR_MS),
  'allow.auto.create.topics': z.boolean(),
  'client.rack': z.string().min(1),
};

const producerShape = {
  ...common,
  acks: z
    .union([z.literal(0), z.literal(1), z.literal('all'), z.enum(['0', '1', '-1']), z.literal(-1)])
    .transform((acks): 0 | 1 | 'all' => {
      const level = Number(acks);
      return level === 0 || level === 1 ? level : 'all';
    }),
  'enable.idempotence': z.boolean(),
  'linger.ms': milliseconds(0, 60_000),
  'batch.size': z.int().min(0).max(1_048_576),
  retries: z.int().min(0).max(0x7fff_ffff),
  'delivery.timeout.ms': milliseconds(1, HOUR_MS),
  'max.in.flight.requests.per.connection': z.int().min(1).max(1_000),
  'max.block.ms': milliseconds(0, HOUR_MS),
  'max.request.size': z.int().min(0).max(0x7fff_ffff),
};

/** What is the application's to decide and has no word of Kafka's; as in a scenario. */
const applicationShape = {
  /** When the application itself commits, where the client does not: enable.auto.commit is then false. */
  commitMode: z.enum(['per-record', 'per-batch', 'per-poll', 'asynchronous', 'none']),
  commitOrder: z.enum(['process-then-commit', 'commit-then-process']),
  consumeMode: z.enum(['each-message', 'each-batch', 'manual']),
  partitionsConsumedConcurrently: z.int().min(1).max(100),
};

type Optional<Shape extends Record<string, z.ZodType>> = { [K in keyof Shape]: z.ZodExactOptional<Shape[K]> };
/** A section in which every word may be left out: what is left out stays as the scenario has it. */
const section = <Shape extends Record<string, z.ZodType>>(shape: Shape) =>
  z
    .strictObject(
      Object.fromEntries(
        Object.entries(shape).map(([word, schema]) => [word, schema.exactOptional()]),
      ) as unknown as Optional<Shape>,
    )
    .exactOptional();

const configurationShape = z.strictObject({
  $schema: z.string().exactOptional(),
  /** What reports call it; left out, the file's name. */
  name: z.string().min(1).max(60).exactOptional(),
  /** Of every group's members. */
  consumer: section(consumerShape),
  producer: section(producerShape),
  application: section(applicationShape),
  /** By client, then by what takes them: a client's own options, for what this vocabulary has no word for. */
  native: nativeOptionsSchema.exactOptional(),
});

export type Configuration = z.infer<typeof configurationShape>;
export type Section = 'consumer' | 'producer' | 'application';
export type Words<S extends Section> = NonNullable<Configuration[S]>;

type Issue = { readonly path: readonly PropertyKey[]; readonly message: string };

/** What Kafka or a scenario refuses of words that are right one by one. */
function* relations({ consumer = {}, producer = {}, application = {} }: Configuration): Generator<Issue> {
  const at = (word: string, message: string): Issue => ({ path: ['consumer', word], message });
  const heartbeatMs = consumer['heartbeat.interval.ms'];
  const sessionMs = consumer['session.timeout.ms'];
  if (heartbeatMs !== undefined && sessionMs === undefined)
    yield at('heartbeat.interval.ms', 'expected session.timeout.ms beside it, which has to be longer');
  if (heartbeatMs !== undefined && sessionMs !== undefined && heartbeatMs >= sessionMs)
    yield at('heartbeat.interval.ms', `expected less than session.timeout.ms (${sessionMs})`);
  const isAutomatic = consumer['enable.auto.commit'];
  const { commitMode, commitOrder, consumeMode } = application;
  if (isAutomatic === true && commitMode !== undefined)
    yield at('enable.auto.commit', `expected false, or no application.commitMode ('${commitMode}')`);
  if (isAutomatic === false && commitMode === undefined)
    yield at('enable.auto.commit', 'expected application.commitMode beside false: when does it commit?');
  if (consumer['auto.commit.interval.ms'] !== undefined && commitMode !== undefined)
    yield at('auto.commit.interval.ms', `expected no such key beside application.commitMode`);
  if (consumer['auto.commit.interval.ms'] !== undefined && isAutomatic === false)
    yield at('auto.commit.interval.ms', 'expected no such key where enable.auto.commit is false');
  if (commitMode === 'per-batch' && consumeMode === 'each-message')
    yield {
      path: ['application', 'consumeMode'],
      message:
        "expected 'each-batch' or 'manual' beside commitMode 'per-batch': each-message sees no batches",
    };
  const isExplicit = commitMode !== undefined && commitMode !== 'none';
  if (commitOrder === 'commit-then-process' && !isExplicit)
    yield {
      path: ['application', 'commitOrder'],
      message: 'expected commitMode per-record, per-batch, per-poll or asynchronous beside it',
    };
  if (producer['enable.idempotence'] === true && producer.acks !== undefined && producer.acks !== 'all')
    yield { path: ['producer', 'acks'], message: "expected 'all', which enable.idempotence needs" };
}

export const configurationSchema = configurationShape.superRefine((configuration, context) => {
  for (const { path, message } of relations(configuration))
    context.addIssue({ code: 'custom', path: [...path], message });
});

/** The JSON Schema of a configuration file, for editors; without what relates one word to another. */
export const configurationJsonSchema = (): object => z.toJSONSchema(configurationShape, { io: 'input' });

/**
 * @param source where the value comes from, for the message
 * @throws UsageError with one line per offending key
 */
export function parseConfiguration(value: unknown, source: string): Configuration {
  const result = configurationSchema.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map(
          (key) => `  ${[...issue.path, key].map(String).join(': ')}: ${noSuchKey(issue.path, key)}`,
        )
      : [`  ${issue.path.map(String).join(': ') || formatPath([])}: ${issue.message}`],
  );
  throw new UsageError(`${source} is not a configuration:\n${lines.join('\n')}`);
}

const shapes = { consumer: consumerShape, producer: producerShape, application: applicationShape } as const;

/** A word in the wrong section, or at the top, is said where it belongs. */
function noSuchKey(path: readonly PropertyKey[], key: string): string {
  const home = (Object.keys(shapes) as Section[]).find((name) => Object.hasOwn(shapes[name], key));
  if (home !== undefined && path[0] !== home) return `expected below '${home}:'`;
  return "expected no such key; what this vocabulary has no word for goes below 'native:' by client";
}

/** The words of a section. */
export const wordsOf = (name: Section): readonly string[] => Object.keys(shapes[name]);
