/** owned-consumption on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { ownedConsumption } from './owned-consumption.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, byHand, pair } from './testing/good-histories.ts';
import type { Member } from './testing/history-builder.ts';

describeGoodHistories(ownedConsumption);

/** The answer that gives a member its assignment of the second generation, after what it was handed meanwhile. */
const isSynced = ({ story, process, memberId }: Member) => {
  const assignment = [{ topic: 'orders', partitions: [0] }];
  const generation = { group: 'billing', memberId, generation: 2 };
  story.emit({ process, kind: 'wire-sync', ...generation, assignment, error: null });
};

describe('finds', () => {
  it('a partition that is not assigned any more, once for each assignment', () => {
    const { story, m1, m2 } = pair();
    story.produces(4);
    m1.works(0, 1).commits(0, 1);
    story.generation([
      [m1, []],
      [m2, [0, 1]],
    ]);
    m1.works(0, 2);
    expect(findings(ownedConsumption, story)).toMatchInlineSnapshot(`
      [
        "illegal | delivered from a partition that is not assigned | m1.1 was handed offset 1 of orders/0 in group billing although its assignment in generation 2 has no such partition. | wire-sync delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a delivery between the generation and its assignment', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 1).isJoining().works(0, 1);
    expect(findings(ownedConsumption, story)).toMatchInlineSnapshot(`
      [
        "illegal | delivered in a generation in which it never got an assignment | m1.1 was handed offset 1 of orders/0 in group billing after it had joined generation 2 and before it had its assignment. | wire-join delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it.each([
    [false, 'delivered while joining'],
    [true, 'delivered while another part of the client joined'],
  ])(
    'the same where the assignment comes later (its handler at work when it joins: %s)',
    (isAtWork, signature) => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.delivers(0, [0]).begins(0, 0);
      if (isAtWork) m1.isJoining().finishes(0, 0);
      else m1.finishes(0, 0).isJoining();
      m1.works(0, 1);
      isSynced(m1);
      expect(findings(ownedConsumption, story).map((one) => one.split(' | ')[1])).toEqual([signature]);
    },
  );

  it('nothing where the clock of the member runs fast: how long ago its poll was it has measured on that one', () => {
    const told = (measured: number): string[] => {
      const clock = { offsetMs: 0, driftPerMillion: 50_000 };
      const { story, m1 } = alone({ groups: [{ members: [{ id: 'm1', clock }] }] });
      story.produces(2);
      m1.works(0, 1);
      const polledTime = story.time;
      story.wait(10_000);
      m1.delivers(0, [1], { sincePollMs: (story.time - polledTime) * measured }).processes(0, 1);
      return findings(ownedConsumption, story).map((one) => one.split(' | ')[1] ?? '');
    };
    expect(told(1.05)).toEqual([]);
    // By a clock as fast as the others' that poll would have been before it was a member.
    expect(told(1.12)).toEqual(['delivered before it was a member']);
  });

  it('the same where a broker had told it of a leader that moved, and no coordinator of a rebalance', () => {
    const signatures = (isRebalancing: boolean) => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.works(0, 1);
      story.emit({
        process: m1.process,
        kind: 'wire-list-offsets',
        topic: 'orders',
        partition: 1,
        at: 'earliest',
        offset: null,
        error: 'NOT_LEADER_OR_FOLLOWER',
      });
      if (isRebalancing) m1.isRefused('REBALANCE_IN_PROGRESS');
      m1.isJoining().works(0, 1);
      isSynced(m1);
      return findings(ownedConsumption, story).map((one) => one.split(' | ')[1]);
    };
    expect(signatures(false)).toEqual(['delivered while another part of the client joined']);
    expect(signatures(true)).toEqual(['delivered while joining']);
  });

  it.each([
    ['nobody', 'delivered from a partition that another part of the client had given up'],
    ['a coordinator', 'delivered from a partition that is not assigned'],
    ['its application, which stopped it', 'delivered from a partition that is not assigned'],
  ])('a partition that it gave up when there were new ones (%s had told it to join)', (who, signature) => {
    const { story, m1, m2 } = pair();
    story.produces(2);
    m1.works(0, 1);
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 3 });
    if (who === 'a coordinator') m1.isRefused('REBALANCE_IN_PROGRESS');
    if (who.startsWith('its application')) m1.calls('stop').calls('run');
    story.generation([
      [m1, [1]],
      [m2, [0, 2]],
    ]);
    m1.works(0, 1);
    expect(findings(ownedConsumption, story).map((one) => one.split(' | ')[1])).toEqual([signature]);
  });

  it('a delivery while joining, where there were new partitions and no coordinator had told it of a rebalance', () => {
    const signatures = (isRebalancing: boolean) => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.works(0, 1);
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 3 });
      if (isRebalancing) m1.isRefused('REBALANCE_IN_PROGRESS');
      m1.isJoining().works(0, 1);
      isSynced(m1);
      return findings(ownedConsumption, story).map((one) => one.split(' | ')[1]);
    };
    expect(signatures(false)).toEqual(['delivered while another part of the client joined']);
    expect(signatures(true)).toEqual(['delivered while joining']);
  });

  it.each([
    [true, 'm1.1-former', 'delivered while a second consumer of the member joined'],
    [true, 'm1.1-id', 'delivered while joining'],
    [false, 'm1.1-former', 'delivered while joining'],
  ])(
    'the same of a second consumer (stopped and run: %s; heartbeats of %s)',
    (isStopped, speaks, signature) => {
      const { story, m1 } = alone();
      story.produces(2);
      const { process } = m1;
      const group = { group: 'billing' };
      const assignment = [{ topic: 'orders', partitions: [0] }];
      m1.works(0, 1);
      const former = { ...group, memberId: 'm1.1-former', generation: 2 };
      story.emit({ process, kind: 'wire-join', ...former, leaderMemberId: 'm1.1-former', error: null });
      story.emit({ process, kind: 'wire-sync', ...former, assignment, error: null });
      if (isStopped) m1.calls('stop').calls('run');
      m1.isJoining(3).works(0, 1);
      story.emit({
        process,
        kind: 'wire-heartbeat',
        ...group,
        memberId: speaks,
        generation: 2,
        error: 'UNKNOWN_MEMBER_ID',
      });
      story.emit({
        process,
        kind: 'wire-sync',
        ...group,
        memberId: m1.memberId,
        generation: 3,
        assignment,
        error: null,
      });
      expect(findings(ownedConsumption, story).map((one) => one.split(' | ')[1])).toEqual([signature]);
    },
  );

  it('the same where the member has been let into the generation twice: by two parts of the client', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 1).isJoining(2).isJoining(2).works(0, 1);
    const { process, memberId } = m1;
    const assignment = [{ topic: 'orders', partitions: [0] }];
    const generation = { group: 'billing', memberId, generation: 2 };
    story.emit({ process, kind: 'wire-sync', ...generation, assignment, error: null });
    expect(findings(ownedConsumption, story).map((one) => one.split(' | ')[1])).toEqual([
      'delivered while another part of the client joined',
    ]);
  });

  it('a delivery after the member has left', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 1).departs().works(0, 1);
    expect(findings(ownedConsumption, story)).toMatchInlineSnapshot(`
      [
        "illegal | delivered after it had left | m1.1 was handed offset 1 of orders/0 in group billing after it had left the group. | wire-leave delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a delivery of a partition that a member has not taken by hand', () => {
    const { story, m1 } = byHand();
    story.produces(1);
    story.produces(1, { partition: 1 });
    m1.works(0, 1).works(1, 1);
    expect(findings(ownedConsumption, story.ends({ drain: false }))).toMatchInlineSnapshot(`
      [
        "illegal | delivered from a partition that is not assigned | m1.1 was handed offset 0 of orders/1 in group billing which it has not taken. | delivery | billing orders 1 m1.1",
      ]
    `);
  });

  it('a delivery before the first assignment', () => {
    const { story, m1 } = alone();
    story.produces(1);
    const m2 = story.joins('m2');
    m2.isJoining(2).delivers(0, [0]);
    m1.works(0, 1);
    expect(findings(ownedConsumption, story)).toMatchInlineSnapshot(`
      [
        "illegal | delivered in a generation in which it never got an assignment | m2.1 was handed offset 0 of orders/0 in group billing after it had joined generation 2 and before it had its assignment. | wire-join delivery | billing orders 0 m2.1",
      ]
    `);
  });

  it('as observed what is handed over while the coordinator is away', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 1);
    story.during({ kind: 'pause-broker', broker: 1 }, () => m1.departs().works(0, 1));
    expect(findings(ownedConsumption, story)).toMatchInlineSnapshot(`
      [
        "observed | delivered after it had left a coordinator that it could not reach | m1.1 was handed offset 1 of orders/0 in group billing after it had left the group. | wire-leave delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('the same where the member was told that its coordinator is elsewhere', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 1).departs().isRefused('NOT_COORDINATOR').works(0, 1);
    expect(findings(ownedConsumption, story)).toMatchInlineSnapshot(`
      [
        "observed | delivered after it had left a coordinator that it could not reach | m1.1 was handed offset 1 of orders/0 in group billing after it had left the group. | wire-leave delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('the same where a commit is answered so that was under way when it left', () => {
    const tell = (refused: string) => {
      const { story, m1 } = alone();
      story.produces(2);
      m1.works(0, 1).departs().commits(0, 1, { told: { refused } }).works(0, 1);
      return findings(ownedConsumption, story).map((one) => one.split(' | ').slice(0, 2).join(' | '));
    };
    const observed = 'observed | delivered after it had left a coordinator that it could not reach';
    expect(tell('NOT_COORDINATOR')).toEqual([observed]);
    expect(tell('UNKNOWN_MEMBER_ID')).toEqual(['illegal | delivered after it had left']);
  });

  it('the same by the reports of a client whose traffic is not known', () => {
    const { story, m1, m2 } = pair({ wire: false });
    story.produces(2);
    story.generation([
      [m1, []],
      [m2, [0, 1]],
    ]);
    m1.works(0, 1);
    expect(findings(ownedConsumption, story)).toMatchInlineSnapshot(`
      [
        "illegal | delivered from a partition that is not assigned | m1.1 was handed offset 0 of orders/0 in group billing although generation 2 assigns it to m2.1. | client-joined delivery | billing orders 0 m1.1",
      ]
    `);
  });
});
