/**
 * Record batches, format 2 (KIP-98): bytes of a client or records of the broker enter, immutable batches leave, which
 * all replicas of a partition share.
 *
 * Offsets, time stamps and producer ids are numbers here, since a partition of a trial never outgrows 2^53; on the wire
 * they are 64 bits wide. A compressed payload is passed through and never looked into when a batch is placed.
 */
import { gunzipSync } from 'node:zlib';
import { crc32c } from './crc32c.ts';

/** Base offset and length, which the length itself does not count. */
export const LOG_OVERHEAD_BYTES = 12;
export const BATCH_HEADER_BYTES = 61;
export const MAGIC_POSITION = 16;
export const CHECKSUM_POSITION = 17;
/** The checksum covers everything from here on, so base offset and leader epoch can change without it. */
export const ATTRIBUTES_POSITION = 21;
const LAST_OFFSET_DELTA_POSITION = 23;
const BASE_TIMESTAMP_POSITION = 27;
const MAX_TIMESTAMP_POSITION = 35;
const PRODUCER_ID_POSITION = 43;
const PRODUCER_EPOCH_POSITION = 51;
const BASE_SEQUENCE_POSITION = 53;
export const COUNT_POSITION = 57;

const MAGIC = 2;
const COMPRESSION_MASK = 0b111;
const COMPRESSION_MAX = 4;
const GZIP = 1;
const LOG_APPEND_TIME = 0b1000;
const TRANSACTIONAL = 0b1_0000;
const CONTROL = 0b10_0000;

export const NO_PRODUCER_ID = -1;
export const NO_SEQUENCE = -1;
const SEQUENCES = 2 ** 31;

/**
 * How far a batch got: `malformed` is found before the log is asked (INVALID_RECORD), `corrupt` by the checksum
 * (CORRUPT_MESSAGE), `invalid` by the log itself (INVALID_RECORD too, with the log start offset in the answer).
 */
export type BatchFault = 'malformed' | 'corrupt' | 'invalid';

/** The bytes are not a batch that a client may send. */
export class BatchFormatError extends Error {
  override name = 'BatchFormatError';
  readonly fault: BatchFault;

  constructor(fault: BatchFault, message: string) {
    super(message);
    this.fault = fault;
  }
}

const readNumber64 = (bytes: Buffer, position: number): number =>
  bytes.readInt32BE(position) * 0x1_0000_0000 + bytes.readUInt32BE(position + 4);

const writeNumber64 = (bytes: Buffer, value: number, position: number): void => {
  bytes.writeInt32BE(Math.floor(value / 0x1_0000_0000), position);
  bytes.writeUInt32BE(value >>> 0, position + 4);
};

/** A batch in place: nothing of it changes, so replicas and responses may share its bytes. */
export class RecordBatch {
  readonly bytes: Buffer;
  readonly baseOffset: number;
  /** The batch reaches to here, whether or not its last record is still in it. */
  readonly lastOffset: number;
  readonly leaderEpoch: number;
  readonly attributes: number;
  readonly baseTimestampMs: number;
  readonly maxTimestampMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  /** How many records are in it; fewer than its offsets once compaction has been there. */
  readonly count: number;

  /** @param bytes one whole batch, which the caller no longer changes */
  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.baseOffset = readNumber64(bytes, 0);
    this.lastOffset = this.baseOffset + bytes.readInt32BE(LAST_OFFSET_DELTA_POSITION);
    this.leaderEpoch = bytes.readInt32BE(LOG_OVERHEAD_BYTES);
    this.attributes = bytes.readInt16BE(ATTRIBUTES_POSITION);
    this.baseTimestampMs = readNumber64(bytes, BASE_TIMESTAMP_POSITION);
    this.maxTimestampMs = readNumber64(bytes, MAX_TIMESTAMP_POSITION);
    this.producerId = readNumber64(bytes, PRODUCER_ID_POSITION);
    this.producerEpoch = bytes.readInt16BE(PRODUCER_EPOCH_POSITION);
    this.baseSequence = bytes.readInt32BE(BASE_SEQUENCE_POSITION);
    this.count = bytes.readInt32BE(COUNT_POSITION);
  }

  get sizeBytes(): number {
    return this.bytes.length;
  }

  get compression(): number {
    return this.attributes & COMPRESSION_MASK;
  }

  get isTransactional(): boolean {
    return (this.attributes & TRANSACTIONAL) !== 0;
  }

  get isControl(): boolean {
    return (this.attributes & CONTROL) !== 0;
  }

  get hasLogAppendTime(): boolean {
    return (this.attributes & LOG_APPEND_TIME) !== 0;
  }

  get hasSequence(): boolean {
    return this.producerId !== NO_PRODUCER_ID && this.baseSequence !== NO_SEQUENCE;
  }

  /** Sequence numbers wrap to 0 after 2^31 - 1 and count offsets, not the records that are left. */
  get lastSequence(): number {
    if (this.baseSequence === NO_SEQUENCE) return NO_SEQUENCE;
    return (this.baseSequence + (this.lastOffset - this.baseOffset)) % SEQUENCES;
  }
}

