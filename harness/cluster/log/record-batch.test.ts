/** Batches against two foreign codecs: kafkajs' encoder, and the reader of @platformatic/kafka. */
import { createRequire } from 'node:module';
import { Reader, readRecordsBatch } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';
import {
  BatchFormatError,
  buildBatch,
  buildMarker,
  checkProducedBatch,
  markerOf,
  placeBatch,
  RecordBatch,
  readRecords,
} from './record-batch.ts';

/** kafkajs' own encoder, which is no part of its public face. */
const require = createRequire(import.meta.url);
const { RecordBatch: encodeKafkajs } = require('kafkajs/src/protocol/recordBatch/v0') as {
  RecordBatch: (batch: object) => Promise<{ buffer: Buffer }>;
};
const kafkajsRecord = require('kafkajs/src/protocol/recordBatch/record/v0') as (record: object) => object;

const NONE = 0;
const GZIP = 1;

async function kafkajsBatch(compression: number, values: readonly string[]): Promise<Buffer> {
  const { buffer } = await encodeKafkajs({
    compression,
    firstTimestamp: 1_000,
    maxTimestamp: 1_000 + values.length - 1,
    producerId: 7,
    producerEpoch: 1,
    firstSequence: 40,
    lastOffsetDelta: values.length - 1,
    records: values.map((value, index) =>
      kafkajsRecord({
        offsetDelta: index,
        timestampDelta: index,
        key: `key-${index}`,
        value,
        headers: { trace: `t${index}` },
      }),
    ),
  });
  return buffer;
}

const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());

describe('a batch of a client', () => {
  test.each([
    ['uncompressed', NONE],
    ['gzip', GZIP],
  ])('%s: checked, placed and read back', async (_name, compression) => {
    const bytes = await kafkajsBatch(compression, ['one', 'two', 'three']);
    checkProducedBatch(bytes);
    const before = Buffer.from(bytes);
    const placed = placeBatch(bytes, 1_000_000_000_000, 5, null);
    expect(bytes.equals(before), 'the bytes of the client are left alone').toBe(true);
    expect(placed).toMatchObject({
      baseOffset: 1_000_000_000_000,
      lastOffset: 1_000_000_000_002,
      leaderEpoch: 5,
      producerId: 7,
      producerEpoch: 1,
      baseSequence: 40,
      lastSequence: 42,
      count: 3,
      maxTimestampMs: 1_002,
      compression,
    });
    expect(
      readRecords(placed).map(({ key, value, offset, timestampMs }) => [
        text(key),
        text(value),
        offset,
        timestampMs,
      ]),
    ).toEqual([
      ['key-0', 'one', 1_000_000_000_000, 1_000],
      ['key-1', 'two', 1_000_000_000_001, 1_001],
      ['key-2', 'three', 1_000_000_000_002, 1_002],
    ]);
    // Everything behind the leader epoch and the magic byte is as the client sent it.
    expect(placed.bytes.subarray(16).equals(before.subarray(16))).toBe(true);
    const foreign = readRecordsBatch(Reader.from(placed.bytes));
    expect(foreign.firstOffset).toBe(1_000_000_000_000n);
    expect(foreign.records.map(({ value }) => text(value as Buffer))).toEqual(['one', 'two', 'three']);
  });

  test('a log append time replaces the time stamps, and the checksum follows', async () => {
    const placed = placeBatch(await kafkajsBatch(NONE, ['one', 'two']), 3, 0, 9_000);
    expect(readRecords(placed).map(({ timestampMs }) => timestampMs)).toEqual([9_000, 9_000]);
    expect(placed.bytes.readUInt32BE(17)).toBe(crc32c(placed.bytes, 21));
  });

  test('every single flipped bit is refused', async () => {
    const bytes = await kafkajsBatch(NONE, ['one']);
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const position = bit >>> 3;
      // The leader epoch is the broker's to fill in, and nothing checks what a client left there.
      if (position >= 12 && position < 16) continue;
      const broken = Buffer.from(bytes);
      broken[position] = (broken[position] as number) ^ (1 << (bit & 7));
      expect(() => checkProducedBatch(broken), `bit ${bit}`).toThrow(BatchFormatError);
    }
  });

  test.each([
    ['two batches', (bytes: Buffer) => Buffer.concat([bytes, bytes]), 'malformed'],
    ['none', () => Buffer.alloc(0), 'malformed'],
    ['a cut one', (bytes: Buffer) => bytes.subarray(0, bytes.length - 1), 'malformed'],
    ['an older format', (bytes: Buffer) => replaced(bytes, 16, 1), 'malformed'],
    ['a newer format', (bytes: Buffer) => replaced(bytes, 16, 3), 'corrupt'],
  ] as const)('%s instead of one is refused', async (_name, change, fault) => {
    const bytes = change(await kafkajsBatch(NONE, ['one']));
    expect(() => checkProducedBatch(bytes)).toThrow(expect.objectContaining({ fault }));
  });

  test.each([
    ['a control batch', { control: true }],
    ['a producer without a sequence', { producerId: 4, baseSequence: -1 }],
    ['fewer records than offsets', { lastOffsetDelta: 5 }],
    ['a base offset', { baseOffset: 1 }],
  ])('%s is refused although its checksum is right', (_name, fields) => {
    const { bytes } = buildBatch({ baseOffset: 0, leaderEpoch: 0, timestampMs: 0, ...fields }, [
      { key: null, value: Buffer.from('one') },
    ]);
    expect(() => checkProducedBatch(bytes)).toThrow(expect.objectContaining({ fault: 'invalid' }));
  });

  test('records whose offsets jump are refused', () => {
    const { bytes } = buildBatch({ baseOffset: 0, leaderEpoch: 0, timestampMs: 0 }, [
      { key: null, value: null, offsetDelta: 1 },
      { key: null, value: null, offsetDelta: 1 },
    ]);
    expect(() => checkProducedBatch(bytes)).toThrow(BatchFormatError);
  });
});

