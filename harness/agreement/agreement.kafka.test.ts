/** Ten generated scenarios on real Kafka and in the simulated world: the two have to agree on each of them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { knownIssuesOf } from '../bugs/known-issues.ts';
import { defaultJobs, type OpenedWorld, openWorld } from '../cli/worlds.ts';
import type { History } from '../history/schema.ts';
import { describeSubject } from '../world/run-scenario.ts';
import { agreementOn } from './agree.ts';
import { inParallel } from './in-parallel.ts';
import { historyOf } from './judged-run.ts';

const SEED = 42;
/** A stretch with every kind of fault: brokers crash, pause and restart, members crash and stall, producers crash. */
const FROM = 70;
const SCENARIOS = 10;

const { signal } = new AbortController();
let opened: OpenedWorld;
beforeAll(async () => {
  const ignore = (): void => {};
  opened = await openWorld({ name: 'kafka', connection: null, onProgress: ignore, onLog: ignore, signal });
});
afterAll(async () => {
  await opened?.world[Symbol.asyncDispose]();
});

test(`scenarios ${SEED}:${FROM} to ${SEED}:${FROM + SCENARIOS - 1}`, { timeout: 600_000 }, async () => {
  const scenarios = Array.from({ length: SCENARIOS }, (_, index) => generateScenario(SEED, FROM + index));
  const subject = { client: 'kafkajs', mutant: null };
  const histories = await inParallel(scenarios, defaultJobs('kafka'), (scenario) =>
    historyOf(opened.world, scenario, subject, signal),
  );
  const knownIssueOf = await knownIssuesOf(describeSubject(subject), subject.mutant);
  const disagreements = new Map<string, readonly string[]>();
  for (const [index, scenario] of scenarios.entries()) {
    const one = await agreementOn(scenario, subject, knownIssueOf, histories[index] as History, signal);
    disagreements.set(scenario.name, one.disagreements);
  }
  expect(disagreements).toEqual(new Map(scenarios.map(({ name }) => [name, []])));
});
