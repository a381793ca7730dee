/** The partition log against a naive model of itself, and its rules one by one. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { errorCode } from '../protocol/errors.ts';
import { PartitionLog } from './partition-log.ts';
import { type BatchFields, buildBatch, RecordBatch, readRecords } from './record-batch.ts';

const KEEP_TIME = null;
const HUGE = Number.MAX_SAFE_INTEGER;

const produced = (values: readonly (string | null)[], fields: Partial<BatchFields> & { key?: string } = {}) =>
  buildBatch(
    { baseOffset: 0, leaderEpoch: -1, timestampMs: 1_000, ...fields },
    values.map((value) => ({
      key: fields.key === undefined ? null : Buffer.from(fields.key),
      value: value === null ? null : Buffer.from(value),
    })),
  ).bytes;

const idempotent = (baseSequence: number, count = 1, producerEpoch = 0, more: Partial<BatchFields> = {}) =>
  produced(new Array(count).fill('x'), { producerId: 5, producerEpoch, baseSequence, ...more });

const append = (log: PartitionLog, bytes: Buffer, epoch = 0) => log.append(bytes, epoch, KEEP_TIME);

/** What a reader makes of the chunks: it skips a batch that was cut short, as every client does. */
function recordsIn(chunks: readonly Buffer[], fromOffset: number): string[] {
  const found: string[] = [];
  for (const chunk of chunks) {
    if (chunk.length < 61 || chunk.length < 12 + chunk.readInt32BE(8)) continue;
    for (const { offset, value } of readRecords(new RecordBatch(chunk)))
      if (offset >= fromOffset) found.push(`${offset}:${String(value)}`);
  }
  return found;
}

interface ModelBatch {
  readonly base: number;
  readonly values: readonly string[];
}

/** Everything the log is expected to hold, in the simplest way to say it. */
class Model {
  batches: ModelBatch[] = [];
  start = 0;
  end = 0;
  highWatermark = 0;

  append(values: readonly string[]): void {
    this.batches.push({ base: this.end, values });
    this.end += values.length;
  }

  truncate(offset: number): void {
    if (offset >= this.end) return;
    this.batches = this.batches.filter(({ base, values }) => base + values.length <= offset);
    this.end = Math.max(offset, this.start);
    this.highWatermark = Math.min(this.highWatermark, this.end);
  }

  deleteBefore(offset: number): void {
    if (offset <= this.start || offset > this.end) return;
    this.start = offset;
    this.highWatermark = Math.max(this.highWatermark, offset);
    this.batches = this.batches.filter(({ base, values }) => base + values.length > offset);
  }

  read(from: number, upTo: number): string[] {
    return this.batches
      .filter(({ base }) => base < upTo)
      .flatMap(({ base, values }) => values.map((value, index) => ({ offset: base + index, value })))
      .filter(({ offset }) => offset >= from)
      .map(({ offset, value }) => `${offset}:${value}`);
  }
}

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), at: fc.nat(40) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete' as const), at: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('watermark' as const), at: fc.nat(40) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      at: fc.nat(40),
      upTo: fc.nat(40),
      bytesMax: fc.constantFrom(0, 1, 70, 150, 400, HUGE),
    }),
  },
);

describe('against a model', () => {
  test('append, truncate, delete and read agree after any sequence of them', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const log = new PartitionLog();
        const model = new Model();
        let epoch = 0;
        for (const [step, one] of commands.entries()) {
          switch (one.kind) {
            case 'append': {
              const values = Array.from({ length: one.count }, (_, index) => `${step}.${index}`);
              append(log, produced(values), epoch);
              model.append(values);
              break;
            }
            case 'truncate':
              log.truncateTo(one.at);
              model.truncate(one.at);
              epoch += 1;
              break;
            case 'delete':
              log.advanceLogStart(one.at);
              model.deleteBefore(one.at);
              break;
            case 'watermark':
              log.advanceHighWatermark(one.at);
              model.highWatermark = Math.max(model.highWatermark, Math.min(one.at, model.end));
              break;
            case 'read':
              expectSameRead(log, model, one.at, one.upTo, one.bytesMax);
          }
          expect([log.logStartOffset, log.highWatermark, log.logEndOffset]).toEqual([
            model.start,
            model.highWatermark,
            model.end,
          ]);
        }
        expect(log.batches.every((batch) => batch.lastOffset >= log.logStartOffset)).toBe(true);
        expect(log.sizeBytes).toBe(log.batches.reduce((sum, batch) => sum + batch.sizeBytes, 0));
        expect(
          [...log.records(log.logEndOffset)].map(({ offset, value }) => `${offset}:${String(value)}`),
        ).toEqual(model.read(model.start, model.end));
      }),
      { numRuns: 500 },
    );
  });
});

