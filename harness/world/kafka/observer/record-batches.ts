/**
 * Record batches, format 2 (KIP-98): the raw bytes of a Fetch answer enter, verified batches with their records leave.
 *
 * A Fetch answer may end in the middle of a batch; that last part is left for the next fetch. Formats 0 and 1 are
 * refused: no broker of 3.0 or later writes them.
 */
import { compressionsAlgorithmsByBitmask, crc32c, Reader, readRecord } from '@platformatic/kafka';

export interface LogRecord {
  readonly offset: bigint;
  readonly timestampEpochMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface RecordBatch {
  readonly baseOffset: bigint;
  /** The batch reaches to here, whether or not its last record is still in it. */
  readonly lastOffset: bigint;
  readonly leaderEpoch: number;
  /** The largest time stamp in it. */
  readonly timestampEpochMs: number;
  readonly producerId: bigint;
  readonly transactional: boolean;
  /** Number of records that the batch was written with and that compaction has taken since. */
  readonly removedRecords: number;
  /** What a control batch says; null for a batch of data. Control batches have no records of their own here. */
  readonly control: 'abort' | 'commit' | 'other' | null;
  readonly records: readonly LogRecord[];
}

/** The bytes are not what a healthy broker sends. */
export class CorruptBatchError extends Error {
  override name = 'CorruptBatchError';
}

/** base offset, length, leader epoch, magic, checksum: what comes before the part that the checksum covers. */
const LENGTH_POSITION = 8;
const OVERHEAD_BYTES = 12;
const MAGIC_POSITION = 16;
const CHECKSUM_POSITION = 17;
const ATTRIBUTES_POSITION = 21;
const HEADER_BYTES = 61;

const COMPRESSION_MASK = 0b111;
const LOG_APPEND_TIME = 0b1000;
const TRANSACTIONAL = 0b1_0000;
const CONTROL = 0b10_0000;
const SNAPPY = 2;

/** @throws CorruptBatchError */
export function decodeRecordBatches(bytes: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = [];
  let position = 0;
  while (bytes.length - position >= OVERHEAD_BYTES) {
    const size = OVERHEAD_BYTES + bytes.readInt32BE(position + LENGTH_POSITION);
    if (size < OVERHEAD_BYTES) throw new CorruptBatchError(`a record batch has the impossible size ${size}`);
    if (position + size > bytes.length) break;
    batches.push(decodeRecordBatch(bytes.subarray(position, position + size)));
    position += size;
  }
  return batches;
}

function decodeRecordBatch(bytes: Buffer): RecordBatch {
  const baseOffset = bytes.readBigInt64BE(0);
  const fail = (what: string) => new CorruptBatchError(`record batch at offset ${baseOffset}: ${what}`);
  // The magic byte comes before the size check: older formats have shorter headers.
  if (bytes.length <= MAGIC_POSITION) throw fail(`only ${bytes.length} bytes`);
  const magic = bytes.readInt8(MAGIC_POSITION);
  if (magic !== 2) throw fail(`message format ${magic}, expected 2`);
  if (bytes.length < HEADER_BYTES) throw fail(`only ${bytes.length} bytes`);
  const expected = bytes.readUInt32BE(CHECKSUM_POSITION);
  const actual = crc32c(bytes.subarray(ATTRIBUTES_POSITION)) >>> 0;
  if (actual !== expected) throw fail(`checksum ${actual.toString(16)}, expected ${expected.toString(16)}`);

  const attributes = bytes.readInt16BE(ATTRIBUTES_POSITION);
  const lastOffsetDelta = bytes.readInt32BE(23);
  const baseTimestamp = bytes.readBigInt64BE(27);
  const maxTimestamp = bytes.readBigInt64BE(35);
  const count = bytes.readInt32BE(57);
  const isControl = (attributes & CONTROL) !== 0;

  let records: LogRecord[];
  try {
    const reader = Reader.from(decompress(bytes.subarray(HEADER_BYTES), attributes & COMPRESSION_MASK));
    records = Array.from({ length: count }, () => {
      const { offsetDelta, timestampDelta, key, value } = readRecord(reader);
      const timestamp = attributes & LOG_APPEND_TIME ? maxTimestamp : baseTimestamp + timestampDelta;
      return { offset: baseOffset + BigInt(offsetDelta), timestampEpochMs: Number(timestamp), key, value };
    });
  } catch (error) {
    throw fail(error instanceof Error ? error.message : String(error));
  }
  return {
    baseOffset,
    lastOffset: baseOffset + BigInt(lastOffsetDelta),
    leaderEpoch: bytes.readInt32BE(12),
    timestampEpochMs: Number(maxTimestamp),
    producerId: bytes.readBigInt64BE(43),
    transactional: (attributes & TRANSACTIONAL) !== 0,
    removedRecords: lastOffsetDelta + 1 - count,
    control: isControl ? controlOf(records[0]?.key ?? null) : null,
    records: isControl ? [] : records,
  };
}

/** A control record's key is a version and a type (0 abort, 1 commit; others are Raft's own). */
function controlOf(key: Buffer | null): 'abort' | 'commit' | 'other' {
  if (key === null || key.length < 4) return 'other';
  const type = key.readInt16BE(2);
  return type === 0 ? 'abort' : type === 1 ? 'commit' : 'other';
}

function decompress(bytes: Buffer, compression: number): Buffer {
  if (compression === 0) return bytes;
  const algorithm =
    compressionsAlgorithmsByBitmask[compression as keyof typeof compressionsAlgorithmsByBitmask];
  if (!algorithm) throw new Error(`compression ${compression} is unknown`);
  if (compression === SNAPPY && bytes.subarray(0, SNAPPY_JAVA_MAGIC.length).equals(SNAPPY_JAVA_MAGIC))
    return decompressSnappyJava(bytes, (block) => algorithm.decompressSync(block));
  return algorithm.decompressSync(bytes);
}

/** Java clients wrap Snappy: this magic, two version numbers, then blocks, each behind its length. */
const SNAPPY_JAVA_MAGIC = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const SNAPPY_JAVA_HEADER_BYTES = 16;

function decompressSnappyJava(bytes: Buffer, decompressBlock: (block: Buffer) => Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let position = SNAPPY_JAVA_HEADER_BYTES; position < bytes.length; ) {
    const size = bytes.readInt32BE(position);
    position += 4;
    blocks.push(decompressBlock(bytes.subarray(position, position + size)));
    position += size;
  }
  return Buffer.concat(blocks);
}
