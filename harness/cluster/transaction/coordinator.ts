/**
 * The transaction coordinators of one broker: one for each partition of `__transaction_state` that it leads. Requests
 * enter with a transactional id, go to the coordinator in charge, and answers leave (TransactionCoordinator).
 *
 * Errors are in the order in which 4.3 looks for them.
 * Not implemented: two-phase commit (KIP-939), and the expiry of transactional ids (transactional.id.expiration.ms, a week
 * by default).
 */
import type { Cancel, CoordinatorLog, ErrorCode, TransactionOutcome } from '../environment.ts';
import { partitionFor } from '../group/partition-for.ts';
import { decideEnd } from './end.ts';
import {
  CONCURRENT_TRANSACTIONS,
  COORDINATOR_LOAD_IN_PROGRESS,
  INVALID_PRODUCER_ID_MAPPING,
  INVALID_REQUEST,
  INVALID_TRANSACTION_TIMEOUT,
  NONE,
  NOT_COORDINATOR,
  PRODUCER_FENCED,
  TRANSACTION_ABORTABLE,
} from './error-codes.ts';
import { Shard, type ShardParts } from './shard.ts';
import {
  type ClientVersion,
  isEpochExhausted,
  NO_PRODUCER_EPOCH,
  NO_PRODUCER_ID,
  type ProducerIdAndEpoch,
  type TopicPartition,
  Transaction,
} from './transaction.ts';

export interface TransactionCoordinatorParts extends ShardParts {
  /** What the cluster's feature transaction.version allows; the broker's own aborts are of that version. */
  readonly serverVersion: ClientVersion;
  /** How many partitions `__transaction_state` has. */
  readonly partitionCount: number;
  /** Gives an id that no producer has had. */
  readonly nextProducerId: () => bigint;
  /** Whether there is one to give. */
  readonly hasProducerIds: () => boolean;
  /** Writes the markers of a transaction whose end is in the log, and then its last state. */
  readonly sendMarkers: (shard: Shard, transaction: Transaction) => void;
}

type Respond = (error: ErrorCode) => void;
export type PartitionErrors = readonly (readonly [TopicPartition, ErrorCode])[];
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
    if (!shard.transactions.has(transactionalId) && !this.#parts.hasProducerIds()) {
      respond(COORDINATOR_LOAD_IN_PROGRESS, null);
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
      nextProducerId: NO_PRODUCER_ID,
      producerEpoch: NO_PRODUCER_EPOCH,
      lastProducerEpoch: NO_PRODUCER_EPOCH,
      timeoutMs,
      state: 'Empty',
      partitions: [],
      startMs: -1,
      updatedMs: shard.nowMs(),
      clientVersion: 0,
    });
    shard.transactions.set(transactionalId, transaction);
    return transaction;
  }

  addPartitions(
    transactionalId: string,
    producer: ProducerIdAndEpoch,
    partitions: readonly TopicPartition[],
    clientVersion: ClientVersion,
    respond: Respond,
  ): void {
    const found = this.#find(transactionalId);
    if (typeof found === 'number') {
      respond(found);
      return;
    }
    const { shard, transaction } = found;
    const { state } = transaction.value;
    const refusal = transaction.pending === null ? refusalOf(transaction, producer) : CONCURRENT_TRANSACTIONS;
    if (refusal !== NONE) respond(refusal);
    else if (state === 'PrepareCommit' || state === 'PrepareAbort') respond(CONCURRENT_TRANSACTIONS);
    else if (state === 'Ongoing' && partitions.every((one) => transaction.includes(one))) respond(NONE);
    else {
      const next = transaction.withPartitions(partitions, clientVersion, shard.nowMs());
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
  ): PartitionErrors {
    const found = this.#find(transactionalId);
    const answer = (one: TopicPartition): ErrorCode => {
      if (typeof found === 'number') return found;
      const { transaction } = found;
      const { state } = transaction.value;
      const refusal = refusalOf(transaction, producer);
      if (refusal !== NONE) return refusal;
      if (state === 'PrepareCommit' || state === 'PrepareAbort') return CONCURRENT_TRANSACTIONS;
      return transaction.includes(one) ? NONE : TRANSACTION_ABORTABLE;
    };
    return partitions.map((one) => [one, answer(one)]);
  }

  /** Answered once the decision is in the log; the markers follow. */
  endTransaction(
    transactionalId: string,
    producer: ProducerIdAndEpoch,
    outcome: TransactionOutcome,
    clientVersion: ClientVersion,
    respond: RespondProducer,
  ): void {
    const found = this.#find(transactionalId);
    if (typeof found === 'number') {
      respond(found, null);
      return;
    }
    const { shard, transaction } = found;
    const decision = decideEnd(transaction, producer, outcome, clientVersion);
    const { producerId, producerEpoch } = transaction.value;
    if (decision === NONE) respond(NONE, { id: producerId, epoch: producerEpoch });
    else if (decision !== 'end') respond(decision, null);
    else {
      const isLast = clientVersion === 2 && isEpochExhausted(producerEpoch);
      const nextProducerId = isLast ? this.#parts.nextProducerId() : NO_PRODUCER_ID;
      this.#end(shard, transaction, outcome, clientVersion, nextProducerId, (error) => {
        if (error !== NONE) respond(error, null);
        else if (isLast) respond(NONE, { id: nextProducerId, epoch: 0 });
        else respond(NONE, { id: producerId, epoch: transaction.value.producerEpoch });
      });
    }
  }

  #end(
    shard: Shard,
    transaction: Transaction,
    outcome: TransactionOutcome,
    clientVersion: ClientVersion,
    nextProducerId: bigint,
    settle: Respond,
  ): void {
    const next = transaction.ending(outcome, clientVersion, nextProducerId, shard.nowMs());
    transaction.begin(next.state);
    shard.write(transaction, next, (error) => {
      settle(error);
      if (error === NONE) this.#parts.sendMarkers(shard, transaction);
    });
  }

  /** Aborts the open transaction under the next epoch, so that its producer can do no more. */
  #fence(shard: Shard, transaction: Transaction, settle: Respond): void {
    const { serverVersion } = this.#parts;
    if (serverVersion < 2) transaction.fence();
    this.#end(shard, transaction, 'abort', serverVersion, NO_PRODUCER_ID, (error) => {
      if (error !== NONE) transaction.hasFailedFence = true;
      settle(error);
    });
  }

  #watch(shard: Shard): void {
    shard.watchOpen((transaction) => this.#fence(shard, transaction, () => undefined));
  }

  #find(transactionalId: string): Found | ErrorCode {
    if (transactionalId === '') return INVALID_REQUEST;
    const shard = this.#shardOf(transactionalId);
    if (typeof shard === 'number') return shard;
    const transaction = shard.transactions.get(transactionalId);
    return transaction === undefined ? INVALID_PRODUCER_ID_MAPPING : { shard, transaction };
  }

  #shardOf(transactionalId: string): Shard | ErrorCode {
    const term = this.#terms.get(this.partitionOf(transactionalId));
    if (term === undefined) return NOT_COORDINATOR;
    return term.shard ?? COORDINATOR_LOAD_IN_PROGRESS;
  }
}

/** Whether the producer is the transactional id's present one. */
function refusalOf({ value }: Transaction, producer: ProducerIdAndEpoch): ErrorCode {
  if (value.producerId !== producer.id) return INVALID_PRODUCER_ID_MAPPING;
  return value.producerEpoch === producer.epoch ? NONE : PRODUCER_FENCED;
}
