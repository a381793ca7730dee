/**
 * `npm run soak`: every mutant until a property catches it, then every client through every profile, for so long or so many
 * scenarios; progress leaves on standard error, tables on standard output and in a report, and an exit code.
 */
import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { catalogue } from '../../properties/index.ts';
import { isProfileName, type ProfileName, profiles } from '../../scenarios/arbitrary.ts';
import { knownIssues } from '../bugs/known-issues.ts';
import { loadKnownBugs } from '../bugs/load.ts';
import { duration } from '../cli/options.ts';
import { type ClientName, clients, isClientName } from '../client/clients.ts';
import { mutants } from '../client/mutants.ts';
import { HarnessError, UsageError } from '../errors.ts';
import { writeFileAtomically } from '../history/atomic-write.ts';
import { huntAll } from '../mutants/hunt-all.ts';
import { killSentence } from '../mutants/table.ts';
import { Threads } from '../runner/threads.ts';
import { describeClient } from '../subject/builds.ts';
import { sectionPage } from './page.tsx';
import { type SoakMutants, soakSections } from './sections.ts';
import { type SoakResult, soak } from './soak.ts';
import { sectionLines, sectionMarkdown } from './table.ts';
import { exitCodeOfSoak } from './verdict.ts';

const USAGE = `npm run soak -- [--time 10m] [--runs N] [--client ${Object.keys(clients).join('|')}] [--profiles a,b] [--seed N] [--jobs N] [--no-mutants] [--out DIR] [--json]`;
const SCENARIOS_PER_ROUND = 50;
const DEFAULT_TIME = '10m';
/** Of the time that there is, at most so much goes to the mutants. */
const MUTANTS_SHARE = 1 / 2;
const MUTANT_RUNS_MAX = 2_000;
/** The same every night, so that a mutant that takes longer does so for a reason. */
const MUTANTS_SEED = 1;
const TITLE = 'kafka-trial: soak';

function options() {
  try {
    return parseArgs({
      options: {
        time: { type: 'string' },
        runs: { type: 'string' },
        client: { type: 'string' },
        profiles: { type: 'string' },
        seed: { type: 'string' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        'no-mutants': { type: 'boolean', default: false },
        out: { type: 'string', default: 'reports/out/soak' },
        json: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message, { hint: USAGE });
  }
}

function wholeNumber(name: string, text: string, max: number): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || value > max)
    throw new UsageError(`--${name} takes a whole number of at most ${max}, not '${text}'.`, { hint: USAGE });
  return value;
}

function timeOf(text: string): number {
  try {
    return duration(text);
  } catch (error) {
    throw new UsageError(`--time: ${(error as Error).message}`, { hint: USAGE });
  }
}

function profilesIn(text: string | undefined): ProfileName[] {
  if (text === undefined) return Object.keys(profiles) as ProfileName[];
  return text.split(',').map((name) => {
    if (!isProfileName(name)) throw new UsageError(`There is no profile '${name}'.`, { hint: USAGE });
    return name;
  });
}

function clientsIn(text: string | undefined): ClientName[] {
  if (text === undefined) return Object.keys(clients) as ClientName[];
  if (!isClientName(text)) throw new UsageError(`There is no client '${text}'.`, { hint: USAGE });
  return [text];
}

async function huntMutants(seed: number, timeMs: number | null, signal: AbortSignal): Promise<SoakMutants> {
  const { kills, untried } = await huntAll({
    mutants,
    seed,
    runs: MUTANT_RUNS_MAX,
    timeMs: timeMs === null ? null : timeMs * MUTANTS_SHARE,
    onKill: (kill) => console.error(killSentence(kill)),
    signal,
  });
  return { result: { schema: 1, seed, runs: MUTANT_RUNS_MAX, kills: [...kills] }, untried };
}

const documentOf = (result: SoakResult, hunted: SoakMutants | null): object => ({
  ...result,
  goals: Object.fromEntries(result.goals),
  parts: result.parts.map((part) => ({ ...part, goals: Object.fromEntries(part.goals) })),
  mutants: hunted === null ? null : { ...hunted.result, untried: hunted.untried },
});

/** @returns the page's path */
async function report(directory: string, result: SoakResult, hunted: SoakMutants | null): Promise<string> {
  const sections = soakSections(result, hunted);
  await mkdir(directory, { recursive: true });
  const page = join(directory, 'soak.html');
  await writeFileAtomically(join(directory, 'soak.json'), [
    JSON.stringify(documentOf(result, hunted), null, 2),
  ]);
  await writeFileAtomically(join(directory, 'soak.md'), [sectionMarkdown(TITLE, sections)]);
  await writeFileAtomically(page, [sectionPage(TITLE, sections)]);
  return page;
}

async function main(): Promise<number> {
  const startedMs = performance.now();
  const values = options();
  const jobs = wholeNumber('jobs', values.jobs, 1_024);
  const chosen = clientsIn(values.client);
  const names = profilesIn(values.profiles);
  const seed =
    values.seed === undefined ? randomInt(0x1_0000_0000) : wholeNumber('seed', values.seed, 0xffff_ffff);
  const scenariosMax = values.runs === undefined ? null : wholeNumber('runs', values.runs, 10_000_000);
  const isUnlimited = values.time === undefined && scenariosMax !== null;
  const timeMs = isUnlimited ? null : timeOf(values.time ?? DEFAULT_TIME);
  const interruption = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort());
  const properties = catalogue.map(({ id }) => id);
  const bugs = await loadKnownBugs();
  const hunted = values['no-mutants'] ? null : await huntMutants(MUTANTS_SEED, timeMs, interruption.signal);
  const leftMs = timeMs === null ? null : Math.max(1, timeMs - (performance.now() - startedMs));
  const executors = new Map(
    chosen.map((client) => [client, new Threads({ subject: { client, mutant: null }, properties })]),
  );
  try {
    const result = await soak({
      clients: chosen,
      profiles: names,
      seed,
      timeMs: leftMs,
      scenariosMax,
      scenariosPerRound: SCENARIOS_PER_ROUND,
      jobs,
      executorOf: (client) => executors.get(client) as Threads,
      knownIssueOf: (client) => knownIssues(bugs, describeClient(client)),
      onProgress: (sentence) => console.error(sentence),
      signal: interruption.signal,
    });
    const page = await report(values.out, result, hunted);
    if (values.json) console.log(JSON.stringify(documentOf(result, hunted)));
    else for (const line of sectionLines(soakSections(result, hunted))) console.log(line);
    console.error(`Report     ${page}`);
    return exitCodeOfSoak(result, hunted?.result ?? null);
  } finally {
    for (const executor of executors.values()) await executor[Symbol.asyncDispose]();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof HarnessError)) throw error;
  console.error([error.message, error.hint].filter((line) => line !== undefined).join('\n'));
  return error.exitCode;
});
