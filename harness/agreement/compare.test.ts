/** When two worlds agree: hand-made end states of runs enter, what is said of them is checked. */
import { describe, expect, it, test } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { compareEndStates } from './compare.ts';
import type { EndState } from './end-state.ts';

/** One topic, one producer of five records from 0 to 4 s, no faults. */
const scenario: Scenario = {
  ...generateScenario(1, 0, 'calm'),
  topology: {
    brokers: 1,
    topics: [{ name: 'orders', partitions: 1, replicationFactor: 1 }],
    groupInitialRebalanceDelayMs: 0,
  },
  producers: [
    {
      id: 'p',
      topics: ['orders'],
      acks: 'all',
      idempotent: false,
      keys: null,
      records: 5,
      recordsPerSend: 1,
      valueBytes: 0,
      startMs: 0,
      stopMs: 4_000,
    },
  ],
  actions: [],
};
const all = ['p-0', 'p-1', 'p-2', 'p-3', 'p-4'];
const state = (changes: Partial<EndState> & { held?: readonly string[] } = {}): EndState => {
  const { held = all, ...rest } = changes;
  return {
    outcome: 'valid',
    illegal: [],
    known: new Set(),
    observed: new Set(),
    uncommitted: new Map([['billing orders-0', '0']]),
    stopped: new Map(),
    records: new Map([['orders', new Map(held.map((record) => [record, 1]))]]),
    skipped: new Map(),
    ...rest,
  };
};
const withActions = (...actions: object[]): Scenario => ({ ...scenario, actions }) as Scenario;

test('equal end states agree', () => {
  expect(compareEndStates(scenario, [state()], state())).toEqual({ equal: true, disagreements: [] });
});

test('what any simulated run shows is allowed, though not equal', () => {
  const invalid = state({
    outcome: 'invalid',
    illegal: ['order: x'],
    uncommitted: new Map([['billing orders-0', '2']]),
  });
  expect(compareEndStates(scenario, [state(), invalid], invalid)).toEqual({
    equal: false,
    disagreements: [],
  });
});

test('a lost place is the same finding where a busy machine may be its cause, and nothing else is', () => {
  const waiting = 'no-spurious-rebalance: member lost its place while it waited to try a failed record again';
  const simulated = [state({ illegal: [waiting] })];
  const inRealTime = 'no-spurious-rebalance: member lost its place without a cause, in real time';
  expect(
    compareEndStates(scenario, simulated, state({ observed: new Set([inRealTime]) })).disagreements,
  ).toEqual([]);
  expect(
    compareEndStates(scenario, simulated, state({ observed: new Set(['order: x']) })).disagreements,
  ).toEqual([`only the simulated world shows '${waiting}', and always`]);
});

test('a known bug of the client may show in one draw of real Kafka alone, a new finding beside it may not', () => {
  const known = { illegal: ['order: x'], known: new Set(['order: x']) };
  expect(compareEndStates(scenario, [state()], state(known)).disagreements).toEqual([]);
  expect(
    compareEndStates(scenario, [state()], state({ ...known, illegal: ['order: x', 'order: y'] }))
      .disagreements,
  ).toEqual(["only real Kafka shows 'order: y'"]);
});

test.each<[string, EndState[], EndState, string]>([
  [
    'a finding of one world',
    [state(), state()],
    state({ illegal: ['order: x'] }),
    "only real Kafka shows 'order: x'",
  ],
  [
    'a finding that the simulated world always has',
    [state({ illegal: ['order: x'] }), state({ illegal: ['order: x', 'other: y'] })],
    state(),
    "only the simulated world shows 'order: x', and always",
  ],
  ['no verdict', [state()], state({ outcome: 'unknown' }), 'real Kafka gave no verdict'],
  [
    'another committed offset',
    [state(), state({ uncommitted: new Map([['billing orders-0', 'none']]) })],
    state({ uncommitted: new Map([['billing orders-0', '3']]) }),
    'billing orders-0: real Kafka ends with 3 records uncommitted, the simulated world with 0 records uncommitted or nothing committed',
  ],
  [
    'a record that is missing',
    [state()],
    state({ held: all.slice(1) }),
    'orders: 1 records are in the logs another number of times (p-0)',
  ],
  [
    'an action skipped in one world',
    [state()],
    state({ skipped: new Map([[3, 'GROUP_ID_NOT_FOUND']]) }),
    'only real Kafka skipped action 3: GROUP_ID_NOT_FOUND',
  ],
])('%s is a disagreement', (_, simulated, real, sentence) => {
  expect(compareEndStates(scenario, simulated, real).disagreements).toContain(sentence);
});

