/**
 * Puts a configuration over what an application of the user's gives to kafkajs: a scenario that fits the application, and
 * the configuration enter; the scenario leaves whose group says what the application then runs with, and carries the
 * options of kafkajs that make it so (see `harness/client/user/given-options.ts`).
 */
import { APPLICATION_OPTIONS } from '../../scenarios/application.ts';
import type { Configuration } from '../../scenarios/configuration.ts';
import type { Group, NativeOptions, Scenario } from '../../scenarios/schema.ts';
import { configureScenario, refuseConfiguration } from '../client/configure.ts';
import type { ClientOptions } from '../client/vocabulary.ts';
import { UsageError } from '../errors.ts';
import type { BuiltApplication } from '../world/world.ts';

const CLIENT = 'kafkajs';
const ITS_CODE = 'the module itself does that, so its code has to say so';

/** @throws UsageError that names each word that cannot be put over an application, and where it is said instead */
export function refuseForApplication(
  configuration: Configuration,
  { file, shape }: BuiltApplication,
  source: string,
): void {
  refuseConfiguration(configuration, CLIENT, source);
  const { consumer = {}, application = {} } = configuration;
  const { commitMode } = shape.group;
  const refused = [
    ...(['commitMode', 'commitOrder', 'consumeMode'] as const)
      .filter((word) => application[word] !== undefined)
      .map((word) => `application: ${word}: ${ITS_CODE}.`),
    ...(consumer['partition.assignment.strategy'] === undefined
      ? []
      : ['consumer: partition.assignment.strategy: the module itself gives kafkajs its assigners.']),
    ...(commitMode.kind === 'auto'
      ? consumer['enable.auto.commit'] === false
        ? [`consumer: enable.auto.commit: nothing in the module would commit instead.`]
        : []
      : (['enable.auto.commit', 'auto.commit.interval.ms'] as const)
          .filter((word) => consumer[word] !== undefined && consumer[word] !== false)
          .map((word) => `consumer: ${word}: the module commits by itself (autoCommit: false).`)),
  ];
  if (refused.length > 0)
    throw new UsageError(
      `${source} asks for what cannot be put over ${file}:\n${refused.map((one) => `  ${one}`).join('\n')}`,
    );
}

/** @throws UsageError */
export function configureApplication(
  scenario: Scenario,
  configuration: Configuration,
  application: BuiltApplication,
): Scenario {
  refuseForApplication(configuration, application, 'The configuration');
  const configured = configureScenario(scenario, configuration, CLIENT);
  return {
    ...configured,
    groups: configured.groups.map((group, i): Group => {
      // A scenario that was configured before keeps what this configuration does not speak of.
      const { [CLIENT]: own = {}, [APPLICATION_OPTIONS]: earlier = {}, ...others } = group.native ?? {};
      const changed = changedOptions(scenario.groups[i] as Group, group);
      const options = mergeSections(earlier, mergeSections(changed, own));
      const native: NativeOptions =
        Object.keys(options).length === 0 ? others : { ...others, [APPLICATION_OPTIONS]: options };
      const { native: _native, ...rest } = group;
      return Object.keys(native).length === 0 ? rest : { ...rest, native };
    }),
  };
}

/** What of the group has become something else, as kafkajs calls it, by what takes it. */
function changedOptions(before: Group, after: Group): ClientOptions {
  const changed = <K extends keyof Group>(
    key: K,
    name: string,
    as: (value: Group[K]) => unknown = (v) => v,
  ) => (before[key] === after[key] ? [] : [[name, as(after[key])] as const]);
  const consumer = Object.fromEntries([
    ...changed('sessionTimeoutMs', 'sessionTimeout'),
    ...changed('rebalanceTimeoutMs', 'rebalanceTimeout'),
    ...changed('heartbeatIntervalMs', 'heartbeatInterval'),
    ...changed('fetchMaxWaitMs', 'maxWaitTimeInMs'),
    ...changed('fetchMinBytes', 'minBytes'),
    ...changed('maxPartitionFetchBytes', 'maxBytesPerPartition'),
    ...changed('metadataMaxAgeMs', 'metadataMaxAge'),
    ...changed('isolationLevel', 'readUncommitted', (level) => level === 'read_uncommitted'),
  ]);
  const run = Object.fromEntries([
    ...changed('partitionsConsumedConcurrently', 'partitionsConsumedConcurrently'),
    ...intervalOf(before, after),
  ]);
  const subscribe = Object.fromEntries(
    changed('autoOffsetReset', 'fromBeginning', (policy) => policy === 'earliest'),
  );
  return Object.fromEntries(
    Object.entries({ consumer, run, subscribe }).filter(([, options]) => Object.keys(options).length > 0),
  ) as ClientOptions;
}

function intervalOf({ commitMode: before }: Group, { commitMode: after }: Group): [string, number | null][] {
  if (after.kind !== 'auto' || before.kind !== 'auto') return [];
  return [
    ...(after.intervalMs === before.intervalMs
      ? []
      : [['autoCommitInterval', after.intervalMs] as [string, number | null]]),
    ...(after.thresholdRecords === before.thresholdRecords
      ? []
      : [['autoCommitThreshold', after.thresholdRecords] as [string, number | null]]),
  ];
}

/** Options that were given as such go over those that words became. */
const mergeSections = (words: ClientOptions, given: ClientOptions): ClientOptions =>
  Object.fromEntries(
    [...new Set([...Object.keys(words), ...Object.keys(given)])].map((section) => [
      section,
      { ...words[section], ...given[section] },
    ]),
  ) as ClientOptions;
