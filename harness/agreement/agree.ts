/**
 * Runs a scenario on real Kafka once and in the simulated world as often as it takes: a scenario and an open Kafka
 * world enter, whether the two agree on it leaves.
 */
import { judge } from '../../properties/index.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { History } from '../history/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { Subject, World } from '../world/world.ts';
import { type Comparison, compareEndStates } from './compare.ts';
import { type EndState, endStateOf } from './end-state.ts';

/** Simulated runs are added one by one while something is left to explain; every other one starts as slowly as the real. */
const SIMULATED_RUNS_MAX = 64;

export interface Agreement extends Comparison {
  readonly scenario: Scenario;
  readonly real: EndState;
  /** The first simulated run. */
  readonly simulated: EndState;
  readonly simulatedRuns: number;
  readonly realHistory: History;
}

export async function agreementOn(
  scenario: Scenario,
  subject: Subject,
  kafka: World,
  signal: AbortSignal,
): Promise<Agreement> {
  const realHistory = await historyOf(kafka, scenario, subject, signal);
  const real = endStateOf(realHistory, judge(realHistory));
  const firstHistory = await historyOf(new SimulatedWorld(), scenario, subject, signal);
  const startDelaysMs = startDelays(realHistory, firstHistory);
  const simulated = [endStateOf(firstHistory, judge(firstHistory))];
  const { equal, ...first } = compareEndStates(scenario, simulated, real);
  let disagreements = first.disagreements;
  while (disagreements.length > 0 && simulated.length < SIMULATED_RUNS_MAX) {
    const variation = simulated.length;
    const world = new SimulatedWorld({ variation, ...(variation % 2 === 1 ? { startDelaysMs } : {}) });
    const history = await historyOf(world, scenario, subject, signal);
    simulated.push(endStateOf(history, judge(history)));
    disagreements = compareEndStates(scenario, simulated, real).disagreements;
  }
  return {
    equal,
    disagreements,
    scenario,
    real,
    simulated: simulated[0] as EndState,
    simulatedRuns: simulated.length,
    realHistory,
  };
}

/**
 * How much later than in the simulated run each process of the real run came to its first deed: starting a process on
 * a busy machine takes seconds, and decides what the next action finds.
 */
function startDelays(real: History, simulated: History): Map<string, number> {
  const simulatedMs = startTimes(simulated);
  return new Map(
    [...startTimes(real)].map(([process, ms]) => [
      process,
      Math.max(0, ms - (simulatedMs.get(process) ?? 0)),
    ]),
  );
}

/** By process: milliseconds from its start to its first event. */
function startTimes({ events }: History): Map<string, number> {
  const starts = new Map<string, number>();
  const times = new Map<string, number>();
  for (const { process, kind, time } of events) {
    if (kind === 'process-start') starts.set(process, time);
    const start = starts.get(process);
    if (start !== undefined && kind !== 'process-start' && !times.has(process))
      times.set(process, time - start);
  }
  return times;
}

async function historyOf(
  world: World,
  scenario: Scenario,
  subject: Subject,
  signal: AbortSignal,
): Promise<History> {
  const recorder = new HistoryRecorder();
  await world.run(scenario, subject, recorder, signal);
  return recorder.finishHistory();
}
