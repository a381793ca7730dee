/**
 * Faults of simulated links: orders to cut, slow down and reset the path between a process and a broker enter, the
 * network carries them out. Orders that overlap add up: a direction is open again when its last cut is over.
 */
import type { LinkConditions as ScenarioConditions } from '../../../scenarios/schema.ts';
import type { Direction, LinkFaults } from '../administration.ts';
import type { LinkConditions, Network } from './network.ts';

export class SimulatedLinkFaults implements LinkFaults {
  readonly #network: Network;
  readonly #cuts = new Map<string, number>();
  /** By link, the conditions that were asked for and are not over, the last one being in force. */
  readonly #slow = new Map<string, LinkConditions[]>();

  constructor(network: Network) {
    this.#network = network;
  }

  cut(process: string, broker: number, direction: Direction): () => void {
    const key = `${process} ${broker} ${direction}`;
    this.#cuts.set(key, (this.#cuts.get(key) ?? 0) + 1);
    this.#network.cut(process, broker, direction);
    return () => {
      const left = (this.#cuts.get(key) ?? 1) - 1;
      this.#cuts.set(key, left);
      if (left === 0) this.#network.heal(process, broker, direction);
    };
  }

  slow(process: string, broker: number, conditions: ScenarioConditions): () => void {
    const key = `${process} ${broker}`;
    const inForce = this.#slow.get(key) ?? [];
    this.#slow.set(key, inForce);
    const own = linkConditions(conditions);
    inForce.push(own);
    this.#network.setConditions(process, broker, own);
    return () => {
      inForce.splice(inForce.indexOf(own), 1);
      this.#network.setConditions(process, broker, inForce.at(-1) ?? null);
    };
  }

  reset(process: string, broker: number, ending: 'reset' | 'half-open'): void {
    if (ending === 'reset') this.#network.reset(process, broker);
    else this.#network.halfOpen(process, broker);
  }
}

/** As the network wants them: microseconds, and a least latency with what may be added to it. */
export const linkConditions = ({
  latencyMs,
  bytesPerSecond,
  lossPerThousand,
}: ScenarioConditions): LinkConditions => ({
  latencyUs: Math.round(latencyMs.min * 1_000),
  jitterUs: Math.round((latencyMs.max - latencyMs.min) * 1_000),
  bytesPerSecond,
  lossPerThousand,
  closeDelayUs: 0,
});
