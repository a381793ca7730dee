/**
 * Which committed offset was in force when a member took its position: a process, a partition and a place in the
 * history enter; the coordinator's state that it must have seen, and those that it may have seen, leave.
 */
import { isAltered } from './altered.ts';
import type { CommitEntry } from './commits.ts';
import type { Stretch } from './consumption.ts';
import { type Evidence, entriesOf, type GroupEvidence } from './evidence.ts';
import type { GenerationEvidence } from './generations.ts';
import { deletionsOf, isNextRecord, shownTo } from './logs.ts';
import { type FetchedOffset, type ListedOffset, type OutOfRange, positionsOf } from './positions.ts';
import { between, CLOCK_TOLERANCE_MS, firstIndexWhere, lastBefore, listAt, partitionKey } from './values.ts';

/** The committed offset of a partition at some moment. */
export interface CommittedState {
  /** Null: none. */
  readonly offset: number | null;
  /** The entry that made it so, or null before the first. */
  readonly entry: CommitEntry | null;
}

export interface CommittedAt {
  /** What had been written for certain. */
  readonly certain: CommittedState;
  /** What may have been written by then, in coordinator order. */
  readonly possible: readonly CommittedState[];
}

/**
 * Generations fence commits: once the coordinator has written a generation, only its members commit. So everything
 * before the record of the member's generation is certain, in coordinator order; after it, what the member itself was
 * told to be accepted is certain, and what lies near in time is possible.
 *
 * @param onItsWayMs how long what it was told may have been on its way, for which nothing fences a member by hand
 */
export function committedAt(
  group: GroupEvidence,
  key: string,
  process: string,
  generation: GenerationEvidence | null,
  seq: number,
  time: number,
  onItsWayMs = 0,
): CommittedAt {
  const entries = entriesOf(group, key);
  const floor =
    generation === null
      ? firstIndexWhere(entries, (entry) => entry.time >= time - CLOCK_TOLERANCE_MS - onItsWayMs)
      : firstNotInForce(entries, generation.position);
  const isCertain = ({ request }: CommitEntry): boolean =>
    request !== null &&
    request.process === process &&
    request.outcome === 'ok' &&
    request.outcomeSeq !== null &&
    request.outcomeSeq < seq;
  const isPossible = (entry: CommitEntry): boolean =>
    entry.request?.process === process ? entry.request.seq < seq : entry.time <= time + CLOCK_TOLERANCE_MS;
  let index =
    Math.max(
      floor,
      firstIndexWhere(entries, (entry) => entry.time > time + CLOCK_TOLERANCE_MS),
    ) - 1;
  const possible: CommittedState[] = [];
  for (; index >= floor; index -= 1) {
    const entry = entries[index];
    if (entry === undefined || isCertain(entry)) break;
    if (isPossible(entry)) possible.unshift({ offset: entry.offset, entry });
  }
  const entry = entries[index] ?? null;
  return { certain: { offset: entry?.offset ?? null, entry }, possible };
}

/** A commit of a transaction that ends later does not count yet, and never will where a later one counts already. */
function firstNotInForce(entries: readonly CommitEntry[], position: number): number {
  let first = firstIndexWhere(entries, (entry) => entry.position > position);
  while ((entries[first - 1]?.inForceFrom ?? position) > position) first -= 1;
  return first;
}

export interface Resume {
  readonly committed: CommittedAt;
  /** The coordinator's answer that the stretch started from; null without one on the wire. */
  readonly fetched: FetchedOffset | null;
  /**
   * The log ends or starts that it may have started from: all that it was told since it took up the ownership, since a
   * client that reads from several brokers may ask once for each; none without a tap.
   */
  readonly listed: readonly ListedOffset[];
  /** The position that was out of range, for a stretch that opened with a reset; without a tap, one that has to have been. */
  readonly outOfRange: OutOfRange | null;
}

/** How long an answer that a process has at some time may have been on its way, where its links hold. */
function slowestAnswerMs({ scenario, processes, actions }: Evidence, process: string, time: number): number {
  const id = processes.get(process)?.id;
  const slowed = actions.flatMap(({ action, fromTime, toTime }) =>
    action.kind === 'slow-link' &&
    action.link.process === id &&
    fromTime <= time &&
    toTime >= time - action.latencyMs.max
      ? [action.latencyMs.max]
      : [],
  );
  return Math.max(scenario.topology.network?.latencyMs.max ?? 0, ...slowed);
}

