/**
 * The duplicate ledger: the stretches of each partition enter, one entry per hand-over or restart leaves, with how many
 * records had to come again, how many were allowed to, and how many did; and beside it what no bound allows.
 */
import type { History } from '../harness/history/schema.ts';
import { withheldIn } from './coverage.ts';
import { eventsOf } from './evidence/by-kind.ts';
import type { PartitionConsumption, Processing, Stretch } from './evidence/consumption.ts';
import { CountingTree } from './evidence/counting-tree.ts';
import { type Evidence, evidenceOf, type GroupEvidence, isOutageWithin } from './evidence/evidence.ts';
import { positionsOf } from './evidence/positions.ts';
import { isStalledWithin } from './evidence/processes.ts';
import { type CommittedState, isOwned, mayHaveMovedOn, type Resume, resumeOf } from './evidence/resume.ts';
import { between, CLOCK_TOLERANCE_MS, lastBefore } from './evidence/values.ts';
import type { LedgerEntry } from './property.ts';

export type Cause = LedgerEntry['cause'];

/** A breach of the bounds, for the property to report. */
export interface BoundBreach {
  readonly kind:
    | 'after its commit'
    | 'without a cause'
    | 'of another owner'
    | 'two owners'
    | 'after giving it up'
    | 'not replayed';
  readonly stretch: Stretch;
  readonly cause: Cause;
  readonly offsets: readonly number[];
  /** How many there are; `offsets` names them where they are known one by one. */
  readonly count: number;
  /** The commit that covers them, for `after its commit`. */
  readonly committed: CommittedState | null;
  /** The processing that was repeated, and that repeated it, where there is one. */
  readonly earlier: Processing | null;
  readonly later: Processing | null;
}

export interface PartitionLedger {
  readonly entries: readonly LedgerEntry[];
  /** Why each stretch was opened. */
  readonly causes: ReadonlyMap<Stretch, Cause>;
  readonly breaches: readonly BoundBreach[];
}

const known = new WeakMap<Evidence, PartitionLedger[]>();

export function ledgersOf(evidence: Evidence): readonly PartitionLedger[] {
  let ledgers = known.get(evidence);
  if (ledgers === undefined) {
    ledgers = evidence.groups.flatMap((group) =>
      [...group.consumption.values()].map((consumption) => partitionLedger(evidence, group, consumption)),
    );
    known.set(evidence, ledgers);
  }
  return ledgers;
}

/** The ledger of one partition in one group, or undefined where nothing of it was consumed. */
export const ledgerOf = (evidence: Evidence, group: string, key: string): PartitionLedger | undefined =>
  ledgersOf(evidence).find(({ causes }) => {
    const [first] = causes.keys();
    return first !== undefined && first.group === group && first.key === key;
  });

/** All entries, in the order of time. */
export const duplicateLedger = (history: History): LedgerEntry[] =>
  ledgersOf(evidenceOf(history))
    .flatMap(({ entries }) => entries)
    .sort((a, b) => a.time - b.time || a.event - b.event);

/** From where records may be, and have to be, processed again. */
interface Bounds {
  /** The lowest offset at which a repetition is allowed. */
  readonly allowedFrom: number;
  /** The lowest offset from which repetition is due. */
  readonly dueFrom: number;
}

interface Opened {
  readonly stretch: Stretch;
  readonly cause: Cause;
  readonly previous: Stretch | null;
  readonly resume: Resume;
  readonly bounds: Bounds;
  mustReplay: number;
  mayReplay: number;
  readonly replayed: Set<number>;
}

/** Records that two members processed while both held the partition, as far as each of them knew. */
interface Overlap {
  readonly holder: Stretch;
  readonly other: Stretch;
  readonly cause: Cause;
  readonly offsets: Set<number>;
  readonly first: Processing;
}

