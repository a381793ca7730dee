/** balanced-assignment: the coordinator's stable generations enter, shares that the assignor does not make leave. */
import { proof, reporter } from './anomaly.ts';
import { withheldIn } from './coverage.ts';
import { evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { assignedPartitions, firstWritten, type GenerationEvidence } from './evidence/generations.ts';
import { count } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('balanced-assignment');

export const balancedAssignment: Property = {
  id: 'balanced-assignment',
  title: 'Partitions are shared evenly',
  statement:
    "In each stable generation that the group coordinator wrote, the members' shares differ by no more than its assignor promises: with range, the partitions of one topic by one among the members that subscribe to it; with round robin, all partitions by one, where all members subscribe to the same topics; with sticky and cooperative-sticky likewise, and where subscriptions differ, a member that has at least two partitions more than another has none of a topic of which the other one has some. With cooperative-sticky (KIP-429) a partition that its last owner has yet to give up counts as that of a member whose share is too small. (That a member is assigned only what it subscribes to is part of complete-assignment.)",
  check(history) {
    return evidenceOf(history).groups.flatMap((group) =>
      group.generations
        .filter((generation) => generation.isStable && !isRewritten(group, generation))
        .flatMap((generation) => breaches(group, generation)),
    );
  },
  policy: () => 'illegal',
};

/** Written again, with another member id, where a static member has come back: nothing has been handed out (KIP-345). */
export const isRewritten = (group: GroupEvidence, generation: GenerationEvidence): boolean =>
  firstWritten(group, generation) !== generation;

/** By the protocol's name in the coordinator's record; kafkajs calls its own round robin otherwise than Java. */
const PROMISES: Readonly<
  Record<string, (group: GroupEvidence, generation: GenerationEvidence) => Anomaly[]>
> = {
  range: byTopic,
  roundrobin: inAll,
  RoundRobinAssigner: inAll,
  sticky: balanced,
  'cooperative-sticky': balanced,
};

const breaches = (group: GroupEvidence, generation: GenerationEvidence): Anomaly[] =>
  PROMISES[generation.event.protocol ?? '']?.(group, generation) ?? [];

/** Whether every member subscribes to the same topics, and to any at all. */
export const hasEqualSubscriptions = ({ members }: GenerationEvidence): boolean => {
  const texts = new Set(members.map(({ subscription }) => [...subscription].sort().join(' ')));
  return texts.size === 1 && !texts.has('');
};

interface Share {
  readonly process: string;
  readonly size: number;
}

const sharesOf = ({ members }: GenerationEvidence): Share[] =>
  members.map((member) => ({ process: member.clientId, size: assignedPartitions(member).length }));

function extremes(shares: readonly Share[]): { least: Share; most: Share } | null {
  const [first] = shares;
  if (first === undefined) return null;
  return {
    least: shares.reduce((least, share) => (share.size < least.size ? share : least), first),
    most: shares.reduce((most, share) => (share.size > most.size ? share : most), first),
  };
}

function byTopic(group: GroupEvidence, generation: GenerationEvidence): Anomaly[] {
  const topics = new Set(generation.members.flatMap(({ subscription }) => subscription));
  return [...topics].flatMap((topic) => {
    const found = extremes(
      generation.members
        .filter(({ subscription }) => subscription.includes(topic))
        .map(({ clientId, assignment }) => ({
          process: clientId,
          size: assignment.flatMap((one) => (one.topic === topic ? one.partitions : [])).length,
        })),
    );
    if (found === null || found.most.size - found.least.size <= 1) return [];
    return [unequal(group, generation, found, ` of ${topic}`, topic)];
  });
}

function inAll(group: GroupEvidence, generation: GenerationEvidence): Anomaly[] {
  const found = extremes(sharesOf(generation));
  if (!hasEqualSubscriptions(generation) || found === null) return [];
  return found.most.size - found.least.size <= 1 ? [] : [unequal(group, generation, found, '')];
}

function balanced(group: GroupEvidence, generation: GenerationEvidence): Anomaly[] {
  const withheld = withheldIn(group, generation).size;
  if (!hasEqualSubscriptions(generation)) return withheld > 0 ? [] : movable(group, generation);
  const shares = sharesOf(generation);
  const found = extremes(shares);
  if (found === null) return [];
  const all = shares.reduce((sum, { size }) => sum + size, withheld);
  const least = Math.floor(all / shares.length);
  // The partitions that are kept back fill up the smallest shares.
  const missing = shares.reduce((sum, { size }) => sum + Math.max(0, least - size), 0);
  if (found.most.size <= Math.ceil(all / shares.length) && missing <= withheld) return [];
  return [unequal(group, generation, found, withheld === 0 ? '' : ` with ${withheld} kept back`)];
}

/** As Kafka's AbstractStickyAssignorTest asks for it (verifyValidityAndBalance). */
function movable(group: GroupEvidence, generation: GenerationEvidence): Anomaly[] {
  const topicsOf = (process: string): string[] =>
    generation.members
      .filter(({ clientId }) => clientId === process)
      .flatMap(({ assignment }) =>
        assignment.flatMap(({ topic, partitions }) => (partitions.length === 0 ? [] : [topic])),
      );
  const shares = sharesOf(generation);
  return shares.flatMap((most) => {
    const topics = new Set(topicsOf(most.process));
    const least = shares.find(
      ({ process, size }) => most.size - size > 1 && topicsOf(process).some((topic) => topics.has(topic)),
    );
    return least === undefined ? [] : [unequal(group, generation, { least, most }, '')];
  });
}

const unequal = (
  group: GroupEvidence,
  generation: GenerationEvidence,
  { least, most }: { least: Share; most: Share },
  what: string,
  topic?: string,
): Anomaly =>
  report(
    'shares differ by more than the assignor allows',
    `Generation ${generation.generation} of group ${group.id} (${generation.event.protocol}) gives ${most.process} ${count(most.size, 'partition')} and ${least.process} ${least.size}${what}.`,
    proof(generation.seq),
    { group: group.id, process: most.process, ...(topic === undefined ? {} : { topic }) },
  );
