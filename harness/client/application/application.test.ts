/** The application in front of every client: its draws, its handler, its sends, and what mutants make of it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Producer } from '../../../scenarios/schema.ts';
import type { ClientEvent, Host } from '../host.ts';
import { mutants } from '../mutants.ts';
import type { MemberStart } from '../protocol.ts';
import { decodeRecordValue, encodeRecordValue, fillTemplate } from '../record-value.ts';
import { causes, describeError } from './describe-error.ts';
import { draw, drawInteger } from './draw.ts';
import { createHandler, HandlerFailure } from './handler.ts';
import { createMutation } from './mutation.ts';
import { planSends } from './send-plan.ts';

type MemberGroup = MemberStart['group'];

const memberGroup = (changes: Partial<MemberGroup> = {}): MemberGroup => ({
  id: 'g',
  topics: ['real-b', 'real-a'],
  sessionTimeoutMs: 6000,
  rebalanceTimeoutMs: 6000,
  heartbeatIntervalMs: 500,
  autoOffsetReset: 'earliest',
  fetchMaxWaitMs: 200,
  maxPartitionFetchBytes: 1000,
  partitionsConsumedConcurrently: 1,
  metadataMaxAgeMs: 1000,
  consumeMode: 'each-message',
  commitMode: { kind: 'per-record' },
  commitOrder: 'process-then-commit',
  handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
  ...changes,
});

const recorder = (): { host: Host; events: ClientEvent[] } => {
  const events: ClientEvent[] = [];
  return { events, host: { emit: (event) => events.push(event), exit: () => {}, refuse: () => {} } };
};

describe('draws', () => {
  test('are the same everywhere: these numbers never change', () => {
    expect([draw('a'), draw('a', 1), draw('record-key', 7, 0), draw('ä€𝄞', -1)]).toMatchInlineSnapshot(`
      [
        2448022055,
        614417633,
        2119200561,
        2093820733,
      ]
    `);
  });

  test('keep their arguments apart', () => {
    expect(draw('a', 'bc')).not.toBe(draw('ab', 'c'));
    expect(draw('a')).not.toBe(draw('a', ''));
  });

  test('stay in their range and reach both ends', () => {
    const seen = new Set(Array.from({ length: 1_000 }, (_, i) => drawInteger(-2, 5, 'range', i)));
    expect([...seen].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2, 3, 4, 5]);
  });

  test('are even, also for neighbouring offsets', () => {
    const share = Array.from({ length: 20_000 }, (_, i) => drawInteger(0, 999, 'failure', 0, 3, String(i)));
    expect(share.filter((one) => one < 100).length).toBeGreaterThan(1_850);
    expect(share.filter((one) => one < 100).length).toBeLessThan(2_150);
  });
});

describe('the handler', () => {
  const record = (offset: number, topic = 'real-b') => ({
    topic,
    partition: 1,
    offset: String(offset),
    record: 'p1-1',
  });

  test('says begin and end around its time', async () => {
    const { host, events } = recorder();
    const handle = createHandler(
      memberGroup({
        handler: { timeMs: { min: 30, max: 30 }, failuresPerThousand: 0, failuresPerRecord: 1 },
      }),
      1,
      host,
    );
    const before = performance.now();
    await handle(record(4));
    expect(performance.now() - before).toBeGreaterThan(28);
    const place = { group: 'g', topic: 'real-b', partition: 1, offset: '4' };
    expect(events).toEqual([
      { kind: 'processing-begin', ...place, record: 'p1-1' },
      { kind: 'processing-end', ...place, outcome: 'ok' },
    ]);
  });

  const failing = (failuresPerThousand: number, failuresPerRecord = 1) =>
    memberGroup({ handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand, failuresPerRecord } });

  test('fails as often as it is told to per record, then processes it', async () => {
    const { host, events } = recorder();
    const handle = createHandler(failing(1_000, 2), 1, host);
    await expect(handle(record(4))).rejects.toThrow(HandlerFailure);
    await expect(handle(record(4))).rejects.toThrow('the scenario makes the handler fail at real-b-1@4');
    await handle(record(4));
    expect(events.filter(({ kind }) => kind === 'processing-end')).toMatchObject([
      { outcome: 'failed' },
      { outcome: 'failed' },
      { outcome: 'ok' },
    ]);
  });

  /** The offsets at which a process with this seed and these topic names fails. */
  const failures = async (seed: number, topics: string[]): Promise<number[]> => {
    const handle = createHandler({ ...failing(100), topics }, seed, recorder().host);
    const failed: number[] = [];
    for (let offset = 0; offset < 300; offset++)
      await handle(record(offset, topics[0])).catch(() => failed.push(offset));
    return failed;
  };

  test('fails at the same records in every process and under every real topic name', async () => {
    const expected = await failures(1, ['real-b', 'real-a']);
    expect(expected.length).toBeGreaterThan(10);
    expect(await failures(2, ['real-b', 'real-a'])).toEqual(expected);
    expect(await failures(1, ['run-77-b', 'run-77-a'])).toEqual(expected);
    expect(await failures(1, ['real-a', 'real-b'])).toEqual(expected);
  });
});

