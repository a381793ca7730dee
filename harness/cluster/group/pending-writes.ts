/**
 * The coordinator's writes on their way to being replicated: entries enter, and each is followed by its outcome, in
 * the order of the log (CoordinatorRuntime). An answer that needs no write of its own can wait for those before it, so
 * that no client ever learns of a state that a failover may take back.
 */
import type { CoordinatorLog, Environment, ErrorCode, TransactionalProducer } from '../environment.ts';
import { NONE, REQUEST_TIMED_OUT } from './error-codes.ts';
import { type CoordinatorEntry, encodeEntry, type OffsetEntry } from './records.ts';

export type Settle = (error: ErrorCode) => void;

interface Waiter {
  readonly settle: Settle;
  readonly deadlineMs: number;
}

interface Write {
  readonly entries: readonly CoordinatorEntry[];
  waiters: Waiter[];
  /** It still counts for later answers that wait. */
  isOpen: boolean;
}

export type OnReplicated = (
  entries: readonly CoordinatorEntry[],
  baseOffset: bigint,
  producer: TransactionalProducer | null,
) => void;

export class PendingWrites {
  readonly #environment: Environment;
  #log: CoordinatorLog;
  readonly #timeoutMs: number;
  readonly #onReplicated: OnReplicated;
  readonly #onAppend: () => () => void;
  readonly #writes = new Set<Write>();
  #last: Write | null = null;
  #isWatching = false;
  #isAbandoned = false;

  /** @param onAppend called before each write; what it returns is called once that is replicated */
  constructor(
    environment: Environment,
    log: CoordinatorLog,
    timeoutMs: number,
    onReplicated: OnReplicated,
    onAppend: () => () => void,
  ) {
    this.#environment = environment;
    this.#log = log;
    this.#timeoutMs = timeoutMs;
    this.#onReplicated = onReplicated;
    this.#onAppend = onAppend;
  }

  /**
   * @param settle gets 0 once the entries are replicated, else why not. REQUEST_TIMED_OUT is no certain no: they may
   * be replicated later. Never called once the coordinator has resigned.
   */
  write(
    entries: readonly CoordinatorEntry[],
    settle: Settle,
    producer: TransactionalProducer | null = null,
  ): void {
    if (this.#isAbandoned) return;
    const write: Write = { entries, waiters: [this.#waiter(settle)], isOpen: true };
    this.#writes.add(write);
    this.#last = write;
    const records = entries.map(encodeEntry);
    const onSeen = this.#onAppend();
    const done = (error: ErrorCode, baseOffset: bigint): void => {
      if (error === NONE) {
        this.#onReplicated(entries, baseOffset, producer);
        onSeen();
      }
      this.#settle(write, error);
    };
    if (producer === null) this.#log.append(records, done);
    else this.#log.append(records, done, producer);
    this.#watch();
  }

  /** The broker has been elected again, and writes in a new epoch from now on. */
  continueWith(log: CoordinatorLog): void {
    this.#log = log;
  }

  /** Whether an offset of the partition is on its way. */
  hasOffset(group: string, topic: string, partition: number): boolean {
    return this.lastOffset(group, topic, partition) !== undefined;
  }

  /** The last offset of the partition, or tombstone, that is on its way. */
  lastOffset(group: string, topic: string, partition: number): OffsetEntry | undefined {
    let last: OffsetEntry | undefined;
    for (const { entries } of this.#writes)
      for (const entry of entries)
        if (
          entry.kind === 'offset' &&
          entry.group === group &&
          entry.topic === topic &&
          entry.partition === partition
        )
          last = entry;
    return last;
  }

  /** Settles once everything written before is replicated: at once where nothing is on its way. */
  afterWrites(settle: Settle): void {
    if (this.#last === null) {
      settle(NONE);
      return;
    }
    this.#last.waiters.push(this.#waiter(settle));
    this.#watch();
  }

  /** The coordinator has resigned: nobody waits any longer. What becomes of the writes is not known. */
  abandon(error: ErrorCode): void {
    this.#isAbandoned = true;
    for (const write of [...this.#writes]) this.#settle(write, error);
  }

  #waiter(settle: Settle): Waiter {
    return { settle, deadlineMs: this.#environment.nowMs() + this.#timeoutMs };
  }

  #settle(write: Write, error: ErrorCode): void {
    if (!write.isOpen) return;
    write.isOpen = false;
    this.#writes.delete(write);
    if (this.#last === write) this.#last = [...this.#writes].at(-1) ?? null;
    const { waiters } = write;
    write.waiters = [];
    for (const { settle } of waiters) settle(error);
  }

  /** One timer serves all waiters, so that a commit that is replicated in time costs none. */
  #watch(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    this.#environment.after(this.#timeoutMs, () => this.#expire());
  }

  #expire(): void {
    this.#isWatching = false;
    if (this.#isAbandoned) return;
    const nowMs = this.#environment.nowMs();
    for (const write of [...this.#writes]) {
      const overdue = write.waiters.filter(({ deadlineMs }) => deadlineMs <= nowMs);
      write.waiters = write.waiters.filter(({ deadlineMs }) => deadlineMs > nowMs);
      for (const { settle } of overdue) settle(REQUEST_TIMED_OUT);
    }
    this.#rewatch(nowMs);
  }

  #rewatch(nowMs: number): void {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const { waiters } of this.#writes)
      for (const { deadlineMs } of waiters) nextMs = Math.min(nextMs, deadlineMs);
    if (nextMs === Number.POSITIVE_INFINITY || this.#isWatching) return;
    this.#isWatching = true;
    this.#environment.after(nextMs - nowMs, () => this.#expire());
  }
}
