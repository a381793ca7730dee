/**
 * A trial as a function: what is on trial and how much of it enters, scenarios are generated or taken, run and judged,
 * and the result leaves with the scenarios that failed; the run directory holds what the command line would keep.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { renderHtml } from '../../reports/html.tsx';
import { renderJunit } from '../../reports/junit.ts';
import { outcomeOf, type RunResult } from '../../reports/results.ts';
import {
  createRunDirectory,
  loadRunDirectory,
  makeRunId,
  type RunDirectory,
} from '../../reports/run-directory.ts';
import { renderSummary } from '../../reports/terminal.ts';
import { GENERATOR_VERSION, isProfileName, type ProfileName, profiles } from '../../scenarios/arbitrary.ts';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import { openApplication } from '../application/open.ts';
import type { ApplicationClaims } from '../application/shape.ts';
import { knownIssuesOf } from '../bugs/known-issues.ts';
import { ClientLog } from '../cli/client-log.ts';
import { selectProperties } from '../cli/options.ts';
import { openWorld, refuse } from '../cli/worlds.ts';
import type { Connection } from '../client/protocol.ts';
import { UsageError } from '../errors.ts';
import { runScenarios } from '../runner/runner.ts';
import { forSubject, inThisThread, type Plan } from '../runner/unit.ts';
import { type ShrinkFailuresOptions, type ShrunkFailure, shrinkFailures } from '../shrink/shrink-failures.ts';
import { parseClientSpec } from '../subject/client-spec.ts';
import { harnessVersion } from '../version.ts';
import { describeSubject } from '../world/run-scenario.ts';
import type { Subject } from '../world/world.ts';

export type { ShrunkFailure } from '../shrink/shrink-failures.ts';

export interface TrialOptions {
  /** Your consumer module: a path, relative to the working directory, or a URL such as `new URL('./consumer.ts', import.meta.url)`. */
  readonly application?: string | URL;
  /** The topics that the application consumes (default: those that it subscribes to). */
  readonly topics?: readonly string[];
  /** Topics that it writes to. */
  readonly outputTopics?: readonly string[];
  /** What it finds as its group id, where it does not have one of its own. */
  readonly groupId?: string;
  /**
   * What record values look like, as text or as an object that is sent as JSON: `{record}` in it becomes the record's
   * id, `{number}` its number. By topic where topics differ.
   */
  readonly value?: string | object;
  readonly values?: Readonly<Record<string, string | object>>;
  /** Environment variables that the application finds. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Files to put in the place of modules that it imports, such as a database: `{ './store.ts': 'test/store.ts' }`. */
  readonly substitutes?: Readonly<Record<string, string>>;
  /** What the application is held to where that cannot be seen, such as `{ commitOrder: 'commit-then-process' }`. */
  readonly config?: NonNullable<ApplicationClaims['group']>;
  /** Instead of an application, a client of kafka-trial's own trial application (default: kafkajs). */
  readonly client?: string;
  /** Number of generated scenarios (default: 20). */
  readonly runs?: number;
  /** Of the generator, from 0 to 4294967295 (default: 1). */
  readonly seed?: number;
  /** Mixture of generated scenarios. */
  readonly profile?: ProfileName;
  /** These instead of generated ones, such as the scenario file of a failure that is to stay mended. */
  readonly scenarios?: readonly unknown[];
  /** Ids of the properties to check (default: all). */
  readonly properties?: readonly string[];
  /** Whether known issues of the client make it invalid too, and not only what is new (default: false). */
  readonly strict?: boolean;
  /** Simulated (default), or real Kafka. */
  readonly world?: 'sim' | 'kafka';
  /** A cluster of yours for the Kafka world, instead of containers. */
  readonly connection?: Connection;
  /** How long to make the first failure of the simulated world smaller (default: 20,000 ms); 0 leaves it as it is. */
  readonly shrinkMs?: number;
  /** Where run directories go (default: reports/out). */
  readonly out?: string;
  /** Ends the name of the run directory. */
  readonly name?: string;
  readonly signal?: AbortSignal;
}

