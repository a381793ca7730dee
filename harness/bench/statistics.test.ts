/** Median and range of measurements. */
import { describe, expect, it } from 'vitest';
import { spreadOf } from './statistics.ts';

describe('spreadOf', () => {
  it.each([
    [[7], { median: 7, min: 7, max: 7 }],
    [[30, 4, 5], { median: 5, min: 4, max: 30 }],
    [[10, 2, 4, 100], { median: 7, min: 2, max: 100 }],
  ])('%j', (values, spread) => {
    expect(spreadOf(values)).toEqual(spread);
  });

  it('refuses nothing at all', () => {
    expect(() => spreadOf([])).toThrow(RangeError);
  });
});
