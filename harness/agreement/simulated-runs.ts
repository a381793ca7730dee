/**
 * Simulated runs that a real run of the same scenario is held against: the scenario and the real history enter, and runs
 * that differ in their run-time randomness, and in how slow the machine is, leave one by one, as long as somebody asks.
 */
import type { Scenario } from '../../scenarios/schema.ts';
import type { EventKind, History } from '../history/schema.ts';
import { LAN } from '../world/simulated/network.ts';
import { type Machine, SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { Subject } from '../world/world.ts';
import { historyOf, type JudgedRun, judged } from './judged-run.ts';

const RUNS_MAX = 64;
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

/**
 * How slow the machine was on which the real run took place: starting a process and answering a request can take many
 * times as long on a busy one, and that decides what the next action finds.
 */
function machineOf(real: History, simulated: History): Machine {
  // A driver without a tap is first heard of later than one that has it.
  const told = new Set(real.events.map(({ kind }) => kind));
  const simulatedMs = startTimes(simulated, told);
  const startDelaysMs = new Map(
    [...startTimes(real, told)].map(([process, ms]) => [
      process,
      Math.max(0, ms - (simulatedMs.get(process) ?? 0)),
    ]),
  );
  const [median, slowest] = roundTripsMs(real);
  const oneWayUs = (ms: number): number => Math.round(ms * 500);
  const latencyUs = Math.max(LAN.latencyUs, oneWayUs(median));
  return {
    startDelaysMs,
    network: { ...LAN, latencyUs, jitterUs: Math.max(LAN.jitterUs, oneWayUs(slowest) - latencyUs) },
  };
}

function slower({ startDelaysMs, network }: Machine, factor: number): Machine {
  return {
    startDelaysMs: new Map([...startDelaysMs].map(([process, delayMs]) => [process, delayMs * factor])),
    network: {
      ...network,
      latencyUs: Math.round(network.latencyUs * factor),
      jitterUs: Math.round(network.jitterUs * factor),
    },
  };
}

/** The median and the ninth decile of what a commit or a send took from its request to its answer. */
function roundTripsMs({ events }: History): [number, number] {
  const begun = new Map<string, number>();
  const tookMs: number[] = [];
  for (const event of events) {
    if (event.kind === 'commit-invoke') begun.set(`${event.process} commit ${event.commit}`, event.time);
    else if (event.kind === 'produce-invoke')
      begun.set(`${event.process} produce ${event.produce}`, event.time);
    else if (event.kind === 'commit-ok' || event.kind === 'produce-ok') {
      const call = event.kind === 'commit-ok' ? `commit ${event.commit}` : `produce ${event.produce}`;
      const since = begun.get(`${event.process} ${call}`);
      if (since !== undefined) tookMs.push(event.time - since);
    }
  }
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => tookMs[Math.floor(tookMs.length * share)] ?? 0;
  return [at(0.5), at(0.9)];
}

/** By process: milliseconds from its start to its first event of these kinds. */
function startTimes({ events }: History, kinds: ReadonlySet<EventKind>): Map<string, number> {
  const starts = new Map<string, number>();
  const times = new Map<string, number>();
  for (const { process, kind, time } of events) {
    if (kind === 'process-start') starts.set(process, time);
    const start = starts.get(process);
    if (start !== undefined && kind !== 'process-start' && kinds.has(kind) && !times.has(process))
      times.set(process, time - start);
  }
  return times;
}
