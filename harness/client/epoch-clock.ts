/** The wall clock, finer than Date: nothing enters, milliseconds since 1970 leave, the same in all processes of a machine. */

export interface Clocks {
  /** Whole milliseconds since 1970, as Date.now. */
  readonly epochMs: () => number;
  /** Milliseconds since the process began, with their fraction, as performance.now. */
  readonly monotonicMs: () => number;
}

/** A process that is interrupted at each of these ticks of the wall clock takes the one it knows best. */
const TICKS = 5;
/** In microseconds, as events are stamped. */
const CLOSE_ENOUGH_MS = 0.005;

/**
 * When the monotonic clock was 0, by the wall clock, in milliseconds since 1970. Node's own `performance.timeOrigin` is two
 * clocks read one after the other: a process that is interrupted between them, while a busy machine starts it, is late ever
 * after (11 ms were seen, which put its commits behind the coordinator's answers). Here a tick of the wall clock lies between
 * two reads of the monotonic one, so what an interruption costs is seen. Takes a millisecond.
 */
export function monotonicOriginEpochMs({ epochMs, monotonicMs }: Clocks): number {
  let uncertaintyMs = Number.POSITIVE_INFINITY;
  let originMs = 0;
  for (let tick = 0; tick < TICKS && uncertaintyMs > CLOSE_ENOUGH_MS; tick++) {
    let beforeMs = monotonicMs();
    const startMs = epochMs();
    for (let ticked = false; !ticked; ) {
      const betweenMs = monotonicMs();
      const nowMs = epochMs();
      const afterMs = monotonicMs();
      ticked = nowMs !== startMs;
      if (ticked && afterMs - beforeMs < uncertaintyMs) {
        uncertaintyMs = afterMs - beforeMs;
        originMs = nowMs - afterMs;
      }
      // The tick lies behind the last look at the wall clock that did not see it.
      beforeMs = betweenMs;
    }
  }
  return originMs;
}

let originEpochMs: number | null = null;

/** Monotonic inside the process, and of a finer grain than Date.now(). The first call takes as long as finding the origin. */
export function epochMs(): number {
  originEpochMs ??= monotonicOriginEpochMs({
    epochMs: () => Date.now(),
    monotonicMs: () => performance.now(),
  });
  return originEpochMs + performance.now();
}

/** Microseconds are as fine as two processes' clocks on one machine agree. */
export const roundMs = (timeMs: number): number => Math.round(timeMs * 1_000) / 1_000;
