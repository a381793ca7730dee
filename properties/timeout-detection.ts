/** timeout-detection: silence of members and generations enter, members that were dropped too early or too late leave. */
import { isByHand, membersHit } from '../scenarios/schema.ts';
import { proof, reporter } from './anomaly.ts';
import { isRewritten } from './balanced-assignment.ts';
import { eventsOf } from './evidence/by-kind.ts';
import {
  type Evidence,
  evidenceOf,
  type GroupEvidence,
  isOutageWithin,
  rebalanceWaitMs,
} from './evidence/evidence.ts';
import type { GenerationEvidence } from './evidence/generations.ts';
import { handedOverAt } from './evidence/hand-overs.ts';
import { membershipOf } from './evidence/membership.ts';
import { pollIntervalMs } from './evidence/polls.ts';
import { isStalledWithin, type ProcessEvidence } from './evidence/processes.ts';
import { CLOCK_TOLERANCE_MS } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('timeout-detection');

/** For what a coordinator has to do beside waiting, on virtual time and on a machine that may be busy. */
const SLACK_MS = { simulated: 1_000, kafka: 5_000 } as const;
/** Clocks of members may run so much faster or slower than the coordinator's. */
const DRIFT = 0.06;

const EARLY = 'member was dropped before its session timeout';
const LATE = 'silent member was kept beyond its session timeout';
const POLL_EARLY = 'member left before max.poll.interval.ms';
const POLL_LATE = 'member was kept beyond max.poll.interval.ms';
const POLL_LATE_IN_REAL_TIME = 'member was kept beyond max.poll.interval.ms, in real time';

export const timeoutDetection: Property = {
  id: 'timeout-detection',
  title: 'Silence is noticed when it is due',
  statement:
    "A member that did not leave is missing from the coordinator's next generation no earlier than session.timeout.ms, or the rebalance timeout if that is shorter, after its assignment and after the last commit of it that was accepted; the session of a static member that is back begins when it asks for its place, which a broker or a link that was away may have kept from being written. A member that fell silent for good, or stalled, is in no generation any more session.timeout.ms, the wait of one rebalance and a second (five on real Kafka) after that; the time counts from the last generation that it can still have joined, and where others fell silent too, or a broker or a link was away, from when that is over. A client that has max.poll.interval.ms leaves the group by itself no earlier than that after its last known poll, and hands over no record of a poll that is longer ago than that and a heartbeat interval and a second, unless it has left or a broker or a link was away meanwhile; a static member does not say that it leaves, and is in no generation any more session.timeout.ms and the wait of one rebalance later. (That heartbeat.interval.ms is less than session.timeout.ms is checked before a scenario starts.)",
  check(history) {
    const evidence = evidenceOf(history);
    const { world } = history.start;
    return evidence.groups.flatMap((group) => [
      ...group.generations.flatMap((generation) => droppedEarly(evidence, group, generation)),
      ...group.processes.flatMap((process) => keptLate(evidence, group, process, SLACK_MS[world])),
      // Who is no member has no place to lose.
      ...(isByHand(group.config) ? [] : pollIntervals(evidence, group, world === 'simulated')),
    ]);
  },
  policy: (_scenario, { signature }) => (signature === POLL_LATE_IN_REAL_TIME ? 'observed' : 'illegal'),
  inRealTime: { [POLL_LATE]: POLL_LATE_IN_REAL_TIME },
};

function droppedEarly(evidence: Evidence, group: GroupEvidence, before: GenerationEvidence): Anomaly[] {
  const next = group.generations[before.index + 1];
  if (!before.isStable || next === undefined || !group.hasWire) return [];
  if (isOutageWithin(evidence, before.time, next.time)) return [];
  return before.members.flatMap(({ memberId, clientId, groupInstanceId }) => {
    if (next.memberById.has(memberId)) return [];
    // A static member that is back has the place of its former self.
    if (groupInstanceId !== null && next.members.some((one) => one.groupInstanceId === groupInstanceId))
      return [];
    const process = evidence.processes.get(clientId);
    const changes = membershipOf(evidence, clientId);
    const isAssigned = changes.some(
      (one) => one.kind === 'assigned' && one.memberId === memberId && one.generation === before.generation,
    );
    if (process === undefined || !isAssigned || hasLeft(evidence, memberId)) return [];
    // Whoever asked for its assignment only after it was written did not wait for it: the coordinator gives it out without
    // another session then (GroupMetadataManager.classicGroupSyncToClassicGroup). What it asks is on its way for a while.
    const joining = changes.find(
      (one) => one.kind === 'joining' && one.memberId === memberId && one.generation === before.generation,
    );
    const isLate =
      joining !== undefined &&
      (joining.time + (evidence.scenario.topology.network?.latencyMs.max ?? 0) >
        before.time + CLOCK_TOLERANCE_MS ||
        isOutageWithin(evidence, joining.time, before.time));
    if (isLate) return [];
    // Whoever was told that its place is gone may join anew, and gives the old place up.
    if (changes.some((one) => one.kind === 'lost' && one.seq > before.seq && one.seq < next.seq)) return [];
    const { assigned, sign } = signsOf(group, memberId, before);
    // The session of a static member that is back begins with what it asks, and its place is its own once that is written
    // (Kafka's class GroupMetadataManager).
    const { sessionTimeoutMs } = group.config;
    const hasWaited =
      isRewritten(group, assigned) &&
      isOutageWithin(evidence, assigned.time - sessionTimeoutMs, assigned.time);
    if (sign === assigned && hasWaited) return [];
    // Either its session ran out, or it was waited for in vain in a rebalance, which may have begun right after.
    const earliest = Math.min(
      sign.time + sessionTimeoutMs,
      assigned.time + Math.min(pollIntervalMs(group.config), group.config.rebalanceTimeoutMs),
    );
    if (next.time >= earliest - CLOCK_TOLERANCE_MS) return [];
    return [
      report(
        EARLY,
        `${clientId} was alive for the coordinator of group ${group.id} ${Math.round(next.time - sign.time)} ms before generation ${next.generation}, which is without it, and might be silent for ${sessionTimeoutMs} ms.`,
        proof(before.seq, sign.seq, next.seq),
        { group: group.id, process: clientId },
      ),
    ];
  });
}

