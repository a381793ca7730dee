/**
 * What is looked at again when a run is over: its result and kept scenarios enter; what is new is made small, and the
 * messages around what was found are written down, where they can be had.
 */
import type { RunResult } from '../../reports/results.ts';
import { type LoadedScenario, loadRunDirectory, type RunDirectory } from '../../reports/run-directory.ts';
import type { ShrinkFailuresOptions } from '../shrink/shrink-failures.ts';
import type { Subject } from '../world/world.ts';

/** A run with more new findings than this has one cause, or is read one after the other. */
const SHRUNK_MAX = 3;

/**
 * Makes what is new small, for as long as was allowed, so that the reports have it; what a person interrupts is left as
 * it is by then.
 */
export async function shrinkNew(
  result: RunResult,
  timeMs: number,
  options: Pick<ShrinkFailuresOptions, 'subject' | 'properties' | 'signal' | 'onProgress'> & {
    readonly directory: RunDirectory;
    readonly say: (sentence: string) => void;
  },
): Promise<RunResult> {
  const { directory, signal, say } = options;
  const isWorthIt = result.anomalies.some(({ policy, known }) => policy === 'illegal' && known === null);
  if (timeMs === 0 || !isWorthIt || result.world !== 'simulated' || signal.aborted) return result;
  say(`Making what is new small, for ${Math.round(timeMs / 1_000)} s at most; Ctrl-C ends that.`);
  const { shrinkFailures } = await import('../shrink/shrink-failures.ts');
  const { scenarios } = await loadRunDirectory(directory.path);
  const shrunk = await shrinkFailures({
    ...options,
    result,
    scenarios,
    timeMs,
    failuresMax: SHRUNK_MAX,
    isKnownToo: false,
  });
  return {
    ...result,
    anomalies: result.anomalies.map((one) => {
      const small = one.scenarioFile === null ? undefined : shrunk.get(one.scenarioFile);
      return small?.property === one.property && one.policy === 'illegal' && one.known === null
        ? { ...one, shrunkFile: small.scenarioFile }
        : one;
    }),
  };
}

/** Writes down the messages around what was found; what a person has interrupted is reported without them. */
export async function addTraces(
  result: RunResult,
  scenarios: readonly LoadedScenario[],
  {
    directory,
    subject,
    signal,
  }: { readonly directory: RunDirectory; readonly subject: Subject; readonly signal: AbortSignal },
): Promise<readonly LoadedScenario[]> {
  if (result.world !== 'simulated' || result.anomalies.length === 0) return scenarios;
  const { traceFindings } = await import('../runner/trace.ts');
  try {
    const traces = await traceFindings(result, scenarios, subject, signal);
    for (const [path, trace] of traces) await directory.writeTrace(path, trace);
    return scenarios.map((one) => ({ ...one, trace: traces.get(one.directory) ?? null }));
  } catch (error) {
    if (!signal.aborted) throw error;
    return scenarios;
  }
}
