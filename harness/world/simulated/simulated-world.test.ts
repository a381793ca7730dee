/** The simulated world from end to end: generated scenarios, the unmodified kafkajs, the simulated cluster. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { judge } from '../../../properties/index.ts';
import { generateScenario, type ProfileName } from '../../../scenarios/arbitrary.ts';
import { parseScenario, type Scenario } from '../../../scenarios/schema.ts';
import { type EventKind, type EventOf, historyEventSchema } from '../../history/schema.ts';
import { HistoryRecorder } from '../../history/writer.ts';
import { packageRoot } from '../../version.ts';
import { findNondeterminism, rerun } from './determinism.ts';
import { LAN } from './network.ts';
import { SimulatedWorld, type SimulatedWorldOptions } from './simulated-world.ts';
import type { RecordedTrace } from './trace.ts';

const subject = { client: 'kafkajs', mutant: null };

async function run(scenario: Scenario, options: SimulatedWorldOptions = {}, mutant: string | null = null) {
  const recorder = new HistoryRecorder();
  await new SimulatedWorld(options).run(scenario, { ...subject, mutant }, recorder);
  const history = recorder.finishHistory();
  const of = <K extends EventKind>(kind: K): EventOf<K>[] =>
    history.events.filter((event): event is EventOf<K> => event.kind === kind);
  return { history, trace: recorder.trace, of };
}

const scenarioOf = (changes: Partial<Record<keyof Scenario, unknown>> = {}): Scenario =>
  parseScenario(
    {
      version: 1,
      name: 'test',
      seed: 11,
      topology: { brokers: 3, topics: [{ name: 'orders', partitions: 3, replicationFactor: 3 }] },
      producers: [
        {
          id: 'producer-1',
          topics: ['orders'],
          acks: 'all',
          idempotent: false,
          keys: null,
          records: 60,
          recordsPerSend: 1,
          valueBytes: 20,
          startMs: 1_000,
          stopMs: 10_000,
        },
      ],
      groups: [
        {
          id: 'billing',
          topics: ['orders'],
          sessionTimeoutMs: 3_000,
          rebalanceTimeoutMs: 6_000,
          heartbeatIntervalMs: 500,
          autoOffsetReset: 'earliest',
          consumeMode: 'each-message',
          commitMode: { kind: 'per-record' },
          commitOrder: 'process-then-commit',
          handler: { timeMs: { min: 1, max: 5 }, failuresPerThousand: 0, failuresPerRecord: 1 },
          members: [{ id: 'm1' }, { id: 'm2' }],
        },
      ],
      actions: [
        { kind: 'join', atMs: 0, member: 'm1' },
        { kind: 'join', atMs: 0, member: 'm2' },
      ],
      settling: { boundMs: 60_000 },
      ...changes,
    },
    'the test',
  );
const joins = scenarioOf().actions;
/** The group with another way of doing things. */
const groupWith = (changes: object): object[] => [{ ...scenarioOf().groups[0], ...changes }];

const generated: [ProfileName, number][] = [
  ['calm', 3],
  ['members', 4],
  ['brokers', 2],
  ['default', 10],
  ['network', 5],
];

