/**
 * Faults of simulated brokers: orders to crash, stop, start and pause enter, and the cluster, the network and the
 * scheduler each do their part of it. Orders for one broker are carried out one after another.
 */
import type { SimulatedCluster } from '../../cluster/simulated-cluster.ts';
import { WorldUnavailableError } from '../../errors.ts';
import type { BrokerFaults } from '../administration.ts';
import { type RunContext, waitMs } from '../run-context.ts';
import type { Ending, Network } from './network.ts';
import type { RandomStream } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { VirtualEnvironment } from './virtual-environment.ts';

const POLL_MS = 20;
const START_MS_MAX = 60_000;
const HEALTHY_MS_MAX = 90_000;
/** The vote for a controller, the answer to a heartbeat, and the news of it. */
const HEARD_MS_MAX = 5_000;
const REPLICATED_MS_MAX = 5_000;
/** Of a thousand crashes, how many reset the connections in place of closing them. */
const RESET_PER_THOUSAND = 400;

export class SimulatedBrokerFaults implements BrokerFaults {
  readonly #cluster: SimulatedCluster;
  readonly #network: Network;
  readonly #scheduler: Scheduler;
  readonly #environment: VirtualEnvironment;
  readonly #context: RunContext;
  readonly #random: RandomStream;
  readonly #startDelaysMs: ReadonlyMap<number, number>;
  readonly #tails = new Map<number, Promise<void>>();

  constructor(
    cluster: SimulatedCluster,
    network: Network,
    scheduler: Scheduler,
    environment: VirtualEnvironment,
    context: RunContext,
    random: RandomStream,
    /** By the action that ends with a start: how much longer than usual the broker takes. */
    startDelaysMs: ReadonlyMap<number, number> = new Map(),
  ) {
    this.#cluster = cluster;
    this.#network = network;
    this.#scheduler = scheduler;
    this.#environment = environment;
    this.#context = context;
    this.#random = random;
    this.#startDelaysMs = startDelaysMs;
  }

