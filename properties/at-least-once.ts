/** at-least-once: final logs, processing and positions enter, records that the group passed over unprocessed leave. */
import { MARKER_PREFIX } from '../harness/history/schema.ts';
import { isByHand, membersHit, type Scenario } from '../scenarios/schema.ts';
import { groupOf, producerOf, proof, reporter } from './anomaly.ts';
import { isAltered } from './evidence/altered.ts';
import type { CommitEntry } from './evidence/commits.ts';
import type { OffsetFate, PartitionConsumption } from './evidence/consumption.ts';
import {
  type Evidence,
  entriesOf,
  evidenceOf,
  type GroupEvidence,
  hadToDrain,
  hasBrokerFault,
  hasToBeDrained,
  mayLoseTouch,
} from './evidence/evidence.ts';
import { deletionsOf, type PartitionLog, shownTo } from './evidence/logs.ts';
import { type ListedOffset, type OutOfRange, positionsOf } from './evidence/positions.ts';
import { endedWithMate } from './evidence/processes.ts';
import { committedAt, resumeOf } from './evidence/resume.ts';
import { lastBefore, nameOffsets } from './evidence/values.ts';
import { isGenuinelyOutOfRange } from './offset-reset.ts';
import { isWhereAnswered, reckon } from './produced-offset.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('at-least-once');

const BROKER_LOSS = 'lost by the broker: acknowledged record is not in the log';
const RE_RESOLVED = 'lost: latest was resolved again before the first commit';
const NOT_COMMITTED = 'lost: latest was resolved again, since its first end could not be committed';
const KILLED_FIRST = 'lost: latest was resolved again, since its member was killed before it could commit';
const HELD_UP = 'lost: latest was resolved again, since its member lost its place before it could commit';
const NEEDLESS_RESET = 'lost: skipped by a reset without need';
const FOLLOWER_BEHIND = 'lost: skipped by a reset since a follower was behind';
const COMMITTED_FIRST = 'lost: committed before it was processed';
const NOT_RETRIED = 'lost: processing failed and was not tried again';
const DROPPED = 'lost: delivered and never processed';
const SKIPPED = 'lost: never delivered';

export const atLeastOnce: Property = {
  id: 'at-least-once',
  title: 'No record is lost',
  statement:
    "Once the run has settled, every record in the final log at or after the group's starting point in that partition has been processed to its end by at least one member; where a partition has not been drained, every record that the group has passed. The starting point is the log's start with auto.offset.reset earliest, and with latest the log's end when a member of the group first asked for it, with none the first committed offset; it moves on only where the committed offset was deleted or the position had been deleted from the log, or the application went forward by a seek. That a leader with an old view called a position out of range that the log has is no excuse for a client whose fetches do not say which epoch of the leader they are meant for, since one that does is not answered so (KIP-320); nor is it one that a follower called it so, which may be behind and has to be checked with the leader (KIP-392). Resolving latest again because nothing had been committed yet is no excuse; where the member had tried to commit the end that it found, and a coordinator that was away refused it or did not answer, or refused it since the member had stood still for as long as its session, it is observed, and so it is where the member was killed, ended with another of its process, or lost its place, while it still waited for the end of another partition that it had been given with it. Of a topic that was compacted only the newest record of each key has to be processed, since each replica is compacted by itself. An acknowledged record that is not in the final log, and was not deleted, was lost by the broker and not by the consumer. A group none of whose members ever joined, or that has no live member when the faults are over, does not have to drain; nor has one with auto.offset.reset none whose members fail at every start, since a partition has no committed offset or one that was deleted from the log. A record that was committed before it was processed is illegal with process-then-commit and observed with commit-then-process.",
  check(history) {
    const evidence = evidenceOf(history);
    return [
      ...brokerLosses(evidence),
      ...evidence.groups
        .filter((group) => hadToDrain(evidence, group))
        .flatMap((group) =>
          [...evidence.logs.values()]
            .filter((log) => hasToBeDrained(evidence, group, log))
            .flatMap((log) => lossesIn(evidence, group, log)),
        ),
    ];
  },
  policy(scenario, anomaly) {
    if (anomaly.signature === BROKER_LOSS)
      return producerOf(scenario, anomaly).acks === 1 && hasBrokerFault(scenario) ? 'observed' : 'illegal';
    const { commitMode, commitOrder } = groupOf(scenario, anomaly);
    if (anomaly.signature === COMMITTED_FIRST && commitOrder === 'commit-then-process') return 'observed';
    // It did try, and the coordinator, or the member, was away for so long that it had lost its place.
    if (anomaly.signature === NOT_COMMITTED && mayLosePlace(scenario, anomaly)) return 'observed';
    // Nobody can commit all starts before the last of them is known.
    if (anomaly.signature === KILLED_FIRST) return 'observed';
    if (anomaly.signature === HELD_UP && mayLosePlace(scenario, anomaly)) return 'observed';
    // An application that never commits has asked for latest at every start.
    if (anomaly.signature === RE_RESOLVED && commitMode.kind === 'none') return 'observed';
    return 'illegal';
  },
};

