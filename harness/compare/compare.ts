/**
 * A whole comparison: what was given on the command line enters; everything is checked, the scenarios are run, examples
 * are run again for their pictures, all reports are written, and an exit code leaves.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { catalogue } from '../../properties/index.ts';
import { type Comparison, comparisonSchema, renderComparisonJson } from '../../reports/comparison.ts';
import { renderComparisonMarkdown } from '../../reports/comparison-markdown.ts';
import { renderComparison } from '../../reports/comparison-terminal.ts';
import { renderComparisonHtml } from '../../reports/html/comparison.tsx';
import { quoteForShell } from '../../reports/replay-command.ts';
import { createRunDirectory, makeRunId } from '../../reports/run-directory.ts';
import { profiles } from '../../scenarios/arbitrary.ts';
import { ClientLog } from '../cli/client-log.ts';
import type { CompareOptions } from '../cli/compare.ts';
import { listenForInterruption } from '../cli/interrupt.ts';
import { readWorldConnection } from '../cli/options.ts';
import { colorOf, Output } from '../cli/output.ts';
import { defaultJobs, openWorld } from '../cli/worlds.ts';
import { type ExitCode, exitCodes, UsageError } from '../errors.ts';
import { writeFileAtomically } from '../history/atomic-write.ts';
import type { History } from '../history/schema.ts';
import { HistoryRecorder, writeHistory } from '../history/writer.ts';
import { type Executor, inThisThread } from '../runner/unit.ts';
import { describeClient } from '../subject/builds.ts';
import { harnessVersion } from '../version.ts';
import type { World } from '../world/world.ts';
import { type Example, figuresAgainst, largestDifferences, pairsOf } from './pairs.ts';
import { type ComparisonRun, type Measured, runComparison } from './run.ts';
import { type ComparedSubject, readSubjects } from './subjects.ts';
import { gridOf, paretoFront, parseSweep, type SweepPoint, type SweptWord } from './sweep.ts';

interface Planned {
  readonly subjects: readonly ComparedSubject[];
  readonly words: readonly SweptWord[];
  /** Null where nothing is swept. */
  readonly points: readonly SweepPoint[] | null;
}

/** @throws UsageError */
async function plan(texts: readonly string[], options: CompareOptions): Promise<Planned> {
  const given = texts.length === 0 ? [options.client] : texts;
  const [words, subjects] = await Promise.all([
    Promise.all(options.sweep.map(parseSweep)),
    readSubjects(given, options.client),
  ]);
  if (words.length === 0) return { subjects, words, points: null };
  const points = gridOf(subjects[0] as ComparedSubject, words);
  if (points.length < 2) throw new UsageError('--sweep names one combination of values; two are the least.');
  return { subjects: points.map(({ subject }) => subject), words, points };
}

/** @throws HarnessError */
export async function compare(
  texts: readonly string[],
  options: CompareOptions & { readonly seed: number },
): Promise<ExitCode> {
  const connection = readWorldConnection(options);
  const planned = await plan(texts, options);
  const { subjects } = planned;
  const { seed, profile, runs, world: worldName } = options;
  if (worldName === 'kafka' && profiles[profile].breaksNetwork)
    throw new UsageError(
      `The Kafka world cannot break the network, so --profile ${profile} needs --world sim.`,
    );
  const foreign = subjects.find(({ client }) => client !== 'reference');
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
      executors: await executors.byClient(),
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
    subjects: subjects.map(({ label, client, configuration }, i) => ({
      label,
      client: describeClient(client),
      configuration,
      traceHash: run.traceHashes[i] ?? null,
    })),
    scenarios: { run: run.scenarios.length, excluded: excludedOf(run.scenarios, subjects) },
    figures: comparisons[0]?.figures ?? {},
    comparisons,
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

/** One executor for each client, shared by all its configurations. */
class Executors implements AsyncDisposable {
  readonly #world: World;
  readonly #clients: ReadonlySet<string>;
  readonly #inThreads: boolean;
  readonly #executors = new Map<string, Executor>();

  constructor(world: World, subjects: readonly ComparedSubject[], inThreads: boolean) {
    this.#world = world;
    this.#clients = new Set(subjects.map(({ client }) => client));
    this.#inThreads = inThreads;
  }

  async byClient(): Promise<ReadonlyMap<string, Executor>> {
    const { Threads } = await import('../runner/threads.ts');
    for (const client of this.#clients) {
      const subject = { client, mutant: null };
      this.#executors.set(
        client,
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
  }));
  const front = paretoFront(placed.map(({ ownerlessMs, duplicates }) => [ownerlessMs, duplicates] as const));
  return {
    words: words.map(({ word, values }) => ({ word, values: [...values] })),
    points: placed.map((point, i) => ({ ...point, pareto: front[i] === true })),
  };
}

