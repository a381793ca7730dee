/**
 * What one partition log knows of idempotent and transactional producers (KIP-98, KIP-360): batches enter, errors,
 * duplicates, the first unstable offset and aborted transactions leave.
 *
 * Not implemented: expiry of idle producers (producer.id.expiration.ms, a day by default).
 */
import { type ErrorName, errorCode } from '../protocol/errors.ts';
import { type Marker, NO_PRODUCER_ID, NO_SEQUENCE, type RecordBatch } from './record-batch.ts';

/** A producer may have five requests in flight, so so many of its last batches are kept to recognise repetitions. */
const BATCHES_KEPT = 5;
const SEQUENCE_MAX = 0x7fff_ffff;

interface BatchMemory {
  readonly firstSequence: number;
  readonly lastSequence: number;
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly timestampMs: number;
}

interface ProducerEntry {
  epoch: number;
  coordinatorEpoch: number;
  readonly batches: BatchMemory[];
  /** First offset of its open transaction in this partition, or -1. */
  transactionStart: number;
  /** Offset of its last marker, or -1. */
  lastMarker: number;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the abort marker. */
  readonly lastOffset: number;
}

/** A transaction whose marker is written and perhaps not yet replicated. */
interface EndedTransaction {
  readonly firstOffset: number;
  readonly markerOffset: number;
}

const NONE = errorCode('NONE');
const code = (name: ErrorName): number => errorCode(name);

export interface Duplicate {
  readonly baseOffset: number;
  readonly timestampMs: number;
}

export class ProducerState {
  readonly #entries = new Map<number, ProducerEntry>();
  #open = 0;
  #ended: EndedTransaction[] = [];
  #aborted: AbortedTransaction[] = [];

  /** The batch that this one repeats, if it is among the producer's last five. */
  findDuplicate(batch: RecordBatch): Duplicate | null {
    if (!batch.hasSequence) return null;
    const entry = this.#entries.get(batch.producerId);
    if (entry === undefined || entry.epoch !== batch.producerEpoch) return null;
    const { baseSequence, lastSequence } = batch;
    for (const known of entry.batches)
      if (known.firstSequence === baseSequence && known.lastSequence === lastSequence)
        return { baseOffset: known.firstOffset, timestampMs: known.timestampMs };
    return null;
  }

  /**
   * The error that Kafka's leader answers to a batch of data, or 0; `client` batches must also be in sequence.
   *
   * @param beginsAtZero whether a transactional producer that is not known here has to begin with sequence 0
   */
  check(batch: RecordBatch, origin: 'client' | 'coordinator', beginsAtZero = false): number {
    if (batch.producerId === NO_PRODUCER_ID) return NONE;
    const entry = this.#entries.get(batch.producerId);
    if (entry === undefined)
      return beginsAtZero && batch.isTransactional && batch.baseSequence !== 0
        ? code('OUT_OF_ORDER_SEQUENCE_NUMBER')
        : NONE;
    if (batch.producerEpoch < entry.epoch) return code('INVALID_PRODUCER_EPOCH');
    if (origin === 'client' && !this.#isInSequence(entry, batch)) return code('OUT_OF_ORDER_SEQUENCE_NUMBER');
    if (entry.transactionStart >= 0 && !batch.isTransactional) return code('INVALID_TXN_STATE');
    return NONE;
  }

  #isInSequence(entry: ProducerEntry, batch: RecordBatch): boolean {
    const first = batch.baseSequence;
    if (batch.producerEpoch !== entry.epoch) return first === 0;
    const last = entry.batches.at(-1)?.lastSequence ?? NO_SEQUENCE;
    return first === last + 1 || (first === 0 && last === SEQUENCE_MAX);
  }

  /** The error for a marker of the transaction coordinator, or 0. */
  checkMarker(producerId: number, producerEpoch: number, coordinatorEpoch: number): number {
    const entry = this.#entries.get(producerId);
    if (entry === undefined) return NONE;
    if (producerEpoch < entry.epoch) return code('INVALID_PRODUCER_EPOCH');
    if (coordinatorEpoch < entry.coordinatorEpoch) return code('TRANSACTION_COORDINATOR_FENCED');
    return NONE;
  }