describe('the send plan', () => {
  const producer = (changes: Partial<Producer> = {}): Producer => ({
    id: 'p1',
    topics: ['a', 'b'],
    acks: 'all',
    idempotent: false,
    keys: 3,
    records: 10,
    recordsPerSend: 3,
    valueBytes: 12,
    startMs: 100,
    stopMs: 400,
    ...changes,
  });

  test('spreads the calls evenly in time and over the topics in turn', () => {
    const sends = [...planSends(producer(), 7)];
    expect(sends.map(({ dueMs, topic, records }) => [dueMs, topic, records.length])).toEqual([
      [100, 'a', 3],
      [200, 'b', 3],
      [300, 'a', 3],
      [400, 'b', 1],
    ]);
    expect(sends.flatMap(({ records }) => records.map(({ record }) => record))).toEqual(
      Array.from({ length: 10 }, (_, n) => `p1-${n}`),
    );
  });

  test('is the same for the same seed, uses every key, and none where there are none', () => {
    const keysOf = (seed: number, changes: Partial<Producer> = {}) =>
      [...planSends(producer({ records: 60, ...changes }), seed)].flatMap(({ records }) =>
        records.map(({ key }) => key),
      );
    expect(keysOf(7)).toEqual(keysOf(7));
    expect(keysOf(7)).not.toEqual(keysOf(8));
    expect(new Set(keysOf(7))).toEqual(new Set(['k0', 'k1', 'k2']));
    expect(new Set(keysOf(7, { keys: null }))).toEqual(new Set([null]));
  });

  test('writes keys as text, or as four bytes', () => {
    const bytesOf = (keyFormat: 'text' | 'integer') =>
      [...planSends(producer({ keyFormat }), 7)].flatMap(({ records }) =>
        records.map(({ key, keyBytes }) => [key, keyBytes]),
      );
    for (const [key, bytes] of bytesOf('text')) expect(bytes).toBe(key);
    for (const [key, bytes] of bytesOf('integer'))
      expect((bytes as Buffer).toString('hex')).toBe(`0000000${String(key).slice(1)}`);
  });

  test('sends every record once, whatever the numbers', () => {
    const numbers = fc.record({
      records: fc.integer({ min: 1, max: 200 }),
      recordsPerSend: fc.integer({ min: 1, max: 50 }),
      startMs: fc.nat(1_000),
      lengthMs: fc.nat(1_000),
    });
    fc.assert(
      fc.property(numbers, ({ lengthMs, ...rest }) => {
        const stopMs = rest.startMs + lengthMs;
        const sends = [...planSends(producer({ ...rest, stopMs }), 1)];
        expect(sends.flatMap(({ records }) => records).length).toBe(rest.records);
        const due = sends.map(({ dueMs }) => dueMs);
        expect(due).toEqual(due.toSorted((a, b) => a - b));
        expect(due[0]).toBe(rest.startMs);
        expect(due.at(-1)).toBeLessThanOrEqual(stopMs + 1e-6);
      }),
    );
  });
});

describe('a record value', () => {
  test('carries its id, whole, in at least the bytes asked for', () => {
    expect(encodeRecordValue('p1-7', 8)).toBe('p1-7|...');
    expect(encodeRecordValue('p1-7', 0)).toBe('p1-7|');
    fc.assert(
      fc.property(fc.nat(300), fc.nat(100), (n, bytes) => {
        const value = Buffer.from(encodeRecordValue(`p1-${n}`, bytes));
        expect(value.length).toBe(Math.max(bytes, `p1-${n}|`.length));
        expect(decodeRecordValue(value)).toBe(`p1-${n}`);
      }),
    );
  });

  test('by a template carries its id among what else is in it', () => {
    const template = '{"a|b":"x-1","id":"{record}","number":{number}}';
    expect(fillTemplate(template, 'p1-7')).toBe('{"a|b":"x-1","id":"p1-7|","number":7}');
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(300), (before, after, n) => {
        // What stands before it could end in something that looks like an id of its own.
        const value = fillTemplate(`${before.replaceAll('|', '')} {record}${after}`, `marker-${n}`);
        expect(decodeRecordValue(Buffer.from(value))).toBe(`marker-${n}`);
      }),
    );
  });

  test.each([[null], [Buffer.alloc(0)], [Buffer.from('hello')], [Buffer.from('|x')]])(
    'of others has none',
    (value) => {
      expect(decodeRecordValue(value)).toBeNull();
    },
  );
});

