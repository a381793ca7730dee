/** explained-resume on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { duplicateBound } from './duplicate-bound.ts';
import { explainedResume } from './explained-resume.ts';
import { offsetReset } from './offset-reset.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, byHand, handOver, pair } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

/** `m2` takes over orders/0 after m1 committed 2 of five records, and starts where it is told. */
const takesOver = (at: number, wire = true) => {
  const { story, m1, m2 } = pair({ wire });
  story.produces(5);
  m1.works(0, 3).commits(0, 2).crashes();
  story.wait(6_000).generation([[m2, [0, 1]]]);
  m2.stands(0, at).works(0, 1);
  return story.ends({ drain: false });
};

describeGoodHistories(explainedResume);

describe('finds', () => {
  it('a start past the commit', () => {
    expect(findings(explainedResume, takesOver(4))).toMatchInlineSnapshot(`
      [
        "illegal | skipped past the last commit | m2.1 resumed orders/0 in group billing at 4 and not at the committed 2, so it skipped offsets 2 and 3. | commit-accepted wire-offset-fetch delivery | billing orders 0 m2.1",
      ]
    `);
  });

  it('a start before the commit', () => {
    expect(findings(explainedResume, takesOver(1))).toMatchInlineSnapshot(`
      [
        "illegal | resumed before the last commit | m2.1 resumed orders/0 in group billing at 1, although 2 had been committed. | commit-accepted wire-offset-fetch delivery | billing orders 0 m2.1",
      ]
    `);
  });

  it('both without a tap', () => {
    expect(findings(explainedResume, takesOver(3, false))).toMatchInlineSnapshot(`
      [
        "illegal | skipped past the last commit | m2.1 resumed orders/0 in group billing at 3 and not at the committed 2, so it skipped offset 2. | commit-accepted delivery | billing orders 0 m2.1",
      ]
    `);
    expect(findings(explainedResume, takesOver(0, false))).toMatchInlineSnapshot(`
      [
        "illegal | resumed before the last commit | m2.1 resumed orders/0 in group billing at 0, although 2 had been committed. | commit-accepted delivery | billing orders 0 m2.1",
      ]
    `);
  });

  it('nothing for the right start, with a tap or without', () => {
    expect(findings(explainedResume, takesOver(2))).toEqual([]);
    expect(findings(explainedResume, takesOver(2, false))).toEqual([]);
  });

  it('a start in the middle of a log that nothing was committed for', () => {
    const story = new Story();
    story.produces(5);
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]);
    m1.stands(0, 2).works(0, 3);
    expect(findings(explainedResume, story)).toMatchInlineSnapshot(`
      [
        "illegal | start without a commit is not what auto.offset.reset says | m1.1 started orders/0 in group billing at 2 without a committed offset, but auto.offset.reset earliest asks for offset 0, the first that the log still holds. | wire-offset-fetch wire-list-offsets delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a start before the end that latest was told', () => {
    const story = new Story({ groups: [{ autoOffsetReset: 'latest' }] });
    story.produces(5);
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]);
    m1.stands(0, 3).works(0, 2);
    expect(findings(explainedResume, story)).toMatchInlineSnapshot(`
      [
        "illegal | start without a commit is not what auto.offset.reset says | m1.1 started orders/0 in group billing at 3 without a committed offset, but the log end that it was told is 5. | wire-offset-fetch wire-list-offsets delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('without a tap, a start of latest before what had been acknowledged', () => {
    const story = new Story({ wire: false, groups: [{ autoOffsetReset: 'latest' }] });
    story.produces(5);
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]);
    m1.stands(0, 4).works(0, 1);
    expect(findings(explainedResume, story)).toMatchInlineSnapshot(`
      [
        "illegal | start without a commit is not what auto.offset.reset says | m1.1 started orders/0 in group billing at 4 without a committed offset, but auto.offset.reset latest asks for the log's end, and offset 4 had been acknowledged before. | delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('nothing where a member goes on behind what it had in hand over a rebalance, and has committed since', () => {
    const signatures = (hasCommitted: boolean) => {
      const { story, m1 } = alone();
      story.produces(4);
      m1.works(0, 1).commits(0, 1).delivers(0, [1]).begins(0, 1);
      story.generation([[m1, [0]]]);
      m1.finishes(0, 1);
      if (hasCommitted) m1.commits(0, 2);
      // What comes next is handed over twice: its first transaction was aborted.
      m1.delivers(0, [2]).processes(0, 2).delivers(0, [2]).processes(0, 2);
      return findings(explainedResume, story).map((one) => one.split(' | ')[1]);
    };
    expect(signatures(true)).toEqual([]);
    expect(signatures(false)).toEqual(['skipped past the last commit']);
  });

  it('nothing where a client without a tap keeps its position over a rebalance', () => {
    const { story, m1, m2 } = pair({ wire: false });
    story.produces(4);
    m1.works(0, 2).commits(0, 1);
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    m1.stands(0, 2).works(0, 2);
    expect(findings(explainedResume, story)).toEqual([]);
  });

  it('nothing after a position out of range, which is the matter of offset-reset', () => {
    const { story, m1, m2 } = pair();
    story.produces(6);
    m1.works(0, 2).commits(0, 2);
    story.deletesRecords(4);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m2.stands(0, 5).works(0, 1).commits(0, 6);
    expect(findings(explainedResume, story)).toEqual([]);
  });

  it('a start behind the commit in a partition that a cooperative member had given up in between', () => {
    const { story, m1, m2 } = handOver();
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    story.produces(4);
    m1.works(0, 2).commits(0, 1);
    story.generation([
      [m1, []],
      [m2, [1]],
    ]);
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    m1.stands(0, 0).works(0, 4).commits(0, 4);
    expect(findings(explainedResume, story)).toMatchInlineSnapshot(`
      [
        "illegal | resumed before the last commit | m1.1 resumed orders/0 in group billing at 0, although 1 had been committed. | commit-accepted wire-offset-fetch delivery | billing orders 0 m1.1",
      ]
    `);
  });

  // No generation fences it, and what it was told was true when the coordinator said so (Kafka's fetchOffsets).
  it('a start of a member by hand at an offset that was removed while the answer was on its way, and no later', () => {
    const tell = (onItsWayMs: number, isSlowed = false) => {
      const { story, m1 } = byHand();
      story.produces(4);
      m1.works(0, 3).commits(0, 3).crashes();
      const comesBack = (): unknown => story.wait(onItsWayMs).joins('m1').assigns({ told: 3 }).works(0, 1);
      story.wait(1_000).deletesOffsets();
      const link = { process: 'm1', broker: null };
      const latencyMs = { min: 250, max: 500 };
      if (isSlowed)
        story.during(
          { kind: 'slow-link', link, latencyMs, bytesPerSecond: null, lossPerThousand: 0 },
          comesBack,
        );
      else comesBack();
      const history = story.history();
      const network = { latencyMs: { min: 20, max: 150 }, bytesPerSecond: null, lossPerThousand: 0 };
      Object.assign(history.start.scenario.topology, { network });
      return [explainedResume, offsetReset, duplicateBound].flatMap((one) =>
        one.check(history).map(({ signature }) => signature),
      );
    };
    expect(tell(20)).toEqual([]);
    expect(tell(300, true)).toEqual([]);
    expect(tell(300)).toEqual([
      'start without a commit is not what auto.offset.reset says',
      'wrong start without a committed offset',
      'uncommitted records did not come again',
    ]);
  });
});
