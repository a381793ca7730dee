/**
 * Runs scenarios in a world and judges them: plans enter, judged and kept scenarios and one `RunResult` leave.
 * Several run at once where the world allows; the result does not depend on the order in which they end.
 */
import { createHash } from 'node:crypto';
import { judge } from '../../properties/index.ts';
import type { Property, Verdict } from '../../properties/property.ts';
import { type RunResult, RunResultBuilder, type RunResultHeader } from '../../reports/results.ts';
import type { RunDirectory } from '../../reports/run-directory.ts';
import type { ProgressState } from '../../reports/terminal.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import { WorldUnavailableError } from '../errors.ts';
import type { History } from '../history/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import type { Subject, World } from '../world/world.ts';
import { findDivergence } from './repeat.ts';

/** One scenario to run: its place in the run and how to make it. */
export interface Plan {
  readonly index: number;
  make(): Scenario;
}

export interface RunOptions {
  readonly header: RunResultHeader;
  readonly plans: Iterable<Plan>;
  readonly planned: number | null;
  readonly world: World;
  readonly subject: Subject;
  readonly properties: readonly Property[];
  /** Scenarios at once. */
  readonly jobs: number;
  /** No scenario is begun after this time; null where there is no limit. */
  readonly timeLimitMs: number | null;
  /** Null where nothing is to be kept. */
  readonly directory: RunDirectory | null;
  readonly onProgress: (progress: ProgressState) => void;
  /** Ends the run; what is running is cleaned up and does not count. */
  readonly signal: AbortSignal;
}

/** Of every so many scenarios of the simulated world one is run twice, and the traces have to be equal. */
const REPEAT_EVERY = 20;
/** So many scenarios in a row that the world failed: it is gone, and the rest would fail the same way. */
const WORLD_FAILURES_MAX = 3;

/**
 * @throws HarnessError where the world cannot be had at all or the disk takes nothing more; everything of the run is
 * cleaned up by then
 */
export async function runScenarios(options: RunOptions): Promise<RunResult> {
  const run = new Run(options);
  await run.toEnd();
  return run.result();
}

class Run {
  readonly #options: RunOptions;
  readonly #builder: RunResultBuilder;
  readonly #plans: Iterator<Plan>;
  readonly #startedMs = performance.now();
  readonly #startedCpu = process.cpuUsage();
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;
  #done = 0;
  #running = 0;
  #illegal = 0;
  #unknown = 0;
  #scenarioMs = 0;
  #worldFailures = 0;
  /** Trace hashes by index; empty in a world that has none. */
  readonly #hashes = new Map<number, string>();

  constructor(options: RunOptions) {
    this.#options = options;
    this.#builder = new RunResultBuilder(options.header, options.properties);
    this.#plans = options.plans[Symbol.iterator]();
    this.#signal = AbortSignal.any([options.signal, this.#stop.signal]);
  }

  async toEnd(): Promise<void> {
    const workers = Array.from({ length: this.#options.jobs }, () => this.#work());
    const results = await Promise.allSettled(workers);
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** One after another until there are no more; the first failure of the run as a whole stops the other workers. */
  async #work(): Promise<void> {
    try {
      for (let plan = this.#next(); plan !== null; plan = this.#next()) await this.#one(plan);
    } catch (error) {
      if (this.#options.signal.aborted) return;
      if (this.#stop.signal.aborted) return;
      this.#stop.abort(error);
      throw error;
    }
  }

  #next(): Plan | null {
    const { timeLimitMs } = this.#options;
    if (this.#signal.aborted) return null;
    if (timeLimitMs !== null && performance.now() - this.#startedMs >= timeLimitMs) return null;
    const next = this.#plans.next();
    return next.done === true ? null : next.value;
  }

  async #one(plan: Plan): Promise<void> {
    const scenario = plan.make();
    const { world, subject, properties, directory } = this.#options;
    const recorder = new HistoryRecorder();
    const startedMs = performance.now();
    this.#running++;
    this.#report();
    let verdict: Verdict;
    let history: History | null;
    try {
      await world.run(scenario, subject, recorder, this.#signal);
      history = recorder.finishHistory();
      verdict = judge(history, properties);
      if (recorder.trace !== null) {
        this.#hashes.set(plan.index, recorder.trace.hash);
        if (plan.index % REPEAT_EVERY === 0) {
          const divergence = await findDivergence(scenario, subject, recorder.trace, this.#signal);
          if (divergence !== null) verdict = notRepeatable(verdict, divergence);
        }
      }
      this.#worldFailures = 0;
    } catch (error) {
      if (this.#signal.aborted) throw error;
      if (!(error instanceof WorldUnavailableError)) throw error;
      this.#worldFailures++;
      // A world that never worked is the user's to mend; one that failed once in between is a scenario's outcome.
      if (this.#done === 0 || this.#worldFailures >= WORLD_FAILURES_MAX) throw error;
      history = recorder.size > 0 ? recorder.finishHistory() : null;
      verdict = worldFailed(error.message);
    } finally {
      this.#running--;
    }
    const wallSeconds = (performance.now() - startedMs) / 1_000;
    const judged = { index: plan.index, scenario, history, verdict };
    const kept = directory === null ? null : await directory.keepScenario(judged);
    this.#builder.add({ ...judged, wallSeconds, kept });
    this.#scenarioMs += history?.events.at(-1)?.time ?? 0;
    this.#done++;
    if (verdict.outcome === 'unknown') this.#unknown++;
    this.#illegal += verdict.anomalies.filter((anomaly) => anomaly.policy === 'illegal').length;
    this.#report();
  }

  #report(): void {
    const { onProgress, planned, timeLimitMs } = this.#options;
    onProgress({
      scenariosDone: this.#done,
      scenariosPlanned: planned,
      elapsedSeconds: (performance.now() - this.#startedMs) / 1_000,
      timeLimitSeconds: timeLimitMs === null ? null : timeLimitMs / 1_000,
      virtualSeconds: this.#scenarioMs / 1_000,
      anomalies: this.#illegal,
      unknown: this.#unknown,
      phase: this.#running === 0 ? null : `${this.#running} running`,
    });
  }

  #traceHash(): string | null {
    if (this.#hashes.size === 0) return null;
    const inOrder = [...this.#hashes].sort(([a], [b]) => a - b).map(([, hash]) => hash);
    return createHash('sha256').update(inOrder.join('\n')).digest('hex');
  }

  result(): RunResult {
    const cpu = process.cpuUsage(this.#startedCpu);
    return this.#builder.build({
      traceHash: this.#traceHash(),
      virtualSeconds: roundSeconds(this.#scenarioMs / 1_000),
      // The harness itself; the processes on trial are not counted.
      cpuSeconds: roundSeconds((cpu.user + cpu.system) / 1_000_000),
      wallSeconds: roundSeconds((performance.now() - this.#startedMs) / 1_000),
      goals: {},
      interrupted: this.#options.signal.aborted,
      reportFile: this.#options.directory?.reportFile ?? null,
    });
  }
}

/** A run that does not repeat itself proves nothing, whatever it found. */
const notRepeatable = (verdict: Verdict, divergence: string): Verdict => ({
  ...verdict,
  outcome: 'unknown',
  unknown: [...verdict.unknown, `The simulated world did not repeat itself. ${divergence}`],
});

const roundSeconds = (seconds: number): number => Math.round(seconds * 1_000) / 1_000;

const worldFailed = (message: string): Verdict => ({
  outcome: 'unknown',
  anomalies: [],
  unknown: [message],
  properties: [],
  ledger: [],
});
