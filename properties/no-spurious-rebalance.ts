/** no-spurious-rebalance: the coordinator's generations and what happened enter, generations without a cause leave. */
import type { Scenario } from '../scenarios/schema.ts';
import { groupOf, proof, reporter } from './anomaly.ts';
import { isRewritten } from './balanced-assignment.ts';
import { noticeMs, withheldIn } from './coverage.ts';
import { eventsOf } from './evidence/by-kind.ts';
import type { Processing } from './evidence/consumption.ts';
import {
  type Evidence,
  evidenceOf,
  type GroupEvidence,
  isOutageWithin,
  rebalanceWaitMs,
} from './evidence/evidence.ts';
import { firstWritten, type GenerationEvidence } from './evidence/generations.ts';
import { membershipOf } from './evidence/membership.ts';
import { hasOverrunPollWithin } from './evidence/polls.ts';
import { isStalledWithin, type ProcessEvidence } from './evidence/processes.ts';
import { CLOCK_TOLERANCE_MS } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('no-spurious-rebalance');

const EXPIRED = 'member lost its place without a cause';
const EXPIRED_BUSY = 'member lost its place while its handler worked';
const EXPIRED_WAITING = 'member lost its place while it waited to try a failed record again';
const EXPIRED_IN_REAL_TIME = 'member lost its place without a cause, in real time';
const NO_CAUSE = 'generation without a cause';

export const noSpuriousRebalance: Property = {
  id: 'no-spurious-rebalance',
  title: 'Every rebalance has a cause',
  statement:
    'Each generation that the coordinator wrote, but for the first of a group and the first after the group was removed, has a cause since the one before: a process of the group started, ended, was told to end, stalled, was cut off from a broker, restarted its client, left by itself, or overran max.poll.interval.ms as a static member, which does not say so, or was told that its place was lost, and had not joined that generation after it; a member is new; a subscription changed; partitions were added, or a topic came or went, within the time in which that is noticed; a member of the generation before ended before it had its assignment in it, for which the coordinator waits as long as the rebalance timeout, even if another process has taken its place (KIP-345; class ClassicGroup); or the generation before is a cooperative one that keeps partitions back (KIP-429). A member that is missing from a generation, and to which nothing of that happened, lost its place without a cause, also where something else explains that generation and the member had kept silent over its work, and it is told apart whether one handler call with the transaction of a pipeline, or the waits before failed records are tried again, or the one before the records of an aborted transaction are, during which the member has done nothing for half a session, had lasted as long as its session but for two heartbeats and a fetch; a client that heartbeats between two fetches keeps its session only where both fit into it, and outside virtual time a busy machine can cost anybody the session: there it is observed.',
  check(history) {
    const evidence = evidenceOf(history);
    const isRealTime = history.start.world !== 'simulated';
    return evidence.groups.flatMap((group) =>
      group.generations
        .filter((generation) => generation.index > 0 && !generation.isAnew && !isRewritten(group, generation))
        .filter(({ time }) => evidence.settled === null || time < evidence.settled.time)
        .flatMap((generation) => causeless(evidence, group, generation, isRealTime)),
    );
  },
  policy: (scenario, anomaly) =>
    anomaly.signature === EXPIRED_IN_REAL_TIME || (isExpiry(anomaly) && !canKeepSession(scenario, anomaly))
      ? 'observed'
      : 'illegal',
  inRealTime: {
    [EXPIRED]: EXPIRED_IN_REAL_TIME,
    [EXPIRED_BUSY]: EXPIRED_IN_REAL_TIME,
    [EXPIRED_WAITING]: EXPIRED_IN_REAL_TIME,
  },
};

const isExpiry = ({ signature }: Anomaly): boolean =>
  [EXPIRED, EXPIRED_BUSY, EXPIRED_WAITING].includes(signature);

