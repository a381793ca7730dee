/**
 * Puts results back into the order in which their units were handed out: results enter as they come, each is taken up
 * when all before it have been, and no unit is handed out so far ahead of the slowest that results would pile up.
 */

export interface InOrderOptions<T> {
  /** Takes up one result; not called again before it has resolved. */
  readonly take: (result: T) => Promise<void>;
  /** What `take` threw; nothing is taken up after that. */
  readonly failed: (error: unknown) => void;
  /** Units that may be handed out and not yet taken up. */
  readonly aheadMax: number;
}

/** A unit that has been handed out, and its place. */
export interface HandedOut<U> {
  readonly place: number;
  readonly unit: U;
}

export class InOrder<T> {
  readonly #options: InOrderOptions<T>;
  /** By place, those that wait for one before them. */
  readonly #waiting = new Map<number, T>();
  #handedOut = 0;
  #taken = 0;
  #stopped = false;
  #failed = false;
  #taking: Promise<void> = Promise.resolve();
  #wake: (() => void)[] = [];

  constructor(options: InOrderOptions<T>) {
    this.#options = options;
  }

  /**
   * Hands out the next unit when there is room for its result.
   * @param next gives the next unit, or null where there is none
   */
  async handOut<U>(next: () => U | null): Promise<HandedOut<U> | null> {
    while (this.#handedOut - this.#taken >= this.#options.aheadMax && !this.#stopped)
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    const unit = this.#stopped ? null : next();
    return unit === null ? null : { place: this.#handedOut++, unit };
  }

  put(place: number, result: T): void {
    this.#waiting.set(place, result);
    this.#taking = this.#taking.then(async () => await this.#takeUp());
  }

  /** Hands out nothing more. */
  stop(): void {
    this.#stopped = true;
    this.#wakeAll();
  }

  /** No result comes any more: those that are left are taken up in order, whatever is missing between. */
  async end(): Promise<void> {
    await this.#taking;
    for (const place of [...this.#waiting.keys()].sort((a, b) => a - b)) {
      this.#taken = place;
      await this.#takeUp();
    }
  }

  async #takeUp(): Promise<void> {
    while (!this.#failed) {
      const result = this.#waiting.get(this.#taken);
      if (result === undefined) return;
      this.#waiting.delete(this.#taken);
      try {
        await this.#options.take(result);
      } catch (error) {
        this.#failed = true;
        this.#options.failed(error);
      }
      this.#taken++;
      this.#wakeAll();
    }
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
