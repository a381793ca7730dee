/**
 * A made-up run for the renderers' tests and screenshots: nothing enters but a few wishes, a history with everything
 * that a picture has to show leaves, with its verdict: a crash and a takeover, a stall with a zombie, a broker restart,
 * an overlap, two groups, three topics.
 */
import assert from 'node:assert/strict';
import type {
  Assignment,
  GroupMember,
  History,
  HistoryEvent,
  UnplacedEvent,
} from '../../harness/history/schema.ts';
import { HistoryRecorder } from '../../harness/history/writer.ts';
import type { JudgedAnomaly, LedgerEntry, Verdict } from '../../properties/property.ts';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import { type JudgedScenario, type RunResult, RunResultBuilder } from '../results.ts';
import type { LoadedScenario } from '../run-directory.ts';

export interface Wishes {
  /** Milliseconds between two records of a partition: fewer make a longer history. */
  readonly recordIntervalMs?: number;
  /** Replaces the topic name `orders` everywhere but in the scenario, which allows only tame names. */
  readonly hostileTopic?: string;
  /** An error text from outside. */
  readonly hostileError?: string;
  readonly name?: string;
}

const BROKEN_FROM_MS = 30_500;

export function syntheticScenario(name = 'crash, takeover and a zombie'): Scenario {
  const group = (id: string, topics: string[], members: string[]) => ({
    id,
    topics,
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 6_000,
    heartbeatIntervalMs: 500,
    autoOffsetReset: 'earliest',
    consumeMode: 'each-batch',
    commitMode: { kind: 'per-batch' },
    commitOrder: 'process-then-commit',
    handler: { timeMs: { min: 5, max: 20 }, failuresPerThousand: 0, failuresPerRecord: 1 },
    members: members.map((id) => ({ id })),
  });
  const producer = (id: string, topics: string[]) => ({
    id,
    topics,
    acks: 'all',
    idempotent: true,
    keys: 8,
    records: 500,
    recordsPerSend: 5,
    valueBytes: 64,
    startMs: 100,
    stopMs: 31_000,
  });
  return parseScenario(
    {
      version: 1,
      name,
      seed: 77,
      topology: {
        brokers: 3,
        topics: [
          { name: 'orders', partitions: 4, replicationFactor: 3 },
          { name: 'payments', partitions: 2, replicationFactor: 3 },
          { name: 'audit', partitions: 2, replicationFactor: 3 },
        ],
      },
      producers: [producer('p1', ['orders', 'payments']), producer('p2', ['audit'])],
      groups: [
        group('billing', ['orders', 'payments'], ['m1', 'm2', 'm3']),
        group('archive', ['audit'], ['a1', 'a2', 'a3']),
      ],
      actions: [
        { kind: 'join', atMs: 150, member: 'm1' },
        { kind: 'join', atMs: 200, member: 'm2' },
        { kind: 'join', atMs: 400, member: 'a1' },
        { kind: 'join', atMs: 450, member: 'a2' },
        { kind: 'join', atMs: 500, member: 'a3' },
        { kind: 'join', atMs: 3_000, member: 'm3' },
        { kind: 'crash', atMs: 8_000, member: 'm2' },
        { kind: 'restart-broker', atMs: 11_000, durationMs: 3_000, broker: 2 },
        { kind: 'join', atMs: 16_000, member: 'm2' },
        { kind: 'leave', atMs: 18_000, member: 'a2' },
        { kind: 'stall', atMs: 20_000, durationMs: 9_000, member: 'm3' },
        { kind: 'delete-records', atMs: 24_000, topic: 'audit', partition: 1, percent: 50 },
        { kind: 'crash-producer', atMs: 25_000, producer: 'p2' },
        { kind: 'terminate', atMs: 33_000, member: 'a1' },
      ],
      settling: { boundMs: 10_000 },
    },
    'the synthetic scenario',
  );
}

/** Who may consume a partition, from when to when, and how that ends. */
interface Stretch {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly process: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Nothing is committed in the last part of the stretch, so that its records come again. */
  readonly uncommittedMs?: number;
  /** What the coordinator answers to its commits. */
  readonly refused?: string;
}

const assigned = (...pairs: [topic: string, ...partitions: number[]][]): Assignment =>
  pairs.map(([topic, ...partitions]) => ({ topic, partitions }));