/** What the smallest batch of any format has behind its length. */
const SMALLEST_BYTES = 14;

/**
 * Whether the bytes begin with a whole batch, of whatever format.
 *
 * @throws BatchFormatError where they cannot be a batch at all
 */
export function hasFirstBatch(bytes: Buffer): boolean {
  if (bytes.length < LOG_OVERHEAD_BYTES) return false;
  const size = bytes.readInt32BE(8);
  if (size < SMALLEST_BYTES) throw new BatchFormatError('corrupt', `a batch of ${size} bytes`);
  if (bytes.length <= MAGIC_POSITION) return false;
  const magic = bytes.readInt8(MAGIC_POSITION);
  if (magic < 0 || magic > MAGIC) throw new BatchFormatError('corrupt', `record format ${magic}, expected 2`);
  return bytes.length >= LOG_OVERHEAD_BYTES + size;
}

const hasOneLength = (bytes: Buffer): boolean =>
  bytes.length >= BATCH_HEADER_BYTES && LOG_OVERHEAD_BYTES + bytes.readInt32BE(8) === bytes.length;

/** Whether the bytes are exactly one batch of format 2, as far as that shows without reading it. */
export const isOneBatch = (bytes: Buffer): boolean =>
  hasOneLength(bytes) && bytes.readInt8(MAGIC_POSITION) === MAGIC;

/**
 * Checks what a client sent for one partition: exactly one batch of format 2 with an intact checksum.
 *
 * @throws BatchFormatError
 */
export function checkProducedBatch(bytes: Buffer): void {
  if (!hasOneLength(bytes)) throw new BatchFormatError('malformed', 'expected exactly one record batch');
  const magic = bytes.readInt8(MAGIC_POSITION);
  if (magic < MAGIC) throw new BatchFormatError('malformed', `record format ${magic}, expected 2`);
  if (magic > MAGIC) throw new BatchFormatError('corrupt', `record format ${magic}, expected 2`);
  if (crc32c(bytes, ATTRIBUTES_POSITION) !== bytes.readUInt32BE(CHECKSUM_POSITION))
    throw new BatchFormatError('corrupt', 'the checksum of the record batch is wrong');
  const invalid = whyInvalid(bytes);
  if (invalid !== null) throw new BatchFormatError('invalid', invalid);
}

function whyInvalid(bytes: Buffer): string | null {
  const count = bytes.readInt32BE(COUNT_POSITION);
  const lastOffsetDelta = bytes.readInt32BE(LAST_OFFSET_DELTA_POSITION);
  const attributes = bytes.readInt16BE(ATTRIBUTES_POSITION);
  const producerId = readNumber64(bytes, PRODUCER_ID_POSITION);
  const sequence = bytes.readInt32BE(BASE_SEQUENCE_POSITION);
  if (readNumber64(bytes, 0) !== 0) return 'the base offset of a produced batch must be 0';
  if (count <= 0 || count !== lastOffsetDelta + 1)
    return `${count} records over ${lastOffsetDelta + 1} offsets`;
  if ((attributes & CONTROL) !== 0) return 'clients must not write control batches';
  if ((attributes & COMPRESSION_MASK) > COMPRESSION_MAX) return 'unknown compression';
  // Without a producer id the sequence means nothing; kafkajs leaves 0 there.
  if (producerId !== NO_PRODUCER_ID && sequence < 0) return `sequence ${sequence} of producer ${producerId}`;
  return (attributes & COMPRESSION_MASK) === 0 ? whyRecordsInvalid(bytes, count) : null;
}

