/**
 * Transactions of one producer (KIP-98, KIP-447): the application's begin, commit and abort enter, requests to the
 * transaction's coordinator and the group's leave, and batches are numbered and held back until their partition is part
 * of the transaction. After Kafka's class TransactionManager, as it talks to brokers under transaction version 1.
 *
 * Not implemented: transaction version 2 (KIP-890), in which brokers add partitions by themselves.
 */
import { initProducerIdApi } from '../../../cluster/protocol/22-init-producer-id.ts';
import { addPartitionsToTxnApi } from '../../../cluster/protocol/24-add-partitions-to-txn.ts';
import { addOffsetsToTxnApi } from '../../../cluster/protocol/25-add-offsets-to-txn.ts';
import { endTxnApi } from '../../../cluster/protocol/26-end-txn.ts';
import { txnOffsetCommitApi } from '../../../cluster/protocol/28-txn-offset-commit.ts';
import { backoffMs, Deadline, type Signal, sleep, within } from '../clock.ts';
import type { ProducerConfig } from '../config.ts';
import type { Offsets } from '../consumer/commits.ts';
import type { ConsumerGroupMetadata } from '../consumer/consumer.ts';
import {
  BrokerError,
  CommitFailedError,
  IllegalStateError,
  isRetriable,
  KafkaError,
  nameOf,
  ProducerFencedError,
  type TopicPartition,
  typeOf,
} from '../errors.ts';
import type { NetworkClient } from '../network/client.ts';
import { CoordinatorFinder } from '../network/coordinator.ts';
import type { Batch } from './batch.ts';
import { type ProducerIds, Sequences } from './producer-ids.ts';

/** From here on requests have the shape of brokers among themselves, or begin to speak of transaction version 2. */
const VERSIONS_MAX = { addPartitions: 3, endTxn: 4, offsetCommit: 4 } as const;

const FENCED: ReadonlySet<string | null> = new Set(['PRODUCER_FENCED', 'INVALID_PRODUCER_EPOCH']);
const COORDINATOR_MOVED: ReadonlySet<string | null> = new Set([
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
]);
/** The group has gone on without the consumer whose offsets these are. */
const NOT_A_MEMBER: ReadonlySet<string | null> = new Set([
  'UNKNOWN_MEMBER_ID',
  'ILLEGAL_GENERATION',
  'FENCED_INSTANCE_ID',
]);
/** After these the transaction is lost and the producer may go on with the next one. */
const ABORTABLE: ReadonlySet<string | null> = new Set([
  'TRANSACTION_ABORTABLE',
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'OPERATION_NOT_ATTEMPTED',
]);

/** `abortable`: only abortTransaction helps; `fatal`: nothing does. */
type State = 'uninitialized' | 'ready' | 'in-transaction' | 'abortable' | 'fatal';

type Topics = readonly { readonly name: string; readonly partitions: readonly TopicPartition[] }[];

const byTopic = <T extends TopicPartition>(partitions: readonly T[]): { name: string; partitions: T[] }[] => {
  const topics = new Map<string, T[]>();
  for (const one of partitions) topics.set(one.topic, [...(topics.get(one.topic) ?? []), one]);
  return [...topics].map(([name, list]) => ({ name, partitions: list }));
};

export class TransactionManager implements ProducerIds {
  readonly #config: ProducerConfig;
  readonly #transactionalId: string;
  readonly #network: NetworkClient;
  readonly #signal: Signal;
  readonly #finder: CoordinatorFinder;
  readonly #groupFinders = new Map<string, CoordinatorFinder>();
  #state: State = 'uninitialized';
  #error: KafkaError | null = null;
  #sequences: Sequences | null = null;
  readonly #added = new Set<string>();
  readonly #wanted = new Map<string, TopicPartition>();
  #adding: Promise<void> | null = null;
  #hasOffsets = false;
  /** A batch was given up whose number the broker may or may not have seen. */
  #needsNewEpoch = false;

  constructor(config: ProducerConfig, transactionalId: string, network: NetworkClient, signal: Signal) {
    this.#config = config;
    this.#transactionalId = transactionalId;
    this.#network = network;
    this.#signal = signal;
    this.#finder = new CoordinatorFinder(network, 'transaction', transactionalId);
  }

