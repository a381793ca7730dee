/**
 * Commits as the coordinator's log holds them and as they left the members' sockets: `commit-*` events enter, the
 * log's entries per partition in coordinator order and the requests with their outcomes leave, each matched to the
 * other by value and by coordinator order, never by the two clocks.
 */
import type { EventOf, History } from '../../harness/history/schema.ts';
import { eventsOf } from './by-kind.ts';
import type { GenerationEvidence } from './generations.ts';
import { CLOCK_TOLERANCE_MS, firstIndexWhere, listAt, mapAt, partitionKey, toOffset } from './values.ts';

/** One partition of one OffsetCommit request. */
export interface CommitRequest {
  readonly process: string;
  readonly group: string;
  readonly commit: number;
  readonly memberId: string;
  readonly generation: number;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly seq: number;
  readonly time: number;
  /** `refused`: the error says that the coordinator did not write it. Any other error, or none, is `unknown`. */
  readonly outcome: 'ok' | 'refused' | 'unknown';
  /** In a transaction: an answer without an error says nothing yet, so its outcome is `unknown` until it has an entry. */
  readonly isTransactional: boolean;
  /** Its transaction was aborted, so that it comes to nothing. */
  readonly isAborted: boolean;
  readonly error: string | null;
  readonly outcomeSeq: number | null;
  /** The entry that it became in the coordinator's log, or null. */
  readonly entry: CommitEntry | null;
}

/** What one record of the coordinator's log made of a partition's committed offset. */
export interface CommitEntry {
  /** `sentinel`: a negative offset was written, which reads back as none. */
  readonly kind: 'commit' | 'sentinel' | 'removed';
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  /** The committed offset after this entry, or null where it leaves none. */
  readonly offset: number | null;
  /** The value written; -1 where it was removed. */
  readonly value: number;
  /** Place in the partition's list of entries. */
  readonly index: number;
  readonly position: number;
  /** The place from which on it counts: its own, or that of the marker which commits its transaction. */
  readonly inForceFrom: number;
  readonly time: number;
  readonly seq: number;
  /** The generation that the coordinator had last written before it. */
  readonly generation: GenerationEvidence | null;
  /** The request that it came from, or null where none fits. */
  readonly request: CommitRequest | null;
}

/** One call of the application, with what it was told. */
export interface ApplicationCommit {
  readonly begin: EventOf<'application-commit'>;
  readonly end: EventOf<'application-commit-end'> | null;
}

export interface GroupCommits {
  /** By partition, in coordinator order. */
  readonly entries: ReadonlyMap<string, readonly CommitEntry[]>;
  /** In the order in which they left. */
  readonly requests: readonly CommitRequest[];
  readonly requestsByProcess: ReadonlyMap<string, readonly CommitRequest[]>;
  readonly applicationCommits: readonly ApplicationCommit[];
}

/** The answers after which the coordinator has certainly written nothing. */
const REFUSALS: ReadonlySet<string> = new Set([
  'ILLEGAL_GENERATION',
  'UNKNOWN_MEMBER_ID',
  'REBALANCE_IN_PROGRESS',
  'FENCED_INSTANCE_ID',
  'FENCED_MEMBER_EPOCH',
  'STALE_MEMBER_EPOCH',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_GROUP_ID',
  'GROUP_ID_NOT_FOUND',
  'OFFSET_METADATA_TOO_LARGE',
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
]);

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export function indexCommits(
  history: History,
  generations: ReadonlyMap<string, readonly GenerationEvidence[]>,
): Map<string, GroupCommits> {
  const requests = collectRequests(history);
  const entries = collectEntries(history, generations);
  const applicationCommits = collectApplicationCommits(history);
  const groups = new Map<string, GroupCommits>();
  for (const group of new Set([...requests.keys(), ...entries.keys(), ...applicationCommits.keys()])) {
    const groupEntries = entries.get(group) ?? new Map<string, Mutable<CommitEntry>[]>();
    const groupRequests = requests.get(group) ?? [];
    matchRequests(groupEntries, groupRequests);
    const requestsByProcess = new Map<string, CommitRequest[]>();
    for (const request of groupRequests) listAt(requestsByProcess, request.process).push(request);
    groups.set(group, {
      entries: groupEntries,
      requests: groupRequests,
      requestsByProcess,
      applicationCommits: applicationCommits.get(group) ?? [],
    });
  }
  return groups;
}

