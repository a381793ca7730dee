/**
 * Scenarios that once failed and that every run begins with: a folder enters, its scenarios leave, without those that the
 * world or the client cannot run.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Scenario } from '../../scenarios/schema.ts';
import { UsageError } from '../errors.ts';
import { readWorldConnection, type TrialOptions } from './options.ts';
import { readTarget } from './target.ts';
import { refuse } from './worlds.ts';

/** In the folder in which the command is given: adding a file to it is adding a test. */
export const REGRESSIONS_FOLDER = join('scenarios', 'regressions');

/** @throws UsageError for a file that is no scenario, or a folder that was named and is not there */
export async function loadRegressions(folder: string, options: TrialOptions): Promise<Scenario[]> {
  const names = await filesIn(folder);
  if (names === null) {
    if (folder === REGRESSIONS_FOLDER) return [];
    throw new UsageError(`There is no folder '${folder}'.`);
  }
  const scenarios: Scenario[] = [];
  const subject = { client: options.client, mutant: options.mutant ?? null };
  const ownCluster = readWorldConnection(options) === null;
  for (const name of names) {
    const file = join(folder, name);
    for (const { scenario } of await readTarget(file)) {
      try {
        await refuse(options.world, [scenario], subject, ownCluster);
        scenarios.push(scenario);
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        process.stderr.write(`${file} is left out: ${error.message}\n`);
      }
    }
  }
  return scenarios;
}

/** In order of name; null where there is no such folder. */
async function filesIn(folder: string): Promise<string[] | null> {
  try {
    return (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  } catch {
    return null;
  }
}
