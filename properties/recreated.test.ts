/** What is illegal of a topic that was deleted and created again, and what is only observed. */
import { expect, it } from 'vitest';
import { judge } from './index.ts';
import { alone } from './testing/good-histories.ts';

/** One commit goes back before the topic is recreated, another one afterwards. */
const found = (backs: 'before' | 'after') => {
  const { story, m1 } = alone();
  story.produces(4);
  m1.works(0, 3).commits(0, 3);
  if (backs === 'before') m1.commits(0, 1);
  story.act({ kind: 'recreate-topic', topic: 'orders', durationMs: 500 });
  if (backs === 'after') m1.commits(0, 1);
  return judge(story.history())
    .anomalies.filter(({ property }) => property === 'commit-monotonic')
    .map(({ policy }) => policy);
};

it('what was wrong before the topic was deleted is illegal', () => {
  expect(found('before')).toEqual(['illegal']);
});

it('what is wrong afterwards may be about either topic', () => {
  expect(found('after')).toEqual(['observed']);
});

it('what was read of the old topic is not in the new one, however the transactions of that end', () => {
  const read = (isRecreated: boolean) => {
    const { story, m1 } = alone({ groups: [{ isolationLevel: 'read_committed' }] });
    story.produces(1);
    m1.works(0, 1).commits(0, 1);
    if (isRecreated) story.act({ kind: 'recreate-topic', topic: 'orders', durationMs: 500 });
    story.transaction(0, 0, { state: 'aborted', endedAt: story.time });
    return judge(story.history())
      .anomalies.filter(({ property }) => property === 'read-committed')
      .map(({ policy }) => policy);
  };
  expect(read(true)).toEqual(['observed']);
  expect(read(false)).toEqual(['illegal']);
});

it('a position in the old topic is not where a member goes on in the new one', () => {
  const asked = (isRecreated: boolean) => {
    const { story, m1 } = alone();
    story.produces(4);
    m1.works(0, 3).asks('position', 0, 3);
    if (isRecreated) story.act({ kind: 'recreate-topic', topic: 'orders', durationMs: 500 });
    m1.delivers(0, [0]);
    return judge(story.history())
      .anomalies.filter(({ property }) => property === 'answered-offset')
      .map(({ policy }) => policy);
  };
  expect(asked(true)).toEqual(['observed']);
  expect(asked(false)).toEqual(['illegal']);
});