function canKeepSession(scenario: Scenario, anomaly: Anomaly): boolean {
  const { heartbeatIntervalMs, fetchMaxWaitMs, sessionTimeoutMs } = groupOf(scenario, anomaly);
  return 2 * (heartbeatIntervalMs + fetchMaxWaitMs) <= sessionTimeoutMs;
}

function causeless(
  evidence: Evidence,
  group: GroupEvidence,
  generation: GenerationEvidence,
  isRealTime: boolean,
): Anomaly[] {
  const before = group.generations[generation.index - 1] as GenerationEvidence;
  const silenceMs = group.config.sessionTimeoutMs + rebalanceWaitMs(group.config);
  // What silenced a member may lie as far back as its session is long, and the wait for the others after that.
  const span = { from: before.time - silenceMs, to: generation.time + CLOCK_TOLERANCE_MS };
  const former = new Set(before.members.map(({ clientId }) => clientId));
  const gone = before.members.filter(({ memberId }) => !generation.memberById.has(memberId));
  // Where the members are the same, what a client reported before the last generation was written had its effect in it.
  const reportedFrom = gone.length === 0 ? before.time - CLOCK_TOLERANCE_MS : span.from;
  if (isOutageWithin(evidence, span.from, span.to)) return [];
  const isMoved = (process: ProcessEvidence, tidings: ReadonlySet<string> = TIDINGS): boolean =>
    hasCause(evidence, process, former.has(process.process), {
      ...span,
      // Whoever was no member any more has had its effect, but for the one whose request created the group.
      from: former.has(process.process) || isCreation(before) ? span.from : before.time - CLOCK_TOLERANCE_MS,
      startedFrom: span.from,
      reportedFrom: Math.max(reportedFrom, joinedAt(evidence, process, before)),
      tidings,
    }) || hasLeftSilently(evidence, group, process, span);
  if (
    group.processes.some((process) => isMoved(process)) ||
    generation.members.some(({ clientId }) => !former.has(clientId)) ||
    withheldIn(group, before).size > 0 ||
    lacksSync(evidence, group, before) ||
    hasOtherTopics(evidence, group, before, generation, span)
  )
    // What explains the others' generation does not explain that a member is missing which kept silent over its work.
    return gone.flatMap(({ clientId }) => {
      const process = evidence.processes.get(clientId);
      const silence =
        process === undefined ? null : silenceBefore(evidence, group, process, before, generation);
      const isItsOwn =
        silence !== null &&
        process !== undefined &&
        !isMoved(process, LEAVING) &&
        !hasOverrunPollWithin(evidence, group, clientId, before.time, span.to);
      return isItsOwn ? [expired(group, before, generation, clientId, silence, isRealTime)] : [];
    });
  const events = proof(before.seq, generation.seq);
  if (gone.length === 0)
    return [
      report(
        NO_CAUSE,
        `Generation ${generation.generation} of group ${group.id} has the members of generation ${before.generation}, and nothing had happened since.`,
        events,
        { group: group.id },
      ),
    ];
  return gone.map(({ clientId }) => {
    const silence = silenceOf(evidence, group, clientId, generation.time);
    return expired(group, before, generation, clientId, silence, isRealTime);
  });
}

/** The group is written without members first, when a member asks to join it (Kafka's class GroupMetadataManager). */
const isCreation = ({ generation, isStable }: GenerationEvidence): boolean => generation === 0 && !isStable;

/** What a member does or is told that moves its group. That its place is lost it is told when that has happened. */
const LEAVING: ReadonlySet<string> = new Set(['left']);
const TIDINGS: ReadonlySet<string> = new Set(['left', 'lost']);

