/**
 * A Kafka producer with the Java client's semantics and words: records enter, where they are in the log leaves, or an
 * error that says whether they may be there all the same (`fate`). After Kafka's class KafkaProducer.
 */
import { Deadline, Signal, wallClockMs } from '../clock.ts';
import { type ProducerConfig, type ProducerOptions, producerConfig } from '../config.ts';
import type { Offsets } from '../consumer/commits.ts';
import type { ConsumerGroupMetadata } from '../consumer/consumer.ts';
import { IllegalStateError, KafkaError, RecordTooLargeError, TimeoutError, withFate } from '../errors.ts';
import { NetworkClient } from '../network/client.ts';
import type { Transport } from '../network/connection.ts';
import { Metadata } from '../network/metadata.ts';
import { type RecordMetadata, sizeOf } from './batch.ts';
import { Partitioner } from './partitioner.ts';
import { IdempotentProducerIds, noProducerIds } from './producer-ids.ts';
import { Sender } from './sender.ts';
import { TransactionManager } from './transaction-manager.ts';

export interface ProducerRecord {
  readonly topic: string;
  /** Chosen by the key, or by the partitioner, where it is left out. */
  readonly partition?: number;
  readonly key?: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly timestampMs?: number;
}

const CLOSED_FORCEFULLY = 'Producer is closed forcefully.';

const toBytes = (content: string | Uint8Array | null | undefined): Uint8Array | null =>
  typeof content === 'string' ? Buffer.from(content, 'utf8') : (content ?? null);

export class Producer {
  readonly #config: ProducerConfig;
  readonly #network: NetworkClient;
  readonly #metadata: Metadata;
  readonly #signal = new Signal();
  readonly #sender: Sender;
  readonly #partitioner: Partitioner;
  readonly #topics = new Set<string>();
  readonly #transactions: TransactionManager | null;
  /** Sends for which Java's, which blocks, would not have returned yet: what is called after them comes after them. */
  #waiting = 0;
  /** Settles when the last of them has its place in a batch, or none. */
  #turn: Promise<unknown> = Promise.resolve();
  #isClosed = false;
  #isAbandoned = false;

  /** @throws ConfigError */
  constructor(options: ProducerOptions, transport: Transport) {
    const config = producerConfig(options);
    this.#config = config;
    this.#network = new NetworkClient(config, transport);
    this.#metadata = new Metadata(this.#network, this.#signal, true);
    this.#partitioner = new Partitioner(config['partitioner.class'], config['batch.size']);
    const transactionalId = config['transactional.id'];
    this.#transactions =
      transactionalId === null
        ? null
        : new TransactionManager(config, transactionalId, this.#network, this.#signal);
    const ids = config['enable.idempotence']
      ? new IdempotentProducerIds(config, this.#network, this.#signal)
      : noProducerIds;
    this.#sender = new Sender({
      config,
      network: this.#network,
      metadata: this.#metadata,
      signal: this.#signal,
      ids: this.#transactions ?? ids,
    });
  }

  /**
   * Must be called once, before anything else, where there is a transactional.id.
   * @throws TimeoutError, KafkaError
   */
  async initTransactions(): Promise<void> {
    await this.#requireTransactions().init();
  }

  /** @throws IllegalStateError, ProducerFencedError */
  beginTransaction(): void {
    this.#requireTransactions().begin();
  }

  /**
   * Has the consumer's offsets committed where and when the transaction is (KIP-447).
   * @throws CommitFailedError where the consumer is no longer in its group: the transaction is to be aborted
   */
  async sendOffsetsToTransaction(offsets: Offsets, consumer: ConsumerGroupMetadata): Promise<void> {
    await this.#requireTransactions().sendOffsets(offsets, consumer);
  }

  /**
   * Sends what is left, waits for it and commits.
   * @throws KafkaError: the transaction is to be aborted; TimeoutError: the call is to be made again; ProducerFencedError
   */
  async commitTransaction(): Promise<void> {
    await this.#requireTransactions().commit(() => this.#flush());
  }

