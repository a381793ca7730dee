/**
 * What an assignment has to cover: a generation and the partition counts that count for it enter, what it leaves out
 * and what it has too much leaves.
 */
import type { GroupMember } from '../harness/history/schema.ts';
import { eventsOf } from './evidence/by-kind.ts';
import { type Evidence, type GroupEvidence, isOutageWithin, rebalanceWaitMs } from './evidence/evidence.ts';
import { assignedPartitions, firstWritten, type GenerationEvidence } from './evidence/generations.ts';
import { partitionCountsAt } from './evidence/logs.ts';
import { membershipOf } from './evidence/membership.ts';
import { merged } from './evidence/throttles.ts';
import { CLOCK_TOLERANCE_MS, partitionKey } from './evidence/values.ts';

export interface CoverageBreach {
  readonly kind: 'unowned' | 'unknown partition' | 'unsubscribed topic';
  readonly topic: string;
  readonly partitions: readonly number[];
  /** The member's process, for a topic that it does not subscribe to. */
  readonly process: string | null;
}

/**
 * How long a group may take to see added partitions: its client asks for metadata at this age at the latest, between
 * two fetches, and the rebalance that follows waits for every member at most the rebalance timeout, or until a silent
 * one's session has expired.
 */
export const noticeMs = ({ config }: GroupEvidence): number =>
  config.metadataMaxAgeMs + config.fetchMaxWaitMs + rebalanceWaitMs(config) + config.sessionTimeoutMs;

/**
 * When the generation was made, and when it was written: the leader assigns what is there when its join is answered, and where
 * a replica of the coordinator's log is away the record that says so counts only when that is back.
 */
export function timesOf(
  evidence: Evidence,
  { event, time, generation, memberById }: GenerationEvidence,
): number[] {
  const { leaderMemberId } = event;
  const leader = memberById.get(leaderMemberId ?? '')?.clientId ?? '';
  const joined = membershipOf(evidence, leader).findLast(
    (change) =>
      change.kind === 'joining' && change.memberId === leaderMemberId && change.generation === generation,
  );
  return joined === undefined || joined.time >= time ? [time] : [joined.time, time];
}

/**
 * @param atTimes the times at one of which the assignment has to be right
 * @param withheld the partitions that may be without an owner
 */
export function coverageBreaches(
  evidence: Evidence,
  group: GroupEvidence,
  generation: GenerationEvidence,
  atTimes: readonly number[],
  withheld: Withheld = NOTHING,
): CoverageBreach[] {
  const breaches: CoverageBreach[] = [];
  const members = membersAssigned(group, generation);
  const subscribed = new Set(members.flatMap((member) => member.subscription));
  for (const topic of subscribed) {
    const counts = atTimes
      .flatMap(
        (time) => partitionCountsAt(evidence.scenario, evidence.actions, topic, time, noticeMs(group)) ?? [],
      )
      .sort((a, b) => a - b);
    if (counts.length === 0) continue;
    const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
    const assigned = new Set(
      members.flatMap((member) =>
        member.subscription.includes(topic)
          ? member.assignment.filter((one) => one.topic === topic).flatMap((one) => one.partitions)
          : [],
      ),
    );
    const unowned: number[] = [];
    // The counts differ by added partitions only, so an assignment made for a higher count has to cover that one.
    const made = counts.find((count) => [...assigned].every((partition) => partition < count)) ?? most;
    for (let partition = 0; partition < Math.max(fewest, made); partition += 1)
      if (!assigned.has(partition) && !withheld.has(partitionKey(topic, partition))) unowned.push(partition);
    if (unowned.length > 0) breaches.push({ kind: 'unowned', topic, partitions: unowned, process: null });
    const unknown = [...assigned].filter((partition) => partition >= most).sort((a, b) => a - b);
    if (unknown.length > 0)
      breaches.push({ kind: 'unknown partition', topic, partitions: unknown, process: null });
  }
  for (const member of members)
    for (const { topic, partitions } of member.assignment)
      if (partitions.length > 0 && !member.subscription.includes(topic))
        breaches.push({ kind: 'unsubscribed topic', topic, partitions, process: member.clientId });
  return breaches;
}

