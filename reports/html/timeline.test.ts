/** Who owned what when, on small histories by hand and on the synthetic one. */
import { describe, expect, test } from 'vitest';
import type { GroupMember, History, UnplacedEvent } from '../../harness/history/schema.ts';
import { HistoryRecorder } from '../../harness/history/writer.ts';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import { syntheticHistory } from '../testing/synthetic.ts';
import { type GroupLanes, type OwnershipSpan, type Timeline, timelineOf } from './timeline.ts';

const scenario: Scenario = parseScenario(
  {
    version: 1,
    name: 'small',
    seed: 1,
    topology: { brokers: 1, topics: [{ name: 't', partitions: 2, replicationFactor: 1 }] },
    producers: [],
    groups: [
      {
        id: 'g',
        topics: ['t'],
        sessionTimeoutMs: 6_000,
        rebalanceTimeoutMs: 6_000,
        heartbeatIntervalMs: 500,
        autoOffsetReset: 'earliest',
        consumeMode: 'each-message',
        commitMode: { kind: 'per-record' },
        commitOrder: 'process-then-commit',
        handler: { timeMs: { min: 1, max: 1 }, failuresPerThousand: 0, failuresPerRecord: 1 },
        members: [{ id: 'a' }, { id: 'b' }],
      },
    ],
    actions: [
      { kind: 'stall', atMs: 300, durationMs: 200, member: 'b' },
      { kind: 'crash', atMs: 600, member: 'a' },
    ],
    settling: { boundMs: 1_000 },
  },
  'the scenario of this test',
);

let logOffset = 0;
const at = (time: number, process: string, event: object): UnplacedEvent =>
  ({ time, process, ...event }) as UnplacedEvent;
const member = (clientId: string, ...partitions: number[]): GroupMember => ({
  memberId: `${clientId}-x`,
  clientId,
  groupInstanceId: null,
  subscription: ['t'],
  assignment: partitions.length === 0 ? [] : [{ topic: 't', partitions }],
});
const generation = (time: number, number: number, ...members: GroupMember[]): UnplacedEvent =>
  at(time, 'coordinator', {
    kind: 'group-generation',
    group: 'g',
    generation: number,
    state: members.length === 0 ? 'empty' : 'stable',
    protocol: null,
    leaderMemberId: null,
    members,
    logPosition: { partition: 0, offset: String(logOffset++) },
  });
const started = (time: number, id: string, incarnation = 1): UnplacedEvent =>
  at(time, `${id}.${incarnation}`, { kind: 'process-start', role: 'member', id, group: 'g', incarnation });
const exited = (time: number, process: string, signal: string | null): UnplacedEvent =>
  at(time, process, { kind: 'process-exit', code: signal === null ? 0 : null, signal });
const rebalancing = (time: number, process: string): UnplacedEvent =>
  at(time, process, { kind: 'client-rebalancing', group: 'g', memberId: `${process}-x` });
const settled = (time: number): UnplacedEvent => at(time, 'harness', { kind: 'settled', undrained: [] });
const begun = (time: number, process: string, offset: string, partition = 0): UnplacedEvent =>
  at(time, process, { kind: 'processing-begin', group: 'g', topic: 't', partition, offset, record: null });
const ended = (time: number, process: string, offset: string, partition = 0): UnplacedEvent =>
  at(time, process, { kind: 'processing-end', group: 'g', topic: 't', partition, offset, outcome: 'ok' });

function historyOf(...events: UnplacedEvent[]): History {
  const recorder = new HistoryRecorder();
  recorder.record(
    at(0, 'harness', {
      kind: 'start',
      schema: 1,
      scenario,
      world: 'kafka',
      client: { name: 'kafkajs', version: '2.2.4' },
      mutant: null,
      versions: {},
    }),
  );
  for (const event of events) recorder.record(event);
  recorder.record(at(1_000, 'harness', { kind: 'finish', incomplete: [] }));
  return recorder.finishHistory();
}

