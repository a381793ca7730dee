/**
 * The family of a second phase without everybody: a scenario and a plan enter, and the scenario leaves in which some
 * members and brokers are not healed, but stay dead while the rest has to come to its goal.
 */
import fc from 'fast-check';
import type { Scenario } from '../schema.ts';
import { settlingBoundMs } from '../settling.ts';

export const deadPlan = fc.record({
  /** Bits of the members of each group, and of the brokers. */
  members: fc.nat({ max: 255 }),
  brokers: fc.nat({ max: 31 }),
});
export type DeadPlan = typeof deadPlan extends fc.Arbitrary<infer P> ? P : never;

const selected = <T>(items: readonly T[], mask: number): T[] =>
  items.filter((_, i) => (mask & (1 << i)) !== 0);

export function applyDead(scenario: Scenario, plan: DeadPlan): Scenario {
  const { groups, producers, actions, topology } = scenario;
  const members = groups.flatMap((group) => {
    const alive = aliveIn(scenario, group.members);
    // A group that nobody is left in has nothing to prove.
    return selected(alive, plan.members).slice(0, alive.length - 1);
  });
  const ids = Array.from({ length: topology.brokers }, (_, i) => i + 1);
  const brokers = selected(ids, plan.brokers).slice(0, Math.ceil(topology.brokers / 2) - 1);
  if (members.length + brokers.length === 0) return scenario;
  const dead = { members, brokers };
  const boundMs = settlingBoundMs({ topology, groups, producers, actions }, dead);
  return { ...scenario, settling: { boundMs, dead } };
}

/** Members whose last action does not end them. */
const aliveIn = ({ actions }: Scenario, members: readonly { id: string }[]): string[] =>
  members
    .map(({ id }) => id)
    .filter((id) => {
      const last = actions.findLast(
        (action) =>
          'member' in action &&
          action.member === id &&
          ['join', 'leave', 'terminate', 'crash'].includes(action.kind),
      );
      return last?.kind === 'join';
    });