/** How a stretch came to its position. */
export function resumeOf(evidence: Evidence, group: GroupEvidence, stretch: Stretch): Resume {
  const { process, key, join, openSeq, openTime } = stretch;
  const { fetched, listed, outOfRange } = positionsOf(evidence.positions, process, key);
  const since = stretch.opening === 'join' ? (join?.seq ?? -1) : (stretch.before?.lastSeq ?? -1);
  const answer = lastBefore(fetched, openSeq);
  const ownAnswer = answer !== null && answer.seq > since ? answer : null;
  const resets = between(listed, since, openSeq);
  // A client that keeps its position over a rebalance asks for the log's end only once.
  const kept = resets.length === 0 && ownAnswer === null ? lastBefore(listed, openSeq) : null;
  // One that keeps its position over a rebalance may have been refused it before, and not have delivered anything since.
  const refusedSince =
    ownAnswer === null && stretch.opening === 'join' && answer !== null
      ? Math.max(answer.seq, stretch.before?.lastSeq ?? -1)
      : since;
  const told =
    stretch.opening === 'join' ? fetched.find(({ seq }) => seq > since && seq < openSeq) : undefined;
  // A fetch that was under way when it joined is answered later, and is of a position that it does not have any more; one for
  // what comes behind the records that it has in hand is of a position that it did not start from.
  const isStale = ({ seq, offset }: OutOfRange): boolean =>
    told?.offset != null && resets.length === 0 && (seq < told.seq || offset !== told.offset);
  const refused = lastBefore(
    outOfRange.filter((one) => !isStale(one)),
    openSeq,
  );
  const resolved =
    ownAnswer !== null && stretch.opening === 'join' ? ownAnswer : { seq: openSeq, time: openTime };
  const before = committedAt(
    group,
    key,
    process,
    join?.generation ?? null,
    resolved.seq,
    resolved.time,
    resolved === ownAnswer ? slowestAnswerMs(evidence, process, resolved.time) : 0,
  );
  const committed = { ...before, possible: [...before.possible, ...ownSince(group, stretch, resolved.seq)] };
  return {
    committed,
    fetched: ownAnswer,
    listed: kept === null ? resets : [kept],
    // What opened with a reset did so for the last refusal, even if a poll's records were still being worked on then.
    outOfRange:
      refused !== null && (refused.seq > refusedSince || stretch.opening === 'reset')
        ? refused
        : unseenOutOfRange(evidence, group, stretch, committed),
  };
}

/**
 * What the process has committed itself since it was told where to begin: the rest of what it had in hand over a rebalance
 * that left it the partition, behind which it goes on.
 */
const ownSince = (
  group: GroupEvidence,
  { process, key, openSeq, before }: Stretch,
  toldSeq: number,
): CommittedState[] =>
  before?.process !== process
    ? []
    : entriesOf(group, key).flatMap((entry) =>
        entry.request?.process === process &&
        entry.seq > toldSeq &&
        entry.seq < openSeq &&
        entry.value <= before.last + 1
          ? [{ offset: entry.offset, entry }]
          : [],
      );

/** An operator's offset above the log's end, from which a member whose traffic is not known has to start. */
function unseenOutOfRange(
  evidence: Evidence,
  group: GroupEvidence,
  { process, opening }: Stretch,
  { certain, possible }: CommittedAt,
): OutOfRange | null {
  const hasWire = evidence.processes.get(process)?.hasWire ?? false;
  if (hasWire || opening !== 'join') return null;
  const entry = [certain, ...possible].find((state) =>
    isAlteredAboveEnd(evidence, group, state.entry),
  )?.entry;
  if (entry == null) return null;
  const { seq, time, value: offset } = entry;
  return { seq, time, offset, namesEpoch: false, mayBeFollowers: false };
}

/** Whether an operator has set an offset that the log did not have then, as far as producers know. */
export const isAlteredAboveEnd = (
  evidence: Evidence,
  group: GroupEvidence,
  entry: CommitEntry | null,
): boolean =>
  entry !== null &&
  !group.hasWire &&
  isAltered(evidence, entry) &&
  entry.value > knownLogEndAt(evidence, entry.topic, entry.partition, entry.time - CLOCK_TOLERANCE_MS);

/** The generation in which the stretch was opened assigns the partition to its process, or nobody can tell. */
export const isOwned = (stretch: Stretch): boolean =>
  stretch.join?.generation == null ||
  (stretch.join.generation.owners.get(stretch.key)?.includes(stretch.process) ?? false);

/** Whether a member whose traffic is not known may simply have gone on where it was, over a rebalance. */
export const mayHaveKeptPosition = (
  evidence: Evidence,
  group: GroupEvidence,
  { process, key, before, first }: Stretch,
): boolean =>
  !(evidence.processes.get(process)?.hasWire ?? false) &&
  before !== null &&
  (isNextRecord(shownTo(group.config, evidence.logs.get(key)), before.last + 1, first) ||
    isWhereItStopped(group, before, first));

