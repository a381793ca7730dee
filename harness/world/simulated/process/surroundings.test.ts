/** What code in a simulated process sees: its own time, chance and modules, and nothing of the machine. */
import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { Receiver, Sender } from '../network.ts';
import { RandomStream } from '../random.ts';
import { Scheduler } from '../scheduler.ts';
import { label, Trace } from '../trace.ts';
import { compileBundle, type Isolation } from './client-bundle.ts';
import { type ClockSkew, NO_SKEW, ProcessClock, VIRTUAL_EPOCH_MS } from './clock.ts';
import type { ProcessParts } from './parts.ts';
import { ProcessTimers } from './timers.ts';

const kind = label('test');

interface RunOptions {
  readonly skew?: ClockSkew;
  readonly untilMs?: number;
  readonly beginMs?: number;
  readonly isolation?: Isolation;
}

/** Runs code in a simulated process; the code calls `seen(value)`. */
async function run(
  code: string,
  { skew = NO_SKEW, untilMs = 60_000, beginMs = 0, isolation = 'process' }: RunOptions = {},
) {
  const scheduler = new Scheduler({ trace: new Trace() });
  const values: unknown[] = [];
  const errors: string[] = [];
  const printed: string[] = [];
  const exits: number[] = [];
  const owner = scheduler.owner(
    'm1.1',
    (error) => errors.push(String(error)),
    () => errors.push('endless'),
  );
  const receivers: Receiver[] = [];
  const sender: Sender = { send: () => {}, end: () => {}, reset: () => {} };
  const clock = new ProcessClock(scheduler, skew);
  const parts: ProcessParts = {
    pid: 7,
    clock,
    timers: new ProcessTimers(scheduler, owner, clock),
    random: new RandomStream(1, 'random'),
    cryptoRandom: new RandomStream(1, 'crypto'),
    dialer: {
      connect: (host, _port, receiver) => {
        if (host !== 'kafka-1') return null;
        receivers.push(receiver);
        return sender;
      },
    },
    signals: new EventEmitter(),
    env: { NODE_ENV: 'production' },
    exitCode: undefined,
    exit: (code) => exits.push(code),
    print: (text) => printed.push(text),
  };
  owner.parts = parts;
  const bundle = compileBundle(`module.exports = (seen, now) => { ${code} };`, 'test.cjs', isolation);
  const seen = (value: unknown): number => values.push(value);
  const now = (): number => scheduler.nowUs / 1_000;
  scheduler.after(owner, beginMs * 1_000, kind, () => {
    const main = bundle.load(() => parts) as unknown as (a: typeof seen, b: typeof now) => void;
    main(seen, now);
  });
  await scheduler.run(
    async () =>
      await new Promise<void>((resolve) => {
        scheduler.after(scheduler.harness, untilMs * 1_000, kind, resolve);
      }),
  );
  return { values, errors, printed, exits, receivers };
}