const only = (timeline: Timeline): GroupLanes => {
  const [group] = timeline.groups;
  if (group === undefined) throw new Error('no group');
  return group;
};
const words = (spans: readonly OwnershipSpan[]): string[] =>
  spans.map(({ fromMs, toMs, kind, owners }) => {
    const who = owners
      .map((one) => `${one.process}${one.condition === 'alive' ? '' : ` ${one.condition}`}`)
      .join('+');
    return `${fromMs}-${toMs} ${kind}${who === '' ? '' : ` ${who}`}`;
  });
const ownershipOf = (history: History, partition: number): string[] =>
  words(only(timelineOf(history)).partitions.find((lane) => lane.partition === partition)?.ownership ?? []);
const statesOf = (history: History, name: string): string[] =>
  (only(timelineOf(history)).members.find((lane) => lane.member === name)?.spans ?? []).map(
    ({ fromMs, toMs, state }) => `${fromMs}-${toMs} ${state}`,
  );

describe('ownership', () => {
  test('goes from a generation to the next; before the first there is none', () => {
    const history = historyOf(
      generation(100, 1, member('a.1', 0, 1)),
      generation(400, 2, member('a.1', 0), member('b.1', 1)),
    );
    expect(ownershipOf(history, 0)).toEqual(['0-100 before', '100-400 owned a.1', '400-1000 owned a.1']);
    expect(ownershipOf(history, 1)).toEqual(['0-100 before', '100-400 owned a.1', '400-1000 owned b.1']);
  });

  test('a rebalance is a gap, from its first sign to the generation that ended it', () => {
    const history = historyOf(
      generation(100, 1, member('a.1', 0)),
      rebalancing(350, 'a.1'),
      rebalancing(360, 'b.1'),
      generation(400, 2, member('a.1', 0)),
    );
    expect(ownershipOf(history, 0)).toEqual([
      '0-100 before',
      '100-350 owned a.1',
      '350-400 rebalance',
      '400-1000 owned a.1',
    ]);
    expect(only(timelineOf(history)).rebalances).toEqual([{ fromMs: 350, toMs: 400 }]);
  });

  test('a rebalance that never ended lasts to the end', () => {
    const history = historyOf(generation(100, 1, member('a.1', 0)), rebalancing(700, 'a.1'));
    expect(ownershipOf(history, 0)).toEqual(['0-100 before', '100-700 owned a.1', '700-1000 rebalance']);
  });

  test('an error of an old member is no sign of a rebalance', () => {
    const history = historyOf(
      generation(100, 1, member('a.1', 0)),
      at(300, 'b.1', {
        kind: 'wire-heartbeat',
        group: 'g',
        memberId: 'b.1-x',
        generation: 0,
        error: 'UNKNOWN_MEMBER_ID',
      }),
      generation(400, 2, member('a.1', 0)),
    );
    expect(only(timelineOf(history)).rebalances).toEqual([]);
  });

  test('an owner that died keeps the partition on paper', () => {
    const history = historyOf(
      started(10, 'a'),
      generation(100, 1, member('a.1', 0)),
      exited(300, 'a.1', 'SIGKILL'),
      generation(700, 2, member('b.1', 0)),
    );
    expect(ownershipOf(history, 0)).toEqual([
      '0-100 before',
      '100-300 owned a.1',
      '300-700 owned a.1 dead',
      '700-1000 owned b.1',
    ]);
  });

  test('an owner that is stopped is stalled, and only then', () => {
    const stall = { kind: 'action', action: 0, actionKind: 'stall', outcome: 'applied', reason: null };
    const history = historyOf(
      started(10, 'b'),
      generation(100, 1, member('b.1', 0)),
      at(300, 'harness', { ...stall, phase: 'begin' }),
      at(500, 'harness', { ...stall, phase: 'end' }),
    );
    expect(ownershipOf(history, 0)).toEqual([
      '0-100 before',
      '100-300 owned b.1',
      '300-500 owned b.1 stalled',
      '500-1000 owned b.1',
    ]);
    const skipped = historyOf(
      started(10, 'b'),
      generation(100, 1, member('b.1', 0)),
      at(300, 'harness', { ...stall, phase: 'begin', outcome: 'skipped', reason: 'x' }),
    );
    expect(ownershipOf(skipped, 0)).toEqual(['0-100 before', '100-1000 owned b.1']);
  });

  test('a partition that a stable generation leaves out has no owner; one given twice has two', () => {
    const history = historyOf(
      generation(100, 1, member('a.1', 0), member('b.1', 1)),
      generation(400, 2, member('a.1', 1), member('b.1', 1)),
    );
    expect(ownershipOf(history, 0)).toEqual(['0-100 before', '100-400 owned a.1', '400-1000 none']);
    expect(ownershipOf(history, 1)).toEqual(['0-100 before', '100-400 owned b.1', '400-1000 owned a.1+b.1']);
  });

  test('a group without members owes nothing', () => {
    const history = historyOf(generation(100, 1, member('a.1', 0)), generation(400, 2));
    expect(ownershipOf(history, 0)).toEqual(['0-100 before', '100-400 owned a.1', '400-1000 before']);
  });

  test('the lanes are what the scenario promises, and whatever else the history knows', () => {
    const other = { ...member('a.1'), assignment: [{ topic: 'new', partitions: [3] }] };
    const lanes = only(timelineOf(historyOf(generation(100, 1, other)))).partitions;
    expect(lanes.map(({ topic, partition }) => `${topic}-${partition}`)).toEqual(['t-0', 't-1', 'new-3']);
  });
});