const leavers = new WeakMap<Evidence, Set<string>>();

/** Whether anybody asked for the member to be removed. */
function hasLeft(evidence: Evidence, memberId: string): boolean {
  let ids = leavers.get(evidence);
  if (ids === undefined) {
    ids = new Set(eventsOf(evidence.history, 'wire-leave').flatMap(({ memberIds }) => memberIds));
    leavers.set(evidence, ids);
  }
  return ids.has(memberId);
}

interface Sign {
  readonly time: number;
  readonly seq: number;
}

/** When the coordinator gave the member its assignment, and the last thing that it certainly heard of it. */
function signsOf(
  { commits, generations }: GroupEvidence,
  memberId: string,
  before: GenerationEvidence,
): { assigned: GenerationEvidence; sign: Sign } {
  // Written again where a static member has come back, which is no sign of the others.
  const assigned =
    generations.find((one) => one.generation === before.generation && one.memberById.has(memberId)) ?? before;
  const commit = commits.requests.findLast(
    (request) =>
      request.memberId === memberId && request.outcome === 'ok' && request.generation === before.generation,
  );
  return { assigned, sign: commit !== undefined && commit.time > assigned.time ? commit : assigned };
}

interface Silence {
  readonly seq: number;
  readonly fromTime: number;
  readonly toTime: number;
}

function silencesOf(process: ProcessEvidence): Silence[] {
  const { exit, stalls } = process;
  const ended =
    exit === null ? [] : [{ seq: exit.seq, fromTime: exit.time, toTime: Number.POSITIVE_INFINITY }];
  return [...stalls, ...ended];
}

function keptLate(
  evidence: Evidence,
  group: GroupEvidence,
  process: ProcessEvidence,
  slackMs: number,
): Anomaly[] {
  const waitMs = group.config.sessionTimeoutMs + rebalanceWaitMs(group.config) + slackMs;
  return silencesOf(process).flatMap((silence) => {
    const at = group.generations.findLast(({ time }) => time <= silence.fromTime);
    const member = at?.members.find(({ clientId }) => clientId === process.process);
    if (at === undefined || member === undefined || hasLeft(evidence, member.memberId)) return [];
    const isMember = ({ memberById }: GenerationEvidence): boolean => memberById.has(member.memberId);
    let last = at;
    let base = silence.fromTime;
    for (const generation of group.generations.slice(at.index + 1)) {
      // One that it had asked for before it fell silent; a static one stays in those of others, and its session anew.
      const mayStay = generation.time <= (member.groupInstanceId === null ? silence.fromTime : base) + waitMs;
      if (!isMember(generation)) break;
      if (!mayStay) break;
      last = generation;
      base = Math.max(base, generation.time);
    }
    const gone = group.generations.find(
      ({ index, memberById }) => index > last.index && !memberById.has(member.memberId),
    );
    // Others that are silent have to be waited for too.
    const others = group.processes.filter(
      (one) =>
        one !== process &&
        silencesOf(one).some(({ fromTime, toTime }) => fromTime <= base + waitMs && toTime >= base - waitMs),
    ).length;
    const deadline = base + waitMs * (1 + others);
    if (silence.toTime < deadline || (evidence.settled?.time ?? 0) < deadline) return [];
    if (gone !== undefined && gone.time <= deadline) return [];
    if (isOutageWithin(evidence, silence.fromTime - waitMs, deadline)) return [];
    return [
      report(
        LATE,
        `${process.process} fell silent at ${Math.round(silence.fromTime)} ms, and ${Math.round(deadline - silence.fromTime)} ms later it was still a member of group ${group.id} (session.timeout.ms ${group.config.sessionTimeoutMs}).`,
        proof(last.seq, silence.seq, gone?.seq),
        { group: group.id, process: process.process },
      ),
    ];
  });
}

