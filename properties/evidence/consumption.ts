/**
 * What each group's members were given and did, as stretches: deliveries and processing enter; per partition, runs of
 * offsets that one process was given in one ownership without going back leave.
 */
import type { History } from '../../harness/history/schema.ts';
import { eventsOf } from './by-kind.ts';
import { owns } from './generations.ts';
import { handedOverAt } from './hand-overs.ts';
import type { PartitionLog } from './logs.ts';
import { isNextRecord, shownTo } from './logs.ts';
import { holdingJoin, type Join, type PositionEvidence, positionsOf } from './positions.ts';
import { between, lastBefore, listAt, partitionKey, toOffset } from './values.ts';

/** One attempt to process one record. */
export interface Processing {
  readonly process: string;
  readonly offset: number;
  readonly record: string | null;
  readonly seq: number;
  readonly time: number;
  readonly outcome: 'ok' | 'failed' | null;
  readonly endSeq: number | null;
  readonly endTime: number | null;
  readonly stretch: Stretch;
}

/** Consecutive offsets delivered by one process in one ownership without going back. */
export interface Stretch {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly process: string;
  /** The ownership: the join by which the process held the partition; null where the history shows none. */
  readonly join: Join | null;
  /** What came before it: a join, a position found out of range, a seek, or going back inside the ownership. */
  readonly opening: 'join' | 'reset' | 'seek' | 'back';
  readonly first: number;
  readonly last: number;
  readonly openSeq: number;
  readonly openTime: number;
  /** The last handler call, and the one before it (or the join, where it is the only one). */
  readonly lastSeq: number;
  readonly previousSeq: number;
  readonly lastTime: number;
  /** When the client gave the records of the last handler call to the application: that of the poll, where there is one. */
  readonly lastHandedTime: number;
  /** The offsets delivered in it. */
  readonly delivered: ReadonlySet<number>;
  /** The first offset of each handler call. */
  readonly callStarts: ReadonlySet<number>;
  /** In the order of their beginning. */
  readonly processing: readonly Processing[];
  /** The stretch of the same process and partition before it. */
  readonly before: Stretch | null;
}

/** What became of one offset in a group. */
export interface OffsetFate {
  /** The last time that it was delivered, and in which stretch. */
  delivered: { readonly seq: number; readonly stretch: Stretch } | null;
  /** The first beginning. */
  begun: Processing | null;
  /** The first that ended well. */
  done: Processing | null;
  /** The last that failed. */
  failed: Processing | null;
}

export interface PartitionConsumption {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  /** In the order of their opening. */
  readonly stretches: readonly Stretch[];
  /** All processing, in the order of its beginning. */
  readonly processing: readonly Processing[];
  readonly fates: ReadonlyMap<number, OffsetFate>;
}

/** What a seek to the beginning of a log says in place of an offset. */
const BEGINNING = -2;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type OpenStretch = Mutable<Omit<Stretch, 'delivered' | 'callStarts' | 'processing'>> & {
  delivered: Set<number>;
  callStarts: Set<number>;
  processing: Mutable<Processing>[];
};
/** One handler call. */
interface HandOver {
  readonly process: string;
  readonly seq: number;
  readonly time: number;
  readonly handedTime: number;
}
type Building = {
  group: string;
  topic: string;
  partition: number;
  key: string;
  stretches: OpenStretch[];
  processing: Mutable<Processing>[];
  fates: Map<number, OffsetFate>;
  byProcess: Map<string, OfProcess>;
};
/** A process's part in one partition: its stretches, newest last, and by offset what has begun and not ended. */
type OfProcess = { stretches: OpenStretch[]; running: Map<number, Mutable<Processing>[]> };

/** By group, then by partition. */
export type ConsumptionEvidence = ReadonlyMap<string, ReadonlyMap<string, PartitionConsumption>>;

