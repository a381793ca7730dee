/** owned-consumption: deliveries and what each member was told of its place enter, deliveries that it had no right to leave. */
import type { EventOf } from '../harness/history/schema.ts';
import { isByHand, mayRead } from '../scenarios/schema.ts';
import { proof, reporter } from './anomaly.ts';
import { isCooperative } from './coverage.ts';
import { eventsOf } from './evidence/by-kind.ts';
import { type Evidence, evidenceOf, type GroupEvidence, isOutageWithin } from './evidence/evidence.ts';
import { handedOverAt } from './evidence/hand-overs.ts';
import { type MembershipChange, membershipOf } from './evidence/membership.ts';
import { holdingJoin } from './evidence/positions.ts';
import { lastBefore, partitionKey } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('owned-consumption');

const LEFT = 'delivered after it had left';
const JOINING = 'delivered while joining';
const BESIDE = 'delivered while another part of the client joined';
const TWICE = 'delivered while a second consumer of the member joined';
const NEVER_SYNCED = 'delivered in a generation in which it never got an assignment';
const NOT_ASSIGNED = 'delivered from a partition that is not assigned';
const GIVEN_UP_BESIDE = 'delivered from a partition that another part of the client had given up';
const UNREACHABLE = 'delivered after it had left a coordinator that it could not reach';

export const ownedConsumption: Property = {
  id: 'owned-consumption',
  title: 'Members read only what is assigned to them',
  statement:
    "A client hands records over only while it is a member, and only from the partitions of its current assignment: not before its first assignment, not between the generation that it has joined and the assignment that it gets in it, where rebalances are eager (a cooperative member goes on with what it has, KIP-429), of which it is told apart whether that assignment ever came, and whether another part of the client did the joining, since its handler was at work on the partition then, it had asked more than once to join that generation, or a broker had refused it a partition, or its topics had been given partitions, and no coordinator had told it of a rebalance, and not after it has left. A partition that such a join gave up is told apart too, and a join of a second consumer that the member has since it was stopped and run again. What a poll had handed over before counts as in the application's hand. A member that takes its partitions by hand is handed records of these alone. The Java client hands over what it has fetched, even if it has left since, as long as it cannot reach the coordinator: observed where a broker or a link was away, or the member had been told that its coordinator is elsewhere. This is judged by what passed on the member's own sockets; for a client whose traffic is not recorded, by the assignments that it reports.",
  check(history) {
    const evidence = evidenceOf(history);
    const groups = new Map(evidence.groups.map((group) => [group.id, group]));
    const found = new Map<string, { anomaly: () => Anomaly }>();
    for (const event of eventsOf(history, 'delivery')) {
      const group = groups.get(event.group);
      if (group === undefined) continue;
      const breach = breachOf(evidence, group, event);
      if (breach === null) continue;
      // One for each stay in the wrong place, not one for each record.
      const place = `${event.process} ${breach.signature} ${event.topic}/${event.partition} ${breach.since}`;
      if (!found.has(place)) found.set(place, { anomaly: () => toAnomaly(event, breach) });
    }
    return [...found.values()].map(({ anomaly }) => anomaly());
  },
  policy: (_scenario, { signature }) => (signature === UNREACHABLE ? 'observed' : 'illegal'),
};

interface Breach {
  readonly signature: string;
  readonly why: string;
  /** `seq` of what it had been told, or -1. */
  readonly since: number;
}

const toAnomaly = (event: EventOf<'delivery'>, { signature, why, since }: Breach): Anomaly => {
  const { process, group, topic, partition, offsets, seq } = event;
  return report(
    signature,
    `${process} was handed offset ${offsets[0]} of ${topic}/${partition} in group ${group} ${why}.`,
    proof(since < 0 ? null : since, seq),
    { group, topic, partition, process },
  );
};

/** Whether an assignment came for the join, before the process joined anew. */
function hasSynced({ history }: Evidence, process: string, joinedSeq: number): boolean {
  const next = eventsOf(history, 'wire-join', 'wire-sync').find(
    (event) =>
      event.process === process &&
      event.seq > joinedSeq &&
      (event.kind === 'wire-join' || event.error === null),
  );
  return next?.kind === 'wire-sync';
}

