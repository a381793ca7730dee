/** group-isolation: what happened in each group enters, what does not come from the group's own members leaves. */
import type { EventOf, History } from '../harness/history/schema.ts';
import { proof, reporter } from './anomaly.ts';
import { isAltered } from './evidence/altered.ts';
import { eventsOf } from './evidence/by-kind.ts';
import type { CommitEntry, CommitRequest } from './evidence/commits.ts';
import {
  type Evidence,
  entriesOf,
  evidenceOf,
  type GroupEvidence,
  isOutageWithin,
  rebalanceWaitMs,
} from './evidence/evidence.ts';
import { hasLostPlace, membershipOf } from './evidence/membership.ts';
import type { ProcessEvidence } from './evidence/processes.ts';
import { silencesOf } from './evidence/throttles.ts';
import { CLOCK_TOLERANCE_MS, partitionKey, toOffset } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('group-isolation');

/** How long a request of a process that has just been killed may wait in a broker's queue. */
const LATE_REQUEST_MS = 5_000;

export const groupIsolation: Property = {
  id: 'group-isolation',
  title: 'Groups do not touch each other',
  statement:
    "Two groups on one topic do not influence each other: a process takes part only in its own group; the members of each generation are processes of that group; a group's committed offsets change only by a commit of its own members or by an operator who deletes or sets that group's offsets or deletes the topic, or by their retention, once the group has been empty for so long, or, of a topic that none of its members subscribes to, once they are so old; and a generation with members is written only while a process of the group runs, or ran so recently that its request or its session was still alive.",
  check(history) {
    const evidence = evidenceOf(history);
    return [
      ...strayEvents(evidence, history),
      ...evidence.groups.flatMap((group) => [
        ...strangers(evidence, group),
        ...causelessGenerations(group),
        ...causelessCommits(evidence, group),
        ...causelessRemovals(evidence, group),
      ]),
    ];
  },
  policy: () => 'illegal',
};

const OF_MEMBERS = ['delivery', 'processing-begin', 'commit-invoke', 'wire-sync', 'client-joined'] as const;

function strayEvents(evidence: Evidence, history: History): Anomaly[] {
  const told = new Set<string>();
  const strays = OF_MEMBERS.flatMap((kind) =>
    eventsOf(history, kind).filter((event) => {
      const own = evidence.processes.get(event.process)?.group;
      return own !== undefined && own !== event.group;
    }),
  ).sort((a, b) => a.seq - b.seq);
  return strays.flatMap((event) => {
    const own = evidence.processes.get(event.process)?.group;
    if (told.has(`${event.process} ${event.group} ${event.kind}`)) return [];
    told.add(`${event.process} ${event.group} ${event.kind}`);
    return [
      report(
        'member acted in another group',
        `${event.process} is a member of ${own ?? 'no group'} and took part in group ${event.group} (${event.kind}).`,
        proof(event.seq),
        { group: event.group, process: event.process },
      ),
    ];
  });
}

function strangers(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  const told = new Set<string>();
  return group.generations.flatMap((generation) =>
    generation.members.flatMap(({ clientId }) => {
      if (told.has(clientId) || evidence.processes.get(clientId)?.group === group.id) return [];
      told.add(clientId);
      return [
        report(
          'stranger among the members',
          `Generation ${generation.generation} of group ${group.id} has the member ${clientId}, which is no process of this group.`,
          proof(generation.seq),
          { group: group.id, process: clientId },
        ),
      ];
    }),
  );
}

/** Whether a process of the group ran at some time in the span. */
const anybodyRan = (group: GroupEvidence, fromTime: number, toTime: number): boolean =>
  group.processes.some(
    ({ startTime, exit }) => startTime <= toTime && (exit === null || exit.time >= fromTime),
  );

function causelessGenerations(group: GroupEvidence): Anomaly[] {
  const silenceMs = group.config.sessionTimeoutMs + rebalanceWaitMs(group.config);
  return group.generations.flatMap((generation) => {
    const since = generation.time - silenceMs - LATE_REQUEST_MS;
    if (!generation.isStable || anybodyRan(group, since, generation.time + LATE_REQUEST_MS)) return [];
    return [
      report(
        'generation without a member at work',
        `Group ${group.id} went on to generation ${generation.generation} when none of its processes ran.`,
        proof(generation.seq),
        { group: group.id },
      ),
    ];
  });
}

/** A request of another group for the same offset, made so shortly before that it may be the one that was written. */
const foreignRequest = (
  evidence: Evidence,
  group: GroupEvidence,
  entry: CommitEntry,
): CommitRequest | undefined =>
  evidence.groups
    .filter((other) => other !== group)
    .flatMap(({ commits }) => commits.requests)
    .find(
      ({ topic, partition, offset, time }) =>
        topic === entry.topic &&
        partition === entry.partition &&
        offset === entry.value &&
        time <= entry.time + CLOCK_TOLERANCE_MS &&
        time >= entry.time - LATE_REQUEST_MS,
    );

