/** Several members in one simulated process, on one instance of kafkajs: what is theirs together, and what is each one's own. */
import { describe, expect, it } from 'vitest';
import { judge } from '../../../properties/index.ts';
import { parseScenario, type Scenario } from '../../../scenarios/schema.ts';
import { refusals } from '../../client/clients.ts';
import type { EventKind, EventOf } from '../../history/schema.ts';
import { HistoryRecorder } from '../../history/writer.ts';
import { refusalsOf } from '../kafka/kafka-world.ts';
import { SimulatedWorld, type SimulatedWorldOptions } from './simulated-world.ts';

async function run(scenario: Scenario, client: string, options: SimulatedWorldOptions = {}) {
  const recorder = new HistoryRecorder();
  await new SimulatedWorld(options).run(scenario, { client, mutant: null }, recorder);
  const history = recorder.finishHistory();
  const of = <K extends EventKind>(kind: K): EventOf<K>[] =>
    history.events.filter((event): event is EventOf<K> => event.kind === kind);
  return { history, trace: recorder.trace, of };
}

const group = (id: string, topics: string[], members: object[]): object => ({
  id,
  topics,
  sessionTimeoutMs: 3_000,
  rebalanceTimeoutMs: 6_000,
  heartbeatIntervalMs: 500,
  autoOffsetReset: 'earliest',
  consumeMode: 'each-message',
  commitMode: { kind: 'per-record' },
  commitOrder: 'process-then-commit',
  handler: { timeMs: { min: 1, max: 5 }, failuresPerThousand: 0, failuresPerRecord: 1 },
  members,
});

const join = (member: string, atMs = 0): object => ({ kind: 'join', atMs, member });

const scenarioOf = (changes: {
  groups: object[];
  actions: object[];
  seed?: number;
  settling?: object;
}): Scenario =>
  parseScenario(
    {
      version: 1,
      name: 'shared process',
      seed: 11,
      topology: {
        brokers: 1,
        topics: [
          { name: 'orders', partitions: 4, replicationFactor: 1 },
          { name: 'payments', partitions: 2, replicationFactor: 1 },
        ],
      },
      producers: [
        {
          id: 'producer-1',
          topics: ['orders', 'payments'],
          acks: 'all',
          idempotent: false,
          keys: null,
          records: 120,
          recordsPerSend: 1,
          valueBytes: 20,
          startMs: 1_000,
          stopMs: 10_000,
        },
      ],
      settling: { boundMs: 60_000 },
      ...changes,
    },
    'the test',
  );

const inShop = (id: string): object => ({ id, sharedProcess: 'shop' });
const two = [group('billing', ['orders'], [inShop('m1'), inShop('m2')])];
const apart = [
  group('billing', ['orders'], [inShop('m1'), { id: 'm3' }]),
  group('audit', ['payments'], [inShop('m2')]),
];

