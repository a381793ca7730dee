/**
 * What breaks a legal history: a history and a number enter, the same history with one thing gone wrong leaves, with
 * the property that has to see it; null where the history offers no place for it.
 */
import { copyOf } from '../../harness/client/application/copy-of.ts';
import {
  type EventKind,
  type EventOf,
  type History,
  type HistoryEvent,
  MARKER_PREFIX,
} from '../../harness/history/schema.ts';
import { evidenceOf, hadToDrain } from '../evidence/evidence.ts';
import { assignedPartitions } from '../evidence/generations.ts';
import { firstDeliveriesOf } from '../evidence/hand-overs.ts';
import { positionsOf } from '../evidence/positions.ts';
import { isRunningAt } from '../evidence/processes.ts';
import { CLOCK_TOLERANCE_MS, partitionKey, partitionOf, toOffset } from '../evidence/values.ts';

export interface Mutation {
  readonly name: string;
  readonly property: string;
  /** A signature that it has to be seen by, where one property has several. */
  readonly signature?: string;
  /** @param draw chooses among the places */
  apply(history: History, draw: number): History | null;
}

/** A copy whose events can be changed without changing the original. */
const copy = (history: History): HistoryEvent[] => structuredClone(history.events) as HistoryEvent[];

/** Numbers events anew; times keep their order because additions are made in place. */
const asHistory = (events: HistoryEvent[]): History => {
  const numbered = events.map((event, seq) => ({ ...event, seq }) as HistoryEvent);
  return { start: numbered[0] as EventOf<'start'>, events: numbered };
};

const pick = <T>(items: readonly T[], draw: number): T | undefined => items[draw % Math.max(1, items.length)];

const ofKind = <K extends EventKind>(events: readonly HistoryEvent[], kind: K): EventOf<K>[] =>
  events.filter((event): event is EventOf<K> => event.kind === kind);

const isAbout = (event: HistoryEvent, topic: string, partition: number): boolean =>
  'topic' in event && 'partition' in event && event.topic === topic && event.partition === partition;

const insertAfter = (events: HistoryEvent[], seq: number, added: readonly HistoryEvent[]): History =>
  asHistory([...events.slice(0, seq + 1), ...added, ...events.slice(seq + 1)]);

/** The last accepted commits with a confirmed request, of partitions whose offset is not removed later. */
const confirmedCommits = (history: History) =>
  evidenceOf(history).groups.flatMap((group) =>
    [...group.commits.entries.values()].flatMap((entries) =>
      entries.flatMap((entry) => {
        const { request } = entry;
        return entry.kind === 'commit' && request?.outcome === 'ok' && request.entry === entry
          ? [{ group, entry, request, next: entries[entry.index + 1] ?? null }]
          : [];
      }),
    ),
  );