  /** Takes note of a batch of data that is in the log. */
  appended(batch: RecordBatch): void {
    if (batch.producerId === NO_PRODUCER_ID) return;
    const entry = this.#entryOf(batch.producerId, batch.producerEpoch);
    if (batch.hasSequence) {
      if (entry.batches.length === BATCHES_KEPT) entry.batches.shift();
      entry.batches.push({
        firstSequence: batch.baseSequence,
        lastSequence: batch.lastSequence,
        firstOffset: batch.baseOffset,
        lastOffset: batch.lastOffset,
        timestampMs: batch.maxTimestampMs,
      });
    }
    if (batch.isTransactional && entry.transactionStart < 0) {
      entry.transactionStart = batch.baseOffset;
      this.#open++;
    }
  }

  /** Takes note of a marker that is in the log. */
  marked(batch: RecordBatch, marker: Marker, coordinatorEpoch: number): void {
    const entry = this.#entryOf(batch.producerId, batch.producerEpoch);
    entry.coordinatorEpoch = coordinatorEpoch;
    entry.lastMarker = batch.baseOffset;
    if (entry.transactionStart < 0) return;
    const firstOffset = entry.transactionStart;
    const markerOffset = batch.baseOffset;
    entry.transactionStart = -1;
    this.#open--;
    this.#ended.push({ firstOffset, markerOffset });
    if (marker === 'abort')
      this.#aborted.push({ producerId: batch.producerId, firstOffset, lastOffset: markerOffset });
  }

  #entryOf(producerId: number, epoch: number): ProducerEntry {
    let entry = this.#entries.get(producerId);
    if (entry === undefined) {
      entry = { epoch, coordinatorEpoch: -1, batches: [], transactionStart: -1, lastMarker: -1 };
      this.#entries.set(producerId, entry);
    } else if (epoch > entry.epoch) {
      entry.epoch = epoch;
      entry.batches.length = 0;
    }
    return entry;
  }

  /** Whether this very epoch of a producer has an open transaction here. */
  hasOpenTransaction(producerId: number, epoch: number): boolean {
    const entry = this.#entries.get(producerId);
    return entry !== undefined && entry.epoch === epoch && entry.transactionStart >= 0;
  }

  /** Where the producer's last transaction here ended, or -1. */
  lastMarkerOffset(producerId: number): number {
    return this.#entries.get(producerId)?.lastMarker ?? -1;
  }

  /** Whether a batch carries the last sequence that is known of its producer; compaction must keep such a batch. */
  isLastOf(batch: RecordBatch): boolean {
    const last = this.#entries.get(batch.producerId)?.batches.at(-1);
    return last !== undefined && last.lastOffset === batch.lastOffset;
  }

  /**
   * The start of the earliest transaction that is open, or ended by a marker at or above the high watermark; null
   * where there is none.
   */
  firstUnstableOffset(highWatermark: number): number | null {
    if (this.#open === 0 && this.#ended.length === 0) return null;
    if (this.#ended.length > 0) this.#ended = this.#ended.filter((one) => one.markerOffset >= highWatermark);
    let first = Number.POSITIVE_INFINITY;
    for (const one of this.#ended) first = Math.min(first, one.firstOffset);
    if (this.#open > 0)
      for (const entry of this.#entries.values())
        if (entry.transactionStart >= 0) first = Math.min(first, entry.transactionStart);
    return Number.isFinite(first) ? first : null;
  }

  /** Aborted transactions that overlap these offsets, in the order in which they ended. */
  abortedBetween(fromOffset: number, toOffset: number): AbortedTransaction[] {
    if (this.#aborted.length === 0) return [];
    return this.#aborted.filter((one) => one.lastOffset >= fromOffset && one.firstOffset < toOffset);
  }

  forgetBefore(logStartOffset: number): void {
    if (this.#aborted.length > 0)
      this.#aborted = this.#aborted.filter((one) => one.lastOffset >= logStartOffset);
  }

  clear(): void {
    this.#entries.clear();
    this.#open = 0;
    this.#ended = [];
    this.#aborted = [];
  }
}
