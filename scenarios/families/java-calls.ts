/**
 * The family of what a consumer of Java's can beside a group: a scenario and a plan enter, and the scenario leaves in which
 * applications ask for positions and committed offsets, of others' partitions too, or take their partitions by hand.
 */
import fc from 'fast-check';
import { at, pick, switchedOn, time } from '../draws.ts';
import type { Action, Group, Scenario } from '../schema.ts';

const questionPlan = fc.record({
  kind: pick('position', 'committed'),
  atMs: time(500, 12_000),
  member: fc.nat({ max: 99 }),
  topic: fc.nat({ max: 11 }),
  partition: fc.nat({ max: 11 }),
});

export const javaCallsPlan = fc.record({
  byHand: fc.tuple(switchedOn(3), switchedOn(3)),
  asks: switchedOn(8),
  questions: fc.array(questionPlan, { minLength: 4, maxLength: 12 }),
});
export type JavaCallsPlan = typeof javaCallsPlan extends fc.Arbitrary<infer P> ? P : never;

/** Questions take no time of the scenario's, so what it may spend on settling stays as it is. */
export function applyJavaCalls(drawn: Scenario, { asks, questions, byHand }: JavaCallsPlan): Scenario {
  const groups = drawn.groups.map((group, g) =>
    byHand[g % byHand.length] === true ? takenByHand(group, drawn) : group,
  );
  const scenario = { ...drawn, groups };
  if (!asks) return scenario;
  const members = scenario.groups.flatMap((group) => group.members.map(({ id }) => ({ id, group })));
  const asked = questions.map(({ kind, atMs, member, topic, partition }): Action => {
    const { id, group } = at(members, member);
    const name = at(group.topics, topic);
    const partitions = scenario.topology.topics.find((one) => one.name === name)?.partitions ?? 1;
    return { kind, atMs, member: id, topic: name, partition: partition % partitions };
  });
  return { ...scenario, actions: [...scenario.actions, ...asked].sort((a, b) => a.atMs - b.atMs) };
}

/** Deals the partitions out, where the group can do without what only members have and there are enough for all. */
function takenByHand(group: Group, { topology, actions }: Scenario): Group {
  const partitions = topology.topics
    .filter(({ name }) => group.topics.includes(name))
    .flatMap(({ name, partitions: count }) =>
      Array.from({ length: count }, (_, partition) => ({ topic: name, partition })),
    );
  const ids = new Set(group.members.map(({ id }) => id));
  const hasTwin = actions.some((action) => action.kind === 'twin' && ids.has(action.member));
  const isBound = hasTwin || group.commitMode.kind === 'transaction';
  // Nobody is a member, so that its offsets would expire under its hands.
  const expires = topology.offsetsRetentionMs !== undefined;
  if (isBound || expires || partitions.length < group.members.length) return group;
  const { assignors: _assignors, subscription: _subscription, staticMembership: _static, ...rest } = group;
  return {
    ...rest,
    members: group.members.map(({ topics: _topics, ...member }, m) => {
      const own = partitions.filter((_, p) => p % group.members.length === m);
      const topics = [...new Set(own.map(({ topic }) => topic))];
      return {
        ...member,
        assigned: topics.map((topic) => ({
          topic,
          partitions: own.flatMap((one) => (one.topic === topic ? [one.partition] : [])),
        })),
      };
    }),
  };
}