export const mutations: readonly Mutation[] = [
  {
    name: 'a processed record was never processed',
    property: 'at-least-once',
    apply(history, draw) {
      const evidence = evidenceOf(history);
      const drained = evidence.groups.filter((group) => hadToDrain(evidence, group));
      const places = drained.flatMap((group) =>
        [...group.consumption.values()].flatMap(({ topic, partition, fates }) =>
          [...fates]
            .filter(([offset]) => evidence.logs.get(partitionKey(topic, partition))?.recordAt.has(offset))
            .filter(([, fate]) => fate.done !== null)
            .map(([offset]) => ({ group: group.id, topic, partition, offset: String(offset) })),
        ),
      );
      const place = pick(places, draw);
      // With latest and nothing committed, a reset may explain what was not processed.
      if (place === undefined || evidence.scenario.groups.some((group) => group.autoOffsetReset === 'latest'))
        return null;
      return asHistory(
        copy(history).filter(
          (event) =>
            (event.kind !== 'processing-begin' && event.kind !== 'processing-end') ||
            event.group !== place.group ||
            !isAbout(event, place.topic, place.partition) ||
            event.offset !== place.offset,
        ),
      );
    },
  },
  {
    name: 'a partition is assigned to a second member',
    property: 'exclusive-assignment',
    apply(history, draw) {
      const events = copy(history);
      const generation = pick(
        ofKind(events, 'group-generation').filter(({ members }) => members.length > 1),
        draw,
      );
      const owner = generation?.members.find(({ assignment }) => assignment.length > 0);
      const other = generation?.members.find((member) => member !== owner);
      if (owner === undefined || other === undefined) return null;
      const [taken] = owner.assignment;
      if (taken === undefined) return null;
      other.assignment.push({ topic: taken.topic, partitions: taken.partitions.slice(0, 1) });
      return asHistory(events);
    },
  },
  {
    name: 'a partition is assigned to nobody',
    property: 'complete-assignment',
    apply(history, draw) {
      const events = copy(history);
      const shares = ofKind(events, 'group-generation')
        .flatMap(({ members }) => members)
        .flatMap(({ assignment }) => assignment)
        // The highest number may be taken for one that is only being added.
        .filter(({ partitions }) => partitions.includes(0));
      const share = pick(shares, draw);
      if (share === undefined) return null;
      share.partitions = share.partitions.filter((partition) => partition !== 0);
      return asHistory(events);
    },
  },
  {
    name: 'a partition moves at once in a group that is cooperative',
    property: 'cooperative-handover',
    apply(history) {
      const { groups, positions } = evidenceOf(history);
      const moves = groups.some(({ generations }) =>
        generations.some((generation, index) =>
          generations[index - 1]?.members.some((member) => {
            const { memberId, clientId } = member;
            const joins = positions.joins.get(clientId) ?? [];
            return (
              generation.memberById.has(memberId) &&
              joins.some((join) => join.generation === generations[index - 1]) &&
              assignedPartitions(member).some((key) => generation.owners.get(key)?.[0] !== clientId)
            );
          }),
        ),
      );
      // A member that was refused has nothing to give up.
      const isRefused = history.events.some(({ kind }) => kind === 'commit-fail');
      if (!moves || isRefused) return null;
      const events = copy(history);
      for (const { scenario } of ofKind(events, 'start'))
        for (const group of scenario.groups) group.assignors = ['cooperative-sticky'];
      return asHistory(events);
    },
  },
  {
    name: 'one member is given everything and another nothing',
    property: 'idle-member',
    apply(history, draw) {
      const events = copy(history);
      const generation = pick(
        ofKind(events, 'group-generation').filter(
          ({ members }) =>
            members.length > 1 &&
            members
              .flatMap((member) => member.assignment)
              .flatMap((one) => (one.topic === 'orders' ? one.partitions : [])).length > 1,
        ),
        draw,
      );
      if (generation === undefined) return null;
      const all = generation.members.flatMap((member) => member.assignment);
      const merged = [...new Set(all.map(({ topic }) => topic))].map((topic) => ({
        topic,
        partitions: all.flatMap((one) => (one.topic === topic ? one.partitions : [])),
      }));
      for (const [i, member] of generation.members.entries()) member.assignment = i === 0 ? merged : [];
      return asHistory(events);
    },
  },
  {
    name: 'a confirmed commit disappears from the log',
    property: 'no-lost-commit',
    apply(history, draw) {
      const lost = pick(confirmedCommits(history), draw);
      return lost === undefined
        ? null
        : asHistory(copy(history).filter((event) => event.seq !== lost.entry.seq));
    },
  },
  {
    name: 'a commit goes back',
    property: 'commit-monotonic',
    apply(history, draw) {
      const places = confirmedCommits(history).filter(({ entry, next }) => entry.value > 0 && next === null);
      const last = pick(places, draw);
      if (last === undefined) return null;
      const events = copy(history);
      const [accepted, invoked] = [events[last.entry.seq], events[last.request.seq]];
      if (accepted?.kind !== 'commit-accepted' || invoked?.kind !== 'commit-invoke') return null;
      const offset = String(last.entry.value - 1);
      const { topic, partition } = last.entry;
      const about = { process: last.request.process, group: last.group.id, time: accepted.time };
      return insertAfter(events, last.request.outcomeSeq ?? last.entry.seq, [
        { ...invoked, ...about, commit: 9_999, offsets: [{ topic, partition, offset }] },
        { ...accepted, offset, logPosition: { partition: 0, offset: '999999' } },
        { ...about, kind: 'commit-ok', commit: 9_999, seq: 0 },
      ]);
    },
  },
  {
    name: 'an accepted commit came from an old generation',
    property: 'owned-commit',
    apply(history, draw) {
      const commit = pick(confirmedCommits(history), draw);
      const events = copy(history);
      const invoked = commit === undefined ? undefined : events[commit.request.seq];
      if (invoked?.kind !== 'commit-invoke') return null;
      invoked.generation -= 1;
      return asHistory(events);
    },
  },
  {
    name: 'a member commits what another one owns',
    property: 'owned-commit',
    apply(history, draw) {
      const events = copy(history);
      const places = confirmedCommits(history).filter(
        ({ entry }) => (entry.generation?.members.length ?? 0) > 1,
      );
      const commit = pick(places, draw);
      const generation = commit?.entry.generation;
      const other = generation?.members.find(({ memberId }) => memberId !== commit?.request.memberId);
      const invoked = commit === undefined ? undefined : events[commit.request.seq];
      if (invoked?.kind !== 'commit-invoke' || other === undefined) return null;
      invoked.memberId = other.memberId;
      return asHistory(events);
    },
  },
  {
    name: 'a new owner skips the first record that is due',
    property: 'explained-resume',
    apply: (history, draw) => skipFirst(history, draw, 'committed'),
  },
  {
    name: 'a group without a commit skips the first record that is due',
    property: 'offset-reset',
    apply: (history, draw) => skipFirst(history, draw, 'none'),
  },
  {
    name: 'a member processes a record again for no reason',
    property: 'duplicate-bound',
    apply(history, draw) {
      const evidence = evidenceOf(history);
      const { settled } = evidence;
      const places = evidence.groups.flatMap((group) =>
        [...group.consumption.values()].flatMap(({ stretches }) => {
          const last = stretches.at(-1);
          const owner = evidence.processes.get(last?.process ?? '');
          if (last === undefined || owner === undefined || settled === null) return [];
          // The member still is where it was, and nothing of late would explain it.
          const isThere =
            isRunningAt(owner, settled.seq) &&
            evidence.positions.joins.get(owner.process)?.at(-1) === last.join;
          const isCalm = owner.stalls.length === 0 && evidence.outages.length === 0;
          return isThere && isCalm && last.delivered.size > 2 ? [{ group, last }] : [];
        }),
      );
      const place = pick(places, draw);
      if (place === undefined || settled === null) return null;
      const { last, group } = place;
      const recent = last.processing.slice(-3);
      if (recent.length < 3 || recent.some(({ outcome }) => outcome !== 'ok')) return null;
      const repeated = last.processing.at(-2);
      if (repeated === undefined) return null;
      const about = { process: last.process, group: group.id, topic: last.topic, partition: last.partition };
      const offset = String(repeated.offset);
      const time = settled.time;
      return insertAfter(copy(history), settled.seq - 1, [
        { ...about, kind: 'delivery', offsets: [offset], time, seq: 0 },
        { ...about, kind: 'processing-begin', offset, record: repeated.record, time, seq: 0 },
        { ...about, kind: 'processing-end', offset, outcome: 'ok', time, seq: 0 },
      ]);
    },
  },
  {
    name: 'a member of another group is among the members',
    property: 'group-isolation',
    apply(history, draw) {
      const events = copy(history);
      const evidence = evidenceOf(history);
      const [first, second] = evidence.groups;
      const stranger = second?.processes[0];
      const generation = pick(
        ofKind(events, 'group-generation').filter(
          ({ group, members }) => group === first?.id && members.length > 0,
        ),
        draw,
      );
      const [member] = generation?.members ?? [];
      if (stranger === undefined || member === undefined) return null;
      Object.assign(member, { clientId: stranger.process, memberId: `${stranger.process}-stranger` });
      return asHistory(events);
    },
  },
  {
    name: 'a producer is told a wrong offset',
    property: 'produced-offset',
    apply(history, draw) {
      const events = copy(history);
      const answered = ofKind(events, 'produce-ok').filter(({ answers }) => answers.length > 0);
      const answer = pick(answered, draw)?.answers[0];
      if (answer === undefined) return null;
      answer.baseOffset = String(toOffset(answer.baseOffset) + 1_000);
      return asHistory(events);
    },
  },
  {
    name: 'a record of a producer that closed cleanly is in no log',
    property: 'producer-flush',
    apply(history, draw) {
      const events = copy(history);
      const outcomes = new Set(ofKind(events, 'produce-ok').map(({ produce }) => produce));
      const sent = ofKind(events, 'produce-invoke')
        .filter(({ produce }) => outcomes.has(produce))
        .flatMap(({ records }) => records.map(({ record }) => record));
      const logs = ofKind(events, 'fact-log').filter(({ logStartOffset }) => logStartOffset === '0');
      const kept = logs.flatMap((log) =>
        log.records.filter(({ record }) => sent.includes(record ?? '')).map((one) => ({ log, one })),
      );
      const lost = pick(kept, draw);
      if (lost === undefined) return null;
      lost.log.records = lost.log.records.filter((one) => one !== lost.one);
      return asHistory(events);
    },
  },
  {
    name: 'a live member is not in the last generation',
    property: 'convergence',
    apply(history, draw) {
      const events = copy(history);
      const evidence = evidenceOf(history);
      const group = pick(
        evidence.groups.filter(({ generations }) => (generations.at(-1)?.members.length ?? 0) > 0),
        draw,
      );
      const generation = events[group?.generations.at(-1)?.seq ?? -1];
      if (generation?.kind !== 'group-generation') return null;
      generation.members.pop();
      return asHistory(events);
    },
  },
  {
    name: 'a partition moves to the member that has most',
    property: 'balanced-assignment',
    apply(history, draw) {
      const events = copy(history);
      const sizeOf = ({ assignment }: { assignment: { partitions: number[] }[] }): number =>
        assignment.reduce((sum, { partitions }) => sum + partitions.length, 0);
      const generation = pick(
        ofKind(events, 'group-generation').filter(
          ({ members }) => members.filter((member) => sizeOf(member) > 0).length > 1,
        ),
        draw,
      );
      const bySize = generation?.members
        .filter((member) => sizeOf(member) > 0)
        .toSorted((a, b) => sizeOf(b) - sizeOf(a));
      const [most, least] = [bySize?.[0], bySize?.at(-1)];
      const share = least?.assignment.find(({ partitions }) => partitions.length > 0);
      const moved = share?.partitions.pop();
      if (most === undefined || share === undefined || moved === undefined) return null;
      most.assignment.push({ topic: share.topic, partitions: [moved] });
      return asHistory(events);
    },
  },
  {
    name: 'two members that stay swap a partition for nothing',
    property: 'sticky-economy',
    apply(history, draw) {
      const events = copy(history);
      const pairs = ofKind(events, 'group-generation').flatMap((after, i, all) => {
        const before = all.slice(0, i).findLast(({ group }) => group === after.group);
        const ids = (one: typeof after): string =>
          one.members
            .map(({ memberId }) => memberId)
            .sort()
            .join();
        const isSame = before !== undefined && after.members.length > 1 && ids(before) === ids(after);
        return isSame && JSON.stringify(before.members) === JSON.stringify(after.members) ? [after] : [];
      });
      const generation = pick(pairs, draw);
      const [first, ...others] = generation?.members ?? [];
      const other = others.find(
        ({ assignment }) => JSON.stringify(assignment) !== JSON.stringify(first?.assignment),
      );
      if (first === undefined || other === undefined || first.assignment.length === 0) return null;
      [first.assignment, other.assignment] = [other.assignment, first.assignment];
      return asHistory(events);
    },
  },
  {
    name: 'the last generation is written again and again with a new number',
    property: 'no-spurious-rebalance',
    apply(history) {
      const events = copy(history);
      const last = ofKind(events, 'group-generation').at(-1);
      const settled = ofKind(events, 'settled')[0];
      if (last === undefined || settled === undefined || last.state === 'empty') return null;
      // Twice, long after everything that could be the cause of it: what came before the first cannot explain the second.
      const HOUR_MS = 3_600_000;
      const time = events.reduce((latest, event) => Math.max(latest, event.time), 0);
      const again = [1, 2].map((times) => ({
        ...last,
        generation: last.generation + times,
        time: time + times * HOUR_MS,
        logPosition: { ...last.logPosition, offset: String(999_990 + times) },
      }));
      const later = events.map((event) =>
        event.seq < settled.seq ? event : { ...event, time: time + 3 * HOUR_MS },
      );
      return insertAfter(later as HistoryEvent[], settled.seq - 1, again);
    },
  },
  {
    name: 'a crashed member is dropped at once',
    property: 'timeout-detection',
    apply(history, draw) {
      const events = copy(history);
      const { groups, scenario } = evidenceOf(history);
      const places = groups.flatMap((group) =>
        group.generations.flatMap((generation) => {
          const next = group.generations[generation.index + 1];
          const gone = generation.members.find(
            ({ memberId, clientId }) =>
              next !== undefined &&
              !next.memberById.has(memberId) &&
              group.processes.some(
                ({ process, order, exit }) =>
                  process === clientId &&
                  order?.kind === 'crash' &&
                  exit !== null &&
                  exit.seq > generation.seq,
              ) &&
              events.some(
                (event) =>
                  event.kind === 'wire-sync' &&
                  event.process === clientId &&
                  event.generation === generation.generation,
              ),
          );
          return next !== undefined && gone !== undefined ? [{ generation, next }] : [];
        }),
      );
      const place = pick(places, draw);
      if (place === undefined || scenario.actions.some(({ kind }) => kind === 'pause-broker')) return null;
      const next = events[place.next.seq];
      if (next === undefined) return null;
      next.time = place.generation.time + 1;
      return asHistory(events);
    },
  },
  {
    name: 'two members have one group.instance.id',
    property: 'static-fencing',
    apply(history, draw) {
      const events = copy(history);
      const generation = pick(
        ofKind(events, 'group-generation').filter(({ members }) => members.length > 1),
        draw,
      );
      if (generation === undefined) return null;
      for (const member of generation.members) member.groupInstanceId = 'one';
      return asHistory(events);
    },
  },
  {
    name: 'a member works on a partition that its assignment took from it',
    property: 'exclusive-processing',
    apply: afterLosing,
  },
  {
    name: 'a member is handed a record of a partition that it has lost',
    property: 'owned-consumption',
    apply: afterLosing,
  },
  {
    name: 'the middle of what a member was handed is missing',
    property: 'continuity',
    apply(history, draw) {
      const evidence = evidenceOf(history);
      if (evidence.scenario.groups.some((group) => group.autoOffsetReset === 'latest')) return null;
      const places = evidence.groups.flatMap((group) =>
        [...group.consumption.values()].flatMap(({ key, stretches }) =>
          stretches.flatMap((stretch) =>
            [...stretch.delivered]
              .filter((offset) => offset > stretch.first && offset < stretch.last)
              .filter((offset) => evidence.logs.get(key)?.recordAt.has(offset) === true)
              .map((offset) => ({ stretch, offset: String(offset) })),
          ),
        ),
      );
      const place = pick(places, draw);
      if (place === undefined) return null;
      const { process, group, topic, partition } = place.stretch;
      return asHistory(
        copy(history).flatMap((event): HistoryEvent[] => {
          if (event.process !== process || !isAbout(event, topic, partition)) return [event];
          if (event.kind === 'delivery' && event.group === group) {
            const offsets = event.offsets.filter((offset) => offset !== place.offset);
            return offsets.length === 0 ? [] : [{ ...event, offsets }];
          }
          const isOf = event.kind === 'processing-begin' || event.kind === 'processing-end';
          return isOf && event.offset === place.offset ? [] : [event];
        }),
      );
    },
  },
  {
    name: 'two records of one key change places in the work of a member',
    property: 'order',
    apply(history, draw) {
      const evidence = evidenceOf(history);
      const places = evidence.groups.flatMap((group) =>
        [...group.consumption.values()].flatMap(({ fates, processing }) =>
          processing.flatMap((one, i) => {
            const next = processing[i + 1];
            const isPair =
              next !== undefined &&
              next.process === one.process &&
              next.offset === one.offset + 1 &&
              one.record !== null &&
              next.record !== null &&
              !one.record.startsWith(MARKER_PREFIX) &&
              !next.record.startsWith(MARKER_PREFIX) &&
              fates.get(one.offset)?.begun === one &&
              fates.get(next.offset)?.begun === next;
            return isPair ? [{ one, next }] : [];
          }),
        ),
      );
      const place = pick(places, draw);
      if (place === undefined) return null;
      const events = copy(history);
      for (const { records } of ofKind(events, 'produce-invoke'))
        for (const record of records) record.key = 'one';
      const swap = (first: number | null, second: number | null): void => {
        const [a, b] = [events[first ?? -1], events[second ?? -1]];
        if (a?.kind === 'processing-begin' && b?.kind === 'processing-begin') {
          [a.offset, b.offset] = [b.offset, a.offset];
          [a.record, b.record] = [b.record, a.record];
        } else if (a?.kind === 'processing-end' && b?.kind === 'processing-end')
          [a.offset, b.offset] = [b.offset, a.offset];
      };
      if (place.one.endSeq === null || place.next.endSeq === null) return null;
      swap(place.one.seq, place.next.seq);
      swap(place.one.endSeq, place.next.endSeq);
      return asHistory(events);
    },
  },
  {
    name: 'a commit says more than is done',
    property: 'commit-within-processed',
    apply(history, draw) {
      const evidence = evidenceOf(history);
      const places = confirmedCommits(history).filter(({ group, request }) => {
        const key = partitionKey(request.topic, request.partition);
        const consumption = group.consumption.get(key);
        const stretch = consumption?.stretches.findLast(
          ({ process, openSeq }) => process === request.process && openSeq < request.seq,
        );
        const delivered = firstDeliveriesOf(evidence).get(`${group.id} ${key}`)?.get(request.offset);
        return (
          stretch !== undefined &&
          stretch.join ===
            (evidence.positions.joins.get(request.process) ?? []).findLast(({ seq }) => seq < request.seq) &&
          stretch.opening === 'join' &&
          delivered !== undefined &&
          delivered > request.seq &&
          evidence.logs.get(key)?.recordAt.has(request.offset) === true
        );
      });
      const place = pick(places, draw);
      const events = copy(history);
      const invoked = place === undefined ? undefined : events[place.request.seq];
      if (place === undefined || invoked?.kind !== 'commit-invoke') return null;
      for (const one of invoked.offsets) one.offset = String(place.request.offset + 1);
      return asHistory(events);
    },
  },
  {
    name: 'a record that was read had been aborted',
    property: 'read-committed',
    apply(history, draw) {
      const delivered = new Set(
        ofKind(history.events, 'delivery').flatMap(({ topic, partition, offsets }) =>
          offsets.map((offset) => `${topic}/${partition}/${offset}`),
        ),
      );
      const events = copy(history);
      const places = ofKind(events, 'fact-log').flatMap(({ topic, partition, records }) =>
        records.filter(({ offset }) => delivered.has(`${topic}/${partition}/${offset}`)),
      );
      const place = pick(places, draw);
      if (place === undefined) return null;
      place.transaction = { state: 'aborted', endedAt: 0 };
      return asHistory(events);
    },
  },
  {
    name: 'a pipeline has written what it makes of a record twice',
    property: 'exactly-once',
    apply(history, draw) {
      const events = copy(history);
      const [start] = ofKind(events, 'start');
      const group = start?.scenario.groups[0];
      const input = ofKind(events, 'fact-log').find(
        ({ topic, partition, records }) =>
          topic === group?.topics[0] && partition === 0 && records.length > 0,
      );
      const record = pick(input?.records ?? [], draw);
      const place = events.findIndex(({ kind }) => kind === 'finish');
      if (start === undefined || group === undefined || record === undefined || place < 0) return null;
      group.commitMode = { kind: 'transaction', topic: 'copies', abortEvery: null };
      start.scenario.topology.topics.push({ name: 'copies', partitions: 1, replicationFactor: 1 });
      const copied = { record: copyOf(0, 0, record.offset) };
      const log: HistoryEvent = {
        ...(input as EventOf<'fact-log'>),
        topic: 'copies',
        logStartOffset: '0',
        logEndOffset: '2',
        records: [
          { offset: '0', ...copied },
          { offset: '1', ...copied },
        ],
      };
      return insertAfter(events, place - 1, [log]);
    },
  },
  {
    name: 'a partition had been paused when a record of it was handed over',
    property: 'paused-consumption',
    apply(history, draw) {
      const place = pick(ofKind(history.events, 'delivery'), draw);
      if (place === undefined) return null;
      const { process, group, topic, partition, time } = place;
      const about = { process, group, action: 0, call: 'pause' as const, time, seq: 0 };
      return insertAfter(copy(history), place.seq - 1, [
        { ...about, kind: 'application-call', topic, partitions: [partition], offset: null },
        { ...about, kind: 'application-call-end', outcome: 'applied', reason: null },
      ]);
    },
  },
  {
    name: 'a member was told another position than that of what it was handed next',
    property: 'answered-offset',
    apply(history, draw) {
      const place = pick(ofKind(history.events, 'delivery'), draw);
      if (place === undefined) return null;
      const { process, group, topic, partition, time, offsets } = place;
      const about = { process, group, action: 0, call: 'position' as const, time, seq: 0 };
      const answer = String(toOffset(offsets[0] as string) + 1);
      return insertAfter(copy(history), place.seq - 1, [
        { ...about, kind: 'application-call', topic, partitions: [partition], offset: null },
        { ...about, kind: 'application-call-end', outcome: 'applied', reason: null, answer },
      ]);
    },
  },
  {
    name: 'a member was told a committed offset that nobody has committed',
    property: 'answered-offset',
    apply(history, draw) {
      const place = pick(ofKind(history.events, 'delivery'), draw);
      if (place === undefined) return null;
      const { process, group, topic, partition, time } = place;
      const about = { process, group, action: 0, call: 'committed' as const, time, seq: 0 };
      return insertAfter(copy(history), place.seq, [
        { ...about, kind: 'application-call', topic, partitions: [partition], offset: null },
        { ...about, kind: 'application-call-end', outcome: 'applied', reason: null, answer: '99999' },
      ]);
    },
  },
  {
    name: 'a client reports a partition that it has not',
    property: 'truthful-client',
    apply(history, draw) {
      const events = copy(history);
      const claim = pick(ofKind(events, 'client-joined'), draw);
      if (claim === undefined) return null;
      claim.assignment.push({ topic: 'orders', partitions: [99] });
      return asHistory(events);
    },
  },
];

