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

/** Simulated runs are added one by one while something is left to explain. */
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
  const simulated = [await simulate(scenario, subject, 0, signal)];
  const { equal, ...first } = compareEndStates(scenario, simulated, real);
  let disagreements = first.disagreements;
  while (disagreements.length > 0 && simulated.length < SIMULATED_RUNS_MAX) {
    simulated.push(await simulate(scenario, subject, simulated.length, signal));
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

async function simulate(
  scenario: Scenario,
  subject: Subject,
  index: number,
  signal: AbortSignal,
): Promise<EndState> {
  await using world = new SimulatedWorld(index === 0 ? {} : { variation: index });
  const history = await historyOf(world, scenario, subject, signal);
  return endStateOf(history, judge(history));
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