/** Whether a member may be cut off from its coordinator, or stand still for as long as its session. */
function mayLosePlace(scenario: Scenario, anomaly: Anomaly): boolean {
  const { members, sessionTimeoutMs, heartbeatIntervalMs } = groupOf(scenario, anomaly);
  return (
    mayLoseTouch(scenario) ||
    scenario.actions.some(
      (action) =>
        action.kind === 'stall' &&
        action.durationMs >= sessionTimeoutMs - 2 * heartbeatIntervalMs &&
        membersHit(scenario, action).some((id) => members.some((member) => member.id === id)),
    )
  );
}

/** How many records a group never processed that it had to, over all groups and whatever the policy says of each. */
export const recordsLost = (evidence: Evidence): number =>
  evidence.groups
    .filter((group) => hadToDrain(evidence, group))
    .flatMap((group) =>
      [...evidence.logs.values()]
        .filter(
          (log) =>
            group.config.topics.includes(log.topic) &&
            (!isByHand(group.config) || hasToBeDrained(evidence, group, log)),
        )
        .flatMap((log) => [...lostIn(evidence, group, log).values()]),
    )
    .reduce((sum, { offsets }) => sum + offsets.length, 0);

function brokerLosses(evidence: Evidence): Anomaly[] {
  return evidence.producing.sends.flatMap((send) => {
    if (send.outcome !== 'ok' || send.acks === 0) return [];
    if (!evidence.processes.has(send.process) || !evidence.completeTopics.has(send.topic)) return [];
    if (isWhereAnswered(evidence, send)) return [];
    const { found, misplaced, wrong, logs } = reckon(evidence, send);
    // Without an acknowledged offset that does not hold, no broker ever had what is missing.
    if (wrong.length === 0) return [];
    const missing = send.records.filter(
      (record) => !found.has(record) && !misplaced.some((one) => one.record === record),
    );
    if (missing.length === 0) return [];
    return [
      report(
        BROKER_LOSS,
        `${missing.length === 1 ? missing[0] : `${missing.length} records, ${missing[0]} the first,`} of ${send.process} had been acknowledged with acks ${send.acks} and ${missing.length === 1 ? 'is' : 'are'} in no log of ${send.topic}.`,
        proof(send.seq, send.outcomeSeq, ...logs.map((log) => log.event.seq)),
        { producer: send.producer, process: send.process, topic: send.topic },
      ),
    ];
  });
}

/** A span of offsets that a member's position moved over, and why. */
interface Jump {
  readonly from: number;
  readonly to: number;
  readonly kind: 'legitimate' | 're-resolved' | 'refused' | 'killed' | 'held-up' | 'needless' | 'behind';
  readonly seq: number;
  readonly process: string;
}