function collectRequests(history: History): Map<string, Mutable<CommitRequest>[]> {
  const outcomes = new Map<string, Map<number, EventOf<'commit-ok' | 'commit-fail' | 'commit-unknown'>>>();
  for (const event of eventsOf(history, 'commit-ok', 'commit-fail', 'commit-unknown'))
    mapAt(outcomes, event.process).set(event.commit, event);
  const ends = new Map<string, EventOf<'transaction-end'>[]>();
  for (const event of eventsOf(history, 'transaction-end')) listAt(ends, event.process).push(event);
  const requests = new Map<string, Mutable<CommitRequest>[]>();
  for (const event of eventsOf(history, 'commit-invoke')) {
    const outcome = outcomes.get(event.process)?.get(event.commit);
    const ofProcess = event.transactional === true ? (ends.get(event.process) ?? []) : [];
    const end = ofProcess[firstIndexWhere(ofProcess, ({ seq }) => seq > event.seq)];
    const isAborted = end?.ending === 'abort' && end.outcome === 'ok';
    const errors =
      outcome?.kind === 'commit-fail'
        ? new Map(
            outcome.errors.map(({ topic, partition, error }) => [partitionKey(topic, partition), error]),
          )
        : null;
    for (const { topic, partition, offset } of event.offsets) {
      const error = errors?.get(partitionKey(topic, partition)) ?? null;
      const wasAnswered = outcome !== undefined && outcome.kind !== 'commit-unknown';
      listAt(requests, event.group).push({
        process: event.process,
        group: event.group,
        commit: event.commit,
        memberId: event.memberId,
        generation: event.generation,
        topic,
        partition,
        offset: toOffset(offset),
        seq: event.seq,
        time: event.time,
        isTransactional: event.transactional === true,
        isAborted,
        outcome: !wasAnswered
          ? 'unknown'
          : error === null
            ? event.transactional === true
              ? 'unknown'
              : 'ok'
            : REFUSALS.has(error)
              ? 'refused'
              : 'unknown',
        error,
        outcomeSeq: outcome?.seq ?? null,
        entry: null,
      });
    }
  }
  return requests;
}

function collectEntries(
  history: History,
  generations: ReadonlyMap<string, readonly GenerationEvidence[]>,
): Map<string, Map<string, Mutable<CommitEntry>[]>> {
  const byGroup = new Map<string, EventOf<'commit-accepted' | 'commit-removed' | 'group-removed'>[]>();
  for (const event of eventsOf(history, 'commit-accepted', 'commit-removed', 'group-removed'))
    listAt(byGroup, event.group).push(event);
  const entries = new Map<string, Map<string, Mutable<CommitEntry>[]>>();
  for (const [group, events] of byGroup) {
    const byPartition = new Map<string, Mutable<CommitEntry>[]>();
    entries.set(group, byPartition);
    const groupGenerations = generations.get(group) ?? [];
    let next = 0;
    const ordered = events
      .map((event) => ({ event, position: toOffset(event.logPosition.offset) }))
      .sort((a, b) => a.position - b.position);
    for (const { event, position } of ordered) {
      while ((groupGenerations[next]?.position ?? Number.POSITIVE_INFINITY) < position) next += 1;
      const generation = groupGenerations[next - 1] ?? null;
      const inForceFrom =
        event.kind === 'commit-accepted' && event.transactionEnd !== undefined
          ? toOffset(event.transactionEnd)
          : position;
      const append = (
        list: Mutable<CommitEntry>[],
        topic: string,
        partition: number,
        kind: CommitEntry['kind'],
        value: number,
      ): void => {
        list.push({
          kind,
          group,
          topic,
          partition,
          offset: value < 0 ? null : value,
          value,
          index: list.length,
          position,
          inForceFrom,
          time: event.time,
          seq: event.seq,
          generation,
          request: null,
        });
      };
      if (event.kind === 'group-removed') {
        // The group's offsets go with it, whether or not each has a record of its own.
        for (const list of byPartition.values()) {
          const last = list.at(-1);
          if (last === undefined || last.kind === 'removed') continue;
          append(list, last.topic, last.partition, 'removed', -1);
        }
        continue;
      }
      const { topic, partition } = event;
      const list = listAt(byPartition, partitionKey(topic, partition));
      if (event.kind === 'commit-removed') append(list, topic, partition, 'removed', -1);
      else {
        const value = toOffset(event.offset);
        append(list, topic, partition, value < 0 ? 'sentinel' : 'commit', value);
      }
    }
  }
  return entries;
}

