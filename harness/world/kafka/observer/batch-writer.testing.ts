/**
 * For tests: writes record batches of format 2 by hand, so that the reader is not tested against itself; a description
 * enters, bytes with a right checksum leave.
 */

export interface RecordToWrite {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly timestampDelta?: bigint;
  readonly offsetDelta?: number;
}

export interface BatchToWrite {
  readonly baseOffset: bigint;
  readonly records: readonly RecordToWrite[];
  readonly lastOffsetDelta?: number;
  readonly leaderEpoch?: number;
  readonly producerId?: bigint;
  readonly transactional?: boolean;
  readonly control?: boolean;
  readonly logAppendTime?: boolean;
  readonly baseTimestamp?: bigint;
  readonly compression?: { readonly bits: number; readonly compress: (data: Buffer) => Buffer };
}

const BASE_TIMESTAMP = 1_700_000_000_000n;

export function writeBatch(batch: BatchToWrite): Buffer {
  const records = Buffer.concat(batch.records.map(writeRecord));
  const payload = batch.compression ? batch.compression.compress(records) : records;
  const header = Buffer.alloc(40);
  header.writeInt16BE(
    (batch.compression?.bits ?? 0) |
      (batch.logAppendTime ? 8 : 0) |
      (batch.transactional ? 16 : 0) |
      (batch.control ? 32 : 0),
    0,
  );
  header.writeInt32BE(batch.lastOffsetDelta ?? batch.records.length - 1, 2);
  const baseTimestamp = batch.baseTimestamp ?? BASE_TIMESTAMP;
  header.writeBigInt64BE(baseTimestamp, 6);
  header.writeBigInt64BE(baseTimestamp + 9_999n, 14);
  header.writeBigInt64BE(batch.producerId ?? -1n, 22);
  header.writeInt16BE(0, 30);
  header.writeInt32BE(0, 32);
  header.writeInt32BE(batch.records.length, 36);
  const covered = Buffer.concat([header, payload]);

  const front = Buffer.alloc(21);
  front.writeBigInt64BE(batch.baseOffset, 0);
  front.writeInt32BE(9 + covered.length, 8);
  front.writeInt32BE(batch.leaderEpoch ?? 0, 12);
  front.writeInt8(2, 16);
  front.writeUInt32BE(crc32c(covered), 17);
  return Buffer.concat([front, covered]);
}

function writeRecord(record: RecordToWrite, index: number): Buffer {
  const body = Buffer.concat([
    Buffer.from([0]),
    varint(record.timestampDelta ?? 0n),
    varint(BigInt(record.offsetDelta ?? index)),
    nullableBytes(record.key),
    nullableBytes(record.value),
    varint(0n),
  ]);
  return Buffer.concat([varint(BigInt(body.length)), body]);
}

const nullableBytes = (bytes: Buffer | null): Buffer =>
  bytes === null ? varint(-1n) : Buffer.concat([varint(BigInt(bytes.length)), bytes]);

/** Zigzag, then seven bits a byte. */
function varint(value: bigint): Buffer {
  let rest = value >= 0n ? value * 2n : -value * 2n - 1n;
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

/** Bit by bit, from the polynomial's definition. */
function crc32c(bytes: Buffer): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
