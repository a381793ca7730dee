/**
 * `npm run soak`: every mutant until a property catches it, then every client through every profile, for so long or so many
 * scenarios; progress leaves on standard error, tables on standard output and in a report, and an exit code.
 */
import { randomInt } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { catalogue } from '../../properties/index.ts';
import { isProfileName, type ProfileName, profiles } from '../../scenarios/arbitrary.ts';
import { knownIssues } from '../bugs/known-issues.ts';
import { loadKnownBugs } from '../bugs/load.ts';
import { duration } from '../cli/options.ts';
import { type ClientName, clients, isClientName } from '../client/clients.ts';
import { mutants } from '../client/mutants.ts';
import { messageOf, UsageError } from '../errors.ts';
import { writeFileAtomically } from '../history/atomic-write.ts';
import { huntAll } from '../mutants/hunt-all.ts';
import { killSentence } from '../mutants/table.ts';
import { Threads } from '../runner/threads.ts';
import { describeClient } from '../subject/builds.ts';
import { readOptions, runTool, wholeNumber } from '../tool.ts';
import { sectionPage } from './page.tsx';
import { type SoakMutants, soakSections } from './sections.ts';
import { type SoakResult, soak } from './soak.ts';
import { sectionLines, sectionMarkdown } from './table.ts';
import { exitCodeOfSoak } from './verdict.ts';

const SCENARIOS_PER_ROUND = 50;
const DEFAULT_TIME = '10m';
/** Of the time that there is, at most so much goes to the mutants. */
const MUTANTS_SHARE = 1 / 2;
const MUTANT_RUNS_MAX = 2_000;
/** The same every night, so that a mutant that takes longer does so for a reason. */
const MUTANTS_SEED = 1;
const TITLE = 'kafka-trial: soak';

function timeOf(text: string): number {
  try {
    return duration(text);
  } catch (error) {
    throw new UsageError(`--time: ${messageOf(error)}`);
  }
}

function profilesIn(text: string | undefined): ProfileName[] {
  const all = Object.keys(profiles) as ProfileName[];
  if (text === undefined) return all;
  return text.split(',').map((name) => {
    if (!isProfileName(name))
      throw new UsageError(`There is no profile '${name}'.`, {
        hint: `The profiles are: ${all.join(', ')}.`,
      });
    return name;
  });
}

function clientsIn(text: string | undefined): ClientName[] {
  const all = Object.keys(clients) as ClientName[];
  if (text === undefined) return all;
  if (!isClientName(text))
    throw new UsageError(`There is no client '${text}'.`, { hint: `The clients are: ${all.join(', ')}.` });
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

async function main(signal: AbortSignal): Promise<number> {
  const startedMs = performance.now();
  const values = readOptions({
    time: { type: 'string' },
    runs: { type: 'string' },
    client: { type: 'string' },
    profiles: { type: 'string' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    'no-mutants': { type: 'boolean', default: false },
    out: { type: 'string', default: 'reports/out/soak' },
    json: { type: 'boolean', default: false },
  });
  const jobs = wholeNumber('jobs', values.jobs, 1_024);
  const chosen = clientsIn(values.client);
  const names = profilesIn(values.profiles);
  const seed =
    values.seed === undefined ? randomInt(0x1_0000_0000) : wholeNumber('seed', values.seed, 0xffff_ffff);
  const scenariosMax = values.runs === undefined ? null : wholeNumber('runs', values.runs, 10_000_000);
  const isUnlimited = values.time === undefined && scenariosMax !== null;
  const timeMs = isUnlimited ? null : timeOf(values.time ?? DEFAULT_TIME);
  const properties = catalogue.map(({ id }) => id);
  const bugs = await loadKnownBugs();
  const hunted = values['no-mutants'] ? null : await huntMutants(MUTANTS_SEED, timeMs, signal);
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
      signal,
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

await runTool(main);
