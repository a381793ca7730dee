/**
 * For tests: the smallest world that a cluster can live in. Time moves only when a test moves it; a crashed broker loses
 * its timers, and those of a paused one wait.
 */
import type { Cancel, ClusterEnvironment, ClusterEvent, Environment } from '../environment.ts';

const CONTROLLER = 0;

interface Timer {
  readonly owner: number;
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
}

export class VirtualTime implements ClusterEnvironment {
  nowMs = 1_700_000_000_000;
  readonly observed: ClusterEvent[] = [];
  readonly #timers = new Set<Timer>();
  readonly #paused = new Set<number>();
  #order = 0;
  #random = 1;
  #uuids = 0;

  readonly controller: Environment = this.broker(CONTROLLER);

  broker(id: number): Environment {
    return {
      nowMs: () => this.nowMs,
      after: (delayMs, callback) => this.#after(id, delayMs, callback),
    };
  }

  #after(owner: number, delayMs: number, callback: () => void): Cancel {
    this.#order += 1;
    const timer = { owner, atMs: this.nowMs + delayMs, order: this.#order, callback };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  randomInt(_purpose: string, bound: number): number {
    this.#random = (this.#random * 48_271) % 0x7fffffff;
    return this.#random % bound;
  }

  randomUuid(): string {
    this.#uuids += 1;
    return `00000000-0000-4000-8000-${String(this.#uuids).padStart(12, '0')}`;
  }

  observe(event: ClusterEvent): void {
    this.observed.push(event);
  }

  dropTimers(brokerId: number): void {
    for (const timer of this.#timers) if (timer.owner === brokerId) this.#timers.delete(timer);
  }

  pause(brokerId: number): void {
    this.#paused.add(brokerId);
  }

  unpause(brokerId: number): void {
    this.#paused.delete(brokerId);
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Lets so much time pass, firing what is due in order. */
  run(durationMs: number): void {
    const endMs = this.nowMs + durationMs;
    for (;;) {
      const due = this.#next(endMs);
      if (due === null) break;
      this.#timers.delete(due);
      this.nowMs = Math.max(this.nowMs, due.atMs);
      due.callback();
    }
    this.nowMs = endMs;
  }

  #next(endMs: number): Timer | null {
    let next: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.atMs > endMs || this.#paused.has(timer.owner)) continue;
      if (next === null || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order))
        next = timer;
    }
    return next;
  }
}