/** A cooperative member keeps its position, and its application may have gone back to what it had not worked on. */
const isWhereItStopped = (
  { config }: GroupEvidence,
  { delivered, processing }: Stretch,
  offset: number,
): boolean =>
  config.assignors?.includes('cooperative-sticky') === true &&
  delivered.has(offset) &&
  [...delivered].every(
    (one) =>
      one >= offset || processing.some(({ offset: begun, outcome }) => begun === one && outcome === 'ok'),
  );

/**
 * Whether a member that starts from a committed offset may have moved forward from it over any records: they may have
 * been deleted before it got there, and then its position was out of range and `latest` moved it to the log's end.
 */
export function mayHaveMovedOn(
  evidence: Evidence,
  group: GroupEvidence,
  stretch: Stretch,
  offset: number,
): boolean {
  const log = evidence.logs.get(stretch.key);
  if (log === undefined || stretch.first < offset || offset >= log.logStartOffset) return false;
  return (
    group.config.autoOffsetReset === 'latest' &&
    deletionsOf(evidence.actions, stretch.topic, stretch.partition).some(({ seq }) => seq < stretch.openSeq)
  );
}

/**
 * Whether a member whose traffic is not known may have been moved to the log's end in the middle of a stretch: what it was
 * reading had been deleted, and nothing shows that but the gap.
 */
export const mayHaveBeenReset = (
  evidence: Evidence,
  { config }: GroupEvidence,
  process: string,
  topic: string,
  partition: number,
  beforeSeq: number,
): boolean =>
  !(evidence.processes.get(process)?.hasWire ?? false) &&
  config.autoOffsetReset === 'latest' &&
  deletionsOf(evidence.actions, topic, partition).some(({ seq }) => seq < beforeSeq);

/**
 * Whether a member whose group has no committed offset may deliver this offset first, by `auto.offset.reset`.
 * @returns null where it may, else why not
 */
export function resetBreach(
  evidence: Evidence,
  group: GroupEvidence,
  stretch: Stretch,
  listed: readonly ListedOffset[],
): string | null {
  const log = shownTo(group.config, evidence.logs.get(stretch.key));
  const policy = group.config.autoOffsetReset;
  if (policy === 'none') return 'auto.offset.reset none forbids a start without a committed offset';
  if (policy === 'earliest') {
    const firstHeld = log?.offsets[0];
    return firstHeld === undefined || stretch.first <= firstHeld
      ? null
      : `auto.offset.reset earliest asks for offset ${firstHeld}, the first that the log still holds`;
  }
  const ends = listed.filter(({ at }) => at === 'latest');
  if (ends.length > 0)
    return ends.some(({ offset }) => isNextRecord(log, offset, stretch.first))
      ? null
      : `the log end that it was told is ${[...new Set(ends.map(({ offset }) => offset))].join(', then ')}`;
  // Without the answer, and with brokers that may lose an acknowledged tail, the end at that time is not known.
  if (listed.length > 0 || evidence.outages.length > 0) return null;
  const since = stretch.join ?? evidence.processes.get(stretch.process) ?? null;
  const sinceTime = since === null ? stretch.openTime : 'time' in since ? since.time : since.startTime;
  const end = knownLogEndAt(evidence, stretch.topic, stretch.partition, sinceTime - CLOCK_TOLERANCE_MS);
  return stretch.first >= end
    ? null
    : `auto.offset.reset latest asks for the log's end, and offset ${end - 1} had been acknowledged before`;
}

const acknowledged = new WeakMap<Evidence, Map<string, { time: number; end: number }[]>>();

/** The smallest log end that the partition can have had at that time: one past what producers knew to be written. */
function knownLogEndAt(evidence: Evidence, topic: string, partition: number, time: number): number {
  let byPartition = acknowledged.get(evidence);
  if (byPartition === undefined) {
    byPartition = new Map();
    for (const send of [...evidence.producing.sends].sort(
      (a, b) => (a.outcomeTime ?? 0) - (b.outcomeTime ?? 0),
    )) {
      if (send.outcome !== 'ok' || send.outcomeTime === null) continue;
      for (const { partition, baseOffset } of send.answers) {
        if (baseOffset < 0) continue;
        const key = partitionKey(send.topic, partition);
        const ends = listAt(byPartition, key);
        const places = send.records
          .flatMap((record) => evidence.locations.get(record) ?? [])
          .filter((place) => place.topic === send.topic && place.partition === partition);
        const end = places.reduce((most, { offset }) => Math.max(most, offset + 1), baseOffset + 1);
        ends.push({ time: send.outcomeTime, end: Math.max(ends.at(-1)?.end ?? 0, end) });
      }
    }
    acknowledged.set(evidence, byPartition);
  }
  const ends = byPartition.get(partitionKey(topic, partition)) ?? [];
  return ends[firstIndexWhere(ends, (one) => one.time > time) - 1]?.end ?? 0;
}
