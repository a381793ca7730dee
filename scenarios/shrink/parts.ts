/**
 * Takes parts out of a scenario: a scenario and what is to go enter, a scenario without it and without everything that
 * speaks of it leaves, or null where nothing sensible is left.
 */
import type { Action, Producer, Scenario } from '../schema.ts';
import { settlingBoundMs } from '../settling.ts';

type Keep<T> = (one: T) => boolean;
type Dead = NonNullable<Scenario['settling']['dead']>;

export function keepGroups(scenario: Scenario, keep: Keep<string>): Scenario | null {
  const groups = scenario.groups.filter(({ id }) => keep(id));
  return groups.length === 0 ? null : coherent({ ...scenario, groups });
}

export function keepMembers(scenario: Scenario, keep: Keep<string>): Scenario | null {
  const groups = scenario.groups
    .map((group) => ({ ...group, members: group.members.filter(({ id }) => keep(id)) }))
    .filter(({ members }) => members.length > 0);
  return groups.length === 0 ? null : coherent({ ...scenario, groups });
}

export const keepProducers = (scenario: Scenario, keep: Keep<string>): Scenario =>
  coherent({ ...scenario, producers: scenario.producers.filter(({ id }) => keep(id)) });

export function keepTopics(scenario: Scenario, keep: Keep<string>): Scenario | null {
  const topics = scenario.topology.topics.filter(({ name }) => keep(name));
  if (topics.length === 0) return null;
  return coherent({ ...scenario, topology: { ...scenario.topology, topics } });
}

/** @param keep told what stays dead in words: `member billing-m1`, `broker 2` */
export function keepDead(scenario: Scenario, keep: Keep<string>): Scenario {
  const { dead } = scenario.settling;
  if (dead === undefined) return scenario;
  const members = dead.members.filter((id) => keep(`member ${id}`));
  const brokers = dead.brokers.filter((id) => keep(`broker ${id}`));
  return coherent({ ...scenario, settling: { ...scenario.settling, dead: { members, brokers } } });
}

/** @param keep told the action and its place */
export const keepActions = (scenario: Scenario, keep: (action: Action, index: number) => boolean): Scenario =>
  coherent({ ...scenario, actions: scenario.actions.filter(keep) });

/** The brokers with the lowest ids. */
export const keepBrokers = (scenario: Scenario, brokers: number): Scenario =>
  coherent({ ...scenario, topology: { ...scenario.topology, brokers } });

/** The partitions with the lowest numbers. */
export function keepPartitions(scenario: Scenario, topic: string, partitions: number): Scenario {
  const topics = scenario.topology.topics.map((one) => (one.name === topic ? { ...one, partitions } : one));
  return coherent({ ...scenario, topology: { ...scenario.topology, topics } });
}

/**
 * Lets everything go that speaks of what is not there any more, and allows as much time to settle as what is left
 * justifies, where the scenario allowed no less.
 */
export function coherent(scenario: Scenario): Scenario {
  const { topology } = scenario;
  const topics = topology.topics.map((topic) => ({
    ...topic,
    replicationFactor: Math.min(topic.replicationFactor, topology.brokers),
  }));
  const names = new Set(topics.map(({ name }) => name));
  const present = (topic: string): boolean => names.has(topic);
  const groups = scenario.groups
    .map((group) => ({
      ...group,
      topics: group.topics.filter(present),
      commitMode:
        group.commitMode.kind === 'transaction' && !present(group.commitMode.topic)
          ? AUTOMATIC
          : group.commitMode,
      members: group.members
        .map(({ topics: own, ...member }) =>
          own === undefined ? member : { ...member, topics: own.filter(present) },
        )
        .filter((member) => !('topics' in member) || member.topics.length > 0)
        .map(({ assigned, ...member }) =>
          assigned === undefined ? member : { ...member, assigned: thoseOf(assigned, topics) },
        )
        .filter((member) => !('assigned' in member) || member.assigned.length > 0),
    }))
    .filter((group) => group.topics.length > 0 && group.members.length > 0);
  const producers: Producer[] = scenario.producers
    .map((producer) => ({ ...producer, topics: producer.topics.filter(present) }))
    .filter((producer) => producer.topics.length > 0);
  const parts: Parts = {
    topics: names,
    partitionsAt: (topic, atMs) => partitionsAt(topics, scenario.actions, topic, atMs),
    brokers: topology.brokers,
    groups: new Set(groups.map(({ id }) => id)),
    members: new Set(groups.flatMap(({ members }) => members.map(({ id }) => id))),
    producers: new Set(producers.map(({ id }) => id)),
  };
  const actions = scenario.actions.filter((action) => speaksOf(action, parts));
  const { dead: before, boundMs, ...settling } = scenario.settling;
  const dead = stillDead(before, parts);
  const justifiedMs =
    groups.length === 0
      ? 1
      : settlingBoundMs({ topology: { ...topology, topics }, groups, producers, actions }, dead);
  return {
    ...scenario,
    topology: {
      ...topology,
      topics,
      ...(topology.racks === undefined ? {} : { racks: topology.racks.slice(0, topology.brokers) }),
    },
    groups,
    producers,
    actions,
    settling: {
      ...settling,
      boundMs: Math.min(boundMs, justifiedMs),
      ...(dead === undefined ? {} : { dead }),
    },
  };
}

