/** The random streams: known values, independence of streams, ranges. */
import { describe, expect, it } from 'vitest';
import { RandomStream, RandomStreams } from './random.ts';

describe('RandomStream', () => {
  it('gives the values that it has always given', () => {
    // A change here changes what every stored scenario does: it needs a reason, and a new version of the scenarios.
    const stream = new RandomStream(42, 'link m1 1');
    expect([stream.bits(), stream.bits(), stream.int(1_000), stream.fraction()]).toEqual([
      1295472832, 3317877149, 724, 0.35179134236274223,
    ]);
    expect(stream.uuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('spreads its draws evenly over a range', () => {
    const stream = new RandomStream(1, 'spread');
    const counts = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) {
      const draw = stream.int(10);
      counts[draw] = (counts[draw] as number) + 1;
    }
    for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(500);
    for (let i = 0; i < 1_000; i++) {
      const fraction = stream.fraction();
      expect(fraction >= 0 && fraction < 1).toBe(true);
    }
  });

  it('takes nothing from the stream where there is no choice', () => {
    const one = new RandomStream(7, 'x');
    const other = new RandomStream(7, 'x');
    one.int(1);
    one.chance(0);
    one.chance(1_000);
    expect(one.bits()).toBe(other.bits());
  });
});

describe('RandomStreams', () => {
  it('keeps each purpose to itself', () => {
    const streams = new RandomStreams(3);
    const first = streams.of('a').bits();
    const other = new RandomStreams(3);
    for (let i = 0; i < 100; i++) other.of('b').bits();
    expect(other.of('a').bits()).toBe(first);
    expect(streams.of('b').bits()).not.toBe(first);
    expect(new RandomStreams(4).of('a').bits()).not.toBe(first);
  });
});
