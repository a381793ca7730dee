/** Shards put together are what one machine would have given; what is no shard of the same run is refused. */
import { describe, expect, test } from 'vitest';
import { Keeping } from './keeping.ts';
import { mergeShards } from './merge.ts';
import { type RunResult, RunResultBuilder } from './results.ts';
import { syntheticHistory } from './testing/synthetic.ts';

const broken = syntheticHistory();
const properties = broken.verdict.properties.map(({ id }) => ({ id, title: id }));
const ALL = 11;

/** A run of made-up scenarios, of which every fourth breaks something, or a shard of it. */
function runOf(number: number, of: number, runDirectory: string): RunResult {
  const whole = of === 1;
  const builder = new RunResultBuilder(
    {
      command: 'run',
      seed: 7,
      world: 'simulated',
      client: { name: 'kafkajs', version: '2.2.4' },
      mutant: null,
      versions: { 'kafka-trial': '0.1.0' },
      startedAt: `2025-11-03T14:05:${10 + number}.000Z`,
      options: { runs: ALL, ...(whole ? {} : { shard: `${number}/${of}` }) },
      runDirectory,
    },
    properties,
  );
  const keeping = new Keeping();
  for (let index = number - 1; index < ALL; index += of) {
    const fails = index % 4 === 2;
    const verdict = fails
      ? broken.verdict
      : { ...broken.verdict, outcome: 'valid' as const, anomalies: [], ledger: [] };
    const directory = `${runDirectory}/scenarios/${index}-x`;
    const kept = keeping.wants(verdict.outcome, verdict.anomalies)
      ? {
          directory,
          scenarioFile: `${directory}/scenario.json`,
          historyFile: `${directory}/history.jsonl`,
        }
      : null;
    const { scenario, history } = broken;
    builder.add({ index, scenario, history, verdict, wallSeconds: 1, traceHash: `hash ${index}`, kept });
  }
  return builder.build({
    virtualSeconds: 2,
    cpuSeconds: 3,
    wallSeconds: 4,
    goals: { 'zombie commit after resume': number },
    interrupted: false,
    reportFile: `${runDirectory}/report.html`,
  });
}

const shards = (of: number): RunResult[] =>
  Array.from({ length: of }, (_, index) => runOf(index + 1, of, `shard-${index + 1}`));

describe('mergeShards', () => {
  test.each([1, 2, 3, 4, 11])('%i shards are the whole', (of) => {
    const merged = mergeShards(
      shards(of).map((one) => (of === 1 ? { ...one, options: { ...one.options, shard: '1/1' } } : one)),
      'whole',
    );
    const whole = runOf(1, 1, 'whole');
    // What one machine would have needed is not what many did.
    const figures = (one: RunResult): Partial<RunResult> => {
      const { virtualSeconds: _, cpuSeconds: __, goals: ___, startedAt: ____, ...rest } = one;
      return rest;
    };
    expect(figures(merged.result)).toEqual(figures(whole));
    expect(JSON.stringify(figures(merged.result))).toBe(JSON.stringify(figures(whole)));
    expect(merged.result).toMatchObject({
      virtualSeconds: 2 * of,
      cpuSeconds: 3 * of,
      startedAt: '2025-11-03T14:05:11.000Z',
      goals: { 'zombie commit after resume': (of * (of + 1)) / 2 },
    });
    expect(merged.missing).toEqual([]);
    expect(merged.directories.map(({ to }) => to)).toEqual(
      whole.results.flatMap(({ directory }) => directory ?? []),
    );
    expect(whole.traceHash).not.toBeNull();
  });

  test('the order in which they are named changes nothing', () => {
    expect(mergeShards(shards(3).toReversed(), 'whole')).toEqual(mergeShards(shards(3), 'whole'));
  });

  test('without one of them the run was not brought to its end', () => {
    const { result, missing } = mergeShards(shards(3).slice(1), 'whole');
    expect(missing).toEqual(['Shard 1/3 is missing.']);
    expect(result.interrupted).toBe(true);
  });

  test.each<[string, (one: RunResult) => RunResult, RegExp]>([
    ['another seed', (one) => ({ ...one, seed: 8 }), /seed is 8 there and 7 here/],
    ['another client', (one) => ({ ...one, client: { name: 'kafkajs', version: '2.0.2' } }), /client is/],
    ['another number of runs', (one) => ({ ...one, options: { ...one.options, runs: 12 } }), /options is/],
    [
      'another division',
      (one) => ({ ...one, options: { ...one.options, shard: '2/3' } }),
      /number of shards/,
    ],
    [
      'another version',
      (one) => ({ ...one, versions: { 'kafka-trial': '0.2.0' } }),
      /version of kafka-trial/,
    ],
    ['no shard at all', (one) => ({ ...one, options: { runs: ALL } }), /is no shard of a run/],
    ['the same shard again', () => runOf(1, 2, 'again'), /are both shard 1\/2/],
  ])('%s is refused', (_name, change, sentence) => {
    const [first, second] = shards(2) as [RunResult, RunResult];
    expect(() => mergeShards([first, change(second)], 'whole')).toThrow(sentence);
  });
});