  crashBroker(id: number): Promise<void> {
    return this.#inTurn(id, async () => {
      const ending: Ending = this.#random.chance(RESET_PER_THOUSAND) ? 'reset' : 'fin';
      this.#network.lost(id, ending);
      this.#cluster.crashBroker(id);
      this.#environment.endLife(id);
      await Promise.resolve();
    });
  }

  stopBroker(id: number): Promise<void> {
    return this.#inTurn(id, async () => {
      if (this.#cluster.phase(id) !== 'running') return;
      // A process that is frozen cannot shut down; the order that would let it go on comes after this one.
      this.#thaw(id);
      await new Promise<void>((resolve) => this.#cluster.stopBroker(id, resolve));
      this.#environment.endLife(id);
    });
  }

  startBroker(id: number, action?: number): Promise<void> {
    const delayMs = action === undefined ? 0 : (this.#startDelaysMs.get(action) ?? 0);
    return this.#inTurn(id, async () => {
      // Another order has started it. It may be frozen, and the one that lets it go on comes after this one.
      if (this.#cluster.phase(id) !== 'down') return;
      if (delayMs > 0) await waitMs(this.#context, delayMs);
      this.#cluster.startBroker(id);
      await this.#until(`broker ${id} is back`, START_MS_MAX, () => this.#serves(id));
    });
  }

  pauseBroker(id: number): Promise<void> {
    return this.#inTurn(id, async () => {
      // One that another fault has taken away cannot be frozen too.
      if (this.#cluster.phase(id) !== 'running') return;
      this.#cluster.pauseBroker(id);
      this.#scheduler.hold(this.#environment.owner(id));
      await Promise.resolve();
    });
  }

  unpauseBroker(id: number): Promise<void> {
    return this.#inTurn(id, async () => {
      if (!this.#thaw(id)) return;
      await this.#until(`broker ${id} is back`, START_MS_MAX, () => this.#serves(id));
      // A controller that is elected with it may have taken others for gone before, or itself.
      if (!this.#cluster.core.quorum.isActive) await this.awaitHeard(this.#cluster.brokerIds);
    });
  }

  /** @returns whether it was frozen */
  #thaw(id: number): boolean {
    if (!this.#cluster.core.broker(id).isPaused) return false;
    this.#scheduler.release(this.#environment.owner(id), this.#random);
    this.#cluster.unpauseBroker(id);
    return true;
  }

  /**
   * For brokers that a controller has not heard: what resolves when there is one and they serve, or undefined where that is so
   * already. Another fault may keep them from it, which is over in its own time.
   */
  awaitHeard(ids: readonly number[]): Promise<void> | undefined {
    const { core } = this.#cluster;
    const isBack = (id: number): boolean =>
      core.broker(id).phase !== 'running' || core.broker(id).isPaused || this.#serves(id);
    const isOver = (): boolean => core.quorum.isActive && ids.every(isBack);
    if (isOver()) return undefined;
    const deadlineMs = this.#context.now() + HEARD_MS_MAX;
    return (async () => {
      while (!isOver() && this.#context.now() < deadlineMs) await waitMs(this.#context, POLL_MS);
    })();
  }

  /** Resolves when there is a controller, all brokers serve, every partition has a leader and all replicas are in sync. */
  async awaitHealthy(): Promise<void> {
    await this.#until('all replicas are in sync', HEALTHY_MS_MAX, () => {
      const { brokerIds, core, image } = this.#cluster;
      if (!core.quorum.isActive || !brokerIds.every((id) => this.#serves(id))) return false;
      for (const topic of image.topics.values())
        for (const { leader, isr, replicas } of topic.partitions)
          if (leader < 0 || isr.length < replicas.length) return false;
      return true;
    });
  }

  /**
   * Resolves when the brokers have what producers sent before they ended, which with acks 0 no answer was waited for, and the
   * followers have all that the leaders of these topics have: a record that was acknowledged with acks 1 may not be there yet
   * when it is looked for. Where too few are left for that, it stays so.
   */
  async awaitReplicated(topics: readonly string[]): Promise<void> {
    const deadlineMs = this.#context.now() + REPLICATED_MS_MAX;
    const isReplicated = (topic: string): boolean =>
      (this.#cluster.image.topics.get(topic)?.partitions ?? []).every(({ partition }) => {
        const offsets = this.#cluster.logOffsets(topic, partition);
        return offsets !== null && offsets.highWatermark === offsets.logEndOffset;
      });
    const hasArrived = ({ id }: { id: string }): boolean => !this.#network.isArriving(id);
    while (
      !(this.#context.scenario.producers.every(hasArrived) && topics.every(isReplicated)) &&
      this.#context.now() < deadlineMs
    )
      await waitMs(this.#context, POLL_MS);
  }

  /** It runs, and every running broker knows it as one that clients may use. */
  #serves(id: number): boolean {
    const { core, image } = this.#cluster;
    const broker = core.broker(id);
    if (broker.phase !== 'running' || broker.isPaused || image.brokers.get(id)?.fenced !== false)
      return false;
    for (const other of core.brokers.values()) {
      // One that is cut off from the controller hears of nobody.
      if (!other.isUp || other.isPaused || core.quorum.isCutOff(other.brokerId)) continue;
      if (other.image.brokers.get(id)?.fenced !== false) return false;
    }
    return true;
  }

  async #until(what: string, limitMs: number, holds: () => boolean): Promise<void> {
    const deadlineMs = this.#context.now() + limitMs;
    while (!holds()) {
      if (this.#context.now() >= deadlineMs)
        throw new WorldUnavailableError(
          `After ${limitMs / 1_000} virtual seconds it is still not so that ${what}.`,
        );
      await waitMs(this.#context, POLL_MS);
    }
  }

  #inTurn(id: number, order: () => Promise<void>): Promise<void> {
    const next = (this.#tails.get(id) ?? Promise.resolve()).then(order);
    // The next order is carried out whatever became of this one; whoever gave this one hears of it.
    this.#tails.set(
      id,
      next.catch(() => {}),
    );
    return next;
  }
}
