/**
 * The family of where replicas are and what becomes of them: a scenario and a plan enter, and the scenario leaves in which
 * some topics elect leaders that are not in sync rather than none, and consumers read from followers in their racks.
 */
import fc from 'fast-check';
import { pick, switchedOn } from '../draws.ts';
import { rackOf } from '../racks.ts';
import type { Group, Scenario } from '../schema.ts';

export const placementPlan = fc.record({
  /** A mask of the topics. */
  unclean: pick(0, 0, 1, 3, 7),
  hasRacks: switchedOn(4),
  /** For each member in turn: 0 for no rack, or a broker's. */
  racks: fc.array(fc.nat({ max: 11 }), { minLength: 1, maxLength: 8 }),
  /** For so long a consumer reads from the follower that the leader has named. */
  metadataMaxAgeMs: pick(2_000, 30_000, 300_000),
});
export type PlacementPlan = typeof placementPlan extends fc.Arbitrary<infer P> ? P : never;

export function applyPlacement(scenario: Scenario, plan: PlacementPlan): Scenario {
  const { topology } = scenario;
  if (topology.brokers === 1) return scenario;
  const topics = topology.topics.map((topic, index) =>
    (plan.unclean & (1 << index)) === 0 ? topic : { ...topic, uncleanLeaderElection: true },
  );
  const placed = { ...scenario, topology: { ...topology, topics } };
  return plan.hasRacks ? applyRacks(placed, plan) : placed;
}

function applyRacks(scenario: Scenario, { racks, metadataMaxAgeMs }: PlacementPlan): Scenario {
  const { topology, groups, actions } = scenario;
  // New and recreated topics are found when the metadata is too old, which the bound would have to wait for.
  const mayBeOld = !actions.some(({ kind }) => kind === 'add-partitions' || kind === 'recreate-topic');
  let next = 0;
  const placed = groups.map(
    (group): Group => ({
      ...group,
      ...(mayBeOld ? { metadataMaxAgeMs } : {}),
      members: group.members.map((member) => {
        const broker = (racks[next++ % racks.length] as number) % (topology.brokers + 1);
        return broker === 0 ? member : { ...member, rack: rackOf(broker) };
      }),
    }),
  );
  const all = Array.from({ length: topology.brokers }, (_, i) => rackOf(i + 1));
  return { ...scenario, topology: { ...topology, racks: all }, groups: placed };
}
