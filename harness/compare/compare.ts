/**
 * A whole comparison: what was given on the command line enters; everything is checked, the scenarios are run, examples
 * are run again for their pictures, all reports are written, and an exit code leaves.
 */
import { join } from 'node:path';
import { catalogue } from '../../properties/index.ts';
import { type Comparison, comparisonSchema, renderComparisonJson } from '../../reports/comparison.ts';
import { renderComparisonMarkdown } from '../../reports/comparison-markdown.ts';
import { renderComparison } from '../../reports/comparison-terminal.ts';
import { renderComparisonHtml } from '../../reports/html/comparison.tsx';
import { createRunDirectory, makeRunId } from '../../reports/run-directory.ts';
import { type ProfileName, profiles } from '../../scenarios/arbitrary.ts';
import { knownIssues } from '../bugs/known-issues.ts';
import { loadKnownBugs } from '../bugs/load.ts';
import { ClientLog } from '../cli/client-log.ts';
import { listenForInterruption } from '../cli/interrupt.ts';
import { readWorldConnection, type TrialOptions } from '../cli/options.ts';
import { colorOf, Output } from '../cli/output.ts';
import { defaultJobs, openWorld } from '../cli/worlds.ts';
import { type ExitCode, exitCodes, UsageError } from '../errors.ts';
import { writeFileAtomically } from '../history/atomic-write.ts';
import { type Executor, inThisThread } from '../runner/unit.ts';
import { harnessVersion } from '../version.ts';
import { describeSubject } from '../world/run-scenario.ts';
import type { Subject, World } from '../world/world.ts';
import { type KeptExample, keepExamples } from './examples.ts';
import { findingsIn } from './findings.ts';
import { figuresAgainst } from './pairs.ts';
import { type ComparisonRun, type Measured, runComparison } from './run.ts';
import { type ApplicationOptions, type ComparedSubject, readSubjects } from './subjects.ts';
import { gridOf, paretoFront, parseSweep, type SweepPoint, type SweptWord } from './sweep.ts';

export interface CompareOptions
  extends Pick<TrialOptions, 'world' | 'client' | 'jobs' | 'out' | 'brokers' | 'connection' | 'json'>,
    ApplicationOptions {
  readonly runs: number;
  readonly seed?: number;
  readonly profile: ProfileName;
  readonly sweep: readonly string[];
  readonly failOnWorse?: boolean;
}

interface Planned extends AsyncDisposable {
  readonly subjects: readonly ComparedSubject[];
  readonly words: readonly SweptWord[];
  /** Null where nothing is swept. */
  readonly points: readonly SweepPoint[] | null;
}

