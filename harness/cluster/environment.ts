/**
 * What the simulated cluster may ask of the world it runs in: time, timers, randomness and an observer. Nothing in
 * the cluster reads a clock, draws a number or awaits anything by other means, so a scenario gives the same bytes
 * every time; under `serve` the same interface stands on the real clock.
 */
import type { HistoryEvent } from '../history/schema.ts';

/** Ends a timer; calling it again, or after the timer has fired, does nothing. */
export type Cancel = () => void;

export interface Environment {
  /** The broker's clock in milliseconds since the Unix epoch; whole milliseconds. */
  nowMs(): number;
  /**
   * Calls back once after the delay, never synchronously. Timers set for a broker are dropped when it crashes and
   * held while it is paused (the world does both).
   */
  after(delayMs: number, callback: () => void): Cancel;
}

/** What all brokers share. */
export interface ClusterEnvironment {
  /** The environment of one broker: its own clock and timers. */
  broker(id: number): Environment;
  /** The environment of the control plane (the KRaft quorum), which no broker fault stops. */
  readonly controller: Environment;
  /** An integer from 0 up to, not including, the bound, from the stream of that purpose. */
  randomInt(purpose: string, bound: number): number;
  /** A random UUID in its usual text form, from the stream of that purpose. */
  randomUuid(purpose: string): string;
  /** Evidence, as it becomes true: what coordinators and logs know. */
  observe(event: ClusterEvent): void;
}

type Evidence = Extract<
  HistoryEvent,
  {
    kind:
      | 'group-generation'
      | 'group-removed'
      | 'commit-accepted'
      | 'commit-removed'
      | 'commit-rejected'
      | 'unclean-election';
  }
>;
export type ClusterEvent = Evidence extends infer E
  ? E extends Evidence
    ? Omit<E, 'seq' | 'time' | 'process'>
    : never
  : never;

/** Kafka's error codes are numbers on the wire; see protocol/errors.ts. 0 is success. */
export type ErrorCode = number;

export interface NewRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

export interface StoredRecord extends NewRecord {
  readonly offset: bigint;
  readonly timestampMs: number;
  /** Present on a transaction's records, and on the marker that ends it, whose key and value mean nothing. */
  readonly transaction?: { readonly producerId: bigint; readonly marker: TransactionOutcome | null };
}

export type TransactionOutcome = 'commit' | 'abort';

/** Whose transaction a coordinator's records belong to. */
export interface TransactionalProducer {
  readonly id: bigint;
  readonly epoch: number;
}

/**
 * Where a coordinator keeps its state: one partition of `__consumer_offsets` or `__transaction_state`, whose leader
 * is the coordinator. State changes count when they are replicated, and a new leader rebuilds them by reading.
 */
export interface CoordinatorLog {
  readonly partition: number;
  /** Of its leader at present. */
  readonly leaderEpoch: number;
  /**
   * Appends in one batch with acks all. `done` gets the offset of the first record once the high watermark has passed
   * the batch, or an error code (NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS, ...) when that will not happen; never
   * synchronously.
   * @param producer of the transaction that the batch belongs to (TxnOffsetCommit)
   */
  append(
    records: readonly NewRecord[],
    done: (error: ErrorCode, baseOffset: bigint) => void,
    producer?: TransactionalProducer,
  ): void;
  /**
   * Appends the marker that ends the producer's transaction here; `done` as for records.
   * @param coordinatorEpoch of the transaction coordinator, which fences earlier ones
   */
  appendMarker(
    producer: TransactionalProducer,
    outcome: TransactionOutcome,
    coordinatorEpoch: number,
    done: (error: ErrorCode, offset: bigint) => void,
  ): void;
  /**
   * Every record, in order, newest value per key not yet sorted out; markers too. What a former leader acknowledged
   * must be in it, so a new leader, whose high watermark may still be behind, reads to the end of its log, as Kafka's
   * CoordinatorLoaderImpl does.
   */
  read(): Iterable<StoredRecord>;
}
