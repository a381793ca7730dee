/** What an application's own seek explains, and what it does not: the same histories with a seek and without one. */
import { describe, expect, it } from 'vitest';
import { catalogue } from './index.ts';
import { findings } from './testing/findings.ts';
import { alone } from './testing/good-histories.ts';
import type { Story } from './testing/history-builder.ts';

/** Illegal findings of all properties, each as the property and the signature. */
const illegal = (story: Story): string[] =>
  catalogue.flatMap((property) =>
    findings(property, story)
      .filter((one) => one.startsWith('illegal'))
      .map((one) => `${property.id}: ${one.split(' | ')[1]}`),
  );

describe('a seek', () => {
  const goesBack = (isSought: boolean): Story => {
    const { story, m1 } = alone();
    story.produces(6);
    m1.works(0, 5).commits(0, 5);
    if (isSought) m1.calls('seek', { partitions: [0], offset: 2 });
    m1.stands(0, 2).works(0, 2).commits(0, 4);
    return story;
  };

  it('back explains records that come again, and the lower commit', () => {
    expect(illegal(goesBack(true))).toEqual([]);
    expect(illegal(goesBack(false))).toEqual(
      expect.arrayContaining([
        'duplicate-bound: processed again without a cause',
        'commit-monotonic: commit went back in one member',
      ]),
    );
  });

  const goesForward = (isSought: boolean): Story => {
    const { story, m1 } = alone();
    story.produces(8);
    m1.works(0, 2).commits(0, 2);
    if (isSought) m1.calls('seek', { partitions: [0], offset: 5 });
    m1.stands(0, 5).works(0, 3).commits(0, 8);
    return story;
  };

  it('forward explains records that are passed over', () => {
    expect(illegal(goesForward(true))).toEqual([]);
    expect(illegal(goesForward(false))).toContain('at-least-once: lost: never delivered');
  });

  it('forward explains it too where another member went on from that commit, and the offsets expired then', () => {
    const tell = (isSought: boolean): string[] => {
      const { story, m1 } = alone({ groups: [{ members: ['m1', 'm2', 'm3'].map((id) => ({ id })) }] });
      story.produces(6, { key: 'a' });
      if (isSought) m1.calls('seek', { partitions: [0], offset: 2 });
      m1.stands(0, 2).works(0, 1).commits(0, 3).leaves();
      const m2 = story.joins('m2');
      story.generation([[m2, [0]]]);
      m2.hears().works(0, 2).commits(0, 5).leaves();
      story.deletesOffsets();
      const m3 = story.joins('m3');
      story.generation([[m3, [0]]]);
      m3.hears().stands(0, 0).works(0, 6).commits(0, 6);
      return illegal(story).filter((one) => one.startsWith('order'));
    };
    expect(tell(true)).toEqual([]);
    expect(tell(false)).toContain('order: key processed out of order by two members');
  });

  it('forward, and one back, explain that a key is worked on out of order', () => {
    const tell = (ahead: boolean, back: boolean): Story => {
      const { story, m1 } = alone();
      story.produces(4, { key: 'a' });
      if (ahead) m1.calls('seek', { partitions: [0], offset: 2 });
      m1.stands(0, 2).works(0, 2);
      if (back) m1.calls('seek', { partitions: [0], offset: 0 });
      return m1.stands(0, 0).works(0, 4).commits(0, 4).story;
    };
    const disorder = 'order: key processed out of order by one member';
    expect(illegal(tell(true, true))).toEqual([]);
    expect(illegal(tell(false, true))).not.toContain(disorder);
    expect(illegal(tell(false, false))).toContain(disorder);
  });

  it('forward explains none behind where it went', () => {
    const { story, m1 } = alone();
    story.produces(8);
    m1.works(0, 2).commits(0, 2);
    m1.calls('seek', { partitions: [0], offset: 5 });
    m1.stands(0, 6).works(0, 2).commits(0, 8);
    expect(illegal(story)).toContain('at-least-once: lost: never delivered');
  });

  it('forward explains what lies behind the last place that the log had, where one was committed that it had not', () => {
    const tell = (next: number) => {
      const { story, m1 } = alone();
      story.produces(8);
      m1.works(0, 2).commits(0, 2);
      m1.calls('seek', { partitions: [0], offset: 1_000_000 });
      m1.commits(0, 1_000_000).findsOutOfRange(0, { offset: 1_000_000 });
      m1.calls('seek', { partitions: [0], offset: 5 });
      return m1
        .stands(0, next)
        .works(0, 8 - next)
        .commits(0, 8).story;
    };
    expect(illegal(tell(5))).toEqual([]);
    expect(illegal(tell(6))).toContain('at-least-once: lost: never delivered');
  });

  it('above the end of the log, as it was then, makes the reset legitimate', () => {
    const { story, m1 } = alone({ groups: [{ autoOffsetReset: 'latest' }] });
    story.produces(3);
    m1.works(0, 1).commits(0, 1);
    m1.calls('seek', { partitions: [0], offset: 7 });
    m1.findsOutOfRange(0, { offset: 7 });
    story.produces(6);
    m1.works(0, 6).commits(0, 9);
    expect(illegal(story)).toEqual([]);
  });

  it('to the end, which kafkajs commits as -1, is observed', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 3).commits(0, 3);
    m1.calls('seek', { partitions: [0], offset: -1 });
    m1.commits(0, -1).resolves(0);
    expect(illegal(story)).toEqual([]);
  });
});

describe('a batch that is resolved in part', () => {
  it('comes again from where its application left it', () => {
    const { story, m1 } = alone({ groups: [{ consumeMode: 'manual', resolvesPartially: true }] });
    story.produces(4);
    m1.delivers(0, [0, 1, 2, 3]).processes(0, 0).processes(0, 1);
    m1.delivers(0, [2, 3]).processes(0, 2).processes(0, 3).commits(0, 4);
    expect(illegal(story)).toEqual([]);
  });

  it('does not come again from before that', () => {
    const { story, m1 } = alone({ groups: [{ consumeMode: 'manual', resolvesPartially: true }] });
    story.produces(4);
    m1.delivers(0, [0, 1, 2, 3]).processes(0, 0).processes(0, 1);
    m1.stands(0, 1).worksBatch(0, 3).commits(0, 4);
    expect(illegal(story)).toContain('duplicate-bound: processed again without a cause');
  });
});
