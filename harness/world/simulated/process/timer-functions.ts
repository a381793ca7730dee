/**
 * `setTimeout` and its kin as a process's code sees them, and the modules `timers` and `timers/promises`: calls enter,
 * and reach the timers of whichever process makes them.
 */
import { promisify } from 'node:util';
import type { PartsOf } from './parts.ts';
import { type Callback, Immediate, type Timeout } from './timers.ts';

export function createTimerFunctions(parts: PartsOf) {
  const setTimeout = (callback: Callback, delay?: number, ...values: unknown[]): Timeout =>
    parts().timers.timeout(callback, delay, values);
  const setInterval = (callback: Callback, delay?: number, ...values: unknown[]): Timeout =>
    parts().timers.interval(callback, delay, values);
  const setImmediate = (callback: Callback, ...values: unknown[]): Immediate =>
    parts().timers.immediate(callback, ...values);
  const clearTimeout = (timer: unknown): void => parts().timers.clear(timer);
  const clearImmediate = (immediate: unknown): void => {
    if (immediate instanceof Immediate) immediate.clear();
  };
  const promises = {
    setTimeout: async (delay?: number, value?: unknown, options?: { signal?: AbortSignal }) =>
      await abortable(options?.signal, (resolve) => {
        const timer = setTimeout(() => resolve(value), delay);
        return () => timer.close();
      }),
    setImmediate: async (value?: unknown, options?: { signal?: AbortSignal }) =>
      await abortable(options?.signal, (resolve) => {
        const immediate = setImmediate(() => resolve(value));
        return () => immediate.clear();
      }),
    scheduler: {
      wait: async (delay: number, options?: { signal?: AbortSignal }) =>
        await promises.setTimeout(delay, undefined, options),
      yield: async () => await promises.setImmediate(),
    },
  };
  Object.defineProperty(setTimeout, promisify.custom, { value: promises.setTimeout });
  Object.defineProperty(setImmediate, promisify.custom, { value: promises.setImmediate });
  return {
    functions: {
      setTimeout,
      setInterval,
      setImmediate,
      clearTimeout,
      clearInterval: clearTimeout,
      clearImmediate,
    },
    promises,
  };
}

/** Node's AbortError, for the promise forms. */
const abortError = (signal: AbortSignal): Error =>
  Object.assign(new Error('The operation was aborted', { cause: signal.reason }), {
    name: 'AbortError',
    code: 'ABORT_ERR',
  });

function abortable(
  signal: AbortSignal | undefined,
  start: (resolve: (value: unknown) => void) => () => void,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    const stop = start((value) => {
      signal?.removeEventListener('abort', abort);
      resolve(value);
    });
    const abort = (): void => {
      stop();
      reject(abortError(signal as AbortSignal));
    };
    signal?.addEventListener('abort', abort, { once: true });
  });
}
