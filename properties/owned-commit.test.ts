/** owned-commit on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { ownedCommit } from './owned-commit.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, handOver, pair } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

describeGoodHistories(ownedCommit);

describe('finds', () => {
  it('an accepted commit of a replaced generation', () => {
    const { story, m1, m2 } = pair();
    story.produces(3);
    m1.works(0, 2);
    story.generation([[m2, [0, 1]]]);
    m1.commits(0, 2);
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit of a replaced generation was accepted | The coordinator accepted the commit of orders/0 at 2 in group billing by m1.1 as m1.1-id of generation 1, when generation 2 was current. | group-generation commit-invoke commit-accepted | billing orders 0 m1.1",
        "illegal | commit of a replaced generation was accepted | The coordinator accepted the commit of orders/0 at 4 in group billing by m1.1 as m1.1-id of generation 1, when generation 2 was current. | group-generation commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
  });

  it('a commit of a partition that the current generation gives to another member', () => {
    const { story, m1, m2 } = pair();
    story.produces(3);
    m1.works(0, 2);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    m1.commits(0, 2);
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit of a partition that the member did not own | m1.1 committed orders/0 at 2 in generation 2 of group billing, which assigns it to m2.1. | group-generation commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
  });

  it('a commit into an empty group in the name of its last generation', () => {
    const { story, m1 } = alone();
    story.produces(1);
    m1.works(0, 1);
    story.empties();
    m1.commits(0, 1);
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit of a replaced generation was accepted | The coordinator accepted the commit of orders/0 at 1 in group billing by m1.1 as m1.1-id of generation 1, when generation 2 without members was current. | group-generation commit-invoke commit-accepted | billing orders 0 m1.1",
        "illegal | commit of a replaced generation was accepted | The coordinator accepted the commit of orders/0 at 2 in group billing by m1.1 as m1.1-id of generation 1, when generation 2 without members was current. | group-generation commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
  });

  it('an accepted commit that nobody asked for', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 3).commits(0, 1);
    story.accepts('orders', 0, 2);
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | accepted commit that nobody asked for | The coordinator accepted a commit of orders/0 at 2 in group billing, and no member asked for it. | commit-accepted | billing orders 0",
      ]
    `);
  });

  it('a refused commit that was written', () => {
    const { story, m1 } = alone();
    story.produces(1);
    m1.works(0, 1).commits(0, 1, { told: { refused: 'ILLEGAL_GENERATION' }, written: true });
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | refused commit was written | The commit of orders/0 at 1 in group billing was refused to m1.1 with ILLEGAL_GENERATION, and the coordinator wrote it all the same. | commit-invoke commit-accepted commit-fail | billing orders 0 m1.1",
      ]
    `);
  });

  it('a refusal that the application is told nothing of', () => {
    const { story, m1 } = alone();
    story.produces(1);
    const offsets = [{ topic: 'orders', partition: 0, offset: '1' }];
    const call = { process: m1.process, group: 'billing', call: 7 };
    m1.works(0, 1);
    story.emit({ ...call, kind: 'application-commit', awaited: true, offsets });
    m1.commits(0, 1, { told: { refused: 'REBALANCE_IN_PROGRESS' } });
    story.emit({ ...call, kind: 'application-commit-end', outcome: 'ok', error: null });
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | refused commit was reported as done | m1.1 was told that its commit of orders/0 at 1 in group billing had been done, and the coordinator had refused it with REBALANCE_IN_PROGRESS. | application-commit commit-invoke commit-fail application-commit-end | billing orders 0 m1.1",
      ]
    `);
  });

  it('a negative commit: observed when it was called for, illegal when not, and when repeated', () => {
    const story = new Story({ marksResets: true });
    story.produces(6);
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]);
    m1.works(0, 1).commits(0, 1);
    story.deletesRecords(3);
    m1.findsOutOfRange(0).commits(0, -2);
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "observed | negative offset committed after a position out of range | m1.1 committed -2 for orders/0 in group billing, which erases its position, after 1 had been out of range. | wire-fetch-error commit-invoke commit-accepted | billing orders 0 m1.1",
        "illegal | negative offset committed without need | m1.1 committed -2 for orders/0 in group billing, which erases its position, and again for the same answer, that 1 is out of range. | wire-fetch-error commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
  });

  it('a negative commit because a follower was behind', () => {
    const { story, m1 } = alone({ marksResets: true });
    story.produces(3);
    m1.isSentToFollower(0).works(0, 1).commits(0, 1).findsOutOfRange(0).commits(0, 1);
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | negative offset committed since a follower was behind | m1.1 committed -2 for orders/0 in group billing, which erases its position, although 1 was in the log's range, and only the follower that it read from had not got there. | wire-fetch-error commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
  });

  it('a negative commit that nothing called for', () => {
    const { story, m1 } = alone({ marksResets: true });
    story.produces(3);
    m1.works(0, 1).commits(0, 1).findsOutOfRange(0).commits(0, 1);
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | negative offset committed without need | m1.1 committed -2 for orders/0 in group billing, which erases its position, although 1 was in the log's range. | wire-fetch-error commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
    const other = alone();
    other.m1.commits(0, -1);
    expect(findings(ownedCommit, other.story)).toMatchInlineSnapshot(`
      [
        "illegal | negative offset committed without need | m1.1 committed -1 for orders/0 in group billing, which erases its position, and nothing had been out of range. | commit-invoke commit-accepted | billing orders 0 m1.1",
      ]
    `);
  });

  it('a commit of a partition that a cooperative group keeps back, by a member that never had it', () => {
    const { story, m1, m2 } = handOver();
    story.produces(1, { partition: 1 });
    m2.delivers(1, [0]).processes(1, 0).commits(1, 1);
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    expect(findings(ownedCommit, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit of a partition that the member did not own | m2.1 committed orders/1 at 1 in generation 2 of group billing, which assigns it to nobody. | group-generation commit-invoke commit-accepted | billing orders 1 m2.1",
      ]
    `);
  });
});

it('nothing in a commit that an operator had made long before a member asked for the same one in vain', () => {
  const story = new Story();
  story.produces(2);
  story.act({ kind: 'alter-offsets', group: 'billing', topic: 'orders', partition: 0, offset: 1 });
  story.accepts('orders', 0, 1).wait(5_000);
  const m1 = story.joins('m1');
  story.generation([[m1, [0]]]);
  m1.commits(0, 1, { told: 'unknown', written: false }).works(0, 1).commits(0, 2);
  expect(findings(ownedCommit, story)).toEqual([]);
});
