/**
 * What comparisons have to reach, on generated scenarios in the simulated world: planted differences come out with the
 * right sign and an interval that excludes 0, and a configuration against itself shows none.
 */
import { describe, expect, it } from 'vitest';
import { catalogue } from '../../properties/index.ts';
import type { Configuration } from '../../scenarios/configuration.ts';
import { inThisThread } from '../runner/unit.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { type ComparedFigures, figuresAgainst } from './pairs.ts';
import { runComparison } from './run.ts';

const SEED = 7;
const SHORT_SESSION = { 'session.timeout.ms': 6_000 } as const;
const automatic = (consumer: Configuration['consumer']): Configuration => ({
  consumer: { ...consumer, 'enable.auto.commit': true, 'auto.commit.interval.ms': 5_000 },
  application: { consumeMode: 'each-batch' },
});

/** Each configuration against the first. */
async function compared(
  client: string,
  configurations: readonly Configuration[],
  runs: number,
): Promise<ComparedFigures[]> {
  const executor = inThisThread({
    world: new SimulatedWorld(),
    subject: { client, mutant: null },
    properties: catalogue,
    measures: true,
  });
  const { scenarios } = await runComparison({
    subjects: configurations.map((configuration, i) => ({
      label: String(i),
      key: client,
      subject: { client, mutant: null },
      words: [],
      configuration,
    })),
    seed: SEED,
    profile: 'members',
    runs,
    executors: new Map([[client, executor]]),
    knownIssueOf: new Map(),
    jobs: 1,
    onProgress: () => {},
    onLog: () => {},
    signal: new AbortController().signal,
  });
  expect(scenarios).toHaveLength(runs);
  return configurations.slice(1).map((_, i) => figuresAgainst(scenarios, i + 1, SEED));
}

/** The figures in which any scenario differs, or anything else than nothing is said of the difference. */
const differing = (figures: ComparedFigures): string[] =>
  Object.entries(figures).flatMap(([name, { interval, verdict, aBetter, bBetter }]) =>
    interval[0] === 0 && interval[1] === 0 && verdict === 'no difference shown' && aBetter + bBetter === 0
      ? []
      : [name],
  );

/** So many scenarios as it takes with this seed. */
const RUNS = { reference: 18, kafkajs: 14, kafkajsInLargeBatches: 26 } as const;

const worse = { verdict: 'worse', interval: [expect.any(Number), expect.any(Number)] };

describe('a planted difference comes out with its sign', () => {
  it('of the reference client: a session of 45 s is slower to find an owner, a commit for each batch repeats less', {
    timeout: 240_000,
  }, async () => {
    const [longSession, perBatch] = await compared(
      'reference',
      [
        automatic(SHORT_SESSION),
        automatic({ 'session.timeout.ms': 45_000 }),
        { consumer: SHORT_SESSION, application: { consumeMode: 'each-batch', commitMode: 'per-batch' } },
      ],
      RUNS.reference,
    );
    expect(longSession?.ownerless).toMatchObject(worse);
    expect(longSession?.['ownerless.worst']).toMatchObject(worse);
    expect(longSession?.ownerless?.interval[0]).toBeGreaterThan(0);
    expect(perBatch?.duplicates?.verdict).toBe('better');
    expect(perBatch?.duplicates?.interval[1]).toBeLessThan(0);
    expect(perBatch?.commits?.verdict).toBe('worse');
  });

  it('of kafkajs: a longer session too; its interval of automatic commits only adds to those after each batch', {
    timeout: 240_000,
  }, async () => {
    const [longSession, perBatch] = await compared(
      'kafkajs',
      [
        automatic(SHORT_SESSION),
        automatic({ 'session.timeout.ms': 45_000 }),
        { consumer: SHORT_SESSION, application: { consumeMode: 'each-batch', commitMode: 'per-batch' } },
      ],
      RUNS.kafkajs,
    );
    expect(longSession?.ownerless?.verdict).toBe('worse');
    expect(longSession?.ownerless?.interval[0]).toBeGreaterThan(0);
    // kafkajs commits at the end of every batch whatever `autoCommitInterval` says (class Runner, handleBatch).
    expect(perBatch?.duplicates?.verdict).toBe('no difference shown');
  });

  it('of kafkajs in large batches: within one, automatic commits every 5 s repeat more than a commit for each record', {
    timeout: 240_000,
  }, async () => {
    const largeBatches = {
      ...SHORT_SESSION,
      'fetch.min.bytes': 1_048_576,
      'fetch.max.wait.ms': 5_000,
    } as const;
    const [perRecord] = await compared(
      'kafkajs',
      [
        {
          consumer: { ...largeBatches, 'enable.auto.commit': true, 'auto.commit.interval.ms': 5_000 },
          application: { consumeMode: 'each-message' },
        },
        { consumer: largeBatches, application: { consumeMode: 'each-message', commitMode: 'per-record' } },
      ],
      RUNS.kafkajsInLargeBatches,
    );
    expect(perRecord?.duplicates?.verdict).toBe('better');
    expect(perRecord?.duplicates?.interval[1]).toBeLessThan(0);
    expect(perRecord?.commits?.verdict).toBe('worse');
  });
});

describe('a configuration against itself', { timeout: 240_000 }, () => {
  it.each(['kafkajs', 'reference'])('shows no difference in any figure of %s', async (client) => {
    const same = automatic(SHORT_SESSION);
    const [itself] = await compared(client, [same, same], 4);
    expect(Object.keys(itself ?? {}).length).toBeGreaterThan(20);
    expect(differing(itself ?? {})).toEqual([]);
  });
});
