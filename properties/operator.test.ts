/** What operators and clusters do to a group's offsets: what that explains, and what it does not. */
import { describe, expect, it } from 'vitest';
import { judge } from './index.ts';
import { alone } from './testing/good-histories.ts';
import type { Story } from './testing/history-builder.ts';

const illegal = (story: Story): string[] =>
  judge(story.history())
    .anomalies.filter(({ policy }) => policy === 'illegal')
    .map(({ property, signature }) => `${property}: ${signature}`);

describe('an offset that an operator sets', () => {
  const tell = (isActed: boolean, offset: number): Story => {
    const { story, m1 } = alone();
    story.produces(6);
    m1.works(0, 6).commits(0, 6).leaves();
    m1.exits(0);
    story.empties();
    if (isActed)
      story.act({ kind: 'alter-offsets', group: 'billing', topic: 'orders', partition: 0, offset });
    story.accepts('orders', 0, offset);
    const again = story.joins('m1');
    story.generation([[again, [0]]]);
    again.hears();
    return story;
  };

  it('back explains that records come again', () => {
    expect(illegal(tell(true, 2))).toEqual([]);
    expect(illegal(tell(false, 2))).toContain('owned-commit: accepted commit that nobody asked for');
    expect(illegal(tell(false, 2))).toContain(
      'commit-monotonic: commit went back from one member to another',
    );
  });
});

describe('offsets that go', () => {
  const tell = (offsetsRetentionMs: number | null, emptyMs: number): Story => {
    const { story, m1 } = alone();
    if (offsetsRetentionMs !== null) {
      const [start] = story.events;
      if (start?.kind === 'start') start.scenario.topology.offsetsRetentionMs = offsetsRetentionMs;
    }
    story.produces(3);
    m1.works(0, 3).commits(0, 3).leaves();
    m1.exits(0);
    story.empties();
    story.wait(emptyMs);
    story.coordinatorEvent({
      process: 'coordinator',
      kind: 'commit-removed',
      group: 'billing',
      topic: 'orders',
      partition: 0,
      logPosition: story.coordinatorPlace(),
    });
    story.group().committed.clear();
    return story;
  };
  const CAUSELESS = 'group-isolation: committed offset removed without a cause';

  it('by their retention, when the group has been empty for so long', () => {
    expect(illegal(tell(2_000, 2_500))).not.toContain(CAUSELESS);
    expect(illegal(tell(2_000, 500))).toContain(CAUSELESS);
    expect(illegal(tell(null, 2_500))).toContain(CAUSELESS);
  });
});

it('what is found about the offsets of a recreated topic is observed', () => {
  const tell = (isRecreated: boolean): Story => {
    const { story, m1 } = alone();
    if (isRecreated) story.act({ kind: 'recreate-topic', topic: 'orders', durationMs: 500 });
    story.produces(4);
    m1.works(0, 2).stands(0, 3).works(0, 1).commits(0, 4);
    return story;
  };
  expect(illegal(tell(true))).toEqual([]);
  expect(illegal(tell(false))).toContain('at-least-once: lost: never delivered');
});

it('a position above the end is where an operator had set it, or somebody sought it, and nowhere else', () => {
  const tell = (isActed: boolean): Story => {
    const { story, m1 } = alone({ groups: [{ autoOffsetReset: 'latest' }] });
    story.produces(3);
    m1.works(0, 3).commits(0, 3);
    if (isActed)
      story.act({ kind: 'alter-offsets', group: 'billing', topic: 'orders', partition: 0, offset: 5 });
    m1.findsOutOfRange(0, { offset: 5 });
    story.produces(4);
    m1.works(0, 4).commits(0, 7);
    return story;
  };
  const spurious = (story: Story) =>
    judge(story.history()).anomalies.filter(({ signature }) => signature.startsWith('reset although'));
  expect(spurious(tell(true))).toEqual([]);
  expect(spurious(tell(false))).toHaveLength(1);
});

describe('an offset above the end that an operator has set, where no traffic is known', () => {
  const tell = (policy: 'earliest' | 'latest', offset: number, first: number): Story => {
    const { story, m1 } = alone({ groups: [{ autoOffsetReset: policy }], wire: false });
    story.produces(3);
    m1.works(0, 3).commits(0, 3).leaves();
    story.empties().act({ kind: 'alter-offsets', group: 'billing', topic: 'orders', partition: 0, offset });
    story.accepts('orders', 0, offset);
    story.produces(2);
    const again = story.joins('m1');
    story.generation([[again, [0]]]);
    again.hears().stands(0, first);
    story.produces(1);
    again.works(0, 6 - first).commits(0, 6);
    return story;
  };

  it('leaves the start to auto.offset.reset', () => {
    expect(illegal(tell('earliest', 1_000, 0))).toEqual([]);
    expect(illegal(tell('latest', 1_000, 5))).toEqual([]);
    expect(illegal(tell('earliest', 1_000, 2))).toContain(
      'offset-reset: wrong start after a position out of range',
    );
    expect(illegal(tell('latest', 1_000, 1))).toContain(
      'offset-reset: wrong start after a position out of range',
    );
  });

  it('and one that the log has does not', () => {
    expect(illegal(tell('earliest', 2, 2))).toEqual([]);
    expect(illegal(tell('earliest', 2, 0))).toContain('explained-resume: resumed before the last commit');
  });
});

