/** read-committed on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { readCommitted } from './read-committed.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone } from './testing/good-histories.ts';

describeGoodHistories(readCommitted);

describe('finds', () => {
  const group = { groups: [{ isolationLevel: 'read_committed' as const }] };

  it('an aborted and an open record', () => {
    const { story, m1 } = alone(group);
    story.produces(2);
    story.transaction(0, 0, { state: 'aborted', endedAt: story.time });
    story.transaction(0, 1, { state: 'open', endedAt: null });
    m1.works(0, 2).commits(0, 2);
    expect(findings(readCommitted, story)).toMatchInlineSnapshot(`
      [
        "illegal | read from an aborted transaction | m1.1 was handed offset 0 of orders/0 in group billing with read_committed, and its transaction was aborted. | delivery fact-log | billing orders 0 m1.1",
        "illegal | read from an open transaction | m1.1 was handed offset 1 of orders/0 in group billing with read_committed, and its transaction is still open. | delivery fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('a record that is read before it is committed', () => {
    const { story, m1 } = alone(group);
    story.produces(1);
    m1.works(0, 1).commits(0, 1);
    story.transaction(0, 0, { state: 'committed', endedAt: story.time + 1_000 });
    expect(findings(readCommitted, story)).toMatchInlineSnapshot(`
      [
        "illegal | read before it was committed | m1.1 was handed offset 0 of orders/0 in group billing with read_committed, before its transaction was committed. | delivery fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('the same in a client that reads committed records by itself', () => {
    const { story, m1 } = alone();
    story.produces(1);
    story.transaction(0, 0, { state: 'aborted', endedAt: story.time });
    m1.works(0, 1).commits(0, 1);
    expect(findings(readCommitted, story)).toHaveLength(1);
  });
});
