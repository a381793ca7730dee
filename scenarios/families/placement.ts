/**
 * The family of what becomes of replicas: a scenario and a plan enter, and the scenario leaves in which some topics elect
 * leaders that are not in sync rather than none.
 */
import fc from 'fast-check';
import { pick } from '../draws.ts';
import type { Scenario } from '../schema.ts';

export const placementPlan = fc.record({
  /** A mask of the topics. */
  unclean: pick(0, 0, 1, 3, 7),
});
export type PlacementPlan = typeof placementPlan extends fc.Arbitrary<infer P> ? P : never;

export function applyPlacement(scenario: Scenario, { unclean }: PlacementPlan): Scenario {
  const { topology } = scenario;
  if (topology.brokers === 1) return scenario;
  const topics = topology.topics.map((topic, index) =>
    (unclean & (1 << index)) === 0 ? topic : { ...topic, uncleanLeaderElection: true },
  );
  return { ...scenario, topology: { ...topology, topics } };
}
