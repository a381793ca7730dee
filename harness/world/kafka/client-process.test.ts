/** The parent's side of a client process, in front of small drivers that speak the protocol, and of the built child. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProducerStart } from '../../client/protocol.ts';
import type { UnplacedEvent } from '../../history/schema.ts';
import { buildOf } from '../../subject/builds.ts';
import type { ClientProcess } from '../client-process.ts';
import { spawnClient } from './client-process.ts';

const start: ProducerStart = {
  command: 'start',
  protocol: 1,
  process: 'p1.1',
  // Nobody listens there: the client goes on trying for seconds.
  connection: { bootstrapServers: ['127.0.0.1:1'], tls: null, sasl: null },
  seed: 1,
  timeOriginEpochMs: Date.now(),
  mutant: null,
  role: 'producer',
  producer: {
    id: 'p1',
    topics: ['t'],
    acks: 'all',
    idempotent: false,
    keys: null,
    records: 1,
    recordsPerSend: 1,
    valueBytes: 0,
    startMs: 0,
    stopMs: 0,
  },
};

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'kafka-trial-driver-'));
});
afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

const running = new Set<ClientProcess>();
afterAll(() => {
  for (const one of running) one.signal('SIGKILL');
});

/** A driver of a few lines; `say` writes an event synchronously, `next` takes a command. */
const PRELUDE = `
const fs = require('node:fs');
const say = (n) => fs.writeSync(1, JSON.stringify({ time: n, kind: 'commit-ok', group: 'g', commit: n }) + '\\n');
const readline = require('node:readline');
const commands = readline.createInterface({ input: process.stdin });
const next = (handler) => commands.on('line', (line) => handler(JSON.parse(line)));
commands.on('close', () => process.exit(0));
`;

async function spawnDriver(
  source: string,
  onEvent?: (event: UnplacedEvent, client: ClientProcess) => void,
): Promise<{ client: ClientProcess; events: UnplacedEvent[]; logs: string[] }> {
  const entry = path.join(directory, `driver-${running.size}-${Math.floor(performance.now() * 1000)}.cjs`);
  await writeFile(entry, PRELUDE + source);
  return spawnEntry(entry, onEvent);
}

function spawnEntry(entry: string, onEvent?: (event: UnplacedEvent, client: ClientProcess) => void) {
  const events: UnplacedEvent[] = [];
  const logs: string[] = [];
  const client: ClientProcess = spawnClient(start, {
    client: 'kafkajs',
    entry,
    sessionArguments: ['--kafka-trial-session=s', '--kafka-trial-harness=1'],
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event, client);
    },
    onLog: (line) => logs.push(line),
  });
  running.add(client);
  void client.exited.then(
    () => running.delete(client),
    () => running.delete(client),
  );
  return { client, events, logs };
}

const commitsOf = (events: UnplacedEvent[]): number[] =>
  events.flatMap((event) => (event.kind === 'commit-ok' ? [event.commit] : []));

