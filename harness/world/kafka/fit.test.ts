/** Generated scenarios for real Kafka: whatever was drawn enters, what is left has to be what containers can run. */
import { expect, test } from 'vitest';
import { generateScenario } from '../../../scenarios/arbitrary.ts';
import { fitToKafka } from './fit.ts';
import { kafkaRefusals } from './refusals.ts';

const SCENARIOS = 300;
const generated = (profile: 'network' | 'default') =>
  Array.from({ length: SCENARIOS }, (_, index) => generateScenario(3, index, profile));

test('scenarios of the network profile are left with nothing that is refused', () => {
  const drawn = generated('network');
  expect(drawn.filter((scenario) => kafkaRefusals(scenario, true).length > 0).length).toBeGreaterThan(
    SCENARIOS / 2,
  );
  const fitted = drawn.map(fitToKafka);
  expect(fitted.flatMap((scenario) => kafkaRefusals(scenario, true))).toEqual([]);
  // What was there to be done is still done, to brokers that exist.
  expect(fitted.map(({ actions }) => actions.map(({ kind, atMs }) => [kind, atMs]))).toEqual(
    drawn.map(({ actions }) => actions.map(({ kind, atMs }) => [kind, atMs])),
  );
});

test('what fits is left as it is', () => {
  for (const scenario of generated('default')) expect(fitToKafka(scenario)).toBe(scenario);
});