describe('time in a simulated process', () => {
  it('is virtual, whichever way it is asked for', async () => {
    const { values, errors } = await run(
      `seen(Date.now()); seen(new Date().toISOString()); seen(new globalThis.Date().getTime());
       seen(new Date(0).getTime()); seen(new Date() instanceof Date); seen(Date.UTC(1970, 0, 2)); seen(new Date().constructor.now());
       seen(performance.now()); seen(process.uptime()); seen(process.hrtime()); seen(process.hrtime.bigint()); seen(require('perf_hooks').performance.now());`,
      { beginMs: 1_500 },
    );
    expect(errors).toEqual([]);
    const now = VIRTUAL_EPOCH_MS + 1_500;
    expect(values).toEqual([
      now,
      new Date(now).toISOString(),
      now,
      0,
      true,
      86_400_000,
      now,
      1_500,
      1.5,
      [1, 500_000_000],
      1_500_000_000n,
      1_500,
    ]);
  });

  it('can be off and can run fast', async () => {
    const { values } = await run(
      `seen(Date.now()); setTimeout(() => { seen(now()); seen(Date.now()); }, 10_000);`,
      {
        skew: { offsetMs: -5_000, driftPerMillion: 1_000 },
      },
    );
    expect(values[0]).toBe(VIRTUAL_EPOCH_MS - 5_000);
    // Ten seconds of a clock that is a thousandth fast are over early.
    expect(values[1]).toBeCloseTo(9_990.01, 1);
    expect(values[2]).toBe(VIRTUAL_EPOCH_MS + 5_000);
  });

  it('gives timers as Node does', async () => {
    const { values, errors } = await run(
      `setTimeout((...all) => seen(['args', now(), ...all]), 5, 'a', 'b');
       setTimeout(() => seen(['zero', now()]), 0); setTimeout(() => seen(['long', now()]), 2 ** 31); setTimeout(() => seen(['none', now()]));
       setTimeout(() => seen(['fraction', now()]), 2.9); setTimeout(() => seen(['text', now()]), '7');
       const cleared = setTimeout(() => seen('cleared'), 3); clearTimeout(cleared); clearTimeout(undefined); clearTimeout(null);
       const byNumber = setTimeout(() => seen('by number'), 3); clearTimeout(+byNumber);
       const refreshed = setTimeout(() => seen(['refreshed', now()]), 10); setTimeout(() => refreshed.refresh(), 8);
       let count = 0; const interval = setInterval(() => { seen(['interval', now()]); if (++count === 3) clearInterval(interval); }, 20);
       setImmediate((x) => seen([x, now()]), 'immediate'); clearImmediate(setImmediate(() => seen('never')));
       seen(refreshed.hasRef()); seen(refreshed.unref().hasRef()); seen(refreshed.ref().hasRef());`,
    );
    expect(errors).toEqual([]);
    expect(values).toEqual([
      true,
      false,
      true,
      ['immediate', 0.01],
      ['zero', 1],
      ['long', 1],
      ['none', 1],
      ['fraction', 2],
      ['args', 5, 'a', 'b'],
      ['text', 7],
      ['refreshed', 18],
      ['interval', 20],
      ['interval', 40],
      ['interval', 60],
    ]);
  });

  it('gives promise timers that can be aborted', async () => {
    const { values, errors } = await run(
      `const timers = require('node:timers/promises'); const { promisify } = require('util');
       timers.setTimeout(5, 'value').then((value) => seen([value, now()]));
       promisify(setTimeout)(7, 'promisified').then((value) => seen([value, now()]));
       const controller = new AbortController();
       timers.setTimeout(1_000, null, { signal: controller.signal }).catch((error) => seen([error.name, error.code, now()]));
       setTimeout(() => controller.abort(), 9);
       AbortSignal.timeout(20).addEventListener('abort', function () { seen([this.reason.name, now()]); });
       seen(AbortSignal.abort() instanceof AbortSignal);`,
    );
    expect(errors).toEqual([]);
    expect(values).toEqual([
      true,
      ['value', 5],
      ['promisified', 7],
      ['AbortError', 'ABORT_ERR', 9],
      ['TimeoutError', 20],
    ]);
  });

  it('parks a timer that was due before it was armed until an event that comes late enough', async () => {
    const { values } = await run(
      `setTimeout(() => seen(['negative', now()]), -1); setTimeout(() => seen(['NaN', now()]), NaN);
       const cleared = setTimeout(() => seen('cleared'), -5); setTimeout(() => clearTimeout(cleared), 1);
       setTimeout(() => seen(['too early', now()]), 200); setTimeout(() => seen(['the one', now()]), 2_000);`,
    );
    expect(values).toEqual([
      ['too early', 200],
      ['negative', 2_000],
      ['NaN', 2_000],
      ['the one', 2_000],
    ]);
  });

  it('runs long intervals that do something together, never early and late by less than the grid', async () => {
    const { values } = await run(
      `for (const first of [3, 40, 77]) setTimeout(() => { const armed = now(); let last = armed;
         setInterval(() => { seen([now(), now() - last]); last = now(); setImmediate(() => {}); }, 100); }, first);`,
      { untilMs: 1_000 },
    );
    const firings = values as [number, number][];
    expect(new Set(firings.map(([timeMs]) => timeMs)).size).toBeLessThan(12);
    expect(firings.length).toBeGreaterThan(20);
    for (const [, gap] of firings) {
      expect(gap).toBeGreaterThanOrEqual(100);
      expect(gap).toBeLessThan(200);
    }
  });

  it('runs long intervals that do nothing with other events, and those that have done something on time', async () => {
    const { values } = await run(
      `let fired = 0; let busy = false;
       setInterval(() => { seen(now()); if (busy) Promise.resolve().then(() => setImmediate(() => {})); }, 100);
       setTimeout(() => {}, 1_350); setTimeout(() => { busy = true; }, 3_950); setTimeout(() => { busy = false; }, 4_750);`,
      { untilMs: 6_000 },
    );
    expect(values).toEqual([100, 1_200, 1_350, 2_300, 3_400, 3_950, 4_500, 4_600, 4_700, 4_800, 5_900]);
  });

  it('does not let an interval that does nothing hold up one that begins', async () => {
    const { values } = await run(
      `setInterval(() => {}, 100); setTimeout(() => { setInterval(() => seen(now()), 300); }, 2_350);`,
      { untilMs: 3_000 },
    );
    expect(values).toEqual([2_700]);
  });
});

