/** balanced-assignment on hand-written histories. */
import { describe, expect, it } from 'vitest';
import type { Group } from '../scenarios/schema.ts';
import { balancedAssignment } from './balanced-assignment.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { handOver } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

describeGoodHistories(balancedAssignment);

describe('finds', () => {
  const unequal = (assignors: Group['assignors'], shares: readonly [number[], number[]]) => {
    const story = new Story({
      topics: { orders: 4 },
      groups: [assignors === undefined ? {} : { assignors }],
    });
    const [m1, m2] = [story.joins('m1'), story.joins('m2')];
    return story.generation([
      [m1, shares[0]],
      [m2, shares[1]],
    ]);
  };

  it.each([[['range']], [['roundrobin']], [['sticky']], [['cooperative-sticky']], [undefined]] as const)(
    'three to one with %j',
    (assignors) => {
      const found = findings(
        balancedAssignment,
        unequal(assignors === undefined ? undefined : [...assignors], [[0, 1, 2], [3]]),
      );
      expect(found).toHaveLength(1);
      expect(found[0]).toContain('illegal | shares differ by more than the assignor allows');
      expect(found[0]).toContain('gives m1.1 3 partitions and m2.1 1');
    },
  );

  it('a topic that range gives to one member, although the totals are equal', () => {
    const story = new Story({ topics: { orders: 2, payments: 2 }, groups: [{ assignors: ['range'] }] });
    const [m1, m2] = [story.joins('m1'), story.joins('m2')];
    story.generation([
      [m1, { orders: [0, 1] }],
      [m2, { payments: [0, 1] }],
    ]);
    expect(findings(balancedAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | shares differ by more than the assignor allows | Generation 1 of group billing (range) gives m1.1 2 partitions and m2.1 0 of orders. | group-generation | billing m1.1 orders",
        "illegal | shares differ by more than the assignor allows | Generation 1 of group billing (range) gives m2.1 2 partitions and m1.1 0 of payments. | group-generation | billing m2.1 payments",
      ]
    `);
  });

  it('more missing from a share than is kept back', () => {
    const story = new Story({ topics: { orders: 6 }, groups: [{ assignors: ['cooperative-sticky'] }] });
    const m1 = story.joins('m1');
    story.generation([[m1, [0, 1, 2, 3, 4, 5]]]);
    const m2 = story.joins('m2');
    story.generation([
      [m1, [0, 1, 2, 3, 4]],
      [m2, []],
    ]);
    expect(findings(balancedAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | shares differ by more than the assignor allows | Generation 2 of group billing (cooperative-sticky) gives m1.1 5 partitions and m2.1 0 with 1 kept back. | group-generation | billing m1.1",
      ]
    `);
  });

  it('nothing where a partition is only being handed over', () => {
    expect(findings(balancedAssignment, handOver().story)).toEqual([]);
  });
});
