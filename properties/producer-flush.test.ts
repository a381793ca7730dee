/** producer-flush on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { producerFlush } from './producer-flush.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { Story } from './testing/history-builder.ts';

describeGoodHistories(producerFlush);

describe('finds', () => {
  it('records that a clean close left unsent', () => {
    const story = new Story();
    story.produces(2);
    story.produces(3, { outcome: 'none', written: false });
    story.closesProducer();
    expect(findings(producerFlush, story)).toMatchInlineSnapshot(`
      [
        "illegal | clean close left records that were never answered | p1.1 closed without an error, and 3 of its records, p1-2 the first, are not in any log of orders. | produce-invoke producer-close producer-close | p1 p1.1 orders",
      ]
    `);
  });

  it('records that were reported as sent', () => {
    const story = new Story();
    story.produces(1, { written: false });
    story.closesProducer();
    expect(findings(producerFlush, story)).toMatchInlineSnapshot(`
      [
        "illegal | clean close lost records that were reported as sent | p1.1 closed without an error, and its record p1-0 is not in any log of orders. | produce-invoke produce-ok producer-close producer-close | p1 p1.1 orders",
      ]
    `);
  });

  it('records with acks 0, observed where a broker failed', () => {
    const story = new Story({ producers: [{ acks: 0 }] });
    story.during({ kind: 'crash-broker', broker: 1 }, () => story.produces(1, { written: false }));
    story.closesProducer();
    expect(findings(producerFlush, story)).toMatchInlineSnapshot(`
      [
        "observed | clean close lost records that were reported as sent | p1.1 closed without an error, and its record p1-0 is not in any log of orders. | produce-invoke produce-ok producer-close producer-close | p1 p1.1 orders",
      ]
    `);
  });

  it('more than a deletion can explain', () => {
    const story = new Story();
    story.produces(2);
    story.produces(2, { written: false, answered: 1 });
    story.closesProducer().deletesRecords(2);
    expect(findings(producerFlush, story)).toMatchInlineSnapshot(`
      [
        "illegal | clean close lost records that were reported as sent | p1.1 closed without an error, and 2 of its records, p1-2 the first, are not in any log of orders. | produce-invoke produce-ok producer-close producer-close | p1 p1.1 orders",
      ]
    `);
  });

  it('nothing that was sent after the close began', () => {
    const story = new Story();
    story.emit({ process: 'p1.1', kind: 'producer-close', phase: 'begin', error: null });
    story.produces(1, { outcome: 'none', written: false });
    story.emit({ process: 'p1.1', kind: 'producer-close', phase: 'end', error: null });
    expect(findings(producerFlush, story)).toEqual([]);
  });

  it('records that a producer which drops the rest had reported as sent', () => {
    const story = new Story({ producers: [{ closing: 'drop' }] });
    story.produces(1, { written: false });
    story.closesProducer();
    expect(findings(producerFlush, story)).toMatchInlineSnapshot(`
      [
        "illegal | clean close lost records that were reported as sent | p1.1 closed without an error, and its record p1-0 is not in any log of orders. | produce-invoke produce-ok producer-close producer-close | p1 p1.1 orders",
      ]
    `);
  });
});
