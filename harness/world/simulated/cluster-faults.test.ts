/** The faults inside the cluster: each is carried out, shows where it has to, and the group comes to its goal. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../../scenarios/schema.ts';
import type { EventKind, EventOf } from '../../history/schema.ts';
import { HistoryRecorder } from '../../history/writer.ts';
import { SimulatedWorld } from './simulated-world.ts';

async function run(
  actions: readonly object[],
  changes: { topology?: object; producer?: object; group?: object; dead?: object } = {},
) {
  const scenario = parseScenario(
    {
      version: 1,
      name: 'faults',
      seed: 5,
      topology: {
        brokers: 3,
        topics: [{ name: 'orders', partitions: 3, replicationFactor: 3 }],
        ...changes.topology,
      },
      producers: [
        {
          id: 'producer-1',
          topics: ['orders'],
          acks: 'all',
          idempotent: true,
          keys: null,
          records: 60,
          recordsPerSend: 1,
          valueBytes: 20,
          startMs: 500,
          stopMs: 12_000,
          ...changes.producer,
        },
      ],
      groups: [
        {
          id: 'billing',
          topics: ['orders'],
          sessionTimeoutMs: 3_000,
          rebalanceTimeoutMs: 6_000,
          heartbeatIntervalMs: 300,
          autoOffsetReset: 'earliest',
          consumeMode: 'each-message',
          commitMode: { kind: 'per-record' },
          commitOrder: 'process-then-commit',
          handler: { timeMs: { min: 1, max: 1 }, failuresPerThousand: 0, failuresPerRecord: 1 },
          members: [{ id: 'm1' }, { id: 'm2' }],
          ...changes.group,
        },
      ],
      actions: [{ kind: 'join', atMs: 0, member: 'm1' }, ...actions],
      settling: { boundMs: 90_000, ...(changes.dead === undefined ? {} : { dead: changes.dead }) },
    },
    'the test',
  );
  const recorder = new HistoryRecorder();
  await new SimulatedWorld().run(scenario, { client: 'reference', mutant: null }, recorder);
  const { events } = recorder.finishHistory();
  const of = <K extends EventKind>(kind: K): EventOf<K>[] =>
    events.filter((event): event is EventOf<K> => event.kind === kind);
  expect(of('settled')[0]?.undrained).toEqual([]);
  const skipped = of('action').flatMap(({ reason }) => reason ?? []);
  return { of, skipped };
}

describe('errors on purpose', () => {
  it('are answered so often, to whom they are for', async () => {
    const { of } = await run([
      { kind: 'join', atMs: 0, member: 'm2' },
      {
        kind: 'answer-error',
        atMs: 4_000,
        api: 'Heartbeat',
        error: 'ILLEGAL_GENERATION',
        times: 2,
        process: 'm2',
      },
    ]);
    const errors = of('wire-heartbeat').filter(({ error }) => error === 'ILLEGAL_GENERATION');
    expect(errors.map(({ process }) => process)).toEqual(['m2.1', 'm2.1']);
  });

  it('are recorded with who answered whom', async () => {
    const error = { api: 'Metadata', error: 'LEADER_NOT_AVAILABLE' };
    const { of } = await run([
      { kind: 'answer-error', atMs: 3_000, ...error, times: 2, process: 'm2' },
      { kind: 'join', atMs: 4_000, member: 'm2' },
    ]);
    const answered = of('error-answered');
    expect(answered).toHaveLength(2);
    for (const one of answered) {
      expect(one).toMatchObject({ process: 'cluster', action: 1, ...error, client: 'm2.1' });
      expect([1, 2, 3]).toContain(one.broker);
    }
  });

  it('that nobody was answered are over when the run is healed', async () => {
    const { of } = await run([
      {
        kind: 'answer-error',
        atMs: 4_000,
        api: 'JoinGroup',
        error: 'UNKNOWN_MEMBER_ID',
        times: 50,
        process: 'm2',
      },
      { kind: 'join', atMs: 4_500, member: 'm2' },
    ]);
    const refused = of('wire-join').filter(({ error }) => error === 'UNKNOWN_MEMBER_ID');
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ time }) => time <= (of('heal')[0]?.time ?? 0))).toBe(true);
  });

  it('are those of the API alone', () => {
    const wrong = [
      { kind: 'answer-error', atMs: 1, api: 'Fetch', error: 'ILLEGAL_GENERATION', times: 1, process: null },
    ];
    return expect(run(wrong)).rejects.toThrow('actions[1].error: expected one of NOT_LEADER_OR_FOLLOWER');
  });
});

it('a coordinator that moves is looked for again', async () => {
  const { of, skipped } = await run([{ kind: 'move-coordinator', atMs: 4_000, group: 'billing' }]);
  expect(skipped).toEqual([]);
  const refusals = [...of('wire-heartbeat'), ...of('commit-fail').flatMap(({ errors }) => errors)];
  expect(refusals.some(({ error }) => error === 'NOT_COORDINATOR')).toBe(true);
});

it('a leader that moves is followed', async () => {
  const { of, skipped } = await run([{ kind: 'move-leader', atMs: 4_000, topic: 'orders', partition: 1 }]);
  expect(skipped).toEqual([]);
  expect(of('wire-fetch-error').some(({ partition }) => partition === 1)).toBe(true);
});

it('brokers are cut off from each other, from the controller, and throttled', async () => {
  const { of, skipped } = await run([
    { kind: 'isolate-brokers', atMs: 2_000, durationMs: 4_000, brokers: [1, 2] },
    { kind: 'throttle-broker', atMs: 3_000, durationMs: 2_000, broker: 3, delayMs: 400 },
    { kind: 'isolate-controller', atMs: 7_000, durationMs: 5_000, broker: 1 },
  ]);
  expect(skipped).toEqual([]);
  expect(of('action').filter(({ phase }) => phase === 'end')).toHaveLength(3);
});

it('a broker that the others do not reach is fenced, and the fault lasts until it serves again', async () => {
  const { of, skipped } = await run([
    { kind: 'isolate-brokers', atMs: 2_000, durationMs: 6_000, brokers: [1, 2] },
    { kind: 'isolate-brokers', atMs: 2_000, durationMs: 6_000, brokers: [3, 1] },
  ]);
  expect(skipped).toEqual([]);
  const ends = of('action').filter(
    ({ actionKind, phase }) => actionKind === 'isolate-brokers' && phase === 'end',
  );
  expect(ends).toHaveLength(2);
  // One that is not fenced would be back at once.
  for (const { time } of ends) expect(time).toBeGreaterThan(8_000);
});

it('without a majority of the controllers what needs one waits for it', async () => {
  const { of, skipped } = await run([
    { kind: 'crash-broker', atMs: 2_000, durationMs: 9_000, broker: 1 },
    { kind: 'pause-broker', atMs: 2_000, durationMs: 9_000, broker: 2 },
    { kind: 'add-partitions', atMs: 2_500, topic: 'orders', partitions: 4 },
    { kind: 'move-leader', atMs: 9_000, topic: 'orders', partition: 0 },
  ]);
  const ended = (kind: string): number =>
    of('action').find(({ actionKind, phase }) => actionKind === kind && phase === 'end')?.time ?? 0;
  expect(ended('add-partitions')).toBeGreaterThan(11_000);
  expect(skipped).toEqual(['There is no active controller.']);
});

it('what the controller decides waits for an only broker that restarts, whose socket opens when it is unfenced', async () => {
  const { of, skipped } = await run(
    [
      { kind: 'restart-broker', atMs: 2_000, durationMs: 2_000, broker: 1 },
      { kind: 'add-partitions', atMs: 6_000, topic: 'orders', partitions: 4 },
    ],
    {
      topology: { brokers: 1, topics: [{ name: 'orders', partitions: 3, replicationFactor: 1 }] },
      group: { metadataMaxAgeMs: 1_000 },
    },
  );
  expect(skipped).toEqual([]);
  const [restarted, added] = ['restart-broker', 'add-partitions'].map(
    (kind) => of('action').find((one) => one.actionKind === kind && one.phase === 'end')?.time,
  );
  expect(restarted).toBeGreaterThan(6_000);
  expect(added).toBeGreaterThanOrEqual(restarted as number);
});

it('a topic that is recreated is consumed from its beginning', async () => {
  const { of } = await run([{ kind: 'recreate-topic', atMs: 4_000, durationMs: 1_000, topic: 'orders' }]);
  expect(of('commit-removed').length).toBeGreaterThan(0);
  expect(of('fact-log').every(({ logStartOffset }) => logStartOffset === '0')).toBe(true);
  const written = of('fact-log').reduce((sum, { records }) => sum + records.length, 0);
  expect(written).toBeLessThan(60);
});

it('a topic that is compacted keeps the newest record of each key, and is consumed past what is gone', async () => {
  const compaction = { kind: 'compact-topic', atMs: 6_000, topic: 'orders' };
  const { of, skipped } = await run([compaction], { producer: { keys: 4, stopMs: 5_000 } });
  expect(skipped).toEqual([]);
  const isOurs = (record: string | null): record is string => record?.startsWith('producer-1-') === true;
  const sent = of('produce-invoke').flatMap(({ records }) => records.filter(({ record }) => isOurs(record)));
  const newest = new Map(sent.map(({ key, record }) => [key, record]));
  const left = of('fact-log').flatMap(({ records }) => records.map(({ record }) => record).filter(isOurs));
  expect(new Set(left)).toEqual(new Set(newest.values()));
});

it('an operator sets offsets of an empty group, and of no other', async () => {
  const { of, skipped } = await run([
    { kind: 'alter-offsets', atMs: 2_000, group: 'billing', topic: 'orders', partition: 0, offset: 1 },
    { kind: 'leave', atMs: 5_000, member: 'm1' },
    { kind: 'alter-offsets', atMs: 6_500, group: 'billing', topic: 'orders', partition: 0, offset: 1 },
    { kind: 'join', atMs: 8_000, member: 'm1' },
  ]);
  expect(skipped).toEqual(['Kafka answered UNKNOWN_MEMBER_ID']);
  const again = of('delivery').filter(({ partition, offsets }) => partition === 0 && offsets.includes('1'));
  expect(again).toHaveLength(2);
});

it('offsets of a group that is empty expire', async () => {
  const { of } = await run(
    [
      { kind: 'leave', atMs: 4_000, member: 'm1' },
      { kind: 'join', atMs: 9_000, member: 'm1' },
    ],
    { topology: { offsetsRetentionMs: 2_000 } },
  );
  expect(of('commit-removed')).toHaveLength(3);
  expect(
    of('delivery').filter(({ partition, offsets }) => partition === 0 && offsets.includes('0')),
  ).toHaveLength(2);
});

describe('what stays dead', () => {
  it('leaves the rest to come to its goal', async () => {
    const { of } = await run([{ kind: 'join', atMs: 0, member: 'm2' }], {
      dead: { members: ['m1'], brokers: [2] },
    });
    expect(of('core')).toMatchObject([{ deadMembers: ['m1'], deadBrokers: [2] }]);
    const last = of('group-generation').findLast(({ state }) => state === 'stable');
    expect(last?.members.map(({ clientId }) => clientId)).toEqual(['m2.1']);
  });

  it('is less than half of the brokers', () =>
    expect(run([], { dead: { members: [], brokers: [1, 2] } })).rejects.toThrow(
      'settling.dead.brokers: expected fewer than half of the 3 brokers',
    ));
});

it('faults of one broker that overlap are over some time', async () => {
  const { of } = await run([
    { kind: 'restart-broker', atMs: 2_000, durationMs: 3_000, broker: 1 },
    { kind: 'pause-broker', atMs: 3_000, durationMs: 500, broker: 1 },
    { kind: 'pause-broker', atMs: 7_000, durationMs: 3_000, broker: 2 },
    { kind: 'restart-broker', atMs: 8_000, durationMs: 500, broker: 2 },
  ]);
  expect(of('finish')[0]?.incomplete).toEqual([]);
});

it('a broker that is frozen when the end of another fault would start it is not waited for', async () => {
  const { of } = await run([
    { kind: 'restart-broker', atMs: 2_000, durationMs: 4_350, broker: 1 },
    { kind: 'restart-broker', atMs: 2_050, durationMs: 1_500, broker: 1 },
    { kind: 'pause-broker', atMs: 4_750, durationMs: 2_050, broker: 1 },
  ]);
  const ends = of('action').filter(({ phase }) => phase === 'end');
  expect(ends).toHaveLength(3);
  // The one whose broker runs already has nothing to start.
  expect(ends.find(({ action }) => action === 1)?.time).toBe(6_350);
});
