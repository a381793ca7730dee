/**
 * The family of processes with several members: a scenario and a plan enter, and the scenario leaves in which some members
 * run in one process, as in an application that makes several consumers of one client. Where the process ends, a supervisor
 * starts it again with all that ran in it.
 */
import fc from 'fast-check';
import { at, pick, switchedOn, time } from '../draws.ts';
import { type Action, isLifecycleAction, type Scenario } from '../schema.ts';
import { settlingBoundMs } from '../settling.ts';

export const sharedProcessPlan = fc.record({
  isOn: switchedOn(2),
  /** Of all members of the scenario, in order: neighbours, who are mostly of one group and sometimes of two. */
  first: fc.nat({ max: 99 }),
  members: pick(2, 2, 3),
  backAfterMs: time(100, 3_000),
});
export type SharedProcessPlan = typeof sharedProcessPlan extends fc.Arbitrary<infer P> ? P : never;

const NAME = 'worker-1';

export function applySharedProcess(scenario: Scenario, plan: SharedProcessPlan): Scenario {
  const all = scenario.groups.flatMap(({ members }) => members);
  if (!plan.isOn || all.length < 2) return scenario;
  const count = Math.min(plan.members, all.length);
  const mates = new Set(Array.from({ length: count }, (_, i) => at(all, plan.first + i).id));
  if (leavesNobody(scenario, mates)) return scenario;
  const clock = all.find(({ id }) => mates.has(id))?.clock;
  const groups = scenario.groups.map((group) => ({
    ...group,
    members: group.members.map(({ clock: own, ...member }) => {
      const shares = mates.has(member.id);
      const its = shares ? clock : own;
      return {
        ...member,
        ...(its === undefined ? {} : { clock: its }),
        ...(shares ? { sharedProcess: NAME } : {}),
      };
    }),
  }));
  const { actions: before, settling } = scenario;
  const actions = [...before, ...joinsAgain(before, mates, plan.backAfterMs)].sort((a, b) => a.atMs - b.atMs);
  const boundMs = settlingBoundMs({ ...scenario, groups, actions }, settling.dead);
  return { ...scenario, groups, actions, settling: { ...settling, boundMs } };
}

/** Whether the member's own actions, up to a time, leave it running. */
const isUp = (actions: readonly Action[], id: string, atMs: number): boolean =>
  actions.findLast((action) => isLifecycleAction(action) && action.member === id && action.atMs <= atMs)
    ?.kind === 'join';

/** Of those that an action on somebody else's behalf ends, or keeps from starting. */
function joinsAgain(actions: readonly Action[], mates: ReadonlySet<string>, backAfterMs: number): Action[] {
  return actions.flatMap((action): Action[] => {
    if (!('member' in action) || !mates.has(action.member)) return [];
    const others = [...mates].filter((id) => id !== action.member);
    const join = (atMs: number) => (member: string) => ({ kind: 'join' as const, atMs, member });
    if (action.kind === 'crash' || action.kind === 'terminate')
      return others.filter((id) => isUp(actions, id, action.atMs)).map(join(action.atMs + backAfterMs));
    if (action.kind !== 'stall') return [];
    const endMs = action.atMs + action.durationMs;
    const isHeldBack = (id: string): boolean =>
      actions.some(
        ({ kind, atMs, ...one }) =>
          kind === 'join' && 'member' in one && one.member === id && atMs >= action.atMs && atMs <= endMs,
      );
    return others.filter(isHeldBack).map(join(endMs + backAfterMs));
  });
}

/** Whether a group would be without anybody if all of the process stayed dead with those of it that do. */
function leavesNobody({ groups, actions, settling }: Scenario, mates: ReadonlySet<string>): boolean {
  const dead = new Set(settling.dead?.members);
  if (![...mates].some((id) => dead.has(id))) return false;
  const aliveIn = (gone: (id: string) => boolean): number =>
    groups.filter(({ members }) =>
      members.some(({ id }) => !gone(id) && isUp(actions, id, Number.POSITIVE_INFINITY)),
    ).length;
  return aliveIn((id) => dead.has(id) || mates.has(id)) < aliveIn((id) => dead.has(id));
}