export function indexConsumption(
  history: History,
  positions: PositionEvidence,
  logs: ReadonlyMap<string, PartitionLog>,
): ConsumptionEvidence {
  const groups = new Map<string, Map<string, Building>>();
  const configs = new Map(history.start.scenario.groups.map((group) => [group.id, group]));

  const building = (group: string, topic: string, partition: number): Building => {
    let partitions = groups.get(group);
    if (partitions === undefined) {
      partitions = new Map();
      groups.set(group, partitions);
    }
    const key = partitionKey(topic, partition);
    let found = partitions.get(key);
    if (found === undefined) {
      found = {
        group,
        topic,
        partition,
        key,
        stretches: [],
        processing: [],
        fates: new Map(),
        byProcess: new Map(),
      };
      partitions.set(key, found);
    }
    return found;
  };

  const deliver = (
    of: Building,
    offset: number,
    { process, seq, time, handedTime }: HandOver,
  ): OpenStretch => {
    const { stretches } = ofProcess(of, process);
    const config = configs.get(of.group);
    const log = config === undefined ? logs.get(of.key) : shownTo(config, logs.get(of.key));
    const next = continued(stretches, positions, log, of.key, offset, { process, seq, time, handedTime });
    let current: OpenStretch;
    if ('delivered' in next) current = next;
    else {
      const join = holdingJoin(positions, process, of.key, seq);
      current = {
        group: of.group,
        topic: of.topic,
        partition: of.partition,
        key: of.key,
        process,
        join,
        opening: next.opening,
        first: offset,
        last: offset,
        openSeq: seq,
        openTime: time,
        lastSeq: seq,
        previousSeq: join?.seq ?? -1,
        lastTime: time,
        lastHandedTime: handedTime,
        delivered: new Set(),
        callStarts: new Set(),
        processing: [],
        before: stretches.at(-1) ?? null,
      };
      stretches.push(current);
      of.stretches.push(current);
    }
    current.delivered.add(offset);
    current.last = Math.max(current.last, offset);
    if (seq !== current.lastSeq) current.previousSeq = current.lastSeq;
    current.lastSeq = seq;
    current.lastTime = time;
    current.lastHandedTime = handedTime;
    fateOf(of, offset).delivered = { seq, stretch: current };
    return current;
  };

  for (const event of eventsOf(history, 'delivery', 'processing-begin', 'processing-end')) {
    if (event.kind === 'delivery') {
      const of = building(event.group, event.topic, event.partition);
      const { process, seq, time } = event;
      const handOver = { process, seq, time, handedTime: handedOverAt(event, history.start.scenario) };
      for (const [i, text] of event.offsets.entries()) {
        const offset = toOffset(text);
        const stretch = deliver(of, offset, handOver);
        if (i === 0) stretch.callStarts.add(offset);
      }
    } else if (event.kind === 'processing-begin') {
      const of = building(event.group, event.topic, event.partition);
      const offset = toOffset(event.offset);
      const { stretches, running } = ofProcess(of, event.process);
      const stretch =
        stretches.findLast((one) => one.delivered.has(offset)) ??
        // A driver that does not announce deliveries: the processing itself is the evidence.
        deliver(of, offset, { ...event, handedTime: event.time });
      const processing: Mutable<Processing> = {
        process: event.process,
        offset,
        record: event.record,
        seq: event.seq,
        time: event.time,
        outcome: null,
        endSeq: null,
        endTime: null,
        stretch,
      };
      stretch.processing.push(processing);
      of.processing.push(processing);
      fateOf(of, offset).begun ??= processing;
      listAt(running, offset).push(processing);
    } else {
      const of = building(event.group, event.topic, event.partition);
      const offset = toOffset(event.offset);
      const { running } = ofProcess(of, event.process);
      const begun = running.get(offset);
      const processing = begun?.shift();
      if (begun?.length === 0) running.delete(offset);
      if (processing === undefined)
        throw new Error(`event ${event.seq} ends a processing that never began (${of.key} offset ${offset})`);
      processing.outcome = event.outcome;
      processing.endSeq = event.seq;
      processing.endTime = event.time;
      const fate = fateOf(of, offset);
      if (event.outcome === 'ok') fate.done ??= processing;
      else fate.failed = processing;
    }
  }
  return groups;
}

/** What became of each offset, ascending. */
export function fatesInOrder({ fates }: PartitionConsumption): readonly OffsetFate[] {
  let before = Number.NEGATIVE_INFINITY;
  for (const offset of fates.keys()) {
    if (offset < before) return [...fates].sort(([a], [b]) => a - b).map(([, fate]) => fate);
    before = offset;
  }
  // As most of them are when nobody went back.
  return [...fates.values()];
}

function ofProcess(of: Building, process: string): OfProcess {
  let found = of.byProcess.get(process);
  if (found === undefined) {
    found = { stretches: [], running: new Map() };
    of.byProcess.set(process, found);
  }
  return found;
}

function fateOf(of: Building, offset: number): OffsetFate {
  let fate = of.fates.get(offset);
  if (fate === undefined) {
    fate = { delivered: null, begun: null, done: null, failed: null };
    of.fates.set(offset, fate);
  }
  return fate;
}

/**
 * The stretch that a delivery goes on with, or how a new one opens.
 *
 * After a join, a delivery that goes on exactly where the process was, before it has learnt a position for the new
 * ownership, is left over from the old one: a batch still in hand, or a client that keeps its position.
 */
