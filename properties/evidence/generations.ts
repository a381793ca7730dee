/**
 * The coordinator's generations of each group: `group-generation` events enter, generations in the order of the
 * coordinator's log leave, with who owned which partition.
 */
import { MemberProcesses, NAMING } from '../../harness/history/member-processes.ts';
import type { EventOf, GroupMember, History } from '../../harness/history/schema.ts';
import { eventsOf } from './by-kind.ts';
import { listAt, partitionKey, toOffset } from './values.ts';

export interface GenerationEvidence {
  /** Place among the group's generations, from 0. */
  readonly index: number;
  readonly event: EventOf<'group-generation'>;
  readonly group: string;
  readonly generation: number;
  readonly isStable: boolean;
  /** Whether the group had been removed since the generation before: its offsets expired while it had no members. */
  readonly isAnew: boolean;
  /** Offset of the record in the coordinator's log: the order of the group's records. */
  readonly position: number;
  readonly time: number;
  readonly seq: number;
  /** Their client ids are those of the processes that they are. */
  readonly members: readonly GroupMember[];
  readonly memberById: ReadonlyMap<string, GroupMember>;
  /** Processes by partition; more than one where the assignment is not exclusive. */
  readonly owners: ReadonlyMap<string, readonly string[]>;
}

export function indexGenerations(history: History): Map<string, GenerationEvidence[]> {
  const processes = new MemberProcesses();
  for (const event of eventsOf(history, ...NAMING)) processes.observe(event);
  const eventsByGroup = new Map<string, EventOf<'group-generation'>[]>();
  for (const event of eventsOf(history, 'group-generation')) listAt(eventsByGroup, event.group).push(event);
  const removals = eventsOf(history, 'group-removed');
  const generations = new Map<string, GenerationEvidence[]>();
  for (const [group, events] of eventsByGroup) {
    const positions = new Set(events.map((event) => event.logPosition.partition));
    // One group lives in one partition of the offsets topic; without that there is no coordinator order to rely on.
    if (positions.size > 1)
      throw new Error(`the records of group '${group}' lie in several coordinator partitions`);
    const ordered = events
      .map((event) => ({ event, position: toOffset(event.logPosition.offset) }))
      .sort((a, b) => a.position - b.position);
    const removed = removals
      .filter((event) => event.group === group)
      .map(({ logPosition }) => toOffset(logPosition.offset));
    generations.set(
      group,
      ordered.map(({ event, position }, index) => {
        const members = event.members.map((member) => ({
          ...member,
          clientId: processes.processOf(member),
        }));
        return {
          index,
          event,
          group,
          generation: event.generation,
          isStable: event.state === 'stable',
          isAnew: removed.some((at) => at < position && at > (ordered[index - 1]?.position ?? position)),
          position,
          time: event.time,
          seq: event.seq,
          members,
          memberById: new Map(members.map((member) => [member.memberId, member])),
          owners: ownersOf(members),
        };
      }),
    );
  }
  return generations;
}

function ownersOf(members: readonly GroupMember[]): Map<string, string[]> {
  const owners = new Map<string, string[]>();
  for (const member of members)
    for (const { topic, partitions } of member.assignment)
      for (const partition of new Set(partitions))
        listAt(owners, partitionKey(topic, partition)).push(member.clientId);
  return owners;
}

/**
 * The generation as it was written first: it is written again where static members have come back (KIP-345). Its number
 * alone does not say which one it is: a group that was removed begins anew, and counts from one.
 */
export function firstWritten(
  { generations }: { readonly generations: readonly GenerationEvidence[] },
  generation: GenerationEvidence,
): GenerationEvidence {
  const before = generation.isAnew ? undefined : generations[generation.index - 1];
  return before?.generation === generation.generation ? firstWritten({ generations }, before) : generation;
}

/** Whether this generation assigns the partition to the process. */
export const owns = (generation: GenerationEvidence, process: string, key: string): boolean =>
  generation.owners.get(key)?.includes(process) ?? false;

/** The partitions that a member is assigned. */
export const assignedPartitions = (member: GroupMember): string[] =>
  member.assignment.flatMap(({ topic, partitions }) =>
    partitions.map((partition) => partitionKey(topic, partition)),
  );
