import { gzipSync } from 'node:zlib';
import { compressionsAlgorithms } from '@platformatic/kafka';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type BatchToWrite, writeBatch } from './batch-writer.testing.ts';
import { CorruptBatchError, decodeRecordBatches } from './record-batches.ts';

const plain: BatchToWrite = {
  baseOffset: 41n,
  records: [
    { key: Buffer.from('k'), value: Buffer.from('one') },
    { key: null, value: null },
  ],
};

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const recordArbitrary = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  timestampDelta: fc.bigInt({ min: -1_000n, max: 1_000_000n }),
});

describe('record batches', () => {
  it('read as they were written, one after the other', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            records: fc.array(recordArbitrary, { minLength: 1, maxLength: 5 }),
            leaderEpoch: fc.integer({ min: 0, max: 1_000 }),
            producerId: fc.bigInt({ min: -1n, max: 2n ** 60n }),
            transactional: fc.boolean(),
          }),
          { maxLength: 4 },
        ),
        (drawn) => {
          let next = 7n;
          const written = drawn.map((one) => {
            const batch: BatchToWrite = { ...one, baseOffset: next };
            next += BigInt(one.records.length);
            return batch;
          });
          const read = decodeRecordBatches(Buffer.concat(written.map(writeBatch)));
          expect(read).toEqual(
            written.map((batch) => ({
              baseOffset: batch.baseOffset,
              lastOffset: batch.baseOffset + BigInt(batch.records.length - 1),
              leaderEpoch: batch.leaderEpoch,
              // The largest that the writer says, whatever its records say.
              timestampEpochMs: 1_700_000_009_999,
              producerId: batch.producerId,
              transactional: batch.transactional,
              removedRecords: 0,
              control: null,
              records: batch.records.map(({ key, value, timestampDelta }, i) => ({
                offset: batch.baseOffset + BigInt(i),
                timestampEpochMs: 1_700_000_000_000 + Number(timestampDelta),
                key,
                value,
              })),
            })),
          );
        },
      ),
    );
  });

  it('leaves a batch that is cut short for the next fetch, wherever it is cut', () => {
    const first = writeBatch(plain);
    const both = Buffer.concat([first, writeBatch({ ...plain, baseOffset: 43n })]);
    for (let length = first.length; length < both.length; length++)
      expect(decodeRecordBatches(both.subarray(0, length))).toHaveLength(1);
    expect(decodeRecordBatches(both)).toHaveLength(2);
    expect(decodeRecordBatches(Buffer.alloc(0))).toEqual([]);
  });

  it('refuses every single wrong bit in what the checksum covers, and in the checksum', () => {
    const good = writeBatch(plain);
    for (let position = 17; position < good.length; position++)
      for (let bit = 0; bit < 8; bit++) {
        const bad = Buffer.from(good);
        bad[position] = (bad[position] as number) ^ (1 << bit);
        expect(() => decodeRecordBatches(bad), `byte ${position}, bit ${bit}`).toThrow(CorruptBatchError);
      }
  });

  it('refuses older message formats by name, and impossible sizes', () => {
    const old = writeBatch(plain);
    old[16] = 1;
    expect(() => decodeRecordBatches(old)).toThrow('message format 1, expected 2');
    const negative = writeBatch(plain);
    negative.writeInt32BE(-1, 8);
    expect(() => decodeRecordBatches(negative)).toThrow('impossible size');
    const tiny = Buffer.alloc(12);
    expect(() => decodeRecordBatches(tiny)).toThrow('only 12 bytes');
  });

  it('never fails otherwise than by CorruptBatchError on bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (array) => {
        let error: unknown = null;
        try {
          decodeRecordBatches(Buffer.from(array));
        } catch (thrown) {
          error = thrown;
        }
        expect(error === null || error instanceof CorruptBatchError, String(error)).toBe(true);
      }),
    );
  });

  it('tells commit and abort markers apart, and takes their offset', () => {
    const marker = (type: number): Buffer =>
      writeBatch({
        baseOffset: 9n,
        records: [{ key: Buffer.from([0, 0, 0, type]), value: Buffer.alloc(6) }],
        control: true,
        transactional: true,
        producerId: 4n,
      });
    const [abort, commit, other] = decodeRecordBatches(Buffer.concat([marker(0), marker(1), marker(2)]));
    expect([abort?.control, commit?.control, other?.control]).toEqual(['abort', 'commit', 'other']);
    expect(commit).toMatchObject({ lastOffset: 9n, producerId: 4n, records: [] });
  });

  it('uses the time of the append where the log has it', () => {
    const [batch] = decodeRecordBatches(writeBatch({ ...plain, logAppendTime: true }));
    expect(batch?.records.map((record) => record.timestampEpochMs)).toEqual([
      1_700_000_009_999, 1_700_000_009_999,
    ]);
  });

  it('keeps the offsets of a compacted batch and counts what is missing', () => {
    const [batch] = decodeRecordBatches(
      writeBatch({
        baseOffset: 10n,
        lastOffsetDelta: 4,
        records: [
          { key: null, value: null, offsetDelta: 1 },
          { key: null, value: null, offsetDelta: 3 },
        ],
      }),
    );
    expect(batch).toMatchObject({ baseOffset: 10n, lastOffset: 14n, removedRecords: 3 });
    expect(batch?.records.map((record) => record.offset)).toEqual([11n, 13n]);
  });

  it('reads every compression that this Node version has', () => {
    const { snappy, lz4, zstd } = compressionsAlgorithms;
    const snappyJava = (data: Buffer): Buffer => {
      const header = Buffer.from('82534e415050590000000001' + '00000001', 'hex');
      const block = snappy.compressSync(data);
      const size = Buffer.alloc(4);
      size.writeInt32BE(block.length);
      return Buffer.concat([header, size, block]);
    };
    const codecs: [number, (data: Buffer) => Buffer][] = [
      [1, (data) => gzipSync(data)],
      [2, (data) => snappy.compressSync(data)],
      [2, snappyJava],
      [3, (data) => lz4.compressSync(data)],
    ];
    if (zstd.available) codecs.push([4, (data) => zstd.compressSync(data)]);
    for (const [bits, compress] of codecs) {
      const [batch] = decodeRecordBatches(writeBatch({ ...plain, compression: { bits, compress } }));
      expect(
        batch?.records.map((record) => record.value?.toString() ?? null),
        `codec ${bits}`,
      ).toEqual(['one', null]);
    }
    const unknown = writeBatch({ ...plain, compression: { bits: 7, compress: (data) => data } });
    expect(() => decodeRecordBatches(unknown)).toThrow('compression 7 is unknown');
  });
});
