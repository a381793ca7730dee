/** no-lost-commit: confirmed commits, the coordinator's log and the next owners' positions enter, lost commits leave. */
import { proof, reporter } from './anomaly.ts';
import type { ApplicationCommit, CommitRequest } from './evidence/commits.ts';
import { type Evidence, entriesOf, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { owns } from './evidence/generations.ts';
import { positionsOf } from './evidence/positions.ts';
import { type CommittedAt, committedAt, isOwned, mayHaveKeptPosition, resumeOf } from './evidence/resume.ts';
import {
  CLOCK_TOLERANCE_MS,
  firstIndexWhere,
  lastBefore,
  partitionKey,
  toOffset,
} from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('no-lost-commit');

export const noLostCommit: Property = {
  id: 'no-lost-commit',
  title: 'A confirmed commit survives',
  statement:
    "A commit that was confirmed to a client, or to the application, is in the coordinator's log; the position that the next owner of the partition is given, or without that on record the first offset it delivers, is not older than the last accepted commit, unless that was removed; and at the end the group's committed offset is the last one in the log. Broker failures change none of this.",
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) => [
      ...unwritten(group),
      ...toldButNotWritten(evidence, group),
      ...forgottenByAnswer(evidence, group),
      ...forgottenByDelivery(evidence, group),
      ...forgottenAtTheEnd(evidence, group),
    ]);
  },
  policy: () => 'illegal',
};

function unwritten(group: GroupEvidence): Anomaly[] {
  return group.commits.requests
    .filter((request) => request.outcome === 'ok' && request.entry === null)
    .map(({ process, topic, partition, offset, seq, outcomeSeq }) =>
      report(
        'confirmed commit is not in the log',
        `The commit of ${topic}/${partition} at ${offset} in group ${group.id} was confirmed to ${process}, and the coordinator's log does not have it.`,
        proof(seq, outcomeSeq),
        { group: group.id, topic, partition, process },
      ),
    );
}

/**
 * What the application was told is held against what left, or without a tap against the log, by value: a client may
 * leave out a commit that it has made already.
 */
function toldButNotWritten(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  const sent = new Map<string, number>();
  for (const { process, topic, partition, offset, seq } of group.commits.requests) {
    const what = `${process} ${partitionKey(topic, partition)} ${offset}`;
    sent.set(what, Math.min(sent.get(what) ?? seq, seq));
  }
  const written = new Map<string, number>();
  for (const [key, entries] of group.commits.entries)
    for (const { value, time } of entries)
      written.set(`${key} ${value}`, Math.min(written.get(`${key} ${value}`) ?? time, time));
  return group.commits.applicationCommits.flatMap(({ begin, end }) => {
    if (end === null || end.outcome !== 'ok') return [];
    const hasTap = evidence.processes.get(begin.process)?.hasWire ?? false;
    return begin.offsets.flatMap(({ topic, partition, offset }) => {
      const what = `${partitionKey(topic, partition)} ${toOffset(offset)}`;
      const isExplained = hasTap
        ? (sent.get(`${begin.process} ${what}`) ?? Number.POSITIVE_INFINITY) < end.seq
        : (written.get(what) ?? Number.POSITIVE_INFINITY) <= end.time + CLOCK_TOLERANCE_MS;
      if (isExplained) return [];
      return [
        report(
          hasTap
            ? 'confirmed to the application but never sent'
            : 'confirmed to the application but not in the log',
          `${begin.process} was told that its commit of ${topic}/${partition} at ${offset} in group ${group.id} had been done, and ${hasTap ? 'no request ever left' : "the coordinator's log did not have it"}.`,
          proof(begin.seq, end.seq),
          { group: group.id, topic, partition, process: begin.process },
        ),
      ];
    });
  });
}

/** The requests that left while a call of the application was running. */
export function requestsWithin(
  group: GroupEvidence,
  { begin, end }: ApplicationCommit,
): readonly CommitRequest[] {
  const requests = group.commits.requestsByProcess.get(begin.process) ?? [];
  const until = end?.seq ?? Number.POSITIVE_INFINITY;
  return requests.slice(
    firstIndexWhere(requests, ({ seq }) => seq >= begin.seq),
    firstIndexWhere(requests, ({ seq }) => seq > until),
  );
}

const isOlder = (offset: number | null, { certain, possible }: CommittedAt): boolean =>
  certain.offset !== null &&
  (offset === null || offset < certain.offset) &&
  possible.every((state) => state.offset !== offset);

/** Whoever owns a partition has to be given the last commit that was accepted before it came to own it. */
function forgottenByAnswer(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  return group.processes.flatMap(({ process }) => {
    const joins = evidence.positions.joins.get(process) ?? [];
    return [...group.commits.entries.keys()].flatMap((key) =>
      positionsOf(evidence.positions, process, key).fetched.flatMap(({ seq, time, offset }) => {
        const generation = lastBefore(joins, seq)?.generation ?? null;
        if (generation === null || !owns(generation, process, key)) return [];
        const committed = committedAt(group, key, process, generation, seq, time);
        const { certain } = committed;
        if (!isOlder(offset, committed)) return [];
        const { topic, partition } = entriesOf(group, key)[0] as { topic: string; partition: number };
        return [
          report(
            'owner was given an older position than the last commit',
            `${process} asked for the committed offset of ${key} in group ${group.id} and was told ${offset ?? 'that there is none'}, although ${certain.offset} had been accepted.`,
            proof(certain.entry?.seq, generation.seq, seq),
            { group: group.id, topic, partition, process },
          ),
        ];
      }),
    );
  });
}

function forgottenByDelivery(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  return [...group.consumption.values()].flatMap(({ stretches }) =>
    stretches.flatMap((stretch) => {
      const { process, key, topic, partition, first, openSeq } = stretch;
      // With the answer on record that is the better witness; what the client made of it is another property's matter.
      if (stretch.opening !== 'join' || evidence.processes.get(process)?.hasWire || !isOwned(stretch))
        return [];
      const { committed, outOfRange } = resumeOf(evidence, group, stretch);
      if (!isOlder(first, committed) || outOfRange !== null) return [];
      if (mayHaveKeptPosition(evidence, group, stretch)) return [];
      return [
        report(
          'owner resumed before the last commit',
          `${process} resumed ${key} in group ${group.id} at ${first}, although ${committed.certain.offset} had been committed.`,
          proof(committed.certain.entry?.seq, openSeq),
          { group: group.id, topic, partition, process },
        ),
      ];
    }),
  );
}

function forgottenAtTheEnd(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  return evidence.history.events.flatMap((event) => {
    if (event.kind !== 'fact-committed' || event.group !== group.id) return [];
    // A client that is closed without time for it leaves its last commit to the network, and that may come behind this.
    const last = entriesOf(group, partitionKey(event.topic, event.partition)).findLast(
      ({ time }) => time <= event.time + CLOCK_TOLERANCE_MS,
    );
    const offset = event.offset === null || toOffset(event.offset) < 0 ? null : toOffset(event.offset);
    if (last === undefined || last.offset === offset) return [];
    // The members have left, and retention may take away what was just read.
    if (last.kind === 'removed' && last.time >= (evidence.settled?.time ?? last.time)) return [];
    return [
      report(
        'final committed offset is not the last commit',
        `Group ${group.id} ends with the committed offset ${offset ?? 'none'} for ${event.topic}/${event.partition}, and the last one that its coordinator accepted is ${last.offset ?? 'none'}.`,
        proof(last.seq, event.seq),
        { group: group.id, topic: event.topic, partition: event.partition },
      ),
    ];
  });
}