const member = (clientId: string, subscription: string[], assignment: Assignment): GroupMember => ({
  memberId: `${clientId}-0f3a`,
  clientId,
  groupInstanceId: null,
  subscription,
  assignment,
});

export function syntheticHistory(wishes: Wishes = {}): {
  history: History;
  verdict: Verdict;
  scenario: Scenario;
} {
  const scenario = syntheticScenario(wishes.name);
  const orders = wishes.hostileTopic ?? 'orders';
  const recorder = new HistoryRecorder();
  const emit = (time: number, process: string, event: object): void =>
    recorder.record({ time, process, ...event } as UnplacedEvent);

  emit(0, 'harness', {
    kind: 'start',
    schema: 1,
    scenario,
    world: 'kafka',
    client: { name: 'kafkajs', version: '2.2.4' },
    mutant: null,
    versions: { kafka: '4.3.1', node: 'v20.20.2', 'kafka-trial': '0.1.0' },
  });

  const processes: [number, string, string, string | null, number, number | null, string | null][] = [
    // started, process, id, group, incarnation, ended, signal
    [150, 'm1.1', 'm1', 'billing', 1, 41_000, null],
    [200, 'm2.1', 'm2', 'billing', 1, 8_003, 'SIGKILL'],
    [3_010, 'm3.1', 'm3', 'billing', 1, 41_010, null],
    [16_020, 'm2.2', 'm2', 'billing', 2, 41_020, null],
    [400, 'a1.1', 'a1', 'archive', 1, 33_400, 'SIGTERM'],
    [450, 'a2.1', 'a2', 'archive', 1, 18_300, null],
    [500, 'a3.1', 'a3', 'archive', 1, 41_030, null],
    [90, 'p1.1', 'p1', null, 1, 31_200, null],
    [95, 'p2.1', 'p2', null, 1, 25_002, 'SIGKILL'],
  ];
  for (const [started, process, id, group, incarnation, ended, signal] of processes) {
    const role = group === null ? 'producer' : 'member';
    emit(started, process, { kind: 'process-start', role, id, group, incarnation });
    if (ended !== null)
      emit(ended, process, { kind: 'process-exit', code: signal === null ? 0 : null, signal });
  }
  for (const [index, action] of scenario.actions.entries()) {
    const common = { kind: 'action', action: index, actionKind: action.kind };
    const skipped = action.kind === 'delete-records';
    emit(action.atMs, 'harness', {
      ...common,
      phase: 'begin',
      outcome: skipped ? 'skipped' : 'applied',
      reason: skipped ? (wishes.hostileError ?? 'the partition log was empty') : null,
    });
    if ('durationMs' in action)
      emit(action.atMs + action.durationMs, 'harness', {
        ...common,
        phase: 'end',
        outcome: 'applied',
        reason: null,
      });
  }

  const both = [orders, 'payments'];
  let logOffset = 0;
  const generation = (
    time: number,
    group: string,
    number: number,
    members: GroupMember[],
    process = 'coordinator',
  ): void => {
    emit(time, process, {
      kind: 'group-generation',
      group,
      generation: number,
      state: members.length === 0 ? 'empty' : 'stable',
      protocol: members.length === 0 ? null : 'RoundRobinAssigner',
      leaderMemberId: members[0]?.memberId ?? null,
      members,
      logPosition: { partition: group === 'billing' ? 12 : 30, offset: String(100 + logOffset++) },
    });
    for (const one of members) {
      const joined = { group, memberId: one.memberId, generation: number };
      const leaderMemberId = members[0]?.memberId ?? '';
      emit(time - 30, one.clientId, { kind: 'wire-join', ...joined, leaderMemberId, error: null });
      emit(time + 4, one.clientId, { kind: 'wire-sync', ...joined, assignment: one.assignment, error: null });
      emit(time + 6, one.clientId, {
        kind: 'client-joined',
        group,
        memberId: one.memberId,
        leader: one.memberId === leaderMemberId,
        protocol: 'RoundRobinAssigner',
        assignment: one.assignment,
      });
    }
  };
  const rebalancing = (time: number, group: string, ...names: string[]): void => {
    for (const name of names) {
      const memberId = `${name}-0f3a`;
      emit(time, name, {
        kind: 'wire-heartbeat',
        group,
        memberId,
        generation: 0,
        error: 'REBALANCE_IN_PROGRESS',
      });
      emit(time + 2, name, { kind: 'client-rebalancing', group, memberId });
    }
  };
  const billing = (clientId: string, ...pairs: [string, ...number[]][]) =>
    member(clientId, both, assigned(...pairs));
  const archive = (clientId: string, ...pairs: [string, ...number[]][]) =>
    member(clientId, ['audit'], assigned(...pairs));

  generation(1_000, 'billing', 1, [
    billing('m1.1', [orders, 0, 2], ['payments', 0]),
    billing('m2.1', [orders, 1, 3], ['payments', 1]),
  ]);
  rebalancing(3_400, 'billing', 'm1.1', 'm2.1');
  generation(3_900, 'billing', 2, [
    billing('m1.1', [orders, 0, 3]),
    billing('m2.1', [orders, 1], ['payments', 0]),
    billing('m3.1', [orders, 2], ['payments', 1]),
  ]);
  rebalancing(14_010, 'billing', 'm1.1', 'm3.1');
  generation(14_400, 'billing', 3, [
    billing('m1.1', [orders, 0, 2], ['payments', 0]),
    billing('m3.1', [orders, 1, 3], ['payments', 1]),
  ]);
  rebalancing(16_600, 'billing', 'm1.1', 'm3.1');
  generation(17_100, 'billing', 4, [
    billing('m1.1', [orders, 0, 3]),
    billing('m2.2', [orders, 1], ['payments', 0]),
    billing('m3.1', [orders, 2], ['payments', 1]),
  ]);
  rebalancing(26_010, 'billing', 'm1.1', 'm2.2');
  generation(26_500, 'billing', 5, [
    billing('m1.1', [orders, 0, 2], ['payments', 0]),
    billing('m2.2', [orders, 1, 3], ['payments', 1]),
  ]);
  rebalancing(29_900, 'billing', 'm1.1', 'm2.2');
  generation(BROKEN_FROM_MS, 'billing', 6, [
    billing('m1.1', [orders, 0, 3]),
    // Broken on purpose: orders-0 has two owners in this generation.
    billing('m2.2', [orders, 0, 1], ['payments', 0]),
    billing('m3.1', [orders, 2], ['payments', 1]),
  ]);
  generation(1_200, 'archive', 1, [
    archive('a1.1', ['audit', 0]),
    archive('a2.1', ['audit', 1]),
    archive('a3.1'),
  ]);
  rebalancing(18_200, 'archive', 'a1.1', 'a3.1');
  generation(18_700, 'archive', 2, [archive('a1.1', ['audit', 0]), archive('a3.1', ['audit', 1])]);
  rebalancing(33_350, 'archive', 'a3.1');
  generation(33_900, 'archive', 3, [archive('a3.1', ['audit', 0, 1])]);
  emit(18_250, 'a2.1', { kind: 'wire-leave', group: 'archive', memberIds: ['a2.1-0f3a'] });
  emit(29_020, 'm3.1', {
    kind: 'wire-heartbeat',
    group: 'billing',
    memberId: 'm3.1-0f3a',
    generation: 4,
    error: wishes.hostileError ?? 'UNKNOWN_MEMBER_ID',
  });
  emit(29_300, 'm3.1', {
    kind: 'client-crashed',
    group: 'billing',
    error: wishes.hostileError ?? 'KafkaJSNonRetriableError: The coordinator is not aware of this member',
    restart: true,
  });

  const stretch = (
    process: string,
    fromMs: number,
    toMs: number,
    pairs: [string, ...number[]][],
    more: Partial<Stretch> = {},
  ): Stretch[] =>
    pairs.flatMap(([topic, ...partitions]) =>
      partitions.map((partition) => ({
        group: process.startsWith('a') ? 'archive' : 'billing',
        topic,
        partition,
        process,
        fromMs,
        toMs,
        ...more,
      })),
    );
  consume(recorder, wishes.recordIntervalMs ?? 400, [
    ...stretch('m1.1', 1_010, 3_400, [
      [orders, 0, 2],
      ['payments', 0],
    ]),
    ...stretch('m2.1', 1_010, 3_400, [
      [orders, 1, 3],
      ['payments', 1],
    ]),
    ...stretch('m1.1', 3_910, 14_000, [[orders, 0, 3]]),
    ...stretch(
      'm2.1',
      3_910,
      8_000,
      [
        [orders, 1],
        ['payments', 0],
      ],
      { uncommittedMs: 1_200 },
    ),
    ...stretch('m3.1', 3_910, 14_000, [
      [orders, 2],
      ['payments', 1],
    ]),
    ...stretch('m1.1', 14_410, 16_600, [
      [orders, 0, 2],
      ['payments', 0],
    ]),
    ...stretch('m3.1', 14_410, 16_600, [
      [orders, 1, 3],
      ['payments', 1],
    ]),
    ...stretch('m1.1', 17_110, 26_000, [[orders, 0, 3]]),
    ...stretch('m2.2', 17_110, 26_000, [
      [orders, 1],
      ['payments', 0],
    ]),
    ...stretch(
      'm3.1',
      17_110,
      20_000,
      [
        [orders, 2],
        ['payments', 1],
      ],
      { uncommittedMs: 600 },
    ),
    // The zombie goes on with what it had fetched before it was stopped.
    ...stretch(
      'm3.1',
      29_030,
      29_300,
      [
        [orders, 2],
        ['payments', 1],
      ],
      { refused: 'ILLEGAL_GENERATION' },
    ),
    ...stretch('m1.1', 26_510, 29_900, [
      [orders, 0, 2],
      ['payments', 0],
    ]),
    ...stretch('m2.2', 26_510, 29_900, [
      [orders, 1, 3],
      ['payments', 1],
    ]),
    ...stretch('m1.1', BROKEN_FROM_MS + 10, 38_000, [[orders, 0, 3]]),
    ...stretch('m2.2', BROKEN_FROM_MS + 10, 38_000, [
      [orders, 0, 1],
      ['payments', 0],
    ]),
    ...stretch('m3.1', BROKEN_FROM_MS + 10, 38_000, [
      [orders, 2],
      ['payments', 1],
    ]),
    ...stretch('a1.1', 1_210, 18_200, [['audit', 0]]),
    ...stretch('a2.1', 1_210, 18_100, [['audit', 1]]),
    ...stretch('a1.1', 18_710, 33_300, [['audit', 0]]),
    ...stretch('a3.1', 18_710, 33_350, [['audit', 1]]),
    ...stretch('a3.1', 33_910, 38_000, [['audit', 0, 1]]),
  ]);
  emit(34_000, 'harness', { kind: 'heal' });
  emit(40_000, 'harness', { kind: 'settled', undrained: [] });
  emit(41_500, 'harness', { kind: 'finish', incomplete: [] });
  const history = recorder.finishHistory();
  return { history, verdict: verdictOf(history, orders), scenario };
}