/**
 * The members with what they subscribe to, and did when their assignment was made: a generation that is written again for a
 * static member that is back keeps it, whatever that member subscribes to by now, such as nothing where it has been refused
 * the metadata that its pattern is for (KIP-345).
 */
function membersAssigned(group: GroupEvidence, generation: GenerationEvidence): readonly GroupMember[] {
  const first = firstWritten(group, generation);
  if (first === generation) return generation.members;
  const subscriptions = new Map(first.members.map((one) => [one.groupInstanceId, one.subscription]));
  return generation.members.map((member) => {
    const former = member.groupInstanceId === null ? [] : (subscriptions.get(member.groupInstanceId) ?? []);
    return { ...member, subscription: [...new Set([...member.subscription, ...former])] };
  });
}

/** Member ids by partition: who had each of them last, and gives it up now. */
export type Withheld = ReadonlyMap<string, string>;

const withheld = new WeakMap<GroupEvidence, ReadonlyMap<GenerationEvidence, Withheld>>();

/** Whether its members keep their partitions while the group rebalances (KIP-429): all assignors have to be able to. */
export const isCooperative = ({ config }: GroupEvidence): boolean =>
  config.assignors?.every((name) => name === 'cooperative-sticky') ?? false;

/**
 * The partitions that a cooperative generation leaves without an owner because the member that had each of them last is
 * still there: it gives them up now, and joins again so that they can be given to others (KIP-429).
 */
export function withheldIn(group: GroupEvidence, generation: GenerationEvidence): Withheld {
  let byGeneration = withheld.get(group);
  if (byGeneration === undefined) {
    byGeneration = isCooperative(group) ? findWithheld(group) : new Map();
    withheld.set(group, byGeneration);
  }
  return byGeneration.get(generation) ?? NOTHING;
}

const NOTHING: Withheld = new Map();

function findWithheld(group: GroupEvidence): Map<GenerationEvidence, Withheld> {
  /** Member ids by partition: a member that has lost its place and joins again has another one. */
  const holders = new Map<string, string>();
  const found = new Map<GenerationEvidence, Withheld>();
  for (const generation of group.generations) {
    const before = group.generations[generation.index - 1];
    // Written again, with another member id, where a static member has come back; nothing has been handed out (KIP-345).
    const same = before?.generation === generation.generation ? found.get(before) : undefined;
    for (const member of generation.members)
      for (const key of assignedPartitions(member)) holders.set(key, member.memberId);
    if (same !== undefined) {
      found.set(generation, same);
      continue;
    }
    const kept = [...holders].filter(
      ([key, memberId]) => !generation.owners.has(key) && generation.memberById.has(memberId),
    );
    found.set(generation, new Map(kept));
  }
  return found;
}

/** Why a partition may have no owner until something else causes a rebalance. */
export const missed = {
  unnoticed: 'partition added while the static leader was away',
  resubscribed: 'topic that a static member subscribes to only since it is back',
  blind: 'partition left out by a static leader that was refused its metadata and has gone',
  forgotten: 'partition given up by a static member that went away before it had joined again',
  unasked: 'topic assigned by a sticky assignor to a member that subscribes to nothing',
  undone: 'partition taken from a static member whose return could not be written in time',
} as const;