interface KeptExample {
  readonly example: Comparison['examples'][number];
  readonly histories: readonly History[];
}

/**
 * Writes the scenarios that differ most, under the first subject and under the one that differs from it most.
 * @param simulated the world to run them in again; null where their histories were kept
 */
async function keepExamples(
  run: ComparisonRun,
  subjects: readonly ComparedSubject[],
  folder: string,
  simulated: World | null,
): Promise<KeptExample[]> {
  const other = subjects.length === 2 ? 1 : mostDifferent(run, subjects.length);
  const kept: KeptExample[] = [];
  for (const example of largestDifferences(run.scenarios, other)) {
    const runs: Comparison['examples'][number]['runs'] = [];
    const histories: History[] = [];
    for (const place of [0, other]) {
      const measured = run.scenarios[example.index]?.[place];
      const subject = subjects[place];
      if (measured === undefined || subject === undefined) continue;
      const history = measured.history ?? (await repeat(measured, subject, simulated));
      if (history === null) continue;
      const path = join(folder, 'scenarios', `${String(example.index).padStart(4, '0')}-${place + 1}`);
      const [scenarioFile, historyFile] = [join(path, 'scenario.json'), join(path, 'history.jsonl')];
      await mkdir(path, { recursive: true });
      await writeFileAtomically(scenarioFile, [`${JSON.stringify(measured.scenario, null, 2)}\n`]);
      await writeHistory(historyFile, history);
      histories.push(history);
      runs.push({
        label: subject.label,
        value: place === 0 ? example.a : example.b,
        scenarioFile,
        historyFile,
        command: commandOf(scenarioFile, subject, simulated === null),
      });
    }
    kept.push({ example: exampleOf(example, run, runs), histories });
  }
  return kept;
}

const exampleOf = (
  { index, figure }: Example,
  run: ComparisonRun,
  runs: Comparison['examples'][number]['runs'],
): Comparison['examples'][number] => ({
  scenario: run.scenarios[index]?.[0]?.scenario.name ?? '',
  index,
  figure,
  runs,
});

const commandOf = (scenarioFile: string, { client }: ComparedSubject, isReal: boolean): string =>
  [
    ...['kafka-trial', 'replay', scenarioFile, '--client', client],
    ...(isReal ? ['--world', 'kafka', '--times', '10'] : []),
  ]
    .map(quoteForShell)
    .join(' ');

/** Of several, the one whose time without owners and duplicates differ most from the first one's, in total. */
function mostDifferent(run: ComparisonRun, subjects: number): number {
  const differenceOf = (b: number): number =>
    ['duplicates', 'ownerless'].reduce((sum, name) => {
      const pairs = pairsOf(run.scenarios, b);
      const total = (side: 'a' | 'b'): number =>
        pairs.reduce((all, pair) => all + (pair[side][name] ?? 0), 0);
      const [a, other] = [total('a'), total('b')];
      return sum + Math.abs(other - a) / Math.max(1, a, other);
    }, 0);
  return Array.from({ length: subjects - 1 }, (_, i) => i + 1).reduce((best, b) =>
    differenceOf(b) > differenceOf(best) ? b : best,
  );
}

async function repeat(
  { scenario }: Measured,
  { client }: ComparedSubject,
  world: World | null,
): Promise<History | null> {
  if (world === null) return null;
  const recorder = new HistoryRecorder();
  await world.run(scenario, { client, mutant: null }, recorder);
  return recorder.finishHistory();
}
