/**
 * Everything that a simulated process sees in place of the platform's globals: its clock, its random streams, its door
 * to the network and its ways out enter, one value for each name leaves, in the order of `SHADOWED`.
 */
import * as perfHooks from 'node:perf_hooks';
import { format } from 'node:util';
import type { RandomStream } from '../random.ts';
import type { ProcessClock } from './clock.ts';
import { createCrypto } from './crypto.ts';
import { createDate } from './date.ts';
import { createRequireFunction } from './modules.ts';
import { createNodeProcess, type NodeProcess } from './node-process.ts';
import { refusing } from './refuse.ts';
import { createSocketModules, type Dialer } from './socket.ts';
import type { ProcessTimers } from './timers.ts';
import { createZlib } from './zlib.ts';

/** Globals of the platform that would reach the machine, other threads or the garbage collector. */
const ABSENT = [
  'fetch',
  'WebSocket',
  'EventSource',
  'XMLHttpRequest',
  'Worker',
  'BroadcastChannel',
  'MessageChannel',
  'MessagePort',
  'FinalizationRegistry',
  'Temporal',
  'navigator',
  'localStorage',
  'sessionStorage',
] as const;

const PROVIDED = [
  'exports',
  'require',
  'module',
  '__filename',
  '__dirname',
  'globalThis',
  'global',
  'self',
  'process',
  'console',
  'Date',
  'Math',
  'performance',
  'crypto',
  'AbortSignal',
  'setTimeout',
  'clearTimeout',
  'setInterval',
  'clearInterval',
  'setImmediate',
  'clearImmediate',
] as const;

/** The parameters of the function that a client's bundle is wrapped in. */
export const SHADOWED: readonly string[] = [...PROVIDED, ...ABSENT];

export interface SurroundingsOptions {
  readonly pid: number;
  readonly clock: ProcessClock;
  readonly timers: ProcessTimers;
  /** `Math.random`, and everything of `crypto`: one stream each. */
  readonly random: RandomStream;
  readonly cryptoRandom: RandomStream;
  readonly dialer: Dialer;
  readonly exit: (code: number) => void;
  readonly print: (text: string) => void;
}

export interface Surroundings {
  /** One argument for each name in SHADOWED. */
  readonly values: readonly unknown[];
  /** What the bundle exports, once it has run. */
  readonly module: { exports: unknown };
  readonly process: NodeProcess;
}

const createMath = (random: RandomStream): Math => {
  const math = Object.create(Object.prototype, Object.getOwnPropertyDescriptors(Math)) as Math;
  Object.defineProperty(math, 'random', {
    value: () => random.fraction(),
    writable: true,
    configurable: true,
  });
  return math;
};

const createPerformance = (clock: ProcessClock): object =>
  refusing(
    'performance',
    { now: () => clock.uptimeUs() / 1_000, timeOrigin: clock.originEpochMs() },
    globalThis.performance,
  );

/** The platform's AbortSignal, but for `timeout`, whose timer no simulation could see. */
function createAbortSignal(timers: ProcessTimers): object {
  return refusing(
    'AbortSignal',
    {
      prototype: AbortSignal.prototype,
      [Symbol.hasInstance]: (value: unknown) => value instanceof AbortSignal,
      abort: (reason?: unknown) => AbortSignal.abort(reason),
      any: (signals: AbortSignal[]) => AbortSignal.any(signals),
      timeout(delayMs: number): AbortSignal {
        const controller = new AbortController();
        timers.timeout(
          () =>
            controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')),
          delayMs,
        );
        return controller.signal;
      },
    },
    AbortSignal,
  );
}

function createConsole(print: (text: string) => void): object {
  const write = (...values: unknown[]): void => print(`${format(...values)}\n`);
  const nothing = (): void => {};
  return {
    log: write,
    info: write,
    debug: write,
    warn: write,
    error: write,
    trace: write,
    dir: write,
    table: write,
    assert: (condition: unknown, ...values: unknown[]) => {
      if (!condition) write('Assertion failed', ...values);
    },
    group: nothing,
    groupEnd: nothing,
    time: nothing,
    timeEnd: nothing,
    timeLog: nothing,
    count: nothing,
  };
}

export function createSurroundings(options: SurroundingsOptions): Surroundings {
  const { clock, timers, print } = options;
  const process = createNodeProcess(options);
  const { promises: timerPromises, ...timerFunctions } = timers.globals();
  const crypto = createCrypto(options.cryptoRandom);
  const performance = createPerformance(clock);
  const { net, tls } = createSocketModules(options.dialer, timers);
  const console = createConsole(print);
  const own = {
    process,
    console,
    net,
    tls,
    crypto: crypto.module,
    zlib: createZlib(),
    timers: { ...timerFunctions, promises: timerPromises },
    'timers/promises': timerPromises,
    perf_hooks: refusing('node:perf_hooks', { performance }, perfHooks),
  };
  const require = createRequireFunction(own);
  const module = { exports: {} as unknown };
  const provided: Record<(typeof PROVIDED)[number], unknown> = {
    exports: module.exports,
    require,
    module,
    __filename: '/client.cjs',
    __dirname: '/',
    globalThis: undefined,
    global: undefined,
    self: undefined,
    process,
    console,
    Date: createDate(clock),
    Math: createMath(options.random),
    performance,
    crypto: crypto.webcrypto,
    AbortSignal: createAbortSignal(timers),
    ...timerFunctions,
  };
  const absent = Object.fromEntries(ABSENT.map((name) => [name, undefined]));
  // `global.crypto` and the like have to find the same values; everything else is the platform's.
  const global = Object.create(
    globalThis,
    Object.getOwnPropertyDescriptors({ ...provided, ...absent }),
  ) as Record<string, unknown>;
  for (const name of ['globalThis', 'global', 'self'] as const) {
    global[name] = global;
    provided[name] = global;
  }
  for (const name of ['exports', 'require', 'module', '__filename', '__dirname']) delete global[name];
  const all: Record<string, unknown> = { ...provided, ...absent };
  return { values: SHADOWED.map((name) => all[name]), module, process };
}
