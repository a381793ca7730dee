/** Ten generated scenarios on real Kafka and in the simulated world: the two have to agree on each of them. */
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { afterAll, expect, test } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { History } from '../history/schema.ts';
import { KafkaWorld } from '../world/kafka/kafka-world.ts';
import { agreementOn, historyOf } from './agree.ts';
import { inParallel } from './in-parallel.ts';

const SEED = 42;
/** A stretch with every kind of fault: brokers crash, pause and restart, members crash and stall, producers crash. */
const FROM = 70;
const SCENARIOS = 10;

const interruption = new AbortController();
const kafka = new KafkaWorld({
  connection: null,
  onProgress: () => {},
  onLog: () => {},
  sessionId: randomUUID(),
  signal: interruption.signal,
});
afterAll(async () => {
  await kafka[Symbol.asyncDispose]();
});

test(`scenarios ${SEED}:${FROM} to ${SEED}:${FROM + SCENARIOS - 1}`, { timeout: 600_000 }, async () => {
  const scenarios = Array.from({ length: SCENARIOS }, (_, index) => generateScenario(SEED, FROM + index));
  const subject = { client: 'kafkajs', mutant: null };
  const { signal } = interruption;
  const ran = new Map<Scenario, History>();
  await inParallel(
    scenarios,
    availableParallelism() + 1,
    async (scenario) => [scenario, await historyOf(kafka, scenario, subject, signal)] as const,
    ([scenario, history]) => {
      ran.set(scenario, history);
    },
  );
  const disagreements = new Map<string, readonly string[]>();
  for (const [scenario, history] of ran)
    disagreements.set(scenario.name, (await agreementOn(scenario, subject, history, signal)).disagreements);
  expect(disagreements).toEqual(new Map(scenarios.map(({ name }) => [name, []])));
});
