/** What a group left out, and in which order a record and the group's start came: hand-written histories enter. */
import { expect, it } from 'vitest';
import { Story, type StoryOptions } from '../../../properties/testing/history-builder.ts';
import { recordFates } from './record-fates.ts';

/** Two records before the group begins at `at`, and two after it has committed that. */
function startsAt(at: number, options: StoryOptions): Record<string, string> {
  const story = new Story(options);
  story.produces(2);
  story.wait(1_000);
  const m1 = story.joins('m1');
  story.generation([[m1, [0]]]);
  m1.stands(0, at).commits(0, at);
  story.wait(1_000);
  story.produces(2);
  m1.works(0, 4 - at).commits(0, 4);
  const fates = recordFates(story.ends().history()).get('billing') ?? new Map();
  return Object.fromEntries(
    [...fates].map(([record, { isLeftOut, order }]) => [
      record,
      `${isLeftOut ? 'left out' : 'read'} ${order}`,
    ]),
  );
}

it.each<[string, number, StoryOptions, Record<string, string>]>([
  [
    'latest, by whether they came before its start or after it',
    2,
    { groups: [{ autoOffsetReset: 'latest' }] },
    { 'p1-0': 'left out before', 'p1-1': 'left out before', 'p1-2': 'read after', 'p1-3': 'read after' },
  ],
  [
    'earliest, whenever it starts',
    0,
    {},
    { 'p1-0': 'read ', 'p1-1': 'read ', 'p1-2': 'read ', 'p1-3': 'read ' },
  ],
])('records of a group with %s', (_, at, options, expected) => {
  expect(startsAt(at, options)).toEqual(expected);
});
