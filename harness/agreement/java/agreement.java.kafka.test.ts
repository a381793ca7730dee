/**
 * Apache's own Java client and the reference client on real Kafka: in lessons committed offsets, records left out, errors
 * and assignments have to be the same; in generated scenarios, where the instants of faults decide these, both have to keep
 * every property. How often they agree in all of it is what `npm run agreement:java` tells.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OpenedWorld, openWorld } from '../../cli/worlds.ts';
import { breaksBrokers } from '../../world/run-scenario.ts';
import type { Driver } from '../../world/world.ts';
import { inParallel } from '../in-parallel.ts';
import { javaAgreementOn, type RealRuns, runBoth } from './agree.ts';
import { compileJava, type JavaProgram, openJavaDriver } from './program.ts';
import { generatedTrials, lessonTrials, type Trial } from './trials.ts';

/** Those in which one client is told errors, resets its position, or is assigned what a cooperative group hands over. */
const LESSONS = ['offset-expired-latest', 'reset-none', 'scaling-cooperative-sticky'];
const SEED = 1;
const GENERATED = 3;
/** Of a generated scenario: each is a JVM. */
const JOINS_MAX = 4;
const JOBS = 6;

const { signal } = new AbortController();
let opened: OpenedWorld;
let program: JavaProgram;
let driver: Driver;
beforeAll(async () => {
  const ignore = (): void => {};
  opened = await openWorld({ name: 'kafka', connection: null, onProgress: ignore, onLog: ignore, signal });
  program = await compileJava();
  driver = await openJavaDriver(program);
});
afterAll(async () => {
  await opened?.world[Symbol.asyncDispose]();
  await program?.[Symbol.asyncDispose]();
});

/** The first ones that a small machine can run beside each other. */
function generated(): Trial[] {
  const found: Trial[] = [];
  for (const trial of generatedTrials(SEED, 0)) {
    const { topology, actions } = trial.scenario;
    const joins = actions.filter(({ kind }) => kind === 'join').length;
    if (topology.brokers === 1 && joins <= JOINS_MAX && !breaksBrokers(trial.scenario)) found.push(trial);
    if (found.length === GENERATED) break;
  }
  return found;
}

test(`${LESSONS.length + GENERATED} scenarios`, async () => {
  const trials = [
    ...(await lessonTrials()).filter(({ scenario: { name } }) => LESSONS.includes(name)),
    ...generated(),
  ];
  const runs = await inParallel(trials, JOBS, (trial) => runBoth(trial, opened.world, driver, signal));
  const found = new Map<string, readonly string[]>();
  for (const [index, trial] of trials.entries()) {
    // What a lesson says of real Kafka counts on a machine that has nothing else to do.
    const bare = { ...trial, expectation: null };
    const one = await javaAgreementOn(bare, runs[index] as RealRuns, signal);
    const { java, reference, stoodStill, differences, comparedGenerations, generations } = one;
    const outcomes = new Set([java.verdict.outcome, reference.verdict.outcome]);
    const isLesson = trial.expectation !== null;
    const isBlind = isLesson && !stoodStill && comparedGenerations === 0 && generations > 0;
    found.set(trial.scenario.name, [
      ...outcomes,
      ...(isBlind ? ['no assignment was compared'] : []),
      ...(isLesson ? differences.map(({ sentence }) => sentence) : []),
    ]);
  }
  expect(found).toEqual(new Map(trials.map(({ scenario: { name } }) => [name, ['valid']])));
});
