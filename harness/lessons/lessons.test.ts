/** Every lesson in the simulated world, where all that it expects is exact; and what they are made of. */
import { describe, expect, it } from 'vitest';
import { findLesson, loadLessons } from './load.ts';
import { openSimulatedLessons, runLesson } from './run.ts';

const lessons = await loadLessons();

const differencesOf = async (name: string): Promise<readonly string[]> => {
  const world = await openSimulatedLessons(() => {});
  return (await runLesson(findLesson(lessons, name), world, new AbortController().signal)).differences;
};

describe('a lesson in the simulated world', () => {
  it.each(lessons.map(({ name }) => name))('comes as it says: %s', async (name) =>
    expect(await differencesOf(name)).toEqual([]),
  );
});

describe('the lessons', () => {
  it('are all there', () => {
    expect(lessons.length).toBeGreaterThan(25);
  });

  it.each(lessons.map((lesson) => [lesson.name, lesson] as const))(
    '%s has a scenario of its name, and two or three sentences',
    (name, { lesson, scenario }) => {
      expect(scenario.name).toBe(name);
      expect(lesson.text.match(/[.:;](?= |$)/g)?.length).toBeGreaterThanOrEqual(2);
      expect(lesson.text.match(/\.(?= |$)/g)?.length).toBeLessThanOrEqual(4);
      expect(lesson.title).not.toMatch(/\.$/);
    },
  );

  it('expect nothing of a member or group that they do not have', () => {
    for (const { name, lesson, scenario } of lessons) {
      const groups = scenario.groups.map(({ id }) => id);
      const members = scenario.groups.flatMap((group) => group.members.map(({ id }) => id));
      for (const expected of [lesson.expect.simulated, lesson.expect.kafka]) {
        if (typeof expected === 'string') continue;
        const { processedAgain, neverProcessed, generations, passesThrough } = expected;
        for (const of of [processedAgain, neverProcessed, generations, passesThrough])
          expect(groups, name).toEqual(expect.arrayContaining(Object.keys(of ?? {})));
        const { commitRequests, commitFailures, deliveries, refusals, applicationErrors } = expected;
        for (const of of [commitRequests, commitFailures, deliveries, refusals, applicationErrors])
          expect(members, name).toEqual(expect.arrayContaining(Object.keys(of ?? {})));
      }
    }
  });
});
