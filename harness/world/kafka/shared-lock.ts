/**
 * A lock for one cluster: scenarios that leave the brokers alone share it, one with a broker fault has it alone;
 * first come, first served, so that a broker fault is never starved.
 */

export type Release = () => void;

export class SharedLock {
  #holders = 0;
  #exclusive = false;
  readonly #queue: { exclusive: boolean; grant: () => void }[] = [];

  /** Resolves to the release function when the lock is held. */
  async acquire(exclusive: boolean): Promise<Release> {
    await new Promise<void>((grant) => {
      this.#queue.push({ exclusive, grant });
      this.#advance();
    });
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#holders--;
      this.#exclusive = false;
      this.#advance();
    };
  }

  #advance(): void {
    for (let next = this.#queue[0]; next !== undefined; next = this.#queue[0]) {
      if (this.#exclusive || (next.exclusive && this.#holders > 0)) return;
      this.#queue.shift();
      this.#holders++;
      this.#exclusive = next.exclusive;
      next.grant();
    }
  }
}