function expectSameRead(log: PartitionLog, model: Model, at: number, upTo: number, bytesMax: number): void {
  if (at < model.start || at > model.end) return;
  const { chunks, sizeBytes } = log.read(at, upTo, bytesMax, true, false);
  const wanted = at < upTo ? model.read(at, upTo) : [];
  const found = recordsIn(chunks, at);
  expect(found).toEqual(wanted.slice(0, found.length));
  expect(sizeBytes).toBe(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  expect(bytesMax < HUGE || found.length === wanted.length, 'all of it').toBe(true);
  expect(wanted.length === 0 || found.length > 0, 'the first batch is whole, whatever the limit').toBe(true);
  expect(chunks.length < 2 || sizeBytes <= bytesMax, 'within the limit').toBe(true);
  expect(log.bytesBetween(at, upTo, HUGE)).toBe(log.read(at, upTo, HUGE, true, false).sizeBytes);
}

describe('idempotent producers', () => {
  const error = (log: PartitionLog, bytes: Buffer) => append(log, bytes).errorCode;

  test('a repeated batch is answered with its first offset and not written', () => {
    const log = new PartitionLog();
    for (let sequence = 0; sequence < 5; sequence++) append(log, idempotent(sequence * 2, 2));
    for (let sequence = 0; sequence < 5; sequence++)
      expect(append(log, idempotent(sequence * 2, 2))).toMatchObject({
        errorCode: 0,
        baseOffset: sequence * 2,
      });
    expect(log.logEndOffset).toBe(10);
  });

  test('a batch beyond the last five is not recognised', () => {
    const log = new PartitionLog();
    for (let sequence = 0; sequence < 6; sequence++) append(log, idempotent(sequence));
    expect(error(log, idempotent(0))).toBe(errorCode('OUT_OF_ORDER_SEQUENCE_NUMBER'));
  });

  test('a gap is refused, and so is a new epoch that does not begin with 0', () => {
    const log = new PartitionLog();
    append(log, idempotent(0));
    expect(error(log, idempotent(2))).toBe(errorCode('OUT_OF_ORDER_SEQUENCE_NUMBER'));
    expect(error(log, idempotent(1, 1, 1))).toBe(errorCode('OUT_OF_ORDER_SEQUENCE_NUMBER'));
    expect(error(log, idempotent(0, 1, 1))).toBe(0);
    expect(error(log, idempotent(1, 1, 0))).toBe(errorCode('INVALID_PRODUCER_EPOCH'));
  });

  test('a producer that the log does not know may begin anywhere, and with transactions perhaps at 0 only', () => {
    expect(error(new PartitionLog(), idempotent(17))).toBe(0);
    const begun = (sequence: number, transactional: boolean, beginsAtZero: boolean): number =>
      new PartitionLog().append(idempotent(sequence, 1, 0, { transactional }), 0, KEEP_TIME, beginsAtZero)
        .errorCode;
    expect(begun(17, true, true)).toBe(errorCode('OUT_OF_ORDER_SEQUENCE_NUMBER'));
    expect([begun(0, true, true), begun(17, false, true), begun(17, true, false)]).toEqual([0, 0, 0]);
  });

  test('sequences wrap from 2^31 - 1 to 0', () => {
    const log = new PartitionLog();
    append(log, idempotent(2 ** 31 - 2, 2));
    expect(error(log, idempotent(0))).toBe(0);
    const other = new PartitionLog();
    append(other, idempotent(2 ** 31 - 1, 3));
    expect(error(other, idempotent(2))).toBe(0);
  });

  test('what truncation takes away is forgotten', () => {
    const log = new PartitionLog();
    append(log, idempotent(0));
    append(log, idempotent(1));
    log.truncateTo(1);
    expect(append(log, idempotent(1))).toMatchObject({ errorCode: 0, baseOffset: 1 });
    expect(log.logEndOffset, 'written anew').toBe(2);
  });
});

describe('transactions', () => {
  const transactional = (sequence: number, producerId = 5) =>
    idempotent(sequence, 1, 0, { producerId, transactional: true });
  const producer = (producerId: number, coordinatorEpoch = 0) => ({
    producerId,
    producerEpoch: 0,
    coordinatorEpoch,
  });

  test('the last stable offset waits for the earliest open transaction', () => {
    const log = new PartitionLog();
    append(log, produced(['a']));
    append(log, transactional(0, 5));
    append(log, transactional(0, 6));
    log.advanceHighWatermark(3);
    expect(log.lastStableOffset).toBe(1);
    log.appendMarker('commit', producer(5), 0, 0);
    // The marker counts once it is replicated.
    expect(log.lastStableOffset).toBe(1);
    log.advanceHighWatermark(4);
    expect(log.lastStableOffset).toBe(2);
    log.appendMarker('abort', producer(6), 0, 0);
    log.advanceHighWatermark(5);
    expect(log.lastStableOffset).toBe(5);
  });

  test('a read of committed records names the aborted transactions in its range', () => {
    const log = new PartitionLog();
    append(log, transactional(0, 5));
    append(log, transactional(0, 6));
    log.appendMarker('abort', producer(5), 0, 0);
    log.appendMarker('commit', producer(6), 0, 0);
    append(log, produced(['later']));
    log.advanceHighWatermark(5);
    const aborted = { producerId: 5, firstOffset: 0, lastOffset: 2 };
    expect(log.read(0, 5, HUGE, true, true).aborted).toEqual([aborted]);
    expect(log.read(2, 5, HUGE, true, true).aborted).toEqual([aborted]);
    expect(log.read(3, 5, HUGE, true, true).aborted).toEqual([]);
    expect(log.read(0, 5, HUGE, true, false).aborted).toBeNull();
  });

  test('what is outside of the transaction, or from a fenced coordinator, is refused', () => {
    const log = new PartitionLog();
    append(log, transactional(0));
    expect(append(log, idempotent(1)).errorCode).toBe(errorCode('INVALID_TXN_STATE'));
    expect(log.appendMarker('commit', producer(5, 3), 0, 0).errorCode).toBe(0);
    expect(log.appendMarker('commit', producer(5, 2), 0, 0).errorCode).toBe(
      errorCode('TRANSACTION_COORDINATOR_FENCED'),
    );
  });
});

describe('leader epochs', () => {
  test('an epoch ends where the next one begins', () => {
    const log = new PartitionLog();
    for (const epoch of [0, 0, 2, 5]) append(log, produced(['x']), epoch);
    expect([0, 1, 2, 3, 5].map((epoch) => log.endOfEpoch(epoch))).toEqual([
      { epoch: 0, endOffset: 2 },
      { epoch: 0, endOffset: 2 },
      { epoch: 2, endOffset: 3 },
      { epoch: 2, endOffset: 3 },
      { epoch: 5, endOffset: 4 },
    ]);
    expect(log.endOfEpoch(6)).toBeNull();
    log.truncateTo(3);
    expect(log.endOfEpoch(2)).toEqual({ epoch: 2, endOffset: 3 });
    log.advanceLogStart(2);
    expect(log.endOfEpoch(0)).toEqual({ epoch: 0, endOffset: 2 });
  });
});

describe('times', () => {
  test('the first record at or after a time, and the record with the latest one', () => {
    const log = new PartitionLog();
    for (const timestampMs of [100, 300, 200]) append(log, produced(['x', 'y'], { timestampMs }));
    expect(log.offsetForTime(150, HUGE)).toEqual({ offset: 2, timestampMs: 300 });
    expect(log.offsetForTime(300, HUGE)).toEqual({ offset: 2, timestampMs: 300 });
    expect(log.offsetForTime(301, HUGE)).toBeNull();
    expect(log.offsetForTime(150, 2)).toBeNull();
    expect(log.offsetOfMaxTimestamp(HUGE)).toEqual({ offset: 2, timestampMs: 300 });
  });
});

describe('segments', () => {
  const segmented = () => {
    const log = new PartitionLog();
    const size = produced(['x']).length;
    log.segmentLimits = { segmentBytes: 2 * size, segmentMs: HUGE };
    for (let index = 0; index < 5; index++) append(log, produced(['x']));
    return { log, size };
  };

  test.each([
    [0, [0, 1]],
    [1, [1]],
    [2, [2, 3]],
    [4, [4]],
  ])('a read from %i ends with its segment', (offset, offsets) => {
    const { chunks } = segmented().log.read(offset, 5, HUGE, true, false);
    expect(recordsIn(chunks, offset)).toEqual(offsets.map((at) => `${at}:x`));
  });

  test('what is left of an older segment is enough for any reader', () => {
    const { log, size } = segmented();
    expect(log.bytesBetween(3, 5, HUGE)).toBe(HUGE);
    expect(log.bytesBetween(3, 4, HUGE)).toBe(size);
    expect(log.bytesBetween(4, 5, HUGE)).toBe(size);
  });
});

describe('retention', () => {
  const filled = () => {
    const log = new PartitionLog();
    const size = produced(['x']).length;
    log.segmentLimits = { segmentBytes: 2 * size, segmentMs: HUGE };
    for (let index = 0; index < 6; index++) append(log, produced(['x'], { timestampMs: index * 1_000 }));
    return { log, size };
  };

  test('by age whole segments go, up to the high watermark', () => {
    const { log } = filled();
    log.advanceHighWatermark(5);
    expect(log.applyRetention({ retentionMs: 1_500, retentionBytes: -1 }, 4_000)).toBe(true);
    expect(log.logStartOffset).toBe(2);
    log.applyRetention({ retentionMs: 0, retentionBytes: -1 }, 100_000);
    expect(log.logStartOffset, 'the last segment is not replicated yet').toBe(4);
    log.advanceHighWatermark(6);
    log.applyRetention({ retentionMs: 0, retentionBytes: -1 }, 100_000);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([6, 6]);
  });

  test('by size, as long as what stays is enough', () => {
    const { log, size } = filled();
    log.advanceHighWatermark(6);
    log.applyRetention({ retentionMs: -1, retentionBytes: 3 * size }, 0);
    expect(log.logStartOffset).toBe(2);
    expect(log.applyRetention({ retentionMs: -1, retentionBytes: 3 * size }, 0)).toBe(false);
  });
});

describe('compaction', () => {
  test('the newest record of each key stays, with its offset and headers', () => {
    const log = new PartitionLog();
    append(log, produced(['1', '2'], { key: 'a' }));
    // One header, `h` with `x`, in a batch that loses its other record.
    const headers = Buffer.from([2, 2, 0x68, 2, 0x78]);
    const records = [
      { key: Buffer.from('b'), value: Buffer.from('3'), headers },
      { key: Buffer.from('a'), value: Buffer.from('x') },
    ];
    append(log, buildBatch({ baseOffset: 0, leaderEpoch: 0, timestampMs: 1 }, records).bytes);
    append(log, produced(['4'], { key: 'a' }));
    append(log, produced(['5']));
    log.advanceHighWatermark(6);
    expect(log.compact(HUGE)).toBe(4);
    expect([...log.records()][0]?.headers).toEqual(headers);
    expect([...log.records()].map(({ offset, value }) => `${offset}:${String(value)}`)).toEqual([
      '2:3',
      '4:4',
    ]);
    expect([log.logStartOffset, log.logEndOffset]).toEqual([0, 6]);
  });

  test("a producer's last batch stays, empty", () => {
    const log = new PartitionLog();
    append(log, idempotent(0));
    append(log, idempotent(1));
    log.advanceHighWatermark(2);
    log.compact(HUGE);
    expect(
      log.batches.map(({ baseOffset, lastOffset, count }) => ({ baseOffset, lastOffset, count })),
    ).toEqual([{ baseOffset: 1, lastOffset: 1, count: 0 }]);
    expect(append(log, idempotent(2)).errorCode).toBe(0);
  });

  test('the active segment and tombstones are spared unless told otherwise', () => {
    const log = new PartitionLog();
    append(log, produced(['1'], { key: 'a' }));
    append(log, produced([null], { key: 'a' }));
    log.advanceHighWatermark(2);
    expect(log.compact()).toBe(0);
    expect(log.compact(HUGE)).toBe(1);
    expect(log.compact(HUGE, true)).toBe(1);
    expect([...log.records()]).toEqual([]);
  });
});
