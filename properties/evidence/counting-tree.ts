/**
 * Counts members of a growing set of offsets: offsets are added one by one, and at any time the number of them in a
 * range leaves, in logarithmic time (a Fenwick tree over the offsets known beforehand).
 */
import { firstIndexWhere } from './values.ts';

export class CountingTree {
  readonly #offsets: readonly number[];
  readonly #sums: number[];
  readonly #added = new Set<number>();

  /** @param offsets all offsets that may be added, ascending */
  constructor(offsets: readonly number[]) {
    this.#offsets = offsets;
    this.#sums = new Array<number>(offsets.length + 1).fill(0);
  }

  /** Adds an offset; a second time it changes nothing. */
  add(offset: number): void {
    if (this.#added.has(offset)) return;
    this.#added.add(offset);
    const place = firstIndexWhere(this.#offsets, (one) => one >= offset);
    for (let i = place + 1; i < this.#sums.length; i += i & -i) this.#sums[i] = (this.#sums[i] ?? 0) + 1;
  }

  /** How many of the added offsets are in [from, to). */
  count(from: number, to: number): number {
    return Math.max(0, this.#countBelow(to) - this.#countBelow(from));
  }

  #countBelow(offset: number): number {
    let sum = 0;
    let i =
      offset === Number.POSITIVE_INFINITY
        ? this.#offsets.length
        : firstIndexWhere(this.#offsets, (one) => one >= offset);
    for (; i > 0; i -= i & -i) sum += this.#sums[i] ?? 0;
    return sum;
  }
}
