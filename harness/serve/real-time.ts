/**
 * What a simulated cluster gets of the real world: the machine's clock, timers and randomness. Each broker's timers can
 * be dropped with its process and held while it is paused; a callback that throws is reported, and the others go on.
 *
 * Nothing here is ever part of a simulated run, where a scheduler takes this place.
 */
import { randomInt, randomUUID } from 'node:crypto';
import type { ClusterEnvironment, Environment } from '../cluster/environment.ts';

/** The timers of one life of a broker. */
class Owner {
  readonly pending = new Set<() => void>();
  isHeld = false;
  /** What was due while the owner was held, in the order in which it was due. */
  held: (() => void)[] = [];

  drop(): void {
    for (const cancel of [...this.pending]) cancel();
    this.held = [];
  }
}

export class RealTime implements ClusterEnvironment {
  readonly controller: Environment;
  readonly #controllerOwner = new Owner();
  readonly #owners = new Map<number, Owner>();
  readonly #onFailure: (error: unknown) => void;
  #hasEnded = false;

  /** @param onFailure told what a callback threw, which is a mistake of the cluster's */
  constructor(onFailure: (error: unknown) => void) {
    this.#onFailure = onFailure;
    this.controller = this.#environment(() => this.#controllerOwner);
  }

  broker(id: number): Environment {
    return this.#environment(() => this.#owner(id));
  }

  randomInt(_purpose: string, bound: number): number {
    return bound > 1 ? randomInt(bound) : 0;
  }

  randomUuid(): string {
    return randomUUID();
  }

  observe(): void {
    // The coordinators' records say the same, and nobody writes a history here.
  }

  /** The broker's process is gone, and with it all that it had scheduled. */
  endLife(broker: number): void {
    this.#owners.get(broker)?.drop();
    this.#owners.delete(broker);
  }

  hold(broker: number): void {
    this.#owner(broker).isHeld = true;
  }

  release(broker: number): void {
    const owner = this.#owner(broker);
    owner.isHeld = false;
    for (const callback of owner.held.splice(0)) this.#arm(owner, 0, callback);
  }

  /** Drops everything; nothing is called back afterwards. */
  end(): void {
    this.#hasEnded = true;
    for (const owner of [this.#controllerOwner, ...this.#owners.values()]) owner.drop();
  }

  #owner(broker: number): Owner {
    let owner = this.#owners.get(broker);
    if (owner === undefined) {
      owner = new Owner();
      this.#owners.set(broker, owner);
    }
    return owner;
  }

  #environment(owner: () => Owner): Environment {
    return {
      nowMs: () => Date.now(),
      after: (delayMs, callback) => this.#arm(owner(), delayMs, callback),
    };
  }

  #arm(owner: Owner, delayMs: number, callback: () => void): () => void {
    if (this.#hasEnded) return () => undefined;
    const fire = (): void => {
      owner.pending.delete(cancel);
      if (owner.isHeld) {
        owner.held.push(act);
        return;
      }
      act();
    };
    let isOver = false;
    const act = (): void => {
      if (isOver) return;
      isOver = true;
      try {
        callback();
      } catch (error) {
        this.#onFailure(error);
      }
    };
    // A timer of 0 ms takes a whole millisecond in Node.js, which a client with requests in flight would feel.
    const immediate = delayMs <= 0 ? setImmediate(fire) : null;
    const timer = delayMs <= 0 ? null : setTimeout(fire, delayMs);
    const cancel = (): void => {
      isOver = true;
      owner.pending.delete(cancel);
      if (immediate !== null) clearImmediate(immediate);
      if (timer !== null) clearTimeout(timer);
    };
    owner.pending.add(cancel);
    return cancel;
  }
}