describe('chance in a simulated process', () => {
  const code = `const crypto = require('crypto');
    seen(Math.random()); seen(globalThis.Math.random()); seen(crypto.randomBytes(4).toString('hex')); seen(crypto.randomUUID());
    seen(crypto.randomInt(10)); seen(crypto.randomInt(5, 7)); seen([...global.crypto.getRandomValues(new Uint8Array(3))]);
    crypto.randomBytes(2, (error, bytes) => seen(bytes.toString('hex')));
    crypto.pbkdf2('pencil', 'salt', 10, 8, 'sha256', (error, key) => seen(key.toString('hex')));
    seen(crypto.createHash('md5').update('x').digest('hex'));`;

  it('comes from its streams, the same every time', async () => {
    const first = await run(code);
    expect(first.errors).toEqual([]);
    expect(first.values).toHaveLength(10);
    expect((await run(code)).values).toEqual(first.values);
  });
});

describe('the rest of a simulated process', () => {
  it('has the modules that only compute, and zlib without threads', async () => {
    const { values, errors } = await run(
      `const zlib = require('zlib'); const { promisify } = require('node:util');
       seen(typeof require('events').EventEmitter); seen(require('path').join('a', 'b')); seen(require('os').hostname());
       seen(Buffer.from('x').toString('hex')); seen(Math.max(1, 2)); seen(Object.keys(process.env)); seen(process.env.NODE_ENV);
       promisify(zlib.gzip)('text').then(promisify(zlib.unzip)).then((bytes) => seen(bytes.toString()));
       zlib.inflate(Buffer.from('no'), (error) => seen(error.code));`,
    );
    expect(errors).toEqual([]);
    expect(values).toEqual([
      'function',
      'a/b',
      'simulated',
      '78',
      2,
      ['NODE_ENV'],
      'production',
      'Z_DATA_ERROR',
      'text',
    ]);
  });

  it.each([
    ["require('fs').readFileSync('/etc/hosts')", 'node:fs.readFileSync'],
    ["require('fs').promises.readFile('/etc/hosts')", 'node:fs.promises.readFile'],
    ["new (class extends require('http').Agent {})()", 'node:http.Agent'],
    ["require('node:child_process').spawn('ls')", 'node:child_process.spawn'],
    ["require('dns').lookup('localhost')", 'node:dns.lookup'],
    ["new (require('worker_threads').Worker)('x')", 'node:worker_threads.Worker'],
    ["fetch('http://localhost').catch((error) => { throw error; })", 'fetch'],
    ["require('some-native-module')", 'some-native-module'],
    ["require('net').createServer()", 'node:net.createServer'],
    ["require('crypto').generateKeyPair()", 'node:crypto.generateKeyPair'],
    ["require('zlib').createGzip()", 'node:zlib.createGzip'],
    ['crypto.subtle', 'crypto.subtle'],
    ['process.kill(1)', 'process.kill'],
    ['performance.mark("x")', 'performance.mark'],
  ])('refuses %s by name, and says what to do', async (expression, name) => {
    const { errors } = await run(`${expression};`);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain(`'${name}' is not to be had in the simulated world`);
    expect(errors[0]).toContain('--world kafka');
  });

  it('has the plain values of a module that it refuses to use', async () => {
    const { values, errors } = await run(
      `const fs = require('fs'); seen(fs.constants.O_RDONLY); seen(typeof fs.readFile); seen(require('node:http').METHODS[0]);`,
    );
    expect(errors).toEqual([]);
    expect(values).toEqual([0, 'function', 'ACL']);
  });

  it('refuses a dynamic import', async () => {
    const { values } = await run(`import('node:fs').then(() => seen('fs'), (error) => seen(error.code));`);
    expect(String(values[0])).toMatch(/^ERR_VM_DYNAMIC_IMPORT_CALLBACK_MISSING/);
  });

  it('lacks what would reach the machine, in every way of naming it', async () => {
    const { values, errors } = await run(
      `for (const name of ['WebSocket', 'MessageChannel', 'BroadcastChannel', 'navigator'])
         seen(typeof globalThis[name]); seen(globalThis.fetch === fetch); seen(global === globalThis); seen(typeof self.setTimeout);
       seen(crypto.randomBytes === undefined);`,
    );
    expect(errors).toEqual([]);
    expect(values).toEqual([...new Array(4).fill('undefined'), true, true, 'function', true]);
  });

  it('prints and ends through its own process', async () => {
    const { printed, exits } = await run(
      `console.error('%s and %d', 'text', 4); process.stdout.write('out'); process.stderr.write('err'); process.exit(3);`,
    );
    expect(printed).toEqual(['text and 4\n', 'out', 'err']);
    expect(exits).toEqual([3]);
  });

  it('does not find a host that is no broker', async () => {
    const { values } = await run(
      `require('net').connect({ host: 'elsewhere', port: 1 }).on('error', (error) => seen([error.code, error.syscall]));`,
    );
    expect(values).toEqual([['ENOTFOUND', 'getaddrinfo']]);
  });

  it("gives the events of a socket in Node's order", async () => {
    const { values, receivers, errors } = await run(
      `const socket = require('net').connect(9092, 'kafka-1', () => seen('callback'));
       for (const event of ['connect', 'ready', 'data', 'end', 'finish', 'close', 'error', 'timeout'])
         socket.on(event, (value) => seen(value === undefined ? event : event + ' ' + value));
       seen(socket.connecting); seen(socket.readyState); socket.setTimeout(3_000); seen(socket.setKeepAlive(true, 1) === socket);
       globalThis.setTimeout(() => socket.write('late'), 20_000);
       globalThis.setTimeout(() => socket.write('too late', (error) => seen(error.code)), 30_000);`,
      { untilMs: 1 },
    );
    expect(errors).toEqual([]);
    expect(values).toEqual([true, 'opening', true]);
    const [receiver] = receivers as [Receiver];
    receiver.connected?.();
    receiver.data(Buffer.from('bytes'));
    receiver.ended();
    await new Promise((resolve) => setImmediate(resolve));
    expect(values.slice(3)).toEqual([
      'callback',
      'connect',
      'ready',
      'data bytes',
      'end',
      'finish',
      'close false',
    ]);
  });
});