const SIGNATURE_OF = {
  're-resolved': RE_RESOLVED,
  refused: NOT_COMMITTED,
  killed: KILLED_FIRST,
  'held-up': HELD_UP,
  needless: NEEDLESS_RESET,
  behind: FOLLOWER_BEHIND,
} as const satisfies Record<Exclude<Jump['kind'], 'legitimate'>, string>;

interface Lost {
  readonly offsets: number[];
  readonly seqs: (number | null | undefined)[];
  process: string | null;
}

/** The records of a partition that were lost, by how. */
function lostIn(evidence: Evidence, group: GroupEvidence, log: PartitionLog): ReadonlyMap<string, Lost> {
  const key = `${log.topic}/${log.partition}`;
  const consumption = group.consumption.get(key);
  const lost = new Map<string, Lost>();
  const start = startingPoint(evidence, group, key, consumption);
  if (start === null) return lost;
  const jumps = jumpsOf(evidence, group, key);
  const hasSettled = evidence.settled?.undrained.length === 0;
  const marker = lastMarker(log);
  const end = passedUpTo(evidence, group, log, marker, consumption);
  const committedMax = entriesOf(group, key).reduce((most, entry) => Math.max(most, entry.value), 0);
  for (const offset of shownTo(group.config, log).offsets) {
    if (offset < start || offset >= end) continue;
    const fate = consumption?.fates.get(offset);
    if (fate?.done != null) continue;
    // The handler call that has it may still be running: where the bound came first, or behind the marker that ends the run.
    const mayBeRunning = !hasSettled || (marker !== undefined && offset > marker);
    if (mayBeRunning && fate !== undefined && isInHand(evidence, fate)) continue;
    const over = jumps.filter((jump) => offset >= jump.from && offset < jump.to);
    if (over.some((jump) => jump.kind === 'legitimate')) continue;
    const jump = over[0];
    const signature =
      jump !== undefined && jump.kind !== 'legitimate'
        ? SIGNATURE_OF[jump.kind]
        : fate === undefined
          ? SKIPPED
          : offset < committedMax && wasInterrupted(evidence, fate)
            ? COMMITTED_FIRST
            : fate.failed !== null
              ? NOT_RETRIED
              : DROPPED;
    const found = lost.get(signature) ?? { offsets: [], seqs: [], process: null };
    found.offsets.push(offset);
    if (found.seqs.length < PROOF_EVENTS_MAX)
      found.seqs.push(fate?.failed?.endSeq, fate?.delivered?.seq, jump?.seq);
    found.process ??= fate?.failed?.process ?? jump?.process ?? fate?.delivered?.stretch.process ?? null;
    lost.set(signature, found);
  }
  return lost;
}

function lossesIn(evidence: Evidence, group: GroupEvidence, log: PartitionLog): Anomaly[] {
  const key = `${log.topic}/${log.partition}`;
  const lost = lostIn(evidence, group, log);
  const last = entriesOf(group, key).findLast((entry) => entry.kind === 'commit');
  return [...lost].map(([signature, { offsets, seqs, process }]) =>
    report(
      signature,
      `Group ${group.id} never processed ${nameOffsets(offsets)} of ${key} (${offsets.length === 1 ? 'record' : 'the first is record'} ${log.recordAt.get(offsets[0] as number)}): ${offsets.length === 1 ? WHY[signature]?.('it', 'was') : WHY[signature]?.('they', 'were')}.`,
      proof(...seqs, last?.seq, log.event.seq),
      {
        group: group.id,
        topic: log.topic,
        partition: log.partition,
        ...(process === null ? {} : { process }),
      },
    ),
  );
}

const PROOF_EVENTS_MAX = 12;

