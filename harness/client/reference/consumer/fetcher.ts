/**
 * Reading ahead: assigned partitions with a position enter, one Fetch request per broker is kept under way for those
 * without buffered records, and records leave in portions of max.poll.records. With a client.rack, the leader may send us
 * to a follower (KIP-392). After Kafka's classes Fetcher and FetchCollector.
 *
 * Not implemented: fetch sessions (KIP-227) and topic ids (KIP-516).
 */
import { fetchApi } from '../../../cluster/protocol/01-fetch.ts';
import { nowMs, type Signal } from '../clock.ts';
import type { ConsumerConfig } from '../config.ts';
import { BrokerError, isRetriable, OffsetOutOfRangeError } from '../errors.ts';
import { addTo } from '../network/by-broker.ts';
import type { NetworkClient } from '../network/client.ts';
import type { Leader, Metadata } from '../network/metadata.ts';
import { CompletedFetch, type ConsumerRecord } from './completed-fetch.ts';
import type { PartitionState, Position, SubscriptionState } from './subscription-state.ts';

/** From 13 on topics are named by their ids. */
const VERSION_MAX = 12;
const NO_SESSION = { id: 0, epoch: -1 };
/** Neither speaks against the replica that was asked: a follower may hear of a new epoch later than we do. */
const SAYS_NOTHING_OF_REPLICAS: readonly string[] = ['UNKNOWN_LEADER_EPOCH', 'UNKNOWN_SERVER_ERROR'];

export interface ConsumerParts {
  readonly config: ConsumerConfig;
  readonly network: NetworkClient;
  readonly metadata: Metadata;
  readonly subscriptions: SubscriptionState;
  readonly signal: Signal;
}

interface Asked {
  readonly state: PartitionState;
  readonly position: Position;
  readonly leader: Leader;
}

interface AskedTopic {
  readonly topic: string;
  readonly partitions: {
    readonly partition: number;
    readonly currentLeaderEpoch: number;
    readonly fetchOffset: bigint;
    readonly partitionMaxBytes: number;
  }[];
}

/** Partitions come in order of their topics. */
function byTopic(asked: readonly Asked[], partitionMaxBytes: number): AskedTopic[] {
  const topics: AskedTopic[] = [];
  for (const { state, position, leader } of asked) {
    const { topic, partition } = state;
    let last = topics.at(-1);
    if (last?.topic !== topic) {
      last = { topic, partitions: [] };
      topics.push(last);
    }
    const fetchOffset = BigInt(position.offset);
    last.partitions.push({ partition, currentLeaderEpoch: leader.epoch, fetchOffset, partitionMaxBytes });
  }
  return topics;
}

