/**
 * A simulated process's clocks: the scheduler's virtual time enters, the process's own wall clock and monotonic clock
 * leave, which may be off and may run fast or slow, as machines' clocks do.
 */
import type { Scheduler } from '../scheduler.ts';

/** Virtual time 0, in milliseconds since the Unix epoch: 2026-01-01T00:00:00Z, whenever the run really is. */
export const VIRTUAL_EPOCH_MS = Date.UTC(2026, 0, 1);

export interface ClockSkew {
  /** Added to the wall clock. */
  readonly offsetMs: number;
  /** How much faster both clocks run, in millionths. */
  readonly driftPerMillion: number;
}

export const NO_SKEW: ClockSkew = { offsetMs: 0, driftPerMillion: 0 };

export class ProcessClock {
  readonly #scheduler: Scheduler;
  readonly #rate: number;
  readonly #epochUs: number;
  readonly #startUs: number;

  constructor(scheduler: Scheduler, skew: ClockSkew = NO_SKEW) {
    this.#scheduler = scheduler;
    this.#rate = 1 + skew.driftPerMillion / 1_000_000;
    this.#epochUs = (VIRTUAL_EPOCH_MS + skew.offsetMs) * 1_000;
    this.#startUs = scheduler.nowUs;
  }

  /** What `Date.now()` says. */
  epochMs(): number {
    return Math.floor((this.#epochUs + this.#localUs()) / 1_000);
  }

  /** Microseconds since the process began; fractions where the clock drifts. */
  uptimeUs(): number {
    return this.#localUs() - this.#startUs * this.#rate;
  }

  /** The wall clock at which `uptimeUs` was 0. */
  originEpochMs(): number {
    return (this.#epochUs + this.#startUs * this.#rate) / 1_000;
  }

  /** Virtual microseconds in which this process's clock gets on by so many milliseconds; at least 1. */
  virtualUs(delayMs: number): number {
    return Math.max(1, Math.ceil((delayMs * 1_000) / this.#rate));
  }

  #localUs(): number {
    return this.#rate === 1 ? this.#scheduler.nowUs : this.#scheduler.nowUs * this.#rate;
  }
}
