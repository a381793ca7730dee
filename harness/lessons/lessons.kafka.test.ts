/** Some lessons on real Kafka: what timing cannot change comes as they say, and there is a story to tell. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { narrate } from '../../reports/narrate.ts';
import { type OpenedWorld, openWorld } from '../cli/worlds.ts';
import { findLesson, loadLessons } from './load.ts';
import { runLesson } from './run.ts';

const { signal } = new AbortController();
let opened: OpenedWorld;
beforeAll(async () => {
  const ignore = (): void => {};
  opened = await openWorld({ name: 'kafka', connection: null, onProgress: ignore, onLog: ignore, signal });
});
afterAll(async () => await opened.world[Symbol.asyncDispose]());

it.each([
  'crash-after-commit',
  'commit-before-processing',
  'session-timeout',
  'offset-below-log-earliest',
  'offset-above-log-earliest',
])('%s comes as it says', async (name) => {
  const lesson = findLesson(await loadLessons(), name);
  const run = await runLesson(lesson, { world: opened.world, takeFetches: null }, signal);
  expect(run.differences).toEqual([]);
  const { steps, findings } = narrate(run.history, run.verdict);
  expect(steps.map(({ text }) => text)).toContainEqual(expect.stringMatching(/^m1 (started|processed)/));
  expect(findings.length).toBeGreaterThan(0);
});
