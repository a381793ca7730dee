/** The reference client on trial in the simulated world, from its built bundle: scenarios enter, histories are judged. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../../../properties/index.ts';
import { generateScenario } from '../../../../scenarios/arbitrary.ts';
import { parseScenario, type Scenario } from '../../../../scenarios/schema.ts';
import type { EventKind, EventOf } from '../../../history/schema.ts';
import { HistoryRecorder } from '../../../history/writer.ts';
import { SimulatedWorld, type SimulatedWorldOptions } from '../../../world/simulated/simulated-world.ts';

const RECORDS = 60;

async function run(scenario: Scenario, options: SimulatedWorldOptions = {}, mutant: string | null = null) {
  const recorder = new HistoryRecorder();
  await new SimulatedWorld(options).run(scenario, { client: 'reference', mutant }, recorder);
  const history = recorder.finishHistory();
  const of = <K extends EventKind>(kind: K): EventOf<K>[] =>
    history.events.filter((event): event is EventOf<K> => event.kind === kind);
  const illegal = judge(history).anomalies.filter(({ policy }) => policy === 'illegal');
  return { of, illegal, trace: recorder.trace };
}

const scenarioOf = (group: object = {}, actions: object[] = [], producer: object = {}): Scenario =>
  parseScenario(
    {
      version: 1,
      name: 'test',
      seed: 11,
      topology: { brokers: 1, topics: [{ name: 'orders', partitions: 3, replicationFactor: 1 }] },
      producers: [
        {
          id: 'producer-1',
          topics: ['orders'],
          acks: 'all',
          idempotent: true,
          keys: null,
          records: RECORDS,
          recordsPerSend: 3,
          valueBytes: 20,
          startMs: 1_000,
          stopMs: 6_000,
          ...producer,
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
          ...group,
        },
      ],
      actions: [{ kind: 'join', atMs: 0, member: 'm1' }, { kind: 'join', atMs: 0, member: 'm2' }, ...actions],
      settling: { boundMs: 60_000 },
    },
    'the test',
  );

const consumeModes = ['each-message', 'each-batch', 'manual'] as const;
const commitModes = [
  { kind: 'auto', intervalMs: 500, thresholdRecords: null },
  { kind: 'per-record' },
  { kind: 'per-batch' },
  { kind: 'asynchronous' },
  { kind: 'none' },
] as const;
const modes = consumeModes.flatMap((consumeMode) =>
  commitModes
    .filter(({ kind }) => kind !== 'per-batch' || consumeMode !== 'each-message')
    .map((commitMode) => [consumeMode, commitMode.kind, commitMode] as const),
);

describe('the reference client on trial', () => {
  it.each(modes)('processes every record with %s and commits %s', async (consumeMode, _, commitMode) => {
    // One member leaves and another fails now and then, so that records come again.
    const failing = { timeMs: { min: 1, max: 5 }, failuresPerThousand: 50, failuresPerRecord: 1 };
    const { of, illegal } = await run(
      scenarioOf({ consumeMode, commitMode, handler: failing, partitionsConsumedConcurrently: 2 }, [
        { kind: 'leave', atMs: 4_000, member: 'm2' },
      ]),
    );
    expect(illegal).toEqual([]);
    const done = of('processing-end').filter(({ outcome }) => outcome === 'ok');
    const produced = of('fact-log').flatMap(({ records }) => records);
    expect(produced.length).toBeGreaterThanOrEqual(RECORDS);
    expect(new Set(done.map(({ partition, offset }) => `${partition}@${offset}`)).size).toBe(produced.length);
    const committed = of('fact-committed').reduce((sum, { offset }) => sum + Number(offset ?? 0), 0);
    expect(committed).toBe(commitMode.kind === 'none' ? 0 : produced.length);
  });

  it('claims what the coordinator says, and closes in order', async () => {
    const { of } = await run(scenarioOf());
    const [joined] = of('client-joined');
    expect(joined).toMatchObject({ group: 'billing', protocol: 'range' });
    const generation = of('group-generation').find(({ state }) => state === 'stable');
    expect(generation?.members.map(({ memberId }) => memberId)).toContain(joined?.memberId);
    expect(of('process-exit').map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(of('client-stopped')).toHaveLength(2);
    expect(of('producer-close').map(({ phase }) => phase)).toEqual(['begin', 'end']);
  });

  it('ends and is started again where auto.offset.reset is none and nothing is committed', async () => {
    const { of } = await run(scenarioOf({ autoOffsetReset: 'none' }));
    const [error] = of('application-error');
    expect(error?.error).toMatch(/NoOffsetForPartitionException.*orders-\d/);
    expect(of('delivery')).toEqual([]);
    expect(of('process-start').filter(({ id }) => id === 'm1').length).toBeGreaterThan(1);
  });

  it('is told an offset for each record, also where neighbours were in one batch', async () => {
    const { of, illegal } = await run(scenarioOf({}, [], { keys: 1 }));
    expect(illegal).toEqual([]);
    const sends = of('produce-invoke').filter(({ process }) => process === 'producer-1.1');
    const answers = of('produce-ok').filter(({ process }) => process === 'producer-1.1');
    expect(answers.map((ok) => ok.answers.length)).toEqual(sends.map(({ records }) => records.length));
  });

  it('is told no offset with acks 0', async () => {
    const { of, illegal } = await run(scenarioOf({}, [], { acks: 0, idempotent: false }));
    expect(illegal).toEqual([]);
    const offsets = of('produce-ok')
      .filter(({ process }) => process === 'producer-1.1')
      .flatMap(({ answers }) => answers.map(({ baseOffset }) => baseOffset));
    expect(new Set(offsets)).toEqual(new Set(['-1']));
  });

  it('has its last records with acks 0 in the logs that are read, though nothing else has to be waited for', async () => {
    const nobodyLeft = ['m1', 'm2'].map((member) => ({ kind: 'leave', atMs: 2_000, member }));
    const scenario = scenarioOf({}, nobodyLeft, { acks: 0, idempotent: false });
    const network = { latencyMs: { min: 20, max: 20 }, bytesPerSecond: null, lossPerThousand: 0 };
    const { of } = await run({ ...scenario, topology: { ...scenario.topology, network } });
    const written = of('fact-log').flatMap(({ records }) => records.map(({ record }) => record));
    const sent = of('produce-invoke').filter(({ process }) => process === 'producer-1.1');
    expect(written.filter((record) => record?.startsWith('producer-1-'))).toHaveLength(RECORDS);
    expect(sent.flatMap(({ records }) => records)).toHaveLength(RECORDS);
  });

  it('sends in transactions, and a group with read_committed gets the committed ones alone', async () => {
    const transactions = { sends: 4, abortEvery: 3 };
    const { of, illegal } = await run(scenarioOf({ isolationLevel: 'read_committed' }, [], { transactions }));
    expect(illegal).toEqual([]);
    const ends = of('transaction-end');
    expect(ends.map(({ ending }) => ending)).toEqual(['commit', 'commit', 'abort', 'commit', 'commit']);
    expect(ends.every(({ outcome }) => outcome === 'ok')).toBe(true);
    const aborted = new Set(
      of('produce-invoke')
        .filter(({ transaction }) => transaction === 2)
        .flatMap(({ records }) => records.map(({ record }) => record)),
    );
    expect(aborted.size).toBe(12);
    const processed = new Set(of('processing-begin').map(({ record }) => record));
    const inLogs = of('fact-log').flatMap(({ records }) => records.map(({ record }) => record));
    expect(inLogs.filter((record) => record !== null && !processed.has(record))).toEqual(
      inLogs.filter((record) => record !== null && aborted.has(record)),
    );
    expect(inLogs.filter((record) => record !== null && aborted.has(record))).toHaveLength(12);
  });

  it.each([1, 3])(
    'with %i partitions at once it begins no more transactions than it has time for between two polls',
    async (partitionsConsumedConcurrently) => {
      const scenario = scenarioOf();
      const { topology, groups, actions } = scenario;
      const { illegal, of } = await run({
        ...scenario,
        topology: {
          ...topology,
          topics: [...topology.topics, { name: 'copies', partitions: 1, replicationFactor: 1 }],
          network: { latencyMs: { min: 100, max: 150 }, bytesPerSecond: null, lossPerThousand: 0 },
        },
        groups: groups.map((group) => ({
          ...group,
          partitionsConsumedConcurrently,
          commitMode: { kind: 'transaction', topic: 'copies', abortEvery: null },
          isolationLevel: 'read_committed',
          members: group.members.slice(0, 1),
        })),
        actions: actions.slice(0, 1),
        settling: { boundMs: 300_000 },
      });
      expect(illegal).toEqual([]);
      // It leaves at its end, and never because it was late for a poll.
      expect(of('wire-leave')).toHaveLength(1);
      expect(of('delivery').some(({ sincePollMs }) => (sincePollMs ?? 0) > 0)).toBe(true);
    },
  );

  it('says that it commits what the client commits: a position is behind the marker that follows the last record', async () => {
    const transactions = { sends: 2, abortEvery: null };
    const { of, illegal } = await run(
      scenarioOf({ consumeMode: 'each-batch', commitMode: { kind: 'per-poll' } }, [], { transactions }),
    );
    expect(illegal).toEqual([]);
    const sent = new Set(
      of('commit-invoke').flatMap(({ offsets }) =>
        offsets.map(({ topic, partition, offset }) => `${topic}-${partition} ${offset}`),
      ),
    );
    const told = of('application-commit').flatMap(({ offsets }) =>
      offsets.map(({ topic, partition, offset }) => `${topic}-${partition} ${offset}`),
    );
    expect(told.length).toBeGreaterThan(0);
    expect(told.filter((one) => !sent.has(one))).toEqual([]);
  });

  it('gives the same trace whether processes share its modules or not, and on every run', async () => {
    for (const scenario of [scenarioOf(), generateScenario(3, 6)]) {
      const shared = await run(scenario, { isolation: 'thread' });
      const apart = await run(scenario, { isolation: 'process' });
      expect(apart.trace?.hash).toBe(shared.trace?.hash);
    }
  });

  it('is caught where the application is broken on purpose', async () => {
    const { illegal } = await run(scenarioOf(), {}, 'skip-partition');
    expect(illegal.map(({ property }) => property)).toContain('at-least-once');
  });
});
