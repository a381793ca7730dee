/**
 * The leader epochs of one partition log (KIP-101, KIP-279): for each epoch that wrote something, where it began.
 * Epochs enter as batches are appended; where an epoch ended leaves, which tells a follower where to truncate.
 */

export interface EpochStart {
  readonly epoch: number;
  readonly startOffset: number;
}

export interface EpochEnd {
  readonly epoch: number;
  readonly endOffset: number;
}

export class LeaderEpochs {
  /** Ascending in both fields. */
  #starts: EpochStart[] = [];

  get latest(): number {
    return this.#starts.at(-1)?.epoch ?? -1;
  }

  get starts(): readonly EpochStart[] {
    return this.#starts;
  }

  assign(epoch: number, startOffset: number): void {
    if (epoch > this.latest) this.#starts.push({ epoch, startOffset });
  }

  /** The epoch of the record at an offset, or -1. */
  epochAt(offset: number): number {
    for (let index = this.#starts.length - 1; index >= 0; index--) {
      const start = this.#starts[index] as EpochStart;
      if (start.startOffset <= offset) return start.epoch;
    }
    return -1;
  }

  /**
   * The largest epoch not beyond the one asked for, and the offset after its last record; null where the log cannot
   * say, because it is empty or the epoch is newer than all it has.
   */
  endOf(epoch: number, logEndOffset: number): EpochEnd | null {
    if (epoch < 0) return null;
    if (epoch === this.latest) return { epoch, endOffset: logEndOffset };
    const next = this.#starts.findIndex((start) => start.epoch > epoch);
    if (next < 0) return null;
    const endOffset = (this.#starts[next] as EpochStart).startOffset;
    return { epoch: this.#starts[next - 1]?.epoch ?? epoch, endOffset };
  }

  truncateFromEnd(endOffset: number): void {
    while (this.#starts.length > 0 && (this.#starts.at(-1) as EpochStart).startOffset >= endOffset)
      this.#starts.pop();
  }

  /** The epoch that the new start lies in begins there from now on. */
  truncateFromStart(startOffset: number): void {
    const epoch = this.epochAt(startOffset);
    this.#starts = this.#starts
      .filter((start) => start.epoch >= epoch)
      .map((start) => (start.startOffset < startOffset ? { epoch: start.epoch, startOffset } : start));
  }

  clear(): void {
    this.#starts = [];
  }
}
