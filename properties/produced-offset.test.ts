/** produced-offset on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { producedOffset } from './produced-offset.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone } from './testing/good-histories.ts';
import { Story, type StoryOptions } from './testing/history-builder.ts';

const withFault = (options: StoryOptions, tell: (story: Story) => void): Story => {
  const story = new Story(options);
  tell(story);
  story.during({ kind: 'crash-broker', broker: 1 }, () => {});
  return story;
};

describeGoodHistories(producedOffset);

describe('finds', () => {
  it('an offset for acks 0', () => {
    const story = new Story({ producers: [{ acks: 0 }] });
    story.produces(2, { answered: 0 });
    expect(findings(producedOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | acks 0 answered an offset | p1.1 sent 2 records to orders with acks 0 and was told offset 0 of partition 0, which no broker had confirmed. | produce-invoke produce-ok | p1 p1.1 orders 0",
      ]
    `);
  });

  it('no offset for acks 1 or all', () => {
    const story = new Story({ producers: [{ acks: 1 }] });
    story.produces(1, { answered: null });
    story.produces(1, { answered: -1 });
    expect(findings(producedOffset, story)).toHaveLength(2);
    expect(findings(producedOffset, story)[0]).toMatchInlineSnapshot(
      `"illegal | acknowledged without an offset | p1.1 sent 1 record to orders with acks 1 and was told no offset. | produce-invoke produce-ok | p1 p1.1 orders"`,
    );
  });

  it('a wrong offset', () => {
    const story = new Story();
    story.produces(3);
    story.produces(2, { answered: 1 });
    expect(findings(producedOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | record is at another offset than acknowledged | p1.1 was told offset 1 of orders/0 with acks all, and 2 records of that send are somewhere else: p1-3 is at offset 3 of orders/0. | produce-invoke produce-ok fact-log | p1 p1.1 orders 0",
      ]
    `);
  });

  it('an offset beyond the log', () => {
    const story = new Story();
    story.produces(1, { answered: 7 });
    expect(findings(producedOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | record is at another offset than acknowledged | p1.1 was told offset 7 of orders/0 with acks all, and p1-0 is somewhere else: p1-0 is at offset 0 of orders/0. | produce-invoke produce-ok fact-log | p1 p1.1 orders 0",
      ]
    `);
  });

  it('a lost record, observed only with acks 1 and a broker that failed', () => {
    const tell = (story: Story) => story.produces(1, { written: false });
    expect(findings(producedOffset, withFault({}, tell))).toMatchInlineSnapshot(`
      [
        "illegal | acknowledged record is not in the log | p1.1 was told offset 0 of orders/0 with acks all, and the log holds nothing there. | produce-invoke produce-ok fact-log | p1 p1.1 orders 0",
      ]
    `);
    expect(findings(producedOffset, withFault({ producers: [{ acks: 1 }] }, tell))).toMatchInlineSnapshot(`
      [
        "observed | acknowledged record is not in the log | p1.1 was told offset 0 of orders/0 with acks 1, and the log holds nothing there. | produce-invoke produce-ok fact-log | p1 p1.1 orders 0",
      ]
    `);
    const calm = new Story({ producers: [{ acks: 1 }] });
    calm.produces(1, { written: false });
    expect(findings(producedOffset, calm)[0]).toMatch(/^illegal/);
  });

  it('the lost end of a send whose beginning was deleted', () => {
    const story = new Story();
    story.produces(4);
    story.log('orders', 0).records.length = 2;
    story.deletesRecords(1);
    expect(findings(producedOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | send succeeded without some of its records | p1.1 was told that its send of 4 records to orders with acks all had succeeded, with offset 0 of orders/0, and 2 of them are in no log. | produce-invoke produce-ok fact-log | p1 p1.1 orders",
      ]
    `);
  });

  it('nothing where the first of two batches of a send was deleted', () => {
    const story = new Story();
    const records = ['p1-0', 'p1-1', 'p1-2', 'p1-3'];
    const about = { process: 'p1.1', produce: 0 } as const;
    const sent = records.map((record) => ({ record, key: null }));
    story.emit({ ...about, kind: 'produce-invoke', topic: 'orders', acks: 'all', records: sent });
    story.log('orders', 0).records.push(...records);
    const answers = ['0', '2'].map((baseOffset) => ({ partition: 0, baseOffset }));
    story.emit({ ...about, kind: 'produce-ok', answers });
    story.deletesRecords(2);
    expect(findings(producedOffset, story)).toEqual([]);
  });

  it('a record whose place another one of its send has got, observed with acks 1 and a broker that failed', () => {
    // The leader that had confirmed the second record failed before anybody had it, and the next one took the third.
    const tell = (story: Story): void => {
      const records = ['p1-0', 'p1-1', 'p1-2'];
      const about = { process: 'p1.1', produce: 0 } as const;
      const sent = records.map((record) => ({ record, key: null }));
      story.emit({ ...about, kind: 'produce-invoke', topic: 'orders', acks: 1, records: sent });
      story.log('orders', 0).records.push('p1-0', 'p1-2');
      const answers = ['0', '1', '1'].map((baseOffset) => ({ partition: 0, baseOffset }));
      story.emit({ ...about, kind: 'produce-ok', answers });
    };
    expect(findings(producedOffset, withFault({ producers: [{ acks: 1 }] }, tell))).toMatchInlineSnapshot(`
      [
        "observed | another record is at the acknowledged offset | p1.1 was told offset 1 of orders/0 with acks 1, and the log holds p1-2 there. | produce-invoke produce-ok fact-log | p1 p1.1 orders 0",
        "observed | two sends were given one offset | p1.1 was told for two records of one send offset 1 of orders/0 with acks 1. | produce-ok | p1 p1.1 orders 0",
      ]
    `);
  });

  it('one offset for two sends', () => {
    const story = new Story();
    story.produces(2);
    story.produces(1, { answered: 0, written: false });
    expect(findings(producedOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | another record is at the acknowledged offset | p1.1 was told offset 0 of orders/0 with acks all, and the log holds p1-0 there. | produce-invoke produce-ok fact-log | p1 p1.1 orders 0",
        "illegal | two sends were given one offset | p1.1 was told for two sends offset 0 of orders/0 with acks all. | produce-ok produce-ok | p1 p1.1 orders 0",
      ]
    `);
  });

  it('nothing else of records that were written twice, and whose answers are of the second time', () => {
    const tell = (story: Story) => {
      story.produces(3);
      story.log('orders', 0).records.splice(1, 0, 'p1-1');
      // One call, whose records left in a batch each.
      for (const event of story.events)
        if (event.kind === 'produce-ok')
          event.answers = [0, 2, 3].map((offset) => ({ partition: 0, baseOffset: String(offset) }));
    };
    expect(findings(producedOffset, withFault({}, tell))).toEqual([
      expect.stringContaining('observed | record written twice | p1-1 of p1.1 is in orders/0 more than once'),
    ]);
  });

  it('a record written twice, observed for a producer that may repeat itself when a broker fails', () => {
    const tell = (story: Story) => {
      story.produces(1);
      story.log('orders', 0).records.push('p1-0');
    };
    expect(findings(producedOffset, withFault({}, tell))).toMatchInlineSnapshot(`
      [
        "observed | record written twice | p1-0 of p1.1 is in orders/0 more than once, at offsets 0 and 1, with acks all. | produce-invoke produce-ok fact-log | p1 p1.1 orders 0",
      ]
    `);
    expect(findings(producedOffset, withFault({ producers: [{ idempotent: true }] }, tell))[0]).toMatch(
      /^illegal/,
    );
    const calm = new Story();
    tell(calm);
    expect(findings(producedOffset, calm)[0]).toMatch(/^illegal/);
  });

  it('an offset that held two records', () => {
    const { story, m1 } = alone();
    story.produces(2, { outcome: 'unknown' });
    m1.works(0, 2).commits(0, 2);
    story.log('orders', 0).records.splice(1);
    story.produces(1);
    expect(findings(producedOffset, story)).toMatchInlineSnapshot(`
      [
        "illegal | one offset held two records | Offset 1 of orders/0 was read as p1-1, and the log holds p1-2 there. | processing-begin fact-log | orders 0",
      ]
    `);
  });

  it('nothing about records where final logs are missing', () => {
    const story = new Story({ topics: { orders: 2 } });
    story.produces(1, { written: false });
    const history = story.history();
    const events = history.events.filter((event) => event.kind !== 'fact-log' || event.partition !== 1);
    expect(producedOffset.check({ start: history.start, events })).toEqual([]);
    expect(producedOffset.check(history)).toHaveLength(1);
  });
});
