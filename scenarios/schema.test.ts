/** The scenario schema on input that people get wrong: each refusal names the key and says what was expected. */
import { describe, expect, it } from 'vitest';
import { generateScenario } from './arbitrary.ts';
import {
  type Action,
  clientIdsOf,
  membersHit,
  parseScenario,
  type Scenario,
  ScenarioError,
  scenarioJsonSchema,
  scenarioSchema,
} from './schema.ts';

/** A small valid scenario that each case breaks in one place. */
const valid = (): Scenario =>
  parseScenario(
    {
      version: 1,
      name: 'small',
      seed: 1,
      topology: { brokers: 1, topics: [{ name: 'orders', partitions: 2, replicationFactor: 1 }] },
      producers: [
        {
          id: 'producer-1',
          topics: ['orders'],
          acks: 'all',
          idempotent: true,
          keys: null,
          records: 10,
          recordsPerSend: 1,
          valueBytes: 10,
          startMs: 0,
          stopMs: 1000,
        },
      ],
      groups: [
        {
          id: 'billing',
          topics: ['orders'],
          sessionTimeoutMs: 3000,
          rebalanceTimeoutMs: 3000,
          heartbeatIntervalMs: 500,
          autoOffsetReset: 'earliest',
          consumeMode: 'each-message',
          commitMode: { kind: 'per-record' },
          commitOrder: 'process-then-commit',
          handler: { timeMs: { min: 0, max: 5 }, failuresPerThousand: 0, failuresPerRecord: 1 },
          members: [{ id: 'm1' }, { id: 'm2' }],
        },
      ],
      actions: [
        { kind: 'join', atMs: 0, member: 'm1' },
        { kind: 'crash', atMs: 500, member: 'm1' },
      ],
      settling: { boundMs: 10000 },
    },
    'the test',
  );

// biome-ignore lint/suspicious/noExplicitAny: each case breaks the typed value on purpose.
type Change = (scenario: any) => void;
const broken = (change: Change): unknown => {
  const scenario = structuredClone(valid());
  change(scenario);
  return scenario;
};

const messageOf = (value: unknown): string => {
  try {
    parseScenario(value, 'bad.json');
  } catch (error) {
    if (error instanceof ScenarioError) {
      expect(error.exitCode).toBe(2);
      return error.message;
    }
    throw error;
  }
  throw new Error('the scenario was accepted');
};

describe('the JSON Schema', () => {
  it('knows every key, and lets a file say where it is', () => {
    const { properties, required } = scenarioJsonSchema() as {
      properties: Record<string, unknown>;
      required: string[];
    };
    expect(Object.keys(properties).sort()).toEqual(Object.keys(scenarioSchema.shape).sort());
    expect(required).not.toContain('$schema');
    const scenario = {
      $schema: './node_modules/kafka-trial/dist/schemas/scenario.json',
      ...generateScenario(1, 0),
    };
    expect(parseScenario(scenario, 'the test')).toEqual(scenario);
  });
});