const replaced = (bytes: Buffer, position: number, byte: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[position] = byte;
  return copy;
};

describe('a batch of the broker', () => {
  const content = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
  const record = fc.record({
    key: content,
    value: content,
    timestampMs: fc.integer({ min: 0, max: 2 ** 45 }),
  });

  test('any records are read back by a foreign reader, as they were', () => {
    fc.assert(
      fc.property(
        fc.array(record, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 0, max: 2 ** 50 }),
        fc.integer({ min: 0, max: 2 ** 45 }),
        (records, baseOffset, timestampMs) => {
          const batch = buildBatch({ baseOffset, leaderEpoch: 3, timestampMs }, records);
          const foreign = readRecordsBatch(Reader.from(batch.bytes));
          expect(foreign.firstOffset).toBe(BigInt(baseOffset));
          expect(foreign.lastOffsetDelta).toBe(records.length - 1);
          for (const [index, one] of records.entries()) {
            const other = foreign.records[index];
            expect(other?.key ?? null).toEqual(one.key === null ? null : Buffer.from(one.key));
            expect(other?.value ?? null).toEqual(one.value === null ? null : Buffer.from(one.value));
            expect(foreign.firstTimestamp + (other?.timestampDelta ?? 0n)).toBe(BigInt(one.timestampMs));
          }
          expect(readRecords(batch)).toEqual(
            records.map((one, index) => ({
              offset: baseOffset + index,
              timestampMs: one.timestampMs,
              key: one.key && Buffer.from(one.key),
              value: one.value && Buffer.from(one.value),
              headers: Buffer.alloc(1),
            })),
          );
          const { bytes } = buildBatch({ baseOffset: 0, leaderEpoch: 3, timestampMs }, records);
          checkProducedBatch(bytes);
        },
      ),
    );
  });

  test('markers say what they say, to us and to a foreign reader', () => {
    const fields = {
      baseOffset: 9,
      leaderEpoch: 2,
      timestampMs: 5,
      producerId: 77,
      producerEpoch: 3,
      coordinatorEpoch: 4,
    };
    for (const marker of ['commit', 'abort'] as const) {
      const batch = buildMarker(marker, fields);
      expect(markerOf(batch)).toEqual({ marker, coordinatorEpoch: 4 });
      expect([batch.isControl, batch.isTransactional, batch.producerId]).toEqual([true, true, 77]);
      const [only] = readRecordsBatch(Reader.from(batch.bytes)).records;
      expect(only?.key?.toString('hex')).toBe(marker === 'commit' ? '00000001' : '00000000');
    }
  });

  test('an empty batch keeps its offsets', () => {
    const batch = buildBatch({ baseOffset: 4, leaderEpoch: 0, timestampMs: 1, lastOffsetDelta: 2 }, []);
    expect(new RecordBatch(batch.bytes)).toMatchObject({ baseOffset: 4, lastOffset: 6, count: 0 });
  });
});

test('the checksum is CRC-32C', () => {
  // The check value of the CRC catalogue.
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.from('x123456789y'), 1, 10)).toBe(0xe3069283);
});
