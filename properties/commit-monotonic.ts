/** commit-monotonic: the coordinator's accepted commits in its own order enter, those that went back leave. */
import { isByHand } from '../scenarios/schema.ts';
import { groupOf, proof, reporter } from './anomaly.ts';
import { ledgerOf } from './duplicate-ledger.ts';
import { isAltered } from './evidence/altered.ts';
import type { CommitEntry } from './evidence/commits.ts';
import type { Processing } from './evidence/consumption.ts';
import {
  type Evidence,
  evidenceOf,
  type GroupEvidence,
  isOutageWithin,
  mayLoseTouch,
} from './evidence/evidence.ts';
import { deletionsOf, recordsBetween, shownTo } from './evidence/logs.ts';
import { positionsOf } from './evidence/positions.ts';
import { isAlteredAboveEnd } from './evidence/resume.ts';
import { CLOCK_TOLERANCE_MS, partitionKey, toOffset } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('commit-monotonic');

const WITHIN = 'commit went back in one member';
const OVERTAKEN = 'older commit was written after a newer one';
const LOST = 'commit that was lost with its connection was written after a newer one';
const ACROSS = 'commit went back from one member to another';

export const commitMonotonic: Property = {
  id: 'commit-monotonic',
  title: 'Committed offsets never decrease',
  statement:
    "In the coordinator's order, no accepted commit of a partition is lower than the one before it, unless an operator set it so, or had set the one before under a consumer that takes its partitions by hand, or the committed offset was removed in between, or the member's application sought an offset at or below it, or the member's position had been found out of range since, or it commits what was delivered to it again after a handler call had failed, whose commits may leave after that, or the place where that call began, to which its position has gone back, or it commits the place behind the last record that it was handed, where the one before was of the position, which stands behind markers of transactions and what they aborted. With asynchronous commits, where the repetition of an older call may be written after a newer one, that is observed and not illegal; and so it is where the older one was never answered, since its connection had ended, or its process, before the newer one was sent: what had left by then may still arrive, and after what comes on another connection.",
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) =>
      [...group.commits.entries.values()].flatMap((entries) => decreases(evidence, group, entries)),
    );
  },
  policy: (scenario, anomaly) =>
    (groupOf(scenario, anomaly).commitMode.kind === 'asynchronous' && anomaly.signature === OVERTAKEN) ||
    (anomaly.signature === LOST && mayLoseTouch(scenario))
      ? 'observed'
      : 'illegal',
};

function decreases(evidence: Evidence, group: GroupEvidence, entries: readonly CommitEntry[]): Anomaly[] {
  return entries.flatMap((entry, i) => {
    const before = entries[i - 1];
    // After a removal or a sentinel there is nothing to compare with.
    if (before === undefined || before.offset === null || entry.offset === null) return [];
    if (entry.offset >= before.offset) return [];
    if (isReset(evidence, group, before, entry) || isOfReplay(evidence, group, before, entry)) return [];
    if (isBackAtFailure(group, entry) || isBehindLastRecord(evidence, group, before, entry)) return [];
    if (isAfterSeek(evidence, group, entry) || isAltered(evidence, entry)) return [];
    // For the coordinator a group without members is empty, whoever reads under its id, and an operator may set its offsets.
    if (isByHand(group.config) && isAltered(evidence, before)) return [];
    const [from, to] = [before.request?.process ?? null, entry.request?.process ?? null];
    const by = to === null ? '' : ` by ${to}`;
    return [
      report(
        signatureOf(evidence, group, before, entry),
        `The committed offset of ${entry.topic}/${entry.partition} in group ${group.id} went back from ${before.offset}${from === null ? '' : ` (committed by ${from})`} to ${entry.offset}${by}.`,
        proof(before.seq, entry.seq, before.request?.seq, entry.request?.seq),
        {
          group: group.id,
          topic: entry.topic,
          partition: entry.partition,
          ...(to === null ? {} : { process: to }),
        },
      ),
    ];
  });
}

function signatureOf(
  evidence: Evidence,
  group: GroupEvidence,
  before: CommitEntry,
  entry: CommitEntry,
): string {
  const isOwn = before.request?.process === entry.request?.process;
  // Of a group's members the coordinator takes nothing that comes after their place has gone to another.
  if ((isOwn || isByHand(group.config)) && wasLost(evidence, before, entry)) return LOST;
  return !isOwn ? ACROSS : isOvertaken(group, before, entry) ? OVERTAKEN : WITHIN;
}

/** Whether the connection that the commit left on, or its process, had ended without an answer before the newer one left. */
function wasLost({ processes }: Evidence, before: CommitEntry, { request }: CommitEntry): boolean {
  if (request?.outcome !== 'unknown' || before.request === null) return false;
  const exitSeq = processes.get(request.process)?.exit?.seq ?? Number.POSITIVE_INFINITY;
  return Math.min(request.outcomeSeq ?? Number.POSITIVE_INFINITY, exitSeq) < before.request.seq;
}

/** Whether the call that the commit came from had been made before the newer commit left; without a tap it may have. */
function isOvertaken(group: GroupEvidence, before: CommitEntry, entry: CommitEntry): boolean {
  if (entry.request === null || before.request === null) return true;
  const called = calledAt(group, entry);
  return called !== null && called < before.request.seq;
}

