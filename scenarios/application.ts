/**
 * Scenarios for an application of the user's: a generated scenario and what the application is like enter, the same
 * course of events leaves with its group, its topics and its configuration, which no scenario can choose for it.
 */
import type { Action, Group, Scenario, Topic } from './schema.ts';
import { settlingBoundMs } from './settling.ts';

/** Among a group's native options, those that are put over what an application of the user's gives to its client. */
export const APPLICATION_OPTIONS = 'application';

/** What a scenario has to know of an application. */
export interface ApplicationShape {
  /** The topics that it needs, with what their records look like. */
  readonly topics: readonly ApplicationTopic[];
  /** Its group, with the configuration that it gives to its client and the promises that it is held to. */
  readonly group: Omit<Group, 'members' | 'topics'>;
  /**
   * The session timeout that stalls are to outlast; left out, its own. Applications that are compared have one for all,
   * so that the same is done to each.
   */
  readonly stallsOutlastMs?: number;
}

export interface ApplicationTopic {
  readonly name: string;
  /** Whether it consumes the topic, or only writes to it. */
  readonly consumed: boolean;
  /** See the scenario's schema. */
  readonly value?: string;
}

const isOfMember = (action: Action): action is Extract<Action, { member: string }> => 'member' in action;

/**
 * The first group's members, producers and faults stay as they were drawn; other groups, and what happens to them or to
 * topics that the application does not have, are left out. Stalls last as much longer as the session does.
 */
export function fitToApplication(
  scenario: Scenario,
  { topics: shaped, group: config, stallsOutlastMs = config.sessionTimeoutMs }: ApplicationShape,
): Scenario {
  const [drawnGroup] = scenario.groups as [Group];
  const drawnTopics = scenario.topology.topics;
  const topics = shaped.map(({ name, value }, i): Topic => {
    const { partitions, replicationFactor } = drawnTopics[i % drawnTopics.length] as Topic;
    return { name, partitions, replicationFactor, ...(value === undefined ? {} : { value }) };
  });
  const consumed = shaped.filter((topic) => topic.consumed).map(({ name }) => name);
  const topicOf = new Map(drawnTopics.map(({ name }, i) => [name, topics[i]?.name]));
  // Where a member is, what it reads and with whom it shares a client is the application's to say; its clock is its machine's.
  const members = drawnGroup.members.map(
    ({ topics: _topics, rack: _rack, sharedProcess: _shared, ...member }, i) => ({
      ...member,
      id: `member-${i + 1}`,
    }),
  );
  const processOf = new Map<string, string>([
    ...drawnGroup.members.map(({ id }, i): [string, string] => [id, `member-${i + 1}`]),
    ...scenario.producers.map(({ id }): [string, string] => [id, id]),
  ]);
  const producers = scenario.producers.map((producer) => ({
    ...producer,
    topics: unique(producer.topics.map((name) => consumedOf(topicOf.get(name), consumed))),
  }));
  const group: Group = { ...config, topics: consumed, members };
  const actions = stretchStalls(
    scenario.actions.flatMap((action) => {
      if ('group' in action && action.group !== drawnGroup.id) return [];
      const renamed = renameAction(action, { group: group.id, topicOf, processOf });
      return renamed === null ? [] : [renamed];
    }),
    stallsOutlastMs - drawnGroup.sessionTimeoutMs,
  );
  const groups = [group];
  const topology = { ...scenario.topology, topics };
  return {
    ...scenario,
    topology,
    producers,
    groups,
    actions,
    settling: { boundMs: settlingBoundMs({ topology, groups, producers, actions }) },
  };
}

const unique = (names: readonly string[]): string[] => [...new Set(names)];

/** Producers write to what the application reads. */
const consumedOf = (name: string | undefined, consumed: readonly string[]): string =>
  name !== undefined && consumed.includes(name) ? name : (consumed[0] as string);

/** Calls of the consumer's API, which nobody but the application can make. */
const callKinds: readonly string[] = [
  'seek',
  'pause-partitions',
  'stop-consumer',
  'commit',
  'position',
  'committed',
] satisfies Action['kind'][];

interface Renaming {
  readonly group: string;
  readonly topicOf: ReadonlyMap<string, string | undefined>;
  readonly processOf: ReadonlyMap<string, string>;
}

/** @returns null where the action is about something that the application does not have */
function renameAction(action: Action, { group, topicOf, processOf }: Renaming): Action | null {
  if (callKinds.includes(action.kind)) return null;
  const renamed: Record<string, unknown> = { ...action };
  if ('group' in action) renamed.group = group;
  if ('topic' in action) {
    const topic = topicOf.get(action.topic);
    if (topic === undefined) return null;
    renamed.topic = topic;
  }
  if ('member' in action) {
    const member = processOf.get(action.member);
    if (member === undefined) return null;
    renamed.member = member;
  }
  if ('link' in action) {
    const process = processOf.get(action.link.process);
    if (process === undefined) return null;
    renamed.link = { ...action.link, process };
  }
  if ('process' in action && action.process !== null) {
    const process = processOf.get(action.process);
    if (process === undefined) return null;
    renamed.process = process;
  }
  return renamed as Action;
}

/** A stall is there to outlast the session; what happens to the member afterwards is as much later. */
function stretchStalls(actions: readonly Action[], byMs: number): Action[] {
  const laterMs = new Map<string, number>();
  return actions
    .map((action): Action => {
      if (!isOfMember(action)) return action;
      const shiftMs = laterMs.get(action.member) ?? 0;
      const shifted = { ...action, atMs: action.atMs + shiftMs };
      if (shifted.kind !== 'stall') return shifted;
      const durationMs = Math.max(1, shifted.durationMs + byMs);
      laterMs.set(action.member, shiftMs + durationMs - shifted.durationMs);
      return { ...shifted, durationMs };
    })
    .sort((a, b) => a.atMs - b.atMs);
}