/** Deliveries, processing and commits of each stretch, each partition resuming at what was committed. */
function consume(recorder: HistoryRecorder, recordIntervalMs: number, stretches: Stretch[]): void {
  const committed = new Map<string, number>();
  const commits = new Map<string, number>();
  const recordsPerBatch = 4;
  for (const one of stretches) {
    const { group, topic, partition, process } = one;
    const key = `${group} ${topic} ${partition}`;
    const emit = (time: number, who: string, event: object): void =>
      recorder.record({ time, process: who, group, ...event } as UnplacedEvent);
    let position = committed.get(key) ?? 0;
    // Behind after a gap, a member works faster until it has caught up.
    let time = one.fromMs + 20 * partition;
    while (time < one.toMs) {
      const behind = time > (position + recordsPerBatch) * recordIntervalMs;
      const stepMs = (behind ? 0.25 : 1) * recordIntervalMs;
      if (time + stepMs * recordsPerBatch > one.toMs && one.refused === undefined) break;
      const offsets = Array.from({ length: recordsPerBatch }, (_, index) => String(position + index));
      emit(time, process, { kind: 'delivery', topic, partition, offsets });
      for (const [index, offset] of offsets.entries()) {
        const begunMs = time + 2 + index * stepMs;
        const record = `p1-${offset}`;
        emit(begunMs, process, { kind: 'processing-begin', topic, partition, offset, record });
        emit(begunMs + stepMs / 2, process, {
          kind: 'processing-end',
          topic,
          partition,
          offset,
          outcome: 'ok',
        });
      }
      position += recordsPerBatch;
      time += stepMs * recordsPerBatch;
      if (time > one.toMs - (one.uncommittedMs ?? 0) && one.refused === undefined) continue;
      const commit = commits.get(process) ?? 0;
      commits.set(process, commit + 1);
      const offset = String(position);
      emit(time, process, {
        kind: 'commit-invoke',
        commit,
        memberId: `${process}-0f3a`,
        generation: 1,
        offsets: [{ topic, partition, offset }],
      });
      if (one.refused !== undefined) {
        emit(time + 3, process, {
          kind: 'commit-fail',
          commit,
          errors: [{ topic, partition, error: one.refused }],
        });
        continue;
      }
      // Stretches are not in order of time, but a log is.
      const logPosition = {
        partition: group === 'billing' ? 13 : 31,
        offset: String(Math.round(time * 1_000)),
      };
      emit(time + 1, 'coordinator', {
        kind: 'commit-accepted',
        topic,
        partition,
        offset,
        metadata: '',
        logPosition,
      });
      emit(time + 3, process, { kind: 'commit-ok', commit });
      committed.set(key, position);
    }
  }
}

