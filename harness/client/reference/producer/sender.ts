/**
 * Getting batches to their partitions' leaders: records enter and are gathered, batches leave when they are full, old
 * enough or flushed, and are sent again until they are confirmed or their time is over. After Kafka's classes
 * RecordAccumulator and Sender.
 *
 * An idempotent producer has one batch of a partition under way at a time, where Java's has up to five: the sequence
 * numbers are the same, and no reordering has to be undone. Not implemented: compression, splitting of batches that are
 * too large for the broker, and a bound on the memory for records that wait.
 */

import type { BatchRecord } from '../../../cluster/log/record-batch.ts';
import { produceApi } from '../../../cluster/protocol/00-produce.ts';
import { backoffMs, nowMs, type Signal } from '../clock.ts';
import type { ProducerConfig } from '../config.ts';
import {
  BrokerError,
  isRetriable,
  KafkaError,
  nameOf,
  TimeoutError,
  type TopicPartition,
  withFate,
} from '../errors.ts';
import { addTo } from '../network/by-broker.ts';
import type { NetworkClient } from '../network/client.ts';
import type { Metadata } from '../network/metadata.ts';
import { Batch, type RecordMetadata, sizeOf } from './batch.ts';
import type { ProducerIds } from './producer-ids.ts';

/** From 12 on a broker adds partitions to the transaction by itself (KIP-890), from 13 on topics have ids. */
const VERSION_MAX = 11;
const ACKS = { 0: 0, 1: 1, all: -1 } as const;
/** A broker that answers so may have written the batch, or will. */
const MAY_BE_WRITTEN: ReadonlySet<string> = new Set([
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'UNKNOWN_SERVER_ERROR',
]);

export interface ProducerParts {
  readonly config: ProducerConfig;
  readonly network: NetworkClient;
  readonly metadata: Metadata;
  readonly signal: Signal;
  readonly ids: ProducerIds;
}

export class Sender {
  readonly #parts: ProducerParts;
  /** What waits, by partition, oldest first. */
  readonly #queues = new Map<string, Batch[]>();
  readonly #incomplete = new Set<Batch>();
  #flushes = 0;
  #isClosed = false;

  constructor(parts: ProducerParts) {
    this.#parts = parts;
    void this.#loop();
  }

  /** Adds a record to the last batch of its partition, or to a new one. */
  append(
    to: TopicPartition,
    record: BatchRecord & { readonly timestampMs: number },
  ): Promise<RecordMetadata> {
    const { 'batch.size': batchBytes } = this.#parts.config;
    let queue = this.#queues.get(nameOf(to));
    if (queue === undefined) {
      queue = [];
      this.#queues.set(nameOf(to), queue);
    }
    let batch = queue.at(-1);
    const fits =
      batch !== undefined &&
      batch.attempts === 0 &&
      batch.sequence === null &&
      batch.sizeBytes + sizeOf(record) <= batchBytes;
    if (batch === undefined || !fits) {
      if (batch !== undefined) batch.isFull = true;
      batch = new Batch(to);
      queue.push(batch);
      this.#incomplete.add(batch);
    }
    const settled = batch.add(record);
    if (batch.sizeBytes >= batchBytes) batch.isFull = true;
    this.#parts.signal.notify();
    return settled;
  }