/** Whether the member has been let into the generation more than once: several parts of the client joined, each by itself. */
const hasJoinedTwice = ({ history }: Evidence, { process, seq, generation }: MembershipChange): boolean =>
  eventsOf(history, 'wire-join').some(
    (event) =>
      event.process === process &&
      event.seq !== seq &&
      event.error === null &&
      event.generation === generation,
  );

/**
 * Whether it had reason to join that no coordinator had given it since it took up its last assignment: a broker had told it
 * of a leader that has moved, or its topics had been given partitions. What read from one broker did the joining then.
 */
function joinedByItself(
  { history, actions }: Evidence,
  { config }: GroupEvidence,
  changes: readonly MembershipChange[],
  { process, seq, time }: MembershipChange,
): boolean {
  const last = changes.findLast((change) => change.kind === 'assigned' && change.seq < seq);
  if (last === undefined) return false;
  const refusals = eventsOf(
    history,
    'wire-list-offsets',
    'wire-fetch-error',
    'wire-heartbeat',
    'commit-fail',
  ).filter(
    (event) =>
      event.process === process &&
      event.seq > last.seq &&
      event.seq < seq &&
      (event.kind === 'commit-fail' || event.error !== null),
  );
  if (refusals.some(({ kind }) => kind === 'wire-heartbeat' || kind === 'commit-fail')) return false;
  return (
    refusals.length > 0 ||
    actions.some(
      ({ action, fromTime }) =>
        (action.kind === 'add-partitions' || action.kind === 'recreate-topic') &&
        config.topics.includes(action.topic) &&
        fromTime < time &&
        fromTime > last.time - config.metadataMaxAgeMs,
    )
  );
}

/** Whether its application had stopped and run its consumer, and what had the former membership still speaks for it. */
function hasSecondConsumer(
  { history, processes }: Evidence,
  changes: readonly MembershipChange[],
  { process, memberId, seq }: MembershipChange,
): boolean {
  const stop = processes.get(process)?.calls.find(({ call }) => call === 'stop');
  const former = new Set(
    changes.filter((one) => one.kind === 'assigned' && one.seq < seq).map((one) => one.memberId),
  );
  former.delete(memberId);
  return (
    stop !== undefined &&
    stop.seq < seq &&
    eventsOf(history, 'wire-heartbeat').some(
      (event) => event.process === process && event.seq > seq && former.has(event.memberId),
    )
  );
}

/** Whether one part of the client gave the partition up that another, which the application had not stopped, went on with. */
function wasGivenUpBeside(
  evidence: Evidence,
  group: GroupEvidence,
  changes: readonly MembershipChange[],
  current: MembershipChange,
  key: string,
): boolean {
  const owned = changes.findLast(({ seq, partitions }) => seq < current.seq && partitions.has(key));
  const joining =
    owned && changes.find(({ kind, seq }) => kind === 'joining' && seq > owned.seq && seq < current.seq);
  const calls = evidence.processes.get(current.process)?.calls ?? [];
  return (
    joining !== undefined &&
    !calls.some(({ call, seq }) => call === 'stop' && seq < current.seq) &&
    joinedByItself(evidence, group, changes, joining)
  );
}

/** Whether the member's handler had a record of the partition when it joined: another part of the client did the joining. */
const wasWorkedOn = (
  { consumption }: GroupEvidence,
  key: string,
  { process, seq }: MembershipChange,
): boolean =>
  consumption
    .get(key)
    ?.processing.some(
      (one) => one.process === process && one.seq < seq && (one.endSeq ?? Number.POSITIVE_INFINITY) > seq,
    ) === true;

