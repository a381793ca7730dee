/** no-spurious-rebalance on hand-written histories. */
import { describe, expect, it } from 'vitest';
import type { Group } from '../scenarios/schema.ts';
import { noSpuriousRebalance } from './no-spurious-rebalance.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, pair } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

describeGoodHistories(noSpuriousRebalance);

describe('finds', () => {
  it('a generation out of nothing', () => {
    const { story, m1, m2 } = pair();
    story.wait(30_000).generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    expect(findings(noSpuriousRebalance, story)).toMatchInlineSnapshot(`
      [
        "illegal | generation without a cause | Generation 2 of group billing has the members of generation 1, and nothing had happened since. | group-generation group-generation | billing",
      ]
    `);
  });

  it('none where the group begins anew, since it had been removed when its offsets had expired', () => {
    const again = (isRemoved: boolean) => {
      const { story, m1 } = alone();
      m1.leaves();
      story.empties().wait(60_000);
      if (isRemoved) story.forgets();
      story.group().generation = -1;
      return findings(noSpuriousRebalance, story.empties());
    };
    expect(again(true)).toEqual([]);
    expect(again(false)).toMatchInlineSnapshot(`
      [
        "illegal | generation without a cause | Generation 0 of group billing has the members of generation 2, and nothing had happened since. | group-generation group-generation | billing",
      ]
    `);
  });

  // The request of a static member that has ended arrives, and its place expires before its assignment is written.
  it('none after the group was created for a process that had just ended', () => {
    const tell = (number: number, waitMs: number) => {
      const story = new Story();
      story.joins('m1').leaves();
      story.wait(waitMs).group().generation = number - 1;
      story.empties().wait(6_000).group().generation += 1;
      return findings(noSpuriousRebalance, story.empties());
    };
    expect(tell(0, 130)).toEqual([]);
    expect(tell(0, 30_000)).toHaveLength(1);
    expect(tell(1, 130)).toMatchInlineSnapshot(`
      [
        "illegal | generation without a cause | Generation 3 of group billing has the members of generation 1, and nothing had happened since. | group-generation group-generation | billing",
      ]
    `);
  });

  it('one after a generation whose number had been that of one without a sync, before the group was removed', () => {
    const story = new Story();
    const m1 = story.joins('m1').isJoining();
    story.generation([[m1, [0]]], { unaware: [m1] });
    m1.crashes();
    story.wait(20_000).empties().forgets();
    const m2 = story.joins('m2');
    story.generation([[m2, [0]]]);
    story.wait(60_000).generation([[m2, [0]]]);
    expect(findings(noSpuriousRebalance, story)).toMatchInlineSnapshot(`
      [
        "illegal | generation without a cause | Generation 2 of group billing has the members of generation 1, and nothing had happened since. | group-generation group-generation | billing",
      ]
    `);
  });

  it('a member that loses its place out of nothing', () => {
    const { story, m2 } = pair();
    story.wait(30_000).generation([[m2, [0, 1]]]);
    expect(findings(noSpuriousRebalance, story)).toMatchInlineSnapshot(`
      [
        "illegal | member lost its place without a cause | Generation 2 of group billing is without the place that m1.1 had in generation 1, and nothing had happened to it or to the group. | group-generation group-generation | billing m1.1",
      ]
    `);
  });

  it('one that loses it in a handler call, although another one comes and explains the generation', () => {
    const { story, m1, m2 } = pair();
    story.produces(1);
    m1.delivers(0, [0]).begins(0, 0);
    story.wait(5_500);
    const m3 = story.joins('m3');
    story.generation([
      [m2, [0]],
      [m3, [1]],
    ]);
    m1.finishes(0, 0);
    expect(findings(noSpuriousRebalance, story)).toMatchInlineSnapshot(`
      [
        "illegal | member lost its place while its handler worked | Generation 2 of group billing is without the place that m1.1 had in generation 1, and nothing had happened to it or to the group: its handler had been at offset 0 of orders/0 for 5600 ms. | group-generation processing-begin group-generation | billing m1.1",
      ]
    `);
  });

  it('but none that a cooperative client handed more while the commit before its join was under way', () => {
    const auto = { kind: 'auto', intervalMs: 200, thresholdRecords: null } as const;
    const tell = ({
      commitMode = auto as Group['commitMode'],
      assignor = 'cooperative-sticky' as 'cooperative-sticky' | 'range',
      isCalled = true,
      workMs = 3_000,
    }) => {
      const { story, m1, m2 } = pair({
        groups: [{ sessionTimeoutMs: 3_000, commitMode, assignors: [assignor] }],
      });
      story.produces(2);
      const m3 = story.joins('m3');
      m1.delivers(0, [0]).begins(0, 0);
      if (isCalled) m1.isRefused('REBALANCE_IN_PROGRESS');
      story.wait(workMs);
      m1.finishes(0, 0).delivers(0, [1]).begins(0, 1);
      story.wait(workMs).generation([
        [m2, [0]],
        [m3, [1]],
      ]);
      m1.finishes(0, 1);
      return findings(noSpuriousRebalance, story).map((one) => one.split(' | ')[1]);
    };
    expect(tell({})).toEqual([]);
    const busy = ['member lost its place while its handler worked'];
    expect(tell({ commitMode: { kind: 'per-record' } })).toEqual(busy);
    expect(tell({ assignor: 'range' })).toEqual(busy);
    expect(tell({ isCalled: false })).toEqual(busy);
    expect(tell({ workMs: 2_500 })).toEqual(busy);
  });

  // The Java client's rebalance timeout is max.poll.interval.ms: between two polls in that time it may yet be late.
  it('but none that worked on its last poll when a rebalance began before that, until the wait for it was over', () => {
    const tell = ({ isCalled = true, sincePollMs = 0, workMs = 5_500 }) => {
      const { story, m1, m2 } = pair({ groups: [{ sessionTimeoutMs: 3_000, rebalanceTimeoutMs: 6_000 }] });
      story.produces(2);
      const m3 = story.joins('m3');
      m1.delivers(0, [0]).begins(0, 0);
      if (isCalled) m1.isRefused('REBALANCE_IN_PROGRESS');
      story.wait(100);
      m1.finishes(0, 0).delivers(0, [1], { sincePollMs }).begins(0, 1);
      story.wait(workMs).generation([
        [m2, [0]],
        [m3, [1]],
      ]);
      m1.finishes(0, 1);
      return findings(noSpuriousRebalance, story).map((one) => one.split(' | ')[1]);
    };
    const busy = ['member lost its place while its handler worked'];
    expect(tell({ sincePollMs: 300 })).toEqual([]);
    expect(tell({})).toEqual(busy);
    expect(tell({ sincePollMs: 300, isCalled: false })).toEqual(busy);
    expect(tell({ sincePollMs: 300, workMs: 4_500 })).toEqual(busy);
  });

  it('one that loses it in the transaction that its handler makes of a record', () => {
    const { story, m1, m2 } = pair();
    story.produces(1);
    m1.works(0, 1);
    story.emit({ process: m1.process, kind: 'transaction', transaction: 0, call: 'begin' });
    story.wait(30_000).generation([[m2, [0, 1]]]);
    expect(findings(noSpuriousRebalance, story)).toMatchInlineSnapshot(`
      [
        "illegal | member lost its place while its handler worked | Generation 2 of group billing is without the place that m1.1 had in generation 1, and nothing had happened to it or to the group: its handler had been at offset 0 of orders/0, and at the transaction 0 after it, for 30080 ms. | group-generation processing-begin group-generation | billing m1.1",
      ]
    `);
  });

  it('one that loses it in a handler call that is longer than its session', () => {
    const { story, m1, m2 } = pair();
    story.produces(1);
    m1.delivers(0, [0]).begins(0, 0);
    story.wait(30_000).generation([[m2, [0, 1]]]);
    m1.finishes(0, 0);
    expect(findings(noSpuriousRebalance, story)).toMatchInlineSnapshot(`
      [
        "illegal | member lost its place while its handler worked | Generation 2 of group billing is without the place that m1.1 had in generation 1, and nothing had happened to it or to the group: its handler had been at offset 0 of orders/0 for 30040 ms. | group-generation processing-begin group-generation | billing m1.1",
      ]
    `);
  });

  it('one that loses it while its client waits to try a failed record again', () => {
    const { story, m1, m2 } = pair();
    story.produces(1);
    m1.delivers(0, [0]).processes(0, 0, 'failed');
    story.wait(30_000).generation([[m2, [0, 1]]]);
    m2.works(0, 1).commits(0, 1);
    expect(findings(noSpuriousRebalance, story)).toMatchInlineSnapshot(`
      [
        "illegal | member lost its place while it waited to try a failed record again | Generation 2 of group billing is without the place that m1.1 had in generation 1, and nothing had happened to it or to the group: its handler had failed at offset 0 of orders/0, and the client had waited for 30040 ms since then. | group-generation processing-end group-generation | billing m1.1",
      ]
    `);
  });

  it('and is told so where the client has just gone on with its work when the others have joined', () => {
    const causes = (sinceMs: number) => {
      const { story, m1, m2 } = pair();
      story.produces(1);
      m1.delivers(0, [0]).processes(0, 0, 'failed');
      story.wait(30_000);
      m1.begins(0, 0);
      story.wait(sinceMs).generation([[m2, [0, 1]]]);
      m1.finishes(0, 0);
      return findings(noSpuriousRebalance, story).map((one) => one.split(' | ')[1]);
    };
    expect(causes(10)).toEqual(['member lost its place while it waited to try a failed record again']);
    expect(causes(1_000)).toEqual(['member lost its place without a cause']);
  });

  // What it was told before it joined anew has had its effect.
  it('one that loses its place anew, whatever it had been told before it joined', () => {
    const { story, m1, m2 } = pair();
    m2.isRefused('UNKNOWN_MEMBER_ID');
    story.generation([[m1, [0, 1]]]);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    story.wait(1_000).generation([[m1, [0, 1]]]);
    expect(findings(noSpuriousRebalance, story).map((one) => one.split(' | ')[1])).toEqual([
      'member lost its place without a cause',
    ]);
  });

  // kafkajs pauses longer from one failure to the next and sends no heartbeat between them (kafkajs-1415).
  it('one that loses it while its client waits again and again to try a failed record', () => {
    const { story, m1, m2 } = pair();
    story.produces(1);
    m1.delivers(0, [0]).processes(0, 0, 'failed');
    story.wait(2_600);
    m1.processes(0, 0, 'failed');
    story.wait(3_000);
    m1.processes(0, 0, 'failed');
    story.wait(200).generation([[m2, [0, 1]]]);
    m2.works(0, 1).commits(0, 1);
    expect(findings(noSpuriousRebalance, story)).toMatchInlineSnapshot(`
      [
        "illegal | member lost its place while it waited to try a failed record again | Generation 2 of group billing is without the place that m1.1 had in generation 1, and nothing had happened to it or to the group: its handler had failed at offset 0 of orders/0, and the client had waited 3 times to try again in the 5920 ms since then. | group-generation processing-end group-generation | billing m1.1",
      ]
    `);
  });

  it('and is told no such cause where the client had waited, and had time for heartbeats since', () => {
    const { story, m1, m2 } = pair({ groups: [{ heartbeatIntervalMs: 500 }] });
    story.produces(1);
    m1.delivers(0, [0]).processes(0, 0, 'failed');
    story.wait(30_000);
    m1.processes(0, 0);
    story.wait(3_000).generation([[m2, [0, 1]]]);
    m2.commits(0, 1);
    expect(findings(noSpuriousRebalance, story).map((one) => one.split(' | ')[1])).toEqual([
      'member lost its place without a cause',
    ]);
  });

  it('one that loses it while its client waits to try the records of an aborted transaction again', () => {
    const tell = (restMs: number) => {
      const { story, m1, m2 } = pair();
      story.produces(2);
      m1.works(0, 1);
      story.emit({
        process: 'm1.1',
        kind: 'transaction-end',
        transaction: 3,
        ending: 'abort',
        outcome: 'ok',
        error: null,
      });
      // Of the same fetch, in another transaction.
      m1.works(0, 1);
      story.emit({
        process: 'm1.1',
        kind: 'transaction-end',
        transaction: 4,
        ending: 'commit',
        outcome: 'ok',
        error: null,
      });
      return story.wait(restMs).generation([[m2, [0, 1]]]);
    };
    expect(findings(noSpuriousRebalance, tell(8_000))).toMatchInlineSnapshot(`
      [
        "illegal | member lost its place while it waited to try a failed record again | Generation 2 of group billing is without the place that m1.1 had in generation 1, and nothing had happened to it or to the group: its transaction 3 had been aborted, and the client had waited for 8120 ms since then. | group-generation transaction-end group-generation | billing m1.1",
      ]
    `);
    // So long ago that it had every time to get over it.
    expect(findings(noSpuriousRebalance, tell(90_000)).map((one) => one.split(' | ')[1])).toEqual([
      'member lost its place without a cause',
    ]);
  });

  it('as observed one that loses its place because its heartbeats do not fit into its session', () => {
    const { story, m2 } = pair({ groups: [{ heartbeatIntervalMs: 3_000 }] });
    story.wait(30_000).generation([[m2, [0, 1]]]);
    expect(findings(noSpuriousRebalance, story).map((one) => one.split(' | ')[0])).toEqual(['observed']);
  });

  it('a rebalance that only records were deleted for', () => {
    const { story, m1 } = alone();
    story.produces(2);
    story
      .wait(30_000)
      .deletesRecords(1)
      .generation([[m1, [0]]]);
    expect(findings(noSpuriousRebalance, story)).toMatchInlineSnapshot(`
      [
        "illegal | generation without a cause | Generation 2 of group billing has the members of generation 1, and nothing had happened since. | group-generation group-generation | billing",
      ]
    `);
  });
});

