/**
 * The family of questions that a consumer of Java's answers: a scenario and a plan enter, and the scenario leaves in which
 * applications ask for their position and for what is committed, now and then in partitions of others.
 */
import fc from 'fast-check';
import { at, pick, switchedOn, time } from '../draws.ts';
import type { Action, Scenario } from '../schema.ts';

const questionPlan = fc.record({
  kind: pick('position', 'committed'),
  atMs: time(500, 12_000),
  member: fc.nat({ max: 99 }),
  topic: fc.nat({ max: 11 }),
  partition: fc.nat({ max: 11 }),
});

export const javaCallsPlan = fc.record({
  asks: switchedOn(8),
  questions: fc.array(questionPlan, { minLength: 4, maxLength: 12 }),
});
export type JavaCallsPlan = typeof javaCallsPlan extends fc.Arbitrary<infer P> ? P : never;

/** Questions take no time of the scenario's, so what it may spend on settling stays as it is. */
export function applyJavaCalls(scenario: Scenario, { asks, questions }: JavaCallsPlan): Scenario {
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
