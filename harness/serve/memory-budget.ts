/**
 * How many bytes all connections together may keep the cluster waiting for or waiting to send: what each holds enters,
 * and where it is too much, the one that holds most is cut off, so that the others are served on.
 */

/** Something that holds bytes and can be made to let go of them. */
export interface Holder {
  cutOff(): void;
}

export class MemoryBudget {
  readonly #bytesMax: number;
  readonly #held = new Map<Holder, number>();
  #total = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get total(): number {
    return this.#total;
  }

  /** What the holder holds now. */
  set(holder: Holder, bytes: number): void {
    const before = this.#held.get(holder) ?? 0;
    if (bytes === before) return;
    if (bytes === 0) this.#held.delete(holder);
    else this.#held.set(holder, bytes);
    this.#total += bytes - before;
    while (this.#total > this.#bytesMax) this.#cutOffLargest();
  }

  #cutOffLargest(): void {
    let largest: Holder | null = null;
    let most = 0;
    for (const [holder, bytes] of this.#held)
      if (bytes > most) {
        largest = holder;
        most = bytes;
      }
    if (largest === null) return;
    this.#held.delete(largest);
    this.#total -= most;
    largest.cutOff();
  }
}
