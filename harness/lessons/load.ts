/** The lessons that come with the package: the name of one enters, or nothing; validated lessons leave. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Lesson, parseLesson } from '../../scenarios/lessons/lesson.ts';
import { UsageError } from '../errors.ts';
import { packageRoot } from '../version.ts';

/** Beside their schema in the source, which is where they are in the package too. */
const folder = join(packageRoot, 'scenarios', 'lessons');

export interface NamedLesson extends Lesson {
  readonly name: string;
}

/** All lessons, in the order of their names. */
export async function loadLessons(): Promise<NamedLesson[]> {
  const names = (await readdir(folder))
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .sort();
  return await Promise.all(
    names.map(async (name) => {
      const file = join(folder, `${name}.json`);
      return { name, ...parseLesson(JSON.parse(await readFile(file, 'utf8')), file) };
    }),
  );
}

/** @throws UsageError that lists the names where there is no such lesson */
export function findLesson(lessons: readonly NamedLesson[], name: string): NamedLesson {
  const lesson = lessons.find((one) => one.name === name);
  if (lesson === undefined)
    throw new UsageError(`There is no lesson '${name}'.`, {
      hint: `The lessons are: ${lessons.map((one) => one.name).join(', ')}.`,
    });
  return lesson;
}
