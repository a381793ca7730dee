/** The toxics of a direction: what a link is like enters, what Toxiproxy is told of it is checked. */
import { expect, test } from 'vitest';
import { refusalOf, toxicsOf } from './chain.ts';

const attributes = (...given: Parameters<typeof toxicsOf>): unknown[] =>
  toxicsOf(...given).map(({ name, attributes: own }) => [name, own]);

test('a sound link holds up nothing', () => {
  expect(attributes('to-broker', false, null)).toEqual([
    ['to-broker.close', { delay: 0 }],
    ['to-broker.cut', { latency: 0, jitter: 0 }],
    ['to-broker.latency', { latency: 0, jitter: 0 }],
    ['to-broker.rate', { rate: 1_000_000_000 }],
  ]);
});

test('a cut holds up bytes and what closes the connection, and not what is on its way already', () => {
  expect(attributes('to-process', true, null).slice(0, 3)).toEqual([
    ['to-process.close', { delay: 86_400_000 }],
    ['to-process.cut', { latency: 86_400_000, jitter: 0 }],
    ['to-process.latency', { latency: 0, jitter: 0 }],
  ]);
});

test.each([
  [
    { min: 100, max: 200 },
    { latency: 150, jitter: 50 },
  ],
  [
    { min: 50, max: 50 },
    { latency: 50, jitter: 0 },
  ],
  // Whole milliseconds on both sides of the middle, and within the range.
  [
    { min: 1, max: 10 },
    { latency: 5, jitter: 4 },
  ],
  [
    { min: 0.2, max: 0.4 },
    { latency: 0, jitter: 0 },
  ],
])('a latency of %o is a middle and what it differs by', (latencyMs, expected) => {
  const conditions = { latencyMs, bytesPerSecond: 50_000, lossPerThousand: 0 };
  expect(attributes('to-broker', false, conditions).slice(2)).toEqual([
    ['to-broker.latency', expected],
    ['to-broker.rate', { rate: 50 }],
  ]);
});

test('the two directions are the two streams', () => {
  const streams = (direction: 'to-broker' | 'to-process') =>
    new Set(toxicsOf(direction, false, null).map(({ stream }) => stream));
  expect(streams('to-broker')).toEqual(new Set(['upstream']));
  expect(streams('to-process')).toEqual(new Set(['downstream']));
});

test('what Toxiproxy cannot do is said', () => {
  const conditions = { latencyMs: { min: 0, max: 1 }, bytesPerSecond: null, lossPerThousand: 0 };
  expect(refusalOf(conditions)).toBe(null);
  expect(refusalOf({ ...conditions, bytesPerSecond: 2_000 })).toBe(null);
  expect(refusalOf({ ...conditions, bytesPerSecond: 2_500 })).toContain('thousands of bytes');
  expect(refusalOf({ ...conditions, lossPerThousand: 1 })).toContain('lossPerThousand');
});
