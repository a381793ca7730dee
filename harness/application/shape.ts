/**
 * What scenarios have to know of an application: what it asked of kafkajs and what the user says of it enter, its shape
 * leaves, or a sentence about what cannot be put on trial.
 */
import type { ConsumerConfig, ConsumerRunConfig } from 'kafkajs';
import type { ApplicationShape, ApplicationTopic } from '../../scenarios/application.ts';
import { type CommitMode, type Group, groupConfigurationSchema } from '../../scenarios/schema.ts';
import type { ApplicationConfiguration } from '../client/host.ts';
import { UsageError } from '../errors.ts';

/** What the user says of an application, where it cannot be seen. */
export interface ApplicationClaims {
  /** The topics that it consumes; left out, those that it subscribes to by name. */
  readonly topics?: readonly string[];
  /** Topics that it writes to. */
  readonly outputTopics?: readonly string[];
  /** Templates of record values, by topic; one alone is for all topics. */
  readonly values?: Readonly<Record<string, string>> | string;
  /**
   * What it is held to, in the words of a scenario's group, such as `{ commitOrder: 'commit-then-process' }` for an
   * application that may lose records. Left out, what it gave to kafkajs, and that it commits what it has processed.
   */
  readonly group?: Partial<Omit<Group, 'id' | 'topics' | 'members'>>;
}

/** kafkajs' own defaults (its `src/consumer/index.js`). */
const DEFAULTS = {
  sessionTimeout: 30_000,
  rebalanceTimeout: 60_000,
  heartbeatInterval: 3_000,
  maxWaitTimeInMs: 5_000,
  maxBytesPerPartition: 1_048_576,
  metadataMaxAge: 300_000,
} satisfies Partial<ConsumerConfig>;

/** What a handler may take, for how long the group may need to work off what is left. */
const HANDLER_MAX_MS = 100;

/** @throws UsageError for what no scenario can be made for */
export function shapeOf(
  file: string,
  { consumer, run, subscribed }: ApplicationConfiguration,
  claims: ApplicationClaims,
): ApplicationShape {
  const subscribedNames = subscribed.flatMap(({ topic }) => (typeof topic === 'string' ? [topic] : []));
  const consumed = claims.topics ?? [...new Set(subscribedNames)];
  if (consumed.length === 0)
    throw new UsageError(`${file} subscribes to a pattern, so its topics have to be named.`, {
      hint: 'Name them with --topics.',
    });
  const unknown = subscribedNames.find((name) => !consumed.includes(name));
  if (unknown !== undefined)
    throw new UsageError(
      `${file} subscribes to '${unknown}', which is none of its topics (${consumed.join(', ')}).`,
    );
  const firsts = new Set(subscribed.map(({ fromBeginning }) => fromBeginning));
  if (firsts.size > 1)
    throw new UsageError(
      `${file} reads some topics from the beginning and some not, which no scenario can say yet.`,
    );
  const group = groupConfigurationSchema.safeParse({
    id: consumer.groupId,
    ...configurationOf(consumer, run, firsts.has(true)),
    ...claims.group,
  });
  if (!group.success) {
    const [issue] = group.error.issues;
    throw new UsageError(`${file}: ${issue?.path.join('.')}: ${issue?.message}.`);
  }
  const names = new Set([...consumed, ...(claims.outputTopics ?? [])]);
  const topics = [...names].map((name): ApplicationTopic => {
    const value = typeof claims.values === 'string' ? claims.values : claims.values?.[name];
    return { name, consumed: consumed.includes(name), ...(value === undefined ? {} : { value }) };
  });
  return { topics, group: group.data };
}

function configurationOf(
  consumer: ConsumerConfig,
  run: ConsumerRunConfig,
  fromBeginning: boolean,
): Omit<Group, 'id' | 'topics' | 'members'> {
  const own = { ...DEFAULTS, ...withoutUndefined(consumer) };
  const consumeMode =
    run.eachMessage !== undefined
      ? 'each-message'
      : run.eachBatchAutoResolve === false
        ? 'manual'
        : 'each-batch';
  return {
    sessionTimeoutMs: own.sessionTimeout,
    rebalanceTimeoutMs: own.rebalanceTimeout,
    heartbeatIntervalMs: own.heartbeatInterval,
    autoOffsetReset: fromBeginning ? 'earliest' : 'latest',
    fetchMaxWaitMs: own.maxWaitTimeInMs,
    maxPartitionFetchBytes: own.maxBytesPerPartition,
    ...(own.minBytes === undefined ? {} : { fetchMinBytes: own.minBytes }),
    ...(own.readUncommitted === undefined
      ? {}
      : { isolationLevel: own.readUncommitted ? 'read_uncommitted' : 'read_committed' }),
    partitionsConsumedConcurrently: run.partitionsConsumedConcurrently ?? 1,
    metadataMaxAgeMs: own.metadataMaxAge,
    consumeMode,
    commitMode: commitModeOf(run, consumeMode),
    // That is what consumers are for; one that does otherwise has to say so.
    commitOrder: 'process-then-commit',
    handler: { timeMs: { min: 0, max: HANDLER_MAX_MS }, failuresPerThousand: 0, failuresPerRecord: 1 },
  };
}

function commitModeOf(run: ConsumerRunConfig, consumeMode: Group['consumeMode']): CommitMode {
  if (run.autoCommit !== false)
    return {
      kind: 'auto',
      intervalMs: run.autoCommitInterval ?? null,
      thresholdRecords: run.autoCommitThreshold ?? null,
    };
  return { kind: consumeMode === 'each-message' ? 'per-record' : 'per-batch' };
}

const withoutUndefined = (config: ConsumerConfig): Partial<ConsumerConfig> =>
  Object.fromEntries(
    Object.entries(config).filter(([, value]) => value !== undefined),
  ) as Partial<ConsumerConfig>;
