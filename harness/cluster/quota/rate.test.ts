/** Kafka's measure of a rate: few amounts count over all windows, old ones no more. */
import { expect, test } from 'vitest';
import { Rate } from './rate.ts';

test('what comes at once counts over ten seconds, and a second later over eleven', () => {
  const rate = new Rate();
  rate.add(10_000, 5_000);
  expect(rate.perSecond(5_000)).toBe(1_000);
  expect(rate.windowMs(5_999)).toBe(10_999);
  // A whole window has gone by, so that one fewer has to be made up.
  expect(rate.windowMs(6_000)).toBe(10_000);
  rate.add(10_000, 14_000);
  expect(rate.perSecond(15_000)).toBe(2_000);
  expect(rate.windowMs(15_900)).toBe(10_900);
});

test('a window with nothing in it for eleven seconds is forgotten', () => {
  const rate = new Rate();
  rate.add(10_000, 0);
  rate.add(1_000, 5_000);
  expect(rate.perSecond(10_999)).toBeCloseTo(11_000 / 10.999);
  expect(rate.perSecond(11_000)).toBeCloseTo(1_000 / 10);
  expect(rate.perSecond(16_000)).toBe(0);
});

test('amounts can be taken back', () => {
  const rate = new Rate();
  rate.add(500, 0);
  rate.add(9_000, 100);
  rate.add(-9_000, 100);
  expect(rate.perSecond(0)).toBe(50);
});
