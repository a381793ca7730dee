/** Spans without a live owner, on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { handOver, pair } from '../testing/good-histories.ts';
import { type Member, Story } from '../testing/history-builder.ts';
import { evidenceOf } from './evidence.ts';
import { ownerlessSpans } from './ownership.ts';

/** Clocks and single events are tens of milliseconds apart in a story. */
const TELLING_MS = 200;

/** By partition, the lengths of the spans that took longer than the telling. */
function spansOf(story: Story): Record<string, number[]> {
  const [group] = evidenceOf(story.history()).groups;
  const spans = group === undefined ? [] : ownerlessSpans(evidenceOf(story.history()), group);
  const found: Record<string, number[]> = {};
  for (const { key, fromTime, toTime } of spans) {
    const lengthMs = toTime - fromTime;
    if (lengthMs > TELLING_MS) found[key] = [...(found[key] ?? []), Math.round(lengthMs / 1_000)];
  }
  return found;
}

const rebalancing = (member: Member): void => {
  const { process, memberId, group, story } = member;
  story.emit({ process, kind: 'client-rebalancing', group: group.id, memberId });
};

describe('a partition has no live owner', () => {
  it('at no time where its owner stays', () => {
    const { story } = pair();
    expect(spansOf(story.wait(5_000))).toEqual({});
  });

  it('from the crash of its owner until another member has it', () => {
    const { story, m1, m2 } = pair();
    m1.crashes();
    story.wait(6_000).generation([[m2, [0, 1]]]);
    expect(spansOf(story)).toEqual({ 'orders/0': [6] });
  });

  it('while its owner is stalled, unless another member takes over', () => {
    const { story, m1, m2 } = pair();
    m1.stalls(() => story.wait(3_000));
    story.wait(1_000);
    m1.stalls(() =>
      story
        .wait(2_000)
        .generation([[m2, [0, 1]]])
        .wait(4_000),
    );
    expect(spansOf(story)).toEqual({ 'orders/0': [3, 2] });
  });

  it('from when an eager member hears of a rebalance until the next generation', () => {
    const { story, m1, m2 } = pair();
    rebalancing(m1);
    story.wait(2_000);
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    expect(spansOf(story)).toEqual({ 'orders/0': [2] });
  });

  it('in a cooperative rebalance only where it is given up', () => {
    const { story, m1, m2 } = handOver();
    // It gave partition 1 up in the generation that is written already; partition 0 it keeps all the time.
    rebalancing(m1);
    story.wait(2_000);
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    expect(spansOf(story)).toEqual({ 'orders/1': [2] });
  });

  it('while the member that holds it is no longer counted by the coordinator, and says nothing', () => {
    const { story, m1, m2 } = pair();
    story.generation([[m2, [1]]]).wait(2_000);
    story.generation([
      [m1, [0]],
      [m2, [1]],
    ]);
    expect(spansOf(story)).toEqual({ 'orders/0': [2] });
  });

  it('not while nobody is there who could', () => {
    const story = new Story();
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]);
    m1.crashes();
    story.wait(10_000);
    const again = story.joins('m1');
    story.wait(1_000).generation([[again, [0]]]);
    expect(spansOf(story)).toEqual({ 'orders/0': [1] });
  });

  it('from its own beginning, where it was added', () => {
    const story = new Story();
    const m1 = story.joins('m1');
    story.generation([[m1, [0]]]).wait(3_000);
    story.act({ kind: 'add-partitions', topic: 'orders', partitions: 2 });
    story.wait(2_000).generation([[m1, [0, 1]]]);
    expect(spansOf(story)).toEqual({ 'orders/1': [2] });
  });
});
