/** The clock of the Kafka world: the wall clock at scenario time 0 enters, scenario time and timers leave. */
import { epochMs, roundMs } from '../../client/epoch-clock.ts';
import type { RunClock } from '../run-context.ts';

export const wallClock = (timeOriginEpochMs: number): RunClock => ({
  now: () => roundMs(epochMs() - timeOriginEpochMs),
  after(delayMs, callback) {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
});