function verdictOf(history: History, orders: string): Verdict {
  const seqs = (test: (event: HistoryEvent) => boolean): number[] =>
    history.events.filter(test).map((event) => event.seq);
  const firstDelivery = (process: string, topic: string, partition: number, afterMs: number): number => {
    const [found] = seqs(
      (event) =>
        event.kind === 'delivery' &&
        event.process === process &&
        event.topic === topic &&
        event.partition === partition &&
        event.time > afterMs,
    );
    assert(found !== undefined);
    return found;
  };
  const anomalies: JudgedAnomaly[] = [
    {
      property: 'exclusive-assignment',
      policy: 'illegal',
      message: `generation 6 of billing assigns ${orders}-0 to m1.1 and to m2.2`,
      signature: 'partition with two owners in one generation',
      subject: { group: 'billing', topic: orders, partition: 0 },
      events: seqs(
        (event) => event.kind === 'group-generation' && event.group === 'billing' && event.generation === 6,
      ),
    },
    {
      property: 'exclusive-processing',
      policy: 'observed',
      message: `m3.1 processed ${orders}-2 at 29.03 s, after generation 5 had given it to m1.1`,
      signature: 'zombie processed after it lost the partition',
      subject: { group: 'billing', topic: orders, partition: 2, process: 'm3.1' },
      events: [
        ...seqs(
          (event) => event.kind === 'group-generation' && event.group === 'billing' && event.generation === 5,
        ),
        ...seqs((event) => event.kind === 'action' && event.actionKind === 'stall' && event.phase === 'end'),
        firstDelivery('m3.1', orders, 2, 29_000),
      ],
    },
    {
      property: 'duplicate-bound',
      policy: 'illegal',
      message: `8 records of ${orders}-1 came again after m2.1 was killed, at most 3 were allowed to`,
      signature: 'replayed more than was uncommitted',
      subject: { group: 'billing', topic: orders, partition: 1, process: 'm3.1' },
      events: [
        ...seqs(
          (event) => event.kind === 'process-exit' && event.signal === 'SIGKILL' && event.process === 'm2.1',
        ),
        ...seqs(
          (event) => event.kind === 'group-generation' && event.group === 'billing' && event.generation === 3,
        ),
        firstDelivery('m3.1', orders, 1, 14_000),
      ],
    },
  ];
  const entry = (
    cause: LedgerEntry['cause'],
    partition: number,
    fromProcess: string | null,
    toProcess: string,
    time: number,
    replayed: number,
  ): LedgerEntry => ({
    group: 'billing',
    topic: orders,
    partition,
    cause,
    fromProcess,
    toProcess,
    time: history.events[firstDelivery(toProcess, orders, partition, time)]?.time ?? time,
    committedOffset: cause === 'first' ? null : '12',
    resumedOffset: cause === 'first' ? '0' : '12',
    mustReplay: Math.min(replayed, 3),
    mayReplay: Math.min(replayed, 3),
    replayed,
    event: firstDelivery(toProcess, orders, partition, time),
  });
  return {
    outcome: 'invalid',
    anomalies: anomalies.map((anomaly) => ({ ...anomaly, events: anomaly.events.toSorted((a, b) => a - b) })),
    unknown: [],
    properties: [
      { id: 'exclusive-assignment', anomalies: 1, illegal: 1 },
      { id: 'exclusive-processing', anomalies: 1, illegal: 0 },
      { id: 'duplicate-bound', anomalies: 1, illegal: 1 },
      { id: 'no-lost-commit', anomalies: 0, illegal: 0 },
      { id: 'at-least-once', anomalies: 0, illegal: 0 },
    ],
    ledger: [
      entry('first', 0, null, 'm1.1', 1_000, 0),
      entry('first', 1, null, 'm2.1', 1_000, 0),
      entry('rebalance', 2, 'm1.1', 'm3.1', 3_900, 1),
      entry('crash', 1, 'm2.1', 'm3.1', 14_400, 8),
      entry('stall', 2, 'm3.1', 'm1.1', 26_500, 3),
    ],
  };
}

