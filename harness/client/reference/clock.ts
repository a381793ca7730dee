/**
 * Time and chance for the whole client, in one file: the platform's clock, timers and random numbers enter, which a
 * simulated process replaces by its own, and deadlines, waits and backoffs leave.
 */
import { TimeoutError } from './errors.ts';

/** Milliseconds on a clock that only goes forward. */
export const nowMs = (): number => performance.now();
/** Milliseconds since the Unix epoch, for the time stamps of records. */
export const wallClockMs = (): number => Date.now();
/** An integer from 0 to below `bound`. */
export const randomInteger = (bound: number): number => Math.floor(Math.random() * bound);

/** What Node takes for a delay; anything longer would be 1 ms. */
const DELAY_MS_MAX = 2_147_483_647;

export type Timer = NodeJS.Timeout;

/** Calls back once, and not before. */
export const startTimer = (delayMs: number, callback: () => void): Timer =>
  setTimeout(callback, Math.min(DELAY_MS_MAX, Math.max(0, Math.ceil(delayMs))));
export const stopTimer = (timer: Timer): void => clearTimeout(timer);

/** Calls back once, and not before; the function returned ends the wait. */
export function after(delayMs: number, callback: () => void): () => void {
  const timer = startTimer(delayMs, callback);
  return () => stopTimer(timer);
}

export const sleep = (timeMs: number): Promise<void> =>
  new Promise((resolve) => void after(timeMs, () => resolve()));

/** A point in time that a call must not outlast. */
export class Deadline {
  readonly atMs: number;

  constructor(timeoutMs: number) {
    this.atMs = nowMs() + timeoutMs;
  }

  get leftMs(): number {
    return Math.max(0, this.atMs - nowMs());
  }

  get isOver(): boolean {
    return nowMs() >= this.atMs;
  }
}

/** @throws TimeoutError where the promise has not settled by the deadline; what it was for may still be done */
export function within<T>(promise: Promise<T>, deadline: Deadline, what: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = after(deadline.leftMs, () => reject(new TimeoutError(`no ${what} in time`)));
    promise.then(resolve, reject).finally(cancel);
  });
}

const JITTER = 0.2;
const BACKOFF_EXPONENT_BASE = 2;

/** Kafka's ExponentialBackoff (KIP-580): doubles from `initialMs` up to `maxMs`, give or take a fifth. */
export function backoffMs(initialMs: number, maxMs: number, failures: number): number {
  const ms = Math.min(maxMs, initialMs * BACKOFF_EXPONENT_BASE ** Math.min(failures, 30));
  return ms * (1 - JITTER + 2 * JITTER * Math.random());
}

/** Wakes all who wait; `version` tells whether something has happened since one looked. */
export class Signal {
  version = 0;
  #waiting: { readonly resolve: () => void; readonly timer: Timer }[] = [];

  notify(): void {
    this.version += 1;
    if (this.#waiting.length === 0) return;
    for (const { resolve, timer } of this.#waiting.splice(0)) {
      stopTimer(timer);
      resolve();
    }
  }

  /** Resolves at the next `notify`, or after so long; at once where it was notified since `seen`. */
  wait(timeoutMs: number, seen: number): Promise<void> {
    if (this.version !== seen || timeoutMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = startTimer(timeoutMs, () => {
        this.#waiting = this.#waiting.filter((one) => one.timer !== timer);
        resolve();
      });
      this.#waiting.push({ resolve, timer });
    });
  }
}