  /** Drops what has not been sent, and aborts. @throws ProducerFencedError, TimeoutError */
  async abortTransaction(): Promise<void> {
    await this.#requireTransactions().abort(async () => {
      await this.#turn;
      while (!this.#sender.isIdle) {
        const seen = this.#signal.version;
        // Again and again: what is under way may fail and wait to be sent again.
        this.#sender.abandon(new KafkaError('Failing batch since transaction was aborted'), 'unsent');
        await this.#signal.wait(this.#config['retry.backoff.ms'], seen);
      }
    });
  }

  /**
   * Sends one record; records of one partition keep the order of the calls unless retries change it.
   * @returns where it is, with offset -1 under acks 0
   * @throws KafkaError, BrokerError, TimeoutError
   */
  async send(record: ProducerRecord): Promise<RecordMetadata> {
    this.#requireOpen();
    this.#transactions?.requireSendable();
    const { topic } = record;
    const key = toBytes(record.key);
    const value = toBytes(record.value);
    const sizeBytes = sizeOf({ key, value });
    if (sizeBytes > this.#config['max.request.size'])
      throw new RecordTooLargeError(
        `The record is ${sizeBytes} bytes, which is more than max.request.size (${this.#config['max.request.size']})`,
      );
    const timestampMs = record.timestampMs ?? wallClockMs();
    const append = (count: number): Promise<RecordMetadata> => {
      const partition = record.partition ?? this.#partitioner.choose(topic, key, sizeBytes, count);
      if (partition >= count)
        throw new KafkaError(`${topic} has only ${count} partitions, not ${partition + 1}`);
      return this.#sender.append({ topic, partition }, { key, value, timestampMs });
    };
    const known = this.#metadata.partitionCount(topic);
    if (known !== undefined && this.#waiting === 0) return await append(known);
    return await this.#inTurn(topic, append);
  }

  /** Resolves when every record sent so far is settled. */
  async flush(): Promise<void> {
    this.#requireOpen();
    await this.#flush();
  }

  /**
   * Sends what is buffered and ends; what has no answer when the time is over is failed. With 0 nothing is waited for:
   * buffered records are lost.
   */
  async close(timeoutMs = Number.POSITIVE_INFINITY): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (timeoutMs > 0) {
      const deadline = new Deadline(timeoutMs);
      void this.#flush();
      while ((this.#waiting > 0 || !this.#sender.isIdle) && !deadline.isOver)
        await this.#signal.wait(deadline.leftMs, this.#signal.version);
    }
    this.#isAbandoned = true;
    this.#sender.abandon(new KafkaError(CLOSED_FORCEFULLY), 'all');
    this.#sender.close();
    this.#metadata.close();
    this.#network.close();
  }

  async #flush(): Promise<void> {
    await this.#turn;
    await this.#sender.flush();
  }

  /** @throws what `#awaitTopic` and `append` throw */
  async #inTurn(
    topic: string,
    append: (partitions: number) => Promise<RecordMetadata>,
  ): Promise<RecordMetadata> {
    const before = this.#turn;
    let settled: Promise<RecordMetadata> | undefined;
    const mine = (async () => {
      await before;
      const count = await this.#awaitTopic(topic);
      settled = append(count);
    })();
    this.#turn = mine.catch(() => {});
    this.#waiting += 1;
    try {
      await mine;
    } finally {
      this.#waiting -= 1;
      this.#signal.notify();
    }
    return await (settled as Promise<RecordMetadata>);
  }

  #requireTransactions(): TransactionManager {
    this.#requireOpen();
    if (this.#transactions === null) throw new IllegalStateError('Transactions need a transactional.id');
    return this.#transactions;
  }

  #requireOpen(): void {
    if (this.#isClosed)
      throw new IllegalStateError('Cannot perform operation after producer has been closed');
  }

  /** @throws TimeoutError after max.block.ms, BrokerError where the topic may not be written */
  async #awaitTopic(topic: string): Promise<number> {
    const deadline = new Deadline(this.#config['max.block.ms']);
    this.#topics.add(topic);
    this.#metadata.setInterest([...this.#topics].sort());
    for (;;) {
      const seen = this.#signal.version;
      this.#metadata.throwFatal();
      const count = this.#metadata.partitionCount(topic);
      if (count !== undefined) return count;
      if (this.#isAbandoned) throw withFate(new KafkaError(CLOSED_FORCEFULLY), 'failed');
      if (deadline.isOver)
        throw withFate(
          new TimeoutError(
            `Topic ${topic} not present in metadata after ${this.#config['max.block.ms']} ms.`,
          ),
          'failed',
        );
      await this.#signal.wait(deadline.leftMs, seen);
    }
  }
}