describe('members', () => {
  test('join, own, idle, and end', () => {
    const history = historyOf(
      started(50, 'a'),
      started(60, 'b'),
      generation(100, 1, member('a.1', 0, 1), member('b.1')),
      exited(800, 'b.1', null),
    );
    expect(statesOf(history, 'a')).toEqual(['0-50 dead', '50-100 joining', '100-1000 owning']);
    expect(statesOf(history, 'b')).toEqual(['0-60 dead', '60-100 joining', '100-800 idle', '800-1000 dead']);
  });

  test('one that the coordinator dropped while it runs is expelled, until it is back', () => {
    const history = historyOf(
      started(0, 'a'),
      generation(100, 1, member('a.1', 0)),
      generation(200, 2, member('b.1', 0)),
      generation(500, 3, member('a.1', 0)),
    );
    expect(statesOf(history, 'a')).toEqual([
      '0-100 joining',
      '100-200 owning',
      '200-500 expelled',
      '500-1000 owning',
    ]);
  });

  test('incarnations share a lane, with how each ended', () => {
    const history = historyOf(
      started(0, 'a'),
      exited(300, 'a.1', 'SIGKILL'),
      started(500, 'a', 2),
      exited(900, 'a.2', 'SIGTERM'),
    );
    const lane = only(timelineOf(history)).members[0];
    expect(lane?.spans.map((span) => span.process)).toEqual(['a.1', null, 'a.2', null]);
    expect(lane?.exits.map(({ text, violent }) => ({ text, violent }))).toEqual([
      { text: 'a.1: SIGKILL', violent: true },
      { text: 'a.2: SIGTERM', violent: false },
    ]);
  });
});

