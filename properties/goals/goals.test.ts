/** The catalogue of goals: its size and names, and that goals are reached where, and only where, their thing happens. */
import { describe, expect, it } from 'vitest';
import { alone, pair } from '../testing/good-histories.ts';
import { Story } from '../testing/history-builder.ts';
import { goals, goalsReached } from './index.ts';

const reached = (story: Story): string[] => goalsReached(story.history());

it('has names of its own, and enough of them', () => {
  const names = goals.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(goals.filter(({ name }) => !name.startsWith('reset-')).length).toBeGreaterThanOrEqual(40);
  expect(goals.filter(({ name }) => name.startsWith('reset-'))).toHaveLength(3 * 6 * 3);
  for (const name of names) expect(name).toMatch(/^[a-z0-9-]+$/);
});

describe('says of a history', () => {
  it('in which nothing happens that it got nowhere but into the group', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 3).commits(0, 3);
    expect(reached(story)).toEqual(['reset-earliest-never-committed-undisturbed']);
  });

  it('with a refused commit and an unanswered one which they were', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.works(0, 1).commits(0, 1, { told: { refused: 'ILLEGAL_GENERATION' } });
    m1.works(0, 1).commits(0, 2, { told: 'silence' });
    expect(reached(story)).toEqual(
      expect.arrayContaining([
        'commit-illegal-generation',
        'commit-never-answered',
        'commit-written-and-never-answered',
      ]),
    );
  });

  it('in which a follower is read from, and is behind', () => {
    const { story, m1 } = alone();
    story.produces(3);
    m1.isSentToFollower(0).works(0, 1).findsOutOfRange(0);
    expect(reached(story)).toEqual(expect.arrayContaining(['sent-to-a-follower', 'follower-behind']));
    const other = alone();
    other.story.produces(3);
    other.m1.works(0, 1).findsOutOfRange(0);
    for (const name of ['sent-to-a-follower', 'follower-behind'])
      expect(reached(other.story)).not.toContain(name);
  });

  it('in which brokers go whether a majority is left', () => {
    const told = (brokers: number, gone: readonly number[]): string[] => {
      const story = new Story({ brokers });
      const go = ([broker, ...others]: readonly number[]): void => {
        if (broker !== undefined)
          story.wait(10).during({ kind: 'crash-broker', broker }, () => {
            story.wait(10);
            go(others);
          });
      };
      go(gone);
      return reached(story).filter((name) => name === 'most-brokers-are-away');
    };
    expect([told(1, [1]), told(3, [1]), told(3, [1, 1]), told(4, [1]), told(5, [1, 2])].flat()).toEqual([]);
    for (const [brokers, gone] of [
      [2, [1]],
      [3, [1, 3]],
      [4, [1, 2]],
      [5, [1, 2, 5]],
    ] as const)
      expect(told(brokers, gone), `${gone.join()} of ${brokers}`).toEqual(['most-brokers-are-away']);
    const story = new Story({ brokers: 3 });
    for (const broker of [1, 2]) story.during({ kind: 'crash-broker', broker }, () => story.wait(10));
    expect(reached(story)).not.toContain('most-brokers-are-away');
  });

  it('whose members share a process that it is killed, or that one of them leaves it', () => {
    const told = (end: 'crashes' | 'leaves', isShared: boolean): string[] => {
      const shared = isShared ? { sharedProcess: 'shop' } : {};
      const members = ['m1', 'm2'].map((id) => ({ id, ...shared }));
      const story = new Story({ groups: [{ members }] });
      const [m1, m2] = [story.joins('m1'), story.joins('m2')];
      story.generation([[m1, [0]]]);
      if (end === 'leaves') m1.leaves();
      else for (const one of [m1, m2]) one.crashes();
      return reached(story).filter((name) => name.includes('shared'));
    };
    expect(told('crashes', true)).toEqual(['shared-process-is-killed']);
    expect(told('leaves', true)).toEqual(['leaves-a-shared-process']);
    for (const end of ['crashes', 'leaves'] as const) expect(told(end, false)).toEqual([]);
  });

  it('with a crash what came again', () => {
    const { story, m1, m2 } = pair();
    story.produces(4);
    m1.works(0, 3).commits(0, 1);
    m1.crashes();
    story.generation([[m2, [0, 1]]]);
    m2.hears().works(0, 3);
    expect(reached(story)).toContain('repeated-after-a-crash');
  });

  it('with a stall that a commit after it was refused', () => {
    const { story, m1, m2 } = pair();
    story.produces(4);
    m1.works(0, 2);
    m1.stalls(() => {
      story.generation([[m2, [0, 1]]]);
      m2.hears();
    });
    m1.commits(0, 2, { told: { refused: 'UNKNOWN_MEMBER_ID' } });
    expect(reached(story)).toEqual(
      expect.arrayContaining(['zombie-commit-after-resume', 'commit-unknown-member']),
    );
  });

  it('with a reset the cell that it was in', () => {
    const { story, m1 } = alone({ groups: [{ autoOffsetReset: 'latest' }] });
    story.produces(4);
    m1.works(0, 2).commits(0, 2);
    story.deletesRecords(3);
    m1.findsOutOfRange(0, { offset: 2 });
    story.produces(1);
    m1.works(0, 1).commits(0, 5);
    expect(reached(story)).toEqual(
      expect.arrayContaining(['reset-latest-below-the-log-undisturbed', 'position-below-the-log']),
    );
    expect(reached(story)).not.toContain('reset-earliest-below-the-log-undisturbed');
  });
});