it('a cooperative member works on what it had in hand of a partition that its generation keeps back', () => {
  const tell = (assignors: ['cooperative-sticky'] | ['range']): Story => {
    const { story, m1 } = alone({ topics: { orders: 2 }, groups: [{ assignors }] });
    story.produces(2, { partition: 1 });
    m1.works(1, 2).crashes();
    const again = story.joins('m1');
    story.generation([[again, [0, 1]]]);
    again.hears();
    const m2 = story.joins('m2');
    story.generation([
      [again, [0]],
      [m2, []],
    ]);
    again.hears();
    m2.hears();
    again.stands(1, 0).works(1, 2);
    story.generation([
      [again, [0]],
      [m2, [1]],
    ]);
    again.hears();
    m2.hears();
    return story;
  };
  const ofAnother = 'duplicate-bound: processed again by a member that did not own it';
  expect(illegal(tell(['cooperative-sticky']))).not.toContain(ofAnother);
  expect(illegal(tell(['range']))).toContain(ofAnother);
});

describe('a first end of the log that is found again', () => {
  const LOST = 'at-least-once: lost: latest was resolved again before the first commit';
  const NOT_COMMITTED =
    'at-least-once: lost: latest was resolved again, since its first end could not be committed';
  const tell = (isAsked: boolean, isBrokerAway: boolean, hadCommitted = false): Story => {
    const { story, m1: first } = alone({ groups: [{ autoOffsetReset: 'latest' }] });
    let m1 = first;
    if (hadCommitted) {
      m1.commits(0, 0, { byApplication: true }).leaves();
      m1.exits(0);
      story.empties().deletesOffsets();
      m1 = story.joins('m1');
      story.generation([[m1, [0]]]);
      m1.hears();
    }
    const refuse = () => {
      if (isAsked) m1.commits(0, 0, { told: { refused: 'UNKNOWN_MEMBER_ID' }, byApplication: true });
    };
    if (isBrokerAway) story.during({ kind: 'pause-broker', broker: 1 }, refuse);
    else refuse();
    m1.crashes();
    story.produces(3);
    const again = story.joins('m1');
    story.generation([[again, [0]]]);
    again.hears();
    return story;
  };

  it('is observed where it could not be committed while a broker was away, and there alone', () => {
    expect(illegal(tell(true, true))).toEqual([]);
    expect(illegal(tell(true, false))).toContain(NOT_COMMITTED);
    expect(illegal(tell(false, true))).toContain(LOST);
  });

  it('is observed too where the same offset had been committed before, and deleted', () => {
    expect(illegal(tell(true, true, true))).toEqual([]);
    expect(illegal(tell(false, true, true))).toContain(LOST);
  });
});

describe('an offset above the end that an operator has set, and a transaction that is aborted after the reset', () => {
  const tell = (policy: 'earliest' | 'latest', { from, commits }: { from: number; commits: boolean }) => {
    const { story, m1 } = alone({ groups: [{ autoOffsetReset: policy }] });
    story.produces(5);
    m1.works(0, 5).commits(0, 5).leaves();
    m1.exits(0);
    story
      .empties()
      .act({ kind: 'alter-offsets', group: 'billing', topic: 'orders', partition: 0, offset: 1_000 });
    story.accepts('orders', 0, 1_000);
    const again = story.joins('m1');
    story.generation([[again, [0]]]);
    again.hears().findsOutOfRange(0);
    const position = again.positionAt(0);
    story.produces(2);
    again.works(0, 7 - position);
    if (commits) again.commits(0, 7);
    story.emit({
      process: again.process,
      kind: 'transaction-end',
      transaction: 0,
      ending: 'abort',
      outcome: 'ok',
      error: null,
    });
    again
      .stands(0, from)
      .works(0, 7 - from)
      .commits(0, 7);
    return illegal(story);
  };
  const TOO_FAR = 'duplicate-bound: processed again after its commit';

  it('is not where the work that is done again begins, but the place that the reset led to', () => {
    expect(tell('latest', { from: 5, commits: false })).toEqual([]);
    expect(tell('earliest', { from: 0, commits: false })).toEqual([]);
    expect(tell('latest', { from: 5, commits: true })).toContain(TOO_FAR);
    expect(tell('earliest', { from: 0, commits: true })).toContain(TOO_FAR);
  });
});