/** Walks over the records without reading them: their count, their order and their end have to fit. */
function whyRecordsInvalid(bytes: Buffer, count: number): string | null {
  const cursor = new RecordCursor(bytes, BATCH_HEADER_BYTES);
  for (let index = 0; index < count; index++) {
    const length = cursor.varint();
    const end = cursor.position + length;
    if (length < 0 || !(end <= bytes.length)) return `record ${index} reaches beyond the batch`;
    cursor.position += 1;
    cursor.varlong();
    const delta = cursor.varint();
    if (delta !== index) return `record ${index} has the offset delta ${delta}`;
    if (cursor.position > end) return `record ${index} is longer than it says`;
    cursor.position = end;
  }
  return cursor.position === bytes.length ? null : 'bytes after the last record';
}

/**
 * Copies a checked batch and gives it its place in a log; the checksum is made anew only for a new time stamp.
 *
 * @param logAppendTimeMs the broker's clock where the topic's time stamps are log append times, or null
 */
export function placeBatch(
  bytes: Buffer,
  baseOffset: number,
  leaderEpoch: number,
  logAppendTimeMs: number | null,
): RecordBatch {
  const placed = Buffer.allocUnsafe(bytes.length);
  bytes.copy(placed, 0);
  writeNumber64(placed, baseOffset, 0);
  placed.writeInt32BE(leaderEpoch, LOG_OVERHEAD_BYTES);
  const attributes = placed.readInt16BE(ATTRIBUTES_POSITION);
  if (logAppendTimeMs !== null) {
    placed.writeInt16BE(attributes | LOG_APPEND_TIME, ATTRIBUTES_POSITION);
    writeNumber64(placed, logAppendTimeMs, MAX_TIMESTAMP_POSITION);
    placed.writeUInt32BE(crc32c(placed, ATTRIBUTES_POSITION), CHECKSUM_POSITION);
  }
  return new RecordBatch(placed);
}

export interface BatchRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Distance from the batch's base offset; the record's index where it is left out. */
  readonly offsetDelta?: number;
  /** The batch's base time stamp where it is left out. */
  readonly timestampMs?: number;
  /** Headers as they travel, their count first; none where they are left out. */
  readonly headers?: Uint8Array;
}

export interface BatchFields {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly timestampMs: number;
  /** Beyond the last record where compaction took it; that of the last record where it is left out. */
  readonly lastOffsetDelta?: number;
  readonly maxTimestampMs?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly transactional?: boolean;
  readonly control?: boolean;
  readonly logAppendTime?: boolean;
}

