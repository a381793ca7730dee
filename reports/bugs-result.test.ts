/** What is told of many known bugs at once: which version shows which, what was left out, what is not as expected. */
import { describe, expect, it } from 'vitest';
import { type BugRunResult, type BugsResult, renderBugTable, renderLeftOut } from './bugs-result.ts';

const run = (id: string, version: string, result: BugRunResult['result'], shown: boolean | null) =>
  ({
    ...{ id, result, shown, expected: shown === true, text: '', anomalies: [], traceHash: null },
    client: { name: 'kafkajs', version },
  }) satisfies BugRunResult;

const bug = (id: string) => ({
  ...{ id, title: 't', issue: null, client: 'kafkajs', versions: '*', text: 't', fixed: 'f', trips: [] },
  ...{ kafka: true as const, scenarioFile: 'x.json' },
});

const result: BugsResult = {
  ...{ schema: 1, command: 'bugs', world: 'kafka' },
  bugs: [bug('kafkajs-1'), bug('kafkajs-22'), bug('kafkajs-3'), bug('kafkajs-4')],
  runs: [
    run('kafkajs-1', '2.2.4', 'as expected', true),
    run('kafkajs-1', '2.0.0', 'as expected', false),
    run('kafkajs-22', '2.2.4', 'left out', null),
    run('kafkajs-22', '2.0.0', 'left out', null),
    run('kafkajs-3', '2.2.4', 'not as expected', false),
    run('kafkajs-3', '2.0.0', 'not as expected', true),
    run('kafkajs-4', '2.2.4', 'unknown', null),
  ],
};

describe('the table of many known bugs', () => {
  it('has a row for each, with what is not as the catalogue says in capitals, and says what was not run', () => {
    expect(renderBugTable(result, { color: false, width: 100, planned: 8 })).toMatchInlineSnapshot(`
      "
      known bug   kafkajs 2.2.4  kafkajs 2.0.0
      kafkajs-1   shows it       has it not
      kafkajs-22  -              -
      kafkajs-3   SHOWS IT NOT   SHOWS IT
      kafkajs-4   no verdict

      2 of 6 runs as the catalogue says, 2 not as it says, in capitals, 1 without a verdict, 1 not run, 2
      left out (-).
      "
    `);
  });

  it('says no more than that where all is as it should be', () => {
    const good = { ...result, runs: result.runs.slice(0, 2), bugs: result.bugs.slice(0, 1) };
    expect(renderBugTable(good, { color: false, width: 100, planned: 2 })).toMatch(
      /\n\n2 of 2 runs as the catalogue says\.\n$/,
    );
  });
});

it('says why a bug is left out on real Kafka, with nothing hidden in it', () => {
  expect(renderLeftOut('timing \u001b[31m', { color: false, width: 60 })).toBe(
    '  left out on real Kafka: timing \\x1b[31m\n',
  );
});
