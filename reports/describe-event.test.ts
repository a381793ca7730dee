/** Every kind of event and action has its sentence. */
import { describe, expect, test } from 'vitest';
import { type HistoryEvent, historyEventSchema } from '../harness/history/schema.ts';
import { scenarioSchema } from '../scenarios/schema.ts';
import { count, describeAction, describeEvent, formatDuration, formatOffsets } from './describe-event.ts';
import { syntheticScenario } from './testing/synthetic.ts';

const scenario = syntheticScenario();
const logPosition = { partition: 12, offset: '7' };
const at = { topic: 'orders', partition: 0 };
const group = { group: 'g1' };
const generation = { ...group, memberId: 'm1.1-a', generation: 3 };
const assignment = [
  { topic: 'orders', partitions: [0, 1] },
  { topic: 'payments', partitions: [2] },
];
const groupMember = {
  memberId: 'm1.1-a',
  clientId: 'm1.1',
  groupInstanceId: null,
  subscription: ['orders'],
  assignment,
};

type Unplaced = HistoryEvent extends infer E
  ? E extends HistoryEvent
    ? Omit<E, 'time' | 'seq' | 'process'>
    : never
  : never;

const sentences: [Unplaced, string][] = [
  [
    {
      kind: 'start',
      schema: 1,
      scenario,
      world: 'kafka',
      client: { name: 'kafkajs', version: '2.2.4' },
      mutant: null,
      versions: {},
    },
    'the run began: kafkajs 2.2.4 in the kafka world',
  ],
  [
    {
      kind: 'start',
      schema: 1,
      scenario,
      world: 'simulated',
      client: { name: 'x', version: '1' },
      mutant: 'skips',
      versions: {},
    },
    'the run began: x 1, broken on purpose (skips), in the simulated world',
  ],
  [{ kind: 'finish', incomplete: [] }, 'the run ended'],
  [{ kind: 'finish', incomplete: ['no log'] }, 'the run ended, with evidence missing: no log'],
  [
    { kind: 'process-start', role: 'member', id: 'm1', ...group, incarnation: 1 },
    'm1 started as m1.1 in group g1',
  ],
  [
    { kind: 'process-start', role: 'producer', id: 'p1', group: null, incarnation: 2 },
    'producer p1 started again as m1.1',
  ],
  [{ kind: 'process-frozen' }, 'm1.1 began to compute without end, and heard nothing any more'],
  [{ kind: 'process-exit', code: null, signal: 'SIGKILL' }, 'm1.1 was killed (SIGKILL)'],
  [{ kind: 'process-exit', code: null, signal: 'SIGTERM' }, 'm1.1 was ended by SIGTERM'],
  [{ kind: 'process-exit', code: 0, signal: null }, 'm1.1 ended by itself'],
  [{ kind: 'process-exit', code: 3, signal: null }, 'm1.1 ended with exit code 3'],
  [
    { kind: 'action', action: 6, actionKind: 'crash', phase: 'begin', outcome: 'applied', reason: null },
    'fault or action: crash of m2',
  ],
  [
    { kind: 'action', action: 10, actionKind: 'stall', phase: 'end', outcome: 'applied', reason: null },
    'over: stall of m3 for 9 s',
  ],
  [
    {
      kind: 'action',
      action: 11,
      actionKind: 'delete-records',
      phase: 'begin',
      outcome: 'applied',
      reason: null,
      detail: { beforeOffset: '12' },
    },
    'fault or action: deletion of 50 % of audit-1 (beforeOffset 12)',
  ],
  [
    {
      kind: 'action',
      action: 6,
      actionKind: 'crash',
      phase: 'begin',
      outcome: 'skipped',
      reason: 'not running',
    },
    'skipped: crash of m2: not running',
  ],
  [
    { kind: 'action', action: 99, actionKind: 'meteor', phase: 'begin', outcome: 'applied', reason: null },
    'fault or action: meteor',
  ],
  [
    {
      kind: 'application-call',
      ...group,
      action: 1,
      call: 'seek',
      topic: 'orders',
      partitions: [2],
      offset: '-2',
    },
    'the application in m1.1 called seek for orders-2: the beginning',
  ],
  [
    {
      kind: 'application-call-end',
      ...group,
      action: 1,
      call: 'stop',
      outcome: 'skipped',
      reason: 'it is not running',
    },
    'the call of stop in m1.1 was not done: it is not running',
  ],
  [
    {
      kind: 'application-call-end',
      ...group,
      action: 1,
      call: 'committed',
      outcome: 'applied',
      reason: null,
      answer: null,
    },
    'the call of committed in m1.1 was done, and answered that there is none',
  ],
  [{ kind: 'core', deadMembers: ['m2'], deadBrokers: [3] }, 'killed for good: m2, broker 3'],
  [{ kind: 'heal' }, 'all faults were over and all producers done: from here on the groups had to converge'],
  [{ kind: 'settled', undrained: [] }, 'settling ended, everything drained'],
  [{ kind: 'settled', undrained: ['a', 'b'] }, 'settling ended, not drained: a, b'],
  [
    { kind: 'client-assigned', ...group, assignment },
    'm1.1 assigned itself orders-0, orders-1, payments-2, in the name of g1',
  ],
  [
    { kind: 'client-joined', ...group, memberId: 'm1.1-a', leader: true, protocol: 'x', assignment },
    'm1.1 said that it joined g1 as group leader with orders-0, orders-1, payments-2',
  ],
  [{ kind: 'client-rebalancing', ...group, memberId: 'm1.1-a' }, 'm1.1 said that g1 was rebalancing'],
  [
    { kind: 'client-crashed', ...group, error: 'boom', restart: true },
    'm1.1 said that its consumer crashed and would restart: boom',
  ],
  [{ kind: 'client-stopped', ...group }, 'm1.1 said that its consumer stopped'],
  [{ kind: 'application-error', call: 'connect', error: 'refused' }, 'connect failed in m1.1: refused'],
  [{ kind: 'delivery', ...group, ...at, offsets: ['3'] }, 'm1.1 was given offset 3 of orders-0'],
  [
    { kind: 'processing-begin', ...group, ...at, offset: '3', record: 'p1-9' },
    'm1.1 began to process offset 3 of orders-0 (p1-9)',
  ],
  [
    { kind: 'processing-end', ...group, ...at, offset: '3', outcome: 'ok' },
    'm1.1 finished offset 3 of orders-0',
  ],
  [
    { kind: 'processing-end', ...group, ...at, offset: '3', outcome: 'failed' },
    'the handler of m1.1 threw at offset 3 of orders-0',
  ],
  [
    { kind: 'application-commit', ...group, call: 0, awaited: true, offsets: [{ ...at, offset: '4' }] },
    'the application in m1.1 asked to commit offset 4 of orders-0',
  ],
  [
    { kind: 'application-commit-end', ...group, call: 0, outcome: 'unknown', error: 'timeout' },
    'the application in m1.1 was told that its commit may or may not have succeeded: timeout',
  ],
  [
    { kind: 'wire-join', ...generation, leaderMemberId: 'm1.1-a', error: null },
    'the coordinator let m1.1 join generation 3 of g1 as group leader',
  ],
  [
    { kind: 'wire-join', ...generation, leaderMemberId: '', error: 'FENCED_INSTANCE_ID' },
    'the coordinator refused the join of m1.1 to g1: FENCED_INSTANCE_ID',
  ],
  [
    { kind: 'wire-sync', ...generation, assignment: [], error: null },
    'the coordinator gave m1.1 nothing in generation 3 of g1',
  ],
  [
    { kind: 'wire-sync', ...generation, assignment: [], error: 'ILLEGAL_GENERATION' },
    'the coordinator refused the sync of m1.1 in generation 3 of g1: ILLEGAL_GENERATION',
  ],
  [
    { kind: 'wire-heartbeat', ...generation, error: 'UNKNOWN_MEMBER_ID' },
    'the coordinator answered a heartbeat of m1.1 in g1 with UNKNOWN_MEMBER_ID',
  ],
  [{ kind: 'wire-leave', ...group, memberIds: ['m1.1-a'] }, 'm1.1 told the coordinator that it leaves g1'],
  [
    { kind: 'wire-offset-fetch', ...group, offsets: [{ ...at, offset: null }], error: null },
    'm1.1 read its committed offsets: orders-0 none',
  ],
  [
    { kind: 'wire-list-offsets', ...at, at: 'earliest', offset: '0', error: null },
    'm1.1 asked for the earliest offset of orders-0: 0',
  ],
  [
    { kind: 'wire-fetch-error', ...at, offset: '9', error: 'OFFSET_OUT_OF_RANGE' },
    'm1.1 fetched orders-0 from offset 9 and got OFFSET_OUT_OF_RANGE',
  ],
  [{ kind: 'wire-read-replica', ...at, broker: 2 }, 'm1.1 was told to read orders-0 from broker 2'],
  [
    { kind: 'wire-throttle', api: 'Fetch', throttleTimeMs: 1_500 },
    'm1.1 was told by the answer to its Fetch to wait for 1.5 s',
  ],
  [
    { kind: 'commit-invoke', ...generation, commit: 1, offsets: [{ ...at, offset: '4' }] },
    'm1.1 sent a commit of offset 4 of orders-0 in generation 3',
  ],
  [{ kind: 'commit-ok', ...group, commit: 1 }, 'm1.1 was told that its commit 1 was accepted'],
  [
    { kind: 'commit-fail', ...group, commit: 1, errors: [{ ...at, error: 'ILLEGAL_GENERATION' }] },
    'the coordinator refused commit 1 of m1.1: orders-0 ILLEGAL_GENERATION',
  ],
  [
    { kind: 'commit-unknown', ...group, commit: 1, reason: 'connection closed' },
    'm1.1 will never know what became of its commit 1: connection closed',
  ],
  [
    {
      kind: 'produce-invoke',
      produce: 0,
      topic: 'orders',
      acks: 'all',
      records: ['a', 'b', 'c'].map((record) => ({ record, key: null })),
    },
    'm1.1 sent 3 records (a to c) to orders with acks all',
  ],
  [
    { kind: 'produce-ok', produce: 0, answers: [{ partition: 1, baseOffset: '5' }] },
    'm1.1 was told that its send 0 was written (partition 1 from offset 5)',
  ],
  [{ kind: 'produce-fail', produce: 0, error: 'X' }, 'the broker refused send 0 of m1.1: X'],
  [
    { kind: 'produce-unknown', produce: 0, error: 'X' },
    'm1.1 does not know whether its send 0 was written: X',
  ],
  [{ kind: 'transaction', transaction: 2, call: 'begin' }, 'm1.1 began transaction 2'],
  [
    { kind: 'transaction-end', transaction: 2, ending: 'abort', outcome: 'ok', error: null },
    'm1.1 has aborted transaction 2',
  ],
  [
    { kind: 'transaction-end', transaction: 2, ending: 'commit', outcome: 'failed', error: 'X' },
    'm1.1 was told that it could not commit transaction 2: X',
  ],
  [{ kind: 'producer-close', phase: 'begin', error: null }, 'm1.1 began to close'],
  [{ kind: 'producer-close', phase: 'end', error: 'X' }, 'm1.1 closed: X'],
  [
    {
      kind: 'group-generation',
      ...group,
      generation: 3,
      state: 'stable',
      protocol: 'x',
      leaderMemberId: 'm1.1-a',
      members: [groupMember],
      logPosition,
    },
    'generation 3 of g1 was stable: m1.1 with orders-0, orders-1, payments-2',
  ],
  [
    {
      kind: 'group-generation',
      ...group,
      generation: 4,
      state: 'empty',
      protocol: null,
      leaderMemberId: null,
      members: [],
      logPosition,
    },
    'g1 was empty in generation 4',
  ],
  [{ kind: 'group-removed', ...group, logPosition }, 'the coordinator forgot g1'],
  [
    { kind: 'commit-accepted', ...group, ...at, offset: '42', metadata: '', logPosition },
    'the coordinator accepted the commit of offset 42, the next to read, of orders-0 for group g1',
  ],
  [
    { kind: 'commit-removed', ...group, ...at, logPosition },
    'the coordinator dropped the committed offset of orders-0 for group g1',
  ],
  [
    {
      kind: 'commit-rejected',
      ...group,
      ...at,
      offset: '8',
      error: 'ILLEGAL_GENERATION',
      memberId: 'member-1',
      generation: 3,
    },
    'the coordinator of g1 refused to commit offset 8 of orders-0: ILLEGAL_GENERATION',
  ],
  [
    { kind: 'unclean-election', ...at, broker: 2 },
    'broker 2 was elected leader of orders-0 though it was behind',
  ],
  [
    {
      kind: 'error-answered',
      action: 3,
      api: 'Metadata',
      error: 'LEADER_NOT_AVAILABLE',
      broker: 2,
      client: 'm1.1',
    },
    'broker 2 answered m1.1 with LEADER_NOT_AVAILABLE to Metadata, as ordered',
  ],
  [
    { kind: 'fact-log', ...at, logStartOffset: '2', logEndOffset: '9', records: [] },
    'at the end orders-0 held offsets 2 up to, not including, 9',
  ],
  [
    { kind: 'fact-committed', ...group, ...at, offset: null },
    'at the end g1 had no committed offset for orders-0',
  ],
  [{ kind: 'fact-group', ...group, state: 'Empty', members: [] }, 'at the end g1 was Empty: no members'],
];

