/** Ticks that a person would choose, and pictures whose size is bounded by their width. */
import { describe, expect, test } from 'vitest';
import { columnsPath, scaleOf, thinned, ticksOf } from './scale.ts';

describe('scaleOf', () => {
  test('a short run fills the picture, a long one makes it wider, within bounds', () => {
    expect(scaleOf({ fromMs: 0, toMs: 10 }).width).toBe(1_030);
    expect(scaleOf({ fromMs: 0, toMs: 200_000 }).width).toBe(2_000);
    expect(scaleOf({ fromMs: 0, toMs: 3_600_000 }).width).toBe(4_000);
  });

  test('places times inside, whatever they are', () => {
    const scale = scaleOf({ fromMs: -50, toMs: 980 });
    expect([-50, 465, 980].map((time) => scale.x(time))).toEqual([0, 515, 1_030]);
    expect([-1_000, 9_999].map((time) => scale.x(time))).toEqual([0, 1_030]);
  });
});

describe('ticksOf', () => {
  test.each([
    [12, ['0.000 s', '0.001 s']],
    [500, ['0.00 s', '0.05 s']],
    [41_000, ['0 s', '5 s']],
    [120_000, ['0 s', '10 s']],
    [3_600_000, ['0 s', '120 s']],
  ])('%i ms', (toMs, first) => {
    const ticks = ticksOf(scaleOf({ fromMs: 0, toMs }));
    expect(ticks.slice(0, 2).map((tick) => tick.label)).toEqual(first);
    expect(ticks.length).toBeLessThan(70);
  });

  test('begins at a whole step where the run begins before 0', () => {
    expect(ticksOf(scaleOf({ fromMs: -7_000, toMs: 34_000 }))[0]).toEqual({ timeMs: -5_000, label: '-5 s' });
  });
});

describe('columnsPath', () => {
  const scale = scaleOf({ fromMs: 0, toMs: 1_030 });

  test('joins what touches and keeps gaps', () => {
    const spans = [
      { fromMs: 10, toMs: 12 },
      { fromMs: 12, toMs: 15 },
      { fromMs: 20, toMs: 20 },
    ];
    expect(columnsPath(spans, scale, 5, 4)).toBe('M10 5h5v4H10zM20 5h1v4H20z');
  });

  test('nothing makes no path, and what is outside stays at the edge', () => {
    expect(columnsPath([], scale, 0, 1)).toBe('');
    expect(columnsPath([{ fromMs: 5_000, toMs: 6_000 }], scale, 0, 1)).toBe('M1030 0h1v1H1030z');
  });

  test('is no longer for a hundred thousand spans than its columns allow', () => {
    const spans = Array.from({ length: 100_000 }, (_, index) => ({
      fromMs: index / 87,
      toMs: index / 87 + 0.001,
    }));
    expect(columnsPath(spans, scale, 0, 1).length).toBeLessThan(1_031 * 20);
  });
});

test('thinned keeps a distance', () => {
  expect(thinned([0, 1, 2, 5, 6, 11], (one) => one, 3)).toEqual([0, 5, 11]);
});