const WHY: Readonly<Record<string, (it: 'it' | 'they', was: 'was' | 'were') => string>> = {
  [RE_RESOLVED]: (it, was) =>
    `a member had found the end of the log before ${it} ${was} written, nothing was committed, and the next start was at the end again`,
  [NOT_COMMITTED]: (it, was) =>
    `a member had found the end of the log before ${it} ${was} written, and could not commit it: the coordinator refused it or did not answer, and the next start was at the end again`,
  [KILLED_FIRST]: (it, was) =>
    `a member had found the end of the log before ${it} ${was} written, and was killed before it had found those of its other partitions and could commit them, and the next start was at the end again`,
  [HELD_UP]: (it, was) =>
    `a member had found the end of the log before ${it} ${was} written, and lost its place before it had found those of its other partitions and could commit them, and the next start was at the end again`,
  [NEEDLESS_RESET]: () => 'a member moved to the end of the log although its position was in range',
  [FOLLOWER_BEHIND]: () =>
    'a member moved to the end of the log although its position was in range, since the follower that it read from had not got there',
  [COMMITTED_FIRST]: (it, was) =>
    `${it} ${was} delivered and committed, and the member was interrupted before it had processed ${it === 'it' ? 'it' : 'them'}`,
  [NOT_RETRIED]: (it, was) => `the handler failed, and ${it} ${was} not delivered again`,
  [DROPPED]: (it, was) =>
    `${it} ${was} delivered, and the member went on without processing ${it === 'it' ? 'it' : 'them'}`,
  [SKIPPED]: (it, was) => `${it} ${was} never delivered, and the group has gone on`,
};

/**
 * Whether the member that a record was delivered to last was cut short: it ended, or joined again, before another
 * handler call for the partition showed that this one had returned.
 */
function wasInterrupted(evidence: Evidence, fate: OffsetFate): boolean {
  return isOfLastCall(fate) && !isInHand(evidence, fate);
}

/** No later handler call of its stretch shows that the record's call has returned. */
const isOfLastCall = ({ delivered }: OffsetFate): boolean =>
  delivered !== null && delivered.stretch.lastSeq === delivered.seq;

/** The record's handler call may be running when settling ends: it is the last, and its member goes on as it was. */
function isInHand(evidence: Evidence, fate: OffsetFate): boolean {
  if (fate.delivered === null || !isOfLastCall(fate)) return false;
  const { seq, stretch } = fate.delivered;
  const process = evidence.processes.get(stretch.process);
  const until = evidence.settled?.seq ?? Number.POSITIVE_INFINITY;
  const hasEnded = process?.exit != null && process.exit.seq < until;
  const joins = evidence.positions.joins.get(stretch.process) ?? [];
  const hasCrashed = process?.clientCrashes.some((crash) => crash.seq > seq) ?? false;
  return !hasEnded && !hasCrashed && process?.order == null && (joins.at(-1)?.seq ?? -1) < seq;
}

/** Null where the history does not show where the group began. */
function startingPoint(
  evidence: Evidence,
  group: GroupEvidence,
  key: string,
  consumption: PartitionConsumption | undefined,
): number | null {
  if (group.config.autoOffsetReset === 'earliest') return 0;
  if (group.config.autoOffsetReset === 'none') return entriesOf(group, key)[0]?.offset ?? null;
  const first = latestAnswers(evidence, group, key)[0];
  if (first !== undefined && group.hasWire) return first.listed.offset;
  return consumption?.stretches[0]?.first ?? null;
}

interface LatestAnswer {
  readonly process: string;
  readonly listed: ListedOffset;
}

function latestAnswers(evidence: Evidence, group: GroupEvidence, key: string): LatestAnswer[] {
  return group.processes
    .flatMap(({ process }) =>
      positionsOf(evidence.positions, process, key).listed.map((listed) => ({ process, listed })),
    )
    .filter(({ listed }) => listed.at === 'latest')
    .sort((a, b) => a.listed.seq - b.listed.seq);
}

