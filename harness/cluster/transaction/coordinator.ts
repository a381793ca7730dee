/**
 * The transaction coordinators of one broker: one for each partition of `__transaction_state` that it leads. Requests
 * enter with a transactional id, go to the coordinator in charge, and answers leave (TransactionCoordinator).
 *
 * Not implemented: transactions of version 2 (KIP-890: an epoch for each), two-phase commit (KIP-939), and the expiry of
 * transactional ids (transactional.id.expiration.ms, a week by default).
 */
import type { Cancel, CoordinatorLog, ErrorCode, TransactionOutcome } from '../environment.ts';
import { partitionFor } from '../group/partition-for.ts';
import {
  CONCURRENT_TRANSACTIONS,
  COORDINATOR_LOAD_IN_PROGRESS,
  INVALID_PRODUCER_ID_MAPPING,
  INVALID_REQUEST,
  INVALID_TRANSACTION_TIMEOUT,
  INVALID_TXN_STATE,
  NONE,
  NOT_COORDINATOR,
  PRODUCER_FENCED,
  TRANSACTION_ABORTABLE,
} from './error-codes.ts';
import { Shard, type ShardParts } from './shard.ts';
import type { TransactionState } from './state.ts';
import {
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  type ProducerIdAndEpoch,
  type TopicPartition,
  Transaction,
} from './transaction.ts';

export interface TransactionCoordinatorParts extends ShardParts {
  /** How many partitions `__transaction_state` has. */
  readonly partitionCount: number;
  /** Gives an id that no producer has had. */
  readonly nextProducerId: () => bigint;
  /** Writes the markers of a transaction whose end is in the log, and then its last state. */
  readonly sendMarkers: (shard: Shard, transaction: Transaction) => void;
}

type Respond = (error: ErrorCode) => void;
/** The producer is null where there is an error. */
type RespondProducer = (error: ErrorCode, producer: ProducerIdAndEpoch | null) => void;

interface Term {
  /** Null while it loads. */
  shard: Shard | null;
  cancelLoading: Cancel;
}

interface Found {
  readonly shard: Shard;
  readonly transaction: Transaction;
}

/** What EndTxn is answered in the states in which there is nothing to end; elsewhere it is INVALID_TXN_STATE. */
const END_AGAIN: Readonly<Record<TransactionOutcome, Partial<Record<TransactionState, ErrorCode>>>> = {
  commit: { PrepareCommit: CONCURRENT_TRANSACTIONS, CompleteCommit: NONE },
  abort: { PrepareAbort: CONCURRENT_TRANSACTIONS, CompleteAbort: NONE },
};

export class TransactionCoordinator {
  readonly #parts: TransactionCoordinatorParts;
  /** By partition, in order of election. */
  readonly #terms = new Map<number, Term>();

  constructor(parts: TransactionCoordinatorParts) {
    this.#parts = parts;
  }

  partitionOf(transactionalId: string): number {
    return partitionFor(transactionalId, this.#parts.partitionCount);
  }

  /** This broker now leads the partition, or leads it in a new epoch: it loads everything anew, as Kafka does. */
  elected(log: CoordinatorLog): void {
    this.resigned(log.partition);
    const term: Term = { shard: null, cancelLoading: () => undefined };
    this.#terms.set(log.partition, term);
    const { environment, settings } = this.#parts;
    term.cancelLoading = environment.after(settings.loadingTimeMs, () => {
      const shard = new Shard(this.#parts, log);
      term.shard = shard;
      for (const transaction of shard.transactions.values()) this.#resume(shard, transaction);
    });
  }

  /** What the coordinator before had begun. */
  #resume(shard: Shard, transaction: Transaction): void {
    const { state } = transaction.value;
    if (state === 'PrepareCommit' || state === 'PrepareAbort') this.#parts.sendMarkers(shard, transaction);
    else if (state === 'Ongoing') this.#watch(shard);
  }

  /** Another broker leads the partition now, or none. */
  resigned(partition: number): void {
    const term = this.#terms.get(partition);
    if (term === undefined) return;
    this.#terms.delete(partition);
    term.cancelLoading();
    term.shard?.resign();
  }

  /** @param expected what the producer has been so far, where it says so (KIP-360) */
  initProducerId(
    transactionalId: string,
    timeoutMs: number,
    expected: ProducerIdAndEpoch | null,
    respond: RespondProducer,
  ): void {
    const { settings, nextProducerId, environment } = this.#parts;
    if (transactionalId === '') {
      respond(INVALID_REQUEST, null);
      return;
    }
    if (timeoutMs <= 0 || timeoutMs > settings.timeoutMaxMs) {
      respond(INVALID_TRANSACTION_TIMEOUT, null);
      return;
    }
    const shard = this.#shardOf(transactionalId);
    if (typeof shard === 'number') {
      respond(shard, null);
      return;
    }
    const transaction =
      shard.transactions.get(transactionalId) ?? this.#create(shard, transactionalId, timeoutMs);
    const { state } = transaction.value;
    if (transaction.pending !== null) respond(CONCURRENT_TRANSACTIONS, null);
    else if (!transaction.accepts(expected)) respond(PRODUCER_FENCED, null);
    else if (state === 'PrepareCommit' || state === 'PrepareAbort') respond(CONCURRENT_TRANSACTIONS, null);
    else if (state === 'Ongoing') {
      // The transaction of the producer before is aborted first; the client asks again until that is done.
      this.#fence(shard, transaction, (error) =>
        respond(error === NONE ? CONCURRENT_TRANSACTIONS : error, null),
      );
    } else {
      const next = transaction.initialised(expected, timeoutMs, environment.nowMs(), nextProducerId);
      if (typeof next === 'number') {
        respond(next, null);
        return;
      }
      transaction.begin(next.state);
      shard.write(transaction, next, (error) =>
        respond(error, error === NONE ? { id: next.producerId, epoch: next.producerEpoch } : null),
      );
    }
  }