/** @returns a value of `missed`, or null where somebody should have seen to it */
export function howMissed(
  evidence: Evidence,
  group: GroupEvidence,
  generation: GenerationEvidence,
  { kind, topic, partitions }: Pick<CoverageBreach, 'kind' | 'topic' | 'partitions'>,
): (typeof missed)[keyof typeof missed] | null {
  if (isUnasked(generation, topic, partitions)) return missed.unasked;
  if (kind !== 'unowned') return null;
  if (isUnnoticed(evidence, group, generation, topic)) return missed.unnoticed;
  if (isLeftBlind(evidence, group, generation)) return missed.blind;
  const first = firstWritten(group, generation);
  if (first !== generation && !first.members.some(({ subscription }) => subscription.includes(topic)))
    return missed.resubscribed;
  const keys = partitions.map((partition) => partitionKey(topic, partition));
  if (keys.every((key) => isForgotten(group, generation, key))) return missed.forgotten;
  return keys.every((key) => isUndone(evidence, group, generation, key)) ? missed.undone : null;
}

/**
 * Whether the partitions are assigned to members that subscribe to nothing, such as those that were refused the metadata that
 * their pattern is for: Java's sticky assignors compare subscriptions from the first on that is not empty, and take all members
 * for alike where those before it are (AbstractStickyAssignor, allSubscriptionsEqual).
 */
const isUnasked = (
  { event: { protocol }, members }: GenerationEvidence,
  topic: string,
  partitions: readonly number[],
): boolean =>
  (protocol === 'sticky' || protocol === 'cooperative-sticky') &&
  partitions.every((partition) =>
    members.some(
      ({ subscription, assignment }) =>
        subscription.length === 0 &&
        assignment.some((one) => one.topic === topic && one.partitions.includes(partition)),
    ),
  );

/** How long a coordinator waits for what it writes (offsets.commit.timeout.ms). */
const WRITE_MS = 5_000;

/**
 * Whether the generation gave the partition away when it was written first, and does not any more, where brokers were away: a
 * static member's return that is not written in time is taken back, and what a leader that is told of it has assigned meanwhile
 * is for a member that is not there any more (GroupMetadataManager, updateStaticMemberThenRebalanceOrCompleteJoin).
 */
function isUndone(
  evidence: Evidence,
  group: GroupEvidence,
  generation: GenerationEvidence,
  key: string,
): boolean {
  const first = firstWritten(group, generation);
  return (
    first !== generation &&
    first.owners.has(key) &&
    isOutageWithin(evidence, first.time - WRITE_MS - CLOCK_TOLERANCE_MS, first.time)
  );
}

/**
 * Whether a cooperative rebalance took the partition from a static member that went away before it had joined again for
 * it, and is back: the coordinator gives it its old assignment without a rebalance (KIP-345), and a new process owns
 * nothing that it would have to give up (KIP-429).
 */
function isForgotten(group: GroupEvidence, generation: GenerationEvidence, key: string): boolean {
  const holder = withheldIn(group, generation).get(key);
  return holder !== undefined && !generation.memberById.has(holder);
}

/**
 * Whether partitions were added, or the topic was created again, while the group's leader, a static member, was away, so
 * that nobody notices: the group keeps its assignment when it is back, and it watches for changes from then on only
 * (KIP-814, Kafka's class ConsumerCoordinator), which is when it has been told of the topics and asks for its assignment.
 */
function isUnnoticed(
  evidence: Evidence,
  group: GroupEvidence,
  generation: GenerationEvidence,
  topic: string,
): boolean {
  const before = firstWritten(group, generation);
  const formerLeader = before.memberById.get(before.event.leaderMemberId ?? '')?.clientId ?? '';
  const { leaderMemberId } = generation.event;
  const leader = generation.memberById.get(leaderMemberId ?? '')?.clientId ?? '';
  const watchesFrom =
    membershipOf(evidence, leader).find(
      (change) =>
        change.kind === 'assigned' &&
        change.memberId === leaderMemberId &&
        change.generation === generation.generation,
    )?.time ?? generation.time;
  return (
    before.event.leaderMemberId !== leaderMemberId &&
    evidence.actions.some(
      ({ action, toTime }) =>
        (action.kind === 'add-partitions' || action.kind === 'recreate-topic') &&
        action.topic === topic &&
        // The leader that was away had not noticed yet what came within its metadata.max.age.ms.
        freeMs(evidence, formerLeader, toTime, before.time) <=
          group.config.metadataMaxAgeMs + CLOCK_TOLERANCE_MS &&
        toTime <= Math.max(watchesFrom, generation.time) + CLOCK_TOLERANCE_MS,
    )
  );
}

