/** commit-within-processed on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { commitWithinProcessed } from './commit-within-processed.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

describeGoodHistories(commitWithinProcessed);

describe('finds', () => {
  it('a commit of what nobody was handed', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 1).commits(0, 3);
    expect(findings(commitWithinProcessed, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit covers a record that was never delivered | m1.1 committed orders/0 at 3 in group billing, and offsets 1 and 2 were not handed over to anybody by then. | commit-invoke delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('commits of what is in hand, told once for a whole assignment', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.delivers(0, [0, 1, 2]).commits(0, 1).processes(0, 0).commits(0, 2).begins(0, 1).commits(0, 3);
    expect(findings(commitWithinProcessed, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit covers a record whose processing had not begun | m1.1 committed orders/0 at 1 in group billing, and offset 0 was not begun by then (and so with 3 later commits). | delivery commit-invoke | billing orders 0 m1.1",
        "illegal | commit covers a record whose processing had not ended well | m1.1 committed orders/0 at 3 in group billing, and offset 1 was not processed to the end by then (and so with 1 later commit). | delivery commit-invoke | billing orders 0 m1.1",
      ]
    `);
  });

  it('as observed the same with commit-then-process', () => {
    const { story, m1 } = alone({ groups: [{ commitOrder: 'commit-then-process' }] });
    story.produces(2);
    m1.delivers(0, [0]).commits(0, 1).processes(0, 0).commits(0, 2);
    expect(findings(commitWithinProcessed, story).map((one) => one.split(' | ').slice(0, 2))).toEqual([
      ['observed', 'commit covers a record whose processing had not begun'],
      ['illegal', 'commit covers a record that was never delivered'],
    ]);
  });

  it('a commit of a record that failed', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.delivers(0, [0]).processes(0, 0, 'failed').commits(0, 1).stands(0, 0).works(0, 2);
    expect(findings(commitWithinProcessed, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit covers a record whose processing had not ended well | m1.1 committed orders/0 at 1 in group billing, and offset 0 was not processed to the end by then. | delivery commit-invoke | billing orders 0 m1.1",
      ]
    `);
  });

  it("the application's own commits where the traffic is not known", () => {
    const { story, m1 } = alone({ wire: false });
    story.produces(2);
    m1.works(0, 1).commits(0, 2, { byApplication: true });
    expect(findings(commitWithinProcessed, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit covers a record that was never delivered | m1.1 committed orders/0 at 2 in group billing, and offset 1 was not handed over to anybody by then. | application-commit delivery | billing orders 0 m1.1",
      ]
    `);
  });
});

/** The application seeks in two partitions that hold nothing new, and commits its positions over a cooperative rebalance. */
const seeksOverRebalance = (isSought: boolean): Story => {
  const story = new Story({ topics: { orders: 2 }, groups: [{ assignors: ['cooperative-sticky'] }] });
  const m1 = story.joins('m1');
  story.generation([[m1, [0, 1]]]).produces(2, { partition: 0 });
  story.produces(2, { partition: 1 });
  if (isSought) m1.calls('seek', { partitions: [0, 1], offset: 2 });
  const m2 = story.joins('m2');
  const shares = [
    [m1, [0]],
    [m2, []],
  ] as const;
  story.generation(shares, { busy: [m1] });
  m1.commits(1, 2).takesUp().commits(0, 2).stands(0, 2);
  return story.generation([
    [m1, [0]],
    [m2, [1]],
  ]);
};

describe('a position that the application has sought', () => {
  it('is committed by a cooperative member after a rebalance, and so is what that takes away', () => {
    expect(findings(commitWithinProcessed, seeksOverRebalance(true))).toEqual([]);
    expect(findings(commitWithinProcessed, seeksOverRebalance(false))).toHaveLength(2);
  });
});
