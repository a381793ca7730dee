/** no-lost-commit on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { noLostCommit } from './no-lost-commit.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, pair } from './testing/good-histories.ts';

describeGoodHistories(noLostCommit);

describe('finds', () => {
  it('a confirmed commit that the log does not have', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 2).commits(0, 2, { written: false });
    expect(findings(noLostCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | confirmed commit is not in the log | The commit of orders/0 at 2 in group billing was confirmed to m1.1, and the coordinator's log does not have it. | commit-invoke commit-ok | billing orders 0 m1.1",
      ]
    `);
  });

  it('the second of two confirmed commits of one offset', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 2).commits(0, 2).commits(0, 2, { written: false });
    expect(findings(noLostCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | confirmed commit is not in the log | The commit of orders/0 at 2 in group billing was confirmed to m1.1, and the coordinator's log does not have it. | commit-invoke commit-ok | billing orders 0 m1.1",
      ]
    `);
  });

  it('a commit that the application was told of and that never left', () => {
    const { story, m1, m2 } = pair();
    story.produces(2);
    m1.works(0, 1).believesCommitted(0, 1).leaves();
    story.generation([[m2, [0, 1]]]);
    expect(findings(noLostCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | confirmed to the application but never sent | m1.1 was told that its commit of orders/0 at 1 in group billing had been done, and no request ever left. | application-commit application-commit-end | billing orders 0 m1.1",
      ]
    `);
  });

  it('the same where a later owner has made that commit since', () => {
    const { story, m1, m2 } = pair();
    story.produces(2);
    m1.works(0, 1).believesCommitted(0, 1).leaves();
    story.generation([[m2, [0, 1]]]);
    m2.works(0, 1).commits(0, 1);
    expect(findings(noLostCommit, story)).toHaveLength(1);
  });

  it('the same without a tap', () => {
    const { story, m1, m2 } = pair({ wire: false });
    story.produces(2);
    m1.works(0, 1).believesCommitted(0, 1).leaves();
    story.generation([[m2, [0, 1]]]);
    expect(findings(noLostCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | confirmed to the application but not in the log | m1.1 was told that its commit of orders/0 at 1 in group billing had been done, and the coordinator's log did not have it. | application-commit application-commit-end | billing orders 0 m1.1",
      ]
    `);
  });

  it('an owner that is told an older offset after the coordinator came back', () => {
    const { story, m1, m2 } = pair();
    story.produces(4);
    m1.works(0, 2).commits(0, 2).works(0, 1).commits(0, 3);
    story.during({ kind: 'crash-broker', broker: 1 }, () => story.wait(1_000));
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m2.resolves(0, { told: 2 });
    expect(findings(noLostCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | owner was given an older position than the last commit | m2.1 asked for the committed offset of orders/0 in group billing and was told 2, although 3 had been accepted. | commit-accepted group-generation wire-offset-fetch | billing orders 0 m2.1",
      ]
    `);
  });

  it('an owner that is told that there is no offset', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 2).commits(0, 2).leaves();
    const m2 = story.empties().joins('m2');
    story.generation([[m2, [0]]]);
    m2.resolves(0, { told: null });
    expect(findings(noLostCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | owner was given an older position than the last commit | m2.1 asked for the committed offset of orders/0 in group billing and was told that there is none, although 2 had been accepted. | commit-accepted group-generation wire-offset-fetch | billing orders 0 m2.1",
      ]
    `);
  });

  it('without a tap, an owner that resumes before the commit', () => {
    const { story, m1, m2 } = pair({ wire: false });
    story.produces(4);
    m1.works(0, 3).commits(0, 3).crashes();
    story.wait(6_000).generation([[m2, [0, 1]]]);
    m2.stands(0, 1).works(0, 3);
    expect(findings(noLostCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | owner resumed before the last commit | m2.1 resumed orders/0 in group billing at 1, although 3 had been committed. | commit-accepted delivery | billing orders 0 m2.1",
      ]
    `);
  });

  it('a final offset that is not the last commit', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 2).commits(0, 2).crashes();
    story.wait(6_000).empties();
    story.group().committed.set('orders/0', 1);
    expect(findings(noLostCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | final committed offset is not the last commit | Group billing ends with the committed offset 1 for orders/0, and the last one that its coordinator accepted is 2. | commit-accepted fact-committed | billing orders 0",
      ]
    `);
  });

  it('nothing where a commit was still on its way when the final offset was read', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 2).commits(0, 1).crashes();
    story.ends().wait(100).accepts('orders', 0, 2);
    expect(findings(noLostCommit, story)).toEqual([]);
  });

  it('nothing where the application was told that its commit failed, or nothing at all', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 2).commits(0, 1, { told: { refused: 'REBALANCE_IN_PROGRESS' }, byApplication: true });
    m1.commits(0, 2, { told: 'silence', written: false, byApplication: true });
    expect(findings(noLostCommit, story)).toEqual([]);
  });

  it('nothing in what a member is told of a partition that it does not own', () => {
    const { story, m1, m2 } = pair();
    story.produces(2);
    m1.works(0, 2).commits(0, 2);
    m2.resolves(0, { told: 1 });
    expect(findings(noLostCommit, story)).toEqual([]);
  });

  it('nothing where a client without a tap keeps its position over a rebalance', () => {
    const { story, m1, m2 } = pair({ wire: false });
    story.produces(4);
    m1.works(0, 2);
    story.accepts('orders', 0, 4);
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    m1.stands(0, 2).works(0, 2);
    expect(findings(noLostCommit, story)).toEqual([]);
  });
});