/** Those of the dead that are still there; of the brokers so few that the others can go on. */
function stillDead(dead: Dead | undefined, parts: Parts): Dead | undefined {
  const members = dead?.members.filter((id) => parts.members.has(id)) ?? [];
  const brokers =
    dead?.brokers.filter((id) => id <= parts.brokers).slice(0, Math.ceil(parts.brokers / 2) - 1) ?? [];
  return members.length + brokers.length === 0 ? undefined : { members, brokers };
}

/** Of what a member has taken by hand, the partitions that there are from the beginning. */
const thoseOf = (
  assigned: readonly { topic: string; partitions: number[] }[],
  topics: readonly { name: string; partitions: number }[],
): { topic: string; partitions: number[] }[] =>
  assigned
    .map(({ topic, partitions }) => {
      const count = topics.find(({ name }) => name === topic)?.partitions ?? 0;
      return { topic, partitions: partitions.filter((partition) => partition < count) };
    })
    .filter(({ partitions }) => partitions.length > 0);

/** Of a pipeline that has nowhere to write to. */
const AUTOMATIC = { kind: 'auto', intervalMs: null, thresholdRecords: null } as const;

interface Parts {
  readonly topics: ReadonlySet<string>;
  /** How many partitions a topic has at a time. */
  readonly partitionsAt: (topic: string, atMs: number) => number;
  readonly brokers: number;
  readonly groups: ReadonlySet<string>;
  readonly members: ReadonlySet<string>;
  readonly producers: ReadonlySet<string>;
}

const partitionsAt = (
  topics: readonly { name: string; partitions: number }[],
  actions: readonly Action[],
  topic: string,
  atMs: number,
): number =>
  Math.max(
    topics.find(({ name }) => name === topic)?.partitions ?? 0,
    ...actions.flatMap((action) =>
      action.kind === 'add-partitions' && action.topic === topic && action.atMs <= atMs
        ? [action.partitions]
        : [],
    ),
  );

/** Whether everything that an action names is there. */
function speaksOf(action: Action, parts: Parts): boolean {
  if ('member' in action && !parts.members.has(action.member)) return false;
  if ('producer' in action && !parts.producers.has(action.producer)) return false;
  if ('group' in action && !parts.groups.has(action.group)) return false;
  if ('topic' in action && !parts.topics.has(action.topic)) return false;
  if (
    'topic' in action &&
    'partition' in action &&
    action.partition >= parts.partitionsAt(action.topic, action.atMs)
  )
    return false;
  if ('broker' in action && action.broker > parts.brokers) return false;
  if ('brokers' in action && Math.max(...action.brokers) > parts.brokers) return false;
  if ('process' in action && action.process !== null && !isProcess(action.process, parts)) return false;
  if (!('link' in action)) return true;
  const { process, broker } = action.link;
  return isProcess(process, parts) && (broker === null || broker <= parts.brokers);
}

const isProcess = (id: string, { members, producers }: Parts): boolean =>
  members.has(id) || producers.has(id);
