/** exclusive-assignment on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { exclusiveAssignment } from './exclusive-assignment.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { pair } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

describeGoodHistories(exclusiveAssignment);

describe('finds', () => {
  it('one partition in two assignments', () => {
    const story = new Story();
    story.generation([
      [story.joins('m1'), [0]],
      [story.joins('m2'), [0]],
    ]);
    expect(findings(exclusiveAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition assigned to two members | Generation 1 of group billing assigns orders/0 to m1.1 and m2.1. | group-generation | billing orders 0",
      ]
    `);
  });

  it('each of several partitions, of several topics, in a later generation only', () => {
    const story = new Story({ topics: { orders: 2, payments: 1 } });
    const [m1, m2, m3] = [story.joins('m1'), story.joins('m2'), story.joins('m3')];
    story.generation([
      [m1, { orders: [0, 1] }],
      [m2, { payments: [0] }],
    ]);
    story.generation([
      [m1, { orders: [0, 1], payments: [0] }],
      [m2, { payments: [0] }],
      [m3, { orders: [1], payments: [0] }],
    ]);
    expect(findings(exclusiveAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition assigned to two members | Generation 2 of group billing assigns orders/1 to m1.1 and m3.1. | group-generation | billing orders 1",
        "illegal | partition assigned to two members | Generation 2 of group billing assigns payments/0 to m1.1 and m2.1 and m3.1. | group-generation | billing payments 0",
      ]
    `);
  });

  it('two owners in the second of two groups', () => {
    const story = new Story({ groups: [{}, {}] });
    story.generation([[story.joins('m1'), [0]]]);
    story.generation([
      [story.joins('g2m1'), [0]],
      [story.joins('g2m2'), [0]],
    ]);
    expect(findings(exclusiveAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition assigned to two members | Generation 1 of group audit assigns orders/0 to g2m1.1 and g2m2.1. | group-generation | audit orders 0",
      ]
    `);
  });

  it('nothing where one member is assigned a partition twice', () => {
    const { story, m1, m2 } = pair();
    story.generation([
      [m1, [0, 0]],
      [m2, [1]],
    ]);
    expect(findings(exclusiveAssignment, story)).toEqual([]);
  });
});
