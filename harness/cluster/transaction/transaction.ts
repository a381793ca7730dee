/**
 * What a coordinator knows of one transactional id (TransactionMetadata): its present value, which the log has, and the
 * next one, which is on its way there. Requests enter, the next value or an error code leaves.
 */
import type { ErrorCode } from '../environment.ts';
import { errorCode } from '../protocol/errors.ts';
import { canMove, type TransactionState } from './state.ts';

export const NO_PRODUCER_ID = -1n;
export const NO_PRODUCER_EPOCH = -1;
/** The highest that a producer gets: the one above is kept for fencing it (TransactionMetadata.isEpochExhausted). */
const PRODUCER_EPOCH_MAX = 32_766;

export const isEpochExhausted = (epoch: number): boolean => epoch >= PRODUCER_EPOCH_MAX;

/**
 * How a client does transactions: 2 for one that lets the leaders add partitions and gets a new epoch with the end of
 * each (KIP-890), 0 for all before; the numbers are those of the feature transaction.version.
 */
export type ClientVersion = 0 | 2;

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TransactionValue {
  readonly producerId: bigint;
  /** The id before the last write, or -1: another one where the epochs of an id were used up. */
  readonly previousProducerId: bigint;
  /** The id that takes over once this transaction is complete, since the epochs are used up, or -1. */
  readonly nextProducerId: bigint;
  readonly producerEpoch: number;
  /** The epoch before, where the same producer may go on from it, or -1; not in the log. */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly state: TransactionState;
  /** In the order in which they were added; while a transaction is being completed, those that lack their marker. */
  readonly partitions: readonly TopicPartition[];
  /** -1 before the first transaction. */
  readonly startMs: number;
  readonly updatedMs: number;
  /** Of the client that wrote last, or of the broker where it fenced one. */
  readonly clientVersion: ClientVersion;
}

/** Of one epoch of a producer id. */
export interface ProducerIdAndEpoch {
  readonly id: bigint;
  readonly epoch: number;
}

const PRODUCER_FENCED = errorCode('PRODUCER_FENCED');

const has = (partitions: readonly TopicPartition[], one: TopicPartition): boolean =>
  partitions.some(({ topic, partition }) => topic === one.topic && partition === one.partition);

export class Transaction {
  readonly id: string;
  value: TransactionValue;
  /** Where a write that is on its way leads; nothing else may be written meanwhile. */
  pending: TransactionState | null = null;
  /** An epoch was bumped to fence the producer, and that may not be in the log: it is not bumped again for that. */
  hasFailedFence = false;

  constructor(id: string, value: TransactionValue) {
    this.id = id;
    this.value = value;
  }

  /** @throws where the tables of states do not allow it, which is a mistake of ours */
  begin(next: TransactionState): void {
    const { state } = this.value;
    if (this.pending !== null || !canMove(state, next))
      throw new Error(`transactional id ${this.id} cannot go from ${state} (${this.pending}) to ${next}`);
    this.pending = next;
  }

  complete(next: TransactionValue): void {
    this.value = next;
    this.pending = null;
  }

  includes(partition: TopicPartition): boolean {
    return has(this.value.partitions, partition);
  }

  /** The marker of the transaction is in these partitions, or they are gone. */
  marked(partitions: readonly TopicPartition[]): void {
    const left = this.value.partitions.filter((one) => !has(partitions, one));
    this.value = { ...this.value, partitions: left };
  }