const catalogue = [
  { id: 'exclusive-assignment', title: 'A partition has one owner' },
  { id: 'exclusive-processing', title: 'A partition is processed by one member at a time' },
  { id: 'duplicate-bound', title: 'A crash replays what was uncommitted and no more' },
  { id: 'no-lost-commit', title: 'A new owner resumes from the acknowledged commit' },
  { id: 'at-least-once', title: 'Every acknowledged record is processed' },
];

/** A result of three scenarios: one invalid, one valid, one unknown; and what was kept of them. */
export function syntheticRun(wishes: Wishes = {}): { result: RunResult; scenarios: JudgedScenario[] } {
  const broken = syntheticHistory(wishes);
  const fine = syntheticHistory({ recordIntervalMs: 800, name: 'the same without a mistake' });
  const failed = syntheticScenario('broker that never came back');
  const properties = fine.verdict.properties.map(({ id }) => ({ id, anomalies: 0, illegal: 0 }));
  const ledger = fine.verdict.ledger.map((entry) => ({ ...entry, replayed: Math.min(entry.replayed, 2) }));
  const nothing: Verdict = {
    outcome: 'unknown',
    anomalies: [],
    unknown: [wishes.hostileError ?? 'broker 2 did not start again within 60 s'],
    properties: [],
    ledger: [],
  };
  const keptAt = (name: string) => ({
    directory: `reports/out/run/scenarios/${name}`,
    scenarioFile: `reports/out/run/scenarios/${name}/scenario.json`,
    historyFile: `reports/out/run/scenarios/${name}/history.jsonl`,
  });
  const scenarios: JudgedScenario[] = [
    { index: 0, ...broken, wallSeconds: 21.5, kept: keptAt('0000-crash-takeover-and-a-zombie') },
    {
      index: 1,
      ...fine,
      verdict: { outcome: 'valid', anomalies: [], unknown: [], properties, ledger },
      wallSeconds: 20.25,
      kept: keptAt('0001-the-same-without-a-mistake'),
    },
    {
      index: 2,
      scenario: failed,
      history: null,
      verdict: nothing,
      wallSeconds: 64,
      kept: { ...keptAt('0002-broker-that-never-came-back'), historyFile: null },
    },
  ];
  const builder = new RunResultBuilder(
    {
      command: 'run',
      seed: 42,
      world: 'kafka',
      client: { name: 'kafkajs', version: '2.2.4' },
      mutant: null,
      versions: {
        node: 'v20.20.2',
        'kafka-trial': '0.1.0',
        commit: '0a1b2c3d4e5f with uncommitted changes',
        kafka: '4.3.1',
      },
      startedAt: '2025-11-03T14:05:09.000Z',
      options: { runs: 3, world: 'kafka' },
      runDirectory: 'reports/out/run',
    },
    catalogue,
  );
  for (const scenario of scenarios) builder.add(scenario);
  const result = builder.build({
    virtualSeconds: 83,
    cpuSeconds: 14.2,
    wallSeconds: 112.4,
    goals: {
      'zombie commit after resume': 1,
      'commit rejected with ILLEGAL_GENERATION': 2,
      'offset out of range': 0,
    },
    interrupted: false,
    reportFile: 'reports/out/run/report.html',
  });
  return { result, scenarios };
}

/** What was kept, as if it had been read back. */
export const loadedOf = (scenarios: readonly JudgedScenario[]): LoadedScenario[] =>
  scenarios.map(({ index, scenario, history, verdict, kept }) => ({
    directory: kept?.directory ?? '',
    index,
    scenario,
    history,
    verdict,
    trace: null,
    shrunk: null,
  }));