describe('parseScenario', () => {
  it('accepts a valid scenario and fills in the defaults', () => {
    expect(valid().groups[0]?.fetchMaxWaitMs).toBe(200);
  });

  it.each<[string, Change, RegExp]>([
    [
      'an unknown key',
      (s) => (s.groups[0].sesionTimeout = 1),
      /groups\[0\]\.sesionTimeout: expected no such key/,
    ],
    [
      'an unknown key in an action',
      (s) => (s.actions[1].reason = 'x'),
      /actions\[1\]\.reason: expected no such key/,
    ],
    ['a number out of range', (s) => (s.topology.brokers = 9), /topology\.brokers: .*<=5.*got 9/],
    ['a wrong type', (s) => (s.seed = 'abc'), /seed: .*expected (int|number)/],
    ['a missing key', (s) => delete s.settling, /settling: .*expected object/],
    ['another schema version', (s) => (s.version = 2), /version: .*expected 1.*got 2/],
    ['an unknown action', (s) => (s.actions[1].kind = 'explode'), /actions\[1\]\.kind: /],
    [
      'an action on nobody',
      (s) => (s.actions[1].member = 'm9'),
      /actions\[1\]\.member: .*\(m1, m2\), got 'm9'/,
    ],
    [
      'an unknown topic',
      (s) => (s.groups[0].topics = ['nope']),
      /groups\[0\]\.topics\[0\]: .*\(orders\), got 'nope'/,
    ],
    [
      'an id used twice',
      (s) => (s.groups[0].members[1].id = 'm1'),
      /groups\[0\]\.members\[1\]\.id: .*used once/,
    ],
    [
      'a twin of a member that is not static',
      (s) => (s.actions[1] = { kind: 'twin', atMs: s.actions[1].atMs, member: 'm1' }),
      /actions\[1\]\.member: .*staticMembership/,
    ],
    [
      'a shared process by the name of a member',
      (s) => (s.groups[0].members[1].sharedProcess = 'm1'),
      /members\[1\]\.sharedProcess: expected a name of its own, .* got 'm1'/,
    ],
    [
      'two clocks in one process',
      (s) => {
        for (const member of s.groups[0].members) member.sharedProcess = 'shop';
        s.groups[0].members[1].clock = { offsetMs: 1, driftPerMillion: 0 };
      },
      /members\[1\]\.clock: expected the clock of m1, which runs in the same process/,
    ],
    [
      'racks for other brokers',
      (s) => (s.topology.racks = ['a', 'b', 'c', 'd']),
      /topology\.racks: .*brokers/,
    ],
    [
      'partitions by hand for one member alone',
      (s) => (s.groups[0].members[0].assigned = [{ topic: 'orders', partitions: [0] }]),
      /groups\[0\]\.members\[1\]\.assigned: .*as the other members have/,
    ],
    [
      'a partition that two members have taken',
      (s) => {
        for (const member of s.groups[0].members) member.assigned = [{ topic: 'orders', partitions: [0] }];
      },
      /members\[1\]\.assigned\[0\]\.partitions\[0\]: .*each taken once, got 0/,
    ],
    [
      'assignors without a group to assign',
      (s) => {
        for (const [i, member] of s.groups[0].members.entries())
          member.assigned = [{ topic: 'orders', partitions: [i] }];
        s.groups[0].assignors = ['range'];
      },
      /groups\[0\]\.assignors: expected no such key/,
    ],
    [
      'a pipeline that writes where a producer does',
      (s) => (s.groups[0].commitMode = { kind: 'transaction', topic: 'orders', abortEvery: null }),
      /groups\[0\]\.commitMode\.topic: .*another topic/,
    ],
    [
      'a quota of nothing',
      (s) =>
        (s.actions[1] = { kind: 'throttle-client', atMs: 500, durationMs: 1, process: 'm1', quotas: {} }),
      /actions\[1\]\.quotas: expected at least one quota/,
    ],
    [
      'a quota for nobody',
      (s) =>
        (s.actions[1] = {
          kind: 'throttle-client',
          atMs: 500,
          durationMs: 1,
          process: 'm9',
          quotas: { requestPercent: 1 },
        }),
      /actions\[1\]\.process: .*\(producer-1, m1, m2\), got 'm9'/,
    ],
    [
      'a heartbeat too long',
      (s) => (s.groups[0].heartbeatIntervalMs = 3000),
      /heartbeatIntervalMs: .*less than/,
    ],
    [
      'too many replicas',
      (s) => (s.topology.topics[0].replicationFactor = 3),
      /replicationFactor: .*brokers \(1\)/,
    ],
    [
      'idempotence without acks all',
      (s) => (s.producers[0].acks = 1),
      /producers\[0\]\.acks: expected 'all'/,
    ],
    ['actions out of order', (s) => (s.actions[0].atMs = 900), /actions\[1\]\.atMs: expected at least 900/],
    [
      'a partition that is not there',
      (s) =>
        s.actions.push({ kind: 'delete-records', atMs: 600, topic: 'orders', partition: 2, percent: 50 }),
      /actions\[2\]\.partition: expected 0 to 1/,
    ],
    [
      'a link of nobody',
      (s) =>
        s.actions.push({
          kind: 'reset-link',
          atMs: 600,
          link: { process: 'm9', broker: null },
          ending: 'reset',
        }),
      /actions\[2\]\.link\.process: expected a member or producer .*\(producer-1, m1, m2\), got 'm9'/,
    ],
    [
      'a link to a broker that is not there',
      (s) =>
        s.actions.push({
          kind: 'reset-link',
          atMs: 600,
          link: { process: 'm1', broker: 2 },
          ending: 'reset',
        }),
      /actions\[2\]\.link\.broker: expected 1 to 1/,
    ],
    [
      'a latency the wrong way round',
      (s) =>
        (s.topology.network = { latencyMs: { min: 5, max: 1 }, bytesPerSecond: null, lossPerThousand: 0 }),
      /topology\.network\.latencyMs\.max: expected at least min \(5\)/,
    ],
    [
      'per-batch commits without batches',
      (s) => (s.groups[0].commitMode = { kind: 'per-batch' }),
      /groups\[0\]\.commitMode\.kind: .*each-message sees no batches/,
    ],
    [
      'commit first where the client commits',
      (s) => {
        s.groups[0].commitMode = { kind: 'none' };
        s.groups[0].commitOrder = 'commit-then-process';
      },
      /groups\[0\]\.commitOrder: expected 'process-then-commit'/,
    ],
  ])('refuses %s by its path', (_, change, message) => {
    expect(messageOf(broken(change))).toMatch(message);
  });

  it.each([null, 3, 'text', []])('refuses %j, which is no object', (value) => {
    expect(messageOf(value)).toMatch(/bad\.json is not a scenario:\n {2}\(top level\): /);
  });

  it('names every offending key at once', () => {
    const message = messageOf(
      broken((s) => {
        s.topology.brokers = 0;
        s.groups[0].nonsense = true;
      }),
    );
    expect(message).toMatch(/topology\.brokers/);
    expect(message).toMatch(/groups\[0\]\.nonsense/);
  });

  it('survives a round trip through JSON', () => {
    const scenario = generateScenario(7, 3);
    expect(parseScenario(JSON.parse(JSON.stringify(scenario)), 'the copy')).toEqual(scenario);
  });
});

it('knows whom an action happens to where members share a process', () => {
  const scenario = valid();
  const hit = (kind: 'crash' | 'terminate' | 'leave' | 'join'): string[] =>
    membersHit(scenario, { kind, atMs: 0, member: 'm2' } satisfies Action);
  expect(hit('crash')).toEqual(['m2']);
  for (const { members } of scenario.groups) for (const member of members) member.sharedProcess = 'shop';
  expect(hit('crash')).toEqual(['m1', 'm2']);
  expect(hit('terminate')).toEqual(['m1', 'm2']);
  expect(membersHit(scenario, { kind: 'stall', atMs: 0, member: 'm1', durationMs: 1 })).toEqual(['m1', 'm2']);
  expect(hit('leave')).toEqual(['m2']);
  expect(hit('join')).toEqual(['m2']);
  expect(clientIdsOf(scenario, 'm2')).toEqual(['m1', 'm2', 'shop']);
  expect(clientIdsOf(scenario, 'producer-1')).toEqual(['producer-1']);
});
