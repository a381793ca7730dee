/**
 * The picture of the README: a lesson is run in the simulated world, and what the page shows of it is looked at; with
 * `npm run screenshot` it is kept as reports/screenshot.png.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findLesson, loadLessons } from '../harness/lessons/load.ts';
import { openSimulatedLessons, runLesson } from '../harness/lessons/run.ts';
import { packageRoot } from '../harness/version.ts';
import { catalogue } from '../properties/index.ts';
import { renderHtml } from './html.tsx';
import { RunResultBuilder } from './results.ts';
import { TestBrowser } from './testing/browser.ts';
import { loadedOf, syntheticRun } from './testing/synthetic.ts';

const FILE = join(packageRoot, 'reports/screenshot.png');
/** Whoever clones the repository loads it. */
const BYTES_MAX = 150_000;

async function page(): Promise<string> {
  const lesson = findLesson(await loadLessons(), 'crash-before-commit');
  const means = await openSimulatedLessons(() => {});
  await using _world = means.world;
  const { history, verdict } = await runLesson(lesson, means, new AbortController().signal);
  const judged = { index: 0, scenario: lesson.scenario, history, verdict, wallSeconds: 1, kept: null };
  const { result } = syntheticRun();
  const builder = new RunResultBuilder({ ...result, command: 'replay', mutant: null }, catalogue);
  builder.add(judged);
  return renderHtml(builder.build(result), loadedOf([judged]));
}

test('the picture of the README shows a crash, who processed its records again and why, and the offsets', async () => {
  await using browser = await TestBrowser.start();
  const { page: opened } = await browser.open(await page(), { width: 1_296, height: 900, scheme: 'light' });
  const scenario = opened.locator('details.scenario');
  const text = await scenario.textContent();
  expect(text).toMatch(/Who processed what again, and why/);
  expect(text).toMatch(/after the crash of \S+, \S+ went on with orders-0 at offset \d/);
  const [whole, chart] = await Promise.all([
    scenario.boundingBox(),
    opened.getByRole('img', { name: /^Offsets of orders-0/ }).boundingBox(),
  ]);
  if (whole === null || chart === null) throw new Error('the page shows no scenario, or no offsets');
  const clip = { ...whole, height: chart.y + chart.height + 12 - whole.y };
  const isToBeKept = process.env.KAFKA_TRIAL_UPDATE === 'screenshot';
  await opened.screenshot({ clip, fullPage: true, ...(isToBeKept ? { path: FILE } : {}) });
  const kept = readFileSync(FILE);
  expect(kept.byteLength).toBeLessThan(BYTES_MAX);
  // The width of a PNG stands at byte 16; the height depends on the fonts of the machine.
  expect(kept.readUInt32BE(16)).toBe(Math.round(clip.width));
});
