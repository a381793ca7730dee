/** The built child process, spoken to as any driver is: lines in, lines out, an exit code. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { ProducerStart } from './protocol.ts';

const entry = fileURLToPath(new URL('../../dist/child/kafkajs.mjs', import.meta.url));

const start: ProducerStart = {
  command: 'start',
  protocol: 1,
  process: 'p1.1',
  // Nobody listens there: kafkajs goes on trying for some seconds.
  connection: { bootstrapServers: ['127.0.0.1:1'], tls: null, sasl: null },
  seed: 1,
  timeOriginEpochMs: 0,
  mutant: null,
  role: 'producer',
  producer: {
    id: 'p1',
    topics: ['t'],
    acks: 1,
    idempotent: false,
    keys: null,
    records: 1,
    recordsPerSend: 1,
    valueBytes: 0,
    startMs: 0,
    stopMs: 0,
  },
};

let children: ChildProcessWithoutNullStreams[] = [];
afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children = [];
});

function launch(environment: NodeJS.ProcessEnv = { NODE_ENV: 'production' }) {
  const child = spawn(process.execPath, [entry, '--kafka-trial-session=s'], { env: environment });
  children.push(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
  const say = (value: unknown): void =>
    void child.stdin.write(`${typeof value === 'string' ? value : JSON.stringify(value)}\n`);
  const untilTrying = async (): Promise<void> => {
    while (!stderr.includes('[Connection]')) await once(child.stderr, 'data');
  };
  return { child, ended, say, untilTrying };
}

describe('bad input ends with code 2 and a clear sentence', () => {
  test.each([
    ['no JSON', 'hello', "expected a start command as one line of JSON, got 'hello'"],
    ['another command', { command: 'close' }, 'expected a start command'],
    ['another protocol', { ...start, protocol: 2 }, 'protocol'],
    ['an unknown key', { ...start, speed: 1 }, 'speed'],
    [
      'an address without a port',
      { ...start, connection: { ...start.connection, bootstrapServers: ['localhost'] } },
      "an address of the form 'host:port'",
    ],
    ['an unknown mutant', { ...start, mutant: 'no-such' }, "there is no mutant 'no-such'"],
  ])('%s', async (_what, line, sentence) => {
    const { say, ended } = launch();
    say(line);
    const { code, stdout, stderr } = await ended;
    expect(stderr).toContain(sentence);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('a second start command', async () => {
    const { say, ended } = launch();
    say(start);
    say(start);
    expect(await ended).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('expected a close, a call or a link command'),
    });
  });

  test('kafkajs without NODE_ENV=production', async () => {
    const { say, ended } = launch({ NODE_ENV: 'test' });
    say(start);
    const { code, stderr } = await ended;
    expect(stderr).toContain("NODE_ENV=production only, not 'test'");
    expect(code).toBe(2);
  });
});

describe('the process', () => {
  test('ends at once, without a word, when the harness is gone', async () => {
    const { child, say, ended, untilTrying } = launch();
    say(start);
    await untilTrying();
    child.stdin.end();
    expect(await ended).toMatchObject({ code: 0, stdout: '' });
  });

  test.each(['SIGTERM', 'close'] as const)(
    'closes its application on %s and ends with code 0',
    async (how) => {
      const { child, say, ended, untilTrying } = launch();
      say(start);
      await untilTrying();
      if (how === 'close') say({ command: 'close' });
      else child.kill(how);
      const { code, stdout } = await ended;
      const events = stdout.trim().split('\n');
      expect(events.map((line) => JSON.parse(line) as object)).toMatchObject([
        { kind: 'producer-close', phase: 'begin' },
        { kind: 'producer-close', phase: 'end', error: null },
      ]);
      expect(code).toBe(0);
    },
  );

  test('goes on when Ctrl-C reaches the whole process group, and says what kept it from starting', async () => {
    const { child, say, ended, untilTrying } = launch();
    say(start);
    await untilTrying();
    child.kill('SIGINT');
    const { code, stdout } = await ended;
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ kind: 'application-error', call: 'connect' });
    expect(JSON.parse(stdout).time).toBeGreaterThan(1e12);
  });
});