describe('a client process', () => {
  test('is given its start command, its arguments and a small environment', async () => {
    const { client, events, logs } = await spawnDriver(`
      next((command) => {
        console.error(JSON.stringify({ command, arguments: process.argv.slice(2), env: process.env }));
        say(1);
        process.exit(7);
      });`);
    expect(await client.exited).toEqual({ code: 7, signal: null, invalidLines: 0 });
    expect(events).toEqual([{ time: 1, process: 'p1.1', kind: 'commit-ok', group: 'g', commit: 1 }]);
    const seen = JSON.parse(logs[0] ?? '') as { command: object; arguments: string[]; env: object };
    expect(seen.command).toEqual(start);
    expect(seen.arguments).toEqual(['--kafka-trial-session=s', '--kafka-trial-harness=1']);
    expect(Object.keys(seen.env)).toContain('NODE_ENV');
    expect(seen.env).toMatchObject({ NODE_ENV: 'production' });
    expect(Object.keys(seen.env)).not.toContain('HOME');
  });

  test('is given later commands', async () => {
    const { client, events } = await spawnDriver(
      "next(({ command }) => { if (command === 'start') say(1); else { say(2); process.exit(0); } });",
      (event, self) => {
        if (event.kind === 'commit-ok' && event.commit === 1) self.command({ command: 'close' });
      },
    );
    await client.exited;
    expect(commitsOf(events)).toEqual([1, 2]);
  });

  test('that writes lines which are no events is still read, and the lines are counted and logged', async () => {
    const { client, events, logs } = await spawnDriver(`
      next(() => { say(1); fs.writeSync(1, 'chatter\\n{"kind":"heal","time":1}\\n'); say(2); process.exit(0); });`);
    expect(await client.exited).toMatchObject({ invalidLines: 2 });
    expect(commitsOf(events)).toEqual([1, 2]);
    expect(logs).toEqual([
      'a line of output is not JSON: chatter',
      expect.stringContaining("a client cannot know 'heal'"),
    ]);
  });

  test('that is cut off inside a line loses that line only', async () => {
    const { client, events, logs } = await spawnDriver(`
      next(() => { say(1); fs.writeSync(1, '{"time":2,"kind":"com'); process.kill(process.pid, 'SIGKILL'); });`);
    expect(await client.exited).toEqual({ code: null, signal: 'SIGKILL', invalidLines: 0 });
    expect(commitsOf(events)).toEqual([1]);
    expect(logs).toEqual(['the last line was cut off after 21 characters']);
  });

  test('that kills itself right after an event has lost none, 50 times', async () => {
    for (let i = 0; i < 50; i++) {
      const { client, events } = await spawnDriver(`
        next(() => { for (let n = 0; n <= ${i}; n++) say(n); process.kill(process.pid, 'SIGKILL'); });`);
      expect(await client.exited).toMatchObject({ signal: 'SIGKILL' });
      expect(commitsOf(events)).toEqual(Array.from({ length: i + 1 }, (_, n) => n));
    }
  });

  test('that is killed while it writes as fast as it can leaves a history without gaps', async () => {
    const { client, events } = await spawnDriver(
      'next(() => { for (let n = 0; ; n++) { say(n); } });',
      (event, self) => {
        if (event.kind === 'commit-ok' && event.commit === 5_000) self.signal('SIGKILL');
      },
    );
    await client.exited;
    const commits = commitsOf(events);
    expect(commits.length).toBeGreaterThan(5_000);
    expect(commits).toEqual(commits.map((_, n) => n));
  });

  test('that dies while the parent is busy with something else has lost no event when its exit is known', async () => {
    const { client, events } = await spawnDriver(
      "next(() => { for (let n = 0; n < 2_000; n++) say(n); process.kill(process.pid, 'SIGKILL'); });",
    );
    while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    // Both what it wrote and its death are there to be seen when this thread looks again.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    await client.exited;
    expect(commitsOf(events)).toEqual(Array.from({ length: 2_000 }, (_, n) => n));
  });

  test('that is stalled writes nothing, goes on when resumed, and can be killed when stalled', async () => {
    const { client, events } = await spawnDriver('let n = 0; next(() => setInterval(() => say(n++), 2));');
    const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
    while (events.length < 3) await pause(5);
    client.signal('SIGSTOP');
    await pause(50);
    const atStall = events.length;
    await pause(100);
    expect(events.length).toBe(atStall);
    client.signal('SIGCONT');
    while (events.length < atStall + 3) await pause(5);
    client.signal('SIGSTOP');
    client.signal('SIGKILL');
    expect(await client.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
    const commits = commitsOf(events);
    expect(commits).toEqual(commits.map((_, n) => n));
  });

  test('that dies unnoticed takes a command without an error', async () => {
    const { client, events } = await spawnDriver('next(() => say(1));');
    while (events.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    client.signal('SIGKILL');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
    client.command({ command: 'close' });
    expect(await client.exited).toMatchObject({ signal: 'SIGKILL' });
  });

  test('that has ended takes commands and signals without an error', async () => {
    const { client } = await spawnDriver('process.exit(3);');
    expect(await client.exited).toMatchObject({ code: 3 });
    client.command({ command: 'close' });
    client.signal('SIGTERM');
  });
});

describe('the built child', () => {
  test('speaks the protocol', async () => {
    const { client, events } = spawnEntry(buildOf('kafkajs').childFile);
    client.command({ command: 'close' });
    expect(await client.exited).toEqual({ code: 0, signal: null, invalidLines: 0 });
    expect(events).toMatchObject([
      { process: 'p1.1', kind: 'producer-close', phase: 'begin' },
      { process: 'p1.1', kind: 'producer-close', phase: 'end' },
    ]);
  });
});
