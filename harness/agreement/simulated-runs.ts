/**
 * Simulated runs that a real run of the same scenario is held against: the scenario and the real history enter, and runs
 * that differ in their run-time randomness, and in how slow the machine is, leave one by one, as long as somebody asks.
 */
import type { Scenario } from '../../scenarios/schema.ts';
import type { History } from '../history/schema.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { Subject } from '../world/world.ts';
import { historyOf, type JudgedRun, judged } from './judged-run.ts';
import { machineOf, slower } from './machine.ts';

const RUNS_MAX = 128;
/**
 * How slow that machine is, in turn: what can be measured of the real one is a lower bound, since a process that has
 * written its first event has still to connect, and the slowest answers are those that nobody waited for.
 */
const SLOWNESS = [1, 1.5, 2, 4];

export interface SimulatedRun extends JudgedRun {
  /** On a machine at least as slow as the real one was. */
  readonly isSlow: boolean;
}

/**
 * The first one is the scenario's own; of the others every other one is on a slow machine.
 * @param realHistory of the scenario on real Kafka; no real run may be under way while simulated ones are asked for, since
 * a simulated run keeps the thread to itself, and with it the schedule of a real one
 */
export async function* simulatedRuns(
  scenario: Scenario,
  subject: Subject,
  realHistory: History,
  signal: AbortSignal,
): AsyncGenerator<SimulatedRun> {
  const run = async (world: SimulatedWorld): Promise<JudgedRun> =>
    judged(await historyOf(world, scenario, subject, signal));
  const first = await run(new SimulatedWorld());
  yield { ...first, isSlow: false };
  const machine = machineOf(realHistory, first.history);
  for (let variation = 1; variation < RUNS_MAX; variation++) {
    const isSlow = variation % 2 === 1;
    const slowness = SLOWNESS[Math.floor(variation / 2) % SLOWNESS.length] as number;
    const world = new SimulatedWorld({
      variation,
      ...(isSlow ? { machine: slower(machine, slowness) } : {}),
    });
    yield { ...(await run(world)), isSlow };
  }
}