/**
 * How long a member may work on what one poll gave it and have its place. A static one does not say that it leaves
 * (KIP-345): it sends no heartbeats any more, so its session has to run out.
 */
function longestPollMs({ config }: GroupEvidence): number {
  const silenceMs = config.staticMembership === true ? config.sessionTimeoutMs + rebalanceWaitMs(config) : 0;
  return (pollIntervalMs(config) + config.heartbeatIntervalMs + silenceMs + 1_000) * (1 + DRIFT);
}

/** For clients that say how long ago the poll was that records came from. */
function pollIntervals(evidence: Evidence, group: GroupEvidence, isSimulated: boolean): Anomaly[] {
  const intervalMs = pollIntervalMs(group.config);
  const lastPolls = new Map<string, { time: number; seq: number }>();
  const told = new Set<string>();
  return eventsOf(evidence.history, 'client-joined', 'delivery', 'wire-leave').flatMap((event): Anomaly[] => {
    if (event.kind === 'client-joined' && event.group === group.id && lastPolls.has(event.process))
      lastPolls.set(event.process, event);
    if (event.kind === 'delivery' && event.group === group.id && event.sincePollMs !== undefined) {
      const { process, seq, time, topic, partition, sincePollMs } = event;
      const poll = handedOverAt(event, evidence.scenario);
      lastPolls.set(process, { time: poll, seq });
      const longestMs = longestPollMs(group);
      if (sincePollMs <= longestMs || told.has(`${process} ${poll}`)) return [];
      told.add(`${process} ${poll}`);
      const runner = evidence.processes.get(process);
      if (runner === undefined || isStalledWithin(runner, poll, time)) return [];
      // Nobody hears that it leaves, and nobody counts its silence, while the coordinator is away.
      if (isOutageWithin(evidence, poll, poll + longestMs)) return [];
      const last = membershipOf(evidence, process).findLast((change) => change.seq < seq);
      if (last?.kind === 'left' || last?.kind === 'lost') return [];
      if (group.config.staticMembership === true && !hasPlaceAt(group, last?.memberId, time)) return [];
      return [
        report(
          isSimulated ? POLL_LATE : POLL_LATE_IN_REAL_TIME,
          `${process} worked ${Math.round(sincePollMs)} ms on what one poll had given it, and was still a member of group ${group.id} (max.poll.interval.ms ${intervalMs}).`,
          proof(seq),
          { group: group.id, process, topic, partition },
        ),
      ];
    }
    if (event.kind !== 'wire-leave' || event.group !== group.id) return [];
    const { process, seq, time } = event;
    const poll = lastPolls.get(process);
    const isBack = membershipOf(evidence, process).some(
      (change) => change.seq > seq && change.kind === 'assigned',
    );
    // Who is told to end leaves whenever that is.
    const isEnding =
      (evidence.settled?.seq ?? Number.POSITIVE_INFINITY) < seq ||
      (evidence.processes.get(process)?.order?.seq ?? seq) < seq;
    if (poll === undefined || !isBack || isEnding) return [];
    const elapsedMs = time - poll.time;
    if (elapsedMs >= intervalMs * (1 - DRIFT) - CLOCK_TOLERANCE_MS) return [];
    if (isAskedFor(evidence, process, poll.time, time) || isStopping(evidence, process, seq)) return [];
    return [
      report(
        POLL_EARLY,
        `${process} left group ${group.id} ${Math.round(elapsedMs)} ms after a poll, and max.poll.interval.ms is ${intervalMs}.`,
        proof(poll.seq, seq),
        { group: group.id, process },
      ),
    ];
  });
}

/** Whether the member was in the generation that the coordinator had written last. */
const hasPlaceAt = ({ generations }: GroupEvidence, memberId: string | undefined, atTime: number): boolean =>
  memberId !== undefined &&
  generations.findLast(({ time }) => time <= atTime)?.memberById.has(memberId) === true;

/** Whether the application had called for its consumer to stop, which it does once it has done what it has in hand. */
function isStopping({ history }: Evidence, process: string, beforeSeq: number): boolean {
  const last = eventsOf(history, 'application-call').findLast(
    (event) =>
      event.process === process && event.seq < beforeSeq && (event.call === 'stop' || event.call === 'run'),
  );
  return last?.call === 'stop';
}

/** Whether an action made the application give up its membership. */
const isAskedFor = (evidence: Evidence, process: string, fromTime: number, toTime: number): boolean =>
  evidence.actions.some(
    ({ action, ...when }) =>
      membersHit(evidence.scenario, action).includes(evidence.processes.get(process)?.id ?? '') &&
      when.fromTime <= toTime &&
      when.toTime >= fromTime,
  );
