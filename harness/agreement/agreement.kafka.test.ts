/** Ten generated scenarios on real Kafka and in the simulated world: the two have to agree on each of them. */
import { randomUUID } from 'node:crypto';
import { afterAll, expect, test } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { KafkaWorld } from '../world/kafka/kafka-world.ts';
import { agreementOn } from './agree.ts';

const SEED = 42;
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

test.each(Array.from({ length: SCENARIOS }, (_, index) => index))(`scenario ${SEED}:%i`, async (index) => {
  const scenario = generateScenario(SEED, index);
  const { disagreements } = await agreementOn(
    scenario,
    { client: 'kafkajs', mutant: null },
    kafka,
    interruption.signal,
  );
  expect(disagreements).toEqual([]);
});
