/**
 * Runs the same scenarios through several subjects: subjects and a plan enter, the figures of each scenario under each
 * subject leave, in order. In the simulated world they do not depend on how many run at once.
 */
import { createHash } from 'node:crypto';
import type { KnownIssueOf } from '../../reports/results.ts';
import type { ProgressState } from '../../reports/terminal.ts';
import type { ProfileName } from '../../scenarios/arbitrary.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { WorldUnavailableError } from '../errors.ts';
import type { History } from '../history/schema.ts';
import { InOrder } from '../runner/in-order.ts';
import type { Executor, Plan, Ran } from '../runner/unit.ts';
import type { Figures } from './figures.ts';
import { type IllegalAnomaly, illegalIn, noveltyFigures } from './findings.ts';
import type { ComparedSubject } from './subjects.ts';

export interface ComparisonRunOptions {
  readonly subjects: readonly ComparedSubject[];
  readonly seed: number;
  readonly profile: ProfileName;
  readonly runs: number;
  /** By the subjects' keys. */
  readonly executors: ReadonlyMap<string, Executor>;
  /** By the subjects' keys too: tells what is known of each one's client from what is new. */
  readonly knownIssueOf: ReadonlyMap<string, KnownIssueOf>;
  readonly jobs: number;
  readonly onProgress: (progress: ProgressState) => void;
  readonly onLog: (origin: string, line: string) => void;
  readonly signal: AbortSignal;
}

/** One scenario under one subject. */
export interface Measured {
  readonly scenario: Scenario;
  readonly figures: Figures | null;
  readonly illegal: readonly IllegalAnomaly[];
  /** Why there are none, or null. */
  readonly unknown: string | null;
  /** Where the executor gives histories back; in the simulated world a run is simply repeated. */
  readonly history: History | null;
}

export interface ComparisonRun {
  /** By scenario, then by subject; a scenario that was not run under every subject is left out. */
  readonly scenarios: readonly (readonly Measured[])[];
  /** By subject, over the traces of its scenarios in order; null in a world that has none. */
  readonly traceHashes: readonly (string | null)[];
  readonly virtualSeconds: number;
}

const WORLD_FAILURES_MAX = 3;
const AHEAD_PER_JOB = 8;

/** @throws WorldUnavailableError where the world cannot be had at all */
export async function runComparison(options: ComparisonRunOptions): Promise<ComparisonRun> {
  const { subjects, seed, profile, runs, executors, knownIssueOf, jobs, signal } = options;
  const total = runs * subjects.length;
  const measured: Measured[][] = [];
  const hashes = subjects.map((): string[] => []);
  const startedMs = performance.now();
  const stop = new AbortController();
  const ended = AbortSignal.any([signal, stop.signal]);
  let [next, done, running, illegal, unknown, scenarioMs, failures] = [0, 0, 0, 0, 0, 0, 0];

  const report = (): void =>
    options.onProgress({
      scenariosDone: done,
      scenariosPlanned: total,
      elapsedSeconds: (performance.now() - startedMs) / 1_000,
      timeLimitSeconds: null,
      virtualSeconds: scenarioMs / 1_000,
      anomalies: illegal,
      unknown,
      phase: running === 0 ? null : `${running} running`,
    });

  const take = ({ place, ran }: { readonly place: number; readonly ran: Ran }): void => {
    for (const [origin, line] of ran.log) options.onLog(origin, line);
    failures = ran.failure === null ? 0 : failures + 1;
    if (ran.failure !== null && (place === 0 || failures >= WORLD_FAILURES_MAX))
      throw ran.failure satisfies WorldUnavailableError;
    const [index, subject] = [Math.floor(place / subjects.length), place % subjects.length];
    if (ran.traceHash !== null) hashes[subject]?.push(ran.traceHash);
    // An anomaly is a finding all the same where something else is not known; figures need the whole evidence.
    const isWhole = ran.verdict.unknown.length === 0;
    const illegal = illegalIn(ran.verdict, knownIssueOf.get(subjects[subject]?.key ?? '') ?? (() => null));
    measured[index] ??= [];
    measured[index][subject] = {
      scenario: ran.scenario,
      figures: isWhole && ran.figures !== null ? { ...ran.figures, ...noveltyFigures(illegal) } : null,
      illegal,
      unknown: isWhole ? null : ran.verdict.unknown.join(' '),
      history: ran.history,
    };
  };
  const inOrder = new InOrder<{ place: number; ran: Ran }>({
    take: async (result) => take(result),
    failed: (error) => stop.abort(error),
    aheadMax: jobs * AHEAD_PER_JOB,
  });
  ended.addEventListener('abort', () => inOrder.stop());

  const execute = async (place: number): Promise<Ran> => {
    const subject = subjects[place % subjects.length] as ComparedSubject;
    const executor = executors.get(subject.key);
    if (executor === undefined) throw new Error(`nothing runs ${subject.key}`);
    const configured = subject.configuration === null ? {} : { configuration: subject.configuration };
    const plan: Plan = { index: Math.floor(place / subjects.length), seed, profile, ...configured };
    running++;
    report();
    try {
      const ran = await executor.execute(plan, ended);
      done++;
      scenarioMs += ran.scenarioMs;
      if (ran.verdict.outcome === 'unknown') unknown++;
      illegal += ran.verdict.anomalies.filter(({ policy }) => policy === 'illegal').length;
      return ran;
    } finally {
      running--;
      report();
    }
  };
  const work = async (): Promise<void> => {
    try {
      for (;;) {
        const handedOut = await inOrder.handOut(() => (next < total && !ended.aborted ? next++ : null));
        if (handedOut === null) return;
        const { place } = handedOut;
        inOrder.put(place, { place, ran: await execute(place) });
      }
    } catch (error) {
      if (!ended.aborted) stop.abort(error);
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, total) }, work));
  if (!stop.signal.aborted) await inOrder.end();
  if (stop.signal.aborted) throw stop.signal.reason;
  return {
    scenarios: measured.filter(
      (ofScenario) => ofScenario !== undefined && Object.keys(ofScenario).length === subjects.length,
    ),
    traceHashes: hashes.map((list) =>
      list.length === 0 ? null : createHash('sha256').update(list.join('\n')).digest('hex'),
    ),
    virtualSeconds: Math.round(scenarioMs) / 1_000,
  };
}
