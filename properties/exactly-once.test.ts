/** exactly-once on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { exactlyOnce } from './exactly-once.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { pipeline } from './testing/good-histories.ts';

describeGoodHistories(exactlyOnce);

describe('finds', () => {
  it('a record that was written twice', () => {
    const { story, m1 } = pipeline();
    story.produces(2);
    m1.works(0, 2).commits(0, 2);
    story.copies(0, 0).copies(0, 1).copies(0, 1);
    expect(findings(exactlyOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | record was written twice | What group billing makes of offset 1 of orders/0 has been committed more than once: invoices/0@1 and invoices/0@2. | commit-accepted fact-log fact-log | billing orders 0",
      ]
    `);
  });

  it('a record that was passed over', () => {
    const { story, m1 } = pipeline();
    story.produces(3);
    m1.works(0, 3).commits(0, 3);
    story.copies(0, 0).copies(0, 1, 'aborted').copies(0, 2, 'open').wait(5_000);
    expect(findings(exactlyOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | record was not written | Group billing has committed orders/0 at 4, and what it makes of offsets 1 and 2 has never been committed. | commit-accepted fact-log fact-log | billing orders 0",
      ]
    `);
  });

  it('nothing where the marker of the last transaction is on its way when the run is over', () => {
    const { story, m1 } = pipeline();
    story.produces(1);
    m1.works(0, 1).commits(0, 1);
    story.copies(0, 0, 'open');
    expect(findings(exactlyOnce, story)).toEqual([]);
  });

  it('a record that was written, and its offset not committed', () => {
    const { story, m1 } = pipeline();
    story.produces(2);
    m1.works(0, 1).commits(0, 1);
    story.copies(0, 0).copies(0, 7);
    expect(findings(exactlyOnce, story)).toMatchInlineSnapshot(`
      [
        "illegal | record was written without its offset | What group billing makes of offset 7 of orders/0 has been committed, and the committed offset is 3. | commit-accepted fact-log fact-log | billing orders 0",
      ]
    `);
  });

  it('the same where somebody else moves the position, which is observed', () => {
    const { story, m1 } = pipeline();
    story.produces(2);
    m1.works(0, 2).commits(0, 2);
    story.copies(0, 0).copies(0, 1).deletesOffsets();
    m1.stands(0, 0).works(0, 2).commits(0, 2);
    story.copies(0, 0).copies(0, 1);
    expect(findings(exactlyOnce, story).map((one) => one.split(' | ').slice(0, 2))).toEqual([
      ['observed', 'record was written twice'],
    ]);
  });
});
