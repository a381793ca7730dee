/**
 * One measurement: a scenario enters and goes the way that `run` sends it (simulated world, history, judge), and the CPU
 * time of the process leaves; never the wall clock's, which says more of the machine than of the harness.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { judge } from '../../properties/index.ts';
import type { Scenario } from '../../scenarios/schema.ts';
import type { ClientName } from '../client/clients.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { packageRoot } from '../version.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { Subject } from '../world/world.ts';
import { attribute, bundleSections, type Part, type Share } from './attribution.ts';
import { profiled } from './profiler.ts';

const subjectOf = (client: ClientName): Subject => ({ client, mutant: null });

export interface Measurement {
  readonly virtualSeconds: number;
  readonly simulationCpuSeconds: number;
  /** Putting the history in order and checking every property on it. */
  readonly judgingCpuSeconds: number;
  /** Requests that the brokers took up. */
  readonly requests: number;
  /** Entries of the trace. */
  readonly events: number;
  readonly outcome: string;
}

const cpuSeconds = (since: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000_000;
};

/** @param runs of the same scenario, which a measurement adds up */
export async function measure(client: ClientName, scenario: Scenario, runs = 1): Promise<Measurement> {
  const sum = { virtualSeconds: 0, simulationCpuSeconds: 0, judgingCpuSeconds: 0, requests: 0, events: 0 };
  let outcome = '';
  const world = new SimulatedWorld({
    onRequests: (count) => {
      sum.requests += count;
    },
  });
  for (let i = 0; i < runs; i++) {
    const recorder = new HistoryRecorder();
    const begun = process.cpuUsage();
    await world.run(scenario, subjectOf(client), recorder);
    sum.simulationCpuSeconds += cpuSeconds(begun);
    const simulated = process.cpuUsage();
    const history = recorder.finishHistory();
    ({ outcome } = judge(history));
    sum.judgingCpuSeconds += cpuSeconds(simulated);
    sum.virtualSeconds += (history.events.at(-1)?.time ?? 0) / 1_000;
    sum.events += recorder.trace?.events ?? 0;
  }
  return { ...sum, outcome };
}

/** Whose the CPU time of a simulation is; judging is not in it. */
export async function profile(
  client: ClientName,
  scenario: Scenario,
  runs: number,
): Promise<Record<Part, Share>> {
  const bundle = `/dist/simulated/${client}.cjs`;
  const sections = bundleSections(readFileSync(join(packageRoot, bundle), 'utf8'));
  const taken = await profiled(async () => {
    for (let i = 0; i < runs; i++)
      await new SimulatedWorld().run(scenario, subjectOf(client), new HistoryRecorder());
  });
  return attribute(taken, { file: bundle, sections });
}
