/**
 * The clusters that can be broken on purpose: a mutant's id enters, the settings and handlers that it changes leave. What
 * each mutant is for, and which property has to catch it, is in `harness/client/mutants.ts`.
 */
import type { ClusterCore } from '../simulated-cluster.ts';
import { type Breakage, breakHandlers } from './breakage.ts';
import { gappy, leaky, offByOne } from './brokers.ts';
import {
  forgetful,
  impatient,
  lenient,
  mixedUp,
  patient,
  restlessCoordinator,
  skipping,
  stubborn,
  twoFaced,
} from './coordinators.ts';
import { doubling, greedy, hasty, lopsided, orphaning, restlessLeader } from './leaders.ts';

/** Made anew for each cluster: what a mutant remembers belongs to one run. */
const breakages: Readonly<Record<string, () => Breakage[]>> = {
  'doubling-leader': doubling,
  'orphaning-leader': orphaning,
  'lopsided-leader': lopsided,
  'greedy-leader': greedy,
  'restless-leader': restlessLeader,
  'hasty-leader': hasty,
  'impatient-coordinator': impatient,
  'patient-coordinator': patient,
  'restless-coordinator': restlessCoordinator,
  'forgetful-coordinator': forgetful,
  'lenient-coordinator': lenient,
  'mixed-up-coordinator': mixedUp,
  'skipping-coordinator': skipping,
  'two-faced-coordinator': twoFaced,
  'stubborn-coordinator': stubborn,
  'off-by-one-broker': offByOne,
  'gappy-broker': gappy,
  'leaky-broker': leaky,
};

/** Settings of the cluster, by Kafka's name or one of ours. */
const settings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'unfenced-coordinator': { 'kafka-trial.fence.static.members': 'false' },
};

export const brokenSettings = (mutant: string | null): Readonly<Record<string, string>> =>
  settings[mutant ?? ''] ?? {};

/** Changes nothing where the mutant is of another sort, or none. */
export function breakCluster(core: ClusterCore, mutant: string | null): void {
  const create = breakages[mutant ?? ''];
  if (create !== undefined) breakHandlers(core, create());
}

/** The mutants that need a cluster of the harness's own. */
export const brokenClusters: readonly string[] = [...Object.keys(breakages), ...Object.keys(settings)];