  /** Resolves when all that has been appended so far is settled; sends without waiting for more. */
  async flush(): Promise<void> {
    const waiting = new Set(this.#incomplete);
    this.#flushes += 1;
    this.#parts.signal.notify();
    try {
      while ([...waiting].some((batch) => !batch.isSettled)) {
        const { signal } = this.#parts;
        await signal.wait(this.#parts.config['delivery.timeout.ms'], signal.version);
      }
    } finally {
      this.#flushes -= 1;
    }
  }

  /** Fails what has not been sent; `all` also fails what is under way and has no answer yet. */
  abandon(reason: KafkaError, which: 'unsent' | 'all'): void {
    const given = [...this.#incomplete].filter((batch) => which === 'all' || !batch.isInFlight);
    for (const batch of given) {
      if (batch.isInFlight) batch.fate = 'unknown';
      if (batch.sequence !== null) this.#parts.ids.failed(batch, reason);
      this.#forget(batch);
      batch.fail(new KafkaError(reason.message));
    }
    if (given.length > 0) this.#parts.signal.notify();
  }

  get isIdle(): boolean {
    return this.#incomplete.size === 0;
  }

  close(): void {
    this.#isClosed = true;
    this.#parts.signal.notify();
  }

  async #loop(): Promise<void> {
    const { signal } = this.#parts;
    while (!this.#isClosed) {
      const seen = signal.version;
      const waitMs = this.#pass();
      await signal.wait(waitMs, seen);
    }
  }

  /** Sends what is due. @returns how long until something will be */
  #pass(): number {
    const { config, metadata, network, ids } = this.#parts;
    this.#expire();
    if (ids.obstacle !== null) this.abandon(ids.obstacle, 'unsent');
    let nextMs = Number.POSITIVE_INFINITY;
    const soon = (inMs: number): void => {
      nextMs = Math.min(nextMs, Math.max(1, inMs));
    };
    let byBroker: Map<number, Batch[]> | null = null;
    for (const queue of this.#queues.values()) {
      const [batch] = queue;
      if (batch === undefined) continue;
      soon(batch.createdMs + config['delivery.timeout.ms'] - nowMs());
      const dueMs = this.#dueInMs(batch);
      if (dueMs > 0) {
        soon(dueMs);
        continue;
      }
      const leader = metadata.leader(batch);
      if (leader === null) {
        metadata.requestUpdate();
        continue;
      }
      if (network.isBackingOff(leader.brokerId)) {
        soon(config['reconnect.backoff.ms']);
        continue;
      }
      const throttleMs = network.throttleMs(leader.brokerId);
      if (throttleMs > 0) {
        soon(throttleMs);
        continue;
      }
      if (this.#isMuted(batch) || this.#isBusy(leader.brokerId)) continue;
      if (!ids.isReadyFor(batch)) continue;
      byBroker = addTo(byBroker, leader.brokerId, batch);
    }
    if (byBroker !== null) for (const [brokerId, batches] of byBroker) void this.#send(brokerId, batches);
    for (const batch of this.#incomplete)
      if (batch.isInFlight) soon(batch.createdMs + config['delivery.timeout.ms'] - nowMs());
    return nextMs;
  }

  #dueInMs(batch: Batch): number {
    if (batch.attempts > 0) return batch.retryAtMs - nowMs();
    if (batch.isFull || this.#flushes > 0 || (this.#queues.get(batch.name)?.length ?? 0) > 1) return 0;
    return batch.createdMs + this.#parts.config['linger.ms'] - nowMs();
  }

  /** Order is kept where it matters: the next batch of the partition waits for the one under way. */
  #isMuted(batch: Batch): boolean {
    const { config } = this.#parts;
    if (!config['enable.idempotence'] && config['max.in.flight.requests.per.connection'] > 1) return false;
    for (const one of this.#incomplete) if (one.isInFlight && one.name === batch.name) return true;
    return false;
  }

  readonly #requests = new Map<number, number>();

  #isBusy(brokerId: number): boolean {
    const requests = this.#requests.get(brokerId) ?? 0;
    return requests >= this.#parts.config['max.in.flight.requests.per.connection'];
  }

  async #send(brokerId: number, batches: readonly Batch[]): Promise<void> {
    const { config, network, ids, signal } = this.#parts;
    this.#requests.set(brokerId, (this.#requests.get(brokerId) ?? 0) + 1);
    const topics = new Map<string, Batch[]>();
    for (const batch of batches) {
      this.#queues.get(batch.name)?.shift();
      batch.isInFlight = true;
      ids.number(batch);
      const list = topics.get(batch.topic) ?? [];
      list.push(batch);
      topics.set(batch.topic, list);
    }
    const transactionalId = config['transactional.id'];
    try {
      const answer = await network.request(
        brokerId,
        produceApi,
        {
          transactionalId,
          acks: ACKS[config.acks],
          timeoutMs: config['request.timeout.ms'],
          topicData: [...topics].map(([name, list]) => ({
            name,
            partitionData: list.map((batch) => ({
              index: batch.partition,
              records: batch.encode(transactionalId !== null),
            })),
          })),
        },
        { versionMax: VERSION_MAX, isAnswered: config.acks !== 0 },
      );
      for (const batch of batches) {
        const result =
          config.acks === 0
            ? undefined
            : answer.responses
                .find(({ name }) => name === batch.topic)
                ?.partitionResponses.find(({ index }) => index === batch.partition);
        if (result === undefined || result.errorCode === 0)
          this.#succeeded(batch, Number(result?.baseOffset ?? -1), Number(result?.logAppendTimeMs ?? -1));
        else
          this.#failed(
            batch,
            new BrokerError(result.errorCode, `Produce to ${batch.name}`, result.errorMessage),
          );
      }
    } catch (error) {
      for (const batch of batches) this.#failed(batch, error as KafkaError);
    } finally {
      this.#requests.set(brokerId, (this.#requests.get(brokerId) ?? 1) - 1);
      signal.notify();
    }
  }

