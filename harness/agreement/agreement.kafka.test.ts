/** Ten generated scenarios on real Kafka and in the simulated world: the two have to agree on each of them. */
import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { afterAll, expect, test } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { KafkaWorld } from '../world/kafka/kafka-world.ts';
import { agreementOn } from './agree.ts';
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
  const disagreements = new Map<string, readonly string[]>();
  await inParallel(
    scenarios,
    availableParallelism() + 1,
    (scenario) => agreementOn(scenario, { client: 'kafkajs', mutant: null }, kafka, interruption.signal),
    (one) => {
      disagreements.set(one.scenario.name, one.disagreements);
    },
  );
  expect(disagreements).toEqual(new Map(scenarios.map(({ name }) => [name, []])));
});
