/**
 * Shrinking for an application of the user's: an executor and the scenario that failed enter, an executor leaves that
 * gives every smaller scenario the application's own group, topics and configuration back, since it has no others.
 */
import type { Group, Scenario } from '../../scenarios/schema.ts';
import type { Executor } from '../runner/unit.ts';
import type { Subject } from '../world/world.ts';

export function keepApplication(executor: Executor, { application }: Subject, failed: Scenario): Executor {
  if (application === undefined) return executor;
  return {
    execute: async (plan, signal) =>
      await executor.execute(
        'scenario' in plan ? { ...plan, scenario: restore(plan.scenario, failed) } : plan,
        signal,
      ),
    [Symbol.asyncDispose]: async () => await executor[Symbol.asyncDispose](),
  };
}

/** Members, producers, partitions, actions and times are the scenario's; the rest is the application's. */
function restore(smaller: Scenario, failed: Scenario): Scenario {
  const { brokers } = smaller.topology;
  const topics = failed.topology.topics.map((topic) => {
    const kept = smaller.topology.topics.find(({ name }) => name === topic.name) ?? {
      ...topic,
      partitions: 1,
    };
    return {
      ...topic,
      partitions: kept.partitions,
      replicationFactor: Math.min(kept.replicationFactor, brokers),
    };
  });
  const members = smaller.groups[0]?.members ?? [];
  return {
    ...smaller,
    topology: { ...smaller.topology, topics },
    groups: [{ ...(failed.groups[0] as Group), members }],
  };
}
