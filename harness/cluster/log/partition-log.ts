/**
 * One replica's log of one partition: checked batches enter by append or replication; reads, offsets and the reasons
 * for refusals leave. What is known of replication (high watermark, leader epoch) is told from outside.
 *
 * Kafka's terms: the log start offset is the first offset that may be read, the log end offset the next to be written,
 * the high watermark the first that is not yet on all in-sync replicas, the last stable offset the first that an open
 * transaction keeps from read_committed readers.
 */
import { errorCode } from '../protocol/errors.ts';
import { type EpochEnd, LeaderEpochs } from './leader-epochs.ts';
import { type AbortedTransaction, ProducerState } from './producer-state.ts';
import {
  type BatchRecord,
  buildBatch,
  buildMarker,
  type LogRecord,
  type Marker,
  markerOf,
  placeBatch,
  type RecordBatch,
  readRecords,
} from './record-batch.ts';

export interface AppendResult {
  readonly errorCode: number;
  readonly baseOffset: number;
  /** Offset after the batch, which acks all waits for. */
  readonly endOffset: number;
  readonly logAppendTimeMs: number;
}

export interface ReadResult {
  /** Views of whole batches; the last may be cut short, as Kafka cuts it at the byte limit. */
  readonly chunks: readonly Buffer[];
  readonly sizeBytes: number;
  /** Null where the reader did not ask for committed records only. */
  readonly aborted: readonly AbortedTransaction[] | null;
}

export interface RetentionLimits {
  /** -1 keeps records of any age. */
  readonly retentionMs: number;
  /** -1 keeps any number of bytes. */
  readonly retentionBytes: number;
}

export interface SegmentLimits {
  readonly segmentBytes: number;
  readonly segmentMs: number;
}

const NONE = errorCode('NONE');
const NOTHING: readonly Buffer[] = [];
const refused = (code: number): AppendResult => ({
  errorCode: code,
  baseOffset: -1,
  endOffset: -1,
  logAppendTimeMs: -1,
});

const DEFAULT_SEGMENTS: SegmentLimits = { segmentBytes: 1 << 30, segmentMs: 7 * 24 * 3_600_000 };

export class PartitionLog {
  readonly producers = new ProducerState();
  readonly epochs = new LeaderEpochs();
  segmentLimits: SegmentLimits = DEFAULT_SEGMENTS;
  /** Ascending by offset. */
  #batches: RecordBatch[] = [];
  /** First offsets of the segments; retention takes whole segments and compaction spares the last. */
  #segmentStarts: number[] = [0];
  #segmentBytes = 0;
  #segmentSinceMs = -1;
  #sizeBytes = 0;
  #logStartOffset = 0;
  #logEndOffset = 0;
  #highWatermark = 0;

  get logStartOffset(): number {
    return this.#logStartOffset;
  }

  get logEndOffset(): number {
    return this.#logEndOffset;
  }

  get highWatermark(): number {
    return this.#highWatermark;
  }

