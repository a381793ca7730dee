/**
 * The messages around what a run found: a result, its kept scenarios and the subject enter; each example of a finding in
 * the simulated world is run once more with an eye on the wire, and its traces leave.
 */
import { findingsOf, type RunResult } from '../../reports/results.ts';
import type { LoadedScenario } from '../../reports/run-directory.ts';
import { type Trace, traceAround } from '../../reports/trace.ts';
import { WorldUnavailableError } from '../errors.ts';
import type { Subject } from '../world/world.ts';
import { inspect } from './inspect.ts';

/** Each takes as long as the scenario itself: the first findings are what a person reads. */
const SCENARIOS_MAX = 12;

/**
 * By the directory of the scenario. What does not run the same way again has no trace; the run says so by itself.
 * @throws the signal's reason
 */
export async function traceFindings(
  result: RunResult,
  scenarios: readonly LoadedScenario[],
  subject: Subject,
  signal: AbortSignal,
): Promise<Map<string, Trace>> {
  const examples = findingsOf(result).map(({ example }) => example);
  const indices = [...new Set(examples.map(({ scenarioIndex }) => scenarioIndex))].slice(0, SCENARIOS_MAX);
  const traces = new Map<string, Trace>();
  for (const index of indices) {
    const loaded = scenarios.find((one) => one.index === index);
    const { history, verdict } = loaded ?? { history: null, verdict: null };
    if (loaded === undefined || history === null || verdict === null) continue;
    const happenings = await happeningsOf(loaded, subject, signal);
    if (happenings === null) continue;
    const own = result.anomalies.filter(({ scenarioIndex }) => scenarioIndex === index);
    traces.set(loaded.directory, {
      schema: 1,
      traces: own.flatMap((anomaly, number) =>
        examples.includes(anomaly)
          ? [{ anomaly: number, stretches: mutable(traceAround(happenings, anomaly, loaded.scenario)) }]
          : [],
      ),
    });
  }
  return traces;
}

type Happenings = Awaited<ReturnType<typeof inspect>>['happenings'];

async function happeningsOf(
  { scenario, history: before }: LoadedScenario,
  subject: Subject,
  signal: AbortSignal,
): Promise<Happenings | null> {
  try {
    const { history, happenings } = await inspect({ scenario, subject, messages: true, signal });
    return history.events.length === before?.events.length ? happenings : null;
  } catch (error) {
    if (error instanceof WorldUnavailableError) return null;
    throw error;
  }
}

/** As the schema's own type has it. */
const mutable = (stretches: ReturnType<typeof traceAround>): Trace['traces'][number]['stretches'] =>
  stretches as Trace['traces'][number]['stretches'];