/** How much of the time the process could ask brokers in: it did not stand still, and none of them was out of reach. */
function freeMs(evidence: Evidence, process: string, fromTime: number, toTime: number): number {
  const stalls = evidence.processes.get(process)?.stalls ?? [];
  const held = merged([...stalls, ...evidence.outages, ...evidence.throttles]).reduce(
    (sum, span) => sum + Math.max(0, Math.min(span.toTime, toTime) - Math.max(span.fromTime, fromTime)),
    0,
  );
  return Math.max(0, toTime - fromTime - held);
}

/** The longest that a client waits before it asks again for what it was refused: retry.backoff.max.ms, and its jitter. */
const ASKS_AGAIN_MS = 1_200;

/**
 * Whether a broker had refused the generation's leader the metadata of its topics: it assigns what it knows when its join is
 * answered, and the others are waited for until the rebalance timeout is over. Where brokers are away it may take longer
 * to be told what it was refused.
 */
export function isLeaderBlind(
  evidence: Evidence,
  group: GroupEvidence,
  { event, time, memberById }: GenerationEvidence,
): boolean {
  const { history, outages, processes, scenario } = evidence;
  const leader = memberById.get(event.leaderMemberId ?? '')?.clientId ?? '';
  // Members that share a process may have a client, and so a client id, in common.
  const clients = [leader, processes.get(leader)?.sharedProcess];
  const roundTripMs = 2 * (scenario.topology.network?.latencyMs.max ?? 0);
  const blindMs = ASKS_AGAIN_MS + roundTripMs + rebalanceWaitMs(group.config) + CLOCK_TOLERANCE_MS;
  const isBroken = (fromTime: number): boolean =>
    outages.some(
      (one) => one.action.kind !== 'answer-error' && one.fromTime <= time && one.toTime >= fromTime,
    );
  return eventsOf(history, 'error-answered').some(
    (refusal) =>
      refusal.api === 'Metadata' &&
      clients.includes(refusal.client) &&
      refusal.time <= time + CLOCK_TOLERANCE_MS &&
      (refusal.time >= time - blindMs || isBroken(refusal.time)),
  );
}

/**
 * Whether the leader that left the partition out, since it was refused the metadata, has gone: a static one that is back
 * takes the assignment as it is, and watches for changes of what it finds then (KIP-814).
 */
function isLeftBlind(evidence: Evidence, group: GroupEvidence, generation: GenerationEvidence): boolean {
  const first = firstWritten(group, generation);
  return (
    first.event.leaderMemberId !== generation.event.leaderMemberId && isLeaderBlind(evidence, group, first)
  );
}

/** `orders/0, orders/2`. */
export const namePartitions = (topic: string, partitions: readonly number[]): string =>
  partitions.map((partition) => partitionKey(topic, partition)).join(', ');

/**
 * The generation that the coordinator had written last when settling ended: one with members, or one without where the
 * group had lost them all.
 */
export function lastGeneration(evidence: Evidence, group: GroupEvidence): GenerationEvidence | null {
  const { settled } = evidence;
  const until = settled?.time ?? Number.POSITIVE_INFINITY;
  const last = group.generations.findLast(({ time }) => time <= until) ?? null;
  // The group becomes empty right after settling, when the members are told to end, and time stamps are cut to whole
  // milliseconds.
  return last !== null && !last.isStable && last.time > until - 1
    ? (group.generations.findLast(({ time, isStable }) => isStable && time <= until) ?? last)
    : last;
}