function partitionLedger(
  evidence: Evidence,
  group: GroupEvidence,
  consumption: PartitionConsumption,
): PartitionLedger {
  const log = evidence.logs.get(consumption.key);
  const offsets = [...consumption.fates.keys()].sort((a, b) => a - b);
  const begun = new CountingTree(offsets);
  const done = new CountingTree(offsets);
  const opened = new Map<Stretch, Opened>();
  const overlaps = new Map<string, Overlap>();
  const breaches: BoundBreach[] = [];
  const firstBegun = new Map<number, Processing>();

  const steps = [
    ...consumption.stretches.map((stretch) => ({ seq: stretch.openSeq, order: 0, stretch })),
    ...consumption.processing.map((processing) => ({ seq: processing.seq, order: 1, processing })),
    ...consumption.processing.flatMap((processing) =>
      processing.endSeq !== null && processing.outcome === 'ok'
        ? [{ seq: processing.endSeq, order: 2, ended: processing.offset }]
        : [],
    ),
  ].sort((a, b) => a.seq - b.seq || a.order - b.order);

  let latest: Stretch | null = null;
  for (const step of steps) {
    if ('stretch' in step) {
      const { stretch } = step;
      const resume = resumeOf(evidence, group, stretch);
      const bounds = boundsOf(evidence, group, stretch, resume);
      const before = latest === null ? null : (opened.get(latest) ?? null);
      const cause = causeOf(evidence, group, stretch, before, resume);
      opened.set(stretch, {
        stretch,
        cause,
        previous: latest,
        resume,
        bounds,
        mustReplay: done.count(bounds.dueFrom, Number.POSITIVE_INFINITY),
        mayReplay: begun.count(bounds.allowedFrom, Number.POSITIVE_INFINITY),
        replayed: new Set(),
      });
      const missed = done.count(bounds.dueFrom, stretch.first);
      // A client that keeps its position over a rebalance goes on where it was; one that fetched it has to go back.
      const hasResumed = latest?.process !== stretch.process || resume.fetched !== null;
      if (missed > 0 && stretch.opening === 'join' && isOwned(stretch) && hasResumed)
        breaches.push({
          kind: 'not replayed',
          stretch,
          cause,
          offsets: offsets.filter((offset) => offset >= bounds.dueFrom && offset < stretch.first),
          count: missed,
          committed: resume.committed.certain,
          earlier: null,
          later: null,
        });
      latest = stretch;
    } else if ('processing' in step) {
      const { processing } = step;
      const { stretch, offset } = processing;
      const first = firstBegun.get(offset);
      if (first === undefined) {
        firstBegun.set(offset, processing);
        begun.add(offset);
      } else if (first.seq < stretch.openSeq) {
        opened.get(stretch)?.replayed.add(offset);
      } else if (first.stretch !== stretch) {
        noteOverlap(evidence, opened, overlaps, first, processing);
      }
    } else if (log === undefined || log.recordAt.has(step.ended)) {
      // A record that the log no longer has cannot come again.
      done.add(step.ended);
    }
  }

  const entries: LedgerEntry[] = [];
  for (const one of opened.values()) {
    breaches.push(...upperBreaches(one, firstBegun));
    entries.push(toEntry(one));
  }
  for (const overlap of overlaps.values()) {
    const breach = overlapBreach(evidence, overlap);
    if (breach !== null) breaches.push(breach);
    entries.push(overlapEntry(group, overlap, opened.get(overlap.holder)));
  }
  const causes = new Map([...opened].map(([stretch, { cause }]) => [stretch, cause]));
  return { entries, causes, breaches };
}

/**
 * After a join the bounds are the committed offset, or the interval of offsets that may have been the committed one.
 * Without one, `earliest` brings everything again and `latest` nothing that was not delivered.
 */