  #unchanged(nowMs: number): Pick<TransactionValue, 'previousProducerId' | 'updatedMs'> {
    return { previousProducerId: this.value.producerId, updatedMs: nowMs };
  }

  withPartitions(
    added: readonly TopicPartition[],
    clientVersion: ClientVersion,
    nowMs: number,
  ): TransactionValue {
    const { state, startMs, partitions } = this.value;
    return {
      ...this.value,
      state: 'Ongoing',
      partitions: [...partitions, ...added.filter((one) => !has(partitions, one))],
      startMs: state === 'Ongoing' ? startMs : nowMs,
      clientVersion,
      ...this.#unchanged(nowMs),
    };
  }

  /** @param nextProducerId where the epochs of this one are used up with this transaction, or -1 */
  ending(
    outcome: 'commit' | 'abort',
    clientVersion: ClientVersion,
    nextProducerId: bigint,
    nowMs: number,
  ): TransactionValue {
    const { state, producerEpoch, lastProducerEpoch, startMs } = this.value;
    const isBumped = clientVersion === 2;
    return {
      ...this.value,
      producerEpoch: isBumped ? producerEpoch + 1 : producerEpoch,
      lastProducerEpoch: isBumped ? producerEpoch : lastProducerEpoch,
      nextProducerId,
      state: outcome === 'commit' ? 'PrepareCommit' : 'PrepareAbort',
      startMs: state === 'Ongoing' ? startMs : nowMs,
      clientVersion,
      ...this.#unchanged(nowMs),
    };
  }

  /** The markers are written. */
  ended(nowMs: number): TransactionValue {
    const { nextProducerId, producerEpoch } = this.value;
    return {
      ...this.value,
      ...(nextProducerId === NO_PRODUCER_ID
        ? {}
        : { producerId: nextProducerId, producerEpoch: 0, lastProducerEpoch: producerEpoch }),
      nextProducerId: NO_PRODUCER_ID,
      state: this.value.state === 'PrepareCommit' ? 'CompleteCommit' : 'CompleteAbort',
      partitions: [],
      ...this.#unchanged(nowMs),
    };
  }

  /** Shuts out the present producer, at once and before it is in the log, as where transaction.version is below 2. */
  fence(): void {
    const { producerEpoch } = this.value;
    this.value = {
      ...this.value,
      producerEpoch: this.hasFailedFence ? producerEpoch : producerEpoch + 1,
      lastProducerEpoch: NO_PRODUCER_EPOCH,
    };
  }

  /** Whether a producer that names what it has been may go on here, and is not another one's predecessor. */
  accepts(expected: ProducerIdAndEpoch | null): boolean {
    const { producerEpoch, producerId, previousProducerId } = this.value;
    if (expected === null || producerEpoch === NO_PRODUCER_EPOCH || expected.id === producerId) return true;
    return expected.id === previousProducerId && isEpochExhausted(expected.epoch);
  }

  /**
   * A producer begins, or begins anew after an error (KIP-360).
   *
   * @param nextProducerId gives an id that nobody has had
   */
  initialised(
    expected: ProducerIdAndEpoch | null,
    timeoutMs: number,
    nowMs: number,
    nextProducerId: () => bigint,
  ): TransactionValue | ErrorCode {
    const { producerId, producerEpoch, lastProducerEpoch, clientVersion } = this.value;
    const fresh = {
      clientVersion,
      nextProducerId: NO_PRODUCER_ID,
      ...this.#unchanged(nowMs),
      timeoutMs,
      state: 'Empty',
      partitions: [],
      startMs: -1,
    } as const;
    if (isEpochExhausted(producerEpoch) && (expected === null || expected.epoch === producerEpoch))
      return {
        ...fresh,
        producerId: nextProducerId(),
        producerEpoch: 0,
        lastProducerEpoch: expected === null ? NO_PRODUCER_EPOCH : producerEpoch,
      };
    const same = { ...fresh, producerId };
    if (expected === null)
      return { ...same, producerEpoch: producerEpoch + 1, lastProducerEpoch: NO_PRODUCER_EPOCH };
    if (producerEpoch === NO_PRODUCER_EPOCH || expected.epoch === producerEpoch)
      return { ...same, producerEpoch: producerEpoch + 1, lastProducerEpoch: producerEpoch };
    // The answer to the same question was lost on the way.
    if (expected.epoch === lastProducerEpoch) return { ...same, producerEpoch, lastProducerEpoch };
    return PRODUCER_FENCED;
  }
}
