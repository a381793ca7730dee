/**
 * Holds a simulated run to its promise: a scenario enters, it is run again, and null leaves where the trace is the same,
 * or else a sentence that names the first event in which two runs differ.
 */
import type { Scenario } from '../../../scenarios/schema.ts';
import type { Recorder, Subject, TraceSummary } from '../world.ts';
import { SimulatedWorld } from './simulated-world.ts';
import {
  compareTraces,
  describeDivergence,
  firstDifference,
  type RecordedTrace,
  type Recording,
} from './trace.ts';

/** Runs the scenario once more and returns its trace, with the events of the given range where one is given. */
export type RunAgain = (recording: Recording | null) => Promise<RecordedTrace>;

/** @param first the trace of the run that is held to its promise */
export async function findNondeterminism(first: TraceSummary, runAgain: RunAgain): Promise<string | null> {
  const second = await runAgain(null);
  const range = firstDifference(first, second);
  if (range === null) return null;
  // The first run kept no events, so the difference has to show between two more.
  const [one, other] = [await runAgain(range), await runAgain(range)];
  const divergence = compareTraces(one, other);
  if (divergence !== null) return describeDivergence(divergence);
  return (
    `The runs differ in one of the events ${range.from} to ${range.to - 1} (trace ${first.hash}, then ${second.hash}), ` +
    'but two more runs were alike there: what differs does so seldom, or only in the first run of a process.'
  );
}

/** What runs a scenario in a world of its own, for `findNondeterminism`. */
export const rerun =
  (scenario: Scenario, subject: Subject, signal?: AbortSignal): RunAgain =>
  async (recording) => {
    const world = new SimulatedWorld(recording === null ? {} : { recording });
    let trace: TraceSummary | null = null;
    const recorder: Recorder = {
      record() {},
      traced(summary) {
        trace = summary;
      },
    };
    await world.run(scenario, subject, recorder, signal);
    return trace as unknown as RecordedTrace;
  };
