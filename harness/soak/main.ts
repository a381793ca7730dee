/**
 * `npm run soak`: every client through every profile, for so long or so many scenarios; progress leaves on standard error,
 * a table on standard output, and an exit code.
 */
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { catalogue } from '../../properties/index.ts';
import { isProfileName, type ProfileName, profiles } from '../../scenarios/arbitrary.ts';
import { duration } from '../cli/options.ts';
import { type ClientName, clients, isClientName } from '../client/clients.ts';
import { HarnessError, UsageError } from '../errors.ts';
import { Threads } from '../runner/threads.ts';
import { soak } from './soak.ts';
import { exitCodeOfSoak, soakLines } from './table.ts';

const USAGE = `npm run soak -- [--time 10m] [--runs N] [--client ${Object.keys(clients).join('|')}] [--profiles a,b] [--seed N] [--jobs N] [--json]`;
const SCENARIOS_PER_ROUND = 50;
const DEFAULT_TIME = '10m';

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

async function main(): Promise<number> {
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
  const executors = new Map(
    chosen.map((client) => [client, new Threads({ subject: { client, mutant: null }, properties })]),
  );
  try {
    const result = await soak({
      clients: chosen,
      profiles: names,
      seed,
      timeMs,
      scenariosMax,
      scenariosPerRound: SCENARIOS_PER_ROUND,
      jobs,
      executorOf: (client) => executors.get(client) as Threads,
      onProgress: (sentence) => console.error(sentence),
      signal: interruption.signal,
    });
    if (values.json)
      console.log(
        JSON.stringify({
          ...result,
          goals: Object.fromEntries(result.goals),
          parts: result.parts.map((part) => ({ ...part, goals: Object.fromEntries(part.goals) })),
        }),
      );
    else for (const line of soakLines(result)) console.log(line);
    return exitCodeOfSoak(result);
  } finally {
    for (const executor of executors.values()) await executor[Symbol.asyncDispose]();
  }
}

process.exitCode = await main().catch((error: unknown) => {
  if (!(error instanceof HarnessError)) throw error;
  console.error([error.message, error.hint].filter((line) => line !== undefined).join('\n'));
  return error.exitCode;
});
