/**
 * The family of compacted topics: a scenario and a plan enter, and the scenario leaves in which all producers of a topic
 * have keys, as such topics ask for, the log cleaner goes over it, and a group may read it only after that.
 */
import fc from 'fast-check';
import { at, pick, switchedOn, time } from '../draws.ts';
import type { Action, Scenario } from '../schema.ts';
import { settlingBoundMs } from '../settling.ts';

export const compactionPlan = fc.record({
  isOn: switchedOn(4),
  atMs: time(2_000, 10_000),
  topic: fc.nat({ max: 11 }),
  keys: pick(1, 5),
  /** With the Java client's default, and without. */
  isIdempotent: fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }),
  valueBytes: fc.array(pick(32, 500, 3_000), { minLength: 3, maxLength: 3 }),
  /** The groups begin only when the cleaner has been there. */
  readsLater: fc.boolean(),
});
export type CompactionPlan = typeof compactionPlan extends fc.Arbitrary<infer P> ? P : never;

/** More than an empty batch has and less than any other: who asks for one again and again waits in between. */
const BEYOND_EMPTY_BYTES = 70;

export function applyCompaction(scenario: Scenario, plan: CompactionPlan): Scenario {
  if (!plan.isOn) return scenario;
  const { topology } = scenario;
  const { name: topic } = at(topology.topics, plan.topic);
  const producers = scenario.producers.map((producer, index) => {
    if (!producer.topics.includes(topic)) return producer;
    const isIdempotent = producer.idempotent || at(plan.isIdempotent, index);
    return {
      ...producer,
      keys: plan.keys,
      valueBytes: at(plan.valueBytes, index),
      ...(isIdempotent ? { idempotent: true, acks: 'all' as const } : {}),
    };
  });
  const groups = scenario.groups.map((group) => ({
    ...group,
    fetchMinBytes: group.fetchMinBytes ?? BEYOND_EMPTY_BYTES,
  }));
  const lateMs = plan.readsLater ? plan.atMs : 0;
  const isOfMember = (action: Action): boolean => 'member' in action;
  const later = scenario.actions.map((action) =>
    isOfMember(action) ? { ...action, atMs: action.atMs + lateMs } : action,
  );
  const compaction: Action = { kind: 'compact-topic', atMs: plan.atMs, topic };
  const actions = [...later, compaction].sort((a, b) => a.atMs - b.atMs);
  const boundMs = settlingBoundMs({ topology, groups, producers, actions }, scenario.settling.dead);
  return { ...scenario, producers, groups, actions, settling: { ...scenario.settling, boundMs } };
}