/**
 * Where members' positions moved forward without consuming. A stretch of time in which the group has no committed
 * offset allows one resolution of `latest`; every further one skips what was written since the one before.
 */
function jumpsOf(evidence: Evidence, group: GroupEvidence, key: string): Jump[] {
  const jumps = [...soughtJumps(evidence, group, key), ...alteredJumps(evidence, group, key)];
  if (group.config.autoOffsetReset !== 'latest') return jumps;
  // By the entry that left the group without a committed offset, -1 for the beginning: the last end resolved since.
  const resolved = new Map<number, LatestAnswer>();
  for (const answer of latestAnswers(evidence, group, key)) {
    const { process, listed } = answer;
    const { outOfRange, fetched } = positionsOf(evidence.positions, process, key);
    const refused = lastBefore(outOfRange, listed.seq);
    const join = lastBefore(evidence.positions.joins.get(process) ?? [], listed.seq);
    // A cooperative member keeps what it was refused over a rebalance, and asks for no committed offset again.
    const since = Math.min(join?.seq ?? -1, lastBefore(fetched, listed.seq)?.seq ?? -1);
    const isAfterRefusal = refused !== null && refused.seq > since;
    const common = { to: listed.offset, seq: listed.seq, process };
    const { certain, possible } = committedAt(
      group,
      key,
      process,
      join?.generation ?? null,
      listed.seq,
      listed.time,
    );
    const state = [certain, ...possible].findLast(({ offset }) => offset === null);
    const epoch = state?.entry?.index ?? -1;
    if (isAfterRefusal) {
      const kind = kindOf(evidence, key, refused);
      // A position above the end stands for the last one in the log: nobody knows what was to come before it.
      const inRange = entriesOf(group, key).findLast(
        (entry) => entry.seq < listed.seq && (entry.offset ?? Number.POSITIVE_INFINITY) <= listed.offset,
      );
      const from = refused.offset <= listed.offset ? refused.offset : (inRange?.offset ?? 0);
      jumps.push({ ...common, from, kind });
    } else if (state !== undefined) {
      const before = resolved.get(epoch);
      if (before !== undefined) {
        jumps.push({
          ...common,
          from: before.listed.offset,
          kind: whyNotCommitted(evidence, group, key, before, answer),
        });
      } else if (state.entry !== null) {
        // The offset was deleted, or a reset left its mark and did not get to the first commit.
        // What was sought above the end may have been committed: nobody was ever there.
        const previous = entriesOf(group, key)
          .slice(0, state.entry.index)
          .findLast((entry) => entry.kind === 'commit' && entry.value <= listed.offset);
        const kind = state.entry.kind === 'removed' ? 'legitimate' : causeOf(evidence, key, state.entry);
        jumps.push({ ...common, from: previous?.offset ?? 0, kind });
      }
    }
    if (state !== undefined) resolved.set(epoch, answer);
  }
  if (!group.hasWire) jumps.push(...unseenJumps(evidence, group, key));
  return jumps;
}

function whyNotCommitted(
  evidence: Evidence,
  group: GroupEvidence,
  key: string,
  { process, listed }: LatestAnswer,
  next: LatestAnswer,
): Jump['kind'] {
  if (isCommitRefused(group, key, listed)) return 'refused';
  const own = evidence.processes.get(process);
  const endSeq = own?.exit?.seq ?? Number.POSITIVE_INFINITY;
  const hadNoSay =
    own?.exit?.signal === 'SIGKILL' || (own !== undefined && endedWithMate(evidence.processes, own));
  const wasKilled = hadNoSay && endSeq < next.listed.seq;
  // One that ended in any other way had had its say, and one that starts anew had kept its place.
  if (!wasKilled && (endSeq < next.listed.seq || process === next.process)) return 're-resolved';
  if (!isStartingUntil(evidence, process, listed, Math.min(endSeq, next.listed.seq))) return 're-resolved';
  return wasKilled ? 'killed' : 'held-up';
}

