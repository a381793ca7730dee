/** offset-reset on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { judge } from './index.ts';
import { offsetReset } from './offset-reset.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { alone, pair } from './testing/good-histories.ts';
import { Story, type StoryOptions } from './testing/history-builder.ts';

const latest: StoryOptions = { groups: [{ autoOffsetReset: 'latest' }] };

/** A group of one member that starts at `at` in a log of five records. */
const startsAt = (at: number, options: StoryOptions) => {
  const story = new Story(options);
  story.produces(5);
  const m1 = story.joins('m1');
  story.generation([[m1, [0]]]).produces(3);
  m1.stands(0, at)
    .works(0, 8 - at)
    .commits(0, 8);
  return story;
};

describeGoodHistories(offsetReset);

it('knows that a poll had handed records over before the position behind them was out of range', () => {
  const { story, m1 } = alone({ groups: [{ autoOffsetReset: 'latest' }], marksResets: false });
  story.produces(4);
  const polledTime = story.time;
  m1.delivers(0, [0], { sincePollMs: 0 }).processes(0, 0);
  story.wait(100).during({ kind: 'isolate-controller', broker: 1 }, () => {
    story.emit({
      kind: 'wire-fetch-error',
      topic: 'orders',
      partition: 0,
      process: m1.process,
      offset: '2',
      leaderEpoch: 3,
      error: 'OFFSET_OUT_OF_RANGE',
    });
  });
  m1.delivers(0, [1], { sincePollMs: story.time - polledTime }).processes(0, 1);
  story.wait(100);
  m1.lists(0).commits(0, 4);
  expect(judge(story.history()).anomalies.filter(({ policy }) => policy === 'illegal')).toEqual([]);
});

it('knows the start after a reset from what is left over, where the reset leads back to where the member was before', () => {
  const { story, m1, m2 } = pair();
  story.produces(6);
  m1.works(0, 2).commits(0, 2);
  story.generation([[m2, [0, 1]]]);
  m2.stands(0, 2).works(0, 4).commits(0, 6).leaves();
  story
    .deletesRecords(2)
    .wait(100)
    .generation([[m1, [0, 1]]]);
  m1.hears();
  story.during({ kind: 'isolate-controller', broker: 1 }, () => {
    m1.findsOutOfRange(0, { offset: 6, marks: false, leaderEpoch: 3 });
    m1.works(0, 4);
  });
  story.produces(1);
  m1.works(0, 1).commits(0, 7);
  expect(findings(offsetReset, story)).toEqual([]);
});

it('knows that a fetch was under way when the member joined again, and is answered before or after its new position', () => {
  const tell = (offset: number, isEarly = false) => {
    const { story, m1, m2 } = pair();
    story.produces(6);
    m1.works(0, 1).commits(0, 1);
    story.generation([[m2, [0, 1]]]);
    m2.stands(0, 1).works(0, 3).commits(0, 4).leaves();
    story.deletesRecords(3).generation([[m1, [0, 1]]], { busy: [m1] });
    const isRefused = () =>
      story.emit({
        kind: 'wire-fetch-error',
        topic: 'orders',
        partition: 0,
        process: m1.process,
        offset: String(offset),
        error: 'OFFSET_OUT_OF_RANGE',
      });
    if (isEarly) isRefused();
    m1.takesUp();
    if (!isEarly) isRefused();
    m1.works(0, 2).commits(0, 6);
    return findings(offsetReset, story).map((one) => one.split(' | ').slice(0, 2).join(' | '));
  };
  expect(tell(1)).toEqual([]);
  expect(tell(1, true)).toEqual([]);
  // It has the record before in hand, and asks for more.
  expect(tell(5)).toEqual(['observed | reset although the position was in range']);
  expect(tell(4)).toContain('illegal | wrong start after a position out of range');
});

