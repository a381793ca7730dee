/**
 * An amount per second, as the quotas of a Kafka broker measure it (classes Rate and SampledStat): amounts enter with the
 * time at which they came, and what they come to over `quota.window.num` windows of `quota.window.size.seconds` leaves.
 */

export const WINDOW_MS = 1_000;
/** Windows that count, the one that has just begun among them. */
const WINDOWS = 11;
const FULL_WINDOWS = WINDOWS - 1;
/** How long all but the newest window last: what is not beyond the rate over this time is never too much at once. */
export const FULL_WINDOWS_MS = FULL_WINDOWS * WINDOW_MS;

interface Sample {
  startMs: number;
  lastMs: number;
  sum: number;
}

export class Rate {
  /** One more than count, since the oldest may have begun before the time that counts. */
  readonly #samples: Sample[] = [];
  #current = 0;

  add(amount: number, nowMs: number): void {
    let sample = this.#samples[this.#current];
    if (sample === undefined || nowMs - sample.startMs >= WINDOW_MS) {
      if (sample !== undefined) this.#current = (this.#current + 1) % (WINDOWS + 1);
      sample = { startMs: nowMs, lastMs: nowMs, sum: 0 };
      this.#samples[this.#current] = sample;
    }
    sample.sum += amount;
    sample.lastMs = nowMs;
  }

  perSecond(nowMs: number): number {
    const windowMs = this.windowMs(nowMs);
    return this.#samples.reduce((sum, sample) => sum + sample.sum, 0) / (windowMs / 1_000);
  }

  /** The time that it is measured over: never less than all full windows, or the first amount would be far too much. */
  windowMs(nowMs: number): number {
    for (const sample of this.#samples)
      if (nowMs - sample.lastMs >= WINDOWS * WINDOW_MS)
        Object.assign(sample, { startMs: nowMs, lastMs: nowMs, sum: 0 });
    const oldestMs = Math.min(nowMs, ...this.#samples.map(({ startMs }) => startMs));
    const elapsedMs = nowMs - oldestMs;
    const missing = Math.max(0, FULL_WINDOWS - Math.floor(elapsedMs / WINDOW_MS));
    return Math.max(1, elapsedMs + missing * WINDOW_MS);
  }
}
