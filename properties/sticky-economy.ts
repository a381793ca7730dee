/** sticky-economy: neighbouring generations enter, partitions that were taken from their owners without need leave. */
import { proof, reporter } from './anomaly.ts';
import { hasEqualSubscriptions, isRewritten } from './balanced-assignment.ts';
import { isCooperative, isLeaderBlind, noticeMs, withheldIn } from './coverage.ts';
import { type Evidence, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { assignedPartitions, type GenerationEvidence } from './evidence/generations.ts';
import { partitionCountsAt } from './evidence/logs.ts';
import { hasLostPlace } from './evidence/membership.ts';
import { count, partitionOf } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('sticky-economy');

const MOVED = 'more partitions moved than the balance needs';
const OLD_CLAIM = 'more partitions moved than the balance needs when a member came back with an old claim';

type Member = GenerationEvidence['members'][number];

export const stickyEconomy: Property = {
  id: 'sticky-economy',
  title: 'Nobody loses a partition without need',
  statement:
    'From one stable generation to the next: where the members (static ones by their group.instance.id), their subscriptions and the partitions are the same, range and round robin take nothing from anybody, so a static member that is back within its session costs the others nothing; with sticky and cooperative-sticky, where all members subscribe to the same topics, the members that stay lose together no more partitions than the balance of the new generation needs. Where a group has an eager assignor beside cooperative-sticky, members give up everything before they join, so there is nothing to keep (KIP-429). With sticky, a member that comes back with an old claim in its user data can cost another one a partition: observed. A member that never learned of the former assignment, or had been told that its membership or its generation was over, has nothing to keep either; nor is anything to be kept of a topic that nobody is given any of, since brokers have refused the leader its metadata (that is part of complete-assignment), or of partitions that were added so shortly before that another leader than before need not know them.',
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) =>
      group.generations
        .filter((generation) => generation.isStable && !isRewritten(group, generation))
        .flatMap((generation) => {
          const before = group.generations[generation.index - 1];
          if (before?.isStable !== true || before.event.protocol !== generation.event.protocol) return [];
          return (RULES[generation.event.protocol ?? ''] ?? none)(evidence, group, before, generation);
        }),
    );
  },
  policy: (_scenario, { signature }) => (signature === OLD_CLAIM ? 'observed' : 'illegal'),
};

type Rule = (
  evidence: Evidence,
  group: GroupEvidence,
  before: GenerationEvidence,
  after: GenerationEvidence,
) => Anomaly[];

const none: Rule = () => [];
const RULES: Readonly<Record<string, Rule>> = {
  range: unchanged,
  roundrobin: unchanged,
  RoundRobinAssigner: unchanged,
  sticky: leastMoves,
  'cooperative-sticky': leastMoves,
};

const identityOf = ({ groupInstanceId, memberId }: Member): string => groupInstanceId ?? memberId;

const partitionsOf = (group: GroupEvidence, generation: GenerationEvidence): Set<string> =>
  new Set([...generation.owners.keys(), ...withheldIn(group, generation).keys()]);

/**
 * Partitions that were added so shortly before that a leader need not know them, where it did not lead before and gives
 * nobody any of them.
 */
function mayNotKnow(
  { scenario, actions }: Evidence,
  group: GroupEvidence,
  before: GenerationEvidence,
  { event, owners, time }: GenerationEvidence,
): (key: string) => boolean {
  if (event.leaderMemberId === before.event.leaderMemberId) return () => false;
  const given = [...owners.keys()].map(partitionOf);
  return (key) => {
    const { topic, partition } = partitionOf(key);
    const counts = partitionCountsAt(scenario, actions, topic, time, noticeMs(group)) ?? [];
    const made = counts.find((count) => given.every((one) => one.topic !== topic || one.partition < count));
    return made !== undefined && partition >= made;
  };
}

/** What the leader had to share out: of a topic whose metadata brokers refused it, it gives nothing to anybody. */
function knownPartitions(
  evidence: Evidence,
  group: GroupEvidence,
  before: GenerationEvidence,
  generation: GenerationEvidence,
): Set<string> {
  const isUnknown = mayNotKnow(evidence, group, before, generation);
  const all = new Set([...partitionsOf(group, generation)].filter((key) => !isUnknown(key)));
  if (!isLeaderBlind(evidence, group, generation)) return all;
  const known = new Set([...generation.owners.keys()].map((key) => partitionOf(key).topic));
  return new Set([...all].filter((key) => known.has(partitionOf(key).topic)));
}

const describe = (group: GroupEvidence, generation: GenerationEvidence): string =>
  [
    ...generation.members
      .map((member) => `${identityOf(member)} ${[...member.subscription].sort().join(',')}`)
      .sort(),
    ...[...partitionsOf(group, generation)].sort(),
  ].join(' ');