function continued(
  stretches: readonly OpenStretch[],
  positions: PositionEvidence,
  log: PartitionLog | undefined,
  key: string,
  offset: number,
  { process, seq, time, handedTime }: HandOver,
): OpenStretch | { opening: Stretch['opening'] } {
  const current = stretches.at(-1);
  const { fetched, listed, outOfRange, sought } = positionsOf(positions, process, key);
  const isSought = between(sought, current?.openSeq ?? -1, seq).some((seek) =>
    seek.offset >= 0
      ? isNextRecord(log, seek.offset, offset)
      : (seek.offset === BEGINNING && isNextRecord(log, 0, offset)) ||
        between(listed, seek.seq, seq).some((end) => isNextRecord(log, end.offset, offset)),
  );
  if (current === undefined) return { opening: isSought ? 'seek' : 'join' };
  const join = holdingJoin(positions, process, key, seq);
  const hasTap = positions.positions.has(process);
  if (isSought && !isNextRecord(log, current.last + 1, offset)) return { opening: 'seek' };
  const goesOn = (stretch: OpenStretch): boolean => isNextRecord(log, stretch.last + 1, offset);
  if (join !== null && join.seq > (current.join?.seq ?? -1)) {
    const answers = between(fetched, join.seq, seq);
    const resets = between(listed, join.seq, seq);
    // Without a committed offset, or with one that was refused, it begins at an end of the log.
    const isReset =
      answers.some(({ offset: at }) => at === null) ||
      (answers.length > 0 && between(outOfRange, join.seq, seq).length > 0);
    const isAtPosition =
      answers.some(({ offset: at }) => (at === null ? resets.length === 0 : isNextRecord(log, at, offset))) ||
      (isReset && resets.some(({ offset: at }) => isNextRecord(log, at, offset)));
    const isMember = hasTap || isSameMember(positions, process, current, seq);
    const isKept =
      isMember && answers.length + resets.length === 0 && hasKept(positions, process, key, current, seq);
    // Without a tap nobody knows what it has learnt, so every other ownership counts as a new start.
    if ((hasTap || isKept) && goesOn(current) && !isAtPosition) return current;
    return { opening: isKept && offset <= current.last ? 'back' : 'join' };
  }
  // A refusal changes nothing of what a poll had handed over before it.
  const isPolled = handedTime < time || current.lastHandedTime < current.lastTime;
  const isRefused = isPolled
    ? outOfRange.some((one) => one.time > current.lastHandedTime && one.time <= handedTime)
    : (lastBefore(outOfRange, seq)?.seq ?? -1) > current.lastSeq;
  if (isRefused) return { opening: 'reset' };
  if (offset > current.last && (stretches.length === 1 || goesOn(current))) return current;
  // Handed over before and not taken up: an application that resolves a batch in part is given the rest again.
  if (current.delivered.has(offset) && current.processing.every((one) => one.offset < offset)) return current;
  // Who has gone back since has nothing of the old ownership in hand any more.
  const leftOver = current.opening === 'back' ? undefined : stretches.at(-2);
  if (leftOver !== undefined && wasInHand(leftOver, current.join) && goesOn(leftOver)) return leftOver;
  return offset > current.last ? current : { opening: 'back' };
}

/** Whether every rebalance since then left the partition with the process, as only cooperative ones do (KIP-429). */
const hasKept = (
  positions: PositionEvidence,
  process: string,
  key: string,
  { join }: OpenStretch,
  seq: number,
): boolean =>
  join !== null &&
  between(positions.joins.get(process) ?? [], join.seq - 1, seq).every(
    ({ generation }) => generation?.event.protocol === 'cooperative-sticky' && owns(generation, process, key),
  );

/** Whether it has taken part in every rebalance since then, so that it cannot have lost and found what it owns. */
function isSameMember(
  positions: PositionEvidence,
  process: string,
  { join }: OpenStretch,
  seq: number,
): boolean {
  const joins = join === null ? [] : between(positions.joins.get(process) ?? [], join.seq - 1, seq);
  return joins.every(
    ({ memberId, generation }, i) =>
      memberId === join?.memberId &&
      generation?.generation === (join.generation?.generation ?? Number.NaN) + i,
  );
}

/** Whether a handler call of the old ownership was still running, or another one came, when the new one began. */
function wasInHand(stretch: OpenStretch, join: Join | null): boolean {
  if (join === null || stretch.join === join) return false;
  const last = stretch.processing.at(-1);
  const wasRunning =
    last !== undefined && last.seq < join.seq && (last.endSeq === null || last.endSeq > join.seq);
  return wasRunning || stretch.lastSeq > join.seq;
}