function causelessCommits(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  return [...group.commits.entries.values()].flatMap((entries) =>
    entries.flatMap((entry) => {
      const { kind, request, time, seq, topic, partition, value } = entry;
      if (kind === 'removed' || request !== null) return [];
      if (isAltered(evidence, entry)) return [];
      // With the traffic of all members on record, none of its own asked for it.
      const foreign = group.hasWire ? foreignRequest(evidence, group, entry) : undefined;
      if (foreign !== undefined)
        return [
          report(
            'commit of another group was written',
            `The committed offset of ${topic}/${partition} in group ${group.id} became ${value}, which none of its members asked for, right after ${foreign.process} of group ${foreign.group} had committed it.`,
            proof(foreign.seq, seq),
            { group: group.id, topic, partition, process: foreign.process },
          ),
        ];
      if (anybodyRan(group, time - LATE_REQUEST_MS, time + LATE_REQUEST_MS)) return [];
      return [
        report(
          'commit without a member at work',
          `The committed offset of ${topic}/${partition} in group ${group.id} became ${value} when none of its processes ran.`,
          proof(seq),
          { group: group.id, topic, partition },
        ),
      ];
    }),
  );
}

function causelessRemovals(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  const deletedTopics = new Set(
    evidence.actions.flatMap(({ action }) =>
      (action.kind === 'delete-offsets' && action.group === group.id) || action.kind === 'recreate-topic'
        ? [action.topic]
        : [],
    ),
  );
  return eventsOf(evidence.history, 'commit-removed').flatMap((event) => {
    if (event.group !== group.id || deletedTopics.has(event.topic)) return [];
    if (isExpired(evidence, group, event)) return [];
    // After the end of settling the harness may be tidying up.
    if (evidence.settled !== null && event.time >= evidence.settled.time) return [];
    return [
      report(
        'committed offset removed without a cause',
        `The committed offset of ${event.topic}/${event.partition} in group ${group.id} was removed, and nobody had asked for that.`,
        proof(event.seq),
        { group: group.id, topic: event.topic, partition: event.partition },
      ),
    ];
  });
}

/**
 * Whether the coordinator may have counted on the process in the span that ends with a record of its log: it ran, had not
 * left before, and was not told that its place was gone. With its traffic on record, one that was never answered a JoinGroup
 * had no place: it may not even have asked for one, as a transactional process does only once it has its producer's id. Nor
 * had one whose first generation comes behind that record.
 */
function mayHavePlace(
  evidence: Evidence,
  group: GroupEvidence,
  one: ProcessEvidence,
  fromTime: number,
  to: { readonly time: number; readonly position: number },
): boolean {
  const { process, startTime, exit } = one;
  if (startTime > to.time || (exit !== null && exit.time < fromTime)) return false;
  const joins = evidence.positions.joins.get(process) ?? [];
  const isLater = ({ time, generation }: (typeof joins)[number]): boolean =>
    generation === null ? time > to.time : generation.position > to.position;
  const join = joins.findLast((event) => !isLater(event));
  if (join !== undefined) {
    // A client whose application has overrun its poll interval leaves, and its process goes on.
    const hasLeft = membershipOf(evidence, process).some(
      ({ kind, seq, time }) => kind === 'left' && seq > join.seq && time <= fromTime,
    );
    return (
      join.time >= fromTime ||
      (!hasLeft &&
        !hasLostPlace(evidence, process, join.seq) &&
        !isUnawareOfLoss(evidence, group, one, fromTime, to.time))
    );
  }
  const later = new Set(joins.map(({ memberId }) => memberId));
  return (
    !group.hasWire ||
    membershipOf(evidence, process).some(({ kind, memberId }) => kind === 'joining' && !later.has(memberId))
  );
}

/**
 * Whether the session of a member ran out before the span, while it stood still or was made to wait, and it was not back for
 * long enough to be told: its heartbeats are what it is told by.
 */
const isUnawareOfLoss = (
  { history }: Evidence,
  { config }: GroupEvidence,
  process: ProcessEvidence,
  fromTime: number,
  toTime: number,
): boolean =>
  silencesOf(history, process).some(
    (silence) =>
      silence.fromTime + config.sessionTimeoutMs <= fromTime + CLOCK_TOLERANCE_MS &&
      silence.toTime + config.heartbeatIntervalMs >= toTime,
  );

/** Whether the group had had no members for as long as it keeps its offsets, or, where it never had any, since its commit. */
function isExpired(
  evidence: Evidence,
  group: GroupEvidence,
  { time, topic, partition, logPosition }: EventOf<'commit-removed'>,
): boolean {
  const { offsetsRetentionMs } = evidence.scenario.topology;
  if (offsetsRetentionMs === undefined) return false;
  // What waits for a broker that is away is written all at once: only the coordinator's log tells what came before what.
  const at = toOffset(logPosition.offset);
  const last = group.generations.findLast(({ position }) => position < at);
  const entries = entriesOf(group, partitionKey(topic, partition));
  const commit = entries.findLast(({ kind, position }) => kind === 'commit' && position < at);
  const isOld = commit !== undefined && time - commit.time >= offsetsRetentionMs - CLOCK_TOLERANCE_MS;
  if (last === undefined) return isOld;
  // Of a topic that none of its members subscribes to, the age of the commit decides (Kafka's class ClassicGroup).
  if (last.isStable && isOld && !last.members.some(({ subscription }) => subscription.includes(topic)))
    return true;
  // That it has no members any more may never have been written, where too few brokers were there to write it.
  if (last.isStable)
    return (
      isOutageWithin(evidence, last.time, time) &&
      !group.processes.some((process) =>
        mayHavePlace(evidence, group, process, time - offsetsRetentionMs, { time, position: at }),
      )
    );
  // It is empty before that is written, which waits for brokers that are away.
  const sinceTime = isOutageWithin(evidence, last.time - LATE_REQUEST_MS, last.time)
    ? last.time - LATE_REQUEST_MS
    : last.time;
  return time - sinceTime >= offsetsRetentionMs - CLOCK_TOLERANCE_MS;
}