  /** Fences producers with the same id, whose open transaction is aborted. @throws KafkaError, TimeoutError */
  async init(): Promise<void> {
    if (this.#state !== 'uninitialized') throw new IllegalStateError('initTransactions was called before');
    await this.#initProducerId();
    this.#state = 'ready';
  }

  begin(): void {
    this.#throwFatal();
    if (this.#state !== 'ready') throw new IllegalStateError(`beginTransaction in state ${this.#state}`);
    this.#state = 'in-transaction';
  }

  /** @throws IllegalStateError, or what has made the transaction impossible */
  requireSendable(): void {
    this.#throwFatal();
    if (this.#state === 'abortable')
      throw new KafkaError('The transaction can only be aborted', { cause: this.#error });
    if (this.#state !== 'in-transaction') throw new IllegalStateError('There is no open transaction');
  }

  /** Commits the consumer's offsets together with the transaction (KIP-447). */
  async sendOffsets(offsets: Offsets, consumer: ConsumerGroupMetadata): Promise<void> {
    this.requireSendable();
    const { groupId } = consumer;
    const ids = this.#ids();
    const deadline = this.#deadline();
    await this.#guard(async () => {
      this.#hasOffsets = true;
      await this.#repeat(this.#finder, deadline, async (nodeId) => {
        const { errorCode } = await this.#network.request(nodeId, addOffsetsToTxnApi, { ...ids, groupId });
        return errorCode;
      });
      const finder =
        this.#groupFinders.get(groupId) ?? new CoordinatorFinder(this.#network, 'group', groupId);
      this.#groupFinders.set(groupId, finder);
      await this.#repeat(finder, deadline, async (nodeId) => {
        const answer = await this.#network.request(
          nodeId,
          txnOffsetCommitApi,
          {
            ...ids,
            groupId,
            generationId: consumer.generationId,
            memberId: consumer.memberId,
            groupInstanceId: consumer.groupInstanceId,
            topics: byTopic(offsets).map(({ name, partitions }) => ({
              name,
              partitions: partitions.map(({ partition, offset, leaderEpoch = -1, metadata = '' }) => ({
                partitionIndex: partition,
                committedOffset: BigInt(offset),
                committedLeaderEpoch: leaderEpoch,
                committedMetadata: metadata,
              })),
            })),
          },
          { versionMax: VERSIONS_MAX.offsetCommit },
        );
        const errors = answer.topics.flatMap(({ partitions }) =>
          partitions.map(({ errorCode }) => errorCode),
        );
        return errors.find((code) => code !== 0) ?? 0;
      });
    });
  }

  /**
   * @param flush sends what is left and waits for it
   * @throws what has made the transaction impossible: then it is to be aborted; TimeoutError: then it may be committed,
   * and the call may be made again
   */
  async commit(flush: () => Promise<void>): Promise<void> {
    this.requireSendable();
    await flush();
    this.requireSendable();
    await this.#guard(() => this.#end(true));
    this.#state = 'ready';
  }

  /** @param drop fails what has not been sent, and waits for what is under way */
  async abort(drop: () => Promise<void>): Promise<void> {
    this.#throwFatal();
    if (this.#state !== 'in-transaction' && this.#state !== 'abortable')
      throw new IllegalStateError('There is no open transaction');
    this.#state = 'abortable';
    await drop();
    await this.#adding;
    await this.#guard(() => this.#end(false));
    if (this.#needsNewEpoch) await this.#guard(() => this.#initProducerId());
    this.#error = null;
    this.#state = 'ready';
  }

  isReadyFor(batch: Batch): boolean {
    if (this.#state !== 'in-transaction') return false;
    if (this.#added.has(batch.name)) return true;
    this.#wanted.set(batch.name, { topic: batch.topic, partition: batch.partition });
    if (this.#adding === null)
      this.#adding = this.#addPartitions().finally(() => {
        this.#adding = null;
        this.#signal.notify();
      });
    return false;
  }

  get obstacle(): KafkaError | null {
    return this.#error;
  }

  number(batch: Batch): void {
    this.#sequences?.number(batch);
  }

  failed(batch: Batch, error: KafkaError): void {
    if (batch.sequence !== null) this.#needsNewEpoch = true;
    if (typeOf(error) === 'PRODUCER_FENCED')
      this.#fail(new ProducerFencedError(error.message, { cause: error }));
    else this.#abortable(error);
  }

  #ids() {
    const { producerId, epoch } = this.#sequences?.id ?? { producerId: -1, epoch: -1 };
    return {
      transactionalId: this.#transactionalId,
      producerId: BigInt(producerId),
      producerEpoch: epoch,
    };
  }

  #deadline(): Deadline {
    return new Deadline(this.#config['max.block.ms']);
  }

  async #initProducerId(): Promise<void> {
    const { producerId, producerEpoch } = this.#ids();
    const answer = await this.#repeat(this.#finder, this.#deadline(), async (nodeId, keep) => {
      const one = await this.#network.request(nodeId, initProducerIdApi, {
        transactionalId: this.#transactionalId,
        transactionTimeoutMs: this.#config['transaction.timeout.ms'],
        producerId,
        producerEpoch,
      });
      keep({ producerId: Number(one.producerId), epoch: one.producerEpoch });
      return one.errorCode;
    });
    this.#sequences = new Sequences(answer as { producerId: number; epoch: number });
    this.#needsNewEpoch = false;
  }

  async #addPartitions(): Promise<void> {
    const ids = this.#ids();
    while (this.#wanted.size > 0 && this.#state === 'in-transaction') {
      const partitions = [...this.#wanted.values()];
      const topics: Topics = byTopic(partitions);
      try {
        await this.#guard(() =>
          this.#repeat(this.#finder, this.#deadline(), async (nodeId) => {
            const answer = await this.#network.request(
              nodeId,
              addPartitionsToTxnApi,
              {
                v3AndBelowTransactionalId: ids.transactionalId,
                v3AndBelowProducerId: ids.producerId,
                v3AndBelowProducerEpoch: ids.producerEpoch,
                v3AndBelowTopics: topics.map(({ name, partitions: list }) => ({
                  name,
                  partitions: list.map(({ partition }) => partition),
                })),
              },
              { versionMax: VERSIONS_MAX.addPartitions },
            );
            const errors = answer.resultsByTopicV3AndBelow.flatMap(({ resultsByPartition }) =>
              resultsByPartition.map(({ partitionErrorCode }) => partitionErrorCode),
            );
            return errors.find((code) => code !== 0) ?? 0;
          }),
        );
      } catch {
        // Kept as the transaction's error; the application meets it with its next call.
        return;
      }
      for (const one of partitions) {
        this.#added.add(nameOf(one));
        this.#wanted.delete(nameOf(one));
      }
    }
  }

  async #end(committed: boolean): Promise<void> {
    if (this.#added.size > 0 || this.#hasOffsets)
      await this.#repeat(this.#finder, this.#deadline(), async (nodeId) => {
        const { errorCode } = await this.#network.request(
          nodeId,
          endTxnApi,
          { ...this.#ids(), committed },
          { versionMax: VERSIONS_MAX.endTxn },
        );
        return errorCode;
      });
    this.#added.clear();
    this.#wanted.clear();
    this.#hasOffsets = false;
  }

  /**
   * Asks a coordinator until it agrees or the time is over.
   * @returns what the attempt has kept
   * @throws BrokerError, TimeoutError, DisconnectError
   */
  async #repeat<T>(
    finder: CoordinatorFinder,
    deadline: Deadline,
    attempt: (nodeId: number, keep: (value: T) => void) => Promise<number>,
  ): Promise<T | undefined> {
    let kept: T | undefined;
    for (let failures = 0; ; failures++) {
      let nodeId: number | null = null;
      try {
        nodeId = await within(finder.find(), deadline, 'coordinator');
        const asked = attempt(nodeId, (value) => {
          kept = value;
        });
        const code = await within(asked, deadline, 'answer of the coordinator');
        if (code === 0) return kept;
        throw new BrokerError(code, `transaction of ${this.#transactionalId}`);
      } catch (error) {
        const isLost = !(error instanceof BrokerError);
        if (nodeId !== null && (isLost || COORDINATOR_MOVED.has(error.type))) finder.markUnknown(nodeId);
        if (!isRetriable(error) || deadline.isOver) throw error;
        const [initialMs, maxMs] = [this.#config['retry.backoff.ms'], this.#config['retry.backoff.max.ms']];
        await sleep(Math.min(deadline.leftMs, backoffMs(initialMs, maxMs, failures)));
      }
    }
  }

  /** Turns an error of a request into what it means for the transaction. */
  async #guard<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      const type = typeOf(error);
      // Whether it was done is not known, so the same call may be made again.
      if (!(error instanceof KafkaError) || isRetriable(error)) throw error;
      const cause = { cause: error };
      if (FENCED.has(type))
        throw this.#fail(new ProducerFencedError('Another producer has the same transactional.id', cause));
      if (NOT_A_MEMBER.has(type))
        throw this.#abortable(new CommitFailedError('the consumer is no longer in its group', cause));
      throw ABORTABLE.has(type) ? this.#abortable(error) : this.#fail(error);
    }
  }

  #fail(error: KafkaError): KafkaError {
    this.#state = 'fatal';
    this.#error = error;
    return error;
  }

  #abortable(error: KafkaError): KafkaError {
    if (this.#state === 'fatal') return error;
    this.#state = 'abortable';
    this.#error ??= error;
    return error;
  }

  #throwFatal(): void {
    if (this.#state === 'fatal' && this.#error !== null) throw this.#error;
  }
}
