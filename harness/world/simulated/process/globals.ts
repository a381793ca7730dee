/**
 * Everything that a simulated process sees in place of the platform's globals: its parts enter, one value for each name
 * leaves, in the order of `SHADOWED`.
 */
import * as perfHooks from 'node:perf_hooks';
import { format } from 'node:util';
import { createCrypto } from './crypto.ts';
import { createDate } from './date.ts';
import { createRequireFunction } from './modules.ts';
import { createNodeProcess } from './node-process.ts';
import type { PartsOf } from './parts.ts';
import { refusal, refusing } from './refuse.ts';
import { createSocketModules } from './socket.ts';
import { createTimerFunctions } from './timer-functions.ts';
import { createZlib } from './zlib.ts';

/** Globals of the platform that would reach the machine, other threads or the garbage collector. */
const ABSENT = [
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
  'fetch',
] as const;

/** The parameters of the function that a client's bundle is wrapped in. */
export const SHADOWED: readonly string[] = [...PROVIDED, ...ABSENT];

export interface Surroundings {
  /** One argument for each name in SHADOWED. */
  readonly values: readonly unknown[];
  /** What the bundle exports, once it has run. */
  readonly module: { exports: unknown };
}

const createMath = (parts: PartsOf): Math => {
  const math = Object.create(Object.prototype, Object.getOwnPropertyDescriptors(Math)) as Math;
  Object.defineProperty(math, 'random', {
    value: () => parts().random.fraction(),
    writable: true,
    configurable: true,
  });
  return math;
};

const createPerformance = (parts: PartsOf): object =>
  refusing(
    'performance',
    {
      now: () => parts().clock.uptimeUs() / 1_000,
      get timeOrigin() {
        return parts().clock.originEpochMs();
      },
    },
    globalThis.performance,
  );

/** The platform's AbortSignal, but for `timeout`, whose timer no simulation could see. */
function createAbortSignal(parts: PartsOf): object {
  return refusing(
    'AbortSignal',
    {
      prototype: AbortSignal.prototype,
      [Symbol.hasInstance]: (value: unknown) => value instanceof AbortSignal,
      abort: (reason?: unknown) => AbortSignal.abort(reason),
      any: (signals: AbortSignal[]) => AbortSignal.any(signals),
      timeout(delayMs: number): AbortSignal {
        const controller = new AbortController();
        parts().timers.timeout(
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

function createConsole(parts: PartsOf): object {
  const write = (...values: unknown[]): void => parts().print(`${format(...values)}\n`);
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

export function createSurroundings(parts: PartsOf): Surroundings {
  const process = createNodeProcess(parts);
  const { functions: timerFunctions, promises: timerPromises } = createTimerFunctions(parts);
  const crypto = createCrypto(parts);
  const performance = createPerformance(parts);
  const console = createConsole(parts);
  const { net, tls } = createSocketModules(parts);
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
    Date: createDate(parts),
    Math: createMath(parts),
    performance,
    crypto: crypto.webcrypto,
    AbortSignal: createAbortSignal(parts),
    fetch: async () => await Promise.reject(refusal('fetch')),
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
  return { values: SHADOWED.map((name) => all[name]), module };
}