/** The same members, subscriptions and partitions enter an assignor that goes by nothing else. */
function unchanged(
  _evidence: Evidence,
  group: GroupEvidence,
  before: GenerationEvidence,
  after: GenerationEvidence,
): Anomaly[] {
  if (describe(group, before) !== describe(group, after)) return [];
  const former = new Map(before.members.map((member) => [identityOf(member), member]));
  return after.members.flatMap((member) => {
    const kept = new Set(assignedPartitions(member));
    const lost = assignedPartitions(former.get(identityOf(member)) as Member).filter((key) => !kept.has(key));
    if (lost.length === 0) return [];
    return [
      report(
        'partition taken although nothing had changed',
        `Generation ${after.generation} of group ${group.id} takes ${lost.join(', ')} from ${member.clientId}, although its members, subscriptions and partitions are those of generation ${before.generation}.`,
        proof(before.seq, after.seq),
        { group: group.id, process: member.clientId },
      ),
    ];
  });
}

/** Members of both that know what they had. */
function survivors(
  evidence: Evidence,
  before: GenerationEvidence,
  after: GenerationEvidence,
): { process: string; had: string[]; has: ReadonlySet<string> }[] {
  return after.members.flatMap((member) => {
    const former = before.memberById.get(member.memberId);
    const join = evidence.positions.joins
      .get(member.clientId)
      ?.find((one) => one.generation?.generation === before.generation && one.memberId === member.memberId);
    // A static member that is away is still counted as one, and says nothing of what it had (KIP-345).
    const hasTakenPart = evidence.positions.joins
      .get(member.clientId)
      ?.some((one) => one.generation?.generation === after.generation && one.memberId === member.memberId);
    if (former === undefined || join === undefined || hasTakenPart !== true) return [];
    if (hasLostPlace(evidence, member.clientId, join.seq)) return [];
    return [
      {
        process: member.clientId,
        had: assignedPartitions(former),
        has: new Set(assignedPartitions(member)),
      },
    ];
  });
}

/**
 * Whether a member that was away comes with what it had before in its user data: the sticky assignor may take it for newer
 * than the claim of the member that has had the partition since (Kafka's class AbstractStickyAssignor, which compares it
 * with the generation of the other's subscription and not of its user data).
 */
const hasOldClaim = (group: GroupEvidence, before: GenerationEvidence, after: GenerationEvidence): boolean =>
  after.event.protocol === 'sticky' &&
  after.members.some(
    ({ memberId, clientId }) =>
      !before.memberById.has(memberId) &&
      group.generations.some(
        (one) => one.index < before.index && one.members.some((member) => member.clientId === clientId),
      ),
  );

function leastMoves(
  evidence: Evidence,
  group: GroupEvidence,
  before: GenerationEvidence,
  after: GenerationEvidence,
): Anomaly[] {
  if (!hasEqualSubscriptions(after)) return [];
  // Beside an eager assignor, members give everything up before they join, and cooperative-sticky has no other memory.
  if (after.event.protocol === 'cooperative-sticky' && !isCooperative(group)) return [];
  const all = knownPartitions(evidence, group, before, after);
  const least = Math.floor(all.size / after.members.length);
  const stayed = survivors(evidence, before, after).map(({ process, had, has }) => {
    const still = had.filter((key) => all.has(key));
    return { process, had: still.length, lost: still.filter((key) => !has.has(key)) };
  });
  const above = stayed.filter(({ had }) => had > least);
  // So many members may have one partition more than the others. One that stayed away from the new generation may have
  // joined it, with what it had, before that: such a place is taken.
  const known = new Set(stayed.map(({ process }) => process));
  const taken = after.members.filter((member) => {
    const former = before.memberById.get(member.memberId);
    if (former === undefined || known.has(member.clientId)) return false;
    const had = new Set(assignedPartitions(former));
    return assignedPartitions(member).filter((key) => had.has(key)).length > least;
  }).length;
  const larger = Math.min(Math.max(0, (all.size % after.members.length) - taken), above.length);
  const needed = above.reduce((sum, { had }) => sum + had - least, 0) - larger;
  const losers = stayed.filter(({ lost }) => lost.length > 0);
  const lost = losers.flatMap((one) => one.lost);
  if (lost.length <= needed) return [];
  return [
    report(
      hasOldClaim(group, before, after) ? OLD_CLAIM : MOVED,
      `Generation ${after.generation} of group ${group.id} (${after.event.protocol}) takes ${count(lost.length, 'partition')} (${lost.join(', ')}) from ${losers.map(({ process }) => process).join(', ')}, and ${needed} would have done.`,
      proof(before.seq, after.seq),
      { group: group.id },
    ),
  ];
}
