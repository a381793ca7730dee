/**
 * The way to a cluster's brokers: a Connection and requests enter, answers of the broker that is in charge leave;
 * connections are made when needed, and made again after they ended.
 */
import { type API, metadataV12 } from '@platformatic/kafka';
import type { Connection } from '../../../client/protocol.ts';
import { type BrokerAddress, BrokerConnection, format } from './broker-connection.ts';
import { backoffMs, type Deadline } from './deadline.ts';
import { BrokerUnreachableError, canRetry, DeadlineExceededError, KafkaRequestError } from './kafka-error.ts';

export interface Broker extends BrokerAddress {
  readonly nodeId: number;
}

export interface PartitionMetadata {
  readonly partition: number;
  /** Node id, or -1 while there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
}

export interface TopicMetadata {
  readonly name: string;
  readonly errorCode: number;
  readonly partitions: readonly PartitionMetadata[];
}

export interface ClusterMetadata {
  readonly brokers: readonly Broker[];
  /** Node id of a broker that takes the controller's requests, or -1. */
  readonly controller: number;
  readonly topics: readonly TopicMetadata[];
}

/** Limit of one ordinary request. A healthy broker answers in milliseconds; a paused one never does. */
export const REQUEST_TIMEOUT_MS = 3_000;

export class ClusterLink {
  readonly #connection: Connection;
  readonly #clientId: string;
  readonly #bootstrap: readonly BrokerAddress[];
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  /** Addresses seen in metadata: bootstrap servers may be gone when others live. */
  #known: readonly Broker[] = [];
  /** Where the search for a living broker starts: behind the one that answered last, nothing is tried in vain. */
  #next = 0;
  #closed = false;

  constructor(connection: Connection, clientId: string) {
    this.#connection = connection;
    this.#clientId = clientId;
    this.#bootstrap = connection.bootstrapServers.map(parseAddress);
  }

  /** A second link to the same cluster, with connections of its own. */
  fork(): ClusterLink {
    return new ClusterLink(this.#connection, this.#clientId);
  }

  /** @throws BrokerUnreachableError where this broker gives no answer in time */
  async request<A extends unknown[], R>(
    address: BrokerAddress,
    api: API<A, R>,
    args: NoInfer<A>,
    timeoutMs: number = REQUEST_TIMEOUT_MS,
  ): Promise<R> {
    const connection = await this.#connect(address);
    return await connection.request(api, args, timeoutMs);
  }

  /** Asks any broker that answers. @throws BrokerUnreachableError where none does */
  async requestAny<A extends unknown[], R>(
    api: API<A, R>,
    args: NoInfer<A>,
    timeoutMs: number = REQUEST_TIMEOUT_MS,
  ): Promise<R> {
    const addresses = this.#addresses();
    let last: unknown;
    for (let i = 0; i < addresses.length; i++) {
      const index = (this.#next + i) % addresses.length;
      try {
        const answer = await this.request(addresses[index] as BrokerAddress, api, args, timeoutMs);
        this.#next = index;
        return answer;
      } catch (error) {
        if (!(error instanceof BrokerUnreachableError)) throw error;
        last = error;
      }
    }
    const message = last instanceof Error ? last.message : 'the cluster has no address';
    throw new BrokerUnreachableError(
      addresses.length > 1 ? `none of ${addresses.map(format).join(', ')} answered: ${message}` : message,
      { cause: last },
    );
  }

  /** The broker that answers for any of them tells of the past, or of nothing: ask another one next time. */
  tryAnother(): void {
    this.#next++;
  }

  /** What any broker, or the one given, knows about these topics (null: all topics). */
  async metadata(topics: string[] | null, from?: BrokerAddress): Promise<ClusterMetadata> {
    // The library's type lacks null, which stands for all topics.
    const args: Parameters<typeof metadataV12.createRequest> = [topics as string[], false, false];
    const answer = from
      ? await this.request(from, metadataV12.api, args)
      : await this.requestAny(metadataV12.api, args);
    const brokers = answer.brokers.map(({ nodeId, host, port }) => ({ nodeId, host, port }));
    if (brokers.length > 0) this.#known = brokers;
    return {
      brokers,
      controller: answer.controllerId,
      topics: answer.topics.map((topic) => ({
        name: topic.name ?? '',
        errorCode: topic.errorCode,
        partitions: topic.partitions
          .map(({ partitionIndex, leaderId, leaderEpoch }) => ({
            partition: partitionIndex,
            leader: leaderId,
            leaderEpoch,
          }))
          .sort((a, b) => a.partition - b.partition),
      })),
    };
  }

  /** @throws KafkaRequestError LEADER_NOT_AVAILABLE (which passes) where the partition has none at present */
  async leaderOf(topic: string, partition: number): Promise<{ broker: Broker; leaderEpoch: number }> {
    const metadata = await this.metadata([topic]);
    const found = metadata.topics[0]?.partitions.find((one) => one.partition === partition);
    const broker = metadata.brokers.find((one) => one.nodeId === found?.leader);
    if (!found || !broker)
      throw new KafkaRequestError(
        `finding the leader of ${topic}-${partition}`,
        found ? 'LEADER_NOT_AVAILABLE' : 'UNKNOWN_TOPIC_OR_PARTITION',
      );
    return { broker, leaderEpoch: found.leaderEpoch };
  }

  close(): void {
    this.#closed = true;
    for (const opening of this.#connections.values())
      opening.then(
        (connection) => connection.destroy('the link to the cluster was closed'),
        // It never opened, so there is nothing to close.
        () => {},
      );
    this.#connections.clear();
  }

  async #connect(address: BrokerAddress): Promise<BrokerConnection> {
    if (this.#closed) throw new LinkClosedError('the link to the cluster was closed');
    const key = format(address);
    const existing = this.#connections.get(key);
    if (existing) {
      const connection = await existing;
      if (connection.usable) return connection;
      // Another caller may have replaced it while we waited.
      if (this.#connections.get(key) === existing) this.#connections.delete(key);
      return await this.#connect(address);
    }
    const opening = BrokerConnection.open(this.#connection, this.#clientId, address);
    this.#connections.set(key, opening);
    try {
      return await opening;
    } catch (error) {
      if (this.#connections.get(key) === opening) this.#connections.delete(key);
      throw error;
    }
  }

  #addresses(): BrokerAddress[] {
    const all = new Map<string, BrokerAddress>();
    for (const address of [...this.#known, ...this.#bootstrap]) all.set(format(address), address);
    return [...all.values()];
  }
}

/** The link was closed by its owner: not a failure of the cluster, and never tried again. */
export class LinkClosedError extends Error {
  override name = 'LinkClosedError';
}

/**
 * Makes attempts until one succeeds, with growing pauses, as long as the errors are of the passing kind.
 * @throws DeadlineExceededError with the last passing error; any other error at once
 */
export async function withRetries<T>(
  what: string,
  deadline: Deadline,
  attempt: (number: number) => Promise<T>,
): Promise<T> {
  for (let number = 0; ; number++) {
    deadline.signal?.throwIfAborted();
    try {
      return await attempt(number);
    } catch (error) {
      if (!canRetry(error)) throw error;
      if (deadline.expired) throw new DeadlineExceededError(what, deadline.timeoutMs, error);
      await deadline.sleep(backoffMs(number));
    }
  }
}

function parseAddress(server: string): BrokerAddress {
  const colon = server.lastIndexOf(':');
  // An IPv6 address is written in brackets, which are no part of it.
  return { host: server.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(server.slice(colon + 1)) };
}