/** What it was at when its place was lost: when it was told so, or right before, or when the generation without it came. */
function silenceBefore(
  evidence: Evidence,
  group: GroupEvidence,
  process: ProcessEvidence,
  before: GenerationEvidence,
  generation: GenerationEvidence,
): Silence | null {
  const since = joinedAt(evidence, process, before);
  const told = membershipOf(evidence, process.process).find(
    ({ kind, time }) => kind === 'lost' && time > since && time <= generation.time,
  );
  if (told === undefined) return silenceOf(evidence, group, process.process, generation.time);
  const ends = [...group.consumption.values()].flatMap(({ processing }) =>
    processing.flatMap(({ process: of, endTime }) =>
      of === process.process && endTime !== null && endTime <= told.time ? [endTime] : [],
    ),
  );
  const endTime = Math.max(...ends);
  return (
    silenceOf(evidence, group, process.process, told.time) ??
    (endTime >= told.time - group.config.heartbeatIntervalMs
      ? silenceOf(evidence, group, process.process, endTime)
      : null)
  );
}

const expired = (
  group: GroupEvidence,
  before: GenerationEvidence,
  generation: GenerationEvidence,
  clientId: string,
  silence: Silence | null,
  isRealTime: boolean,
): Anomaly =>
  report(
    isRealTime ? EXPIRED_IN_REAL_TIME : expiryOf(silence),
    `Generation ${generation.generation} of group ${group.id} is without the place that ${clientId} had in generation ${before.generation}, and nothing had happened to it or to the group${silence === null ? '' : `: ${silence.why}`}.`,
    proof(before.seq, silence?.seq, generation.seq),
    { group: group.id, process: clientId },
  );

/** A static member does not say that it leaves when max.poll.interval.ms is over: it sends no heartbeats any more (KIP-345). */
const hasLeftSilently = (
  evidence: Evidence,
  group: GroupEvidence,
  { process }: ProcessEvidence,
  { from, to }: Span,
): boolean =>
  group.config.staticMembership === true && hasOverrunPollWithin(evidence, group, process, from, to);

/** When it joined the generation, whatever it had been told before: that has had its effect with its joining anew. */
const joinedAt = (
  evidence: Evidence,
  { process }: ProcessEvidence,
  { generation, memberById }: GenerationEvidence,
): number =>
  membershipOf(evidence, process).findLast(
    (change) =>
      change.kind === 'joining' && change.generation === generation && memberById.has(change.memberId),
  )?.time ?? Number.NEGATIVE_INFINITY;

const expiryOf = (silence: Silence | null): string =>
  silence === null ? EXPIRED : silence.kind === 'busy' ? EXPIRED_BUSY : EXPIRED_WAITING;

/**
 * What the member was at, all through its session, when its place was lost, where that says why it sent no heartbeat. The
 * generation without it may have waited for others since, and the member may just have gone on with its work.
 * @param generationTime when the generation without it was written
 */
export function silenceOf(
  evidence: Evidence,
  group: GroupEvidence,
  process: string,
  generationTime: number,
): Silence | null {
  const own = [...group.consumption.values()]
    .flatMap(({ key, processing }) =>
      processing
        .filter((one) => one.process === process && one.time <= generationTime)
        .map((one) => ({ key, ...one })),
    )
    .sort((a, b) => a.seq - b.seq);
  // Whoever has been at work again for longer has had time to tell the coordinator that it lives.
  const earliest = generationTime - group.config.heartbeatIntervalMs;
  for (let lostTime = generationTime; own.length > 0; lostTime = own.pop()?.time ?? earliest) {
    if (lostTime < earliest) return null;
    const silence = silenceAt(evidence, group, process, own, lostTime);
    if (silence !== null) return silence;
  }
  return null;
}

interface Silence {
  readonly kind: 'busy' | 'waiting';
  readonly why: string;
  readonly seq: number;
}