export interface TrialResult {
  readonly outcome: 'valid' | 'invalid' | 'unknown';
  /** Everything, as `run.json` has it. */
  readonly result: RunResult;
  /** The scenarios that were not valid, in order; `replay` takes the files. */
  readonly failures: readonly { readonly scenario: Scenario; readonly scenarioFile: string }[];
  /** The first failure made small, where there is one in the simulated world. */
  readonly shrunk: ShrunkFailure | null;
  /** What the command line would say. */
  readonly summary: string;
  /** The HTML report. */
  readonly reportFile: string;
}

const DEFAULT_RUNS = 20;
const DEFAULT_SEED = 1;
const SHRINK_MS = 20_000;
const SEED_MAX = 0xffff_ffff;

/**
 * Runs the scenarios one after another; what they show is in the result.
 * @throws UsageError where the options make no sense, before anything is started; WorldUnavailableError where the world
 * cannot be had
 */
export async function trial(options: TrialOptions = {}): Promise<TrialResult> {
  const { runs = DEFAULT_RUNS, seed = DEFAULT_SEED, profile = 'default', world: name = 'sim' } = options;
  check(options, { runs, seed, profile });
  const properties = selectProperties(options.properties?.join(','));
  const connection = options.connection ?? null;
  const signal = options.signal ?? new AbortController().signal;
  await using opened = await openSubject(options);
  const { subject, words } = opened;
  const given = options.scenarios?.map((value, index) =>
    forSubject(parseScenario(value, `scenarios[${index}]`), subject),
  );
  await refuse(name, given ?? [], subject, connection === null);
  const startedAt = new Date();
  const directory = await createRunDirectory(
    options.out ?? 'reports/out',
    makeRunId(startedAt, options.name ?? `seed-${seed}`),
  );
  await using log = new ClientLog(join(directory.path, 'clients.log'));
  const onLog = (origin: string, line: string): void => log.write(origin, line);
  const { world: openedWorld, versions } = await openWorld({
    name,
    connection,
    onProgress: () => {},
    onLog,
    signal,
  });
  await using world = openedWorld;
  const result = await runScenarios({
    header: {
      command: given === undefined ? 'run' : 'replay',
      seed: given === undefined ? seed : null,
      world: world.name,
      client: describeSubject(subject),
      mutant: null,
      versions: { 'kafka-trial': harnessVersion(), node: process.versions.node, ...versions },
      startedAt: startedAt.toISOString(),
      options: {
        ...(given === undefined ? { profile, runs, generator: GENERATOR_VERSION } : {}),
        ...(options.client === undefined ? {} : { client: options.client }),
        ...(options.strict === true ? { strict: true } : {}),
        ...(words.length === 0 ? {} : { application: words }),
      },
      runDirectory: directory.path,
    },
    plans:
      given === undefined
        ? generated(runs, seed, profile)
        : given.map((scenario, index) => ({ index, scenario })),
    planned: given?.length ?? runs,
    executor: inThisThread({ world, subject, properties }),
    knownIssueOf: await knownIssuesOf(describeSubject(subject), subject.mutant),
    properties,
    jobs: 1,
    timeLimitMs: null,
    directory,
    onProgress: () => {},
    onLog,
    signal,
  });
  signal.throwIfAborted();
  return await conclude(result, directory, {
    subject,
    properties,
    signal,
    timeMs: options.shrinkMs ?? SHRINK_MS,
  });
}

function* generated(runs: number, seed: number, profile: ProfileName): Generator<Plan> {
  for (let index = 0; index < runs; index++) yield { index, seed, profile };
}

