/**
 * Puts a configuration onto a scenario for one client: what the client cannot do of it is refused by name before anything
 * starts, and a scenario in which every group and producer has that configuration leaves.
 */
import type { Configuration, Section, Words } from '../../scenarios/configuration.ts';
import {
  type CommitMode,
  type Group,
  type NativeOptions,
  type Producer,
  parseScenario,
  type Scenario,
} from '../../scenarios/schema.ts';
import { settlingBoundMs } from '../../scenarios/settling.ts';
import { UsageError } from '../errors.ts';
import { clientNameOf, vocabularyOf } from './clients.ts';
import { type ClientOptions, nativeRefusals, type Taken } from './vocabulary.ts';

/** Java's own, where automatic commits are asked for and their interval is not said. */
const AUTO_COMMIT_INTERVAL_MS = 5_000;
const SECTIONS = ['consumer', 'producer', 'application'] as const satisfies readonly Section[];

/** @throws UsageError that names each word that the client has no way to do, and what can be done instead */
export function refuseConfiguration(configuration: Configuration, client: string, source: string): void {
  const refused = SECTIONS.flatMap((section) =>
    takenOf(configuration, client, section).flatMap(([word, taken]) =>
      taken !== 'scenario' && 'refused' in taken ? [`${section}: ${word}: ${taken.refused}.`] : [],
    ),
  );
  const name = clientNameOf(client);
  refused.push(...nativeRefusals(name, vocabularyOf(name), configuration.native?.[name] ?? {}));
  if (refused.length > 0)
    throw new UsageError(
      `${source} asks for what ${client} cannot do:\n${refused.map((one) => `  ${one}`).join('\n')}`,
    );
}

function takenOf(configuration: Configuration, client: string, section: Section): [string, Taken][] {
  const takes = vocabularyOf(client)[section] as Record<string, Taken | ((value: unknown) => Taken)>;
  return Object.entries(configuration[section] ?? {}).map(([word, value]) => {
    const take = takes[word] as Taken | ((value: unknown) => Taken);
    return [word, typeof take === 'function' ? take(value) : take];
  });
}

/**
 * The scenario with this configuration, its actions and its work as they were. What the configuration leaves out stays
 * as the scenario has it, and its settling bound grows where the configuration needs longer.
 * @throws UsageError
 */
export function configureScenario(
  scenario: Scenario,
  configuration: Configuration,
  client: string,
): Scenario {
  refuseConfiguration(configuration, client, 'The configuration');
  const native = nativeOf(configuration, client);
  const groups = scenario.groups.map((group): Group => {
    const configured = configureGroup(group, configuration.consumer ?? {}, configuration.application ?? {});
    return withNative(configured, client, native('member'));
  });
  const producers = scenario.producers.map(
    (producer): Producer =>
      withNative(configureProducer(producer, configuration.producer ?? {}), client, native('producer')),
  );
  const bound = settlingBoundMs({ ...scenario, groups, producers });
  const boundMs = Math.max(scenario.settling.boundMs, bound);
  return parseScenario(
    { ...scenario, groups, producers, settling: { boundMs } },
    `${scenario.name} with this configuration`,
  );
}

function configureGroup(group: Group, words: Words<'consumer'>, application: Words<'application'>): Group {
  const sessionTimeoutMs = words['session.timeout.ms'] ?? group.sessionTimeoutMs;
  const commitMode = commitModeOf(group.commitMode, words, application);
  const { consumeMode = group.consumeMode, partitionsConsumedConcurrently } = application;
  const isExplicit = commitMode.kind !== 'auto' && commitMode.kind !== 'none';
  const instanceId = words['group.instance.id'];
  return {
    ...group,
    ...defined({
      rebalanceTimeoutMs: words['rebalance.timeout.ms'],
      maxPollIntervalMs: words['max.poll.interval.ms'],
      maxPollRecords: words['max.poll.records'],
      autoOffsetReset: words['auto.offset.reset'],
      assignors: words['partition.assignment.strategy'],
      isolationLevel: words['isolation.level'],
      staticMembership: instanceId === undefined ? undefined : instanceId !== null,
      fetchMinBytes: words['fetch.min.bytes'],
      fetchMaxWaitMs: words['fetch.max.wait.ms'],
      maxPartitionFetchBytes: words['max.partition.fetch.bytes'],
      metadataMaxAgeMs: words['metadata.max.age.ms'],
      partitionsConsumedConcurrently,
    }),
    sessionTimeoutMs,
    // A third of the session, as Kafka's documentation advises, unless the scenario's is shorter still.
    heartbeatIntervalMs:
      words['heartbeat.interval.ms'] ?? Math.min(group.heartbeatIntervalMs, Math.floor(sessionTimeoutMs / 3)),
    commitMode,
    commitOrder: isExplicit ? (application.commitOrder ?? group.commitOrder) : 'process-then-commit',
    // Who is called with one record at a time sees no batches.
    consumeMode:
      commitMode.kind === 'per-batch' && consumeMode === 'each-message' ? 'each-batch' : consumeMode,
  };
}

function commitModeOf(
  own: CommitMode,
  words: Words<'consumer'>,
  application: Words<'application'>,
): CommitMode {
  if (application.commitMode !== undefined) return { kind: application.commitMode };
  const intervalMs = words['auto.commit.interval.ms'];
  if (words['enable.auto.commit'] !== true && intervalMs === undefined) return own;
  return { kind: 'auto', intervalMs: intervalMs ?? AUTO_COMMIT_INTERVAL_MS, thresholdRecords: null };
}

/** As Java's producer: whichever of acks and idempotence is not given gives way to the one that is. */
function configureProducer(producer: Producer, words: Words<'producer'>): Producer {
  const asked = words['enable.idempotence'];
  const acks = words.acks ?? (asked === true ? 'all' : producer.acks);
  return {
    ...producer,
    acks,
    idempotent: acks === 'all' && (asked ?? producer.idempotent),
    ...defined({
      lingerMs: words['linger.ms'],
      batchBytes: words['batch.size'],
      deliveryTimeoutMs: words['delivery.timeout.ms'],
    }),
  };
}

/** The options of the client's own for the processes of a role: those that words become, and over them those given as such. */
function nativeOf(
  configuration: Configuration,
  client: string,
): (role: 'member' | 'producer') => ClientOptions | null {
  const sections = vocabularyOf(client).native;
  const given = configuration.native?.[clientNameOf(client)] ?? {};
  return (role) => {
    const words = role === 'member' ? (['consumer', 'application'] as const) : (['producer'] as const);
    const all = words
      .flatMap((section) => takenOf(configuration, client, section))
      .flatMap(([, taken]) => (taken !== 'scenario' && 'native' in taken ? [taken.native] : []))
      .concat(given)
      .reduce((sum, one) => merge(sum, one) as ClientOptions, {});
    const own = Object.entries(all).filter(([name]) => {
      const of = sections[name]?.of;
      return of === 'both' || of === role;
    });
    return own.length === 0 ? null : Object.fromEntries(own);
  };
}

function withNative<T extends { native?: NativeOptions | undefined }>(
  of: T,
  client: string,
  options: ClientOptions | null,
): T {
  if (options === null) return of;
  return { ...of, native: merge(of.native ?? {}, { [clientNameOf(client)]: options }) as NativeOptions };
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Objects key by key; of anything else the later one. */
function merge(a: unknown, b: unknown): unknown {
  if (!isObject(a) || !isObject(b)) return b;
  const merged: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b))
    merged[key] = Object.hasOwn(a, key) ? merge(a[key], value) : value;
  return merged;
}

/** Without the keys that have no value. */
const defined = <T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
