/** idle-member on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { idleMember } from './idle-member.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { pair } from './testing/good-histories.ts';
import { Story, type StoryOptions } from './testing/history-builder.ts';

/** One owner, and one member that waits. */
const waiting = (options: StoryOptions = {}) => {
  const story = new Story(options);
  const [m1, m2] = [story.joins('m1'), story.joins('m2')];
  story.generation([
    [m1, [0]],
    [m2, []],
  ]);
  return { story, m1, m2 };
};

describeGoodHistories(idleMember);

describe('finds', () => {
  it('a member that is left waiting when an owner has gone', () => {
    const { story, m1, m2 } = pair();
    const m3 = story.joins('m3');
    story.generation([
      [m1, [0]],
      [m2, [1]],
      [m3, []],
    ]);
    m1.leaves();
    story.generation([
      [m2, [0, 1]],
      [m3, []],
    ]);
    expect(findings(idleMember, story)).toMatchInlineSnapshot(`
      [
        "illegal | idle while another member has two partitions | Generation 3 of group billing gives m3.1 nothing and m2.1 2 partitions of orders, to which both subscribe. | group-generation | billing orders m3.1",
      ]
    `);
  });

  // Its topic had not been there when the generation was made, and the coordinator shares nothing out anew for it (KIP-345).
  it('none that a static member is when it is back with what was shared out for another subscription', () => {
    const tell = (isResubscribed: boolean) => {
      const { story, m1, m2 } = pair({ groups: [{ staticMembership: true }] });
      story.generation([
        [m1, [0, 1]],
        [m2, []],
      ]);
      m2.crashes();
      const made = story.events.findLast((event) => event.kind === 'group-generation');
      const former = made?.members.find(({ groupInstanceId }) => groupInstanceId === 'm2');
      if (isResubscribed && former !== undefined) former.subscription = [];
      story.takesPlaceOf(story.joins('m2'), m2);
      return findings(idleMember, story);
    };
    expect(tell(true)).toEqual([]);
    expect(tell(false)).toMatchInlineSnapshot(`
      [
        "illegal | idle while another member has two partitions | Generation 2 of group billing gives m2.1 nothing and m1.1 2 partitions of orders, to which both subscribe. | group-generation | billing orders m2.1",
      ]
    `);
  });

  it('a client that stops while it is idle', () => {
    const { story, m2 } = waiting();
    m2.clientCrashes('TypeError: nothing to fetch', false);
    expect(findings(idleMember, story)).toMatchInlineSnapshot(`
      [
        "illegal | idle member failed | m2.1 had no partitions in generation 1 of group billing, and its client stopped with TypeError: nothing to fetch. | group-generation client-crashed | billing m2.1",
      ]
    `);
  });

  it('a process that ends while it is idle', () => {
    const { story, m2 } = waiting();
    m2.exits(1);
    expect(findings(idleMember, story)).toMatchInlineSnapshot(`
      [
        "illegal | idle member failed | m2.1 had no partitions in generation 1 of group billing, and its process ended with code 1. | group-generation process-exit | billing m2.1",
      ]
    `);
  });

  it('but not where the member beside it in its process had failed', () => {
    const told = (isShared: boolean): string[] => {
      const shared = isShared ? { sharedProcess: 'shop' } : {};
      const { story, m1, m2 } = waiting({
        groups: [{ members: ['m1', 'm2'].map((id) => ({ id, ...shared })) }],
      });
      story.emit({ process: m1.process, kind: 'application-error', call: 'poll', error: 'no offset' });
      for (const one of [m1, m2]) one.exits(1);
      return findings(idleMember, story).filter((text) => text.includes('m2.1'));
    };
    expect(told(true)).toEqual([]);
    expect(told(false)).toHaveLength(1);
  });

  it('but neither where a second process of the same member has been started', () => {
    const { story, m2 } = waiting({ groups: [{ staticMembership: true }] });
    story.starts('m2');
    const error = 'FENCED_INSTANCE_ID: JoinGroup of billing: FENCED_INSTANCE_ID';
    story.emit({ process: m2.process, kind: 'application-error', call: 'poll', error });
    m2.exits(1);
    expect(findings(idleMember, story)).toEqual([]);
  });

  it('an error while it is idle, observed where a broker failed', () => {
    const { story, m2 } = waiting();
    story.during({ kind: 'restart-broker', broker: 1 }, () =>
      story.emit({ process: m2.process, kind: 'application-error', call: 'run', error: 'timeout' }),
    );
    expect(findings(idleMember, story)).toMatchInlineSnapshot(`
      [
        "observed | idle member failed | m2.1 had no partitions in generation 1 of group billing, and run failed with timeout. | group-generation application-error | billing m2.1",
      ]
    `);
  });

  it('a membership that expires for want of heartbeats', () => {
    const { story, m1 } = waiting();
    story.wait(7_000).generation([[m1, [0]]]);
    expect(findings(idleMember, story)).toMatchInlineSnapshot(`
      [
        "illegal | idle member lost its membership | m2.1 had no partitions in generation 1 of group billing, and generation 2 is without it, although it ran and nothing had happened to it. | group-generation group-generation | billing m2.1",
      ]
    `);
  });

  it('the same as observed where the configuration leaves no time for heartbeats', () => {
    const { story, m1 } = waiting({ groups: [{ sessionTimeoutMs: 1_000 }] });
    story.wait(2_000).generation([[m1, [0]]]);
    expect(findings(idleMember, story)).toMatchInlineSnapshot(`
      [
        "observed | idle member lost its membership | m2.1 had no partitions in generation 1 of group billing, and generation 2 is without it, although it ran and nothing had happened to it. | group-generation group-generation | billing m2.1",
      ]
    `);
  });

  it('the same as observed where it happened once, and not in virtual time', () => {
    const tell = (times: number) => {
      const { story, m1, m2 } = waiting();
      const start = story.events[0];
      if (start?.kind === 'start') start.world = 'kafka';
      for (let i = 0; i < times; i += 1) {
        story.wait(7_000).generation([[m1, [0]]]);
        story.generation([
          [m1, [0]],
          [m2, []],
        ]);
      }
      return findings(idleMember, story);
    };
    expect(tell(1)).toMatchInlineSnapshot(`
      [
        "observed | idle member lost its membership once | m2.1 had no partitions in generation 1 of group billing, and generation 2 is without it, although it ran and nothing had happened to it. | group-generation group-generation | billing m2.1",
      ]
    `);
    expect(tell(2).map((line) => line.split(' | ', 2).join(' | '))).toMatchInlineSnapshot(`
      [
        "illegal | idle member lost its membership",
        "illegal | idle member lost its membership",
      ]
    `);
  });

  it('nothing where the idle member had been told to leave, or its client had started anew', () => {
    const { story, m1, m2 } = waiting();
    const m3 = story.joins('m3');
    story.generation([
      [m1, [0]],
      [m2, []],
      [m3, []],
    ]);
    m2.leaves();
    story.generation([
      [m1, [0]],
      [m3, []],
    ]);
    expect(findings(idleMember, story)).toEqual([]);
  });
});