/** An uncompressed batch of the broker's own. */
export function buildBatch(fields: BatchFields, records: readonly BatchRecord[]): RecordBatch {
  const baseTimestampMs = fields.timestampMs;
  const sizes = records.map((record, index) => recordBytes(record, index, baseTimestampMs));
  const bytes = Buffer.allocUnsafe(
    sizes.reduce((sum, size) => sum + varintBytes(size) + size, BATCH_HEADER_BYTES),
  );
  let position = BATCH_HEADER_BYTES;
  let maxTimestampMs = fields.maxTimestampMs ?? -1;
  let lastOffsetDelta = fields.lastOffsetDelta ?? -1;
  for (const [index, record] of records.entries()) {
    position = writeVarint(bytes, position, sizes[index] as number);
    bytes[position++] = 0;
    const timestampMs = record.timestampMs ?? baseTimestampMs;
    const delta = record.offsetDelta ?? index;
    position = writeVarint(bytes, position, timestampMs - baseTimestampMs);
    position = writeVarint(bytes, position, delta);
    position = writeNullable(bytes, position, record.key);
    position = writeNullable(bytes, position, record.value);
    const headers = record.headers ?? NO_HEADERS;
    bytes.set(headers, position);
    position += headers.length;
    if (fields.maxTimestampMs === undefined) maxTimestampMs = Math.max(maxTimestampMs, timestampMs);
    if (fields.lastOffsetDelta === undefined) lastOffsetDelta = delta;
  }
  const attributes =
    (fields.transactional === true ? TRANSACTIONAL : 0) |
    (fields.control === true ? CONTROL : 0) |
    (fields.logAppendTime === true ? LOG_APPEND_TIME : 0);
  writeNumber64(bytes, fields.baseOffset, 0);
  bytes.writeInt32BE(bytes.length - LOG_OVERHEAD_BYTES, 8);
  bytes.writeInt32BE(fields.leaderEpoch, LOG_OVERHEAD_BYTES);
  bytes.writeInt8(MAGIC, MAGIC_POSITION);
  bytes.writeInt16BE(attributes, ATTRIBUTES_POSITION);
  bytes.writeInt32BE(lastOffsetDelta, LAST_OFFSET_DELTA_POSITION);
  writeNumber64(bytes, baseTimestampMs, BASE_TIMESTAMP_POSITION);
  writeNumber64(bytes, maxTimestampMs, MAX_TIMESTAMP_POSITION);
  writeNumber64(bytes, fields.producerId ?? NO_PRODUCER_ID, PRODUCER_ID_POSITION);
  bytes.writeInt16BE(fields.producerEpoch ?? -1, PRODUCER_EPOCH_POSITION);
  bytes.writeInt32BE(fields.baseSequence ?? NO_SEQUENCE, BASE_SEQUENCE_POSITION);
  bytes.writeInt32BE(records.length, COUNT_POSITION);
  bytes.writeUInt32BE(crc32c(bytes, ATTRIBUTES_POSITION), CHECKSUM_POSITION);
  return new RecordBatch(bytes);
}

/** Their count alone. */
const NO_HEADERS = Buffer.alloc(1);

export type Marker = 'commit' | 'abort';
const MARKER_TYPES: Readonly<Record<Marker, number>> = { abort: 0, commit: 1 };

export interface MarkerFields {
  readonly baseOffset: number;
  readonly leaderEpoch: number;
  readonly timestampMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly coordinatorEpoch: number;
}

/** The control batch that ends a transaction in one partition: key (version, type), value (version, epoch). */
export function buildMarker(marker: Marker, fields: MarkerFields): RecordBatch {
  const key = Buffer.alloc(4);
  key.writeInt16BE(MARKER_TYPES[marker], 2);
  const value = Buffer.alloc(6);
  value.writeInt32BE(fields.coordinatorEpoch, 2);
  return buildBatch({ ...fields, transactional: true, control: true }, [{ key, value }]);
}

/** What a control batch says; null where its record is gone or of another kind, such as Raft's own. */
export function markerOf(batch: RecordBatch): { marker: Marker; coordinatorEpoch: number } | null {
  const record = readRecords(batch)[0];
  if (record === undefined || record.key === null || record.key.length < 4) return null;
  const type = record.key.readInt16BE(2);
  if (type !== MARKER_TYPES.abort && type !== MARKER_TYPES.commit) return null;
  const coordinatorEpoch =
    record.value === null || record.value.length < 6 ? -1 : record.value.readInt32BE(2);
  return { marker: type === MARKER_TYPES.commit ? 'commit' : 'abort', coordinatorEpoch };
}

export interface LogRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** As they travel, their count first. */
  readonly headers: Buffer;
}

/** Compression that this build cannot open; such a batch travels, and only its records stay unknown. */
export class UnreadableBatchError extends Error {
  override name = 'UnreadableBatchError';
}

/**
 * The records that are still in the batch. Keys and values are views of the batch where it is not compressed.
 *
 * @throws UnreadableBatchError for compression other than gzip, BatchFormatError for a payload that is garbage
 */
