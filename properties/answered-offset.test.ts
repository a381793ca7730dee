/** answered-offset on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { answeredOffset } from './answered-offset.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, pair } from './testing/good-histories.ts';

describeGoodHistories(answeredOffset);

describe('finds', () => {
  it('a position that leaves records out, of a member that is handed nothing more', () => {
    const { story, m1 } = alone();
    story.produces(4);
    m1.works(0, 1).asks('position', 0, 3).crashes();
    expect(findings(answeredOffset, story.ends({ drain: false }))).toMatchInlineSnapshot(`
      [
        "illegal | position is ahead of what was handed over | m1.1 was told that its position in orders/0 in group billing is 3, and the last that it was handed is 0: offsets 1 and 2 would be left out. | delivery application-call application-call-end fact-log | billing orders 0 m1.1",
      ]
    `);
  });

  it('a position that is behind where the member goes on', () => {
    const { story, m1 } = alone();
    story.produces(4);
    m1.works(0, 2).asks('position', 0, 1).works(0, 2).commits(0, 4);
    expect(findings(answeredOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | position is not where the member went on | m1.1 was told that its position in orders/0 in group billing is 1, and was handed 2 next. | application-call application-call-end delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a committed offset that is older than one that the member was told of', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 1).commits(0, 1).works(0, 1).commits(0, 2).asks('committed', 0, 1);
    expect(findings(answeredOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | committed offset is older than a confirmed commit | m1.1 asked for the committed offset of orders/0 in group billing and was told 1; 2 had been committed before. | commit-accepted application-call application-call-end | billing orders 0 m1.1",
      ]
    `);
  });

  it('the same where another member had been told of it', () => {
    const { story, m1, m2 } = pair();
    story.produces(2);
    m1.works(0, 1).commits(0, 1);
    story.wait(20);
    m2.asks('committed', 0, null);
    expect(findings(answeredOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | committed offset is older than a confirmed commit | m2.1 asked for the committed offset of orders/0 in group billing and was told that there is none; 1 had been committed before. | commit-accepted application-call application-call-end | billing orders 0 m2.1",
      ]
    `);
  });

  it('a committed offset that is not committed yet, or never', () => {
    const { story, m1 } = alone();
    story.produces(2);
    m1.works(0, 1).commits(0, 1).asks('committed', 0, 2);
    story.wait(20);
    m1.works(0, 1).commits(0, 2);
    expect(findings(answeredOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | committed offset was not committed | m1.1 asked for the committed offset of orders/0 in group billing and was told 2; 1 had been committed before. | commit-accepted application-call application-call-end | billing orders 0 m1.1",
      ]
    `);
  });
});
