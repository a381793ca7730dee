/**
 * The family of pipelines: a scenario and a plan enter, and its first group consumes, transforms and produces: what it makes
 * of its records goes into a topic of its own in one transaction with their offsets, and another group may read that.
 */
import fc from 'fast-check';
import { pick, switchedOn } from '../draws.ts';
import type { Group, Scenario } from '../schema.ts';
import { settlingBoundMs } from '../settling.ts';
import { workablePipeline } from './java.ts';

export const pipelinesPlan = fc.record({
  partitions: pick(1, 2, 4),
  abortEvery: pick(null, 2, 5, 20),
  isolationLevel: pick('read_committed', 'read_uncommitted'),
  /** Whether the second group, where there is one, reads what the pipeline writes. */
  isRead: switchedOn(5),
});
export type PipelinesPlan = typeof pipelinesPlan extends fc.Arbitrary<infer P> ? P : never;

const OUTPUT = 'invoices';

/** @param hasJavaOptions whether the client may be one with a bound for the time between two polls */
export const applyPipelines =
  (hasJavaOptions: boolean) =>
  (scenario: Scenario, plan: PipelinesPlan): Scenario => {
    const { actions, producers } = scenario;
    const [first, ...others] = scenario.groups as [Group, ...Group[]];
    const { partitions, abortEvery, isolationLevel, isRead } = plan;
    const consuming: Group = {
      ...first,
      isolationLevel,
      commitMode: { kind: 'transaction', topic: OUTPUT, abortEvery },
      commitOrder: 'process-then-commit',
    };
    const workable = workablePipeline(consuming, scenario.topology.network, hasJavaOptions);
    const pipeline: Group = { ...consuming, ...workable };
    const readers = others.map(
      (group): Group =>
        isRead ? { ...group, topics: [...group.topics, OUTPUT], isolationLevel: 'read_committed' } : group,
    );
    const groups = [pipeline, ...readers];
    const topology = {
      ...scenario.topology,
      topics: [
        ...scenario.topology.topics,
        { name: OUTPUT, partitions, replicationFactor: scenario.topology.brokers },
      ],
    };
    const { dead } = scenario.settling;
    const boundMs = settlingBoundMs({ topology, groups, producers, actions }, dead);
    return { ...scenario, topology, groups, settling: { ...scenario.settling, boundMs } };
  };