function boundsOf(
  evidence: Evidence,
  group: GroupEvidence,
  stretch: Stretch,
  { committed, outOfRange }: Resume,
): Bounds {
  const { first } = stretch;
  if (stretch.opening === 'seek') return { allowedFrom: first, dueFrom: first };
  if (stretch.opening === 'reset' || outOfRange !== null) return { allowedFrom: 0, dueFrom: first };
  const states = [committed.certain, ...committed.possible];
  // Inside one ownership the client goes on from what it had resolved, which nobody but the client knows: at the
  // latest from the record whose handler call failed, or the first record of that call, committed or not.
  if (stretch.opening === 'back') {
    const { before } = stretch;
    const isFailed = before?.processing.findLast(({ offset }) => offset === first)?.outcome !== 'ok';
    const isWholeCall = group.config.consumeMode === 'each-batch' && (before?.callStarts.has(first) ?? false);
    const isInPipeline = group.config.commitMode.kind === 'transaction';
    const mayRepeat =
      isFailed || isWholeCall || isUndone(evidence, stretch) || (isInPipeline && isUnfinished(stretch));
    const allowed = states.map((state) => inEffect(evidence, stretch, state));
    return { allowedFrom: Math.min(...allowed, ...(mayRepeat ? [first] : [])), dueFrom: first };
  }
  const isEarliest = group.config.autoOffsetReset === 'earliest';
  const due = states.map(({ offset }) => {
    if (offset === null) return isEarliest ? 0 : first;
    return mayHaveMovedOn(evidence, group, stretch, offset) ? first : offset;
  });
  return {
    allowedFrom: Math.min(...states.map(({ offset }) => offset ?? (isEarliest ? 0 : first))),
    dueFrom: Math.max(...due),
  };
}

/** Whether the transaction of the last handler call, which began there, did not come to its end: its records come again. */
const isUndone = ({ history }: Evidence, { process, first, before, openSeq }: Stretch): boolean =>
  before !== null &&
  first === Math.max(...before.callStarts) &&
  eventsOf(history, 'transaction-end').some(
    (event) =>
      event.process === process &&
      event.seq > before.lastSeq &&
      event.seq < openSeq &&
      (event.ending === 'abort' || event.outcome !== 'ok'),
  );

/** Whether the last handler call, which began there, failed: in a pipeline nothing of it counts before its transaction. */
const isUnfinished = ({ first, before }: Stretch): boolean =>
  before !== null &&
  first === Math.max(...before.callStarts) &&
  before.processing.some(({ offset, outcome }) => offset >= first && outcome !== 'ok');

/**
 * Where a member stands that has a committed offset and has committed nothing since. One that the log does not have,
 * which an operator may have set, stands for nothing that was done: the member is where its reset has led it.
 */
function inEffect(
  evidence: Evidence,
  { process, key, openSeq, before }: Stretch,
  state: CommittedState,
): number {
  const { offset, entry } = state;
  if (offset === null || entry === null) return 0;
  const { outOfRange, listed } = positionsOf(evidence.positions, process, key);
  const refused = outOfRange.findLast(
    (one) => one.seq < openSeq && one.offset === offset && one.time >= entry.time - CLOCK_TOLERANCE_MS,
  );
  if (refused === undefined) return offset;
  const resets = between(listed, refused.seq, openSeq).map((one) => one.offset);
  return resets.length > 0 ? Math.min(...resets) : (before?.first ?? offset);
}

function causeOf(
  evidence: Evidence,
  group: GroupEvidence,
  stretch: Stretch,
  previous: Opened | null,
  { committed, outOfRange }: Resume,
): Cause {
  if (previous === null) return 'first';
  if (stretch.opening === 'seek') return 'seek';
  if (stretch.opening === 'reset' || outOfRange !== null) return 'records-deleted';
  if (stretch.opening === 'back') return causeOfGoingBack(evidence, group, stretch);
  if (!isOwned(stretch) && !isWithheldFor(group, stretch)) return 'unexplained';
  const { certain } = committed;
  if (certain.entry !== null && certain.entry !== previous.resume.committed.certain.entry) {
    if (certain.entry.kind === 'removed') return 'offsets-deleted';
    if (certain.entry.kind === 'sentinel') return 'records-deleted';
  }
  return causeOfHandOver(evidence, stretch, previous.stretch);
}

/** A cooperative member works on what it has in hand of a partition that its generation keeps back for that (KIP-429). */
const isWithheldFor = (group: GroupEvidence, { join, key }: Stretch): boolean =>
  join?.generation != null && withheldIn(group, join.generation).get(key) === join.memberId;

