/** The parent's side of a process with several members, in front of a small driver and of the built children. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scenarioSchema } from '../../../scenarios/schema.ts';
import type { MemberStart } from '../../client/protocol.ts';
import type { EventKind, UnplacedEvent } from '../../history/schema.ts';
import { startCluster } from '../../serve/index.ts';
import type { ClientProcess } from '../client-process.ts';
import { SharedClientProcesses } from './shared-client-process.ts';

const { members: _, ...group } = scenarioSchema.shape.groups.element.parse({
  id: 'billing',
  topics: ['orders'],
  sessionTimeoutMs: 6_000,
  rebalanceTimeoutMs: 6_000,
  heartbeatIntervalMs: 500,
  autoOffsetReset: 'earliest',
  consumeMode: 'each-message',
  commitMode: { kind: 'per-record' },
  commitOrder: 'process-then-commit',
  handler: { timeMs: { min: 0, max: 0 }, failuresPerThousand: 0, failuresPerRecord: 1 },
  members: [{ id: 'm1' }],
});

const startOf = (name: string, bootstrapServers: string[]): MemberStart => ({
  command: 'start',
  protocol: 1,
  process: name,
  connection: { bootstrapServers, tls: null, sasl: null },
  seed: 1,
  timeOriginEpochMs: Date.now(),
  mutant: null,
  role: 'member',
  group,
  sharedProcess: 'shop.1',
});

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kafka-trial-shared-'));
});
const running = new Set<ClientProcess>();
afterAll(async () => {
  for (const one of running) one.signal('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

/** Members of one process; `until` waits for an event of one of them. */
function together(client: string, entry?: string, servers: string[] = ['127.0.0.1:1']) {
  const shared = new SharedClientProcesses();
  const events: UnplacedEvent[] = [];
  const logs: string[] = [];
  let wake = (): void => {};
  const start = (name: string): ClientProcess => {
    const one = shared.spawn('shop.1', startOf(name, servers), {
      client,
      ...(entry === undefined ? {} : { entry }),
      sessionArguments: [],
      onEvent(event) {
        events.push(event);
        wake();
      },
      onLog: (line) => logs.push(line),
    });
    running.add(one);
    return one;
  };
  const of = (process: string, kind: EventKind): UnplacedEvent[] =>
    events.filter((event) => event.process === process && event.kind === kind);
  const until = async (process: string, kind: EventKind, count = 1): Promise<void> => {
    while (of(process, kind).length < count)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  return { start, events, logs, of, until };
}

/** A driver of a few lines: each member says what it hears, and closes when it is told to. */
const DRIVER = `
const fs = require('node:fs');
const write = (value) => fs.writeSync(1, JSON.stringify(value) + '\\n');
const say = (process, commit) => write({ process, time: 0, kind: 'commit-ok', group: 'g', commit });
const commands = require('node:readline').createInterface({ input: process.stdin });
commands.on('line', (line) => {
  const { command, process: name } = JSON.parse(line);
  if (command === 'start') say(name, 1);
  else if (command === 'close') { say(name, 2); write({ closed: name }); say(name, 3); }
  else { fs.writeSync(1, 'chatter\\n'); process.exit(3); }
});
commands.on('close', () => process.exit(0));
`;

describe('members of one process', () => {
  const driver = async (): Promise<string> => {
    const entry = path.join(directory, 'driver.cjs');
    await writeFile(entry, DRIVER);
    return entry;
  };

  it('are told apart, and close one by one; who starts after the last of them gets another process', async () => {
    const { start, events, until } = together('kafkajs', await driver());
    const [m1, m2] = [start('m1.1'), start('m2.1')];
    expect(m1.pid).toBe(m2.pid);
    m1.command({ command: 'close' });
    expect(await m1.exited).toEqual({ code: 0, signal: null, invalidLines: 0 });
    // What it left behind goes on, and is heard.
    await until('m1.1', 'commit-ok', 3);
    expect(events.map((event) => [event.process, 'commit' in event && event.commit])).toEqual([
      ['m1.1', 1],
      ['m2.1', 1],
      ['m1.1', 2],
      ['m1.1', 3],
    ]);
    const again = start('m1.2');
    expect(again.pid).toBe(m2.pid);
    for (const one of [m2, again]) one.command({ command: 'close' });
    expect(await m2.exited).toMatchObject({ code: 0 });
    expect(await again.exited).toMatchObject({ code: 0 });
    const later = start('m1.3');
    expect(later.pid).not.toBe(m2.pid);
    later.signal('SIGKILL');
    await later.exited;
  });

  it('end together where the process does, by a signal or by itself', async () => {
    const { start, until, logs } = together('kafkajs', await driver());
    const killed = [start('m1.1'), start('m2.1')];
    await until('m2.1', 'commit-ok');
    killed[0]?.signal('SIGKILL');
    for (const one of killed) expect(await one.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
    const [m1, m2] = [start('m1.2'), start('m2.2')];
    m2.command({ command: 'call', action: 0, call: { name: 'commit' } });
    expect(await m1.exited).toEqual({ code: 3, signal: null, invalidLines: 1 });
    expect(await m2.exited).toEqual({ code: 3, signal: null, invalidLines: 0 });
    expect(logs).toEqual(['a line of output is not JSON: chatter']);
  });
});

it.each(['kafkajs', 'reference'])(
  'the members of one process of %s share its client where it has one, and tell of what each does by itself',
  async (client) => {
    await using cluster = await startCluster({ brokers: 1, topics: [{ name: 'orders', partitions: 2 }] });
    const { start, of, until, events } = together(client, undefined, [...cluster.bootstrapServers]);
    const m1 = start('m1.1');
    await until('m1.1', 'client-joined');
    const m2 = start('m2.1');
    await until('m2.1', 'client-joined');
    m1.command({ command: 'close' });
    expect(await m1.exited).toMatchObject({ code: 0 });
    expect(of('m1.1', 'wire-leave')).toHaveLength(1);
    expect(of('m2.1', 'wire-leave')).toHaveLength(0);
    const memberIds = (process: string): unknown[] =>
      of(process, 'wire-join').flatMap((event) => ('memberId' in event ? [event.memberId] : []));
    for (const id of memberIds('m1.1')) expect(memberIds('m2.1')).not.toContain(id);
    expect(memberIds('m1.1')[0]).toMatch(client === 'kafkajs' ? /^shop\.1-/ : /^m1\.1-/);
    m2.signal('SIGTERM');
    expect(await m2.exited).toMatchObject({ code: 0 });
    expect(events.at(-1)).toMatchObject({ process: 'm2.1', kind: 'client-stopped' });
  },
);
