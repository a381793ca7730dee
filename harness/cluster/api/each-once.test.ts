/** Topics that are named twice, partitions that are asked about twice, and topics of nothing. */
import { expect, test } from 'vitest';
import { eachOnce } from './each-once.ts';

interface Topic {
  readonly name: string;
  readonly partitions: readonly { readonly index: number; readonly offset: number }[];
}

const naming = {
  keyOf: ({ name }: Topic) => name,
  itemsOf: ({ partitions }: Topic) => partitions,
  indexOf: ({ index }: Topic['partitions'][number]) => index,
  withItems: ({ name }: Topic, partitions: Topic['partitions'][number][]): Topic => ({ name, partitions }),
};
const topic = (name: string, ...offsets: (readonly [index: number, offset: number])[]): Topic => ({
  name,
  partitions: offsets.map(([index, offset]) => ({ index, offset })),
});

test('what a client sends is passed on as it is', () => {
  const topics = [topic('a', [0, 1], [1, 1]), topic('b', [0, 1])];
  expect(eachOnce(topics, naming)).toBe(topics);
});

test('a topic stands where it was named first, with what was asked of each partition last', () => {
  const topics = [topic('a', [0, 1], [0, 2]), topic('b', [0, 1]), topic('a', [1, 3], [0, 4])];
  expect(eachOnce(topics, naming)).toEqual([topic('a', [0, 4], [1, 3]), topic('b', [0, 1])]);
});

test('a topic of nothing is left out', () => {
  expect(eachOnce([topic('a'), topic('b', [0, 1])], naming)).toEqual([topic('b', [0, 1])]);
});
