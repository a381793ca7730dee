/** The recorder's order, and what happens when the disk does not take the history. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Scenario } from '../../scenarios/schema.ts';
import { exitCodes, HarnessError } from '../errors.ts';
import { writeFileAtomically } from './atomic-write.ts';
import { readHistory } from './reader.ts';
import type { History, UnplacedEvent } from './schema.ts';
import { HistoryRecorder, UNFINISHED, writeHistory } from './writer.ts';

const scenario: Scenario = {
  version: 1,
  name: 'two groups',
  seed: 1,
  topology: {
    brokers: 1,
    topics: [{ name: 'orders', partitions: 1, replicationFactor: 1 }],
    groupInitialRebalanceDelayMs: 0,
  },
  producers: [],
  groups: [
    {
      id: 'g1',
      topics: ['orders'],
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 6_000,
      heartbeatIntervalMs: 500,
      autoOffsetReset: 'earliest',
      fetchMaxWaitMs: 200,
      maxPartitionFetchBytes: 1_048_576,
      partitionsConsumedConcurrently: 1,
      metadataMaxAgeMs: 300_000,
      consumeMode: 'each-message',
      commitMode: { kind: 'per-record' },
      commitOrder: 'process-then-commit',
      handler: { timeMs: { min: 1, max: 1 }, failuresPerThousand: 0, failuresPerRecord: 1 },
      members: [{ id: 'm1' }],
    },
  ],
  actions: [],
  settling: { boundMs: 1_000 },
};

const start = (time = 0): UnplacedEvent => ({
  time,
  process: 'harness',
  kind: 'start',
  schema: 1,
  scenario,
  world: 'kafka',
  client: { name: 'kafkajs', version: '2.2.4' },
  mutant: null,
  versions: {},
});
const finish = (time: number): UnplacedEvent => ({
  time,
  process: 'harness',
  kind: 'finish',
  incomplete: [],
});
const begun = (time: number, record: string): UnplacedEvent => ({
  time,
  process: 'm1.1',
  kind: 'processing-begin',
  group: 'g1',
  topic: 'orders',
  partition: 0,
  offset: '0',
  record,
});
const accepted = (time: number, offset: string, logPartition: number, logOffset: string): UnplacedEvent => ({
  time,
  process: 'coordinator',
  kind: 'commit-accepted',
  group: 'g1',
  topic: 'orders',
  partition: 0,
  offset,
  metadata: '',
  logPosition: { partition: logPartition, offset: logOffset },
});

function recorded(...events: UnplacedEvent[]): History {
  const recorder = new HistoryRecorder();
  for (const event of events) recorder.record(event);
  return recorder.finishHistory();
}
const labels = (history: History): string[] =>
  history.events.map((event) =>
    event.kind === 'processing-begin'
      ? (event.record ?? '')
      : event.kind === 'commit-accepted'
        ? `commit ${event.offset}`
        : event.kind,
  );

describe('HistoryRecorder', () => {
  test('orders by time and numbers from 0', () => {
    const history = recorded(start(), begun(5, 'late'), begun(2, 'early'), finish(9));
    expect(labels(history)).toEqual(['start', 'early', 'late', 'finish']);
    expect(history.events.map((event) => event.seq)).toEqual([0, 1, 2, 3]);
    expect(history.start).toBe(history.events[0]);
  });

  test('keeps the order of arrival where times tie', () => {
    const history = recorded(start(), begun(3, 'a'), begun(3, 'b'), begun(3, 'c'), finish(3));
    expect(labels(history)).toEqual(['start', 'a', 'b', 'c', 'finish']);
  });

  test('puts start first and finish last whatever their time', () => {
    const history = recorded(finish(0), begun(-4, 'before time 0'), begun(7, 'after'), start(5));
    expect(labels(history)).toEqual(['start', 'before time 0', 'after', 'finish']);
  });

  test('keeps the order of the coordinator log where its time stamps go backwards', () => {
    const history = recorded(
      start(),
      accepted(20, '2', 7, '9'),
      accepted(10, '3', 7, '10'),
      begun(15, 'between'),
      finish(30),
    );
    expect(labels(history)).toEqual(['start', 'between', 'commit 2', 'commit 3', 'finish']);
    expect(history.events.map((event) => event.time)).toEqual([0, 15, 20, 20, 30]);
  });

  test('keeps the order of the coordinator log where time stamps tie and arrival differs', () => {
    const history = recorded(
      start(),
      accepted(10, '3', 7, '10'),
      begun(10, 'x'),
      accepted(10, '2', 7, '9'),
      finish(30),
    );
    expect(labels(history)).toEqual(['start', 'commit 2', 'x', 'commit 3', 'finish']);
  });

  test('compares log offsets as numbers beyond 2^53', () => {
    const history = recorded(
      start(),
      accepted(10, '3', 7, '90071992547409931'),
      accepted(10, '2', 7, '90071992547409930'),
      accepted(10, '1', 7, '9007199254740993'),
      finish(30),
    );
    expect(labels(history)).toEqual(['start', 'commit 1', 'commit 2', 'commit 3', 'finish']);
  });

  test('does not order one log partition by another', () => {
    const history = recorded(start(), accepted(20, '1', 7, '1'), accepted(10, '2', 8, '2'), finish(30));
    expect(labels(history)).toEqual(['start', 'commit 2', 'commit 1', 'finish']);
  });

  test('says of each event how many had been recorded before it', () => {
    const recorder = new HistoryRecorder();
    const events = [start(), accepted(20, '2', 7, '9'), accepted(10, '3', 7, '10'), begun(15, 'between')];
    for (const event of events) recorder.record(event);
    expect(labels(recorder.finishHistory())).toEqual(['start', 'between', 'commit 2', 'commit 3', 'finish']);
    // The end that it was given was recorded by nobody.
    expect(recorder.arrivals()).toEqual([0, 3, 1, 2, 4]);
  });

  test('gives an unfinished run a finish event that says so', () => {
    const history = recorded(start(), begun(4, 'a'));
    expect(history.events.at(-1)).toEqual({
      time: 4,
      seq: 2,
      process: 'harness',
      kind: 'finish',
      incomplete: [UNFINISHED],
    });
  });

  test('refuses a run without start, with two starts, with two finishes', () => {
    expect(() => recorded(begun(1, 'a'))).toThrow('exactly one start');
    expect(() => recorded(start(), start())).toThrow('exactly one start');
    expect(() => recorded(start(), finish(1), finish(2))).toThrow('at most one finish');
  });

  test('for any events: times never fall, log order holds, nothing is lost', () => {
    const event = fc.oneof(
      fc.record({ time: fc.nat(20), record: fc.string() }).map(({ time, record }) => begun(time, record)),
      fc
        .record({ time: fc.nat(20), log: fc.nat(1), offset: fc.nat(10) })
        .map(({ time, log, offset }) => accepted(time, String(offset), log, String(offset))),
    );
    fc.assert(
      fc.property(fc.array(event), (events) => {
        const between = recorded(start(), ...events, finish(0)).events.slice(1, -1);
        expect(between).toHaveLength(events.length);
        for (const [index, one] of between.entries())
          expect(one.time).toBeGreaterThanOrEqual(between[index - 1]?.time ?? 0);
        for (const log of [0, 1]) {
          const offsets = between.flatMap((one) =>
            one.kind === 'commit-accepted' && one.logPosition.partition === log
              ? [Number(one.logPosition.offset)]
              : [],
          );
          expect(offsets).toEqual(offsets.toSorted((a, b) => a - b));
        }
      }),
    );
  });
});

describe('writeHistory', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kafka-trial-writer-'));
  });
  afterEach(async () => {
    await chmod(folder, 0o700);
    await rm(folder, { recursive: true, force: true });
  });
  const history = recorded(start(), begun(1, 'a'), finish(2));

  test('writes what the reader reads back, and leaves no temporary file', async () => {
    const path = join(folder, 'history.jsonl');
    await writeHistory(path, history);
    expect(await readHistory(path)).toEqual(history);
    expect(await readdir(folder)).toEqual(['history.jsonl']);
  });

  test('puts the common keys first, in the same order whatever the source wrote', async () => {
    const path = join(folder, 'history.jsonl');
    await writeHistory(path, recorded(start(), { kind: 'heal', process: 'harness', time: 1 }, finish(2)));
    const lines = (await readFile(path, 'utf8')).split('\n');
    expect(lines[1]).toBe('{"time":1,"seq":1,"process":"harness","kind":"heal"}');
    expect(lines.at(-1)).toBe('');
  });

  test.skipIf(process.platform !== 'linux')(
    'a full device: one sentence, exit code 3, nothing left behind',
    async () => {
      const path = join(folder, 'history.jsonl');
      const failure = await writeFileAtomically(path, ['some text'], async (temporary) => {
        await writeFile(temporary, '');
        return open('/dev/full', 'w');
      }).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(HarnessError);
      expect(failure).toMatchObject({
        message: `The disk is full: '${path}' could not be written.`,
        exitCode: exitCodes.unknown,
        hint: 'Free some space there or choose another folder with --out.',
      });
      expect(await readdir(folder)).toEqual([]);
    },
  );

  // A real full file system needs the right to mount one; the device above stands for it elsewhere.
  test.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
    'a full file system: the old file stays, the new one leaves no trace',
    async ({ skip }) => {
      const small = join(folder, 'small');
      await mkdir(small);
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small], { stdio: 'ignore' });
      } catch {
        skip('this machine does not let tests mount a file system');
      }
      try {
        const path = join(small, 'history.jsonl');
        await writeHistory(path, history);
        const many = Array.from({ length: 2_000 }, (_, index) => begun(index, `record-${index}`));
        const failure = await writeHistory(path, recorded(start(), ...many, finish(9))).catch(
          (error: unknown) => error,
        );
        expect(failure).toMatchObject({ name: 'HarnessError', exitCode: exitCodes.unknown });
        expect(String(failure)).toContain('The disk is full');
        expect(await readHistory(path)).toEqual(history);
        expect(await readdir(small)).toEqual(['history.jsonl']);
      } finally {
        execFileSync('umount', [small]);
      }
    },
  );

  test('a folder that is not there: the sentence says so', async () => {
    const path = join(folder, 'missing', 'history.jsonl');
    await expect(writeHistory(path, history)).rejects.toMatchObject({
      message: `'${path}' could not be written: its folder does not exist.`,
      exitCode: exitCodes.unknown,
    });
  });

  test('a file where the folder should be: the sentence says so', async () => {
    await writeFile(join(folder, 'file'), '');
    await expect(writeHistory(join(folder, 'file', 'history.jsonl'), history)).rejects.toThrow(
      'something else is in its place',
    );
  });

  // Root writes everywhere.
  test.skipIf(process.getuid?.() === 0)('a folder without permission: the sentence says so', async () => {
    await chmod(folder, 0o500);
    await expect(writeHistory(join(folder, 'history.jsonl'), history)).rejects.toThrow(
      'No permission to write',
    );
  });

  test('an error of the generator of lines is not taken for one of the disk', async () => {
    const failing = function* (): Generator<string> {
      yield 'a';
      throw new TypeError('a mistake of ours');
    };
    await expect(writeFileAtomically(join(folder, 'x'), failing())).rejects.toThrow(TypeError);
    expect(await readdir(folder)).toEqual([]);
  });
});
