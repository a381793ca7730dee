/**
 * The observer's only clock: a span in milliseconds enters, a deadline that tells what is left of it leaves; waiting
 * is here too, so that every wait of the observer ends by itself or by a signal.
 */
import { setTimeout as wait } from 'node:timers/promises';

/** A moment after which no further attempt is made; monotonic, so that a corrected wall clock does not move it. */
export class Deadline {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  readonly #endMs: number;

  constructor(timeoutMs: number, signal?: AbortSignal) {
    this.timeoutMs = timeoutMs;
    this.signal = signal;
    this.#endMs = performance.now() + timeoutMs;
  }

  get remainingMs(): number {
    return Math.max(0, this.#endMs - performance.now());
  }

  get expired(): boolean {
    return this.remainingMs === 0;
  }

  /** @throws DeadlinePassed where the work is not done in time, or the signal's reason; the work itself goes on */
  async race<T>(work: Promise<T>): Promise<T> {
    const timer = new AbortController();
    const signal = this.signal ? AbortSignal.any([timer.signal, this.signal]) : timer.signal;
    const passed = sleep(this.remainingMs, signal).then(
      () => {
        throw new DeadlinePassed('the deadline has passed');
      },
      (error: unknown) => {
        this.signal?.throwIfAborted();
        throw error;
      },
    );
    // Whichever comes second has nobody to tell.
    passed.catch(() => {});
    work.catch(() => {});
    try {
      return await Promise.race([work, passed]);
    } finally {
      timer.abort(new Error('the work is done'));
    }
  }

  /** Waits, but never past the deadline. @throws the signal's reason when it is aborted meanwhile */
  async sleep(delayMs: number): Promise<void> {
    await sleep(Math.min(delayMs, this.remainingMs), this.signal);
  }
}

/** Thrown by `race`; whoever knows what was under way turns it into a sentence. */
export class DeadlinePassed extends Error {
  override name = 'DeadlinePassed';
}

/** @throws the signal's reason when it is aborted before or during the wait */
export async function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  try {
    await wait(delayMs, undefined, signal ? { signal } : {});
  } catch (error) {
    // The platform's AbortError says nothing of why; the signal's own reason does.
    signal?.throwIfAborted();
    throw error;
  }
}

const BACKOFF_FIRST_MS = 25;
const BACKOFF_MAX_MS = 500;

/** The pause before retry number `retry` (from 0): doubling, and bounded so that a returning broker is soon noticed. */
export const backoffMs = (retry: number): number =>
  Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(retry, 10));
