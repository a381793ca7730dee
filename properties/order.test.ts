/** order on hand-written histories. */
import { describe, expect, it } from 'vitest';
import type { Group } from '../scenarios/schema.ts';
import { order } from './order.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, pair } from './testing/good-histories.ts';

describeGoodHistories(order);

describe('finds', () => {
  it('a member that works backwards', () => {
    const { story, m1 } = alone();
    story.produces(3, { key: 'a' });
    m1.delivers(0, [0, 1, 2]).processes(0, 2).processes(0, 1).processes(0, 0).commits(0, 3);
    expect(findings(order, story)).toMatchInlineSnapshot(`
      [
        "illegal | key processed out of order by one member | Group billing began offset 1 of orders/0 (key a, in m1.1) before offset 0 (in m1.1), which has the same key. | processing-begin processing-begin | billing orders 0 m1.1",
      ]
    `);
  });

  it('nothing where the keys differ', () => {
    const { story, m1 } = alone();
    story.produces(1, { key: 'a' });
    story.produces(1, { key: 'b' });
    m1.delivers(0, [0, 1]).processes(0, 1).processes(0, 0).commits(0, 2);
    expect(findings(order, story)).toEqual([]);
  });

  const late = (group: Partial<Group>) => {
    const { story, m1, m2 } = pair({ groups: [group] });
    story.produces(3, { key: 'a' });
    m1.delivers(0, [0, 1]).processes(0, 0).commits(0, 2);
    m1.stalls(() => {
      story.wait(7_000).generation([[m2, [0, 1]]]);
      m2.works(0, 1).commits(0, 3);
    });
    m1.processes(0, 1);
    return findings(order, story);
  };

  it('a record that was committed before it was done, and is begun behind the next', () => {
    expect(late({})).toMatchInlineSnapshot(`
      [
        "illegal | key processed out of order by two members | Group billing began offset 2 of orders/0 (key a, in m2.1) before offset 1 (in m1.1), which has the same key. | processing-begin processing-begin | billing orders 0 m1.1",
      ]
    `);
  });

  it('as observed the same where commits come first, and where latest may pass over records', () => {
    expect(late({ commitOrder: 'commit-then-process' })[0]).toContain('observed | ');
    expect(late({ autoOffsetReset: 'latest' }).map((one) => one.split(' | ')[0])).not.toContain('illegal');
  });
});