/** @throws UsageError */
async function plan(texts: readonly string[], options: CompareOptions): Promise<Planned> {
  const given = texts.length === 0 ? [options.client] : texts;
  const words = await Promise.all(options.sweep.map(parseSweep));
  const read = await readSubjects(given, options.client, options);
  const dispose = async (): Promise<void> => await read[Symbol.asyncDispose]();
  if (words.length === 0)
    return { subjects: read.subjects, words, points: null, [Symbol.asyncDispose]: dispose };
  try {
    const points = gridOf(read.subjects[0] as ComparedSubject, words);
    if (points.length < 2)
      throw new UsageError('--sweep names one combination of values; two are the least.');
    return { subjects: points.map(({ subject }) => subject), words, points, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** The harness does not stand between the clients and real brokers, and these do not tell whose requests they were. */
const REQUESTS_ARE_NOT_COUNTED = {
  title: 'requests, in all and by API',
  reason: 'the simulated brokers count them, and real ones do not',
};

/** @throws HarnessError */
export async function compare(
  texts: readonly string[],
  options: CompareOptions & { readonly seed: number },
): Promise<ExitCode> {
  const connection = readWorldConnection(options);
  await using planned = await plan(texts, options);
  const { subjects } = planned;
  const { seed, profile, runs, world: worldName } = options;
  if (worldName === 'kafka' && profiles[profile].resetsOffsets)
    throw new UsageError(
      `Real Kafka lets offsets expire after minutes, so --profile ${profile} needs --world sim.`,
    );
  const foreign = subjects.find(({ subject }) => subject.client !== 'reference');
  if (foreign !== undefined && profiles[profile].hasJavaOptions)
    throw new UsageError(
      `--profile ${profile} configures what only the Java client has words for, and ${foreign.label} is another client.`,
    );

  const output = new Output(process.stderr);
  const startedAt = new Date();
  const startedMs = performance.now();
  const startedCpu = process.cpuUsage();
  const directory = await createRunDirectory(options.out, makeRunId(startedAt, `compare-${seed}`));
  using interruption = listenForInterruption((sentence) => output.say(sentence));
  const { signal } = interruption;
  const bugs = await loadKnownBugs();
  const jobs = Math.min(options.jobs ?? defaultJobs(worldName), runs * subjects.length);

  await using clientLog = new ClientLog(join(directory.path, 'clients.log'));
  const onLog = (origin: string, line: string): void => clientLog.write(origin, line);
  const opened = await openWorld({
    name: worldName,
    connection,
    onProgress: (sentence) => output.say(sentence),
    onLog,
    signal,
  });
  let run: ComparisonRun;
  let examples: KeptExample[];
  {
    await using world = opened.world;
    await using executors = new Executors(world, subjects, worldName === 'sim' && jobs > 1);
    run = await runComparison({
      subjects,
      seed,
      profile,
      runs,
      executors: await executors.byKey(),
      knownIssueOf: new Map(
        subjects.map(({ key, subject }) => [key, knownIssues(bugs, describeSubject(subject))]),
      ),
      jobs,
      onProgress: (progress) => output.progress(progress),
      onLog,
      signal,
    });
    examples = signal.aborted
      ? []
      : await keepExamples(run, subjects, directory.path, worldName === 'sim' ? world : null);
    if (world.name === 'kafka') output.say('Stopping the cluster.');
  }

  const comparisons = subjects.slice(1).map((subject, i) => ({
    a: (subjects[0] as ComparedSubject).label,
    b: subject.label,
    figures: figuresAgainst(run.scenarios, i + 1, seed),
  }));
  const cpu = process.cpuUsage(startedCpu);
  const file = (name: string): string => join(directory.path, name);
  const comparison: Comparison = comparisonSchema.parse({
    schema: 1,
    command: 'compare',
    seed,
    profile,
    world: opened.world.name,
    versions: { 'kafka-trial': harnessVersion(), node: process.versions.node, ...opened.versions },
    startedAt: startedAt.toISOString(),
    subjects: subjects.map(({ label, subject, configuration }, i) => ({
      label,
      client: describeSubject(subject),
      application: subject.application?.file ?? null,
      configuration,
      traceHash: run.traceHashes[i] ?? null,
    })),
    notMeasured: opened.world.name === 'kafka' ? [REQUESTS_ARE_NOT_COUNTED] : [],
    scenarios: { run: run.scenarios.length, excluded: excludedOf(run.scenarios, subjects) },
    figures: comparisons[0]?.figures ?? {},
    comparisons,
    findings: findingsIn(run.scenarios, subjects.length),
    measurements: run.scenarios.flatMap((ofScenario) =>
      ofScenario.every(({ figures }) => figures !== null)
        ? [
            {
              scenario: ofScenario[0]?.scenario.name ?? '',
              figures: ofScenario.map(({ figures }) => figures ?? {}),
            },
          ]
        : [],
    ),
    sweep: planned.points === null ? null : sweepOf(planned.words, planned.points, run.scenarios),
    examples: examples.map(({ example }) => example),
    virtualSeconds: run.virtualSeconds,
    cpuSeconds: Math.round((cpu.user + cpu.system) / 1_000) / 1_000,
    wallSeconds: Math.round(performance.now() - startedMs) / 1_000,
    runDirectory: directory.path,
    files: { json: file('compare.json'), markdown: file('compare.md'), html: file('compare.html') },
    interrupted: signal.aborted,
  });
  const json = renderComparisonJson(comparison);
  await writeFileAtomically(comparison.files.json, [json]);
  await writeFileAtomically(comparison.files.markdown, [renderComparisonMarkdown(comparison)]);
  await writeFileAtomically(comparison.files.html, [
    renderComparisonHtml(
      comparison,
      examples.map(({ histories }) => histories),
    ),
  ]);
  output.end();
  process.stdout.write(
    options.json === true
      ? json
      : renderComparison(comparison, {
          color: colorOf(process.stdout),
          width: process.stdout.columns ?? 120,
        }),
  );
  return exitCodeOf(comparison, options.failOnWorse === true);
}

function exitCodeOf({ comparisons, measurements }: Comparison, failsOnWorse: boolean): ExitCode {
  if (measurements.length === 0) return exitCodes.unknown;
  const isWorse = comparisons.some(({ figures }) =>
    Object.values(figures).some(({ verdict }) => verdict === 'worse'),
  );
  return failsOnWorse && isWorse ? exitCodes.invalid : exitCodes.valid;
}

/** One executor for each client or application, shared by all its configurations. */
class Executors implements AsyncDisposable {
  readonly #world: World;
  readonly #subjects: ReadonlyMap<string, Subject>;
  readonly #inThreads: boolean;
  readonly #executors = new Map<string, Executor>();

  constructor(world: World, subjects: readonly ComparedSubject[], inThreads: boolean) {
    this.#world = world;
    this.#subjects = new Map(subjects.map(({ key, subject }) => [key, subject]));
    this.#inThreads = inThreads;
  }

  async byKey(): Promise<ReadonlyMap<string, Executor>> {
    const { Threads } = await import('../runner/threads.ts');
    for (const [key, subject] of this.#subjects) {
      this.#executors.set(
        key,
        this.#inThreads
          ? new Threads({ subject, properties: catalogue.map(({ id }) => id), measures: true })
          : inThisThread({ world: this.#world, subject, properties: catalogue, measures: true }),
      );
    }
    return this.#executors;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#executors.values()].map(async (one) => await one[Symbol.asyncDispose]()));
  }
}

const excludedOf = (scenarios: readonly (readonly Measured[])[], subjects: readonly ComparedSubject[]) =>
  scenarios.flatMap((ofScenario) =>
    ofScenario.flatMap(({ scenario, unknown }, i) =>
      unknown === null ? [] : [{ scenario: scenario.name, label: subjects[i]?.label ?? '', reason: unknown }],
    ),
  );

function sweepOf(
  words: readonly SweptWord[],
  points: readonly SweepPoint[],
  scenarios: readonly (readonly Measured[])[],
) {
  // Means over the same scenarios for all, or the points would not be comparable.
  const whole = scenarios.filter((ofScenario) => ofScenario.every(({ figures }) => figures !== null));
  const meanOf = (point: number, name: string): number =>
    whole.reduce((sum, ofScenario) => sum + (ofScenario[point]?.figures?.[name] ?? 0), 0) /
    Math.max(1, whole.length);
  const placed = points.map(({ subject, values }, i) => ({
    label: subject.label,
    values,
    duplicates: meanOf(i, 'duplicates'),
    ownerlessMs: meanOf(i, 'ownerless'),
    newIllegal: meanOf(i, 'illegal.new'),
    knownIllegal: meanOf(i, 'illegal.known'),
  }));
  const front = paretoFront(placed.map(({ ownerlessMs, duplicates }) => [ownerlessMs, duplicates] as const));
  return {
    words: words.map(({ word, values }) => ({ word, values: [...values] })),
    points: placed.map((point, i) => ({ ...point, pareto: front[i] === true })),
  };
}
