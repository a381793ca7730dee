/** The figures of a run, on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { atLeastOnce } from '../../properties/at-least-once.ts';
import { catalogue, judge } from '../../properties/index.ts';
import { alone } from '../../properties/testing/good-histories.ts';
import type { Story } from '../../properties/testing/history-builder.ts';
import { factsOf, figuresOf, inFigureOrder } from './figures.ts';

const figuresOfStory = (
  story: Story,
  requests: Record<string, number> | null = null,
  properties = catalogue,
) => {
  const history = story.history();
  return figuresOf(history, judge(history, properties), requests);
};

describe('figures', () => {
  it('of a run in which nothing happens are 0, or nothing where there is nothing to measure', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 3).commits(0, 3);
    expect(figuresOfStory(story, { Fetch: 7, Heartbeat: 2 })).toMatchObject({
      illegal: 0,
      'illegal:at-least-once': 0,
      lost: 0,
      unwritten: 0,
      duplicates: 0,
      'duplicates.perCrash': null,
      'recovery.worst': null,
      rebalances: 1,
      requests: 9,
      'requests:Fetch': 7,
    });
  });

  it('count what a crash makes come again, and the time until it does', () => {
    const { story, m1 } = alone();
    story.produces(5);
    m1.works(0, 2).commits(0, 2);
    m1.works(0, 3);
    m1.crashes();
    const crashedAt = story.time;
    const again = story.joins('m1');
    story.wait(4_000).generation([[again, [0]]]);
    again.works(0, 3).commits(0, 5);
    const deliveredAt = story.events.find(
      (event) => event.kind === 'delivery' && event.process === again.process,
    )?.time;
    const figures = figuresOfStory(story);
    expect(figures).toMatchObject({
      duplicates: 3,
      'duplicates.perCrash': 3,
      'duplicates.worst': 3,
      lost: 0,
      rebalances: 2,
      'ownerless.worst': expect.closeTo(4_000, -3),
    });
    const recoveryMs = figures['recovery.worst'] ?? 0;
    expect(recoveryMs).toBeGreaterThan(4_000);
    expect(Math.abs(recoveryMs - ((deliveredAt ?? 0) - crashedAt))).toBeLessThan(50);
  });

  it('count a lost record, and an illegal anomaly under its property', () => {
    const { story, m1 } = alone();
    story.produces(4);
    m1.works(0, 2);
    m1.stands(0, 3).works(0, 1).commits(0, 4);
    expect(figuresOfStory(story, null, [atLeastOnce])).toMatchObject({
      lost: 1,
      illegal: 1,
      'illegal:at-least-once': 1,
    });
  });

  it('count records that were sent and are in no log', () => {
    const { story } = alone();
    story.produces(2, { outcome: 'unknown', written: false });
    expect(figuresOfStory(story)).toMatchObject({ unwritten: 2 });
  });

  it('have a title each, and parts stand behind their whole', () => {
    expect(factsOf('requests:Fetch')).toEqual({ title: 'requests: Fetch', unit: 'times' });
    expect(
      inFigureOrder(['requests:Fetch', 'lost', 'requests', 'illegal:b', 'illegal', 'illegal:a']),
    ).toEqual(['illegal', 'illegal:a', 'illegal:b', 'lost', 'requests', 'requests:Fetch']);
  });
});