export class Fetcher {
  readonly #parts: ConsumerParts;
  #completed: CompletedFetch[] = [];
  /** Whether a broker has a request of ours. */
  readonly #isAsked = new Map<number, boolean>();
  /** An error other than of a partition, for the next poll. */
  #failure: Error | null = null;

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
  }

  /** Asks each broker that has no request of ours for what is not buffered yet. */
  sendFetches(): void {
    const { network, metadata, subscriptions } = this.#parts;
    const now = nowMs();
    // Nearly always each broker has a request of ours already, and there is nobody to ask.
    let byBroker: Map<number, Asked[]> | null = null;
    for (const state of subscriptions.partitions) {
      const { position } = state;
      if (!state.isFetchable || position === null || now < state.retryAtMs || this.#isBuffered(state))
        continue;
      const leader = metadata.leader(state);
      if (leader === null) {
        metadata.requestUpdate();
        continue;
      }
      const brokerId = this.#readReplica(state, leader);
      if (this.#isAsked.get(brokerId) === true || network.isBackingOff(brokerId)) continue;
      byBroker = addTo(byBroker, brokerId, { state, position, leader });
    }
    if (byBroker !== null) for (const [brokerId, asked] of byBroker) void this.#fetch(brokerId, asked);
  }

  #isBuffered(state: PartitionState): boolean {
    for (const one of this.#completed) if (one.state === state) return true;
    return false;
  }

  /** The follower that the leader has named, as long as it is there; otherwise the leader. */
  #readReplica(state: PartitionState, leader: Leader): number {
    const { metadata } = this.#parts;
    const preferred = state.preferredReplica(nowMs());
    if (preferred === null) return leader.brokerId;
    if (metadata.hasReplica(state, preferred)) return preferred;
    state.forgetPreferredReplica();
    metadata.requestUpdate();
    return leader.brokerId;
  }

  /** When a partition that had an error may be asked for again, in milliseconds from now. */
  get retryInMs(): number {
    const now = nowMs();
    let leastMs = Number.POSITIVE_INFINITY;
    for (const { retryAtMs } of this.#parts.subscriptions.partitions)
      if (retryAtMs > now) leastMs = Math.min(leastMs, retryAtMs - now);
    return leastMs;
  }

  /**
   * Takes what may be handed over now and moves the positions behind it.
   * @throws OffsetOutOfRangeError, BrokerError, KafkaError; never with records in hand
   */
  collect(): ConsumerRecord[] {
    const { subscriptions, config } = this.#parts;
    if (this.#failure !== null) {
      const failure = this.#failure;
      this.#failure = null;
      throw failure;
    }
    if (this.#completed.length === 0) return [];
    const records: ConsumerRecord[] = [];
    const kept: CompletedFetch[] = [];
    const queue = this.#completed;
    this.#completed = [];
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const { state } = next;
        const isStale =
          !subscriptions.isCurrent(state) ||
          state.phase !== 'fetching' ||
          state.position?.offset !== next.nextOffset;
        if (isStale) continue;
        if (state.isPaused) {
          kept.push(next);
          continue;
        }
        if (next.errorCode !== 0) {
          // The records come first; the error is found again with the next poll.
          if (records.length > 0) {
            kept.push(next);
            break;
          }
          this.#handleError(next);
          continue;
        }
        const { records: taken, position } = next.take(config['max.poll.records'] - records.length);
        state.position = position;
        records.push(...taken);
        if (!next.isExhausted) kept.push(next);
        if (records.length >= config['max.poll.records']) break;
      }
    } finally {
      this.#completed = [...kept, ...queue];
    }
    return records;
  }

  async #fetch(brokerId: number, asked: readonly Asked[]): Promise<void> {
    const { config, network, metadata, signal } = this.#parts;
    this.#isAsked.set(brokerId, true);
    try {
      const answer = await network.request(
        brokerId,
        fetchApi,
        {
          sessionId: NO_SESSION.id,
          sessionEpoch: NO_SESSION.epoch,
          maxWaitMs: config['fetch.max.wait.ms'],
          minBytes: config['fetch.min.bytes'],
          maxBytes: config['fetch.max.bytes'],
          isolationLevel: config['isolation.level'] === 'read_committed' ? 1 : 0,
          rackId: config['client.rack'],
          topics: byTopic(asked, config['max.partition.fetch.bytes']),
        },
        { versionMax: VERSION_MAX },
      );
      if (answer.errorCode !== 0) throw new BrokerError(answer.errorCode, 'Fetch');
      for (const { topic, partitions } of answer.responses) {
        for (const fetched of partitions) {
          const one = asked.find(
            ({ state }) => state.partition === fetched.partitionIndex && state.topic === topic,
          );
          if (one === undefined) continue;
          if (fetched.errorCode === 0 && fetched.preferredReadReplica >= 0)
            one.state.prefer(fetched.preferredReadReplica, nowMs() + config['metadata.max.age.ms']);
          const isEmpty = fetched.errorCode === 0 && (fetched.records?.byteLength ?? 0) === 0;
          if (isEmpty) continue;
          const readCommitted = config['isolation.level'] === 'read_committed';
          this.#completed.push(new CompletedFetch(one.state, one.position, fetched, readCommitted));
        }
      }
    } catch (error) {
      metadata.requestUpdate();
      for (const { state } of asked) state.forgetPreferredReplica();
      if (isRetriable(error)) this.#delay(asked);
      else this.#failure = error as Error;
    } finally {
      this.#isAsked.set(brokerId, false);
      signal.notify();
    }
  }

  #delay(asked: readonly Pick<Asked, 'state'>[]): void {
    const retryAtMs = nowMs() + this.#parts.config['retry.backoff.ms'];
    for (const { state } of asked) state.retryAtMs = retryAtMs;
  }

  #handleError(completed: CompletedFetch): void {
    const { metadata, subscriptions } = this.#parts;
    const { state, nextOffset } = completed;
    const error = new BrokerError(completed.errorCode, `Fetch of ${state.name} at ${nextOffset}`);
    const wasSentToFollower =
      !SAYS_NOTHING_OF_REPLICAS.includes(error.type) && state.forgetPreferredReplica();
    if (error.type === 'OFFSET_OUT_OF_RANGE') {
      // A follower may be behind: only the leader knows what is in range.
      if (wasSentToFollower) return;
      const { resetPolicy } = subscriptions;
      if (resetPolicy === null) throw new OffsetOutOfRangeError(new Map([[state.name, nextOffset]]));
      state.reset(resetPolicy);
      return;
    }
    if (!error.isRetriable) throw error;
    // Also for errors that do not speak of metadata: the leader may have changed since.
    metadata.requestUpdate();
    this.#delay([completed]);
  }
}