/** @param own what the member had begun to process until then, in order */
function silenceAt(
  evidence: Evidence,
  { config }: GroupEvidence,
  process: string,
  own: readonly Processed[],
  lostTime: number,
): Silence | null {
  const { sessionTimeoutMs } = config;
  const quietMs = sessionTimeoutMs - 2 * config.heartbeatIntervalMs;
  // The last heartbeat may have been sent before a fetch that waited for records.
  const longMs = Math.min(quietMs, Math.max(sessionTimeoutMs / 2, quietMs - config.fetchMaxWaitMs));
  const last = own.at(-1);
  if (last === undefined) return null;
  const { key, offset, time, seq, endTime } = last;
  const isBusy = endTime === null || endTime >= lostTime;
  const transaction = openTransactionAt(evidence, process, last, lostTime);
  if ((isBusy || transaction !== null) && lostTime - time >= longMs)
    return {
      kind: 'busy',
      why: `its handler had been at offset ${offset} of ${key}${transaction === null ? '' : `, and at the transaction ${transaction} after it,`} for ${Math.round(lostTime - time)} ms`,
      seq,
    };
  if (isBusy) return null;
  const waits = waitsOf(own, lostTime - sessionTimeoutMs, lostTime);
  const waitedMs = waits.reduce((sum, { waitMs }) => sum + waitMs, 0);
  const [wait] = waits;
  if (wait !== undefined && waitedMs >= longMs) {
    const sinceMs = Math.round(lostTime - (wait.endTime ?? wait.time));
    return {
      kind: 'waiting',
      why: `its handler had failed at offset ${wait.offset} of ${wait.key}, and the client had waited ${waits.length === 1 ? `for ${sinceMs} ms since then` : `${waits.length} times to try again in the ${sinceMs} ms since then`}`,
      seq: wait.endSeq ?? wait.seq,
    };
  }
  // What had been fetched before a failure, or before a transaction was aborted, may still be worked on after it.
  const ends = eventsOf(evidence.history, 'transaction-end').filter(
    (event) => event.process === process && event.time <= lostTime,
  );
  const aborted = ends.findLast(({ ending }) => ending === 'abort');
  const failed = own.findLast(({ outcome }) => outcome === 'failed');
  const isAbort = aborted !== undefined && aborted.seq > (failed?.endSeq ?? -1);
  const failure = isAbort ? aborted : { time: failed?.endTime ?? lostTime, seq: failed?.endSeq ?? -1 };
  const sinceMs = lostTime - failure.time;
  const idleMs = lostTime - Math.max(failure.time, endTime, ends.at(-1)?.time ?? 0);
  if (sinceMs < longMs || sinceMs > 2 * sessionTimeoutMs || idleMs < sessionTimeoutMs / 2) return null;
  return {
    kind: 'waiting',
    why: `${isAbort ? `its transaction ${aborted.transaction} had been aborted` : `its handler had failed at offset ${failed?.offset} of ${failed?.key}`}, and the client had waited for ${Math.round(sinceMs)} ms since then`,
    seq: failure.seq,
  };
}

type Processed = { readonly key: string } & Processing;

/** The transaction that a pipeline's handler had begun for what it had processed last, and not ended by then. */
function openTransactionAt(
  { history }: Evidence,
  process: string,
  { endSeq }: Processed,
  time: number,
): number | null {
  const begun = eventsOf(history, 'transaction').findLast(
    (event) =>
      event.process === process &&
      event.call === 'begin' &&
      event.seq > (endSeq ?? Number.POSITIVE_INFINITY) &&
      event.time <= time,
  );
  if (begun === undefined) return null;
  const ended = eventsOf(history, 'transaction-end').some(
    (event) => event.process === process && event.seq > begun.seq && event.time < time,
  );
  return ended ? null : begun.transaction;
}

/**
 * The waits within a span that follow a failure, each up to whatever the member processed next: trying it again and failing
 * sends no heartbeat.
 * @param own what the member processed, in order
 */
function waitsOf(
  own: readonly Processed[],
  fromTime: number,
  toTime: number,
): (Processed & { readonly waitMs: number })[] {
  return own.flatMap((one, i) => {
    if (one.outcome !== 'failed' || one.endTime === null) return [];
    const waitMs = Math.min(own[i + 1]?.time ?? toTime, toTime) - Math.max(one.endTime, fromTime);
    // What else is in hand is tried at once; only where the client then waits is it a wait.
    return waitMs <= CLOCK_TOLERANCE_MS ? [] : [{ ...one, waitMs }];
  });
}