function breachOf(evidence: Evidence, group: GroupEvidence, event: EventOf<'delivery'>): Breach | null {
  const { process, topic, partition, seq } = event;
  const key = partitionKey(topic, partition);
  if (isByHand(group.config)) return handBreach(evidence, group, event);
  if (!(evidence.processes.get(process)?.hasWire ?? false)) return claimedBreach(evidence, event, key);
  const since = handedOverAt(event, evidence.scenario);
  const changes = membershipOf(evidence, process).filter(({ kind }) => kind !== 'lost');
  // What was told after the records had been handed over changes nothing of what is in hand.
  const before = changes.filter((change) => change.seq < seq && change.time <= since);
  const current = (event.sincePollMs ?? 0) > 0 ? (before.at(-1) ?? null) : lastBefore(changes, seq);
  const last = current?.kind === 'joining' && isCooperative(group) ? lastAssigned(before) : current;
  if (last === null)
    return { signature: 'delivered before it was a member', why: 'before it had an assignment', since: -1 };
  const at = { since: last.seq };
  if (last.kind === 'left')
    return {
      signature:
        isOutageWithin(evidence, last.time, event.time) || hasLostCoordinator(evidence, last, event)
          ? UNREACHABLE
          : LEFT,
      why: 'after it had left the group',
      ...at,
    };
  if (last.kind === 'joining')
    return {
      signature: !hasSynced(evidence, process, last.seq)
        ? NEVER_SYNCED
        : wasWorkedOn(group, key, last) ||
            hasJoinedTwice(evidence, last) ||
            joinedByItself(evidence, group, changes, last)
          ? BESIDE
          : hasSecondConsumer(evidence, changes, last)
            ? TWICE
            : JOINING,
      why: `after it had joined generation ${last.generation} and before it had its assignment`,
      ...at,
    };
  return last.partitions.has(key) || stillHolds(evidence, process, key, seq)
    ? null
    : {
        signature: wasGivenUpBeside(evidence, group, changes, last, key) ? GIVEN_UP_BESIDE : NOT_ASSIGNED,
        why: `although its assignment in generation ${last.generation} has no such partition`,
        ...at,
      };
}

/** Who has taken its partitions by hand has a right to these alone, and to them for good. */
function handBreach(
  { processes }: Evidence,
  { config }: GroupEvidence,
  { process, topic, partition }: EventOf<'delivery'>,
): Breach | null {
  const id = processes.get(process)?.id ?? process;
  return mayRead(config, id, topic, partition)
    ? null
    : {
        signature: NOT_ASSIGNED,
        why: 'which it has not taken',
        since: -1,
      };
}

const LOST_COORDINATOR: ReadonlySet<string | null> = new Set([
  'NOT_COORDINATOR',
  'COORDINATOR_NOT_AVAILABLE',
]);

/** Whether it was told so between leaving and the delivery: the coordinator moves back a while after its broker is. */
const hasLostCoordinator = (
  { history }: Evidence,
  left: MembershipChange,
  { process, seq }: EventOf<'delivery'>,
): boolean =>
  eventsOf(history, 'wire-heartbeat', 'wire-join', 'wire-sync', 'commit-fail').some(
    (answer) =>
      answer.process === process &&
      answer.seq > left.seq &&
      answer.seq < seq &&
      (answer.kind === 'commit-fail'
        ? answer.errors.some(({ error }) => LOST_COORDINATOR.has(error))
        : LOST_COORDINATOR.has(answer.error)),
  );

/** Whether a cooperative rebalance took the partition away, and the application has not given it up yet. */
const stillHolds = ({ positions }: Evidence, process: string, key: string, seq: number): boolean =>
  holdingJoin(positions, process, key, seq)?.generation?.owners.get(key)?.includes(process) === true;

const lastAssigned = (changes: readonly MembershipChange[]): MembershipChange | null =>
  changes.findLast(({ kind }) => kind === 'assigned') ?? null;

function claimedBreach(
  evidence: Evidence,
  { process, seq }: EventOf<'delivery'>,
  key: string,
): Breach | null {
  const join = holdingJoin(evidence.positions, process, key, seq);
  if (join === null)
    return { signature: 'delivered before it was a member', why: 'before it had an assignment', since: -1 };
  if (join.generation === null || join.generation.owners.get(key)?.includes(process) === true) return null;
  return {
    signature: NOT_ASSIGNED,
    why: `although generation ${join.generation.generation} assigns it to ${join.generation.owners.get(key)?.join(' and ') ?? 'nobody'}`,
    since: join.seq,
  };
}
