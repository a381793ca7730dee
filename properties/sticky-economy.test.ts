/** sticky-economy on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { stickyEconomy } from './sticky-economy.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { handOver, pair } from './testing/good-histories.ts';
import { type Member, Story } from './testing/history-builder.ts';

describeGoodHistories(stickyEconomy);

describe('finds', () => {
  it('a swap among the same members', () => {
    const { story, m1, m2 } = pair();
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    expect(findings(stickyEconomy, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition taken although nothing had changed | Generation 2 of group billing takes orders/0 from m1.1, although its members, subscriptions and partitions are those of generation 1. | group-generation group-generation | billing m1.1",
        "illegal | partition taken although nothing had changed | Generation 2 of group billing takes orders/1 from m2.1, although its members, subscriptions and partitions are those of generation 1. | group-generation group-generation | billing m2.1",
      ]
    `);
  });

  it('partitions that a static bounce costs the others', () => {
    const { story, m1, m2 } = pair({ groups: [{ staticMembership: true, assignors: ['range'] }] });
    m1.crashes();
    const back = story.joins('m1');
    story.generation([
      [back, [1]],
      [m2, [0]],
    ]);
    expect(findings(stickyEconomy, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition taken although nothing had changed | Generation 2 of group billing takes orders/0 from m1.2, although its members, subscriptions and partitions are those of generation 1. | group-generation group-generation | billing m1.2",
        "illegal | partition taken although nothing had changed | Generation 2 of group billing takes orders/1 from m2.1, although its members, subscriptions and partitions are those of generation 1. | group-generation group-generation | billing m2.1",
      ]
    `);
  });

  it('more moves than a new member needs', () => {
    const story = new Story({ topics: { orders: 6 }, groups: [{ assignors: ['sticky'] }] });
    const [m1, m2] = [story.joins('m1'), story.joins('m2')];
    story.generation([
      [m1, [0, 1, 2]],
      [m2, [3, 4, 5]],
    ]);
    const m3 = story.joins('m3');
    story.generation([
      [m1, [0, 3]],
      [m2, [1, 4]],
      [m3, [2, 5]],
    ]);
    expect(findings(stickyEconomy, story)).toMatchInlineSnapshot(`
      [
        "illegal | more partitions moved than the balance needs | Generation 2 of group billing (sticky) takes 4 partitions (orders/1, orders/2, orders/3, orders/5) from m1.1, m2.1, and 2 would have done. | group-generation group-generation | billing",
      ]
    `);
  });

  it('a partition that a cooperative group takes without need', () => {
    const { story, m1, m2 } = handOver();
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    story.generation([
      [m1, [0]],
      [m2, []],
    ]);
    expect(findings(stickyEconomy, story)).toMatchInlineSnapshot(`
      [
        "illegal | more partitions moved than the balance needs | Generation 4 of group billing (cooperative-sticky) takes 1 partition (orders/1) from m2.1, and 0 would have done. | group-generation group-generation | billing",
      ]
    `);
  });

  it('none where brokers refused the leader the metadata of a topic, of which it gives nobody anything', () => {
    const tell = (client: string, kept: readonly number[]) => {
      const { story, m1, m2 } = handOver();
      story.generation([
        [m1, [0]],
        [m2, [1]],
      ]);
      const answer = { api: 'Metadata', error: 'LEADER_NOT_AVAILABLE' } as const;
      story.act({ kind: 'answer-error', ...answer, times: 1, process: null });
      story.emit({ process: 'cluster', kind: 'error-answered', ...answer, action: 1, broker: 1, client });
      story.generation([
        [m1, kept],
        [m2, []],
      ]);
      return findings(stickyEconomy, story);
    };
    expect(tell('m1.1', [])).toEqual([]);
    expect(tell('m2.1', [])).toHaveLength(1);
    expect(tell('m1.1', [0])).toMatchInlineSnapshot(`
      [
        "illegal | more partitions moved than the balance needs | Generation 4 of group billing (cooperative-sticky) takes 1 partition (orders/1) from m2.1, and 0 would have done. | group-generation group-generation | billing",
      ]
    `);
  });

  it('none where another leader need not know yet that there is the partition', () => {
    const added = () => {
      const story = new Story({
        topics: { orders: 2 },
        groups: [{ assignors: ['cooperative-sticky'], members: [{ id: 'm1' }, { id: 'm2' }, { id: 'm3' }] }],
      });
      const [m1, m2, m3] = [story.joins('m1'), story.joins('m2'), story.joins('m3')];
      story.generation([
        [m1, [0]],
        [m2, [1]],
        [m3, []],
      ]);
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 4 });
      story.generation([
        [m1, [0, 3]],
        [m2, [1]],
        [m3, [2]],
      ]);
      return { story, m1, m2, m3 };
    };
    const other = added();
    other.m1.leaves();
    other.story.generation([
      [other.m2, [1]],
      [other.m3, [0]],
    ]);
    expect(findings(stickyEconomy, other.story)).toEqual([]);
    const same = added();
    same.m3.leaves();
    same.story.generation([
      [same.m1, [0]],
      [same.m2, [1]],
    ]);
    expect(findings(stickyEconomy, same.story)).toMatchInlineSnapshot(`
      [
        "illegal | more partitions moved than the balance needs | Generation 3 of group billing (cooperative-sticky) takes 1 partition (orders/3) from m1.1, and 0 would have done. | group-generation group-generation | billing",
      ]
    `);
  });

  it('as observed what an old claim may cost', () => {
    const story = new Story({ topics: { orders: 3 }, groups: [{ assignors: ['sticky'] }] });
    const [m1, m2] = [story.joins('m1'), story.joins('m2')];
    story.generation([
      [m1, [0]],
      [m2, [1, 2]],
    ]);
    m2.stalls(() => story.wait(7_000).generation([[m1, [0, 1, 2]]]));
    story.generation([
      [m1, [1]],
      [m2, [0, 2]],
    ]);
    expect(findings(stickyEconomy, story)).toMatchInlineSnapshot(`
      [
        "observed | more partitions moved than the balance needs when a member came back with an old claim | Generation 3 of group billing (sticky) takes 2 partitions (orders/0, orders/2) from m1.1, and 1 would have done. | group-generation group-generation | billing",
      ]
    `);
  });
});

describe('of five members of which two may have a third partition', () => {
  /** Two stay away once they have joined again; a static one is back with nothing, and another one is new. */
  const rebalanced = (kept: readonly number[], back: readonly number[]) => {
    const members = ['m1', 'm2', 'm3', 'm4', 'm5'].map((id) => ({ id }));
    const story = new Story({
      topics: { orders: 12 },
      groups: [{ assignors: ['cooperative-sticky'], staticMembership: true, members }],
    });
    const [m1, m2, m3, m4] = ['m1', 'm2', 'm3', 'm4'].map((id) => story.joins(id)) as [
      Member,
      Member,
      Member,
      Member,
    ];
    story.generation([
      [m1, [0, 1, 2]],
      [m2, [3, 4, 5]],
      [m3, [6, 7, 8]],
      [m4, [9, 10, 11]],
    ]);
    m1.crashes();
    const shares = [
      [story.joins('m1'), back],
      [m2, kept],
      [m3, [6, 7, 8]],
      [m4, [9, 10]],
      [story.joins('m5'), [2]],
    ] as const;
    return story.generation(shares, { unaware: [m2, m3] });
  };

  it('those who stay away may keep theirs, and the next one has to give up one', () => {
    expect(findings(stickyEconomy, rebalanced([3, 4, 5], [0, 1]))).toEqual([]);
    expect(findings(stickyEconomy, rebalanced([3, 4], [0, 1, 5]))).toHaveLength(1);
  });
});
