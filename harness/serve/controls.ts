/**
 * What can be done to a running cluster by hand: orders for faults and administration enter, and the cluster, its
 * listeners and its links carry them out. The library hands it out, and the control channel speaks for it.
 */
import type { LinkConditions } from '../../scenarios/schema.ts';
import type { NewRecord } from '../cluster/environment.ts';
import type { GroupCoordinator } from '../cluster/group/coordinator.ts';
import type { GroupPart } from '../cluster/group/part.ts';
import { partitionFor } from '../cluster/group/partition-for.ts';
import { apiByKey } from '../cluster/protocol/apis.ts';
import { type ErrorName, errorCode, errorNames, errorOrNull } from '../cluster/protocol/errors.ts';
import { OFFSETS_TOPIC, type SimulatedCluster, TRANSACTIONS_TOPIC } from '../cluster/simulated-cluster.ts';
import type { Direction } from '../world/administration.ts';
import { SimulatedAdministration } from '../world/simulated/simulated-administration.ts';
import type { LinkSelection, Links } from './links.ts';
import type { Listener } from './listener.ts';
import type { RealTime } from './real-time.ts';
import { mentions } from './request-match.ts';

/** An order that the cluster refuses, such as one about a broker that is not there. */
export class RefusedError extends Error {
  override name = 'RefusedError';
}

/** A fault that lasts until it is ended, or until it has been used up. */
export interface Fault extends Disposable {
  /** Ends it; a second time does nothing. */
  end(): void;
}

/** Which requests a fault is about; whatever is left out is any. */
export interface RequestSelection {
  /** Kafka's name of the API, such as `JoinGroup`. */
  readonly api: string;
  readonly broker?: number;
  readonly clientId?: string;
  /** A group that the request names. */
  readonly group?: string;
  /** A topic that the request names, by its name or its id. */
  readonly topic?: string;
  /** How many requests it is for; 1 where it is left out. */
  readonly times?: number;
}

export interface ControlParts {
  readonly cluster: SimulatedCluster;
  readonly groups: GroupPart;
  readonly realTime: RealTime;
  readonly links: Links;
  readonly listeners: ReadonlyMap<number, Listener>;
  /** Aborted when the cluster ends, and every wait with it. */
  readonly signal: AbortSignal;
  readonly onFailure: (error: unknown) => void;
}

const POLL_MS = 2;
const WAIT_MS_MAX = 60_000;
const ADMIN_MS_MAX = 10_000;
const apiNames: ReadonlyMap<string, number> = new Map(
  [...apiByKey.values()].map(({ name, key }) => [name, key]),
);
export const faultApiNames: readonly string[] = [...apiNames.keys()].sort();

export class Controls {
  readonly #parts: ControlParts;
  readonly #admin: SimulatedAdministration;