/** Whether a process had not yet found the ends of all partitions that it was given together with this one. */
function isStartingUntil(
  { positions }: Evidence,
  process: string,
  { seq }: ListedOffset,
  untilSeq: number,
): boolean {
  const joins = positions.joins.get(process) ?? [];
  const join = lastBefore(joins, seq);
  if (join === null || join !== lastBefore(joins, untilSeq)) return false;
  return [...(positions.positions.get(process)?.values() ?? [])].some(({ fetched, listed }) => {
    const isSince = (one: { seq: number }): boolean => one.seq > join.seq && one.seq < untilSeq;
    return fetched.findLast(isSince)?.offset === null && !listed.some(isSince);
  });
}

/**
 * Whether an application asked to commit this end after it was found, and that was refused or not answered each time: by
 * the coordinator, or by the client, which knew that it had lost its place.
 */
function isCommitRefused({ commits }: GroupEvidence, key: string, { offset, seq }: ListedOffset): boolean {
  const isIt = (one: { topic: string; partition: number; offset: number | string }): boolean =>
    `${one.topic}/${one.partition}` === key && Number(one.offset) === offset;
  const requests = commits.requests.filter((one) => one.seq > seq && isIt(one));
  const calls = commits.applicationCommits.filter(({ begin }) => begin.seq > seq && begin.offsets.some(isIt));
  return (
    requests.length + calls.length > 0 &&
    requests.every(({ entry, outcome }) => entry === null && outcome !== 'ok') &&
    calls.every(({ end }) => end?.outcome !== 'ok')
  );
}

/** What an application skips by going forward: from where its group stood to where it went, or the log's end then. */
function soughtJumps(evidence: Evidence, group: GroupEvidence, key: string): Jump[] {
  const end = evidence.logs.get(key)?.logEndOffset ?? 0;
  return group.processes.flatMap(({ process }) => {
    const { sought, listed, outOfRange } = positionsOf(evidence.positions, process, key);
    return sought.map(({ seq, time, offset }): Jump => {
      const join = lastBefore(evidence.positions.joins.get(process) ?? [], seq);
      const { certain, possible } = committedAt(group, key, process, join?.generation ?? null, seq, time);
      // At an offset that the log does not have, nobody stands: it may have been sought, and committed, before that showed.
      const isInLog = (at: number): boolean =>
        at <= end && !outOfRange.some((one) => one.seq < seq && one.offset === at);
      const stood = (at: number): number =>
        isInLog(at)
          ? at
          : (entriesOf(group, key).findLast(
              (entry) => entry.seq < seq && entry.kind === 'commit' && isInLog(entry.value),
            )?.value ?? 0);
      const from = Math.min(...[certain, ...possible].map((state) => stood(state.offset ?? 0)));
      const answer = listed.find((one) => one.seq > seq && one.at === 'latest');
      const to = Math.max(answer?.offset ?? 0, offset <= end ? offset : 0);
      return { from, to, kind: 'legitimate', seq, process };
    });
  });
}

/** What an operator skips who sets a committed offset; out of range it is the log's end when a member found that out. */
function alteredJumps(evidence: Evidence, group: GroupEvidence, key: string): Jump[] {
  const end = evidence.logs.get(key)?.logEndOffset ?? 0;
  const entries = entriesOf(group, key);
  return entries.flatMap((entry, i): Jump[] => {
    if (!isAltered(evidence, entry)) return [];
    const from =
      entries.slice(0, i).findLast(({ kind, value }) => kind === 'commit' && value <= end)?.offset ?? 0;
    const answer = latestAnswers(evidence, group, key).find(({ listed }) => listed.seq > entry.seq);
    const to = Math.max(answer?.listed.offset ?? 0, entry.value <= end ? entry.value : 0);
    return [{ from, to, kind: 'legitimate', seq: entry.seq, process: answer?.process ?? '' }];
  });
}

