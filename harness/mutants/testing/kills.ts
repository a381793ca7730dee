/** Made-up kills for tests of what is told of them: what is to be different enters, a whole result leaves. */
import { type MutantsResult, mutantsResultSchema } from '../result.ts';

type Kill = MutantsResult['kills'][number];

/** A mutant that was caught soon. */
export const kill: Kill = {
  mutant: 'skip-partition',
  description: 'drops',
  breaks: 'application',
  client: 'kafkajs',
  profile: 'default',
  expected: ['at-least-once'],
  property: 'at-least-once',
  message: 'lost',
  scenarios: 2,
  replay: 'kafka-trial replay 1:1 --client kafkajs --mutant skip-partition',
};

/** One that was not. */
export const missed: Kill = {
  ...kill,
  ...{ mutant: 'other', property: null, message: null, replay: null, scenarios: 9 },
};

export const resultOf = (...kills: readonly Kill[]): MutantsResult =>
  mutantsResultSchema.parse({ schema: 1, seed: 1, runs: 9, kills });
