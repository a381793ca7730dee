/**
 * A simulated process's own `process`: its clock, its name and its exit enter, an object leaves that looks like Node's
 * and knows nothing of the machine.
 */
import { EventEmitter } from 'node:events';
import type { ProcessClock } from './clock.ts';
import { refusing } from './refuse.ts';

export interface NodeProcessOptions {
  readonly pid: number;
  readonly clock: ProcessClock;
  /** What `exit` does: the process is gone when it returns. */
  readonly exit: (code: number) => void;
  /** Takes what is written to standard output and standard error. */
  readonly print: (text: string) => void;
}

/** What a client sees in every run, whichever Node.js it really runs on. */
const NODE_VERSION = '20.19.0';

const createStream = (fd: number, print: (text: string) => void) => ({
  fd,
  isTTY: false,
  writable: true,
  write(text: unknown, ...rest: unknown[]): boolean {
    print(typeof text === 'string' ? text : Buffer.from(text as Uint8Array).toString('utf8'));
    const callback = rest.at(-1);
    if (typeof callback === 'function') process.nextTick(callback as () => void);
    return true;
  },
  end: () => {},
  on: () => {},
  once: () => {},
});

/** Signals arrive as events, as in Node. */
export function createNodeProcess({ pid, clock, exit, print }: NodeProcessOptions) {
  const emitter = new EventEmitter();
  const hrtime = Object.assign(
    (earlier?: readonly [number, number]): [number, number] => {
      const nanoseconds = BigInt(Math.floor(clock.uptimeUs() * 1_000));
      const before = earlier === undefined ? 0n : BigInt(earlier[0]) * 1_000_000_000n + BigInt(earlier[1]);
      const span = nanoseconds - before;
      return [Number(span / 1_000_000_000n), Number(span % 1_000_000_000n)];
    },
    { bigint: (): bigint => BigInt(Math.floor(clock.uptimeUs() * 1_000)) },
  );
  const members = Object.assign(emitter, {
    title: 'node',
    version: `v${NODE_VERSION}`,
    versions: { node: NODE_VERSION },
    release: { name: 'node' },
    arch: 'x64',
    platform: 'linux',
    argv: ['node', 'client'],
    execArgv: [],
    execPath: 'node',
    argv0: 'node',
    pid,
    ppid: 1,
    features: {},
    // kafkajs and others behave differently under NODE_ENV=test.
    env: { NODE_ENV: 'production' } as Record<string, string | undefined>,
    exitCode: undefined as number | undefined,
    stdin: createStream(0, () => {}),
    stdout: createStream(1, print),
    stderr: createStream(2, print),
    cwd: () => '/',
    umask: () => 0o22,
    uptime: () => clock.uptimeUs() / 1_000_000,
    hrtime,
    // Never replaced: streams hang where nextTick and the microtask queue are not Node's own.
    nextTick: process.nextTick.bind(process) as typeof process.nextTick,
    exit: (code?: number) => exit(code ?? members.exitCode ?? 0),
    emitWarning: (warning: string | Error) => print(`Warning: ${String(warning)}\n`),
    memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 }),
    cpuUsage: () => ({ user: 0, system: 0 }),
    resourceUsage: () => ({}),
    getuid: () => 1_000,
    getgid: () => 1_000,
    domain: undefined,
    config: {},
    binding: undefined,
    report: undefined,
    permission: undefined,
  });
  return refusing('process', members, process);
}
export type NodeProcess = ReturnType<typeof createNodeProcess>;
