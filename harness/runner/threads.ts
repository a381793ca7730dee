/**
 * Worker threads for the simulated world: units enter, each is run and judged in a thread that is free or new, and what
 * they came to leaves. A thread that dies takes its unit with it and says which one it was.
 */
import { join } from 'node:path';
import { type ResourceLimits, Worker } from 'node:worker_threads';
import { messageOf, WorldUnavailableError } from '../errors.ts';
import { buildOf } from '../subject/builds.ts';
import { packageRoot } from '../version.ts';
import { type Answer, type ThreadsTask, type ThreadTask, unpackError, unpackRan } from './thread-messages.ts';
import { describePlan, type Executor, type Plan, type Ran } from './unit.ts';

/** Threads run compiled code, also where this file is run as it stands. */
const MAIN_FILE = join(packageRoot, 'dist', 'harness', 'runner', 'thread-main.js');

export interface ThreadsOptions {
  /** What a thread runs. */
  readonly mainFile?: string;
  readonly resourceLimits?: ResourceLimits;
}

export class Threads implements Executor {
  readonly #task: ThreadTask;
  readonly #options: ThreadsOptions;
  readonly #idle: Worker[] = [];
  readonly #all = new Set<Worker>();

  /** @param options for tests of what happens when a thread dies */
  constructor(task: ThreadsTask, options: ThreadsOptions = {}) {
    this.#task = { ...task, build: buildOf(task.subject.client) };
    this.#options = options;
  }

  /** There are as many threads as units at once. */
  async execute(plan: Plan, signal: AbortSignal): Promise<Ran> {
    signal.throwIfAborted();
    const worker = this.#idle.pop() ?? this.#start();
    const answer = await this.#ask(worker, plan, signal);
    this.#idle.push(worker);
    if ('error' in answer) throw unpackError(answer.error);
    return unpackRan(answer.ran);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#all].map(async (worker) => await worker.terminate()));
  }

  #start(): Worker {
    const { mainFile = MAIN_FILE, ...limits } = this.#options;
    const worker = new Worker(mainFile, { workerData: this.#task, ...limits });
    this.#all.add(worker);
    // Whoever waits for it hears of it by its exit, with this as the cause.
    worker.on('error', () => {});
    // One that dies between two units is not idle any more; the next unit gets another.
    worker.once('exit', () => {
      this.#all.delete(worker);
      const index = this.#idle.indexOf(worker);
      if (index >= 0) this.#idle.splice(index, 1);
    });
    return worker;
  }

  #ask(worker: Worker, plan: Plan, signal: AbortSignal): Promise<Answer> {
    return new Promise((resolve, reject) => {
      let cause: unknown = null;
      const end = (settle: () => void): void => {
        worker.off('message', onMessage).off('error', onError).off('exit', onExit);
        signal.removeEventListener('abort', onAbort);
        settle();
      };
      const onMessage = (answer: Answer): void => end(() => resolve(answer));
      const onError = (error: unknown): void => {
        cause = error;
      };
      const onExit = (code: number): void => end(() => reject(diedIn(plan, code, cause)));
      const onAbort = (): void =>
        end(() => {
          // Whatever it is in the midst of: nothing of a simulated run is left behind.
          void worker.terminate();
          reject(signal.reason);
        });
      worker.on('message', onMessage).on('error', onError).on('exit', onExit);
      signal.addEventListener('abort', onAbort);
      worker.postMessage(plan);
    });
  }
}

function diedIn(plan: Plan, code: number, cause: unknown): WorldUnavailableError {
  const outOfMemory = cause instanceof Error && 'code' in cause && cause.code === 'ERR_WORKER_OUT_OF_MEMORY';
  const why = outOfMemory
    ? 'it ran out of memory'
    : cause === null
      ? `it ended with code ${code}`
      : messageOf(cause);
  return new WorldUnavailableError(`A worker thread died in ${describePlan(plan)}: ${why}.`, {
    hint: outOfMemory
      ? 'Give fewer --jobs, or more memory (NODE_OPTIONS=--max-old-space-size).'
      : 'Run that scenario alone with `kafka-trial replay` to see whether it is the cause.',
    cause,
  });
}
