/**
 * The family of twins: a scenario and a plan enter, and the scenario leaves in which the members of the first group are static
 * and some of them are started a second time while they run, as a deployment does that forgets to stop the old process.
 */
import fc from 'fast-check';
import { at, switchedOn, time } from '../draws.ts';
import type { Action, Group, Scenario } from '../schema.ts';

export const twinsPlan = fc.record({
  twins: fc.array(
    fc.record({ atMs: time(500, 9_000), member: fc.nat({ max: 99 }), duringJoin: switchedOn(2) }),
    { minLength: 1, maxLength: 3 },
  ),
});
export type TwinsPlan = typeof twinsPlan extends fc.Arbitrary<infer P> ? P : never;

/** From the start of a process to the middle of its join. */
const JOINING_MS = 300;

export function applyTwins(scenario: Scenario, { twins }: TwinsPlan): Scenario {
  const [first, ...others] = scenario.groups as [Group, ...Group[]];
  const added = twins.map((twin): Action => {
    const { id: member } = at(first.members, twin.member);
    const join = scenario.actions.find((action) => action.kind === 'join' && action.member === member);
    const atMs = twin.duringJoin && join !== undefined ? join.atMs + JOINING_MS : twin.atMs;
    return { kind: 'twin', atMs, member };
  });
  const actions = [...scenario.actions, ...added].sort((a, b) => a.atMs - b.atMs);
  return { ...scenario, groups: [{ ...first, staticMembership: true }, ...others], actions };
}