/** Whether a member of the generation, as it was written first, ended before it had its assignment. */
function lacksSync(evidence: Evidence, group: GroupEvidence, generation: GenerationEvidence): boolean {
  const first = firstWritten(group, generation);
  return first.members.some(({ clientId, memberId }) => {
    const process = evidence.processes.get(clientId);
    if (process?.exit == null) return false;
    // Where its traffic is not recorded, only who was gone before is known not to have heard of it.
    const graceMs = process.hasWire ? rebalanceWaitMs(group.config) : 0;
    return (
      process.exit.time <= first.time + graceMs + CLOCK_TOLERANCE_MS &&
      !membershipOf(evidence, clientId).some(
        (change) =>
          change.kind === 'assigned' &&
          change.memberId === memberId &&
          change.generation === generation.generation,
      )
    );
  });
}

interface Span {
  readonly from: number;
  readonly to: number;
}

/** @param wasMember whether it is in the generation before: then its start has had its effect already */
function hasCause(
  evidence: Evidence,
  process: ProcessEvidence,
  wasMember: boolean,
  {
    from,
    to,
    startedFrom,
    reportedFrom,
    tidings,
  }: Span & { startedFrom: number; reportedFrom: number; tidings: ReadonlySet<string> },
): boolean {
  const isReported = (time: number): boolean => time >= reportedFrom && time <= to;
  const isWithin = (time: number | undefined): boolean => time !== undefined && time >= from && time <= to;
  return (
    (!wasMember &&
      process.startTime >= startedFrom &&
      process.startTime <= to &&
      (process.exit?.time ?? to) >= from) ||
    isWithin(process.exit?.time) ||
    isWithin(process.order?.time) ||
    isStalledWithin(process, from, to) ||
    process.clientCrashes.some(({ time }) => isReported(time)) ||
    process.applicationErrors.some(({ time }) => isReported(time)) ||
    membershipOf(evidence, process.process).some(({ kind, time }) => tidings.has(kind) && isReported(time)) ||
    isToldByAction(evidence, process, from, to)
  );
}

/** The calls that move or hold back what a member reads, and leave it where it is in its group. */
const QUIET_CALLS: ReadonlySet<string> = new Set([
  'seek',
  'pause-partitions',
  'commit',
  'position',
  'committed',
]);

/** What these do shows in the life of the process. */
const LIFECYCLE: ReadonlySet<string> = new Set(['join', 'leave', 'terminate', 'crash', 'stall']);

/** Whether an action made the application call its consumer in a way that may move it in its group. */
const isToldByAction = (evidence: Evidence, { id }: ProcessEvidence, from: number, to: number): boolean =>
  evidence.actions.some(
    ({ action, fromTime, toTime }) =>
      'member' in action &&
      action.member === id &&
      !QUIET_CALLS.has(action.kind) &&
      !LIFECYCLE.has(action.kind) &&
      fromTime <= to &&
      toTime >= from,
  );

/** The actions that name a topic and leave its partitions as they are. */
const CONTENT_ACTIONS: ReadonlySet<string> = new Set([
  'delete-records',
  'delete-offsets',
  'compact-topic',
  ...QUIET_CALLS,
]);

function hasOtherTopics(
  evidence: Evidence,
  group: GroupEvidence,
  before: GenerationEvidence,
  { members, time }: GenerationEvidence,
  { to }: Span,
): boolean {
  const isResubscribed = members.some(({ memberId, subscription }) => {
    const former = before.memberById.get(memberId);
    return former !== undefined && [...former.subscription].sort().join() !== [...subscription].sort().join();
  });
  return (
    isResubscribed ||
    evidence.actions.some(
      ({ action, fromTime, toTime }) =>
        'topic' in action &&
        !CONTENT_ACTIONS.has(action.kind) &&
        group.config.topics.includes(action.topic) &&
        fromTime <= to &&
        time <= toTime + 2 * noticeMs(group),
    )
  );
}
