/** at-least-once on hand-written histories. */

import { describe, expect, it } from 'vitest';
import type { Group } from '../scenarios/schema.ts';
import { atLeastOnce } from './at-least-once.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, byHand, pair } from './testing/good-histories.ts';
import { type Member, Story, type StoryOptions } from './testing/history-builder.ts';

describeGoodHistories(atLeastOnce);

describe('finds', () => {
  it('records that no member was ever given', () => {
    const { story, m1 } = alone();
    story.produces(6);
    m1.works(0, 2).stands(0, 4).works(0, 2).commits(0, 6);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: never delivered | Group billing never processed offsets 2 and 3 of orders/0 (the first is record p1-2): they were never delivered, and the group has gone on. | commit-accepted fact-log | billing orders 0",
      ]
    `);
  });

  it('what a member has taken by hand and passed over', () => {
    const { story, m1, m2 } = byHand();
    story.produces(3);
    m1.works(0, 1).stands(0, 2).works(0, 1).commits(0, 3);
    m2.leaves();
    expect(findings(atLeastOnce, story.ends({ drain: false }))).toMatchInlineSnapshot(`
      [
        "illegal | lost: never delivered | Group billing never processed offset 1 of orders/0 (record p1-1): it was never delivered, and the group has gone on. | commit-accepted fact-log | billing orders 0",
      ]
    `);
  });

  it('records that were delivered, committed and dropped', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.delivers(0, [0, 1]).processes(0, 0).delivers(0, [2]).processes(0, 2).commits(0, 3);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: delivered and never processed | Group billing never processed offset 1 of orders/0 (record p1-1): it was delivered, and the member went on without processing it. | delivery commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  /** A record is committed, its member is killed while processing it, and the next one goes on behind it. */
  const committedFirst = (options: StoryOptions) => {
    const { story, m1, m2 } = pair(options);
    story.produces(4);
    m1.delivers(0, [0]).commits(0, 1).begins(0, 0).crashes();
    story.wait(6_000).generation([[m2, [0, 1]]]);
    return story;
  };

  it('a record committed before it was processed', () => {
    expect(findings(atLeastOnce, committedFirst({}))).toMatchInlineSnapshot(`
      [
        "illegal | lost: committed before it was processed | Group billing never processed offset 0 of orders/0 (record p1-0): it was delivered and committed, and the member was interrupted before it had processed it. | delivery commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('the same as observed where that is the order asked for', () => {
    const story = committedFirst({ groups: [{ commitOrder: 'commit-then-process' }] });
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "observed | lost: committed before it was processed | Group billing never processed offset 0 of orders/0 (record p1-0): it was delivered and committed, and the member was interrupted before it had processed it. | delivery commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('the same as observed where processing had failed and the member leaves before it tries again', () => {
    const { story, m1, m2 } = pair({ groups: [{ commitOrder: 'commit-then-process' }] });
    story.produces(2);
    m1.delivers(0, [0]).commits(0, 1).processes(0, 0, 'failed').leaves();
    story.generation([[m2, [0, 1]]]);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "observed | lost: committed before it was processed | Group billing never processed offset 0 of orders/0 (record p1-0): it was delivered and committed, and the member was interrupted before it had processed it. | delivery processing-end commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('but a record that was skipped, in that order too', () => {
    const { story, m1 } = alone({ groups: [{ commitOrder: 'commit-then-process' }] });
    story.produces(3);
    m1.works(0, 1).commits(0, 2).stands(0, 2).works(0, 1).commits(0, 3);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: never delivered | Group billing never processed offset 1 of orders/0 (record p1-1): it was never delivered, and the group has gone on. | commit-accepted fact-log | billing orders 0",
      ]
    `);
  });

  it('a failed record that is not tried again', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 1).delivers(0, [1]).processes(0, 1, 'failed').works(0, 1).commits(0, 3);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: processing failed and was not tried again | Group billing never processed offset 1 of orders/0 (record p1-1): the handler failed, and it was not delivered again. | delivery processing-end commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  /** Nothing is committed between two joins of a group that starts at the end, and records come in between. */
  const resolvesTwice = (options: StoryOptions['groups']) => {
    const story = new Story({ groups: options as NonNullable<StoryOptions['groups']> });
    const m1 = story.joins('m1');
    story.produces(2);
    story.generation([[m1, [0]]]).produces(3);
    story.generation([[m1, [0]]]);
    return story;
  };

  it('records that came while latest was resolved twice', () => {
    expect(findings(atLeastOnce, resolvesTwice([{ autoOffsetReset: 'latest' }]))).toMatchInlineSnapshot(`
      [
        "illegal | lost: latest was resolved again before the first commit | Group billing never processed offsets 2 to 4 of orders/0 (the first is record p1-2): a member had found the end of the log before they were written, nothing was committed, and the next start was at the end again. | wire-list-offsets commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('the same as observed where nobody ever commits', () => {
    const story = resolvesTwice([{ autoOffsetReset: 'latest', commitMode: { kind: 'none' } }]);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "observed | lost: latest was resolved again before the first commit | Group billing never processed offsets 2 to 4 of orders/0 (the first is record p1-2): a member had found the end of the log before they were written, nothing was committed, and the next start was at the end again. | wire-list-offsets fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  /** A member has found one of the two ends that it starts from when it comes to its end, or to that of its place. */
  const resolvesHalf = (
    end: (m1: Member) => unknown,
    life?: (story: Story) => void,
    group: Partial<Group> = {},
  ) => {
    const groups = [{ autoOffsetReset: 'latest' as const, ...group }];
    const story = new Story({ topics: { orders: 2 }, groups });
    story.produces(2);
    life?.(story);
    const m1 = story.joins('m1');
    story.generation([[m1, [0, 1]]], { busy: [m1] });
    story.emit({
      process: m1.process,
      kind: 'wire-offset-fetch',
      group: 'billing',
      offsets: [0, 1].map((partition) => ({ topic: 'orders', partition, offset: null })),
      error: null,
    });
    end(m1.lists(0));
    story.produces(3);
    return story.generation([[story.joins('m2'), [0, 1]]]);
  };
  const kindsOf = (story: Story): string[] =>
    findings(atLeastOnce, story).map((one) => one.split(' | ').slice(0, 2).join(' | '));
  const RE_RESOLVED = 'illegal | lost: latest was resolved again before the first commit';

  it('the same as observed where the member was killed before it knew where its other partition ends', () => {
    expect(
      findings(
        atLeastOnce,
        resolvesHalf((m1) => m1.crashes()),
      ),
    ).toMatchInlineSnapshot(`
      [
        "observed | lost: latest was resolved again, since its member was killed before it could commit | Group billing never processed offsets 2 to 4 of orders/0 (the first is record p1-2): a member had found the end of the log before they were written, and was killed before it had found those of its other partitions and could commit them, and the next start was at the end again. | wire-list-offsets commit-accepted fact-log | billing orders 0 m2.1",
      ]
    `);
    // It had time to commit, or was told to end and did not use it.
    for (const end of [(m1: Member) => m1.lists(1).crashes(), (m1: Member) => m1.leaves()])
      expect(kindsOf(resolvesHalf(end))).toEqual([RE_RESOLVED]);
  });

  it('the same as observed where the member ended with another of its process, and not where its own call failed', () => {
    const members = ['m1', 'm2', 'm3'].map((id) => (id === 'm2' ? { id } : { id, sharedProcess: 'shop' }));
    const tell = (whose: 'm1' | 'm3'): string[] =>
      kindsOf(
        resolvesHalf(
          (m1) => {
            const m3 = m1.story.joins('m3');
            const { process } = whose === 'm1' ? m1 : m3;
            m1.story.emit({ process, kind: 'application-error', call: 'poll', error: 'FENCED_INSTANCE_ID' });
            m3.exits(1);
            m1.exits(1);
          },
          undefined,
          { members },
        ),
      );
    expect(tell('m3')).toEqual([
      'observed | lost: latest was resolved again, since its member was killed before it could commit',
    ]);
    expect(tell('m1')).toEqual([RE_RESOLVED]);
  });

  it('the same as observed where the member was cut off and lost its place before it knew that end', () => {
    const isCutOff = ({ story }: Member) => story.during({ kind: 'pause-broker', broker: 1 }, () => {});
    expect(findings(atLeastOnce, resolvesHalf(isCutOff))).toMatchInlineSnapshot(`
      [
        "observed | lost: latest was resolved again, since its member lost its place before it could commit | Group billing never processed offsets 2 to 4 of orders/0 (the first is record p1-2): a member had found the end of the log before they were written, and lost its place before it had found those of its other partitions and could commit them, and the next start was at the end again. | wire-list-offsets commit-accepted fact-log | billing orders 0 m2.1",
      ]
    `);
    expect(kindsOf(resolvesHalf(() => {}))).toEqual([
      'illegal | lost: latest was resolved again, since its member lost its place before it could commit',
    ]);
    expect(kindsOf(resolvesHalf((m1) => isCutOff(m1.lists(1))))).toEqual([RE_RESOLVED]);
  });

  it('the same as observed where the member stood still meanwhile, so that its end was refused', () => {
    const told = { refused: 'UNKNOWN_MEMBER_ID' };
    const tell = (stalledMs: number | null): string[] =>
      kindsOf(
        resolvesHalf((m1) => {
          if (stalledMs !== null) m1.stalls(() => m1.story.wait(stalledMs));
          m1.lists(1).commits(0, 2, { told });
        }),
      );
    expect(tell(6_000)).toEqual([
      'observed | lost: latest was resolved again, since its first end could not be committed',
    ]);
    const illegal = 'illegal | lost: latest was resolved again, since its first end could not be committed';
    expect(tell(500)).toEqual([illegal]);
    expect(tell(null)).toEqual([illegal]);
  });

  it('the same as observed where the end could not be committed, whatever was committed of it in an earlier life', () => {
    const told = { refused: 'UNKNOWN_MEMBER_ID' };
    const isRefused = (m1: Member) =>
      m1.story.during({ kind: 'pause-broker', broker: 1 }, () => m1.lists(1).commits(0, 2, { told }));
    const commitsIt = (isRefusedFirst: boolean) => (story: Story) => {
      const before = story.joins('m3');
      story.generation([[before, [0]]]);
      if (isRefusedFirst) before.commits(0, 2, { told });
      else before.commits(0, 2);
      before.leaves();
      story.deletesOffsets();
    };
    expect(kindsOf(resolvesHalf(isRefused, commitsIt(false)))).toEqual([
      'observed | lost: latest was resolved again, since its first end could not be committed',
    ]);
    expect(kindsOf(resolvesHalf((m1) => m1.lists(1), commitsIt(true)))).toEqual([RE_RESOLVED]);
  });

  it('without a tap, records from the first delivery on', () => {
    const story = new Story({ wire: false, groups: [{ autoOffsetReset: 'latest' }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(4);
    m1.stands(0, 1).works(0, 1).stands(0, 3).works(0, 1).commits(0, 4);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: never delivered | Group billing never processed offset 2 of orders/0 (record p1-2): it was never delivered, and the group has gone on. | commit-accepted fact-log | billing orders 0",
      ]
    `);
  });

  it('records skipped by a reset because a follower was behind', () => {
    const story = new Story({ marksResets: true, groups: [{ autoOffsetReset: 'latest' }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(4);
    m1.isSentToFollower(0).works(0, 1).commits(0, 1).findsOutOfRange(0);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: skipped by a reset since a follower was behind | Group billing never processed offsets 1 to 3 of orders/0 (the first is record p1-1): a member moved to the end of the log although its position was in range, since the follower that it read from had not got there. | wire-list-offsets commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('records skipped by a reset that nothing called for', () => {
    const story = new Story({ marksResets: true, groups: [{ autoOffsetReset: 'latest' }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(4);
    m1.works(0, 1).commits(0, 1).findsOutOfRange(0);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: skipped by a reset without need | Group billing never processed offsets 1 to 3 of orders/0 (the first is record p1-1): a member moved to the end of the log although its position was in range. | wire-list-offsets commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('nothing where that reset was called for', () => {
    const story = new Story({ marksResets: true, groups: [{ autoOffsetReset: 'latest' }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(6);
    m1.works(0, 1).commits(0, 1);
    story.deletesRecords(3);
    m1.findsOutOfRange(0);
    expect(findings(atLeastOnce, story)).toEqual([]);
  });

  it('nothing where a rebalance came before a needed reset, and a cooperative member kept the partition', () => {
    const tell = (isRefused: boolean) => {
      const story = new Story({ groups: [{ autoOffsetReset: 'latest', assignors: ['cooperative-sticky'] }] });
      const m1 = story.joins('m1');
      story.generation([[m1, [0]]]).produces(6);
      m1.works(0, 1).commits(0, 1);
      story.deletesRecords(3);
      if (isRefused)
        story.emit({
          process: m1.process,
          kind: 'wire-fetch-error',
          topic: 'orders',
          partition: 0,
          offset: '1',
          error: 'OFFSET_OUT_OF_RANGE',
        });
      story.generation([[m1, [0]]], { busy: [m1] });
      story.produces(2);
      return m1.takesUp().lists(0).story;
    };
    expect(findings(atLeastOnce, tell(true))).toEqual([]);
    expect(findings(atLeastOnce, tell(false))).toHaveLength(1);
  });

  it('what a needed reset left to the next owner, once', () => {
    const story = new Story({ marksResets: true, groups: [{ autoOffsetReset: 'latest' }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).produces(6);
    m1.works(0, 1).commits(0, 1);
    story.deletesRecords(3);
    m1.findsOutOfRange(0);
    story.produces(2);
    const m2 = story.joins('m2');
    story.generation([
      [m2, [0]],
      [m1, []],
    ]);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: latest was resolved again before the first commit | Group billing never processed offsets 6 and 7 of orders/0 (the first is record p1-6): a member had found the end of the log before they were written, nothing was committed, and the next start was at the end again. | wire-list-offsets commit-accepted fact-log | billing orders 0 m2.1",
      ]
    `);
  });

  it('acknowledged records that the broker lost, and does not blame the group', () => {
    const { story } = alone();
    story.produces(2, { written: false });
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost by the broker: acknowledged record is not in the log | 2 records, p1-0 the first, of p1.1 had been acknowledged with acks all and are in no log of orders. | produce-invoke produce-ok fact-log | p1 p1.1 orders",
      ]
    `);
  });

  it('the same as observed with acks 1 and a broker that failed', () => {
    const { story } = alone({ producers: [{ acks: 1 }] });
    story.produces(2, { written: false });
    story.during({ kind: 'crash-broker', broker: 1 }, () => {});
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "observed | lost by the broker: acknowledged record is not in the log | 2 records, p1-0 the first, of p1.1 had been acknowledged with acks 1 and are in no log of orders. | produce-invoke produce-ok fact-log | p1 p1.1 orders",
      ]
    `);
  });

  it('where the group did not drain, only what it has passed', () => {
    const { story, m1 } = alone();
    story.produces(9);
    m1.works(0, 2).stands(0, 4).works(0, 1).commits(0, 5);
    story.ends({ drain: false, undrained: ['group billing has not processed orders-0 up to its end'] });
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: never delivered | Group billing never processed offsets 2 and 3 of orders/0 (the first is record p1-2): they were never delivered, and the group has gone on. | commit-accepted fact-log | billing orders 0",
      ]
    `);
  });

  it('nothing where committed records are still in hand at the bound', () => {
    const { story, m1 } = alone({
      groups: [{ commitOrder: 'commit-then-process', consumeMode: 'each-batch' }],
    });
    story.produces(4);
    m1.delivers(0, [0, 1, 2, 3]).commits(0, 4).processes(0, 0);
    story.ends({ drain: false, undrained: ['group billing has not processed orders-0 up to its end'] });
    expect(findings(atLeastOnce, story)).toEqual([]);
  });

  it('but records that a finished call left behind, at the bound too', () => {
    const { story, m1 } = alone();
    story.produces(4);
    m1.delivers(0, [0, 1]).processes(0, 0).delivers(0, [2]).processes(0, 2).commits(0, 3);
    story.ends({ drain: false, undrained: ['group billing has not processed orders-0 up to its end'] });
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: delivered and never processed | Group billing never processed offset 1 of orders/0 (record p1-1): it was delivered, and the member went on without processing it. | delivery commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('nothing where records only wait for the next owner', () => {
    const { story, m1 } = alone();
    story.produces(9);
    m1.delivers(0, [0, 1, 2, 3, 4, 5, 6, 7, 8]).processes(0, 0);
    story.ends({ drain: false, undrained: ['group billing has not processed orders-0 up to its end'] });
    expect(findings(atLeastOnce, story)).toEqual([]);
  });

  it('with earliest, records before the first delivery, whatever the member asked for', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.lists(0, { at: 'latest' });
    story.produces(1);
    m1.lists(0, { at: 'latest' }).stands(0, 3);
    story.produces(1);
    m1.works(0, 1).commits(0, 4);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: never delivered | Group billing never processed offsets 0 to 2 of orders/0 (the first is record p1-0): they were never delivered, and the group has gone on. | commit-accepted fact-log | billing orders 0",
      ]
    `);
  });

  it('records at the end that a settled run left behind', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 2).commits(0, 2);
    story.ends({ drain: false });
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: never delivered | Group billing never processed offset 2 of orders/0 (record p1-2): it was never delivered, and the group has gone on. | commit-accepted fact-log | billing orders 0",
      ]
    `);
  });

  it('nothing where a record comes in behind the last marker', () => {
    const { story, m1 } = alone();
    story.produces(1);
    story.log('orders', 0).records.push('marker-0');
    m1.works(0, 2).commits(0, 2);
    story.produces(1, { outcome: 'none' });
    story.ends({ drain: false });
    expect(findings(atLeastOnce, story)).toEqual([]);
  });

  it('nothing where what is committed behind the last marker is in hand when the run has settled', () => {
    const tell = (offsets: readonly number[]) => {
      const { story, m1 } = alone({
        groups: [{ commitOrder: 'commit-then-process', consumeMode: 'manual' }],
      });
      story.produces(1);
      story.log('orders', 0).records.push('marker-0');
      story.produces(2);
      m1.delivers(0, [0, 1, 2, 3]).commits(0, 4);
      for (const offset of offsets) m1.processes(0, offset);
      return story.ends({ drain: false });
    };
    expect(findings(atLeastOnce, tell([0, 1]))).toEqual([]);
    // What comes before the marker has to be done.
    expect(findings(atLeastOnce, tell([1]))).toHaveLength(1);
  });

  it('without a tap, what a new owner skips although there was a commit', () => {
    const { story, m1, m2 } = pair({ wire: false, groups: [{ autoOffsetReset: 'latest' }] });
    story.produces(6);
    m1.stands(0, 0).works(0, 2).commits(0, 2).crashes();
    story.wait(6_000).generation([[m2, [0, 1]]]);
    m2.stands(0, 4).works(0, 2).commits(0, 6);
    expect(findings(atLeastOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | lost: never delivered | Group billing never processed offsets 2 and 3 of orders/0 (the first is record p1-2): they were never delivered, and the group has gone on. | commit-accepted fact-log | billing orders 0",
      ]
    `);
  });

  it('nothing where the offset that was deleted had been sought above the end', () => {
    const tell = (sought: number) => {
      const { story, m1 } = alone({ groups: [{ autoOffsetReset: 'latest' }] });
      story.produces(3);
      m1.works(0, 1).commits(0, 1);
      if (sought > 3) m1.calls('seek', { partitions: [0], offset: sought });
      m1.commits(0, sought).leaves();
      story.empties().deletesOffsets();
      const again = story.joins('m1');
      story.generation([[again, [0]]]);
      return story;
    };
    expect(findings(atLeastOnce, tell(40))).toEqual([]);
    expect(findings(atLeastOnce, tell(2))).toHaveLength(1);
  });

  it('without a tap, nothing that lies before a commit made after the offsets were deleted', () => {
    const { story, m1 } = alone({ wire: false, groups: [{ autoOffsetReset: 'latest' }] });
    story.produces(1);
    m1.stands(0, 0).works(0, 1).commits(0, 1).leaves();
    story.empties().produces(2);
    story.deletesOffsets();
    const m2 = story.joins('m2');
    story.generation([[m2, [0]]]);
    m2.commits(0, 3);
    story.generation([[m2, [0]]]);
    expect(findings(atLeastOnce, story)).toEqual([]);
  });

  it('nothing where the history does not show where a group of latest began', () => {
    const story = new Story({ groups: [{ autoOffsetReset: 'latest' }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]], { unaware: [m1] }).produces(2);
    story.ends({ drain: false });
    expect(findings(atLeastOnce, story)).toEqual([]);
  });

  it('no broker loss where final logs are missing', () => {
    const story = new Story({ topics: { orders: 2 } });
    story.produces(1, { written: false });
    const { start, events } = story.history();
    const fewer = events.filter((event) => event.kind !== 'fact-log' || event.partition !== 1);
    expect(atLeastOnce.check({ start, events: fewer })).toEqual([]);
    expect(atLeastOnce.check({ start, events })).toHaveLength(1);
  });

  it('what is skipped because a leader with an old view was believed, but for a client that says its epoch', () => {
    const tell = (leaderEpoch?: number) => {
      const { story, m1 } = alone({ groups: [{ autoOffsetReset: 'latest' }], marksResets: false });
      story.produces(4);
      m1.works(0, 1).commits(0, 1);
      story.during({ kind: 'isolate-controller', broker: 1 }, () => {
        m1.findsOutOfRange(0, leaderEpoch === undefined ? {} : { leaderEpoch });
      });
      return m1.commits(0, 4).story;
    };
    expect(findings(atLeastOnce, tell())).toMatchInlineSnapshot(`
      [
        "illegal | lost: skipped by a reset without need | Group billing never processed offsets 1 to 3 of orders/0 (the first is record p1-1): a member moved to the end of the log although its position was in range. | wire-list-offsets commit-accepted fact-log | billing orders 0 m1.1",
      ]
    `);
    expect(findings(atLeastOnce, tell(3))).toEqual([]);
  });

  it('records of a compacted topic that a newer one of their key follows', () => {
    const tell = (key: string) => {
      const { story, m1 } = alone();
      story.produces(2, { key: 'a' });
      story.produces(1, { key });
      story.compacts([0]);
      return m1.stands(0, 2).works(0, 1).commits(0, 3).story;
    };
    expect(findings(atLeastOnce, tell('a'))).toEqual([]);
    expect(findings(atLeastOnce, tell('b'))).toHaveLength(1);
  });
});
