/** The fine wall clock: scripted clocks and this process's own enter, verdicts on its origin leave. */
import { expect, test } from 'vitest';
import { epochMs, monotonicOriginEpochMs } from './epoch-clock.ts';

const ORIGIN_EPOCH_MS = 1_700_000_000_000.25;

/** Clocks of one machine: each read takes a microsecond, and the reads that are named are preceded by an interruption. */
const interruptedClocks = (interruptionMs: number, atReads: (read: number) => boolean) => {
  let timeMs = 40;
  let reads = 0;
  const pass = (): number => {
    timeMs += 0.001 + (atReads(reads++) ? interruptionMs : 0);
    return timeMs;
  };
  return { epochMs: () => Math.floor(ORIGIN_EPOCH_MS + pass()), monotonicMs: pass };
};

test('the origin is known to microseconds', () => {
  const originMs = monotonicOriginEpochMs(interruptedClocks(0, () => false));
  expect(Math.abs(originMs - ORIGIN_EPOCH_MS)).toBeLessThan(0.005);
});

test.each([2, 3, 4, 5, 6, 7])('an interruption before read %i leaves it as it is', (interrupted) => {
  const originMs = monotonicOriginEpochMs(interruptedClocks(11, (read) => read === interrupted));
  expect(Math.abs(originMs - ORIGIN_EPOCH_MS)).toBeLessThan(0.005);
});

test('a process that is always interrupted takes the tick that it knows best', () => {
  const originMs = monotonicOriginEpochMs(interruptedClocks(0.7, (read) => read % 3 === 0));
  expect(Math.abs(originMs - ORIGIN_EPOCH_MS)).toBeLessThan(0.8);
});

test('it runs beside Date.now in this process', () => {
  for (let read = 0; read < 1_000; read++) {
    const beforeMs = Date.now();
    const nowMs = epochMs();
    const afterMs = Date.now();
    // Two clocks that one machine slews alike; what is left is the uncertainty of the origin.
    expect(nowMs).toBeGreaterThan(beforeMs - 1);
    expect(nowMs).toBeLessThan(afterMs + 2);
  }
});
