/**
 * Positions that have to be asked for: partitions to be reset or validated enter, their leaders are asked for offsets of
 * the log, and positions are set where nothing else has set them meanwhile. After Kafka's class OffsetFetcher.
 */
import { listOffsetsApi } from '../../../cluster/protocol/02-list-offsets.ts';
import { offsetForLeaderEpochApi } from '../../../cluster/protocol/23-offset-for-leader-epoch.ts';
import { nowMs } from '../clock.ts';
import { BrokerError, isRetriable, OffsetOutOfRangeError } from '../errors.ts';
import { addTo } from '../network/by-broker.ts';
import type { Leader } from '../network/metadata.ts';
import type { ConsumerParts } from './fetcher.ts';
import type { PartitionState } from './subscription-state.ts';

const TIMESTAMPS = { earliest: -2n, latest: -1n } as const;
const CONSUMER_REPLICA_ID = -1;

interface Asked {
  readonly state: PartitionState;
  readonly leader: Leader;
}

export class OffsetResetter {
  readonly #parts: ConsumerParts;
  readonly #asking = new Set<PartitionState>();
  #failure: Error | null = null;

  constructor(parts: ConsumerParts) {
    this.#parts = parts;
  }

  /**
   * Asks for what is to be asked for, and returns at once; the signal says when an answer is there.
   * @throws what an earlier answer was, where it cannot be tried again
   */
  step(): void {
    if (this.#failure !== null) {
      const failure = this.#failure;
      this.#failure = null;
      throw failure;
    }
    this.#findUnvalidated();
    this.#ask('resetting');
    this.#ask('validating');
  }

  /** A new leader may have less than the position: it has to say so first (KIP-320). */
  #findUnvalidated(): void {
    const { metadata, subscriptions } = this.#parts;
    for (const state of subscriptions.partitions) {
      if (state.phase !== 'fetching' || state.position === null) continue;
      const epoch = metadata.leader(state)?.epoch ?? -1;
      if (epoch <= state.validatedEpoch) continue;
      // The new leader has a word of its own about whom to read from.
      state.forgetPreferredReplica();
      if (state.position.epoch >= 0) state.phase = 'validating';
      else state.validatedEpoch = epoch;
    }
  }

  #ask(phase: 'resetting' | 'validating'): void {
    const { metadata, network, subscriptions } = this.#parts;
    let byBroker: Map<number, Asked[]> | null = null;
    for (const state of subscriptions.partitions) {
      if (state.phase !== phase || this.#asking.has(state) || nowMs() < state.retryAtMs) continue;
      const leader = metadata.leader(state);
      if (leader === null) metadata.requestUpdate();
      if (leader === null || network.isBackingOff(leader.brokerId)) continue;
      byBroker = addTo(byBroker, leader.brokerId, { state, leader });
    }
    if (byBroker !== null) for (const [brokerId, asked] of byBroker) void this.#guard(asked, phase, brokerId);
  }

  async #guard(asked: readonly Asked[], phase: 'resetting' | 'validating', brokerId: number): Promise<void> {
    for (const { state } of asked) this.#asking.add(state);
    try {
      await (phase === 'resetting' ? this.#listOffsets(brokerId, asked) : this.#validate(brokerId, asked));
    } catch (error) {
      if (isRetriable(error)) for (const { state } of asked) this.#retryLater(state);
      else this.#failure = error as Error;
    } finally {
      for (const { state } of asked) this.#asking.delete(state);
      this.#parts.signal.notify();
    }
  }

  #retryLater(state: PartitionState): void {
    state.retryAtMs = nowMs() + this.#parts.config['retry.backoff.ms'];
    this.#parts.metadata.requestUpdate();
  }

  async #listOffsets(brokerId: number, asked: readonly Asked[]): Promise<void> {
    const { config, network, subscriptions } = this.#parts;
    const strategies = new Map(asked.map(({ state }) => [state, state.resetStrategy ?? 'latest']));
    const answer = await network.request(brokerId, listOffsetsApi, {
      replicaId: CONSUMER_REPLICA_ID,
      isolationLevel: config['isolation.level'] === 'read_committed' ? 1 : 0,
      timeoutMs: config['request.timeout.ms'],
      topics: byTopic(asked).map(([name, list]) => ({
        name,
        partitions: list.map(({ state, leader }) => ({
          partitionIndex: state.partition,
          currentLeaderEpoch: leader.epoch,
          timestamp: TIMESTAMPS[strategies.get(state) as keyof typeof TIMESTAMPS],
        })),
      })),
    });
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, offset, leaderEpoch } of partitions) {
        const found = asked.find(
          ({ state: { topic, partition } }) => topic === name && partition === partitionIndex,
        );
        if (found === undefined) continue;
        const { state, leader } = found;
        const isWanted =
          subscriptions.isCurrent(state) &&
          state.phase === 'resetting' &&
          state.resetStrategy === strategies.get(state);
        if (!isWanted) continue;
        if (this.#failed(state, errorCode, 'ListOffsets')) continue;
        this.#parts.metadata.hasEpoch(state, leaderEpoch);
        state.seek({ offset: Number(offset), epoch: leaderEpoch });
        state.validatedEpoch = leader.epoch;
      }
    }
  }

  async #validate(brokerId: number, asked: readonly Asked[]): Promise<void> {
    const { network, subscriptions } = this.#parts;
    const positions = new Map(asked.map(({ state }) => [state, state.position]));
    const answer = await network.request(brokerId, offsetForLeaderEpochApi, {
      replicaId: CONSUMER_REPLICA_ID,
      topics: byTopic(asked).map(([topic, list]) => ({
        topic,
        partitions: list.map(({ state, leader }) => ({
          partition: state.partition,
          currentLeaderEpoch: leader.epoch,
          leaderEpoch: state.position?.epoch ?? -1,
        })),
      })),
    });
    for (const { topic: name, partitions } of answer.topics) {
      for (const { partition: index, errorCode, endOffset, leaderEpoch } of partitions) {
        const found = asked.find(({ state: { topic, partition } }) => topic === name && partition === index);
        if (found === undefined) continue;
        const { state, leader } = found;
        const { position } = state;
        const isWanted =
          subscriptions.isCurrent(state) &&
          state.phase === 'validating' &&
          position !== null &&
          position === positions.get(state);
        if (!isWanted) continue;
        if (this.#failed(state, errorCode, 'OffsetForLeaderEpoch')) continue;
        state.validatedEpoch = leader.epoch;
        const end = Number(endOffset);
        if (end >= position.offset) state.phase = 'fetching';
        else this.#truncated(state, end, leaderEpoch);
      }
    }
  }

  /** What was handed over has been lost by the cluster: on from where the logs part. */
  #truncated(state: PartitionState, endOffset: number, epoch: number): void {
    const { resetPolicy } = this.#parts.subscriptions;
    if (resetPolicy === null)
      throw new OffsetOutOfRangeError(new Map([[state.name, state.position?.offset ?? -1]]));
    if (endOffset < 0) state.reset(resetPolicy);
    else state.seek({ offset: endOffset, epoch });
  }

  #failed(state: PartitionState, code: number, what: string): boolean {
    if (code === 0) return false;
    const error = new BrokerError(code, `${what} of ${state.name}`);
    if (!error.isRetriable) throw error;
    this.#retryLater(state);
    return true;
  }
}

const byTopic = (asked: readonly Asked[]): [string, Asked[]][] => {
  const topics = new Map<string, Asked[]>();
  for (const one of asked) {
    const list = topics.get(one.state.topic) ?? [];
    list.push(one);
    topics.set(one.state.topic, list);
  }
  return [...topics];
};
