/** complete-assignment on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { completeAssignment } from './complete-assignment.ts';
import { convergence } from './convergence.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, handOver, pair } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

describeGoodHistories(completeAssignment);

describe('finds', () => {
  it('partitions that nobody is assigned', () => {
    const story = new Story({ topics: { orders: 4 } });
    story.generation([
      [story.joins('m1'), [0]],
      [story.joins('m2'), [2]],
    ]);
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 1 of group billing assigns orders/1, orders/3 to nobody. | group-generation | billing orders",
      ]
    `);
  });

  it('a whole topic that nobody is assigned', () => {
    const story = new Story({ topics: { orders: 1, payments: 1 } });
    story.generation([[story.joins('m1'), { orders: [0] }]]);
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 1 of group billing assigns payments/0 to nobody. | group-generation | billing payments 0",
      ]
    `);
  });

  it('a partition that does not exist', () => {
    const story = new Story();
    const m1 = story.joins('m1');
    story.generation([[m1, [0, 1]]], { unaware: [m1] });
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition assigned that does not exist | Generation 1 of group billing assigns orders/1, which did not exist. | group-generation | billing orders 1",
      ]
    `);
  });

  it('a topic that the member does not subscribe to', () => {
    const story = new Story({ topics: { orders: 1, payments: 1 }, groups: [{ topics: ['orders'] }] });
    story.generation([[story.joins('m1'), { orders: [0], payments: [0] }]]);
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | topic assigned that the member does not subscribe to | Generation 1 of group billing assigns payments/0 to m1.1, which does not subscribe to payments. | group-generation | billing payments 0 m1.1",
      ]
    `);
  });

  it('an assignment for more than the old count and less than the new', () => {
    const { story, m1 } = alone();
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 4 });
    story.generation([[m1, [0, 1]]]);
    story.generation([[m1, [0, 1, 2, 3]]]);
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 2 of group billing assigns orders/2, orders/3 to nobody. | group-generation | billing orders",
      ]
    `);
  });

  it('an old count in use long after partitions were added', () => {
    const { story, m1, m2 } = pair();
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 3 }).wait(60_000);
    story.generation([
      [m1, [1]],
      [m2, [0]],
    ]);
    story.generation([
      [m1, [1, 2]],
      [m2, [0]],
    ]);
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 2 of group billing assigns orders/2 to nobody. | group-generation | billing orders 2",
      ]
    `);
  });

  it('added partitions that no generation ever had, once the time to notice them is over', () => {
    const { story } = pair();
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 3 }).wait(60_000);
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 1 of group billing assigns orders/2 to nobody. | group-generation | billing orders 2",
      ]
    `);
  });

  it('nothing where they are gone again, since the topic has been created again without them', () => {
    const tell = (partitions: number) => {
      const { story, m1 } = alone();
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 4 });
      // As the harness tells it: a number.
      const detail = { partitions } as unknown as Record<string, string>;
      story.act({ kind: 'recreate-topic', topic: 'orders', durationMs: 500 }, detail);
      story.wait(60_000).generation([[m1, [0]]]);
      return findings(completeAssignment, story).map((text) => text.split(' | ')[1]);
    };
    expect(tell(1)).toEqual([]);
    expect(tell(4)).toEqual(['partition left without an owner']);
  });

  it('nothing where the leader joined in that time, and the record of its generation counted when a replica was back', () => {
    const tell = (waitMs: number) => {
      const { story, m1 } = alone();
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
      story.wait(waitMs);
      m1.isJoining();
      story.wait(60_000 - waitMs).generation([[m1, [0]]], { unaware: [m1] });
      story.generation([[m1, [0, 1]]]);
      return findings(completeAssignment, story).map((text) => text.split(' | ')[1]);
    };
    expect(tell(100)).toEqual([]);
    expect(tell(59_000)).toEqual(['partition left without an owner']);
  });

  it('nothing where none of the last generation is left', () => {
    const tell = (isBack: boolean) => {
      const { story, m1 } = alone();
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
      story.generation([[m1, [0]]]);
      if (!isBack) {
        m1.crashes();
        story.joins('m1');
      }
      story.wait(60_000).ends();
      return findings(completeAssignment, story).map((text) => text.split(' | ')[1]);
    };
    expect(tell(false)).toEqual([]);
    expect(tell(true)).toEqual(['partition left without an owner']);
  });

  it('nothing of added partitions where the group fails at every start, since a partition has no committed offset', () => {
    const tell = (autoOffsetReset: 'none' | 'earliest') => {
      const { story } = alone({ groups: [{ autoOffsetReset }] });
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
      story.wait(60_000).ends({ undrained: ['orders-1 has no owner in group billing'] });
      return findings(completeAssignment, story).map((text) => text.split(' | ')[1]);
    };
    expect(tell('none')).toEqual([]);
    expect(tell('earliest')).toEqual(['partition left without an owner']);
  });

  it('nothing about that while the time is not over', () => {
    const { story } = pair();
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 3 });
    expect(findings(completeAssignment, story)).toEqual([]);
  });

  it('nothing where adding partitions may have failed', () => {
    const { story } = pair();
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 3 });
    story.emit({
      process: 'harness',
      kind: 'action',
      action: story.scenario.actions.length - 1,
      actionKind: 'add-partitions',
      phase: 'end',
      outcome: 'skipped',
      reason: 'no answer',
    });
    story.wait(60_000);
    expect(findings(completeAssignment, story)).toEqual([]);
  });

  it('a partition that a cooperative group keeps back and never hands out', () => {
    const { story } = handOver();
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 2 of group billing assigns orders/1 to nobody. | group-generation | billing orders 1",
      ]
    `);
  });

  it('a partition that is left out where its last owner is gone', () => {
    const { story, m1, m2 } = handOver();
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    m2.crashes();
    story
      .wait(6_000)
      .generation([[m1, [0]]])
      .generation([[m1, [0, 1]]]);
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 4 of group billing assigns orders/1 to nobody. | group-generation | billing orders 1",
      ]
    `);
  });

  it('a partition that an eager group leaves out for one generation', () => {
    const { story, m1, m2 } = pair({ groups: [{ assignors: ['cooperative-sticky', 'range'] }] });
    story.generation([
      [m1, [0]],
      [m2, []],
    ]);
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 2 of group billing assigns orders/1 to nobody. | group-generation | billing orders 1",
      ]
    `);
  });

  it('as observed, partitions that were added while the static leader was away', () => {
    const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
    m1.crashes();
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
    story.takesPlaceOf(story.joins('m1'), m1);
    story.wait(20_000).ends({ undrained: ['orders-1 has no owner in group billing'] });
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "observed | partition added while the static leader was away | Generation 1 of group billing assigns orders/1 to nobody. | group-generation | billing orders 1",
      ]
    `);
  });

  it('the same, where they were added shortly before the leader stood still, assigned without them, and went away', () => {
    const tell = (isStalled: boolean) => {
      const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
      story.act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
      const waits = () => story.wait(3_000);
      if (isStalled) m1.stalls(waits);
      else waits();
      story.generation([[m1, [0]]]);
      m1.crashes();
      story.takesPlaceOf(story.joins('m1'), m1);
      story.wait(20_000).ends({ undrained: ['orders-1 has no owner in group billing'] });
      return findings(completeAssignment, story).map((one) => one.split(' | ').slice(0, 2).join(' | '));
    };
    expect(tell(true)).toEqual(['observed | partition added while the static leader was away']);
    expect(tell(false)).toEqual(['illegal | partition left without an owner']);
  });

  it('as illegal, what was added before the group was removed and began anew with another leader', () => {
    const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
    m1.leaves();
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
    story.empties().deletesOffsets().forgets().wait(20_000);
    story.generation([[story.joins('m2'), [0]]]);
    story.wait(20_000).ends({ undrained: ['orders-1 has no owner in group billing'] });
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 1 of group billing assigns orders/1 to nobody. | group-generation | billing orders 1",
      ]
    `);
  });

  it('as observed, a partition that a static member had to give up when it went away', () => {
    const { story, m1 } = handOver({ staticMembership: true });
    m1.crashes();
    story.takesPlaceOf(story.joins('m1'), m1);
    story.wait(20_000).ends({ undrained: ['orders-1 has no owner in group billing'] });
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "observed | partition given up by a static member that went away before it had joined again | Generation 2 of group billing assigns orders/1 to nobody. | group-generation | billing orders 1",
      ]
    `);
    expect(findings(convergence, story)).toMatchInlineSnapshot(`
      [
        "observed | partition given up by a static member that went away before it had joined again | Nobody owns orders/1 in generation 2 of group billing, the last one. | group-generation settled | billing orders 1",
        "observed | partition given up by a static member that went away before it had joined again | The run did not settle within its bound of 60000 ms: orders-1 has no owner in group billing | settled | billing",
      ]
    `);
  });

  it('nothing where a static member is back and subscribes to something else, since it keeps its assignment', () => {
    const tell = (isBack: boolean) => {
      const { story, m1, m2 } = pair({ topics: { orders: 2 }, groups: [{ staticMembership: true }] });
      m2.crashes();
      const back = story.joins('m2');
      if (isBack) story.takesPlaceOf(back, m2);
      else
        story.generation([
          [m1, [0]],
          [back, [1]],
        ]);
      const last = story.events.findLast((event) => event.kind === 'group-generation');
      for (const member of last?.members ?? []) if (member.groupInstanceId === 'm2') member.subscription = [];
      return findings(completeAssignment, story).map((text) => text.split(' | ')[1]);
    };
    expect(tell(true)).toEqual([]);
    expect(tell(false)).toEqual([
      'partition left without an owner',
      'topic assigned that the member does not subscribe to',
    ]);
  });

  it('as observed, a topic that nobody subscribes to but a static member since it is back', () => {
    const tell = (isNew: boolean) => {
      const { story, m1, m2 } = pair({ topics: { orders: 2 }, groups: [{ staticMembership: true }] });
      story.generation([
        [m1, []],
        [m2, []],
      ]);
      const made = story.events.findLast((event) => event.kind === 'group-generation');
      if (isNew) for (const member of made?.members ?? []) member.subscription = [];
      m2.crashes();
      story.takesPlaceOf(story.joins('m2'), m2);
      const last = story.events.findLast((event) => event.kind === 'group-generation');
      const first = last?.members.find(({ groupInstanceId }) => groupInstanceId === 'm1');
      if (isNew && first !== undefined) first.subscription = [];
      return findings(completeAssignment, story).map((text) => text.split(' | ').slice(0, 2).join(' | '));
    };
    expect(tell(true)).toEqual(['observed | topic that a static member subscribes to only since it is back']);
    expect(tell(false)).toContain('illegal | partition left without an owner');
  });

  it('as observed, what was assigned to a static member whose return could not be written in time', () => {
    const tell = (isBroken: boolean) => {
      const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
      const assigns = () => story.wait(6_000).generation([[m1, [0]]]);
      if (isBroken) story.during({ kind: 'pause-broker', broker: 1 }, assigns);
      else assigns();
      m1.crashes();
      story.takesPlaceOf(story.joins('m1'), m1);
      const last = story.events.findLast((event) => event.kind === 'group-generation');
      for (const member of last?.members ?? []) member.assignment = [];
      return findings(completeAssignment, story).map((text) => text.split(' | ').slice(0, 2).join(' | '));
    };
    expect(tell(true)).toEqual([
      'observed | partition taken from a static member whose return could not be written in time',
    ]);
    expect(tell(false)).toEqual(['illegal | partition left without an owner']);
  });

  it('as observed, what a sticky assignor gives a member that subscribes to nothing', () => {
    const tell = (assignor: 'sticky' | 'range', topics: string[] = []) => {
      const { story } = pair({ topics: { orders: 2 }, groups: [{ assignors: [assignor] }] });
      const last = story.events.findLast((event) => event.kind === 'group-generation');
      const second = last?.members[1];
      if (second !== undefined) second.subscription = topics;
      return findings(completeAssignment, story).map((text) => text.split(' | ').slice(0, 2).join(' | '));
    };
    const unasked = 'observed | topic assigned by a sticky assignor to a member that subscribes to nothing';
    expect(tell('sticky')).toEqual([unasked, unasked]);
    const illegal = expect.stringMatching(/^illegal /);
    expect(tell('range')).toEqual([illegal, illegal]);
    expect(tell('sticky', ['payments'])).toEqual([illegal, illegal]);
  });

  it('as observed, what a static leader left out that was refused its metadata, and has gone', () => {
    const tell = (hasGone: boolean, client = 'm1.1', waitMs = 0) => {
      const members = [{ id: 'm1', sharedProcess: 'shop' }, { id: 'm2' }];
      const story = new Story({ groups: [{ staticMembership: true, members }] });
      const m1 = story.joins('m1');
      const answer = { api: 'Metadata', error: 'LEADER_NOT_AVAILABLE' } as const;
      story.act({ kind: 'answer-error', ...answer, times: 1, process: null });
      story.emit({ process: 'cluster', kind: 'error-answered', ...answer, action: 1, broker: 1, client });
      story.wait(waitMs).generation([[m1, []]]);
      if (hasGone) {
        m1.crashes();
        story.takesPlaceOf(story.joins('m1'), m1);
      }
      return story.wait(20_000).ends({ undrained: ['orders-0 has no owner in group billing'] });
    };
    expect(findings(completeAssignment, tell(true))).toMatchInlineSnapshot(`
      [
        "observed | partition left out while brokers refused its metadata | Generation 1 of group billing assigns orders/0 to nobody. | group-generation | billing orders 0",
        "observed | partition left out by a static leader that was refused its metadata and has gone | Generation 1 of group billing assigns orders/0 to nobody. | group-generation | billing orders 0",
      ]
    `);
    expect(findings(convergence, tell(true)).every((one) => one.startsWith('observed'))).toBe(true);
    const isIllegal = (...told: Parameters<typeof tell>): boolean =>
      findings(completeAssignment, tell(...told)).every((one) => one.startsWith('illegal'));
    expect(isIllegal(false)).toBe(true);
    // Another was refused it, or the leader long before.
    expect(isIllegal(true, 'm2.1')).toBe(true);
    expect(isIllegal(true, 'shop.1')).toBe(false);
    expect(isIllegal(true, 'm1.1', 20_000)).toBe(true);
  });

  it('as illegal, partitions that were added when the static leader was back', () => {
    const { story, m1 } = alone({ groups: [{ staticMembership: true }] });
    m1.crashes();
    story.takesPlaceOf(story.joins('m1'), m1);
    story.wait(1_000).act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
    story.wait(20_000).ends({ undrained: ['orders-1 has no owner in group billing'] });
    expect(findings(completeAssignment, story)).toMatchInlineSnapshot(`
      [
        "illegal | partition left without an owner | Generation 1 of group billing assigns orders/1 to nobody. | group-generation | billing orders 1",
      ]
    `);
  });
});
