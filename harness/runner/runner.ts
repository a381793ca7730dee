/**
 * Runs scenarios and puts together what they came to: plans enter, an executor runs and judges them, several at once,
 * and judged and kept scenarios and one `RunResult` leave. In the simulated world nothing of the result depends on how
 * many run at once or in which order they end.
 */
import { goals } from '../../properties/goals/index.ts';
import type { Property } from '../../properties/property.ts';
import {
  type KnownIssueOf,
  type RunResult,
  RunResultBuilder,
  type RunResultHeader,
} from '../../reports/results.ts';
import type { RunDirectory } from '../../reports/run-directory.ts';
import type { ProgressState } from '../../reports/terminal.ts';
import { InOrder } from './in-order.ts';
import type { Executor, Plan, Ran } from './unit.ts';

export interface RunOptions {
  readonly header: RunResultHeader;
  readonly plans: Iterable<Plan>;
  readonly planned: number | null;
  /** Tells what is known of the client from what is new; left out, everything is new. */
  readonly knownIssueOf?: KnownIssueOf;
  readonly executor: Executor;
  readonly properties: readonly Property[];
  /** Scenarios at once. */
  readonly jobs: number;
  /** No scenario is begun after this time; null where there is no limit. */
  readonly timeLimitMs: number | null;
  /** Null where nothing is to be kept. */
  readonly directory: RunDirectory | null;
  readonly onProgress: (progress: ProgressState) => void;
  /** What client processes wrote to standard error, where the executor did not pass it on at once. */
  readonly onLog: (origin: string, line: string) => void;
  /** Ends the run; what is running is cleaned up and does not count. */
  readonly signal: AbortSignal;
}

/** So many scenarios in a row that the world failed: it is gone, and the rest would fail the same way. */
const WORLD_FAILURES_MAX = 3;
/**
 * Units ahead of the slowest one, for each that runs: enough that one that takes ten times as long holds nobody up,
 * and few enough for what they came to (about a third of a megabyte each) to fit into memory.
 */
const AHEAD_PER_JOB = 8;

/**
 * @throws HarnessError where the world cannot be had at all or the disk takes nothing more; everything of the run is
 * cleaned up by then
 */
export async function runScenarios(options: RunOptions): Promise<RunResult> {
  const run = new Run(options);
  await run.toEnd();
  return run.result();
}

interface Ended {
  readonly plan: Plan;
  readonly ran: Ran;
}

class Run {
  readonly #options: RunOptions;
  readonly #builder: RunResultBuilder;
  readonly #plans: Iterator<Plan>;
  readonly #startedMs = performance.now();
  readonly #startedCpu = process.cpuUsage();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  readonly #inOrder: InOrder<Ended>;
  /** What has ended, for the progress. */
  #done = 0;
  #running = 0;
  #illegal = 0;
  #unknown = 0;
  #doneMs = 0;
  /** What has been taken up, for the result. */
  #taken = 0;
  #takenMs = 0;
  #worldFailures = 0;
  /** How many scenarios reached each goal. */
  readonly #goals = new Map(goals.map(({ name }) => [name, 0]));

  constructor(options: RunOptions) {
    this.#options = options;
    this.#builder = new RunResultBuilder(options.header, options.properties, options.knownIssueOf);
    this.#plans = options.plans[Symbol.iterator]();
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
    this.#inOrder = new InOrder({
      take: async (ended) => await this.#take(ended),
      failed: (error) => this.#stop.abort(error),
      aheadMax: options.jobs * AHEAD_PER_JOB,
    });
    this.#signal.addEventListener('abort', () => this.#inOrder.stop());
  }

  /** @throws the first failure of the run as a whole, when everything that ran has stopped */
  async toEnd(): Promise<void> {
    await Promise.all(Array.from({ length: this.#options.jobs }, async () => await this.#work()));
    if (!this.#stop.signal.aborted) await this.#inOrder.end();
    if (this.#stop.signal.aborted) throw this.#stop.signal.reason;
  }

  /** One after another until there are no more. */
  async #work(): Promise<void> {
    try {
      for (;;) {
        const handedOut = await this.#inOrder.handOut(() => this.#next());
        if (handedOut === null) return;
        const { place, unit: plan } = handedOut;
        this.#inOrder.put(place, { plan, ran: await this.#execute(plan) });
      }
    } catch (error) {
      if (!this.#signal.aborted) this.#stop.abort(error);
    }
  }

  #next(): Plan | null {
    const { timeLimitMs } = this.#options;
    if (this.#signal.aborted) return null;
    if (timeLimitMs !== null && performance.now() - this.#startedMs >= timeLimitMs) return null;
    const next = this.#plans.next();
    return next.done === true ? null : next.value;
  }

  async #execute(plan: Plan): Promise<Ran> {
    this.#running++;
    this.#report();
    let ran: Ran;
    try {
      ran = await this.#options.executor.execute(plan, this.#signal);
    } finally {
      this.#running--;
    }
    this.#done++;
    this.#doneMs += ran.scenarioMs;
    if (ran.verdict.outcome === 'unknown') this.#unknown++;
    this.#illegal += ran.verdict.anomalies.filter((anomaly) => anomaly.policy === 'illegal').length;
    this.#report();
    return ran;
  }

  async #take({ plan, ran }: Ended): Promise<void> {
    for (const [origin, line] of ran.log) this.#options.onLog(origin, line);
    this.#worldFailures = ran.failure === null ? 0 : this.#worldFailures + 1;
    // A world that never worked is the user's to mend; one that failed once in between is a scenario's outcome.
    if (ran.failure !== null && (this.#taken === 0 || this.#worldFailures >= WORLD_FAILURES_MAX))
      throw ran.failure;
    const { index } = plan;
    const { scenario, verdict, skippedActions, wallSeconds } = ran;
    // A history that nobody asks for is never unpacked.
    const judged = { index, scenario, verdict };
    const kept =
      (await this.#options.directory?.keepScenario({
        ...judged,
        get history() {
          return ran.history;
        },
      })) ?? null;
    this.#builder.add({
      ...judged,
      skippedActions,
      wallSeconds,
      traceHash: ran.traceHash,
      kept,
      get history() {
        return ran.history;
      },
    });
    for (const name of ran.goals) this.#goals.set(name, (this.#goals.get(name) ?? 0) + 1);
    this.#takenMs += ran.scenarioMs;
    this.#taken++;
  }

  #report(): void {
    const { onProgress, planned, timeLimitMs } = this.#options;
    onProgress({
      scenariosDone: this.#done,
      scenariosPlanned: planned,
      elapsedSeconds: (performance.now() - this.#startedMs) / 1_000,
      timeLimitSeconds: timeLimitMs === null ? null : timeLimitMs / 1_000,
      virtualSeconds: this.#doneMs / 1_000,
      anomalies: this.#illegal,
      unknown: this.#unknown,
      phase: this.#running === 0 ? null : `${this.#running} running`,
    });
  }

  result(): RunResult {
    const cpu = process.cpuUsage(this.#startedCpu);
    return this.#builder.build({
      virtualSeconds: roundSeconds(this.#takenMs / 1_000),
      // Of this process with all its threads; child processes on trial are not counted.
      cpuSeconds: roundSeconds((cpu.user + cpu.system) / 1_000_000),
      wallSeconds: roundSeconds((performance.now() - this.#startedMs) / 1_000),
      goals: Object.fromEntries(this.#goals),
      interrupted: this.#options.signal.aborted,
      reportFile: this.#options.directory?.reportFile ?? null,
    });
  }
}

const roundSeconds = (seconds: number): number => Math.round(seconds * 1_000) / 1_000;
