/** The clock of the Kafka world: the wall clock at scenario time 0 enters, scenario time and timers leave. */
import { epochMs } from '../../client/epoch-clock.ts';
import type { RunClock } from '../run-context.ts';

/** Microseconds are as fine as two processes' clocks on one machine agree. */
export const roundMs = (timeMs: number): number => Math.round(timeMs * 1_000) / 1_000;

export const wallClock = (timeOriginEpochMs: number): RunClock => ({
  now: () => roundMs(epochMs() - timeOriginEpochMs),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
});