describe.each(['kafkajs', 'reference'])('%s', (client) => {
  it('tells apart what each member does, on one client instance where there is one', async () => {
    const { history, of } = await run(scenarioOf({ groups: two, actions: [join('m1'), join('m2')] }), client);
    expect(judge(history).unknown).toEqual([]);
    expect(of('process-start').filter(({ role }) => role === 'member')).toMatchObject([
      { process: 'm1.1', sharedProcess: 'shop.1' },
      { process: 'm2.1', sharedProcess: 'shop.1' },
    ]);
    const last = of('group-generation').findLast(({ state }) => state === 'stable');
    const members = last?.members ?? [];
    expect(members.map(({ process, clientId }) => process ?? clientId).sort()).toEqual(['m1.1', 'm2.1']);
    expect(new Set(members.map(({ clientId }) => clientId)).size).toBe(client === 'kafkajs' ? 1 : 2);
    for (const process of ['m1.1', 'm2.1'])
      expect(of('commit-ok').some((event) => event.process === process)).toBe(true);
  });

  it('crashes all that run in the process, and starts them again beside each other', async () => {
    const actions = [
      join('m1'),
      join('m2'),
      { kind: 'crash', atMs: 3_000, member: 'm1' },
      join('m2', 5_000),
      join('m1', 5_000),
    ];
    const { history, of } = await run(scenarioOf({ groups: two, actions }), client);
    expect(of('process-exit').filter(({ time }) => time < 4_000)).toMatchObject([
      { process: 'm1.1', signal: 'SIGKILL' },
      { process: 'm2.1', signal: 'SIGKILL' },
    ]);
    expect(of('process-start').flatMap(({ sharedProcess }) => sharedProcess ?? [])).toEqual([
      'shop.1',
      'shop.1',
      'shop.2',
      'shop.2',
    ]);
    expect(judge(history).unknown).toEqual([]);
  });

  it('stops all that run in the process, and nobody can start in it until it goes on', async () => {
    const actions = [
      join('m1'),
      { kind: 'stall', atMs: 3_000, member: 'm1', durationMs: 5_000 },
      join('m2', 4_000),
      join('m2', 9_000),
    ];
    const { of } = await run(scenarioOf({ groups: two, actions }), client);
    expect(of('action').filter(({ outcome }) => outcome === 'skipped')).toMatchObject([
      { action: 2, reason: 'shop, the process in which m2 would run, is stalled' },
    ]);
    const done = of('processing-end').map(({ time }) => time);
    expect(done.filter((time) => time > 3_100 && time < 8_000)).toEqual([]);
    expect(done.some((time) => time > 8_000)).toBe(true);
  });

  it('lets one member leave while the other goes on', async () => {
    const actions = [join('m1'), join('m2'), { kind: 'leave', atMs: 4_000, member: 'm1' }, join('m1', 7_000)];
    const { history, of } = await run(scenarioOf({ groups: two, actions }), client);
    const [first] = of('process-exit').filter(({ process }) => process.startsWith('m'));
    expect(first).toMatchObject({ process: 'm1.1', code: 0 });
    expect(of('delivery').some(({ process, time }) => process === 'm2.1' && time > 7_000)).toBe(true);
    expect(of('process-start').at(-1)).toMatchObject({ process: 'm1.2', sharedProcess: 'shop.1' });
    expect(judge(history).unknown).toEqual([]);
  });

  it('ends all that run in the process with SIGTERM, each in good order', async () => {
    const actions = [join('m1'), join('m2'), { kind: 'terminate', atMs: 4_000, member: 'm2' }];
    const { of } = await run(scenarioOf({ groups: apart, actions: [...actions, join('m3', 4_000)] }), client);
    expect(of('process-exit').filter(({ process }) => /^m[12]/.test(process))).toEqual([
      expect.objectContaining({ process: 'm1.1', code: 0 }),
      expect.objectContaining({ process: 'm2.1', code: 0 }),
    ]);
    expect(of('client-stopped').map(({ process }) => process)).toContain('m1.1');
  });

  it('cuts the links of all that run in the process, and answers errors to all of them', async () => {
    const actions = [
      join('m1'),
      join('m2'),
      join('m3'),
      {
        kind: 'answer-error',
        atMs: 3_000,
        api: 'Heartbeat',
        error: 'REBALANCE_IN_PROGRESS',
        times: 1,
        process: 'm2',
      },
      {
        kind: 'cut-link',
        atMs: 6_000,
        durationMs: 6_000,
        link: { process: 'm2', broker: null },
        direction: 'both',
      },
    ];
    const { of } = await run(scenarioOf({ groups: apart, actions }), client);
    const ended = of('processing-end').filter(({ time }) => time > 6_500 && time < 11_900);
    expect(ended.some(({ process }) => process === 'm1.1')).toBe(false);
    expect(ended.some(({ process }) => process === 'm3.1')).toBe(true);
    expect(of('wire-heartbeat').find(({ time }) => time < 6_000)?.process).toMatch(/^m[12]/);
  });

  it('leaves all of the process dead that the scenario does not heal', async () => {
    const settling = { boundMs: 60_000, dead: { members: ['m1'], brokers: [] } };
    const actions = [join('m1'), join('m2'), join('m3')];
    const { of, history } = await run(scenarioOf({ groups: apart, actions, settling }), client);
    expect(of('core')).toMatchObject([{ deadMembers: ['m1', 'm2'] }]);
    expect(judge(history).unknown).toEqual([]);
  });

  it('is the same whether processes share modules or not, and on every run', async () => {
    const actions = [join('m1'), join('m2'), { kind: 'crash', atMs: 5_000, member: 'm2' }, join('m1', 6_000)];
    const scenario = scenarioOf({ groups: apart, actions });
    const [first, ...others] = [
      await run(scenario, client, { isolation: 'thread' }),
      await run(scenario, client, { isolation: 'process' }),
      await run(scenario, client, { isolation: 'thread' }),
    ];
    for (const other of others) expect(other.trace).toEqual(first.trace);
  });
});

