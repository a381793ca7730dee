/** static-fencing on hand-written histories. */
import { describe, expect, it } from 'vitest';
import { staticFencing } from './static-fencing.ts';
import { describeGoodHistories, findings } from './testing/findings.ts';
import { pair } from './testing/good-histories.ts';

describeGoodHistories(staticFencing);

describe('finds', () => {
  const both = () => {
    const story = pair({ groups: [{ staticMembership: true }] });
    story.story.produces(2);
    story.m1.works(0, 1);
    const back = story.story.starts('m1');
    story.story.takesPlaceOf(back, story.m1);
    return { ...story, back };
  };

  it('two members with one instance id', () => {
    const { story, m1, m2 } = pair({ groups: [{ staticMembership: true }] });
    m1.crashes();
    const back = story.joins('m1');
    story.generation(
      [
        [back, [0]],
        [m1, []],
        [m2, [1]],
      ],
      { unaware: [m1] },
    );
    expect(findings(staticFencing, story)).toMatchInlineSnapshot(`
      [
        "illegal | two members with one group.instance.id | Generation 2 of group billing has 2 members with the group.instance.id m1 (m1.2, m1.1). | group-generation | billing m1.2",
      ]
    `);
  });

  it('a commit of the fenced member that is accepted', () => {
    const { story, m1 } = both();
    m1.commits(0, 1).isRefused('FENCED_INSTANCE_ID').exits(1);
    expect(findings(staticFencing, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit of a fenced member was accepted | m1.1, whose group.instance.id m1 had been taken over by generation 1 of group billing, committed orders/0 at 1, and the coordinator accepted it. | group-generation commit-invoke commit-accepted | billing m1.1 orders 0",
      ]
    `);
  });

  it('a fenced member that nobody tells', () => {
    const { story } = both();
    story.wait(60_000);
    expect(findings(staticFencing, story)).toMatchInlineSnapshot(`
      [
        "illegal | commit of a fenced member was accepted | m1.1, whose group.instance.id m1 had been taken over by generation 1 of group billing, committed orders/0 at 3, and the coordinator accepted it. | group-generation commit-invoke commit-accepted | billing m1.1 orders 0",
        "illegal | fenced member was never told | m1.1, whose group.instance.id m1 had been taken over by generation 1 of group billing, went on for 8000 ms, and nobody told it. | group-generation | billing m1.1",
      ]
    `);
  });

  it('no fenced member that nobody can tell, since its application has overrun its poll interval', () => {
    const silent = (maxPollIntervalMs: number): string[] => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true, maxPollIntervalMs }] });
      story.produces(1);
      m1.delivers(0, [0], { sincePollMs: 0 }).begins(0, 0);
      story.takesPlaceOf(story.starts('m1'), m1);
      story.wait(60_000);
      const found = staticFencing.check(story.history()).map(({ signature }) => signature);
      return found.filter((signature) => signature === 'fenced member was never told');
    };
    expect(silent(5_000)).toEqual([]);
    expect(silent(300_000)).toEqual(['fenced member was never told']);
  });

  it('no fenced member whose application has stopped its consumer, unless it runs again by then', () => {
    const silent = (before: readonly ('stop' | 'run')[], after: readonly 'stop'[]): string[] => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true }] });
      for (const call of before) m1.calls(call);
      story.takesPlaceOf(story.starts('m1'), m1);
      for (const call of after) m1.calls(call);
      story.wait(60_000);
      const found = staticFencing.check(story.history()).map(({ signature }) => signature);
      return found.filter((signature) => signature === 'fenced member was never told');
    };
    expect(silent(['stop'], [])).toEqual([]);
    expect(silent([], ['stop'])).toEqual([]);
    expect(silent(['stop', 'run'], [])).toEqual(['fenced member was never told']);
    expect(silent([], [])).toEqual(['fenced member was never told']);
  });

  it('no fenced member that has run its consumer anew meanwhile, and has the place back', () => {
    const tell = (memberId: string | null): string[] => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true }] });
      m1.calls('stop').calls('run');
      const twin = story.starts('m1');
      story.takesPlaceOf(twin, m1);
      if (memberId !== null) {
        m1.memberId = memberId;
        story.takesPlaceOf(m1, twin);
      }
      twin.isRefused('FENCED_INSTANCE_ID').exits(1);
      story.wait(60_000);
      return staticFencing.check(story.history()).map(({ signature }) => signature);
    };
    expect(tell('m1-anew')).toEqual([]);
    expect(tell(null)).toContain('fenced member was never told');
  });

  it('no fenced member whose commit is refused before the generation with the other one is written', () => {
    const tell = (error: string): string[] => {
      const { story, m1 } = pair({ groups: [{ staticMembership: true }] });
      story.produces(1);
      m1.delivers(0, [0])
        .processes(0, 0)
        .commits(0, 1, { told: { refused: error } });
      story.takesPlaceOf(story.starts('m1'), m1);
      story.wait(60_000);
      const found = staticFencing.check(story.history()).map(({ signature }) => signature);
      return found.filter((signature) => signature === 'fenced member was never told');
    };
    expect(tell('FENCED_INSTANCE_ID')).toEqual([]);
    expect(tell('REBALANCE_IN_PROGRESS')).toEqual(['fenced member was never told']);
  });
});
