/** When a run counts as settled: each thing that can be missing is missed, and named. */
import { beforeEach, describe, expect, it } from 'vitest';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import { DrainTracker } from './drain.ts';
import type { RunContext, RunEvent } from './run-context.ts';

const scenarioWith = (commitMode: 'per-record' | 'none'): Scenario =>
  parseScenario(
    {
      version: 1,
      name: 'drain',
      seed: 1,
      topology: { brokers: 1, topics: [{ name: 'orders', partitions: 2, replicationFactor: 1 }] },
      producers: [],
      groups: [
        {
          id: 'billing',
          topics: ['orders'],
          sessionTimeoutMs: 3000,
          rebalanceTimeoutMs: 3000,
          heartbeatIntervalMs: 500,
          autoOffsetReset: 'earliest',
          consumeMode: 'each-message',
          commitMode: { kind: commitMode },
          commitOrder: 'process-then-commit',
          handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
          members: [{ id: 'm1' }, { id: 'm2' }],
        },
      ],
      actions: [],
      settling: { boundMs: 1000 },
    },
    'the test',
  );

const partitions = [
  { topic: 'orders', partition: 0 },
  { topic: 'orders', partition: 1 },
];

/** A tracker that is fed by hand; `live` are the processes that run. */
function trackerFor(scenario: Scenario, live: string[], read = [0, 1]) {
  let listener: (event: RunEvent) => void = () => {};
  const context = { scenario, onEvent: (one: typeof listener) => (listener = one) } as unknown as RunContext;
  const tracker = new DrainTracker(
    context,
    () => [...live],
    () => live.length > 0,
    (_, { partition }) => read.includes(partition),
  );
  const feed = (event: object) => listener({ time: 0, process: 'm1.1', ...event } as RunEvent);
  const generation = (...owners: [string, number[]][]) =>
    feed({
      kind: 'group-generation',
      group: 'billing',
      generation: 1,
      state: owners.length > 0 ? 'stable' : 'empty',
      members: owners.map(([clientId, owned]) => ({
        clientId,
        assignment: [{ topic: 'orders', partitions: owned }],
      })),
    });
  const process = (partition: number, offset: number, record: string | null, outcome = 'ok') => {
    const place = { group: 'billing', topic: 'orders', partition, offset: String(offset) };
    feed({ kind: 'processing-begin', ...place, record });
    feed({ kind: 'processing-end', ...place, outcome });
  };
  const commit = (partition: number, offset: number) =>
    feed({ kind: 'commit-accepted', group: 'billing', topic: 'orders', partition, offset: String(offset) });
  return { tracker, generation, process, commit, feed };
}