async function conclude(
  result: RunResult,
  directory: RunDirectory,
  shrinking: Pick<ShrinkFailuresOptions, 'subject' | 'properties' | 'signal' | 'timeMs'>,
): Promise<TrialResult> {
  await directory.writeResult(result);
  await directory.writeJunit(renderJunit(result));
  const { scenarios: found } = await loadRunDirectory(directory.path);
  const shrunk =
    result.world === 'simulated' && outcomeOf(result) === 'invalid' && shrinking.timeMs > 0
      ? await shrinkFailures({
          ...shrinking,
          result,
          scenarios: found,
          failuresMax: 1,
          isKnownToo: result.options.strict === true || result.command === 'replay',
        })
      : new Map<string, ShrunkFailure>();
  // Once more, so that the report has the small one too.
  const { scenarios } = await loadRunDirectory(directory.path);
  await directory.writeReport(renderHtml(result, scenarios));
  return {
    outcome: outcomeOf(result),
    result,
    failures: scenarios.flatMap(({ scenario, verdict, directory: folder }) =>
      verdict !== null && verdict.outcome === 'valid'
        ? []
        : [{ scenario, scenarioFile: join(folder, 'scenario.json') }],
    ),
    shrunk: [...shrunk.values()][0] ?? null,
    summary: renderSummary(result, { color: false }),
    reportFile: directory.reportFile,
  };
}

/** Mistakes that types do not find, or that come from JavaScript. */
function check(
  options: TrialOptions,
  { runs, seed, profile }: { runs: number; seed: number; profile: string },
): void {
  if (!Number.isInteger(runs) || runs < 1)
    throw new UsageError(`runs: expected a whole number from 1, got ${runs}.`);
  if (!Number.isInteger(seed) || seed < 0 || seed > SEED_MAX)
    throw new UsageError(`seed: expected a whole number from 0 to ${SEED_MAX}, got ${seed}.`);
  if (!isProfileName(profile))
    throw new UsageError(`profile: expected one of ${Object.keys(profiles).join(', ')}, got '${profile}'.`);
  const { client, application, connection, world } = options;
  if (client !== undefined && application !== undefined)
    throw new UsageError('An application brings its own client, so `application` goes without `client`.');
  if (client !== undefined) parseClientSpec(client);
  if (connection !== undefined && world !== 'kafka')
    throw new UsageError("`connection` can be used with world: 'kafka' only.");
  if (options.scenarios?.length === 0) throw new UsageError('scenarios: expected at least one.');
}

interface OpenedSubject extends AsyncDisposable {
  readonly subject: Subject;
  /** Options of the command line that name the application for a replay. */
  readonly words: readonly string[];
}

async function openSubject(options: TrialOptions): Promise<OpenedSubject> {
  const { application, topics, outputTopics, environment, substitutes, groupId, config } = options;
  const subject: Subject = { client: options.client ?? 'kafkajs', mutant: null };
  if (application === undefined) return { subject, words: [], async [Symbol.asyncDispose]() {} };
  const file = pathOf(application);
  const values = valuesOf(options);
  const opened = await openApplication({
    file,
    ...(topics === undefined ? {} : { topics }),
    ...(outputTopics === undefined ? {} : { outputTopics }),
    ...(groupId === undefined ? {} : { groupId }),
    ...(values === undefined ? {} : { values }),
    ...(environment === undefined ? {} : { environment }),
    ...(substitutes === undefined ? {} : { substitutes }),
    ...(config === undefined ? {} : { group: config }),
  });
  return {
    subject: { ...subject, application: opened.application },
    words: opened.words,
    [Symbol.asyncDispose]: async () => await opened[Symbol.asyncDispose](),
  };
}

const pathOf = (application: string | URL): string =>
  application instanceof URL || application.startsWith('file:') ? fileURLToPath(application) : application;

const templateOf = (value: string | object): string => {
  if (typeof value === 'string') return value;
  // A number cannot be written inside a string, so the quotes around a lone `{number}` go.
  return JSON.stringify(value).replaceAll('"{number}"', '{number}');
};

function valuesOf({ value, values }: TrialOptions): Record<string, string> | string | undefined {
  if (value !== undefined && values !== undefined)
    throw new UsageError('`value` is for all topics and `values` for each, so one of the two is enough.');
  if (value !== undefined) return templateOf(value);
  if (values === undefined) return undefined;
  return Object.fromEntries(Object.entries(values).map(([topic, one]) => [topic, templateOf(one)]));
}