describe('work', () => {
  const workOf = (history: History) => only(timelineOf(history)).partitions[0]?.work ?? [];

  test('a record that comes again is marked, in whichever member', () => {
    const history = historyOf(
      generation(100, 1, member('a.1', 0)),
      begun(200, 'a.1', '5'),
      ended(210, 'a.1', '5'),
      generation(300, 2, member('b.1', 0)),
      begun(400, 'b.1', '5'),
      ended(410, 'b.1', '5'),
      begun(420, 'b.1', '6'),
      ended(430, 'b.1', '6'),
    );
    expect(workOf(history).map(({ process, again, foreign }) => ({ process, again, foreign }))).toEqual([
      { process: 'a.1', again: false, foreign: false },
      { process: 'b.1', again: true, foreign: false },
      { process: 'b.1', again: false, foreign: false },
    ]);
  });

  test('work of a member that does not own the partition is foreign', () => {
    const history = historyOf(
      generation(100, 1, member('a.1', 0)),
      begun(200, 'b.1', '5'),
      ended(210, 'b.1', '5'),
    );
    expect(workOf(history)[0]?.foreign).toBe(true);
  });

  test('what a process had begun when it was killed ends with it', () => {
    const history = historyOf(
      started(0, 'a'),
      generation(100, 1, member('a.1', 0)),
      begun(200, 'a.1', '5'),
      exited(300, 'a.1', 'SIGKILL'),
    );
    expect(workOf(history)).toEqual([
      { fromMs: 200, toMs: 300, process: 'a.1', again: false, foreign: false },
    ]);
  });

  test('a refused commit stands in the lane of its partition, with its offset', () => {
    const position = { topic: 't', partition: 0 };
    const history = historyOf(
      at(200, 'a.1', {
        kind: 'commit-invoke',
        group: 'g',
        commit: 4,
        memberId: 'x',
        generation: 1,
        offsets: [
          { ...position, offset: '9' },
          { topic: 't', partition: 1, offset: '3' },
        ],
      }),
      at(210, 'a.1', {
        kind: 'commit-fail',
        group: 'g',
        commit: 4,
        errors: [{ ...position, error: 'ILLEGAL_GENERATION' }],
      }),
    );
    const lanes = only(timelineOf(history)).partitions;
    expect(lanes[0]?.commits).toEqual([
      { timeMs: 210, kind: 'refused', text: 'commit of offset 9 by a.1 refused: ILLEGAL_GENERATION' },
    ]);
    expect(lanes[1]?.commits).toEqual([]);
  });
});

describe('the whole', () => {
  test('ends soon after settling, since the rest is the harness closing everything', () => {
    const timeline = timelineOf(historyOf(at(400, 'harness', { kind: 'heal' }), settled(500)));
    expect(timeline).toMatchObject({ fromMs: 0, toMs: 505, healMs: 400, settledMs: 500 });
  });

  test('an unfinished fault lasts to the end; one of a member belongs to its group', () => {
    const stall = { kind: 'action', action: 0, actionKind: 'stall', outcome: 'applied', reason: null };
    const [fault] = timelineOf(historyOf(at(300, 'harness', { ...stall, phase: 'begin' }))).faults;
    expect(fault).toMatchObject({ fromMs: 300, toMs: 1_000, lasting: true, group: 'g', label: 'stall b' });
  });

  test('the synthetic run: two groups apart, its overlap, its zombie', () => {
    const timeline = timelineOf(syntheticHistory().history);
    expect(
      timeline.groups.map((group) => [group.group, group.partitions.length, group.members.length]),
    ).toEqual([
      ['billing', 6, 3],
      ['archive', 2, 3],
    ]);
    const [billing] = timeline.groups;
    const overlapping = billing?.partitions.flatMap((lane) =>
      lane.ownership
        .filter((span) => span.owners.length > 1)
        .map((span) => `${lane.topic}-${lane.partition} ${span.fromMs}`),
    );
    expect(overlapping).toEqual(['orders-0 30500']);
    const zombies = billing?.partitions.flatMap((lane) =>
      lane.work.some((work) => work.foreign && work.process === 'm3.1')
        ? [`${lane.topic}-${lane.partition}`]
        : [],
    );
    expect(zombies).toEqual(['orders-2', 'payments-1']);
    expect(billing?.members[2]?.spans.map((span) => span.state)).toContain('expelled');
  });
});
