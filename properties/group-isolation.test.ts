/** group-isolation on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { groupIsolation } from './group-isolation.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone } from './testing/good-histories.ts';
import { Story } from './testing/history-builder.ts';

/** Two groups of one member each on one topic. */
const two = () => {
  const story = new Story({ groups: [{}, {}] });
  const [m1, other] = [story.joins('m1'), story.joins('g2m1')];
  story.generation([[m1, [0]]]).generation([[other, [0]]]);
  story.produces(3);
  m1.works(0, 3).commits(0, 3);
  other.works(0, 3).commits(0, 3);
  return { story, m1, other };
};

describeGoodHistories(groupIsolation);

describe('finds', () => {
  it('a member that is given records for another group', () => {
    const { story, m1 } = two();
    story.produces(1);
    const about = { process: m1.process, group: 'audit', topic: 'orders', partition: 0 };
    story.emit({ ...about, kind: 'delivery', offsets: ['3'] });
    story.emit({ ...about, kind: 'delivery', offsets: ['4'] });
    expect(findings(groupIsolation, story)).toMatchInlineSnapshot(`
      [
        "illegal | member acted in another group | m1.1 is a member of billing and took part in group audit (delivery). | delivery | audit m1.1",
      ]
    `);
  });

  it('a member in the generation of another group', () => {
    const { story, m1 } = two();
    story.generation([[m1, [0]]], { unaware: [m1], groupId: 'audit' });
    expect(findings(groupIsolation, story)).toMatchInlineSnapshot(`
      [
        "illegal | stranger among the members | Generation 2 of group audit has the member m1.1, which is no process of this group. | group-generation | audit m1.1",
      ]
    `);
  });

  it('committed offsets that change while nobody is there', () => {
    const { story, other } = two();
    other.crashes();
    story.wait(6_000).empties('audit').wait(20_000).accepts('orders', 0, 1, 'audit');
    expect(findings(groupIsolation, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit without a member at work | The committed offset of orders/0 in group audit became 1 when none of its processes ran. | commit-accepted | audit orders 0",
      ]
    `);
  });

  it('a generation that comes while nobody is there', () => {
    const { story, other } = two();
    other.crashes();
    story.wait(60_000).generation([[other, [0]]], { unaware: [other] });
    expect(findings(groupIsolation, story)).toMatchInlineSnapshot(`
      [
        "illegal | generation without a member at work | Group audit went on to generation 2 when none of its processes ran. | group-generation | audit",
      ]
    `);
  });

  it("the other group's offsets deleted with one's own", () => {
    const { story, other } = two();
    other.leaves();
    story.empties('audit').deletesOffsets('orders', 'audit');
    story.coordinatorEvent({
      process: 'coordinator',
      kind: 'commit-removed',
      group: 'billing',
      topic: 'orders',
      partition: 0,
      logPosition: story.coordinatorPlace(),
    });
    expect(findings(groupIsolation, story)).toMatchInlineSnapshot(`
      [
        "illegal | committed offset removed without a cause | The committed offset of orders/0 in group billing was removed, and nobody had asked for that. | commit-removed | billing orders 0",
      ]
    `);
  });

  it('nothing in a removal after the end of settling, when the harness tidies up', () => {
    const { story } = two();
    story.ends();
    story.coordinatorEvent({
      process: 'coordinator',
      kind: 'commit-removed',
      group: 'billing',
      topic: 'orders',
      partition: 0,
      logPosition: story.coordinatorPlace(),
    });
    expect(findings(groupIsolation, story)).toEqual([]);
  });
});

describe('says nothing of offsets that expire', () => {
  const RETENTION_MS = 5_000;
  /** Where the cluster keeps offsets of an empty group for so long. */
  const withRetention = (story: Story) => {
    const history = story.history();
    Object.assign(history.start.scenario.topology, { offsetsRetentionMs: RETENTION_MS });
    return history;
  };
  const removal = (story: Story, logPosition = story.coordinatorPlace()) =>
    story.coordinatorEvent({
      process: 'coordinator',
      kind: 'commit-removed',
      group: 'billing',
      topic: 'orders',
      partition: 0,
      logPosition,
    });

  it('in a group that never had a member', () => {
    const story = new Story();
    story.act({ kind: 'alter-offsets', group: 'billing', topic: 'orders', partition: 0, offset: 3 });
    story.accepts('orders', 0, 3).wait(RETENTION_MS);
    removal(story);
    expect(groupIsolation.check(withRetention(story))).toEqual([]);
  });

  it('of a topic that no member subscribes to, but no other', () => {
    const tell = (topic: string) => {
      const story = new Story({ topics: { orders: 1, payments: 1 }, groups: [{ topics: [topic] }] });
      story.act({ kind: 'alter-offsets', group: 'billing', topic: 'orders', partition: 0, offset: 0 });
      story.accepts('orders', 0, 0);
      story.generation([[story.joins('m1'), { [topic]: [0] }]]).wait(RETENTION_MS);
      removal(story);
      return groupIsolation.check(withRetention(story)).map(({ signature }) => signature);
    };
    expect(tell('payments')).toEqual([]);
    expect(tell('orders')).toEqual(['committed offset removed without a cause']);
  });

  it('while a member still runs that was cut off for its session, and is told that it has no place any more', () => {
    const tell = (isTold: boolean, isBroken = true) => {
      const { story, m1 } = alone();
      story.produces(1);
      m1.works(0, 1).commits(0, 1);
      const waits = (): unknown => story.wait(8_000);
      if (isBroken) story.during({ kind: 'pause-broker', broker: 1 }, waits);
      else waits();
      story.wait(RETENTION_MS - 1_000);
      if (isTold) m1.isRefused('UNKNOWN_MEMBER_ID');
      m1.leaves();
      removal(story);
      return groupIsolation.check(withRetention(story)).map(({ signature }) => signature);
    };
    expect(tell(true)).toEqual([]);
    expect(tell(false)).toEqual(['committed offset removed without a cause']);
    expect(tell(true, false)).toEqual(['committed offset removed without a cause']);
  });

  it('while a member still runs that had to wait for longer than its session, and cannot be told that it has no place', () => {
    const SESSION_MS = 6_000;
    const tell = (waitMs: number, afterMs = 0) => {
      const { story, m1 } = alone({ groups: [{ sessionTimeoutMs: SESSION_MS }] });
      story.produces(1);
      m1.works(0, 1).commits(0, 1).isToldToWait(waitMs);
      story.wait(SESSION_MS + RETENTION_MS + afterMs);
      removal(story);
      return groupIsolation.check(withRetention(story)).map(({ signature }) => signature);
    };
    const longMs = SESSION_MS + RETENTION_MS + 1_000;
    expect(tell(longMs)).toEqual([]);
    expect(tell(SESSION_MS)).toEqual(['committed offset removed without a cause']);
    expect(tell(longMs, -2_000)).toEqual(['committed offset removed without a cause']);
    expect(tell(longMs, 10_000)).toEqual(['committed offset removed without a cause']);
  });

  it('while a second process runs that was never answered a request to join, where its traffic is recorded', () => {
    const tell = (isJoining: boolean, wire = true) => {
      const { story, m1 } = alone({ wire });
      story.produces(1);
      m1.works(0, 1).commits(0, 1);
      const twin = story.during({ kind: 'pause-broker', broker: 1 }, () => {
        m1.exits(1);
        story.starts('m1');
        story.wait(8_000);
      });
      if (isJoining) twin.handles.at(-1)?.isJoining();
      story.wait(RETENTION_MS);
      removal(story);
      return groupIsolation.check(withRetention(story)).map(({ signature }) => signature);
    };
    expect(tell(false)).toEqual([]);
    expect(tell(true)).toEqual(['committed offset removed without a cause']);
    expect(tell(false, false)).toEqual(['committed offset removed without a cause']);
  });

  it.each([true, false])(
    'in a group that begins anew at once, where that becomes certain together (emptiness written: %s)',
    (isEmptied) => {
      const tell = (isBefore: boolean) => {
        const { story, m1 } = alone();
        story.produces(1);
        m1.works(0, 1).commits(0, 1);
        story.during({ kind: 'pause-broker', broker: 1 }, () => {
          m1.exits(1);
          if (isEmptied) story.empties();
          story.wait(8_000 + RETENTION_MS);
          const before = isBefore ? story.coordinatorPlace() : undefined;
          story.generation([[story.starts('m1'), [0]]]);
          removal(story, before);
        });
        return groupIsolation.check(withRetention(story)).map(({ signature }) => signature);
      };
      expect(tell(true)).toEqual([]);
      expect(tell(false)).toEqual(['committed offset removed without a cause']);
    },
  );

  it('but of those that go too soon', () => {
    const story = new Story();
    story.act({ kind: 'alter-offsets', group: 'billing', topic: 'orders', partition: 0, offset: 3 });
    story.accepts('orders', 0, 3).wait(RETENTION_MS - 1_000);
    removal(story);
    expect(groupIsolation.check(withRetention(story)).map(({ signature }) => signature)).toEqual([
      'committed offset removed without a cause',
    ]);
  });
});