  get lastStableOffset(): number {
    const unstable = this.producers.firstUnstableOffset(this.#highWatermark);
    return unstable === null ? this.#highWatermark : Math.min(unstable, this.#highWatermark);
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get batches(): readonly RecordBatch[] {
    return this.#batches;
  }

  /** First offset of the segment that is written to. */
  get activeSegmentStart(): number {
    return this.#segmentStarts.at(-1) as number;
  }

  /**
   * Appends what a client or the transaction machinery sent, as leader.
   *
   * @param bytes a batch that `checkProducedBatch` has passed
   * @param logAppendTimeMs the clock, where the topic's time stamps are log append times, or null
   * @param beginsAtZero whether a producer that is not known here has to begin with sequence 0
   */
  append(
    bytes: Buffer,
    leaderEpoch: number,
    logAppendTimeMs: number | null,
    beginsAtZero = false,
  ): AppendResult {
    const batch = placeBatch(bytes, this.#logEndOffset, leaderEpoch, logAppendTimeMs);
    const duplicate = this.producers.findDuplicate(batch);
    if (duplicate !== null)
      return {
        errorCode: NONE,
        baseOffset: duplicate.baseOffset,
        // Kafka waits for everything that is in the log now, since the original may not be replicated yet either.
        endOffset: this.#logEndOffset,
        // Kafka gives the batch's time here whatever the topic's kind of time stamp.
        logAppendTimeMs: duplicate.timestampMs,
      };
    const error = this.producers.check(batch, 'client', beginsAtZero);
    if (error !== NONE) return refused(error);
    this.#add(batch);
    return {
      errorCode: NONE,
      baseOffset: batch.baseOffset,
      endOffset: this.#logEndOffset,
      logAppendTimeMs: logAppendTimeMs ?? -1,
    };
  }

  /**
   * Appends records of the broker's own, such as a coordinator's, in one batch.
   *
   * @param producer whose transaction they belong to, or null
   */
  appendRecords(
    records: readonly BatchRecord[],
    leaderEpoch: number,
    timestampMs: number,
    producer: { readonly id: number; readonly epoch: number } | null = null,
  ): AppendResult {
    const fields = { baseOffset: this.#logEndOffset, leaderEpoch, timestampMs };
    const batch =
      producer === null
        ? buildBatch(fields, records)
        : buildBatch(
            { ...fields, producerId: producer.id, producerEpoch: producer.epoch, transactional: true },
            records,
          );
    const error = this.producers.check(batch, 'coordinator');
    if (error !== NONE) return refused(error);
    this.#add(batch);
    return {
      errorCode: NONE,
      baseOffset: batch.baseOffset,
      endOffset: this.#logEndOffset,
      logAppendTimeMs: -1,
    };
  }

  /** Ends a producer's transaction in this partition. */
  appendMarker(
    marker: Marker,
    producer: { producerId: number; producerEpoch: number; coordinatorEpoch: number },
    leaderEpoch: number,
    timestampMs: number,
  ): AppendResult {
    const error = this.producers.checkMarker(
      producer.producerId,
      producer.producerEpoch,
      producer.coordinatorEpoch,
    );
    if (error !== NONE) return refused(error);
    const baseOffset = this.#logEndOffset;
    this.#add(buildMarker(marker, { ...producer, baseOffset, leaderEpoch, timestampMs }));
    return { errorCode: NONE, baseOffset, endOffset: this.#logEndOffset, logAppendTimeMs: -1 };
  }

  get isEmpty(): boolean {
    return this.#logEndOffset === this.#logStartOffset;
  }

  /** Appends a leader's batch as follower, sharing its bytes. It has to begin at or after the log end offset. */
  appendReplica(batch: RecordBatch): void {
    if (batch.baseOffset < this.#logEndOffset)
      throw new Error(`batch at ${batch.baseOffset} below the log end offset ${this.#logEndOffset}`);
    this.#add(batch);
  }

  #add(batch: RecordBatch): void {
    this.#rollIfDue(batch);
    this.#batches.push(batch);
    this.#sizeBytes += batch.sizeBytes;
    this.#segmentBytes += batch.sizeBytes;
    this.#logEndOffset = batch.lastOffset + 1;
    this.epochs.assign(batch.leaderEpoch, batch.baseOffset);
    this.#noteProducer(batch);
  }

  #noteProducer(batch: RecordBatch): void {
    const control = batch.isControl ? markerOf(batch) : null;
    if (!batch.isControl) this.producers.appended(batch);
    else if (control !== null) this.producers.marked(batch, control.marker, control.coordinatorEpoch);
  }

  #rollIfDue(batch: RecordBatch): void {
    if (this.#segmentBytes === 0) {
      this.#segmentSinceMs = batch.maxTimestampMs;
      return;
    }
    const { segmentBytes, segmentMs } = this.segmentLimits;
    const isFull = this.#segmentBytes + batch.sizeBytes > segmentBytes;
    if (isFull || batch.maxTimestampMs - this.#segmentSinceMs > segmentMs)
      this.#roll(batch.baseOffset, batch.maxTimestampMs);
  }

  #roll(startOffset: number, sinceMs: number): void {
    if (startOffset === this.activeSegmentStart) return;
    this.#segmentStarts.push(startOffset);
    this.#segmentBytes = 0;
    this.#segmentSinceMs = sinceMs;
  }

  /** Never backwards, and never outside of what the log holds. @returns whether it moved */
  advanceHighWatermark(offset: number): boolean {
    const next = Math.min(offset, this.#logEndOffset);
    if (next <= this.#highWatermark) return false;
    this.#highWatermark = next;
    return true;
  }

  /** Index of the batch that holds the offset, or of the first after it. */
  #indexOf(offset: number): number {
    const batches = this.#batches;
    // Readers are mostly at the end of the log.
    const last = batches.at(-1);
    if (last === undefined || last.lastOffset < offset) return batches.length;
    if (last.baseOffset <= offset) return batches.length - 1;
    let low = 0;
    let high = batches.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((batches[middle] as RecordBatch).lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Reads from an offset inside the log up to, not including, another, or the end of the segment that it begins in, as
   * Kafka's LocalLog does.
   *
   * @param wholeFirst whether the first batch comes whole even if it is larger than the limit (KIP-74)
   * @param committedOnly whether the reader wants the aborted transactions
   */
  read(
    offset: number,
    upTo: number,
    bytesMax: number,
    wholeFirst: boolean,
    committedOnly: boolean,
  ): ReadResult {
    const batches = this.#batches;
    // An offset inside the last batch may be at the end already.
    let index = offset < upTo ? this.#indexOf(offset) : batches.length;
    let sizeBytes = 0;
    let chunks: Buffer[] | null = null;
    let endOffset = offset;
    const first = batches[index];
    const end = first === undefined ? upTo : Math.min(upTo, this.#segmentEnd(first.baseOffset));
    for (; index < batches.length; index++) {
      const batch = batches[index] as RecordBatch;
      if (batch.baseOffset >= end) break;
      const room = bytesMax - sizeBytes;
      const isWhole = batch.sizeBytes <= room || (chunks === null && wholeFirst);
      if (!isWhole && room <= 0) break;
      chunks ??= [];
      endOffset = batch.lastOffset + 1;
      chunks.push(isWhole ? batch.bytes : batch.bytes.subarray(0, room));
      sizeBytes += isWhole ? batch.sizeBytes : room;
      if (!isWhole) break;
    }
    const aborted = committedOnly ? this.producers.abortedBetween(offset, endOffset) : null;
    return { chunks: chunks ?? NOTHING, sizeBytes, aborted };
  }

  /** The first offset of the segment after the one with this offset. */
  #segmentEnd(offset: number): number {
    if (offset >= this.activeSegmentStart) return Number.POSITIVE_INFINITY;
    return this.#segmentStarts.find((start) => start > offset) as number;
  }

  /**
   * How many bytes there are between these offsets, counted no further than the limit. Where another segment begins
   * between them it is enough: a fetch from an older segment does not wait (Kafka's DelayedFetch).
   */
  bytesBetween(offset: number, upTo: number, enoughBytes: number): number {
    if (offset >= upTo) return 0;
    if (this.#segmentEnd(offset) < upTo) return enoughBytes;
    const batches = this.#batches;
    let sizeBytes = 0;
    for (let index = this.#indexOf(offset); index < batches.length && sizeBytes < enoughBytes; index++) {
      const batch = batches[index] as RecordBatch;
      if (batch.baseOffset >= upTo) break;
      sizeBytes += batch.sizeBytes;
    }
    return sizeBytes;
  }

  /** Batches from an offset on, for a follower; at most so many bytes, but at least one batch. */
  replicaBatches(offset: number, bytesMax: number): RecordBatch[] {
    const found: RecordBatch[] = [];
    let sizeBytes = 0;
    for (let index = this.#indexOf(offset); index < this.#batches.length; index++) {
      const batch = this.#batches[index] as RecordBatch;
      sizeBytes += batch.sizeBytes;
      if (found.length > 0 && sizeBytes > bytesMax) break;
      found.push(batch);
    }
    return found;
  }

  /** Every record below an offset that is not deleted, in order; control batches have none. */
  *records(upTo = this.#highWatermark): Generator<LogRecord> {
    for (const batch of this.#batches) {
      if (batch.baseOffset >= upTo) return;
      if (batch.isControl) continue;
      for (const record of readRecords(batch)) if (record.offset >= this.#logStartOffset) yield record;
    }
  }

  /** The first record at or after a time, below an offset; null where there is none. */
  offsetForTime(timestampMs: number, upTo: number): { offset: number; timestampMs: number } | null {
    for (const batch of this.#batches) {
      if (batch.baseOffset >= upTo) return null;
      if (batch.maxTimestampMs < timestampMs) continue;
      for (const record of readRecords(batch))
        if (record.timestampMs >= timestampMs && record.offset >= this.#logStartOffset)
          return record.offset < upTo ? { offset: record.offset, timestampMs: record.timestampMs } : null;
    }
    return null;
  }

  /** The record with the largest time stamp below an offset (KIP-734). */
  offsetOfMaxTimestamp(upTo: number): { offset: number; timestampMs: number } | null {
    let latest: RecordBatch | null = null;
    for (const batch of this.#batches) {
      if (batch.baseOffset >= upTo) break;
      if (batch.count > 0 && batch.maxTimestampMs > (latest?.maxTimestampMs ?? -1)) latest = batch;
    }
    if (latest === null) return null;
    const { maxTimestampMs } = latest;
    const record = readRecords(latest).find((one) => one.timestampMs === maxTimestampMs);
    return { offset: record?.offset ?? latest.lastOffset, timestampMs: maxTimestampMs };
  }

  endOfEpoch(epoch: number): EpochEnd | null {
    return this.epochs.endOf(epoch, this.#logEndOffset);
  }

  /** Drops everything from an offset on, as a follower whose leader has something else there. */
  truncateTo(offset: number): void {
    if (offset >= this.#logEndOffset) return;
    const keep = this.#indexOf(offset);
    this.#batches.length = keep;
    this.#logEndOffset = Math.max(offset, this.#logStartOffset);
    this.#highWatermark = Math.min(this.#highWatermark, this.#logEndOffset);
    while (this.#segmentStarts.length > 1 && this.activeSegmentStart >= this.#logEndOffset)
      this.#segmentStarts.pop();
    this.#recount();
    this.epochs.truncateFromEnd(this.#logEndOffset);
    this.#rebuildProducers();
  }

  /** Drops everything and begins at an offset, as a follower that is below its leader's log start offset. */
  restartAt(offset: number): void {
    this.#batches = [];
    this.#segmentStarts = [offset];
    this.#logStartOffset = offset;
    this.#logEndOffset = offset;
    this.#highWatermark = offset;
    this.epochs.clear();
    this.producers.clear();
    this.#recount();
  }

  /** DeleteRecords (KIP-107), or what a leader tells its follower; readers may no longer go below the offset. */
  advanceLogStart(offset: number): boolean {
    if (offset <= this.#logStartOffset || offset > this.#logEndOffset) return false;
    this.#logStartOffset = offset;
    const keep = this.#indexOf(offset);
    if (keep > 0) this.#batches.splice(0, keep);
    const starts = this.#segmentStarts;
    while (starts.length > 1 && (starts[1] as number) <= offset) starts.shift();
    if (this.#highWatermark < offset) this.#highWatermark = offset;
    this.#recount();
    this.epochs.truncateFromStart(offset);
    this.producers.forgetBefore(offset);
    return true;
  }

  /**
   * Retention: whole segments go, the oldest first, while all their records are too old or the log is too large, and
   * never beyond the high watermark. @returns whether anything went
   */
  applyRetention(limits: RetentionLimits, nowMs: number): boolean {
    const before = this.#logStartOffset;
    for (;;) {
      const starts = this.#segmentStarts;
      const isActive = starts.length === 1;
      const segmentEnd = isActive ? this.#logEndOffset : (starts[1] as number);
      if (segmentEnd <= this.#logStartOffset || segmentEnd > this.#highWatermark) break;
      const { newestMs, sizeBytes } = this.#measure(segmentEnd);
      const isTooOld = limits.retentionMs >= 0 && nowMs - newestMs > limits.retentionMs;
      const isTooMuch = limits.retentionBytes >= 0 && this.#sizeBytes - sizeBytes >= limits.retentionBytes;
      if (!isTooOld && (!isTooMuch || isActive)) break;
      // Kafka rolls an active segment that is too old, and deletes it.
      if (isActive) this.#roll(this.#logEndOffset, nowMs);
      this.advanceLogStart(segmentEnd);
    }
    return this.#logStartOffset > before;
  }

  #measure(endOffset: number): { newestMs: number; sizeBytes: number } {
    let newestMs = -1;
    let sizeBytes = 0;
    for (const batch of this.#batches) {
      if (batch.baseOffset >= endOffset) break;
      newestMs = Math.max(newestMs, batch.maxTimestampMs);
      sizeBytes += batch.sizeBytes;
    }
    return { newestMs, sizeBytes };
  }

  /**
   * Compaction: below an offset only the newest record of each key stays, and records without a key go. A batch that
   * loses all its records goes too, unless it carries its producer's last sequence: then it stays, empty. Compressed
   * batches other than gzip, control batches and those of open transactions stay as they are.
   *
   * @param dropTombstones whether records without a value go as well, once they are the newest of their key
   * @returns how many records went
   */
  compact(below = this.activeSegmentStart, dropTombstones = false): number {
    const limit = Math.min(below, this.lastStableOffset);
    const newest = new Map<string, number>();
    for (const batch of this.#batches) {
      if (batch.baseOffset >= limit) break;
      if (!isCompactable(batch)) continue;
      for (const { key, offset } of readRecords(batch))
        if (key !== null) newest.set(key.toString('latin1'), offset);
    }
    let removed = 0;
    const kept: RecordBatch[] = [];
    for (const batch of this.#batches) {
      if (batch.lastOffset >= limit || !isCompactable(batch)) {
        kept.push(batch);
        continue;
      }
      const records = readRecords(batch);
      const staying = records.filter(
        ({ key, offset, value }) =>
          key !== null &&
          newest.get(key.toString('latin1')) === offset &&
          !(dropTombstones && value === null),
      );
      removed += records.length - staying.length;
      if (staying.length === records.length) kept.push(batch);
      else if (staying.length > 0 || this.producers.isLastOf(batch)) kept.push(withRecords(batch, staying));
    }
    this.#batches = kept;
    this.#recount();
    return removed;
  }

  #recount(): void {
    this.#sizeBytes = 0;
    this.#segmentBytes = 0;
    const active = this.activeSegmentStart;
    for (const batch of this.#batches) {
      this.#sizeBytes += batch.sizeBytes;
      if (batch.baseOffset >= active) this.#segmentBytes += batch.sizeBytes;
    }
  }

  #rebuildProducers(): void {
    this.producers.clear();
    for (const batch of this.#batches) this.#noteProducer(batch);
  }
}

const GZIP = 1;
const isCompactable = (batch: RecordBatch): boolean => !batch.isControl && batch.compression <= GZIP;

/** The same batch with fewer records, uncompressed: offsets, sequences and epochs stay. */
function withRecords(batch: RecordBatch, records: readonly LogRecord[]): RecordBatch {
  return buildBatch(
    {
      baseOffset: batch.baseOffset,
      leaderEpoch: batch.leaderEpoch,
      timestampMs: batch.baseTimestampMs,
      lastOffsetDelta: batch.lastOffset - batch.baseOffset,
      maxTimestampMs: batch.maxTimestampMs,
      producerId: batch.producerId,
      producerEpoch: batch.producerEpoch,
      baseSequence: batch.baseSequence,
      transactional: batch.isTransactional,
      logAppendTime: batch.hasLogAppendTime,
    },
    records.map((record) => ({ ...record, offsetDelta: record.offset - batch.baseOffset })),
  );
}