describe('describeEvent', () => {
  test.each(sentences.map(([event, sentence]) => [sentence, event] as const))('%s', (sentence, event) => {
    const placed = { time: 1, seq: 0, process: 'm1.1', ...event } as HistoryEvent;
    // The examples are real events.
    expect(historyEventSchema.safeParse(placed).error).toBeUndefined();
    expect(describeEvent(placed, scenario)).toBe(sentence);
  });

  test('every kind of the history schema is among the examples', () => {
    const kinds = historyEventSchema.options.map((option) => option.shape.kind.value);
    expect(kinds.filter((kind) => !sentences.some(([event]) => event.kind === kind))).toEqual([]);
  });

  test('long lists are counted, not listed', () => {
    const partitions = Array.from({ length: 20 }, (_, index) => index);
    const event = { time: 1, seq: 0, process: 'm1.1', kind: 'wire-sync', ...generation, error: null };
    expect(
      describeEvent({ ...event, assignment: [{ topic: 't', partitions }] } as HistoryEvent, scenario),
    ).toBe('the coordinator gave m1.1 t-0, t-1, t-2, t-3, t-4, t-5 and 14 more in generation 3 of g1');
  });
});

describe('describeAction', () => {
  test('has words for every kind of action', () => {
    const kinds = scenarioSchema.shape.actions.element.options.map((option) => option.shape.kind.value);
    const common = {
      atMs: 0,
      durationMs: 5_000,
      member: 'm',
      producer: 'p',
      broker: 1,
      topic: 't',
      partition: 0,
      partitions: 2,
      percent: 5,
      offset: -1,
      api: 'Fetch',
      error: 'NOT_LEADER_OR_FOLLOWER',
      times: 2,
      process: null,
      delayMs: 200,
      brokers: [1, 3],
      group: 'g',
      link: { process: 'm', broker: 2 },
      direction: 'to-broker',
      ending: 'half-open',
      quotas: { consumerBytesPerSecond: 100, requestPercent: 0.5 },
    };
    const words = kinds.map((kind) =>
      describeAction({
        ...common,
        ...(kind === 'pause-partitions' ? { partitions: [0, 2] } : {}),
        kind,
      } as Parameters<typeof describeAction>[0]),
    );
    expect(words).toEqual([
      'join of m',
      'leave of m',
      'SIGTERM to m',
      'crash of m',
      'second start of m',
      'stall of m for 5 s',
      'seek of m to the end of t-0',
      'm pausing t-0, 2 for 5 s',
      'stop of the consumer in m for 5 s',
      'commit by m outside its handler',
      'question of m for its position in t-0',
      'question of m for the committed offset of t-0',
      'crash of producer p',
      'crash of broker 1 for 5 s',
      'clean restart of broker 1, down for 5 s',
      'pause of broker 1 for 5 s',
      'cut between m and broker 2, to the broker only, for 5 s',
      'slow network between m and broker 2 for 5 s',
      'half-open connections between m and broker 2',
      'growth of t to 2 partitions',
      'deletion of 5 % of t-0',
      'compaction of t',
      'deletion of the offsets of g for t',
      'offset -1 set for g in t-0',
      'deletion of t, and its creation 5 s later',
      '2 Fetch requests of any process answered with NOT_LEADER_OR_FOLLOWER',
      'move of the leader of t-0',
      'move of the coordinator of g',
      'delay of 200 ms for each request to broker 1 for 5 s',
      'quota of 100 bytes/s to read and 0.5 % of a thread for every process for 5 s',
      'cut between brokers 1 and 3 for 5 s',
      'cut between broker 1 and the controller for 5 s',
    ]);
  });
});

test('numbers in words', () => {
  expect([count(1, 'anomaly', 'anomalies'), count(0, 'record'), count(2, 'anomaly', 'anomalies')]).toEqual([
    '1 anomaly',
    '0 records',
    '2 anomalies',
  ]);
  expect([formatDuration(250), formatDuration(1_500), formatDuration(9_000)]).toEqual([
    '250 ms',
    '1.5 s',
    '9 s',
  ]);
  expect(formatOffsets(['3', '4', '5'])).toBe('offsets 3 to 5 (3 records)');
});
