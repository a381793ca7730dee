/**
 * One coordinator of one partition of `__transaction_state`, from election to resignation: its transactional ids, their
 * writes and its periodic look for transactions that have been open for too long (TransactionStateManager).
 */
import type { DeadlineHost } from '../deadlines.ts';
import type { Cancel, CoordinatorLog, ErrorCode } from '../environment.ts';
import { answerToAppendError } from '../group/error-codes.ts';
import { COORDINATOR_NOT_AVAILABLE, NONE, NOT_COORDINATOR, REQUEST_TIMED_OUT } from './error-codes.ts';
import { decodeTransaction, encodeTransaction, type ValueVersion } from './records.ts';
import type { TransactionSettings } from './settings.ts';
import { Transaction, type TransactionValue } from './transaction.ts';

export interface TransactionEnvironment extends DeadlineHost {
  /** For time-outs that hardly ever come. */
  deadline(delayMs: number, callback: () => void): Cancel;
}

export interface ShardParts {
  readonly environment: TransactionEnvironment;
  readonly settings: TransactionSettings;
  readonly valueVersion: ValueVersion;
}

export class Shard {
  readonly environment: TransactionEnvironment;
  /** Its leader epoch when this term began; markers carry it. */
  readonly epoch: number;
  readonly transactions = new Map<string, Transaction>();
  isOver = false;
  readonly #log: CoordinatorLog;
  readonly #parts: ShardParts;
  #cancelExpiry: Cancel | null = null;

  constructor(parts: ShardParts, log: CoordinatorLog) {
    this.#parts = parts;
    this.environment = parts.environment;
    this.#log = log;
    this.epoch = log.leaderEpoch;
    for (const record of log.read()) {
      const decoded = decodeTransaction(record);
      if (decoded === null) continue;
      const { transactionalId, value } = decoded;
      if (value === null) this.transactions.delete(transactionalId);
      else this.transactions.set(transactionalId, new Transaction(transactionalId, value));
    }
  }

  nowMs(): number {
    return this.environment.nowMs();
  }

  /**
   * Writes the next value; it counts once it is replicated.
   *
   * @param settle gets 0, or what a client is told
   * @param staysPending whether the move is still to be made where the log is not available now
   */
  write(
    transaction: Transaction,
    next: TransactionValue,
    settle: (error: ErrorCode) => void,
    staysPending = false,
  ): void {
    let isSettled = false;
    const finish = (appendError: ErrorCode): void => {
      if (isSettled) return;
      isSettled = true;
      cancel();
      const error = this.isOver ? NOT_COORDINATOR : answerToAppendError(appendError);
      if (error === NONE) transaction.complete(next);
      else if (!staysPending || error !== COORDINATOR_NOT_AVAILABLE) transaction.pending = null;
      settle(error);
    };
    // The transaction's own time-out is that of its writes too (appendTransactionToLog).
    const cancel = this.environment.deadline(next.timeoutMs, () => finish(REQUEST_TIMED_OUT));
    this.#log.append([encodeTransaction(transaction.id, next, this.#parts.valueVersion)], finish);
  }

  /** Looks for transactions that have timed out again and again, while any is open. */
  watchOpen(abort: (transaction: Transaction) => void): void {
    if (this.#cancelExpiry !== null) return;
    this.#cancelExpiry = this.environment.after(this.#parts.settings.abortIntervalMs, () => {
      this.#cancelExpiry = null;
      const nowMs = this.nowMs();
      let isAnyOpen = false;
      for (const transaction of this.transactions.values()) {
        const { state, startMs, timeoutMs } = transaction.value;
        if (state !== 'Ongoing') continue;
        isAnyOpen = true;
        if (transaction.pending === null && startMs + timeoutMs < nowMs) abort(transaction);
      }
      if (isAnyOpen) this.watchOpen(abort);
    });
  }

  resign(): void {
    this.isOver = true;
    this.#cancelExpiry?.();
  }
}
