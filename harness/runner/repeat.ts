/**
 * Runs a scenario a second time and compares traces: the first trace enters, null leaves where the runs were equal,
 * else a sentence that names the first event in which they differ. Only for the simulated world, where a difference is
 * a bug of the harness.
 */
import type { Scenario } from '../../scenarios/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import {
  compareTraces,
  describeDivergence,
  firstDifference,
  type RecordedTrace,
  type Recording,
} from '../world/simulated/trace.ts';
import type { Subject, TraceSummary } from '../world/world.ts';

export async function findDivergence(
  scenario: Scenario,
  subject: Subject,
  first: TraceSummary,
  signal: AbortSignal,
): Promise<string | null> {
  const again = await runAgain(scenario, subject, undefined, signal);
  const window = firstDifference(first, again);
  if (window === null) return null;
  // The hashes name a thousand events; two more runs that keep those events name the one.
  const [one, other] = [
    await runAgain(scenario, subject, window, signal),
    await runAgain(scenario, subject, window, signal),
  ];
  const divergence = compareTraces(one, other);
  return divergence === null
    ? `The runs differed between events ${window.from} and ${window.to}, and did not differ there again.`
    : describeDivergence(divergence);
}

async function runAgain(
  scenario: Scenario,
  subject: Subject,
  recording: Recording | undefined,
  signal: AbortSignal,
): Promise<RecordedTrace> {
  const world = new SimulatedWorld(recording === undefined ? {} : { recording });
  const recorder = new HistoryRecorder();
  await world.run(scenario, subject, recorder, signal);
  return recorder.trace as RecordedTrace;
}
