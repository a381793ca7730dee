/**
 * What a person names to have it run again: a path or seed:index enters; scenarios leave, each with the run that was
 * recorded of it.
 */
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RunResult, ScenarioResult } from '../../reports/results.ts';
import {
  type LoadedScenario,
  loadRunDirectory,
  loadRunResult,
  loadScenarioDirectory,
} from '../../reports/run-directory.ts';
import { generateScenario, isProfileName, profiles } from '../../scenarios/arbitrary.ts';
import { isFinding, parseFinding, type Recorded } from '../../scenarios/finding.ts';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import { UsageError } from '../errors.ts';
import { readHistory } from '../history/reader.ts';

export interface Target {
  readonly scenario: Scenario;
  /** Where it is, or null where it was generated. */
  readonly file: string | null;
  /** The run that a replay is held against, or null where nothing is known of one. */
  readonly recorded: Recorded | null;
}

/** @throws UsageError that says what was expected of the target */
export async function readTarget(target: string): Promise<Target[]> {
  const seeded = /^(\d+):(\d+)(?::([\w-]+))?$/.exec(target);
  if (seeded !== null) return [{ scenario: fromSeed(target, seeded), file: null, recorded: null }];
  const kind = await kindOf(target);
  if (kind === null)
    throw new UsageError(`There is no file or directory '${target}'.`, {
      hint: 'Expected scenario.json, a scenario directory, a run directory, or seed:index such as 7:3.',
    });
  if (kind === 'directory') return await fromDirectory(target);
  if (target.endsWith('.jsonl')) return [await fromHistory(target)];
  return [await fromFile(target)];
}

function fromSeed(target: string, match: RegExpExecArray): Scenario {
  const [seed, index] = [Number(match[1]), Number(match[2])];
  const profile = match[3] ?? 'default';
  if (!isProfileName(profile))
    throw new UsageError(`'${target}': there is no profile '${profile}'.`, {
      hint: `The profiles are: ${Object.keys(profiles).join(', ')}.`,
    });
  if (seed > 0xffff_ffff || !Number.isSafeInteger(index))
    throw new UsageError(`'${target}': expected a seed up to ${0xffff_ffff} and an index.`);
  return generateScenario(seed, index, profile);
}

async function fromDirectory(path: string): Promise<Target[]> {
  if ((await kindOf(join(path, 'run.json'))) === null)
    return [toTarget(await loadScenarioDirectory(path), await runOf(path))];
  const { result, scenarios } = await loadRunDirectory(path);
  const failed = scenarios.filter(({ verdict }) => verdict === null || verdict.outcome !== 'valid');
  if (failed.length === 0)
    throw new UsageError(`Every scenario kept in '${path}' was valid.`, {
      hint: 'Name one of the directories below its scenarios/ to run that one again.',
    });
  return failed.map((loaded) => toTarget(loaded, result));
}

const toTarget = ({ scenario, directory, index }: LoadedScenario, result: RunResult | null): Target => ({
  scenario,
  file: join(directory, 'scenario.json'),
  recorded:
    result === null ? null : recordedIn(result, result.results.find((one) => one.index === index) ?? null),
});

/** The result of the run that a scenario directory belongs to, or null where it stands alone. */
async function runOf(scenarioDirectory: string): Promise<RunResult | null> {
  const run = dirname(dirname(scenarioDirectory));
  if (basename(dirname(scenarioDirectory)) !== 'scenarios') return null;
  return (await kindOf(join(run, 'run.json'))) === null ? null : await loadRunResult(run);
}

function recordedIn({ client, mutant, versions, options }: RunResult, of: ScenarioResult | null): Recorded {
  return {
    traceHash: of?.traceHash ?? null,
    client: typeof options.client === 'string' ? options.client : client.name,
    clientVersion: client.version,
    mutant,
    versions: {
      ...versions,
      ...(typeof options.generator === 'number' ? { generator: String(options.generator) } : {}),
    },
  };
}

async function fromHistory(path: string): Promise<Target> {
  const { scenario, client, mutant, versions } = (await readHistory(path)).start;
  const { harness = '', ...others } = versions;
  const recorded: Recorded = {
    traceHash: null,
    client: client.name,
    clientVersion: client.version,
    mutant,
    versions: { 'kafka-trial': harness, ...others },
  };
  return { scenario, file: path, recorded };
}

async function fromFile(path: string): Promise<Target> {
  const value = await readJson(path);
  if (isFinding(value)) {
    const { scenario, finding } = parseFinding(value, path);
    return { scenario, file: path, recorded: finding.recorded };
  }
  const scenario = parseScenario(hasScenario(value) ? value.scenario : value, path);
  if (basename(path) !== 'scenario.json') return { scenario, file: path, recorded: null };
  const result = await runOf(dirname(path));
  return result === null
    ? { scenario, file: path, recorded: null }
    : toTarget(await loadScenarioDirectory(dirname(path)), result);
}

/** Lessons and known bugs have their scenario beside what is said of it. */
const hasScenario = (value: unknown): value is { scenario: unknown } =>
  typeof value === 'object' && value !== null && 'scenario' in value;

/** @throws UsageError for a file that cannot be read or is no JSON */
async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const reason =
      error instanceof SyntaxError ? `is not JSON: ${error.message}` : `cannot be read: ${String(error)}`;
    throw new UsageError(`${path} ${reason}`);
  }
}

async function kindOf(path: string): Promise<'file' | 'directory' | null> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch {
    return null;
  }
}
