/**
 * What came of one partition in a Fetch answer: bytes and the aborted transactions enter, the records that may be handed
 * over leave in order, and the offset to go on from. After Kafka's class CompletedFetch.
 */
import { crc32c } from '../../../cluster/log/crc32c.ts';
import { LOG_OVERHEAD_BYTES, markerOf, RecordBatch, readRecords } from '../../../cluster/log/record-batch.ts';
import { KafkaError, type TopicPartition } from '../errors.ts';
import type { PartitionState, Position } from './subscription-state.ts';

export interface ConsumerRecord extends TopicPartition {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** As they travel, their count first. */
  readonly headers: Buffer;
  readonly leaderEpoch: number;
}

export interface FetchedPartition {
  readonly errorCode: number;
  readonly records: Uint8Array | null;
  readonly abortedTransactions:
    | readonly { readonly producerId: bigint; readonly firstOffset: bigint }[]
    | null;
}

const SIZE_POSITION = 8;
const CHECKSUM_POSITION = 17;
const ATTRIBUTES_POSITION = 21;

export class CompletedFetch {
  readonly state: PartitionState;
  readonly errorCode: number;
  /** Where the next record to hand over is asked for; another position means that the consumer has moved. */
  nextOffset: number;
  readonly #fetched: FetchedPartition;
  readonly #readCommitted: boolean;
  #records: ConsumerRecord[] | null = null;
  #taken = 0;
  /** Behind the last batch, so that batches without records are passed over. */
  #end: Position;

  constructor(state: PartitionState, position: Position, fetched: FetchedPartition, readCommitted: boolean) {
    this.state = state;
    this.errorCode = fetched.errorCode;
    this.nextOffset = position.offset;
    this.#end = position;
    this.#fetched = fetched;
    this.#readCommitted = readCommitted;
  }

  /**
   * @returns up to so many records, and the position after them
   * @throws KafkaError for bytes that are damaged
   */
  take(max: number): { readonly records: readonly ConsumerRecord[]; readonly position: Position } {
    this.#records ??= this.#decode();
    const records = this.#records.slice(this.#taken, this.#taken + max);
    this.#taken += records.length;
    const last = records.at(-1);
    const position =
      this.isExhausted || last === undefined
        ? this.#end
        : { offset: last.offset + 1, epoch: last.leaderEpoch };
    this.nextOffset = position.offset;
    return { records, position };
  }

  get isExhausted(): boolean {
    return this.#records !== null && this.#taken >= this.#records.length;
  }

  #decode(): ConsumerRecord[] {
    const { topic, partition } = this.state;
    const aborted = createAbortedFilter(this.#fetched.abortedTransactions ?? []);
    const from = this.nextOffset;
    const records: ConsumerRecord[] = [];
    for (const batch of batchesIn(this.#fetched.records, this.state.name)) {
      // Every batch goes by the filter, which counts on its markers.
      const isAborted = this.#readCommitted && aborted(batch);
      this.#end = { offset: batch.lastOffset + 1, epoch: batch.leaderEpoch };
      if (batch.isControl || isAborted) continue;
      const { leaderEpoch } = batch;
      for (const { offset, timestampMs, key, value, headers } of readRecords(batch))
        if (offset >= from)
          records.push({ topic, partition, leaderEpoch, offset, timestampMs, key, value, headers });
    }
    return records;
  }
}

/** A broker cuts its answer at a number of bytes, so the last batch may be there in part. */
function* batchesIn(bytes: Uint8Array | null, name: string): Generator<RecordBatch> {
  if (bytes === null) return;
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  while (buffer.length - start > SIZE_POSITION + 4) {
    const end = start + LOG_OVERHEAD_BYTES + buffer.readInt32BE(start + SIZE_POSITION);
    if (end > buffer.length) return;
    const batch = buffer.subarray(start, end);
    if (crc32c(batch, ATTRIBUTES_POSITION) !== batch.readUInt32BE(CHECKSUM_POSITION))
      throw new KafkaError(`a record batch of ${name} is corrupt`);
    yield new RecordBatch(batch);
    start = end;
  }
}

/** Tells of one batch after the other whether it belongs to a transaction that was aborted (KIP-98). */
function createAbortedFilter(
  transactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[],
): (batch: RecordBatch) => boolean {
  const waiting = transactions.toSorted((a, b) => Number(a.firstOffset - b.firstOffset));
  const aborting = new Set<number>();
  return (batch) => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      if (Number(next.firstOffset) > batch.lastOffset) break;
      aborting.add(Number(next.producerId));
      waiting.shift();
    }
    if (batch.isControl) {
      if (markerOf(batch)?.marker === 'abort') aborting.delete(batch.producerId);
      return false;
    }
    return batch.isTransactional && aborting.has(batch.producerId);
  };
}
