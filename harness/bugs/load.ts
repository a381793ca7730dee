/** The known bugs that come with the package: the id of one enters, or nothing; validated bugs leave. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { type KnownBug, parseKnownBug } from '../../scenarios/known-bugs/known-bug.ts';
import { UsageError } from '../errors.ts';
import { packageRoot } from '../version.ts';

/** Beside their schema in the source, which is where they are in the package too. */
const folder = join(packageRoot, 'scenarios', 'known-bugs');

export interface NamedBug extends KnownBug {
  /** Its file's name, such as `kafkajs-1453`. */
  readonly id: string;
  readonly file: string;
}

/** All of them, in the order of their ids. */
export async function loadKnownBugs(): Promise<NamedBug[]> {
  const ids = (await readdir(folder))
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
  return await Promise.all(
    ids.map(async (id) => {
      const file = join(folder, `${id}.json`);
      return {
        id,
        file: relative(process.cwd(), file),
        ...parseKnownBug(JSON.parse(await readFile(file, 'utf8')), file),
      };
    }),
  );
}

/** @throws UsageError that lists the ids where there is no such bug */
export function findBug(bugs: readonly NamedBug[], id: string): NamedBug {
  const bug = bugs.find((one) => one.id === id);
  if (bug === undefined)
    throw new UsageError(`There is no known bug '${id}'.`, {
      hint: `The known bugs are: ${bugs.map((one) => one.id).join(', ')}.`,
    });
  return bug;
}
