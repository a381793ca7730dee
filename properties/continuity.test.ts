/** continuity on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { continuity } from './continuity.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone } from './testing/good-histories.ts';

describeGoodHistories(continuity);

describe('finds', () => {
  it('records that are left out', () => {
    const { story, m1 } = alone();
    story.produces(6);
    m1.works(0, 1).stands(0, 3).works(0, 1).stands(0, 5).works(0, 1).commits(0, 6);
    expect(findings(continuity, story)).toMatchInlineSnapshot(`
      [
        "illegal | records were left out inside one assignment | m1.1 was handed offsets 0 to 6 of orders/0 in group billing in one go, but for offsets 1, 2 and 4, which the log holds. | delivery delivery fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('a batch with its records in disorder', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.delivers(0, [0, 2, 1]).processes(0, 0).processes(0, 1).processes(0, 2).stands(0, 3).commits(0, 3);
    expect(findings(continuity, story)).toMatchInlineSnapshot(`
      [
        "illegal | records were left out inside one assignment | m1.1 was handed offsets 0 to 2 of orders/0 in group billing in one go, but for offset 1, which the log holds. | delivery fact-log | billing orders 0 m1.1",
        "illegal | records were left out inside one assignment | m1.1 was handed offsets 1 to 3 of orders/0 in group billing in one go, but for offset 2, which the log holds. | delivery delivery fact-log | billing orders 0 m1.1",
        "illegal | one handler call had its records out of order | m1.1 was handed offset 1 of orders/0 in group billing after 2 in one handler call. | delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a committed record that is left out, and not an aborted one', () => {
    const { story, m1 } = alone({ groups: [{ isolationLevel: 'read_committed' }] });
    story.produces(4);
    story.transaction(0, 1, { state: 'aborted', endedAt: 0 });
    story.transaction(0, 2, { state: 'committed', endedAt: 0 });
    m1.works(0, 1).stands(0, 3).works(0, 1).commits(0, 4);
    expect(findings(continuity, story)).toMatchInlineSnapshot(`
      [
        "illegal | records were left out inside one assignment | m1.1 was handed offsets 0 to 4 of orders/0 in group billing in one go, but for offset 2, which the log holds. | delivery delivery fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('an aborted record that is left out of what reads everything', () => {
    const { story, m1 } = alone({ groups: [{ isolationLevel: 'read_uncommitted' }] });
    story.produces(3);
    story.transaction(0, 1, { state: 'aborted', endedAt: 0 });
    m1.works(0, 1).stands(0, 2).works(0, 1).commits(0, 3);
    expect(findings(continuity, story)).toHaveLength(1);
  });
});