/**
 * Pairs requests with entries of the same partition and value. A confirmed request has to have an entry, so those are
 * served first; among equals the coordinator's order and the generation decide.
 */
/** What was written for certain before it was asked for is somebody else's, such as an operator's. */
const isBefore = (entry: CommitEntry, request: CommitRequest): boolean =>
  entry.time < request.time - CLOCK_TOLERANCE_MS;

function matchRequests(
  entries: ReadonlyMap<string, readonly Mutable<CommitEntry>[]>,
  requests: readonly Mutable<CommitRequest>[],
): void {
  /** By partition, then by value. */
  const free = new Map<string, Map<number, Mutable<CommitEntry>[]>>();
  for (const [key, list] of entries) {
    const byValue = mapAt(free, key);
    for (const entry of list) if (entry.kind !== 'removed') listAt(byValue, entry.value).push(entry);
  }

  // Cursors make repeated commits of one value linear: a passed entry is taken or belongs to another generation.
  const pass = (outcome: 'ok' | 'unknown', isStrict: boolean): void => {
    const cursorsOf = new Map<readonly CommitEntry[], Map<string, number>>();
    for (const request of requests) {
      if (request.outcome !== outcome || request.entry !== null || request.isAborted) continue;
      const candidates = free.get(partitionKey(request.topic, request.partition))?.get(request.offset);
      if (candidates === undefined) continue;
      if (candidates.length === 1) {
        // As nearly always: nothing to keep a place in.
        const [entry] = candidates;
        if (entry === undefined || entry.request !== null || isBefore(entry, request)) continue;
        if (isStrict && !mayComeFrom(request, entry)) continue;
        entry.request = request;
        request.entry = entry;
        continue;
      }
      const cursors = mapAt(cursorsOf, candidates);
      const cursorKey = isStrict ? `${request.generation} ${request.memberId}` : '';
      let cursor = cursors.get(cursorKey) ?? 0;
      for (; cursor < candidates.length; cursor += 1) {
        const entry = candidates[cursor];
        if (entry === undefined || entry.request !== null) continue;
        if (isBefore(entry, request)) continue;
        if (isStrict && !mayComeFrom(request, entry)) continue;
        entry.request = request;
        request.entry = entry;
        cursor += 1;
        break;
      }
      cursors.set(cursorKey, cursor);
    }
  };
  pass('ok', true);
  pass('ok', false);
  pass('unknown', true);
  pass('unknown', false);
}

/** What a transaction commits without the name of a member fits any generation: the coordinator's order alone decides. */
const mayComeFrom = (request: CommitRequest, entry: CommitEntry): boolean =>
  (request.isTransactional && request.memberId === '') || isOfGeneration(request, entry.generation);

/** Whether a request carries the identity of the generation that was current when the coordinator wrote the entry. */
export const isOfGeneration = (request: CommitRequest, generation: GenerationEvidence | null): boolean =>
  generation === null || !generation.isStable
    ? request.generation < 0
    : request.generation === generation.generation && generation.memberById.has(request.memberId);

function collectApplicationCommits(history: History): Map<string, ApplicationCommit[]> {
  const ends = new Map<string, EventOf<'application-commit-end'>>();
  for (const event of eventsOf(history, 'application-commit-end'))
    ends.set(`${event.process} ${event.call}`, event);
  const calls = new Map<string, ApplicationCommit[]>();
  for (const event of eventsOf(history, 'application-commit'))
    listAt(calls, event.group).push({
      begin: event,
      end: ends.get(`${event.process} ${event.call}`) ?? null,
    });
  return calls;
}