describe('a member that overruns max.poll.interval.ms', () => {
  /** In its handler call, or in the transaction after that. */
  const overruns = (isStatic: boolean, at: 'handler' | 'transaction' | 'nothing') => {
    const { story, m1, m2 } = pair({ groups: [{ staticMembership: isStatic, maxPollIntervalMs: 2_000 }] });
    story.produces(1);
    m1.delivers(0, [0], { sincePollMs: 0 }).begins(0, 0);
    if (at !== 'handler') m1.finishes(0, 0);
    story.wait(5_000);
    const transaction = { transaction: 0, ending: 'commit', outcome: 'ok', error: null } as const;
    if (at === 'transaction') story.emit({ process: m1.process, kind: 'transaction-end', ...transaction });
    story.wait(5_000).generation([[m2, [0, 1]]]);
    if (at === 'handler') m1.finishes(0, 0);
    return story;
  };

  it('leaves without a word where it is a static one', () => {
    expect(findings(noSpuriousRebalance, overruns(true, 'handler'))).toEqual([]);
    expect(findings(noSpuriousRebalance, overruns(true, 'transaction'))).toEqual([]);
  });

  it('says so where it is none, and has no cause to leave where it polls again', () => {
    expect(findings(noSpuriousRebalance, overruns(false, 'handler'))).toHaveLength(1);
    expect(findings(noSpuriousRebalance, overruns(true, 'nothing'))).toHaveLength(1);
  });
});