  #create(shard: Shard, transactionalId: string, timeoutMs: number): Transaction {
    const transaction = new Transaction(transactionalId, {
      producerId: this.#parts.nextProducerId(),
      previousProducerId: NO_PRODUCER_ID,
      producerEpoch: NO_PRODUCER_EPOCH,
      lastProducerEpoch: NO_PRODUCER_EPOCH,
      timeoutMs,
      state: 'Empty',
      partitions: [],
      startMs: -1,
      updatedMs: shard.nowMs(),
    });
    shard.transactions.set(transactionalId, transaction);
    return transaction;
  }

  addPartitions(
    transactionalId: string,
    producer: ProducerIdAndEpoch,
    partitions: readonly TopicPartition[],
    respond: Respond,
  ): void {
    const found = this.#find(transactionalId, producer);
    if (typeof found === 'number') {
      respond(found);
      return;
    }
    const { shard, transaction } = found;
    const { state } = transaction.value;
    if (transaction.pending !== null || state === 'PrepareCommit' || state === 'PrepareAbort')
      respond(CONCURRENT_TRANSACTIONS);
    else if (state === 'Ongoing' && partitions.every((one) => transaction.includes(one))) respond(NONE);
    else {
      const next = transaction.withPartitions(partitions, shard.nowMs());
      transaction.begin(next.state);
      shard.write(transaction, next, (error) => {
        if (error === NONE) this.#watch(shard);
        respond(error);
      });
    }
  }

  /** Whether the partitions are part of the open transaction; asked by their leaders (KIP-890). */
  verifyPartitions(
    transactionalId: string,
    producer: ProducerIdAndEpoch,
    partitions: readonly TopicPartition[],
  ): readonly (readonly [TopicPartition, ErrorCode])[] {
    const found = this.#find(transactionalId, producer);
    const answer = (one: TopicPartition): ErrorCode => {
      if (typeof found === 'number') return found;
      const { state } = found.transaction.value;
      if (state === 'PrepareCommit' || state === 'PrepareAbort') return CONCURRENT_TRANSACTIONS;
      return found.transaction.includes(one) ? NONE : TRANSACTION_ABORTABLE;
    };
    return partitions.map((one) => [one, answer(one)]);
  }

  /** Answered once the decision is in the log; the markers follow. */
  endTransaction(
    transactionalId: string,
    producer: ProducerIdAndEpoch,
    outcome: TransactionOutcome,
    respond: Respond,
  ): void {
    const found = this.#find(transactionalId, producer);
    if (typeof found === 'number') {
      respond(found);
      return;
    }
    const { shard, transaction } = found;
    const { state } = transaction.value;
    if (transaction.pending !== null) respond(CONCURRENT_TRANSACTIONS);
    else if (state === 'Ongoing') this.#end(shard, transaction, outcome, respond);
    else respond(END_AGAIN[outcome][state] ?? INVALID_TXN_STATE);
  }

  #end(shard: Shard, transaction: Transaction, outcome: TransactionOutcome, settle: Respond): void {
    const next = transaction.ending(outcome, shard.nowMs());
    transaction.begin(next.state);
    shard.write(transaction, next, (error) => {
      settle(error);
      if (error === NONE) this.#parts.sendMarkers(shard, transaction);
    });
  }

  /** Aborts the open transaction under the next epoch, so that its producer can do no more. */
  #fence(shard: Shard, transaction: Transaction, settle: Respond): void {
    transaction.fence();
    this.#end(shard, transaction, 'abort', (error) => {
      if (error !== NONE) transaction.hasFailedFence = true;
      settle(error);
    });
  }

  #watch(shard: Shard): void {
    shard.watchOpen((transaction) => this.#fence(shard, transaction, () => undefined));
  }

  /** The transaction of this very producer. */
  #find(transactionalId: string, producer: ProducerIdAndEpoch): Found | ErrorCode {
    if (transactionalId === '') return INVALID_REQUEST;
    const shard = this.#shardOf(transactionalId);
    if (typeof shard === 'number') return shard;
    const transaction = shard.transactions.get(transactionalId);
    if (transaction === undefined || transaction.value.producerId !== producer.id)
      return INVALID_PRODUCER_ID_MAPPING;
    if (transaction.value.producerEpoch !== producer.epoch) return PRODUCER_FENCED;
    return { shard, transaction };
  }

  #shardOf(transactionalId: string): Shard | ErrorCode {
    const term = this.#terms.get(this.partitionOf(transactionalId));
    if (term === undefined) return NOT_COORDINATOR;
    return term.shard ?? COORDINATOR_LOAD_IN_PROGRESS;
  }
}