  #succeeded(batch: Batch, baseOffset: number, logAppendTimeMs: number): void {
    this.#forget(batch);
    batch.succeed(baseOffset, logAppendTimeMs);
  }

  #failed(batch: Batch, error: KafkaError): void {
    const { config, metadata, ids } = this.#parts;
    batch.isInFlight = false;
    if (batch.isSettled) {
      this.#forget(batch);
      return;
    }
    const isAnswer = error instanceof BrokerError;
    if (!isAnswer || MAY_BE_WRITTEN.has(error.type)) batch.fate = 'unknown';
    // It is in the log already, and the broker no longer knows where.
    if (isAnswer && error.type === 'DUPLICATE_SEQUENCE_NUMBER') {
      this.#succeeded(batch, -1, -1);
      return;
    }
    if (!isAnswer || error.isStaleMetadata) metadata.requestUpdate();
    batch.attempts += 1;
    if (isRetriable(error) && batch.attempts <= config.retries && !this.#isClosed) {
      const [initialMs, maxMs] = [config['retry.backoff.ms'], config['retry.backoff.max.ms']];
      batch.retryAtMs = nowMs() + backoffMs(initialMs, maxMs, batch.attempts - 1);
      this.#queues.get(batch.name)?.unshift(batch);
      return;
    }
    this.#forget(batch);
    ids.failed(batch, error);
    batch.fail(error);
  }

  /** Time is over for what is older than delivery.timeout.ms, under way or not (KIP-91). */
  #expire(): void {
    const timeoutMs = this.#parts.config['delivery.timeout.ms'];
    for (const batch of this.#incomplete) {
      if (nowMs() < batch.createdMs + timeoutMs) continue;
      if (batch.isInFlight) batch.fate = 'unknown';
      const error = withFate(
        new TimeoutError(`Expiring ${batch.count} record(s) for ${batch.name}: ${timeoutMs} ms has passed`),
        batch.fate,
      );
      this.#forget(batch);
      this.#parts.ids.failed(batch, error);
      batch.fail(error);
      this.#parts.signal.notify();
    }
  }

  #forget(batch: Batch): void {
    this.#incomplete.delete(batch);
    batch.isInFlight = false;
    const queue = this.#queues.get(batch.name);
    if (queue?.includes(batch))
      this.#queues.set(
        batch.name,
        queue.filter((one) => one !== batch),
      );
  }
}
