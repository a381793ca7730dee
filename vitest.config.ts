/**
 * Two test projects: `unit` needs nothing but Node; `kafka` (files ending in .kafka.test.ts) needs Docker and a Kafka
 * image, and is left out, with the reason, where there is none, unless KAFKA_TRIAL_REQUIRE names it.
 */
import { defineConfig } from 'vitest/config';
import { kafkaProject } from './harness/testing/worlds.ts';

const kafka = await kafkaProject();

export default defineConfig({
  // TSX is compiled by the same rule as in tsconfig.json.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    // kafkajs changes its retries under NODE_ENV=test; every world runs it as users do.
    env: { NODE_ENV: 'production' },
    globalSetup: kafka.missing === null ? [] : ['./harness/testing/report-left-out.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{harness,properties,scenarios,reports}/**/*.test.{ts,tsx}'],
          exclude: ['**/*.kafka.test.ts'],
          testTimeout: 60_000,
        },
      },
      ...(kafka.missing === null
        ? [
            {
              extends: true as const,
              test: {
                name: 'kafka',
                include: ['{harness,properties,scenarios,reports}/**/*.kafka.test.ts'],
                // Each file starts containers of its own; on two cores one file at a time is the fastest.
                fileParallelism: false,
                testTimeout: 240_000,
                hookTimeout: 240_000,
              },
            },
          ]
        : []),
    ],
  },
});