  constructor(parts: ControlParts) {
    this.#parts = parts;
    this.#admin = new SimulatedAdministration(parts.cluster, parts.groups, {
      now: () => performance.now(),
      after: (delayMs, callback) => parts.realTime.controller.after(delayMs, callback),
      signal: parts.signal,
    });
  }

  // Requests

  /**
   * Answers the next requests of an API with an error, without doing what they ask.
   *
   * @throws RefusedError for an API or an error that Kafka does not have
   */
  failRequests(selection: RequestSelection & { readonly error: ErrorName }): Fault {
    if (!errorNames.includes(selection.error))
      throw new RefusedError(`There is no error '${selection.error}'.`);
    return this.#intercept(selection, { errorCode: errorCode(selection.error) });
  }

  /** Takes the next requests of an API up only after so long. @throws RefusedError as failRequests */
  delayRequests(selection: RequestSelection & { readonly delayMs: number }): Fault {
    return this.#intercept(selection, { delayMs: selection.delayMs });
  }

  /** Neither does nor answers what the next requests of an API ask. @throws RefusedError as failRequests */
  dropRequests(selection: RequestSelection): Fault {
    return this.#intercept(selection, { drop: true });
  }

  #intercept(
    { api, broker, clientId, group, topic, times = 1 }: RequestSelection,
    what: { errorCode?: number; delayMs?: number; drop?: boolean },
  ): Fault {
    const apiKey = apiNames.get(api);
    if (apiKey === undefined)
      throw new RefusedError(`There is no API '${api}'. There are: ${faultApiNames.join(', ')}.`);
    if (broker !== undefined) this.#listener(broker);
    const { cluster } = this.#parts;
    const end = cluster.intercept({
      apiKey,
      times,
      ...what,
      match: (request, context) =>
        (broker === undefined || context.broker.brokerId === broker) &&
        (clientId === undefined || context.clientId === clientId) &&
        (group === undefined || mentions(request, group, 'group', cluster.image)) &&
        (topic === undefined || mentions(request, topic, 'topic', cluster.image)),
    });
    return fault(() => void end());
  }

  // Links

  /**
   * Bytes between these clients and brokers wait until the fault ends. Connections can still be opened, since the
   * machine's kernel accepts them, but nothing passes through.
   *
   * @param direction both where it is left out
   */
  cutLink(selection: LinkSelection & { readonly direction?: Direction | 'both' } = {}): Fault {
    const { direction = 'both' } = selection;
    const directions = direction === 'both' ? (['to-broker', 'to-process'] as const) : [direction];
    return fault(this.#parts.links.cut(selection, directions));
  }

  /** Gives the links of these clients and brokers a latency each way, a rate and a loss. */
  slowLink(selection: LinkSelection & Partial<LinkConditions>): Fault {
    const { latencyMs = { min: 0, max: 0 }, bytesPerSecond = null, lossPerThousand = 0 } = selection;
    return fault(this.#parts.links.slow(selection, { latencyMs, bytesPerSecond, lossPerThousand }));
  }

  /** Ends the open connections of these clients and brokers; half-open ones are not told. @returns how many */
  resetLink(selection: LinkSelection & { readonly ending?: 'reset' | 'half-open' } = {}): number {
    return this.#parts.links.reset(selection, selection.ending ?? 'reset');
  }

  // Brokers

  /** Its process dies at once and its connections are reset; its logs survive. */
  crashBroker(broker: number): void {
    const listener = this.#listener(broker);
    listener.shut();
    this.#parts.cluster.crashBroker(broker);
    this.#parts.realTime.endLife(broker);
  }

  /** Shuts it down in good order, leaders first. Resolves when it is down. */
  async stopBroker(broker: number): Promise<void> {
    const listener = this.#listener(broker);
    const { cluster, realTime } = this.#parts;
    if (cluster.phase(broker) !== 'running') throw new RefusedError(`Broker ${broker} is not running.`);
    await new Promise<void>((resolve) => cluster.stopBroker(broker, resolve));
    listener.shut();
    realTime.endLife(broker);
  }

  /**
   * Starts a broker that crashed or was stopped. Resolves when it serves and the others know it; after a crash that is
   * when `broker.session.timeout.ms` is over, as in Kafka.
   */
  async startBroker(broker: number): Promise<void> {
    const listener = this.#listener(broker);
    const { cluster, onFailure } = this.#parts;
    if (cluster.phase(broker) !== 'down') throw new RefusedError(`Broker ${broker} is not down.`);
    await new Promise<void>((resolve) => {
      cluster.startBroker(broker, () => void listener.open().then(resolve, onFailure));
    });
    await this.#until(`broker ${broker} serves`, () => this.#serves(broker));
  }

  /** Freezes it: connections stay, and nothing is answered. */
  pauseBroker(broker: number): void {
    this.#listener(broker);
    const { cluster, realTime } = this.#parts;
    if (cluster.phase(broker) !== 'running') throw new RefusedError(`Broker ${broker} is not running.`);
    cluster.pauseBroker(broker);
    realTime.hold(broker);
  }

  /** Resolves when it serves again and the others know it. */
  async unpauseBroker(broker: number): Promise<void> {
    this.#listener(broker);
    this.#parts.realTime.release(broker);
    this.#parts.cluster.unpauseBroker(broker);
    await this.#until(`broker ${broker} serves`, () => this.#serves(broker));
  }

  /** Cuts what passes between two brokers, replication first of all. */
  isolateBrokers(left: number, right: number): Fault {
    this.#listener(left);
    this.#listener(right);
    const { cluster } = this.#parts;
    cluster.isolateBroker(left, right);
    return fault(() => cluster.isolateBroker(left, right, false));
  }

  #serves(id: number): boolean {
    const { core, image } = this.#parts.cluster;
    const broker = core.broker(id);
    if (broker.phase !== 'running' || broker.isPaused || image.brokers.get(id)?.fenced !== false)
      return false;
    for (const other of core.brokers.values())
      if (other.isUp && !other.isPaused && other.image.brokers.get(id)?.fenced !== false) return false;
    return true;
  }

  #listener(broker: number): Listener {
    const listener = this.#parts.listeners.get(broker);
    if (listener === undefined)
      throw new RefusedError(`There is no broker ${broker}; there are 1 to ${this.#parts.listeners.size}.`);
    return listener;
  }

  // Leaders and coordinators

  /** @throws RefusedError where the broker is not in sync, or leads already. Resolves when all brokers know it */
  async moveLeader(topic: string, partition: number, broker: number): Promise<void> {
    const { cluster } = this.#parts;
    this.#listener(broker);
    check(cluster.moveLeader(topic, partition, broker));
    await this.#untilKnown();
  }

  /** Moves the coordinator of a group or a transactional id, by moving the leader of the partition that keeps it. */
  async moveCoordinator(of: { group: string } | { transactionalId: string }, broker: number): Promise<void> {
    const { cluster } = this.#parts;
    const [topic, key] =
      'group' in of
        ? ([OFFSETS_TOPIC, of.group] as const)
        : ([TRANSACTIONS_TOPIC, of.transactionalId] as const);
    const count = cluster.image.topics.get(topic)?.partitions.length ?? 0;
    if (count === 0) throw new RefusedError(`There is no ${topic} yet.`);
    await this.moveLeader(topic, partitionFor(key, count), broker);
  }

  // Topics and records

  /** Resolves when all brokers know it. @param replicationFactor as many as there are brokers, three at most */
  async createTopic(
    name: string,
    options: {
      partitions?: number;
      replicationFactor?: number;
      configs?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<void> {
    const { cluster } = this.#parts;
    const {
      partitions = 1,
      replicationFactor = Math.min(3, cluster.brokerIds.length),
      configs = {},
    } = options;
    check(
      cluster.createTopic({ name, partitions, replicationFactor, configs: new Map(Object.entries(configs)) }),
    );
    await this.#untilKnown();
  }

  async deleteTopic(name: string): Promise<void> {
    check(this.#parts.cluster.deleteTopic(name));
    await this.#untilKnown();
  }

  /** @param total how many partitions the topic has in the end */
  async addPartitions(topic: string, total: number): Promise<void> {
    check(this.#parts.cluster.addPartitions(topic, total));
    await this.#untilKnown();
  }

  /** @param before the first offset that stays. @returns the log start offset afterwards */
  async deleteRecords(topic: string, partition: number, before: bigint): Promise<bigint> {
    return await this.#asked(this.#admin.deleteRecords(topic, partition, before, ADMIN_MS_MAX));
  }

  /** Writes records without a client. @returns the offset of the first */
  async produce(topic: string, partition: number, records: readonly NewRecord[]): Promise<bigint> {
    return await new Promise((resolve, reject) => {
      this.#parts.cluster.produce(topic, partition, records, (error, baseOffset) => {
        if (error === 0) resolve(baseOffset);
        else reject(refusal(`Writing to ${topic}-${partition}`, error));
      });
    });
  }

  // Groups

  /**
   * Deletes committed offsets, as an administrator would: the group must not be subscribed to the topic.
   *
   * @param partitions all of the topic's where they are left out
   */
  async deleteOffsets(group: string, topic: string, partitions?: readonly number[]): Promise<void> {
    const all =
      this.#parts.cluster.image.topics.get(topic)?.partitions.map(({ partition }) => partition) ?? [];
    const results = await this.#asked(
      this.#admin.deleteGroupOffsets(group, topic, partitions ?? all, ADMIN_MS_MAX),
    );
    const failed = results.find(({ error }) => error !== null);
    if (failed !== undefined)
      throw new RefusedError(
        `Deleting offsets of group ${group}: ${failed.error} for ${topic}-${failed.partition}.`,
      );
  }

  /** As if `offsets.retention.minutes` were over for this group. @returns how many offsets went */
  async expireOffsets(group: string): Promise<number> {
    return await new Promise((resolve, reject) => {
      this.#coordinator(group).expireOffsets(group, (error, removed) => {
        if (error === 0) resolve(removed);
        else reject(refusal(`Expiring the offsets of group ${group}`, error));
      });
    });
  }

  /** As if the member's session had run out. */
  expireMember(group: string, memberId: string): void {
    const error = this.#coordinator(group).expireMember(group, memberId);
    if (error !== 0) throw refusal(`Expiring member ${memberId} of group ${group}`, error);
  }

  #coordinator(group: string): GroupCoordinator {
    const { cluster, groups } = this.#parts;
    for (const broker of cluster.core.brokers.values()) {
      const coordinator = groups.of(broker);
      if (cluster.leaderOf(OFFSETS_TOPIC, coordinator.partitionOf(group)) !== broker.brokerId) continue;
      if (broker.listens && !broker.isPaused) return coordinator;
    }
    throw new RefusedError(`No broker coordinates group ${group} now.`);
  }

  // Waiting

  /** Resolves when every broker that is up acts on the newest metadata. */
  async #untilKnown(): Promise<void> {
    const { core } = this.#parts.cluster;
    const { version } = this.#parts.cluster.image;
    await this.#until('all brokers know it', () =>
      [...core.brokers.values()].every(
        (broker) => !broker.isUp || broker.isPaused || broker.image.version >= version,
      ),
    );
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    const { realTime, signal } = this.#parts;
    const deadlineMs = performance.now() + WAIT_MS_MAX;
    while (!holds()) {
      signal.throwIfAborted();
      if (performance.now() > deadlineMs)
        throw new RefusedError(`After ${WAIT_MS_MAX / 1_000} s it is still not so that ${what}.`);
      await new Promise<void>((resolve) => {
        const end = (): void => {
          signal.removeEventListener('abort', end);
          resolve();
        };
        realTime.controller.after(POLL_MS, end);
        signal.addEventListener('abort', end);
      });
    }
  }

  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      this.#parts.signal.throwIfAborted();
      throw new RefusedError(error instanceof Error ? error.message : String(error), { cause: error });
    }
  }
}

const refusal = (what: string, error: number): RefusedError =>
  new RefusedError(`${what}: ${errorOrNull(error) ?? 'refused'}.`);

function check({
  errorCode: error,
  message,
}: {
  readonly errorCode: number;
  readonly message: string | null;
}): void {
  if (error !== 0) throw new RefusedError(message ?? errorOrNull(error) ?? 'refused');
}

function fault(undo: () => void): Fault {
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    undo();
  };
  return { end, [Symbol.dispose]: end };
}
