/** What the reader accepts, and the sentence for each kind of input that it refuses. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../errors.ts';
import { isUnfinished, parseHistory, readHistory } from './reader.ts';

const scenario = {
  version: 1,
  name: 'one member',
  seed: 1,
  topology: { brokers: 1, topics: [{ name: 'orders', partitions: 1, replicationFactor: 1 }] },
  producers: [],
  groups: [
    {
      id: 'g1',
      topics: ['orders'],
      sessionTimeoutMs: 6_000,
      rebalanceTimeoutMs: 6_000,
      heartbeatIntervalMs: 500,
      autoOffsetReset: 'earliest',
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
const startEvent = {
  time: 0,
  seq: 0,
  process: 'harness',
  kind: 'start',
  schema: 1,
  scenario,
  world: 'kafka',
  client: { name: 'kafkajs', version: '2.2.4' },
  mutant: null,
  versions: {},
};
const start = JSON.stringify(startEvent);
const line = (seq: number, fields: Record<string, unknown>): string =>
  JSON.stringify({ time: seq, seq, process: 'harness', ...fields });
const finish = (seq: number): string => line(seq, { kind: 'finish', incomplete: [] });

const messageOf = (lines: string[]): string => {
  try {
    parseHistory(lines, 'x.jsonl');
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ exitCode: 2 });
    return error instanceof Error ? error.message : '';
  }
  return 'accepted';
};

describe('parseHistory', () => {
  test('reads a whole history and fills in the defaults of the scenario', () => {
    const history = parseHistory([start, line(1, { kind: 'heal' }), finish(2)], 'x.jsonl');
    expect(history.events.map((event) => event.kind)).toEqual(['start', 'heal', 'finish']);
    expect(history.start.scenario.groups[0]?.fetchMaxWaitMs).toBe(200);
    expect(isUnfinished(history)).toBe(false);
  });

  test('accepts a byte order mark, carriage returns and blank lines', () => {
    const history = parseHistory([`\uFEFF${start}\r`, '', `${finish(1)}\r`, ' '], 'x.jsonl');
    expect(history.events).toHaveLength(2);
  });

  test('a history without finish says that it is incomplete', () => {
    const history = parseHistory([start, line(1, { kind: 'heal' })], 'x.jsonl');
    expect(isUnfinished(history)).toBe(true);
    expect(history.events.at(-1)).toMatchObject({ kind: 'finish', seq: 2, time: 1 });
  });

  test.each([
    ['nothing', [], 'x.jsonl is empty: a history has at least a start event.'],
    ['blank lines only', ['', '  '], 'x.jsonl is empty: a history has at least a start event.'],
    [
      'a first event that is not start',
      [line(0, { kind: 'heal' })],
      "x.jsonl, line 1 is not a history event: kind: expected 'start', the first event of every history (got 'heal')",
    ],
    [
      'a second start',
      [start, JSON.stringify({ ...startEvent, seq: 1 })],
      "x.jsonl, line 2 is not a history event: kind: expected no second 'start'; one file holds one history",
    ],
    [
      'an event after finish',
      [start, finish(1), line(2, { kind: 'heal' })],
      "x.jsonl, line 3 is not a history event: expected nothing after 'finish', the last event of every history",
    ],
    [
      'a gap in seq',
      [start, line(2, { kind: 'heal' })],
      "x.jsonl, line 2 is not a history event: seq: expected 1, the event's place in the file (got 2)",
    ],
    [
      'an unknown key',
      [start, line(1, { kind: 'heal', surprise: 1 })],
      'x.jsonl, line 2 is not a history event: surprise: expected no such key',
    ],
    [
      'a missing key',
      [start, line(1, { kind: 'process-exit', code: 0 })],
      'x.jsonl, line 2 is not a history event: signal: expected string, received undefined',
    ],
    [
      'a wrong value deep down',
      [start, line(1, { kind: 'delivery', group: 'g1', topic: 't', partition: 0, offsets: ['0', '1x'] })],
      'x.jsonl, line 2 is not a history event: offsets[1]: a decimal integer in a string (got "1x")',
    ],
    [
      'a bad scenario inside start',
      [JSON.stringify({ ...startEvent, scenario: { ...scenario, seed: -1 } })],
      'x.jsonl, line 1 is not a history event: scenario.seed: Too small: expected number to be >=0 (got -1)',
    ],
    [
      'a line that is no object',
      [start, '7'],
      'x.jsonl, line 2 is not a history event: (top level): expected object, received number',
    ],
    [
      'a last line cut off',
      [start, '{"time":1,"se'],
      'x.jsonl, line 2 is cut off in the middle: whatever wrote the file was stopped before its end.',
    ],
  ])('refuses %s', (_name, lines, message) => {
    expect(messageOf(lines)).toBe(message);
  });

  test('refuses an unknown kind with the list of kinds', () => {
    const message = messageOf([start, line(1, { kind: 'explosion' })]);
    expect(message).toMatch(
      /^x\.jsonl, line 2 is not a history event: kind: expected one of start, finish, process-start, /,
    );
    expect(message).toMatch(/\(got "explosion"\)$/);
    expect(messageOf([start, line(1, {})])).toMatch(/\(the key is missing\)$/);
  });

  test('a broken line in the middle is named as such, not as a cut-off end', () => {
    expect(messageOf([start, '{"time":1,"se', finish(1)])).toMatch(
      /^x\.jsonl, line 2 is not a history event: expected one JSON object, but /,
    );
  });

  test('a file that is no JSON at all is not called cut off', () => {
    expect(messageOf(['hello'])).toMatch(
      /^x\.jsonl, line 1 is not a history event: expected one JSON object, but /,
    );
  });

  test('a line wrong in many keys names the first few', () => {
    const event = { kind: 'process-start', role: 1, id: 2, group: 3, incarnation: 0, extra: 1, more: 2 };
    expect(messageOf([start, line(1, event)]).split('; ')).toHaveLength(6);
    expect(messageOf([start, line(1, event)])).toMatch(/and 1 more$/);
  });
});

describe('readHistory', () => {
  test('reads a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kafka-trial-reader-'));
    try {
      const path = join(folder, 'history.jsonl');
      await writeFile(path, `${start}\r\n${finish(1)}\r\n`);
      expect((await readHistory(path)).events).toHaveLength(2);
      await writeFile(path, '');
      await expect(readHistory(path)).rejects.toThrow(`${path} is empty`);
      await writeFile(path, `${start}\n${finish(1).slice(0, 9)}`);
      await expect(readHistory(path)).rejects.toThrow('line 2 is cut off in the middle');
      await expect(readHistory(folder)).rejects.toThrow('it is a folder, not a file');
      await expect(readHistory(join(folder, 'none'))).rejects.toThrow('there is no such file');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