describe('an error', () => {
  test('is described in one line with its causes', () => {
    const error = new TypeError('outer\n  line', { cause: new Error('inner', { cause: 'text' }) });
    expect(describeError(error)).toBe('TypeError: outer line <- Error: inner <- text');
    expect(describeError(undefined)).toBe('undefined');
  });

  test('that is its own cause has an end', () => {
    const error = new Error('loop');
    error.cause = error;
    expect(causes(error)).toEqual([error]);
  });
});

describe('a mutant', () => {
  test('that is none changes nothing', () => {
    const group = memberGroup({ commitMode: { kind: 'auto', intervalMs: null, thresholdRecords: null } });
    const mutation = createMutation(group, null);
    mutation.assigned([{ topic: 'real-a', partitions: [0, 1] }]);
    expect(mutation.group).toBe(group);
    expect(mutation.skips('real-a', 0)).toBe(false);
    for (let i = 0; i < 20; i++) {
      expect(mutation.committedOffset('real-a', 0, String(i))).toBe(String(i));
      expect(mutation.extraCommit('real-a', 0, String(i))).toBeNull();
    }
  });

  test('that is unknown is refused', () => {
    expect(() => createMutation(memberGroup(), 'comit-before')).toThrow("there is no mutant 'comit-before'");
  });

  test('has an id of its own, and a property that has to catch it', () => {
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
    for (const { caughtBy } of mutants) expect(caughtBy.length).toBeGreaterThan(0);
  });

  test.each([
    [{ kind: 'per-record' }, { kind: 'per-record' }],
    [{ kind: 'per-batch' }, { kind: 'per-batch' }],
    [{ kind: 'asynchronous' }, { kind: 'asynchronous' }],
    [{ kind: 'auto', intervalMs: 5, thresholdRecords: null }, { kind: 'per-record' }],
  ] as const)('commit-before-processing turns %j around', (commitMode, expected) => {
    const { group } = createMutation(memberGroup({ commitMode }), 'commit-before-processing');
    expect(group).toEqual(memberGroup({ commitMode: expected, commitOrder: 'commit-then-process' }));
  });

  test('commit-before-processing leaves an application alone that never commits', () => {
    const group = memberGroup({ commitMode: { kind: 'none' } });
    expect(createMutation(group, 'commit-before-processing').group).toBe(group);
  });

  test('skip-partition follows the lowest partition of each topic that the member owns', () => {
    const mutation = createMutation(memberGroup(), 'skip-partition');
    expect(mutation.skips('real-a', 0)).toBe(false);
    mutation.assigned([
      { topic: 'real-a', partitions: [2, 1] },
      { topic: 'real-b', partitions: [0] },
    ]);
    expect([1, 2].map((partition) => mutation.skips('real-a', partition))).toEqual([true, false]);
    expect(mutation.skips('real-b', 0)).toBe(true);
    mutation.assigned([{ topic: 'real-a', partitions: [2] }]);
    expect(mutation.skips('real-a', 2)).toBe(true);
    expect(mutation.skips('real-b', 0)).toBe(false);
  });

  test('rewind-commit lowers every seventh commit of a partition by three, not below zero', () => {
    const mutation = createMutation(memberGroup(), 'rewind-commit');
    const committed = Array.from({ length: 14 }, (_, i) => mutation.committedOffset('real-a', 0, String(i)));
    expect(committed.join(' ')).toBe('0 1 2 3 4 5 3 7 8 9 10 11 12 10');
    expect(Array.from({ length: 7 }, () => mutation.committedOffset('real-a', 1, '1')).at(-1)).toBe('0');
  });

  test('rewind-commit makes an extra commit where the client commits by itself', () => {
    const commitMode = { kind: 'auto', intervalMs: null, thresholdRecords: null } as const;
    const mutation = createMutation(memberGroup({ commitMode }), 'rewind-commit');
    const extra = Array.from({ length: 7 }, (_, i) => mutation.extraCommit('real-a', 0, String(i + 10)));
    expect(extra).toEqual([null, null, null, null, null, null, '13']);
  });
});
