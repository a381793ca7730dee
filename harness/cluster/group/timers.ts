/**
 * Timers with names, such as `heartbeat-<group>-<member>`: a name, a delay and a callback enter, and the callback is
 * called once when the delay has passed, unless the timer was set again or cancelled (CoordinatorTimer).
 *
 * A heartbeat sets its timer again every time, and nearly always before it fires. So a timer that is moved back keeps
 * its place in the world's queue, and looks at its deadline only when it gets there.
 */
import type { Cancel, Environment } from '../environment.ts';

interface Timer {
  deadlineMs: number;
  /** When the world will call back: at the deadline or before. */
  wakesAtMs: number;
  callback: () => void;
  cancel: Cancel;
}

export class Timers {
  readonly #environment: Environment;
  readonly #timers = new Map<string, Timer>();

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  get size(): number {
    return this.#timers.size;
  }

  /** In the order in which they were first set. */
  names(): string[] {
    return [...this.#timers.keys()];
  }

  set(name: string, delayMs: number, callback: () => void): void {
    const deadlineMs = this.#environment.nowMs() + delayMs;
    const known = this.#timers.get(name);
    if (known !== undefined && known.wakesAtMs <= deadlineMs) {
      known.deadlineMs = deadlineMs;
      known.callback = callback;
      return;
    }
    known?.cancel();
    const timer: Timer = { deadlineMs, wakesAtMs: deadlineMs, callback, cancel: () => {} };
    this.#timers.set(name, timer);
    this.#sleep(name, timer, delayMs);
  }

  cancel(name: string): void {
    this.#timers.get(name)?.cancel();
    this.#timers.delete(name);
  }

  cancelAll(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #sleep(name: string, timer: Timer, delayMs: number): void {
    timer.cancel = this.#environment.after(delayMs, () => {
      const remainingMs = timer.deadlineMs - this.#environment.nowMs();
      if (remainingMs > 0) {
        timer.wakesAtMs = timer.deadlineMs;
        this.#sleep(name, timer, remainingMs);
        return;
      }
      this.#timers.delete(name);
      timer.callback();
    });
  }
}
