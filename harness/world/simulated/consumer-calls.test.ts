/** The calls of the consumer's API that a scenario can ask for, in front of both clients. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../../properties/index.ts';
import { parseScenario, type Scenario } from '../../../scenarios/schema.ts';
import type { EventKind, EventOf } from '../../history/schema.ts';
import { HistoryRecorder } from '../../history/writer.ts';
import { SimulatedWorld } from './simulated-world.ts';

const scenarioOf = (group: object, actions: readonly object[]): Scenario =>
  parseScenario(
    {
      version: 1,
      name: 'calls',
      seed: 5,
      topology: {
        brokers: 1,
        topics: [
          { name: 'orders', partitions: 2, replicationFactor: 1 },
          { name: 'payments', partitions: 1, replicationFactor: 1 },
        ],
      },
      producers: [
        {
          id: 'producer-1',
          topics: ['orders', 'payments'],
          acks: 'all',
          idempotent: false,
          keys: null,
          records: 60,
          recordsPerSend: 1,
          valueBytes: 20,
          startMs: 500,
          stopMs: 9_000,
        },
      ],
      groups: [
        {
          id: 'billing',
          topics: ['orders', 'payments'],
          sessionTimeoutMs: 6_000,
          rebalanceTimeoutMs: 6_000,
          heartbeatIntervalMs: 500,
          autoOffsetReset: 'earliest',
          fetchMaxWaitMs: 100,
          consumeMode: 'each-message',
          commitMode: { kind: 'per-record' },
          commitOrder: 'process-then-commit',
          handler: { timeMs: { min: 1, max: 1 }, failuresPerThousand: 0, failuresPerRecord: 1 },
          members: [{ id: 'm1' }],
          ...group,
        },
      ],
      actions: [{ kind: 'join', atMs: 0, member: 'm1' }, ...actions],
      settling: { boundMs: 60_000 },
    },
    'the test',
  );

async function run(client: string, group: object, actions: readonly object[]) {
  const scenario = scenarioOf(group, actions);
  const recorder = new HistoryRecorder();
  await new SimulatedWorld().run(scenario, { client, mutant: null }, recorder);
  const { events } = recorder.finishHistory();
  return <K extends EventKind>(kind: K): EventOf<K>[] =>
    events.filter((event): event is EventOf<K> => event.kind === kind);
}

const outcomes = (ends: readonly EventOf<'application-call-end'>[]): string[] =>
  ends.map(({ call, outcome }) => `${call} ${outcome}`);

describe.each(['kafkajs', 'reference'])('%s', (client) => {
  it('runs again after a stop, where a second process has taken its place meanwhile', async () => {
    const of = await run(client, { staticMembership: true }, [
      { kind: 'stop-consumer', atMs: 3_000, durationMs: 2_000, member: 'm1' },
      { kind: 'twin', atMs: 4_000, member: 'm1' },
    ]);
    const calls = of('application-call').map(({ process, call }) => `${process} ${call}`);
    expect(calls).toEqual(['m1.1 stop', 'm1.1 run']);
    expect(of('action').flatMap(({ reason }) => reason ?? [])).toEqual([]);
  });

  it('seeks back, and past a partition that is not its own', async () => {
    const of = await run(client, { members: [{ id: 'm1', topics: ['orders'] }] }, [
      { kind: 'seek', atMs: 5_000, member: 'm1', topic: 'orders', partition: 0, offset: 0 },
      { kind: 'seek', atMs: 6_000, member: 'm1', topic: 'payments', partition: 0, offset: 0 },
    ]);
    const again = of('delivery').filter(({ topic, partition, offsets }) =>
      topic === 'orders' && partition === 0 ? offsets.includes('0') : false,
    );
    expect(again).toHaveLength(2);
    // kafkajs ignores what is not assigned; Java refuses it.
    const second = client === 'reference' ? 'seek skipped' : 'seek applied';
    expect(outcomes(of('application-call-end'))).toEqual(['seek applied', second]);
  });

  it('hands over nothing of a topic while it is paused, and all of it afterwards', async () => {
    const of = await run(client, {}, [
      {
        kind: 'pause-partitions',
        atMs: 4_000,
        durationMs: 3_000,
        member: 'm1',
        topic: 'orders',
        partitions: null,
      },
    ]);
    const paused = of('application-call').map(({ time }) => time);
    expect(paused).toHaveLength(2);
    // What a request that is on its way brings may still come.
    const [from, to] = [(paused[0] as number) + 500, paused[1] as number];
    const within = of('delivery').filter(({ time }) => time > from && time < to);
    expect(within.some(({ topic }) => topic === 'payments')).toBe(true);
    expect(within.filter(({ topic }) => topic === 'orders')).toEqual([]);
    expect(of('settled')[0]?.undrained).toEqual([]);
  });

  it('stops, leaves the group, and runs again in the same process', async () => {
    const of = await run(client, {}, [
      { kind: 'stop-consumer', atMs: 4_000, durationMs: 2_000, member: 'm1' },
    ]);
    expect(outcomes(of('application-call-end'))).toEqual(['stop applied', 'run applied']);
    expect(of('group-generation').map(({ state }) => state)).toEqual([
      'empty',
      'stable',
      'empty',
      'stable',
      'empty',
    ]);
    expect(of('process-start').filter(({ role }) => role === 'member')).toHaveLength(1);
    expect(of('settled')[0]?.undrained).toEqual([]);
  });

  it('commits outside its handler', async () => {
    const of = await run(client, { commitMode: { kind: 'none' } }, [
      { kind: 'commit', atMs: 6_000, member: 'm1' },
    ]);
    expect(outcomes(of('application-call-end'))).toEqual(['commit applied']);
    expect(of('commit-accepted').length).toBeGreaterThan(0);
  });

  it('resolves the first half of a batch, and is given the rest again', async () => {
    const of = await run(
      client,
      {
        consumeMode: 'manual',
        resolvesPartially: true,
        commitMode: { kind: 'per-batch' },
        // So slow that several records wait for each fetch.
        handler: { timeMs: { min: 300, max: 300 }, failuresPerThousand: 0, failuresPerRecord: 1 },
      },
      [],
    );
    const handed = of('delivery').reduce((sum, { offsets }) => sum + offsets.length, 0);
    expect(handed).toBeGreaterThan(of('processing-end').length);
    expect(of('settled')[0]?.undrained).toEqual([]);
  });

  it('subscribes by a pattern, and each member to its own topics', async () => {
    const members = [{ id: 'm1', topics: ['orders'] }, { id: 'm2' }];
    const of = await run(client, { members, subscription: 'pattern' }, [
      { kind: 'join', atMs: 1_000, member: 'm2' },
    ]);
    const [first, second] = (
      of('group-generation').findLast(({ state }) => state === 'stable')?.members ?? []
    ).sort((a, b) => (a.clientId < b.clientId ? -1 : 1));
    expect(first?.subscription).toEqual(['orders']);
    expect(second?.subscription.toSorted()).toEqual(['orders', 'payments']);
  });
});

it('the reference client says where it stands and what is committed, and refuses what is not its own', async () => {
  const questions = [
    { kind: 'position', atMs: 15_000, member: 'm1', topic: 'orders', partition: 0 },
    { kind: 'position', atMs: 15_000, member: 'm1', topic: 'payments', partition: 0 },
    { kind: 'committed', atMs: 15_000, member: 'm1', topic: 'orders', partition: 0 },
    { kind: 'committed', atMs: 15_000, member: 'm1', topic: 'payments', partition: 0 },
  ];
  const group = { members: [{ id: 'm1', topics: ['orders'] }], commitMode: { kind: 'none' } };
  const of = await run('reference', group, questions);
  const ends = of('application-call-end');
  expect(outcomes(ends)).toEqual([
    'position applied',
    'position skipped',
    'committed applied',
    'committed applied',
  ]);
  const before = of('delivery').filter(
    ({ topic, partition, seq }) => topic === 'orders' && partition === 0 && seq < (ends[0]?.seq ?? 0),
  );
  expect(ends[0]?.answer).toBe(String(Number(before.at(-1)?.offsets.at(-1)) + 1));
  expect(ends.slice(2).map(({ answer }) => answer)).toEqual([null, null]);
});

describe('members that take their partitions by hand', () => {
  const member = (id: string, topic: string, partitions: number[]) => ({
    id,
    assigned: [{ topic, partitions }],
  });
  const members = [member('m1', 'orders', [0, 1]), member('m2', 'payments', [0])];
  const second = { kind: 'join', atMs: 0, member: 'm2' };

  it('read and commit without a generation, and go on where they stopped, or were killed', async () => {
    const of = await run('reference', { members }, [
      second,
      { kind: 'stop-consumer', atMs: 3_000, durationMs: 500, member: 'm2' },
      { kind: 'crash', atMs: 4_000, member: 'm1' },
      { kind: 'join', atMs: 5_000, member: 'm1' },
    ]);
    expect(of('wire-join')).toEqual([]);
    expect(of('group-generation').filter(({ state }) => state === 'stable')).toEqual([]);
    expect(of('client-assigned').map(({ process }) => process)).toEqual(['m1.1', 'm2.1', 'm2.1', 'm1.2']);
    expect(
      new Set(of('commit-invoke').map(({ generation, memberId }) => `${generation} ${memberId}`)),
    ).toEqual(new Set(['-1 ']));
    const firstAgain = of('delivery').find(({ process, topic }) => process === 'm1.2' && topic === 'orders');
    expect(Number(firstAgain?.offsets[0])).toBeGreaterThan(0);
    expect(of('settled')[0]?.undrained).toEqual([]);
  });

  it('are caught where their application leaves out a partition', async () => {
    const recorder = new HistoryRecorder();
    const mutant = { client: 'reference', mutant: 'skip-partition' };
    await new SimulatedWorld().run(scenarioOf({ members }, [second]), mutant, recorder);
    const { anomalies } = judge(recorder.finishHistory());
    const lost = anomalies.filter(
      ({ property, policy }) => property === 'at-least-once' && policy === 'illegal',
    );
    // The lowest of what each has taken, and the other one of m1's is worked on.
    expect(lost.map(({ subject }) => `${subject.topic}-${subject.partition}`).sort()).toEqual([
      'orders-0',
      'payments-0',
    ]);
  });

  it('are more than kafkajs can do', () => {
    const scenario = scenarioOf({ members }, [second]);
    const why = new SimulatedWorld().refusals(scenario, { client: 'kafkajs', mutant: null });
    expect(why.join()).toMatch(/groups\[0\]\.members: kafkajs reads what its group assigns/);
  });
});

it('kafkajs has no questions for offsets', async () => {
  const of = await run('kafkajs', {}, [
    { kind: 'position', atMs: 5_000, member: 'm1', topic: 'orders', partition: 0 },
    { kind: 'committed', atMs: 5_000, member: 'm1', topic: 'orders', partition: 0 },
  ]);
  expect(of('application-call-end').map(({ reason }) => reason)).toEqual([
    "a consumer of kafkajs has no call 'position'",
    "a consumer of kafkajs has no call 'committed'",
  ]);
});

it('a kafkajs application that disconnects in its crash listener ends, and is started again', async () => {
  const of = await run('kafkajs', { onClientCrash: 'disconnect' }, [
    { kind: 'crash-broker', atMs: 4_000, durationMs: 20_000, broker: 1 },
  ]);
  const [crash] = of('client-crashed');
  expect(crash).toBeDefined();
  const exit = of('process-exit').find(({ process }) => process === 'm1.1');
  expect(exit?.code).toBe(1);
  expect(of('process-start').filter(({ id }) => id === 'm1').length).toBeGreaterThan(1);
});
