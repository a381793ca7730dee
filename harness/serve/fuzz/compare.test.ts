/** The comparison itself: what it passes over, what it explains, and that it finds what is left. */
import { describe, expect, test } from 'vitest';
import type { Outcome } from './arm.ts';
import { compare } from './compare.ts';
import { isLeftUnanswered } from './known.ts';
import { announcedBy, Search } from './search.ts';

const by = { prefix: 'fuzz-1-1.', startedMs: 1_700_000_000_000, release: '4.3' as const };
const run = (apiKey: number, simulated: Outcome, real: Outcome) =>
  compare(
    { steps: [{ connection: 0, apiKey, version: 1, body: {} }] },
    { outcomes: [simulated], topicIds: new Map([['aa', 'orders']]) },
    { outcomes: [real], topicIds: new Map([['bb', 'orders']]) },
    by,
  );
const answers = (simulated: unknown, real: unknown) => run(3, { answer: simulated }, { answer: real });

describe('the comparison', () => {
  test.each([
    ['ids of topics', { topicId: 'aa' }, { topicId: 'bb' }],
    ['ids of members', { memberId: 'm-1', leader: 'm-1' }, { memberId: 'x-7', leader: 'x-7' }],
    ['hosts and ports', { host: 'a', port: 1 }, { host: 'b', port: 2 }],
    ['times of now', { timestamp: 1_700_000_000_001n }, { timestamp: 1_700_000_000_999n }],
    ['texts for people', { errorMessage: 'no' }, { errorMessage: null }],
    [
      'the order of topics',
      { topics: [{ name: 'a' }, { name: 'b' }] },
      { topics: [{ name: 'b' }, { name: 'a' }] },
    ],
    [
      'what is of others',
      { topics: [{ name: 'fuzz-1-2.orders' }] },
      { topics: [{ name: '__consumer_offsets' }] },
    ],
  ])('passes over %s', (_what, simulated, real) => {
    expect(answers(simulated, real).unexplained).toBeNull();
  });

  test.each([
    ['an error', { errorCode: 0 }, { errorCode: 3 }, 'answer.errorCode'],
    ['another topic', { topicId: 'aa' }, { topicId: '0'.repeat(32) }, 'answer.topicId'],
    ['who is meant', { memberId: 'm', leader: 'm' }, { memberId: 'x', leader: 'y' }, 'answer.leader'],
    ['an old time', { timestamp: 5n }, { timestamp: 6n }, 'answer.timestamp'],
    ['a list that is shorter', { topics: [{ name: 'a' }] }, { topics: [] }, 'answer.topics'],
  ])('finds %s', (_what, simulated, real, path) => {
    expect(answers(simulated, real).unexplained).toMatchObject({ step: 0, path });
  });

  test('finds a connection that closes, and explains what is known', () => {
    expect(run(3, { ended: 'closed' }, { answer: {} }).unexplained).toMatchObject({ path: 'ended' });
    const fetched = run(1, { answer: { sessionId: 0 } }, { answer: { sessionId: 77 } });
    expect(fetched).toMatchObject({ unexplained: null, known: [expect.stringContaining('fetch sessions')] });
  });
});

test('what the release never answers is not waited for', () => {
  const step = (groups: unknown[]) => ({ connection: 0, apiKey: 9, version: 8, body: { groups } });
  expect(isLeftUnanswered(step([]), '3.9')).toBe(true);
  expect(isLeftUnanswered(step([]), '4.3')).toBe(false);
  expect(isLeftUnanswered(step([{ groupId: 'g' }]), '3.9')).toBe(false);
});

test('a difference of one release is none of another', () => {
  const of = (release: '3.9' | '4.3') =>
    compare(
      { steps: [{ connection: 0, apiKey: 9, version: 8, body: { groups: [] } }] },
      { outcomes: [{ answer: {} }], topicIds: new Map() },
      { outcomes: [{ ended: 'silent' }], topicIds: new Map() },
      { ...by, release },
    ).unexplained;
  expect(of('3.9')).toBeNull();
  expect(of('4.3')).not.toBeNull();
});

describe('generated sequences', () => {
  test('are the same for a seed, and reach every API that is announced', () => {
    const make = () => new Search({ simulated: '', real: '', profile: '4.3' });
    const sequences = Array.from({ length: 400 }, (_, index) => make().sequence(7, index));
    expect(make().sequence(7, 3)).toEqual(sequences[3]);
    const asked = new Set(sequences.flatMap(({ steps }) => steps.map(({ apiKey }) => apiKey)));
    const announced = announcedBy('4.3').map(({ api }) => api.key);
    const inOrder = (keys: Iterable<number>) => [...keys].sort((left, right) => left - right);
    expect(inOrder(asked)).toEqual(inOrder(announced));
  });
});

test('a group that only a refused commit made may be seen by one and not by the other', () => {
  const of = (metadata: string, simulated: string, real: string) =>
    compare(
      {
        steps: [
          { connection: 0, apiKey: 8, version: 7, body: { topics: [{ committedMetadata: metadata }] } },
          { connection: 0, apiKey: 15, version: 3, body: { groups: ['~g'] } },
        ],
      },
      {
        outcomes: [{ answer: {} }, { answer: { groups: [{ groupState: simulated }] } }],
        topicIds: new Map(),
      },
      { outcomes: [{ answer: {} }, { answer: { groups: [{ groupState: real }] } }], topicIds: new Map() },
      by,
    ).unexplained;
  expect(of('x'.repeat(4_097), 'Dead', 'Empty')).toBeNull();
  expect(of('x'.repeat(4_097), 'Dead', 'Stable')).not.toBeNull();
  expect(of('x', 'Dead', 'Empty')).not.toBeNull();
});