/** What a reset is that follows a refusal; the leader has to be asked first about what a follower calls out of range. */
const kindOf = (evidence: Evidence, key: string, refused: OutOfRange): Jump['kind'] => {
  if (isGenuinelyOutOfRange(evidence, key, refused)) return 'legitimate';
  return refused.mayBeFollowers ? 'behind' : 'needless';
};

/** What kind of reset a committed negative offset is: a member had sought it, or was out of range before, or neither. */
function causeOf(evidence: Evidence, key: string, { request, value }: CommitEntry): Jump['kind'] {
  if (request === null) return 'legitimate';
  const { process, seq } = request;
  const { outOfRange, sought } = positionsOf(evidence.positions, process, key);
  if (sought.some((seek) => seek.seq < seq && seek.offset === value)) return 'legitimate';
  const refused = lastBefore(outOfRange, seq);
  return refused === null ? 'needless' : kindOf(evidence, key, refused);
}

/**
 * Without a tap a reset shows only in where a stretch began. Where one was due, what it skipped is excused; where
 * nothing had been committed at all, latest was resolved once more.
 */
function unseenJumps(evidence: Evidence, group: GroupEvidence, key: string): Jump[] {
  const consumption = group.consumption.get(key);
  const entries = entriesOf(group, key);
  // A member may also have committed the end that it found before anything came of it.
  const marked = entries.flatMap((entry, i): Jump[] => {
    const before = entries[i - 1];
    if (before === undefined || before.offset !== null || entry.offset === null) return [];
    const process = entry.request?.process ?? '';
    return [{ from: 0, to: entry.offset, kind: 'legitimate', seq: entry.seq, process }];
  });
  if (consumption === undefined) return marked;
  const { topic, partition } = consumption;
  const seen = consumption.stretches.flatMap((stretch): Jump[] => {
    const { committed, outOfRange } = resumeOf(evidence, group, stretch);
    const states = [committed.certain, ...committed.possible];
    const isRemoved = states.some(({ offset, entry }) => offset === null && entry !== null);
    // A position may be found out of range in the middle of a stretch too, and then the jump is somewhere inside it.
    const isDeleted = deletionsOf(evidence.actions, topic, partition).some(
      ({ seq }) => seq < stretch.lastSeq,
    );
    const hasNone = stretch.opening === 'join' && states.some(({ entry }) => entry === null);
    const isReset = isRemoved || isDeleted || outOfRange !== null;
    if (!isReset && !hasNone) return [];
    const kind = isReset ? 'legitimate' : 're-resolved';
    const to = isDeleted ? stretch.last : stretch.first;
    return [{ from: 0, to, kind, seq: stretch.openSeq, process: stretch.process }];
  });
  return [...marked, ...seen];
}

/**
 * How far the group has certainly gone on: where the run settled up to the last marker, since a request of a producer
 * that has just ended may come in behind it; else to the last committed offset, or the last record finished in the
 * partition's last stretch.
 */
function passedUpTo(
  evidence: Evidence,
  group: GroupEvidence,
  log: PartitionLog,
  marker: number | undefined,
  consumption: PartitionConsumption | undefined,
): number {
  // An application may have had an offset committed that no record has.
  const entries = entriesOf(group, `${log.topic}/${log.partition}`);
  let done = entries.findLast(({ offset }) => offset === null || offset <= log.logEndOffset)?.offset ?? 0;
  for (const processing of consumption?.stretches.at(-1)?.processing ?? [])
    if (processing.outcome === 'ok') done = Math.max(done, processing.offset + 1);
  if (evidence.settled?.undrained.length !== 0) return done;
  return marker === undefined ? log.logEndOffset : Math.max(done, marker + 1);
}

const lastMarker = (log: PartitionLog): number | undefined =>
  log.offsets.findLast((offset) => log.recordAt.get(offset)?.startsWith(MARKER_PREFIX));
