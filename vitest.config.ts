/**
 * Four test projects: `unit` needs nothing but Node; `java` (files ending in .java.test.ts) needs a JDK and Maven,
 * `browser` (.browser.test.ts) a Chromium, and `kafka` (.kafka.test.ts) Docker and a Kafka image, and for some files
 * (.java.kafka.test.ts) what `java` needs too. These three are left out, with the reason, where something is missing,
 * unless KAFKA_TRIAL_REQUIRE names them.
 */
import { defineConfig } from 'vitest/config';
import { browserProject, javaProject, kafkaProject } from './harness/testing/worlds.ts';

const [kafka, java, browser] = await Promise.all([kafkaProject(), javaProject(), browserProject()]);

export default defineConfig({
  // TSX is compiled by the same rule as in tsconfig.json.
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  test: {
    // kafkajs changes its retries under NODE_ENV=test; every world runs it as users do.
    env: { NODE_ENV: 'production' },
    // What is awaited on real sockets and processes comes when the machine gets to it.
    expect: { poll: { timeout: 30_000, interval: 20 } },
    setupFiles: ['./harness/testing/fast-check.setup.ts'],
    globalSetup: [kafka, java, browser].every(({ missing }) => missing === null)
      ? []
      : ['./harness/testing/report-left-out.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{harness,properties,scenarios,reports}/**/*.test.{ts,tsx}'],
          exclude: ['**/*.{kafka,java,browser}.test.ts'],
          testTimeout: 60_000,
        },
      },
      ...(java.missing === null
        ? [
            {
              extends: true as const,
              test: {
                name: 'java',
                include: ['{harness,properties,scenarios,reports}/**/*.java.test.ts'],
                testTimeout: 240_000,
                hookTimeout: 240_000,
              },
            },
          ]
        : []),
      ...(browser.missing === null
        ? [
            {
              extends: true as const,
              test: {
                name: 'browser',
                include: ['{harness,properties,scenarios,reports}/**/*.browser.test.ts'],
                testTimeout: 120_000,
                hookTimeout: 120_000,
              },
            },
          ]
        : []),
      ...(kafka.missing === null
        ? [
            {
              extends: true as const,
              test: {
                name: 'kafka',
                include: ['{harness,properties,scenarios,reports}/**/*.kafka.test.ts'],
                exclude: java.missing === null ? [] : ['**/*.java.kafka.test.ts'],
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