/** Removes all trace of the first record of a stretch, so that its owner seems to have begun with the second. */
function skipFirst(history: History, draw: number, state: 'committed' | 'none'): History | null {
  const evidence = evidenceOf(history);
  if (evidence.scenario.groups.some((group) => group.autoOffsetReset === 'latest')) return null;
  const places = evidence.groups.flatMap((group) =>
    [...group.consumption.values()].flatMap(({ key, stretches }) => {
      const log = evidence.logs.get(key);
      return stretches.filter(
        (stretch) =>
          stretch.opening === 'join' &&
          // Right behind its own last record, a member may be at something left over from before.
          stretch.before === null &&
          // Out of range is the other property's matter.
          (state === 'none' ||
            positionsOf(evidence.positions, stretch.process, key).outOfRange.length === 0) &&
          stretch.join?.generation?.owners.get(key)?.includes(stretch.process) === true &&
          stretch.delivered.size > 1 &&
          log?.recordAt.has(stretch.first) === true &&
          (group.commits.entries.get(key) === undefined) === (state === 'none') &&
          group.hasWire,
      );
    }),
  );
  const stretch = pick(places, draw);
  if (stretch === undefined) return null;
  const { process, group, topic, partition, first, openSeq } = stretch;
  const end = stretch.processing
    .filter(({ offset }) => offset === first)
    .map(({ seq, endSeq }) => [seq, endSeq]);
  const gone = new Set<number | null | undefined>(end.flat());
  const isSame = (event: EventOf<'delivery'>): boolean =>
    event.process === process && event.group === group && isAbout(event, topic, partition);
  const events = copy(history).flatMap((event): HistoryEvent[] => {
    if (gone.has(event.seq)) return [];
    if (event.kind !== 'delivery' || event.seq !== openSeq || !isSame(event)) return [event];
    const offsets = event.offsets.filter((offset) => offset !== String(first));
    return offsets.length === 0 ? [] : [{ ...event, offsets }];
  });
  return asHistory(events);
}