describe('DrainTracker', () => {
  let run: ReturnType<typeof trackerFor>;
  beforeEach(() => {
    run = trackerFor(scenarioWith('per-record'), ['m1.1', 'm2.1']);
    run.tracker.markerWritten({ topic: 'orders', partition: 0 }, 5);
    run.tracker.markerWritten({ topic: 'orders', partition: 1 }, 7);
    run.generation(['m1.1', [0]], ['m2.1', [1]]);
    run.process(0, 5, 'marker-0');
    run.process(1, 7, 'marker-1');
    run.commit(0, 6);
    run.commit(1, 8);
  });

  it('is settled when every marker is processed and committed past', () => {
    expect(run.tracker.undrained(partitions)).toEqual([]);
    expect(run.tracker.undrainedPartitions(partitions)).toEqual([]);
  });

  it('misses a live member that is in no generation', () => {
    run.generation(['m1.1', [0, 1]]);
    expect(run.tracker.undrained(partitions)).toEqual([
      'group billing has the live members m1.1, m2.1, but its last generation has m1.1',
    ]);
  });

  it('misses no generation where members take their partitions by hand, and looks at these alone', () => {
    const scenario = scenarioWith('per-record');
    const members = [{ id: 'm1', assigned: [{ topic: 'orders', partitions: [0] }] }];
    const byHand = { ...scenario, groups: scenario.groups.map((group) => ({ ...group, members })) };
    const { tracker, process, commit } = trackerFor(byHand, ['m1.1'], [0]);
    tracker.markerWritten({ topic: 'orders', partition: 0 }, 5);
    tracker.markerWritten({ topic: 'orders', partition: 1 }, 7);
    expect(tracker.undrained(partitions)).toEqual([
      'group billing has not processed orders-0 up to its end, offset 5',
    ]);
    process(0, 5, 'marker-0');
    commit(0, 6);
    expect(tracker.undrained(partitions)).toEqual([]);
  });

  it('misses a partition without an owner', () => {
    run.generation(['m1.1', [0]], ['m2.1', []]);
    expect(run.tracker.undrained(partitions)).toEqual(['orders-1 has no owner in group billing']);
  });

  it('misses a newer marker, and asks for another in that partition only', () => {
    run.tracker.markerWritten({ topic: 'orders', partition: 1 }, 9);
    expect(run.tracker.undrained(partitions)).toEqual([
      'group billing has not processed orders-1 up to its end, offset 9',
    ]);
    expect(run.tracker.undrainedPartitions(partitions)).toEqual([{ topic: 'orders', partition: 1 }]);
  });

  it('does not count a marker whose processing failed, or a record that is no marker', () => {
    run.tracker.markerWritten({ topic: 'orders', partition: 0 }, 6);
    run.process(0, 6, 'marker-2', 'failed');
    run.tracker.markerWritten({ topic: 'orders', partition: 1 }, 8);
    run.process(1, 8, 'producer-1-3');
    expect(run.tracker.undrainedPartitions(partitions)).toHaveLength(2);
  });

  it('misses a commit that was never made or was deleted, but not where nobody commits', () => {
    run.feed({ kind: 'commit-removed', group: 'billing', topic: 'orders', partition: 0 });
    expect(run.tracker.undrained(partitions)).toEqual([
      'group billing has processed orders-0 to its end, offset 5, but committed nothing',
    ]);
    const none = trackerFor(scenarioWith('none'), ['m1.1']);
    none.tracker.markerWritten({ topic: 'orders', partition: 0 }, 0);
    none.generation(['m1.1', [0]]);
    none.process(0, 0, 'marker-0');
    expect(none.tracker.undrained([{ topic: 'orders', partition: 0 }])).toEqual([]);
  });

  it('waits for a member whose application has stopped it, which is about to leave a group that looks complete', () => {
    const call = { kind: 'application-call', group: 'billing', action: 0, process: 'm1.1' };
    run.feed({ ...call, call: 'stop' });
    run.feed({ ...call, call: 'run' });
    expect(run.tracker.pending(partitions)).toEqual([
      'm1.1 has stopped its consumer and not joined group billing again',
    ]);
    run.feed({ kind: 'client-joined', group: 'billing', process: 'm1.1', memberId: 'm1.1-a' });
    expect(run.tracker.pending(partitions)).toEqual([]);
  });

  it('does not wait for a client that gave up for good, and names it all the same', () => {
    run.generation(['m1.1', [0, 1]]);
    run.feed({ kind: 'client-crashed', process: 'm2.1', group: 'billing', error: 'x', restart: true });
    expect(run.tracker.pending(partitions)).toHaveLength(1);
    run.feed({ kind: 'client-crashed', process: 'm2.1', group: 'billing', error: 'x', restart: false });
    expect(run.tracker.pending(partitions)).toEqual([]);
    expect(run.tracker.undrained(partitions)).toHaveLength(1);
    // The application runs it again.
    run.feed({ kind: 'application-call', process: 'm2.1', group: 'billing', action: 0, call: 'run' });
    expect(run.tracker.pending(partitions)).toHaveLength(1);
    run.feed({ kind: 'client-crashed', process: 'm2.1', group: 'billing', error: 'x', restart: false });
    // Where nobody is left who could drain anything, there is nothing to wait for either.
    run.feed({ kind: 'client-crashed', process: 'm1.1', group: 'billing', error: 'x', restart: false });
    run.tracker.markerWritten({ topic: 'orders', partition: 0 }, 99);
    expect(run.tracker.pending(partitions)).toEqual([]);
    expect(run.tracker.undrained(partitions)).not.toEqual([]);
  });

  it('with auto.offset.reset none waits for who can start: not below what the log has, but where that has come back', () => {
    const scenario = scenarioWith('per-record');
    const groups = scenario.groups.map((group) => ({ ...group, autoOffsetReset: 'none' as const }));
    const { tracker, commit } = trackerFor({ ...scenario, groups }, ['m1.1'], [0]);
    commit(0, 0);
    const one = { topic: 'orders', partition: 0 };
    tracker.logStartsAt(one, 1);
    expect(tracker.pending(partitions)).toEqual([]);
    tracker.logStartsAt(one, 0);
    expect(tracker.pending(partitions)).not.toEqual([]);
  });

  it('with auto.offset.reset none waits for who has committed records that came in behind the marker, and not beyond', () => {
    const scenario = scenarioWith('per-record');
    const groups = scenario.groups.map((group) => ({ ...group, autoOffsetReset: 'none' as const }));
    const { tracker, commit, process } = trackerFor({ ...scenario, groups }, ['m1.1']);
    for (const one of partitions) tracker.markerWritten(one, 3);
    commit(1, 0);
    process(0, 3, 'marker-0');
    process(0, 4, 'late');
    commit(0, 5);
    expect(tracker.pending(partitions)).not.toEqual([]);
    commit(0, 6);
    expect(tracker.pending(partitions)).toEqual([]);
  });

  it('asks nothing of a group without live members', () => {
    const nobody = trackerFor(scenarioWith('per-record'), []);
    expect(nobody.tracker.undrained(partitions)).toEqual([]);
  });
});
