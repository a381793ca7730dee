import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Deadlines } from './deadlines.ts';
import { VirtualTime } from './testing/virtual-time.ts';

test('deadlines come in order and on time, ended ones never, whatever the order of arrival', () => {
  const one = fc.record({
    delayMs: fc.nat(50),
    endAfterMs: fc.option(fc.nat(50), { nil: null }),
    pauseMs: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 30 }), (wanted) => {
      const world = new VirtualTime();
      const broker = world.broker(1);
      const deadlines = new Deadlines(broker);
      const startMs = world.nowMs;
      const seen: string[] = [];
      const expected: { atMs: number; index: number }[] = [];
      for (const [index, { delayMs, endAfterMs, pauseMs }] of wanted.entries()) {
        const atMs = world.nowMs + delayMs;
        const end = deadlines.after(delayMs, () => seen.push(`${index}@${world.nowMs - startMs}`));
        if (endAfterMs !== null) broker.after(endAfterMs, end);
        if (endAfterMs === null || endAfterMs > delayMs) expected.push({ atMs, index });
        // Ended at the very moment of the deadline: either may be first.
        if (endAfterMs === delayMs) end();
        world.run(pauseMs);
      }
      world.run(200);
      expected.sort((left, right) => left.atMs - right.atMs || left.index - right.index);
      expect(seen).toEqual(expected.map(({ atMs, index }) => `${index}@${atMs - startMs}`));
    }),
  );
});

test('a thousand deadlines that are all ended take one timer', () => {
  const world = new VirtualTime();
  const deadlines = new Deadlines(world.broker(1));
  const ends = Array.from({ length: 1_000 }, (_, index) => deadlines.after(1_000 + index, () => undefined));
  for (const end of ends) end();
  expect(world.pendingTimers).toBe(1);
  world.run(2_000);
  expect(world.pendingTimers).toBe(0);
});