function causeOfHandOver(evidence: Evidence, stretch: Stretch, previous: Stretch): Cause {
  const owner = evidence.processes.get(previous.process);
  if (owner === undefined) return 'rebalance';
  const { openTime, join } = stretch;
  const hasRestarted = owner.clientCrashes.some(({ seq }) => seq > previous.lastSeq && seq < stretch.openSeq);
  if (previous.process === stretch.process) {
    if (hasRestarted) return 'client-restart';
    return isStalledWithin(owner, previous.lastTime, openTime) ? 'stall' : 'rebalance';
  }
  // A member that is still in the new owner's generation has handed the partition over in an ordinary rebalance.
  const generation = join?.generation ?? null;
  const isStillMember = generation?.members.some((member) => member.clientId === previous.process) ?? false;
  if (isStillMember) return hasRestarted ? 'client-restart' : 'rebalance';
  const until = (generation?.time ?? openTime) + CLOCK_TOLERANCE_MS;
  const { order, exit } = owner;
  if (order !== null && order.time <= until) return order.kind === 'crash' ? 'crash' : 'leave';
  if (exit !== null && exit.time <= until) return 'crash';
  if (isStalledWithin(owner, previous.openTime, openTime)) return 'stall';
  return hasRestarted ? 'client-restart' : 'rebalance';
}

/**
 * Going back inside one ownership is explained by a handler call that did not end well: it threw, its commit failed, its
 * transaction was aborted, its heartbeat was refused, or a broker went away under it.
 */
function causeOfGoingBack(evidence: Evidence, group: GroupEvidence, stretch: Stretch): Cause {
  const { process, before, openSeq, openTime } = stretch;
  // Another partition's failure may have come one call earlier: what was queued then is still handed over once.
  const sinceSeq = before?.previousSeq ?? -1;
  const sinceTime = before?.lastTime ?? openTime;
  const owner = evidence.processes.get(process);
  if (owner !== undefined && isStalledWithin(owner, sinceTime, openTime)) return 'stall';
  const failure = lastBefore(failuresOf(evidence, group, process), openSeq);
  if (failure !== null && failure.seq > sinceSeq) return 'handler-failure';
  return isOutageWithin(evidence, sinceTime, openTime) ? 'handler-failure' : 'unexplained';
}

const failures = new WeakMap<GroupEvidence, Map<string, { seq: number }[]>>();

/** What can break off a handler call of a process, in its own order. */
function failuresOf(evidence: Evidence, group: GroupEvidence, process: string): readonly { seq: number }[] {
  let byProcess = failures.get(group);
  if (byProcess === undefined) {
    byProcess = new Map();
    for (const event of eventsOf(
      evidence.history,
      'processing-end',
      'application-commit-end',
      'commit-fail',
      'commit-unknown',
      'transaction-end',
      'wire-heartbeat',
      'wire-fetch-error',
      'client-crashed',
    )) {
      const isFailure =
        event.kind === 'processing-end'
          ? event.outcome === 'failed'
          : event.kind === 'transaction-end'
            ? event.ending === 'abort'
            : event.kind !== 'application-commit-end' || event.outcome !== 'ok';
      if (!isFailure || !('group' in event ? event.group === group.id : true)) continue;
      const list = byProcess.get(event.process) ?? [];
      list.push({ seq: event.seq });
      byProcess.set(event.process, list);
    }
    failures.set(group, byProcess);
  }
  return byProcess.get(process) ?? [];
}

function upperBreaches(one: Opened, firstBegun: ReadonlyMap<number, Processing>): BoundBreach[] {
  const { stretch, cause, bounds, replayed, resume } = one;
  const breach = (kind: BoundBreach['kind'], offsets: readonly number[]): BoundBreach[] => {
    const [offset] = offsets;
    if (offset === undefined) return [];
    return [
      {
        kind,
        stretch,
        cause,
        offsets,
        count: offsets.length,
        committed: resume.committed.certain,
        earlier: firstBegun.get(offset) ?? null,
        later: stretch.processing.find((processing) => processing.offset === offset) ?? null,
      },
    ];
  };
  const ordered = [...replayed].sort((a, b) => a - b);
  const beyond = ordered.filter((offset) => offset < bounds.allowedFrom);
  if (cause === 'unexplained')
    return isOwned(stretch) ? breach('without a cause', ordered) : breach('of another owner', ordered);
  return breach('after its commit', beyond);
}

