/** Paired statistics: what shows a difference, and what does not. */
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../world/simulated/random.ts';
import { compareFigure, percentileOf } from './statistics.ts';

const pairsOf = (differences: readonly number[]) => differences.map((by) => [100, 100 + by] as const);

describe('a paired figure', () => {
  it('of equal pairs differs by nothing', () => {
    expect(compareFigure(pairsOf(Array(50).fill(0)), 1, 'x')).toMatchObject({
      a: 100,
      b: 100,
      difference: 0,
      interval: [0, 0],
      verdict: 'no difference shown',
      aBetter: 0,
      bBetter: 0,
    });
  });

  it('is better or worse where its interval excludes 0', () => {
    const differences = Array.from({ length: 40 }, (_, i) => 3 + (i % 5));
    expect(compareFigure(pairsOf(differences), 1, 'x')).toMatchObject({ verdict: 'worse', aBetter: 40 });
    const figure = compareFigure(pairsOf(differences.map((by) => -by)), 1, 'x');
    expect(figure).toMatchObject({ verdict: 'better', bBetter: 40, difference: -5 });
    expect(figure?.interval[0]).toBeLessThan(-5);
    expect(figure?.interval[1]).toBeGreaterThan(-5);
  });

  it('shows nothing where few scenarios differ, however much', () => {
    expect(compareFigure(pairsOf([9, 9, 9, 9, 9]), 1, 'x')?.verdict).toBe('no difference shown');
    expect(compareFigure(pairsOf([9, 9, 9, 9, 9, 9]), 1, 'x')?.verdict).toBe('worse');
  });

  it('is the same for the same seed and purpose', () => {
    const random = new RandomStream(5, 'differences');
    const pairs = pairsOf(Array.from({ length: 30 }, () => random.int(100) - 45));
    expect(compareFigure(pairs, 7, 'x')).toEqual(compareFigure(pairs, 7, 'x'));
    expect(compareFigure(pairs, 8, 'x')?.interval).not.toEqual(compareFigure(pairs, 7, 'x')?.interval);
  });

  it('has an interval that holds the truth about as often as it says', () => {
    const random = new RandomStream(3, 'coverage');
    // The mean of ten draws of 0..1 less that of ten others: 0 in truth.
    const draw = (): number => Array.from({ length: 10 }, () => random.fraction()).reduce((a, b) => a + b, 0);
    const trials = 200;
    let holds = 0;
    for (let trial = 0; trial < trials; trial++) {
      const figure = compareFigure(
        Array.from({ length: 40 }, () => [draw(), draw()] as const),
        trial,
        'coverage',
      );
      if (figure !== null && figure.interval[0] <= 0 && figure.interval[1] >= 0) holds++;
    }
    // 95 % of 200 is 190; the percentile bootstrap of 40 pairs is a little narrow.
    expect(holds).toBeGreaterThan(176);
    expect(holds).toBeLessThan(200);
  });
});

describe('a percentile', () => {
  it('is the nearest rank', () => {
    expect(percentileOf([3, 1, 2, 4], 0.5)).toBe(2);
    expect(percentileOf([3, 1, 2, 4], 0.99)).toBe(4);
    expect(percentileOf([7], 0)).toBe(7);
    expect(percentileOf([], 0.5)).toBeNull();
  });
});
