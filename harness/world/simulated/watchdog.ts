/**
 * Ends code that would never end by itself: a piece of work enters, and whether it came to its end leaves. A client can
 * chase its own tail without ever waiting for anything; a real process then burns a processor until it is killed, and a
 * simulated one would do it to the whole run, since nothing in JavaScript can take the thread away from it. V8 can.
 *
 * This is the one place of a simulated run that looks at a real clock. Nothing but "it never ends" may follow from it.
 */
import { readFileSync } from 'node:fs';
import { Script } from 'node:vm';
import { WorldUnavailableError } from '../../errors.ts';

/** Far longer than any event takes, even where many processes share the processor: V8 counts by the wall clock. */
const ENDLESS_AFTER_MS = 10_000;
/** Less than this of processor time in it, and it was the machine that stood still, not the code that ran on. */
const ENDLESS_CPU_MS = 500;
/** Work is handed over in portions that are over in much less; each costs a thread that watches it. */
const PORTION_MS = 200;

const hook = Symbol.for('kafka-trial.work');
const script = new Script(`globalThis[Symbol.for('kafka-trial.work')]()`, { filename: 'watchdog' });
const global = globalThis as unknown as Record<symbol, () => void>;

/** Of this thread where the system tells, since other simulated runs burn the processor beside it; else of them all. */
function cpuMs(): number {
  if (process.platform !== 'linux') return process.cpuUsage().user / 1_000;
  const [nanoseconds] = readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ');
  return Number(nanoseconds) / 1_000_000;
}

/**
 * Runs the work, which has to return soon after `isOver` says so.
 * @param endlessAfterMs how long a portion may last
 * @returns false where it was ended because it went on and on; what it had queued as microtasks is gone then
 * @throws what the work throws; WorldUnavailableError where the machine did not let it run
 */
export function runWatched(
  work: (isOver: () => boolean) => void,
  endlessAfterMs: number = ENDLESS_AFTER_MS,
): boolean {
  const endMs = performance.now() + PORTION_MS;
  const startCpuMs = cpuMs();
  global[hook] = () => work(() => performance.now() >= endMs);
  try {
    script.runInThisContext({ timeout: endlessAfterMs });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw error;
    if (cpuMs() - startCpuMs < ENDLESS_CPU_MS)
      throw new WorldUnavailableError(
        `The machine stood still for ${endlessAfterMs / 1_000} s in the middle of a simulated run.`,
      );
    return false;
  } finally {
    delete global[hook];
  }
}