it('ends all that run in the process where one application ends it, and starts each of them again', async () => {
  // The application of a Java client ends where its poll throws, and so does the process that others run in too.
  const nowhere = { ...group('audit', ['payments'], [inShop('m2')]), autoOffsetReset: 'none' };
  const groups = [group('billing', ['orders'], [inShop('m1')]), nowhere];
  const settling = { boundMs: 10_000 };
  const { history, of } = await run(
    scenarioOf({ groups, actions: [join('m1'), join('m2', 3_000)], settling }),
    'reference',
  );
  expect(of('application-error')[0]).toMatchObject({ process: 'm2.1', call: 'poll' });
  expect(of('process-exit').slice(0, 2)).toMatchObject([
    { process: 'm1.1', code: 1 },
    { process: 'm2.1', code: 1 },
  ]);
  expect(of('process-start').find(({ process }) => process === 'm1.2')).toMatchObject({
    sharedProcess: 'shop.2',
  });
  expect(judge(history).unknown).toEqual([]);
});

it('takes the links and the consumers of kafkajs that cannot start for those of their own members', async () => {
  const actions = [
    join('m1'),
    { kind: 'crash-broker', atMs: 2_000, durationMs: 40_000, broker: 1 },
    join('m2', 3_000),
  ];
  const { of } = await run(
    scenarioOf({ groups: apart, actions: [...actions, join('m3', 44_000)] }),
    'kafkajs',
  );
  expect(of('application-error')[0]).toMatchObject({ process: 'm2.1', call: 'connect' });
  expect(of('process-exit').slice(0, 2)).toMatchObject([
    { process: 'm1.1', code: 1 },
    { process: 'm2.1', code: 1 },
  ]);
});

describe('is refused', () => {
  const scenario = scenarioOf({ groups: apart, actions: [join('m1')] });

  it('where groups would give one instance of kafkajs different options', () => {
    const groups = scenario.groups.map((one, i) => ({
      ...one,
      native: { kafkajs: { kafka: { requestTimeout: 1_000 * (i + 1) } } },
    }));
    const why = new SimulatedWorld().refusals({ ...scenario, groups }, { client: 'kafkajs', mutant: null });
    expect(why).toEqual([
      'groups[1].native.kafkajs.kafka: members of audit and of billing share an instance of Kafka in shop; give both groups the same options.',
    ]);
    expect(new SimulatedWorld().refusals(scenario, { client: 'kafkajs', mutant: null })).toEqual([]);
  });

  it('for an application of the user, and for a driver in another language', () => {
    expect(refusals('kafkajs', scenario, true)[0]).toBe(
      'groups[0].members[0].sharedProcess: an application says itself which of its consumers share a client.',
    );
    const driver = { version: '1', command: 'x', arguments: [], environment: {} };
    expect(refusalsOf(scenario, { client: 'java', mutant: null, driver }, true)[0]).toBe(
      'groups[0].members[0].sharedProcess: the driver of java runs one member in each process.',
    );
  });
});