describe('SimulatedWorld', () => {
  it.each(generated)(
    'writes a whole and valid history of %s scenario %i, the same again',
    async (profile, index) => {
      const scenario = generateScenario(1, index, profile);
      const first = await run(scenario);
      for (const event of first.history.events) expect(() => historyEventSchema.parse(event)).not.toThrow();
      expect(first.history.start).toMatchObject({ world: 'simulated', versions: { kafka: 'simulated 4.3' } });
      expect(first.history.events.at(-1)).toMatchObject({ kind: 'finish', incomplete: [] });
      expect(judge(first.history).unknown).toEqual([]);
      const second = await run(scenario);
      expect(second.trace).toEqual(first.trace);
      expect(second.history).toEqual(first.history);
    },
  );

  it("gives the same trace twenty times, whatever way the client's jobs are drained", async () => {
    const scenario = generateScenario(1, 4, 'members');
    const hashes = new Set<string | undefined>();
    for (let i = 0; i < 20; i++) hashes.add((await run(scenario)).trace?.hash);
    hashes.add((await run(scenario, { drain: 'event-loop' })).trace?.hash);
    expect(hashes.size).toBe(1);
  });

  it.each(generated)(
    'gives the same trace of %s scenario %i whether processes share modules or not',
    async (profile, index) => {
      const scenario = generateScenario(1, index, profile);
      const shared = await run(scenario, { isolation: 'thread' });
      const apart = await run(scenario, { isolation: 'process' });
      expect(apart.trace).toEqual(shared.trace);
      expect(apart.history).toEqual(shared.history);
    },
  );

  it('gives the same trace where several run at once', async () => {
    const scenarios = [1, 2, 3].map((index) => generateScenario(1, index, 'members'));
    const alone: (string | undefined)[] = [];
    for (const scenario of scenarios) alone.push((await run(scenario)).trace?.hash);
    const together = await Promise.all(scenarios.map(async (scenario) => (await run(scenario)).trace?.hash));
    expect(together).toEqual(alone);
  });

  it('gives the same trace in another process', async () => {
    const scenario = generateScenario(1, 4, 'members');
    const script = `
      const { SimulatedWorld } = await import(${JSON.stringify(`${packageRoot}/dist/harness/world/simulated/simulated-world.js`)});
      const scenario = JSON.parse(process.argv[1]);
      const recorder = { record() {}, traced(trace) { console.log(trace.hash); } };
      await new SimulatedWorld().run(scenario, { client: 'kafkajs', mutant: null }, recorder);`;
    const { stdout } = await promisify(execFile)(process.execPath, [
      '--input-type=module',
      '-e',
      script,
      JSON.stringify(scenario),
    ]);
    expect(stdout.trim()).toBe((await run(scenario)).trace?.hash);
  });

  it('keeps what nothing of is at stake: every record processed, committed and where the cluster says', async () => {
    const { history, of } = await run(scenarioOf());
    expect(judge(history)).toMatchObject({ outcome: 'valid', anomalies: [] });
    expect(of('settled')[0]?.undrained).toEqual([]);
    const logs = of('fact-log').flatMap(({ records }) => records.map(({ record }) => record));
    expect(logs.filter((record) => record?.startsWith('producer-1-'))).toHaveLength(60);
    for (const fact of of('fact-committed'))
      expect(fact.offset).toBe(
        of('fact-log').find(({ partition }) => partition === fact.partition)?.logEndOffset,
      );
    expect(of('fact-group')[0]).toMatchObject({ group: 'billing', state: 'Stable' });
    expect(of('fact-group')[0]?.members).toHaveLength(2);
  });

  it('carries out what happens to members', async () => {
    const { of } = await run(
      scenarioOf({
        actions: [
          ...joins,
          { kind: 'crash', atMs: 3_000, member: 'm1' },
          { kind: 'join', atMs: 3_500, member: 'm1' },
          { kind: 'stall', atMs: 6_000, durationMs: 4_000, member: 'm2' },
          { kind: 'terminate', atMs: 11_000, member: 'm1' },
          { kind: 'leave', atMs: 11_000, member: 'm1' },
        ],
      }),
    );
    expect(of('action').map(({ actionKind, phase, outcome }) => `${actionKind} ${phase} ${outcome}`)).toEqual(
      [
        'join begin applied',
        'join begin applied',
        'crash begin applied',
        'join begin applied',
        'stall begin applied',
        'stall end applied',
        'terminate begin applied',
        // It is on its way out already.
        'leave begin applied',
      ],
    );
    expect(of('process-exit').find(({ process }) => process === 'm1.1')).toMatchObject({ signal: 'SIGKILL' });
    expect(of('process-exit').find(({ process }) => process === 'm1.2')).toMatchObject({ code: 0 });
    const stalled = of('processing-begin').filter(
      ({ process, time }) => process === 'm2.1' && time > 6_000.1 && time < 10_000,
    );
    expect(stalled).toEqual([]);
    // The stall was longer than the session: the coordinator went on without it, and took it back.
    const sizes = of('group-generation').map(({ members }) => members.length);
    expect(sizes).toContain(1);
  });

  it('carries out what happens to brokers, and gets over it', async () => {
    const { history, of } = await run(
      scenarioOf({
        // Where the application commits by itself, kafkajs gives up after a coordinator has moved.
        groups: groupWith({ commitMode: { kind: 'auto', intervalMs: null, thresholdRecords: null } }),
        actions: [
          ...joins,
          { kind: 'crash-broker', atMs: 2_000, durationMs: 1_000, broker: 1 },
          { kind: 'restart-broker', atMs: 9_000, durationMs: 500, broker: 2 },
          { kind: 'pause-broker', atMs: 16_000, durationMs: 4_000, broker: 3 },
        ],
      }),
    );
    expect(
      of('action')
        .slice(2)
        .map(({ actionKind, phase }) => `${actionKind} ${phase}`),
    ).toEqual([
      'crash-broker begin',
      'crash-broker end',
      'restart-broker begin',
      'restart-broker end',
      'pause-broker begin',
      'pause-broker end',
    ]);
    expect(of('settled')[0]?.undrained).toEqual([]);
    expect(judge(history).anomalies.filter(({ policy }) => policy === 'illegal')).toEqual([]);
  });

  it('gives the start of a broker as long as it takes on the machine', async () => {
    const scenario = scenarioOf({
      actions: [
        ...joins,
        { kind: 'crash-broker', atMs: 2_000, durationMs: 1_000, broker: 1 },
        { kind: 'crash-broker', atMs: 20_000, durationMs: 4_000, broker: 1 },
      ],
    });
    const endsWith = async (action: number, delayMs: number): Promise<(number | undefined)[]> => {
      const { of } = await run(scenario, {
        machine: {
          startDelaysMs: new Map(),
          brokerStartDelaysMs: new Map([[action, delayMs]]),
          network: LAN,
        },
      });
      return [2, 3].map(
        (one) => of('action').find((event) => event.action === one && event.phase === 'end')?.time,
      );
    };
    const [first, second] = (await endsWith(3, 0)) as [number, number];
    const [firstDelayed, secondDelayed] = (await endsWith(3, 4_000)) as [number, number];
    expect(firstDelayed).toBe(first);
    expect(secondDelayed - second).toBeGreaterThan(3_500);
    expect(secondDelayed - second).toBeLessThan(4_500);
  });

  it("carries out administrative actions, and skips with Kafka's word what Kafka refuses", async () => {
    const { of } = await run(
      scenarioOf({
        actions: [
          ...joins,
          { kind: 'add-partitions', atMs: 3_000, topic: 'orders', partitions: 5 },
          { kind: 'add-partitions', atMs: 4_000, topic: 'orders', partitions: 4 },
          { kind: 'delete-records', atMs: 5_000, topic: 'orders', partition: 0, percent: 50 },
          { kind: 'delete-offsets', atMs: 6_000, group: 'billing', topic: 'orders' },
        ],
      }),
    );
    const ends = of('action').filter(({ phase }) => phase === 'end');
    expect(ends.map(({ outcome }) => outcome)).toEqual(['applied', 'skipped', 'applied', 'skipped']);
    expect(ends[1]?.reason).toContain('INVALID_PARTITIONS');
    expect(Number(ends[2]?.detail?.logStartOffset)).toBeGreaterThan(0);
    expect(ends[3]?.reason).toContain('GROUP_SUBSCRIBED_TO_TOPIC');
    expect(of('fact-log')).toHaveLength(5);
  });

  it.each([
    ['commit-before-processing', 'at-least-once'],
    ['skip-partition', 'at-least-once'],
    ['rewind-commit', 'commit-monotonic'],
  ])('shows what the mutant %s does to %s', async (mutant, property) => {
    const faults = [
      ...joins,
      ...[2_000, 4_000, 6_000, 8_000].flatMap((atMs) => [
        { kind: 'crash', atMs, member: 'm1' },
        { kind: 'join', atMs: atMs + 1_000, member: 'm1' },
      ]),
    ];
    const handler = { timeMs: { min: 100, max: 200 }, failuresPerThousand: 0, failuresPerRecord: 1 };
    const { history } = await run(
      scenarioOf({ groups: groupWith({ handler }), actions: faults }),
      {},
      mutant,
    );
    expect(judge(history).anomalies.map((anomaly) => anomaly.property)).toContain(property);
  });

  describe('where links break', () => {
    /** The members of the stable generations that began in the given time. */
    const generations = (
      of: Awaited<ReturnType<typeof run>>['of'],
      fromMs: number,
      toMs: number,
    ): string[][] =>
      of('group-generation')
        .filter(({ time, state }) => state === 'stable' && time >= fromMs && time < toMs)
        .map(({ members }) => members.map(({ clientId }) => clientId).sort());
    const faulty = async (...faults: object[]) => await run(scenarioOf({ actions: [...joins, ...faults] }));
    const toAll = { link: { process: 'm1', broker: null } };

    it('a member that is cut off past its session is left out, and comes back when the cut is over', async () => {
      const { of, history } = await faulty({
        kind: 'cut-link',
        atMs: 3_000,
        durationMs: 6_000,
        direction: 'both',
        ...toAll,
      });
      expect(generations(of, 3_000, 9_000)).toContainEqual(['m2.1']);
      expect(generations(of, 9_000, 60_000).at(-1)).toEqual(['m1.1', 'm2.1']);
      expect(
        of('delivery').some(({ process, time }) => process === 'm1.1' && time > 3_500 && time < 9_000),
      ).toBe(false);
      expect(of('action').map(({ phase }) => phase)).toEqual(['begin', 'begin', 'begin', 'end']);
      expect(judge(history).outcome).toBe('valid');
    });

    it('a cut of the answers alone costs the session too, though the broker hears the heartbeats at first', async () => {
      const { of } = await faulty({
        kind: 'cut-link',
        atMs: 3_000,
        durationMs: 8_000,
        direction: 'to-process',
        ...toAll,
      });
      expect(generations(of, 3_000, 11_000)).toContainEqual(['m2.1']);
    });

    it('a reset is got over at once, and nobody is left out', async () => {
      const { of } = await faulty({ kind: 'reset-link', atMs: 4_000, ending: 'reset', ...toAll });
      expect(generations(of, 4_000, 60_000).every((members) => members.includes('m1.1'))).toBe(true);
      expect(of('settled')[0]?.undrained).toEqual([]);
    });

    it('a slow link makes a commit take its time, for as long as it is slow', async () => {
      const { of } = await faulty({
        kind: 'slow-link',
        atMs: 3_000,
        durationMs: 4_000,
        latencyMs: { min: 200, max: 200 },
        bytesPerSecond: null,
        lossPerThousand: 0,
        ...toAll,
      });
      const answered = new Map(
        of('commit-ok').map(({ process, commit, time }) => [`${process} ${commit}`, time]),
      );
      const tookMs = (fromMs: number, toMs: number): number[] =>
        of('commit-invoke')
          .filter(({ process, time }) => process === 'm1.1' && time >= fromMs && time < toMs)
          .map(({ commit, process, time }) => (answered.get(`${process} ${commit}`) ?? Number.NaN) - time);
      expect(Math.max(...tookMs(0, 2_900))).toBeLessThan(100);
      expect(Math.min(...tookMs(3_100, 6_500))).toBeGreaterThanOrEqual(400);
      expect(Math.max(...tookMs(7_500, 12_000))).toBeLessThan(100);
    });
  });

  it('gives all links the conditions of the scenario', async () => {
    const network = { latencyMs: { min: 40, max: 40 }, bytesPerSecond: null, lossPerThousand: 0 };
    const { of } = await run(scenarioOf({ topology: { ...scenarioOf().topology, network } }));
    const [invoked, answered] = [of('produce-invoke')[0], of('produce-ok')[0]];
    expect((answered?.time ?? 0) - (invoked?.time ?? 0)).toBeGreaterThanOrEqual(80);
  });

  it('gives a member the clock of the scenario: what takes long is over sooner where it runs fast', async () => {
    const members = [{ id: 'm1', clock: { offsetMs: 0, driftPerMillion: 100_000 } }, { id: 'm2' }];
    const handler = { timeMs: { min: 300, max: 300 }, failuresPerThousand: 0, failuresPerRecord: 1 };
    const { of } = await run(scenarioOf({ groups: groupWith({ members, handler }) }));
    const tookMs = (process: string): number => {
      const begin = of('processing-begin').find((event) => event.process === process);
      const end = of('processing-end').find((event) => event.process === process);
      return (end?.time ?? 0) - (begin?.time ?? 0);
    };
    expect(tookMs('m2.1')).toBeGreaterThanOrEqual(300);
    expect(tookMs('m1.1')).toBeLessThan(290);
  });

  it('starts a process again that ended with an error', async () => {
    const { of } = await run(
      scenarioOf({
        topology: { brokers: 1, topics: [{ name: 'orders', partitions: 1, replicationFactor: 1 }] },
        actions: [
          { kind: 'crash-broker', atMs: 0, durationMs: 20_000, broker: 1 },
          ...joins.map((join) => ({ ...join, atMs: 100 })),
        ],
      }),
    );
    expect(of('process-exit').some(({ code }) => code === 1)).toBe(true);
    expect(Math.max(...of('process-start').map(({ incarnation }) => incarnation))).toBeGreaterThan(1);
    expect(of('settled')[0]?.undrained).toEqual([]);
  });

  it('stops on an abort', async () => {
    const controller = new AbortController();
    const recorder = new HistoryRecorder();
    const running = new SimulatedWorld().run(
      scenarioOf({ producers: [{ ...scenarioOf().producers[0], records: 100_000, stopMs: 600_000 }] }),
      subject,
      recorder,
      controller.signal,
    );
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await expect(running).rejects.toThrow('enough');
  });
});

describe('findNondeterminism', () => {
  it('finds nothing where runs are the same', async () => {
    const scenario = generateScenario(1, 3, 'calm');
    const { trace } = await run(scenario);
    expect(await findNondeterminism(trace as RecordedTrace, rerun(scenario, subject))).toBeNull();
  });

  it('names the first event in which runs differ', async () => {
    const scenario = generateScenario(1, 3, 'calm');
    let runs = 0;
    const { trace } = await run(scenario);
    const answer = await findNondeterminism(trace as RecordedTrace, (recording) =>
      rerun({ ...scenario, seed: scenario.seed + (runs++ % 2) + 1 }, subject)(recording),
    );
    expect(answer).toMatch(/^The runs differ first in event \d+: \S+ of \S+ at [\d.]+ ms/);
  });
});