describe('code that processes share', () => {
  it('finds the clock, the chance and the rest of whichever process runs', async () => {
    const code = `let evaluations = 0; evaluations++; module.exports = (seen, name) => {
      process.on('SIGTERM', () => seen([name, 'SIGTERM', process.pid, Date.now()]));
      setTimeout(() => seen([name, evaluations, process.pid, Date.now(), Math.random(), crypto.randomUUID(), process.env.NAME,
        new Date().getTime(), performance.timeOrigin, require('crypto').randomBytes(4).toString('hex')]), 10);
      require('timers/promises').setTimeout(20).then(() => seen([name, 'later', process.pid, Date.now()])); };`;
    const diaries: Record<Isolation, unknown[]> = { thread: [], process: [] };
    for (const isolation of ['thread', 'process'] as const) {
      const scheduler = new Scheduler({ trace: new Trace() });
      const bundle = compileBundle(code, 'test.cjs', isolation);
      for (const [i, name] of ['one', 'two'].entries()) {
        const owner = scheduler.owner(name);
        scheduler.after(owner, 1_000_000 * (i + 1) - scheduler.nowUs, kind, () => {
          const clock = new ProcessClock(scheduler, { offsetMs: i * 500, driftPerMillion: 0 });
          const signals = new EventEmitter();
          const parts: ProcessParts = {
            pid: i,
            clock,
            timers: new ProcessTimers(scheduler, owner, clock),
            random: new RandomStream(i, 'random'),
            cryptoRandom: new RandomStream(i, 'crypto'),
            dialer: { connect: () => null },
            signals,
            env: { NAME: name },
            exitCode: undefined,
            exit: () => {},
            print: () => {},
          };
          owner.parts = parts;
          const main = bundle.load(() => parts) as unknown as (
            seen: (value: unknown) => void,
            name: string,
          ) => void;
          main((value) => diaries[isolation].push(value), name);
          scheduler.after(owner, 50_000, kind, () => signals.emit('SIGTERM'));
        });
      }
      await scheduler.run(
        async () =>
          await new Promise<void>((resolve) => scheduler.after(scheduler.harness, 3_000_000, kind, resolve)),
      );
    }
    expect(diaries.thread).toHaveLength(6);
    expect(diaries.thread).toEqual(diaries.process);
    expect(new Set(diaries.thread.map((value) => (value as unknown[])[2]))).toEqual(new Set([0, 1]));
  });
});

describe('code that computes without end', () => {
  it.each([
    ['promises', 'void (async () => { for (;;) await null; })();'],
    ['ticks', 'const again = () => process.nextTick(again); again();'],
    ['a loop', 'for (;;);'],
  ])('is cut off for good: %s', async (_, code) => {
    const { values, errors } = await run(
      `setTimeout(() => seen('another timer'), 20); setTimeout(() => { seen('begins'); ${code} }, 10);`,
    );
    expect(values).toEqual(['begins']);
    expect(errors).toEqual(['endless']);
  });
});
