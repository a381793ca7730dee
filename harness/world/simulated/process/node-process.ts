/**
 * A simulated process's own `process`: its parts enter, an object leaves that looks like Node's and knows nothing of the
 * machine.
 */
import { running } from '../scheduler.ts';
import type { PartsOf } from './parts.ts';
import { refusing } from './refuse.ts';

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

/** What of an EventEmitter code uses on its `process`. */
const LISTENING = [
  'on',
  'once',
  'off',
  'addListener',
  'removeListener',
  'prependListener',
  'prependOnceListener',
  'removeAllListeners',
  'emit',
  'listeners',
  'rawListeners',
  'listenerCount',
  'eventNames',
  'setMaxListeners',
  'getMaxListeners',
] as const;

/** Signals arrive as events, as in Node. */
export function createNodeProcess(parts: PartsOf): object {
  const nanoseconds = (): bigint => BigInt(Math.floor(parts().clock.uptimeUs() * 1_000));
  const hrtime = Object.assign(
    (earlier?: readonly [number, number]): [number, number] => {
      const before = earlier === undefined ? 0n : BigInt(earlier[0]) * 1_000_000_000n + BigInt(earlier[1]);
      const span = nanoseconds() - before;
      return [Number(span / 1_000_000_000n), Number(span % 1_000_000_000n)];
    },
    { bigint: nanoseconds },
  );
  const print = (text: string): void => parts().print(text);
  const members = {
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
    get pid() {
      return parts().pid;
    },
    ppid: 1,
    features: {},
    get env() {
      return parts().env;
    },
    get exitCode() {
      return parts().exitCode;
    },
    set exitCode(code: number | undefined) {
      parts().exitCode = code;
    },
    stdin: createStream(0, () => {}),
    stdout: createStream(1, print),
    stderr: createStream(2, print),
    cwd: () => '/',
    umask: () => 0o22,
    uptime: () => parts().clock.uptimeUs() / 1_000_000,
    hrtime,
    nextTick,
    exit: (code?: number) => parts().exit(code ?? parts().exitCode ?? 0),
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
  };
  for (const name of LISTENING)
    Object.defineProperty(members, name, {
      value: (...values: unknown[]) => {
        const { signals } = parts();
        return Reflect.apply(signals[name] as (...all: unknown[]) => unknown, signals, values);
      },
    });
  return refusing('process', members, process);
}

/** Node's own, since streams hang on any other; but a chain of them that was cut off ends there. */
function nextTick<Values extends unknown[]>(callback: (...values: Values) => void, ...values: Values): void {
  const { owner } = running;
  process.nextTick(() => {
    if (owner?.state !== 'frozen') callback(...values);
  });
}
