/** cooperative-handover on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { cooperativeHandover } from './cooperative-handover.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { handOver } from './testing/good-histories.ts';

describeGoodHistories(cooperativeHandover);

describe('finds', () => {
  it('a partition that goes from one member to the other at once', () => {
    const { story, m1, m2 } = handOver();
    story.generation([
      [m1, []],
      [m2, [0, 1]],
    ]);
    expect(findings(cooperativeHandover, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition given away while its owner held it | Generation 3 of group billing gives orders/0 to m2.1, and m1.1, which is a member of it too, had it in generation 2. | group-generation wire-sync group-generation | billing m1.1 orders 0",
      ]
    `);
  });

  it('one that had been handed over properly before', () => {
    const { story, m1, m2 } = handOver();
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    expect(findings(cooperativeHandover, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition given away while its owner held it | Generation 4 of group billing gives orders/0 to m2.1, and m1.1, which is a member of it too, had it in generation 3. | group-generation wire-sync group-generation | billing m1.1 orders 0",
        "illegal | partition given away while its owner held it | Generation 4 of group billing gives orders/1 to m1.1, and m2.1, which is a member of it too, had it in generation 3. | group-generation wire-sync group-generation | billing m2.1 orders 1",
      ]
    `);
  });
});
