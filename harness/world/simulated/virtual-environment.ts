/**
 * What the simulated cluster gets of its world: the scheduler and the random streams enter, each broker's clock and
 * timers leave, as events of an owner that can be dropped and held.
 */
import type { ClusterEnvironment, ClusterEvent, Environment } from '../../cluster/environment.ts';
import { VIRTUAL_EPOCH_MS } from './process/clock.ts';
import type { RandomStream, RandomStreams } from './random.ts';
import type { Owner, Scheduler } from './scheduler.ts';
import { digestValue, label } from './trace.ts';

const timer = label('timer');
const observed = label('observed');

export class VirtualEnvironment implements ClusterEnvironment {
  readonly controller: Environment;
  readonly #scheduler: Scheduler;
  readonly #streams: RandomStreams;
  readonly #observe: (event: ClusterEvent) => void;
  readonly #byPurpose = new Map<string, RandomStream>();
  /** The running life of each broker. */
  readonly #owners = new Map<number, Owner>();

  constructor(scheduler: Scheduler, streams: RandomStreams, observe: (event: ClusterEvent) => void) {
    this.#scheduler = scheduler;
    this.#streams = streams;
    this.#observe = observe;
    const owner = scheduler.owner('controller');
    this.controller = this.#environment(() => owner);
  }

  broker(id: number): Environment {
    return this.#environment(() => this.owner(id));
  }

  owner(broker: number): Owner {
    let owner = this.#owners.get(broker);
    if (owner === undefined) {
      owner = this.#scheduler.owner(`broker-${broker}`);
      this.#owners.set(broker, owner);
    }
    return owner;
  }

  /** The broker's process is gone, and with it all that it had scheduled; the next life has an owner of its own. */
  endLife(broker: number): void {
    this.#scheduler.drop(this.owner(broker));
    this.#owners.delete(broker);
  }

  randomInt(purpose: string, bound: number): number {
    let stream = this.#byPurpose.get(purpose);
    if (stream === undefined) {
      stream = this.#streams.of(`cluster ${purpose}`);
      this.#byPurpose.set(purpose, stream);
    }
    return stream.int(bound);
  }

  randomUuid(purpose: string): string {
    return this.#streams.of(`cluster ${purpose}`).uuid();
  }

  observe(event: ClusterEvent): void {
    const { trace, nowUs, current } = this.#scheduler;
    trace.add(nowUs, current.label, observed, digestValue(event));
    this.#observe(event);
  }

  #environment(owner: () => Owner): Environment {
    const scheduler = this.#scheduler;
    return {
      nowMs: () => VIRTUAL_EPOCH_MS + Math.floor(scheduler.nowUs / 1_000),
      after(delayMs, callback) {
        const event = scheduler.after(owner(), Math.max(0, Math.ceil(delayMs * 1_000)), timer, callback);
        return () => scheduler.cancel(event);
      },
    };
  }
}