/** A member is handed, and works on, a record of a partition that its last assignment gave to somebody else. */
function afterLosing(history: History, draw: number): History | null {
  const evidence = evidenceOf(history);
  const places = evidence.groups.flatMap((group) =>
    group.generations.flatMap((generation) =>
      [...generation.owners].flatMap(([key, [owner]]) => {
        const next = group.generations[generation.index + 1];
        return generation.members.flatMap(({ clientId }) => {
          const join = (evidence.positions.joins.get(clientId) ?? []).find(
            (one) => one.generation === generation,
          );
          const isTapped = evidence.processes.get(clientId)?.hasWire === true;
          const until = Math.min(next?.seq ?? Number.POSITIVE_INFINITY, evidence.heal?.seq ?? 0);
          if (clientId === owner || join === undefined || !isTapped || join.seq > until) return [];
          return [{ group, key, process: clientId, join }];
        });
      }),
    ),
  );
  const place = pick(places, draw);
  if (place === undefined) return null;
  const { topic, partition } = partitionOf(place.key);
  const about = { process: place.process, group: place.group.id, topic, partition, seq: 0 };
  // Its own time is that of the clock of the coordinator, plus what two clocks may differ by.
  const time = Math.max(place.join.time, (place.join.generation?.time ?? 0) + 2 * CLOCK_TOLERANCE_MS);
  const next = history.events[place.join.seq + 1];
  if (next === undefined || next.time < time) return null;
  const offset = '0';
  return insertAfter(copy(history), place.join.seq, [
    { ...about, kind: 'delivery', offsets: [offset], time },
    { ...about, kind: 'processing-begin', offset, record: null, time },
    { ...about, kind: 'processing-end', offset, outcome: 'ok', time },
  ]);
}