/** Which of two overlapping stretches was the one whose ownership the coordinator had ended. */
function noteOverlap(
  evidence: Evidence,
  opened: ReadonlyMap<Stretch, Opened>,
  overlaps: Map<string, Overlap>,
  first: Processing,
  second: Processing,
): void {
  const [a, b] = [first.stretch, second.stretch];
  const [older, newer] =
    (a.join?.generation?.index ?? -1) <= (b.join?.generation?.index ?? -1) ? [a, b] : [b, a];
  const key = `${older.process} ${older.openSeq} ${newer.process} ${newer.openSeq}`;
  const found = overlaps.get(key);
  if (found !== undefined) {
    found.offsets.add(second.offset);
    return;
  }
  overlaps.set(key, {
    holder: older,
    other: newer,
    cause:
      older.process === newer.process
        ? (opened.get(b)?.cause ?? 'rebalance')
        : overlapCause(evidence, older, newer, second.time),
    offsets: new Set([second.offset]),
    first: second,
  });
}

function overlapCause(evidence: Evidence, older: Stretch, newer: Stretch, time: number): Cause {
  const [olderGeneration, newerGeneration] = [older.join?.generation ?? null, newer.join?.generation ?? null];
  // In one generation nobody has lost anything yet, so being stopped for a while excuses nothing.
  if (olderGeneration !== null && olderGeneration === newerGeneration) return 'unexplained';
  const owner = evidence.processes.get(older.process);
  return owner !== undefined && isStalledWithin(owner, older.openTime, time) ? 'stall' : 'rebalance';
}

/** Null where the overlap is a zombie's, which at-least-once allows. */
function overlapBreach(evidence: Evidence, overlap: Overlap): BoundBreach | null {
  const { holder, other, cause, offsets, first } = overlap;
  const ordered = [...offsets].sort((a, b) => a - b);
  const breach = (kind: BoundBreach['kind']): BoundBreach => ({
    kind,
    stretch: holder,
    cause,
    offsets: ordered,
    count: ordered.length,
    committed: null,
    earlier: null,
    later: first,
  });
  if (cause === 'unexplained')
    return breach(isOwned(holder) && isOwned(other) ? 'two owners' : 'of another owner');
  // A zombie does not know; a process that has joined again without the partition does.
  const own = holder.processing.findLast((processing) => offsets.has(processing.offset));
  if (own === undefined || holder.process === other.process) return null;
  const join = lastBefore(evidence.positions.joins.get(holder.process) ?? [], own.seq);
  const hasJoinedAgain = join !== null && join !== holder.join && join.seq > holder.openSeq;
  const isOwner = join?.generation?.owners.get(holder.key)?.includes(holder.process) ?? true;
  return hasJoinedAgain && !isOwner ? breach('after giving it up') : null;
}

const toEntry = ({
  stretch,
  cause,
  previous,
  resume,
  mustReplay,
  mayReplay,
  replayed,
}: Opened): LedgerEntry => ({
  group: stretch.group,
  topic: stretch.topic,
  partition: stretch.partition,
  cause,
  fromProcess: previous?.process ?? null,
  toProcess: stretch.process,
  time: stretch.openTime,
  committedOffset: committedText(resume, stretch),
  resumedOffset: String(stretch.first),
  mustReplay,
  mayReplay,
  replayed: replayed.size,
  event: stretch.openSeq,
});

/** Where it is uncertain which commit was in force, the one that the stretch did resume from. */
function committedText({ committed }: Resume, stretch: Stretch): string | null {
  const { certain, possible } = committed;
  const { offset } = possible.find((state) => state.offset === stretch.first) ?? certain;
  return offset === null ? null : String(offset);
}

/** The zombie's own share: nothing had to come again, and what it repeats is what it still had in hand. */
const overlapEntry = (group: GroupEvidence, overlap: Overlap, holder: Opened | undefined): LedgerEntry => ({
  group: group.id,
  topic: overlap.holder.topic,
  partition: overlap.holder.partition,
  cause: overlap.cause,
  fromProcess: overlap.other.process,
  toProcess: overlap.holder.process,
  time: overlap.first.time,
  committedOffset: holder === undefined ? null : committedText(holder.resume, overlap.holder),
  resumedOffset: String(Math.min(...overlap.offsets)),
  mustReplay: 0,
  mayReplay: overlap.offsets.size,
  replayed: overlap.offsets.size,
  event: overlap.holder.openSeq,
});
