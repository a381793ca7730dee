/**
 * Many deadlines on one timer: what has to happen by when enters, and is called back unless it was ended before. Nearly
 * all deadlines of a broker, such as the time-out of a Produce request, are ended long before they come, so a timer for
 * each would be work for nothing.
 */
import type { Cancel } from './environment.ts';

interface Deadline {
  readonly atMs: number;
  callback: (() => void) | null;
}

export interface DeadlineHost {
  nowMs(): number;
  after(delayMs: number, callback: () => void): Cancel;
}

export class Deadlines {
  readonly #host: DeadlineHost;
  /** In order of time, then of arrival. */
  #waiting: Deadline[] = [];
  #armedForMs = Number.POSITIVE_INFINITY;
  #disarm: Cancel | null = null;

  constructor(host: DeadlineHost) {
    this.#host = host;
  }

  after(delayMs: number, callback: () => void): Cancel {
    const deadline: Deadline = { atMs: this.#host.nowMs() + delayMs, callback };
    const waiting = this.#waiting;
    let index = waiting.length;
    while (index > 0 && (waiting[index - 1] as Deadline).atMs > deadline.atMs) index--;
    if (index === waiting.length) waiting.push(deadline);
    else waiting.splice(index, 0, deadline);
    this.#arm();
    return () => {
      deadline.callback = null;
      while (waiting === this.#waiting && waiting[0]?.callback === null) waiting.shift();
    };
  }

  #arm(): void {
    const next = this.#waiting[0];
    if (next === undefined || next.atMs >= this.#armedForMs) return;
    this.#disarm?.();
    this.#armedForMs = next.atMs;
    this.#disarm = this.#host.after(Math.max(0, next.atMs - this.#host.nowMs()), () => this.#fire());
  }

  #fire(): void {
    this.#armedForMs = Number.POSITIVE_INFINITY;
    const nowMs = this.#host.nowMs();
    while (this.#waiting.length > 0 && (this.#waiting[0] as Deadline).atMs <= nowMs) {
      const deadline = this.#waiting.shift();
      const callback = deadline?.callback;
      if (deadline !== undefined) deadline.callback = null;
      callback?.();
    }
    this.#arm();
  }

  /** The process has gone. */
  clear(): void {
    this.#waiting = [];
    this.#armedForMs = Number.POSITIVE_INFINITY;
    this.#disarm = null;
  }
}