test('only the records that a fault can hit may differ', () => {
  const crash = withActions({ kind: 'crash-producer', atMs: 3_000, producer: 'p' });
  const real = state({ held: all.slice(0, 4) });
  expect(compareEndStates(crash, [state({ held: all.slice(0, 3) })], real).disagreements).toEqual([]);
  expect(compareEndStates(crash, [state({ held: all.slice(1, 4) })], real).disagreements).toHaveLength(1);
  const brokerFault = withActions({ kind: 'pause-broker', atMs: 3_500, durationMs: 500, broker: 1 });
  expect(compareEndStates(brokerFault, [state()], state({ held: all.slice(0, 2) })).disagreements).toEqual(
    [],
  );
  expect(compareEndStates(brokerFault, [state()], state({ held: all.slice(1) })).disagreements).toHaveLength(
    1,
  );
});

test('a broken link makes the records of its own producer uncertain, from then on', () => {
  const cut = (process: string) =>
    withActions({
      kind: 'cut-link',
      atMs: 3_500,
      durationMs: 500,
      link: { process, broker: null },
      direction: 'both',
    });
  const late = state({ held: all.slice(0, 2) });
  expect(compareEndStates(cut('p'), [state()], late).disagreements).toEqual([]);
  expect(compareEndStates(cut('another'), [state()], late).disagreements).toHaveLength(1);
  expect(compareEndStates(cut('p'), [state()], state({ held: all.slice(1) })).disagreements).toHaveLength(1);
});

test('records of a topic from which records are deleted are left out', () => {
  const deletion = withActions({
    kind: 'delete-records',
    atMs: 3_000,
    topic: 'orders',
    partition: 0,
    percent: 50,
  });
  expect(compareEndStates(deletion, [state()], state({ held: [] })).disagreements).toEqual([]);
});

describe('a group that a known bug of the client stopped for good', () => {
  const key = 'billing orders-0';
  const stoppedAt = (left: string, bug = 'kafkajs-1712', changes: Partial<EndState> = {}): EndState =>
    state({
      outcome: 'invalid',
      uncommitted: new Map([[key, left]]),
      stopped: new Map([[key, bug]]),
      ...changes,
    });
  const disagreements = (simulated: EndState[], real: EndState): readonly string[] =>
    compareEndStates(scenario, simulated, real).disagreements;

  it('may have got to any record between those that simulated runs stopped at', () => {
    expect(disagreements([state(), stoppedAt('4'), stoppedAt('1')], stoppedAt('3'))).toEqual([]);
    // Between where one stopped and where another one, that the bug did not strike, went on to.
    expect(disagreements([state(), stoppedAt('4')], stoppedAt('3'))).toEqual([]);
    expect(compareEndStates(scenario, [stoppedAt('4')], stoppedAt('3')).equal).toBe(false);
  });

  it.each<[string, EndState[], EndState]>([
    ['stopped further than all simulated runs', [stoppedAt('4'), stoppedAt('3')], stoppedAt('2')],
    ['stopped before all simulated runs', [stoppedAt('2'), stoppedAt('1')], stoppedAt('3')],
    ['stopped in the real run alone', [state(), state()], stoppedAt('3')],
    [
      'stopped in the simulated runs alone',
      [stoppedAt('4'), stoppedAt('1')],
      state({ uncommitted: new Map([[key, '3']]) }),
    ],
    ['was stopped by another bug', [stoppedAt('4', 'other'), stoppedAt('1', 'other')], stoppedAt('3')],
    [
      'was stopped with another verdict',
      [stoppedAt('4', undefined, { outcome: 'valid' }), stoppedAt('1', undefined, { outcome: 'valid' })],
      stoppedAt('3'),
    ],
    [
      'has committed nothing in the real run',
      [stoppedAt('4'), stoppedAt('1')],
      stoppedAt('none', undefined, { stopped: new Map() }),
    ],
  ])('disagrees where it %s', (_, simulated, real) => {
    expect(disagreements(simulated, real)).toHaveLength(1);
  });

  it('lets another group of the same run pass with nothing', () => {
    const other = (left: string): Partial<EndState> => ({
      uncommitted: new Map([
        [key, '3'],
        ['audit orders-0', left],
      ]),
    });
    const simulated = [stoppedAt('4', undefined, other('0')), stoppedAt('1', undefined, other('0'))];
    expect(disagreements(simulated, stoppedAt('3', undefined, other('1')))).toHaveLength(1);
  });
});