describe('finds', () => {
  it('earliest that starts at the end, and in between', () => {
    expect(findings(offsetReset, startsAt(5, {}))).toMatchInlineSnapshot(`
      [
        "illegal | wrong start without a committed offset | m1.1 started orders/0 in group billing at 5 for the first time, nothing having been committed, but auto.offset.reset earliest asks for offset 0, the first that the log still holds. | wire-offset-fetch wire-list-offsets delivery | billing orders 0 m1.1",
      ]
    `);
    expect(findings(offsetReset, startsAt(1, {}))).toHaveLength(1);
    expect(findings(offsetReset, startsAt(0, {}))).toEqual([]);
  });

  it('latest that starts at the beginning, and behind the end', () => {
    expect(findings(offsetReset, startsAt(0, latest))).toMatchInlineSnapshot(`
      [
        "illegal | wrong start without a committed offset | m1.1 started orders/0 in group billing at 0 for the first time, nothing having been committed, but the log end that it was told is 5. | wire-offset-fetch wire-list-offsets delivery | billing orders 0 m1.1",
      ]
    `);
    expect(findings(offsetReset, startsAt(6, latest))).toMatchInlineSnapshot(`
      [
        "illegal | wrong start without a committed offset | m1.1 started orders/0 in group billing at 6 for the first time, nothing having been committed, but the log end that it was told is 5. | wire-offset-fetch wire-list-offsets delivery | billing orders 0 m1.1",
      ]
    `);
    expect(findings(offsetReset, startsAt(5, latest))).toEqual([]);
  });

  it('the same without a tap, as far as it shows', () => {
    expect(findings(offsetReset, startsAt(4, { ...latest, wire: false }))).toMatchInlineSnapshot(`
      [
        "illegal | wrong start without a committed offset | m1.1 started orders/0 in group billing at 4 for the first time, nothing having been committed, but auto.offset.reset latest asks for the log's end, and offset 4 had been acknowledged before. | delivery | billing orders 0 m1.1",
      ]
    `);
    expect(findings(offsetReset, startsAt(2, { wire: false }))).toMatchInlineSnapshot(`
      [
        "illegal | wrong start without a committed offset | m1.1 started orders/0 in group billing at 2 for the first time, nothing having been committed, but auto.offset.reset earliest asks for offset 0, the first that the log still holds. | delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a question for the wrong end, but no more of them than the application has sought that end', () => {
    const tell = (questions: number) => {
      const { story, m1 } = alone();
      story.produces(2);
      for (const offset of [-2, -1]) m1.calls('seek', { partitions: [0], offset });
      // The first answer is to what was asked before.
      m1.lists(0, { at: 'earliest' });
      for (let i = 0; i < questions; i += 1) m1.lists(0, { at: 'latest' });
      return m1.commits(0, 2).story;
    };
    expect(findings(offsetReset, tell(1))).toEqual([]);
    expect(findings(offsetReset, tell(2))).toMatchInlineSnapshot(`
      [
        "illegal | asked for the wrong end of the log | m1.1 had no position in orders/0 and asked for the latest offset, although group billing has auto.offset.reset earliest. | wire-offset-fetch wire-list-offsets | billing m1.1 orders 0",
      ]
    `);
  });

  it('earliest after the offsets were deleted', () => {
    const { story, m1 } = alone();
    story.produces(4);
    m1.works(0, 4).commits(0, 4).leaves();
    story.empties().deletesOffsets();
    const m2 = story.joins('m2');
    story.generation([[m2, [0]]]).produces(1);
    m2.stands(0, 4).works(0, 1).commits(0, 5);
    expect(findings(offsetReset, story)).toMatchInlineSnapshot(`
      [
        "illegal | wrong start without a committed offset | m2.1 started orders/0 in group billing at 4 after its committed offset was removed, but auto.offset.reset earliest asks for offset 0, the first that the log still holds. | commit-removed wire-offset-fetch wire-list-offsets delivery | billing orders 0 m2.1",
      ]
    `);
  });

  it('earliest after a negative commit', () => {
    const { story, m1, m2 } = pair({ marksResets: true });
    story.produces(6);
    m1.works(0, 2).commits(0, 2);
    story.deletesRecords(4);
    m1.findsOutOfRange(0, { offset: 2 }).crashes();
    story.wait(6_000).generation([[m2, [0, 1]]]);
    m2.stands(0, 5).works(0, 1).commits(0, 6);
    expect(findings(offsetReset, story)).toMatchInlineSnapshot(`
      [
        "illegal | wrong start without a committed offset | m2.1 started orders/0 in group billing at 5 after -2 was committed in its place, but auto.offset.reset earliest asks for offset 4, the first that the log still holds. | commit-accepted wire-offset-fetch wire-list-offsets delivery | billing orders 0 m2.1",
      ]
    `);
  });

  it('a wrong start after a position below the log start', () => {
    const { story, m1 } = alone();
    story.produces(6);
    m1.works(0, 1).commits(0, 1);
    story.deletesRecords(3);
    m1.findsOutOfRange(0).stands(0, 5).works(0, 1).commits(0, 6);
    expect(findings(offsetReset, story)).toMatchInlineSnapshot(`
      [
        "illegal | wrong start after a position out of range | m1.1 started orders/0 in group billing at 5 after its position 1 was out of range, but auto.offset.reset earliest asks for offset 3, the first that the log still holds. | commit-accepted wire-fetch-error wire-list-offsets delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a wrong start after a position above the log end', () => {
    const { story, m1 } = alone(latest);
    story.produces(6, { outcome: 'unknown' });
    m1.works(0, 6).commits(0, 6);
    story.during({ kind: 'crash-broker', broker: 1 }, () => story.log('orders', 0).records.splice(3));
    m1.findsOutOfRange(0).stands(0, 0).works(0, 3);
    expect(findings(offsetReset, story)).toMatchInlineSnapshot(`
      [
        "illegal | wrong start after a position out of range | m1.1 started orders/0 in group billing at 0 after its position 6 was out of range, but the log end that it was told is 3. | commit-accepted wire-fetch-error wire-list-offsets delivery | billing orders 0 m1.1",
      ]
    `);
  });

  it('a question for the wrong end', () => {
    const { story, m1 } = alone();
    story.produces(1);
    m1.resolves(0).lists(0, { at: 'latest' });
    expect(findings(offsetReset, story)).toMatchInlineSnapshot(`
      [
        "illegal | wrong start without a committed offset | m1.1 started orders/0 in group billing at 1 for the first time, nothing having been committed, but auto.offset.reset earliest asks for offset 0, the first that the log still holds. | wire-list-offsets wire-offset-fetch wire-list-offsets wire-list-offsets delivery | billing orders 0 m1.1",
        "illegal | asked for the wrong end of the log | m1.1 had no position in orders/0 and asked for the latest offset, although group billing has auto.offset.reset earliest. | wire-offset-fetch wire-list-offsets | billing m1.1 orders 0",
      ]
    `);
  });

  it('as observed, a reset that the log gave no reason for', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 1).commits(0, 1).findsOutOfRange(0).stands(0, 0).works(0, 1);
    expect(findings(offsetReset, story)).toMatchInlineSnapshot(`
      [
        "observed | reset although the position was in range | m1.1 was told that its position 1 in orders/0 is out of range, although the log of group billing had that offset all the time. | wire-fetch-error fact-log | billing m1.1 orders 0",
      ]
    `);
  });

  it('nothing about a reset where the final log is missing', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 1).commits(0, 1).findsOutOfRange(0).stands(0, 0).works(0, 1);
    const { start, events } = story.history();
    expect(offsetReset.check({ start, events })).toHaveLength(1);
    expect(offsetReset.check({ start, events: events.filter((event) => event.kind !== 'fact-log') })).toEqual(
      [],
    );
  });

  describe('with auto.offset.reset none', () => {
    const none = () => {
      const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
      story.produces(2);
      const m1 = story.joins('m1');
      return { story: story.generation([[m1, [0]]]), m1 };
    };
    const fails = (error: string) => {
      const { story, m1 } = none();
      story.emit({ process: m1.process, kind: 'application-error', call: 'poll', error });
      m1.exits(1);
      return story;
    };

    it('a record that was delivered all the same', () => {
      const { story, m1 } = none();
      m1.works(0, 1).commits(0, 1);
      expect(findings(offsetReset, story)).toMatchInlineSnapshot(`
        [
          "illegal | wrong start without a committed offset | m1.1 started orders/0 in group billing at 0 for the first time, nothing having been committed, but auto.offset.reset none forbids a start without a committed offset. | wire-offset-fetch delivery | billing orders 0 m1.1",
          "illegal | no error although there is no committed offset | m1.1 was told that orders/0 has no committed offset in group billing, which has auto.offset.reset none, and reported no error that names it. | wire-offset-fetch process-exit | billing orders 0 m1.1",
        ]
      `);
    });

    it('a question for an end of the log', () => {
      const { story, m1 } = none();
      m1.lists(0);
      expect(findings(offsetReset, story)).toMatchInlineSnapshot(`
        [
          "illegal | wrong start without a committed offset | m1.1 started orders/0 in group billing at 2 for the first time, nothing having been committed, but auto.offset.reset none forbids a start without a committed offset. | wire-offset-fetch wire-list-offsets delivery | billing orders 0 m1.1",
          "illegal | asked for the wrong end of the log | m1.1 had no position in orders/0 and asked for the latest offset, although group billing has auto.offset.reset none. | wire-offset-fetch wire-list-offsets | billing m1.1 orders 0",
          "illegal | no error although there is no committed offset | m1.1 was told that orders/0 has no committed offset in group billing, which has auto.offset.reset none, and reported no error that names it. | wire-offset-fetch process-exit | billing orders 0 m1.1",
        ]
      `);
    });

    it('nothing where another error ends the member before it is told', () => {
      const tell = (isBefore: boolean) => {
        const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
        story.produces(2);
        const m1 = story.joins('m1');
        story.generation([[m1, [0]]], { busy: [m1] });
        const error = 'OffsetOutOfRangeException: orders-1@40';
        const ends = () =>
          story.emit({ process: m1.process, kind: 'application-error', call: 'poll', error });
        if (isBefore) ends();
        m1.takesUp();
        if (!isBefore) ends();
        return m1.exits(1).story;
      };
      expect(findings(offsetReset, tell(true))).toEqual([]);
      expect(findings(offsetReset, tell(false))).toHaveLength(1);
    });

    it('nothing where what it is told is the late answer to a question of its application', () => {
      const tell = (isOwn: boolean) => {
        const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
        story.produces(2);
        const m1 = story.joins('m1').asks('committed', 0, undefined);
        if (isOwn) story.generation([[m1, [0]]], { busy: [m1] });
        return m1.resolves(0, { told: null }).exits(0).story;
      };
      expect(findings(offsetReset, tell(false))).toEqual([]);
      expect(findings(offsetReset, tell(true))).toHaveLength(1);
    });

    it('nothing where it was joining again when it was told, and comes to no other end of that', () => {
      const tell = (isJoiningAgain: boolean) => {
        const story = new Story({ groups: [{ autoOffsetReset: 'none' }] });
        story.produces(2);
        const m1 = story.joins('m1');
        story.generation([[m1, [0]]], { busy: [m1] });
        const { process, memberId } = m1;
        if (isJoiningAgain) story.emit({ process, kind: 'client-rebalancing', group: 'billing', memberId });
        return m1.takesUp().exits(0).story;
      };
      expect(findings(offsetReset, tell(true))).toEqual([]);
      expect(findings(offsetReset, tell(false))).toHaveLength(1);
    });

    it('an error that does not say which partition it is about', () => {
      expect(findings(offsetReset, fails('no offset'))).toMatchInlineSnapshot(`
        [
          "illegal | no error although there is no committed offset | m1.1 was told that orders/0 has no committed offset in group billing, which has auto.offset.reset none, and reported no error that names it. | wire-offset-fetch process-exit | billing orders 0 m1.1",
        ]
      `);
    });

    it('nothing where the error names the partition', () => {
      expect(findings(offsetReset, fails('Undefined offset for partitions: orders-0'))).toEqual([]);
    });
  });
});
