/** What the parent takes from a client process as an event, and what not. */
import { describe, expect, test } from 'vitest';
import { parseClientEvent } from './client-event.ts';

const line = (value: object): string => JSON.stringify({ time: 1.5, ...value });

describe('a line of a client process', () => {
  test('becomes an event with the process id', () => {
    expect(parseClientEvent(line({ kind: 'commit-ok', group: 'g', commit: 3 }), 'm1.2')).toEqual({
      time: 1.5,
      process: 'm1.2',
      kind: 'commit-ok',
      group: 'g',
      commit: 3,
    });
  });

  test.each([
    ['text', 'hello', 'a line of output is not JSON: hello'],
    ['a list', '[1]', 'a line of output is not an object: [1]'],
    ['an unknown kind', line({ kind: 'surprise' }), 'a line of output is no event'],
    ['a missing field', line({ kind: 'commit-ok', group: 'g' }), 'commit'],
    ['an unknown field', line({ kind: 'commit-ok', group: 'g', commit: 1, more: 1 }), 'more'],
    [
      'a number as offset',
      line({ kind: 'delivery', group: 'g', topic: 't', partition: 0, offsets: [1] }),
      'offsets',
    ],
    ['a place in the history', line({ seq: 4, kind: 'commit-ok', group: 'g', commit: 1 }), 'no seq'],
    ['another process', line({ process: 'm2.1', kind: 'commit-ok', group: 'g', commit: 1 }), 'no process'],
    [
      'evidence',
      line({ kind: 'group-removed', group: 'g', logPosition: { partition: 0, offset: '1' } }),
      'cannot know',
    ],
    ['a marker of the run', line({ kind: 'heal' }), "a client cannot know 'heal'"],
  ])('is refused where it is %s', (_what, text, sentence) => {
    expect(parseClientEvent(text, 'm1.2')).toContain(sentence);
  });

  test('of great length is cut in the sentence', () => {
    expect(parseClientEvent('x'.repeat(10_000), 'm1.2')).toMatch(
      /^a line of output is not JSON: x{197}\.\.\.$/,
    );
  });
});