export function readRecords(batch: RecordBatch): LogRecord[] {
  const [bytes, start] = payloadOf(batch);
  const cursor = new RecordCursor(bytes, start);
  const records: LogRecord[] = [];
  for (let index = 0; index < batch.count; index++) {
    const length = cursor.varint();
    const end = cursor.position + length;
    if (length < 0 || !(end <= bytes.length))
      throw new BatchFormatError('corrupt', 'a record reaches too far');
    cursor.position += 1;
    const timestampDelta = cursor.varlong();
    const offset = batch.baseOffset + cursor.varint();
    const key = cursor.nullableBytes();
    const value = cursor.nullableBytes();
    const hasNoHeaders = end - cursor.position === 1 && bytes[cursor.position] === 0;
    const headers = hasNoHeaders ? NO_HEADERS : bytes.subarray(cursor.position, end);
    cursor.position = end;
    const timestampMs = batch.hasLogAppendTime
      ? batch.maxTimestampMs
      : batch.baseTimestampMs + timestampDelta;
    records.push({ offset, timestampMs, key, value, headers });
  }
  return records;
}

function payloadOf(batch: RecordBatch): readonly [bytes: Buffer, start: number] {
  if (batch.compression === 0) return [batch.bytes, BATCH_HEADER_BYTES];
  if (batch.compression !== GZIP)
    throw new UnreadableBatchError(`compression ${batch.compression} at offset ${batch.baseOffset}`);
  try {
    return [gunzipSync(batch.bytes.subarray(BATCH_HEADER_BYTES)), 0];
  } catch (error) {
    throw new BatchFormatError('corrupt', error instanceof Error ? error.message : String(error));
  }
}

/** Reads zigzag varints; beyond the end of the buffer everything reads as garbage that no length check passes. */
class RecordCursor {
  readonly #bytes: Buffer;
  position: number;

  constructor(bytes: Buffer, position: number) {
    this.#bytes = bytes;
    this.position = position;
  }

  varint(): number {
    return this.#zigzag(5);
  }

  varlong(): number {
    return this.#zigzag(10);
  }

  /** A view of the next bytes behind their length, or null for a negative one. */
  nullableBytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const start = this.position;
    this.position += length;
    if (!(this.position <= this.#bytes.length))
      throw new BatchFormatError('corrupt', 'a key or value reaches too far');
    return this.#bytes.subarray(start, this.position);
  }

  #zigzag(bytesMax: number): number {
    let value = 0;
    let scale = 1;
    for (let index = 0; index < bytesMax; index++) {
      const byte = this.#bytes[this.position++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      scale *= 128;
    }
    return Number.NaN;
  }
}

const zigzag = (value: number): number => (value < 0 ? -value * 2 - 1 : value * 2);

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = zigzag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++;
  return bytes;
}

function writeVarint(bytes: Buffer, position: number, value: number): number {
  let at = position;
  let rest = zigzag(value);
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at++] = rest;
  return at;
}

function writeNullable(bytes: Buffer, position: number, content: Uint8Array | null): number {
  if (content === null) return writeVarint(bytes, position, -1);
  const at = writeVarint(bytes, position, content.length);
  bytes.set(content, at);
  return at + content.length;
}

const nullableBytes = (content: Uint8Array | null): number =>
  content === null ? 1 : varintBytes(content.length) + content.length;

/** Attributes, two deltas, key, value and headers. */
function recordBytes(record: BatchRecord, index: number, baseTimestampMs: number): number {
  return (
    1 +
    (record.headers ?? NO_HEADERS).length +
    varintBytes((record.timestampMs ?? baseTimestampMs) - baseTimestampMs) +
    varintBytes(record.offsetDelta ?? index) +
    nullableBytes(record.key) +
    nullableBytes(record.value)
  );
}

// What can be told of a batch before it is in place.

export const maxTimestampOf = (bytes: Buffer): number => readNumber64(bytes, MAX_TIMESTAMP_POSITION);

export const recordCountOf = (bytes: Buffer): number => bytes.readInt32BE(COUNT_POSITION);

/** Of bytes that may be no batch at all. */
export const isTransactionalBatch = (bytes: Buffer): boolean =>
  bytes.length >= BATCH_HEADER_BYTES &&
  bytes.readInt8(MAGIC_POSITION) === MAGIC &&
  (bytes.readInt16BE(ATTRIBUTES_POSITION) & TRANSACTIONAL) !== 0;

/** Whose batch it is. */
export const producerOf = (bytes: Buffer): { id: bigint; epoch: number } => ({
  id: bytes.readBigInt64BE(PRODUCER_ID_POSITION),
  epoch: bytes.readInt16BE(PRODUCER_EPOCH_POSITION),
});
