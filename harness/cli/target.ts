/** What a person names to have it run again: a path or seed:index enters, scenarios leave. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { loadRunDirectory, loadScenarioDirectory } from '../../reports/run-directory.ts';
import { generateScenario, isProfileName, profiles } from '../../scenarios/arbitrary.ts';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import { UsageError } from '../errors.ts';
import { readHistory } from '../history/reader.ts';

/** @throws UsageError that says what was expected of the target */
export async function readTarget(target: string): Promise<Scenario[]> {
  const seeded = /^(\d+):(\d+)(?::(\w+))?$/.exec(target);
  if (seeded !== null) return [fromSeed(target, seeded)];
  const kind = await kindOf(target);
  if (kind === null)
    throw new UsageError(`There is no file or directory '${target}'.`, {
      hint: 'Expected scenario.json, a scenario directory, a run directory, or seed:index such as 7:3.',
    });
  if (kind === 'directory') return fromDirectory(target);
  if (target.endsWith('.jsonl')) return [(await readHistory(target)).start.scenario];
  return [await readScenarioFile(target)];
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

async function fromDirectory(path: string): Promise<Scenario[]> {
  if ((await kindOf(join(path, 'run.json'))) === null) return [(await loadScenarioDirectory(path)).scenario];
  const { scenarios } = await loadRunDirectory(path);
  const failed = scenarios.filter(({ verdict }) => verdict === null || verdict.outcome !== 'valid');
  if (failed.length === 0)
    throw new UsageError(`Every scenario kept in '${path}' was valid.`, {
      hint: 'Name one of the directories below its scenarios/ to run that one again.',
    });
  return failed.map(({ scenario }) => scenario);
}

/** @throws UsageError for a file that cannot be read, is no JSON or is no scenario */
export async function readScenarioFile(path: string): Promise<Scenario> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const reason =
      error instanceof SyntaxError ? `is not JSON: ${error.message}` : `cannot be read: ${String(error)}`;
    throw new UsageError(`${path} ${reason}`);
  }
  return parseScenario(value, path);
}

async function kindOf(path: string): Promise<'file' | 'directory' | null> {
  try {
    return (await stat(path)).isDirectory() ? 'directory' : 'file';
  } catch {
    return null;
  }
}