/** When the application made the call that the commit came from: with asynchronous ones it may leave later. */
function calledAt(group: GroupEvidence, { request, value }: CommitEntry): number | null {
  if (request === null) return null;
  const call = group.commits.applicationCommits.findLast(
    ({ begin }) =>
      begin.process === request.process &&
      begin.seq < request.seq &&
      begin.offsets.some(
        ({ topic, partition, offset }) =>
          topic === request.topic && partition === request.partition && toOffset(offset) === value,
      ),
  );
  return call?.begin.seq ?? null;
}

/**
 * Whether the application that committed it, or without a tap any, had gone back before. How long what was in hand then
 * goes on, and is committed beside it, is not to be seen.
 */
function isAfterSeek(
  evidence: Evidence,
  group: GroupEvidence,
  { topic, partition, value, seq, request }: CommitEntry,
) {
  const processes = request === null ? group.processes.map(({ process }) => process) : [request.process];
  const before = request?.seq ?? seq;
  return processes.some((process) => {
    const { sought, outOfRange } = positionsOf(evidence.positions, process, `${topic}/${partition}`);
    // What was sought above the end of the log may have been committed before that showed.
    const isRefused = (offset: number): boolean =>
      outOfRange.some((one) => one.offset === offset && one.seq < before);
    return sought.some((seek) => seek.seq < before && (seek.offset <= value || isRefused(seek.offset)));
  });
}

/** Whether the member may have had to start from the log's beginning again, which moves its position back. */
function isReset(evidence: Evidence, group: GroupEvidence, before: CommitEntry, entry: CommitEntry): boolean {
  const [fromTime, toTime] = [before.time - CLOCK_TOLERANCE_MS, entry.time + CLOCK_TOLERANCE_MS];
  const key = `${entry.topic}/${entry.partition}`;
  if (!group.hasWire)
    return (
      deletionsOf(evidence.actions, entry.topic, entry.partition).some(
        (action) => action.fromTime <= toTime,
      ) ||
      isOutageWithin(evidence, fromTime, toTime) ||
      isAlteredAboveEnd(evidence, group, before)
    );
  return group.processes.some(({ process }) =>
    positionsOf(evidence.positions, process, key).outOfRange.some(
      ({ time, offset, seq }) =>
        (time >= fromTime && time <= toTime) ||
        // A position may be committed on its way while the answer that it is out of range is there already.
        (offset === before.offset && seq < entry.seq),
    ),
  );
}

/**
 * Whether the commit covers records that came again inside one ownership: a client that repeats a whole batch after a
 * failure has its application commit the batch's records once more.
 */
function isOfReplay(
  evidence: Evidence,
  group: GroupEvidence,
  before: CommitEntry,
  entry: CommitEntry,
): boolean {
  const ledger = ledgerOf(evidence, group.id, `${entry.topic}/${entry.partition}`);
  return [...(ledger?.causes ?? [])].some(([stretch, cause]) => {
    if (stretch.opening !== 'back' || cause === 'unexplained') return false;
    const { request } = entry;
    const since =
      before.request?.process === stretch.process ? (calledAt(group, before) ?? before.request.seq) : -1;
    const isBetween =
      request === null
        ? stretch.openTime >= before.time - CLOCK_TOLERANCE_MS &&
          stretch.openTime <= entry.time + CLOCK_TOLERANCE_MS
        : stretch.process === request.process && stretch.openSeq < request.seq && stretch.openSeq > since;
    return isBetween && (entry.offset ?? 0) > stretch.first;
  });
}

/**
 * Whether the commit is of the place where the handler call began that the member had done last, and that had failed. What
 * the application had committed of it by hand lies behind that: an automatic commit is of the position, as in Java.
 */
function isBackAtFailure(
  group: GroupEvidence,
  { topic, partition, value, time, request }: CommitEntry,
): boolean {
  const all = group.consumption.get(partitionKey(topic, partition))?.processing ?? [];
  const isFailed = ({ outcome, offset, stretch, endSeq, endTime }: Processing): boolean =>
    outcome === 'failed' &&
    (request === null
      ? (endTime ?? 0) <= time + CLOCK_TOLERANCE_MS
      : endSeq !== null && endSeq < request.seq) &&
    value === Math.max(...[...stretch.callStarts].filter((start) => start <= offset));
  if (request === null) return all.some(isFailed);
  const last = all.findLast(({ process, seq }) => process === request.process && seq < request.seq);
  return last !== undefined && isFailed(last);
}

/**
 * Whether the commit is of the place behind the last record that the member was handed, and between it and the commit before,
 * which was the member's own, is nothing that it could be handed: a commit of what was polled is of the position, which has
 * passed the markers of transactions, and one by hand is of a record (Java's `commitSync()` and `commitSync(offsets)`).
 */
function isBehindLastRecord(
  { logs }: Evidence,
  group: GroupEvidence,
  before: CommitEntry,
  { topic, partition, value, request }: CommitEntry,
): boolean {
  if (request === null || before.request?.process !== request.process) return false;
  const key = partitionKey(topic, partition);
  const log = shownTo(group.config, logs.get(key));
  // Where records were deleted, nobody can say what was there.
  if (log === undefined || value < log.logStartOffset) return false;
  const last = group.consumption
    .get(key)
    ?.processing.findLast(({ process, seq }) => process === request.process && seq < request.seq);
  return last?.offset === value - 1 && recordsBetween(log, value, before.value).length === 0;
}
