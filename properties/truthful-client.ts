/** truthful-client: what clients say of themselves and what the coordinator recorded enter, contradictions leave. */
import type { EventOf, History } from '../harness/history/schema.ts';
import type { Group } from '../scenarios/schema.ts';
import { proof, reporter } from './anomaly.ts';
import { eventsOf } from './evidence/by-kind.ts';
import type { ApplicationCommit } from './evidence/commits.ts';
import { type Evidence, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { assignedPartitions, type GenerationEvidence } from './evidence/generations.ts';
import { membershipOf } from './evidence/membership.ts';
import { CLOCK_TOLERANCE_MS, lastBefore, listAt, partitionKey, toOffset } from './evidence/values.ts';
import { requestsWithin } from './no-lost-commit.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('truthful-client');

export const truthfulClient: Property = {
  id: 'truthful-client',
  title: 'What a client says of itself is so',
  statement:
    "When a client reports that it has joined, its assignment, its protocol and whether it leads are those that the coordinator recorded for it in the generation of its last assignment; the assignment that the coordinator answered is the one that it recorded; a commit that the application is told has failed was not accepted for all of its partitions, and those that the client committed in the same request, but for what another of its calls, under way at the time, asked for too and was told of; and a transaction that the application is told has been committed or aborted is what the partition logs say of the records sent in it. (That a commit which is reported as done was not refused is part of owned-commit, and that it was sent of no-lost-commit.) Where a client's traffic is not recorded, its report has to be that of any generation that it may have heard of.",
  check(history) {
    const evidence = evidenceOf(history);
    const groups = new Map(evidence.groups.map((group) => [group.id, group]));
    const claims = eventsOf(history, 'client-joined').flatMap((claim) => {
      const group = groups.get(claim.group);
      return group === undefined ? [] : judgeClaim(evidence, group, claim);
    });
    return [
      ...claims,
      ...evidence.groups.flatMap((group) => [...wrongAnswers(evidence, group), ...wrongFailures(group)]),
      ...wrongEndings(evidence, history.events),
    ];
  },
  policy: () => 'illegal',
};

type Claim = EventOf<'client-joined'>;

const namesOf = (assignment: Claim['assignment']): string =>
  assignment
    .flatMap(({ topic, partitions }) => partitions.map((partition) => partitionKey(topic, partition)))
    .sort()
    .join(', ');

function judgeClaim(evidence: Evidence, group: GroupEvidence, claim: Claim): Anomaly[] {
  const candidates = candidatesOf(evidence, group, claim);
  if (candidates.length === 0) return [];
  const found = candidates.map((generation) => contradictions(group, generation, claim));
  if (found.some((anomalies) => anomalies.length === 0)) return [];
  return found.at(-1) ?? [];
}

/** The generations that the claim may be about. */
function candidatesOf(evidence: Evidence, group: GroupEvidence, claim: Claim): GenerationEvidence[] {
  const { process, memberId, seq, time } = claim;
  if (evidence.processes.get(process)?.hasWire === true) {
    const join = lastBefore(evidence.positions.joins.get(process) ?? [], seq);
    return join?.generation == null || join.memberId !== memberId ? [] : [join.generation];
  }
  return group.generations.filter(
    (generation) => generation.memberById.has(memberId) && generation.time <= time + CLOCK_TOLERANCE_MS,
  );
}

function contradictions(group: GroupEvidence, generation: GenerationEvidence, claim: Claim): Anomaly[] {
  const { process, memberId, seq } = claim;
  const member = generation.memberById.get(memberId);
  if (member === undefined) return [];
  const at = `generation ${generation.generation} of group ${group.id}`;
  const subject = { group: group.id, process };
  const events = proof(generation.seq, seq);
  const anomalies: Anomaly[] = [];
  const [said, recorded] = [namesOf(claim.assignment), namesOf(member.assignment)];
  if (said !== recorded)
    anomalies.push(
      report(
        'client reports another assignment than the coordinator recorded',
        `${process} reports ${said || 'nothing'} as its assignment in ${at}, and the coordinator recorded ${recorded || 'nothing'}.`,
        events,
        subject,
      ),
    );
  if (claim.protocol !== (generation.event.protocol ?? ''))
    anomalies.push(
      report(
        'client reports another protocol than the coordinator recorded',
        `${process} reports ${claim.protocol || 'none'} as the protocol of ${at}, and the coordinator recorded ${generation.event.protocol ?? 'none'}.`,
        events,
        subject,
      ),
    );
  // A static member that takes its former self's place is not told that it leads (KIP-814), so only leading is a claim.
  if (
    claim.leader &&
    generation.event.leaderMemberId !== memberId &&
    !isReplaced(group, generation, memberId)
  )
    anomalies.push(
      report(
        'client reports to lead a group that it does not lead',
        `${process} reports to lead ${at}, and the coordinator recorded ${generation.event.leaderMemberId ?? 'nobody'} as its leader.`,
        events,
        subject,
      ),
    );
  return anomalies;
}

/** The same generation is written again where a static member has come back, and its leader may be another then. */
const isReplaced = (group: GroupEvidence, { generation }: GenerationEvidence, memberId: string): boolean =>
  group.generations.some((one) => one.generation === generation && one.event.leaderMemberId === memberId);

function wrongAnswers(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  return group.processes.flatMap(({ process }) =>
    membershipOf(evidence, process).flatMap((change) => {
      if (change.kind !== 'assigned') return [];
      const recorded = group.generations.filter(
        ({ generation, isStable, memberById }) =>
          isStable && generation === change.generation && memberById.has(change.memberId),
      );
      // A record that is not there may have been lost with its broker; what follows from that is convergence's matter.
      if (recorded.length === 0) return [];
      const answered = [...change.partitions].sort().join(', ');
      const written = recorded.map(({ memberById }) =>
        [...assignedPartitions(memberById.get(change.memberId) as never)].sort().join(', '),
      );
      if (written.includes(answered)) return [];
      return [
        report(
          'answered assignment is not the recorded one',
          `${process} was answered ${answered || 'nothing'} as its assignment in generation ${change.generation} of group ${group.id}, and the coordinator recorded ${written.at(-1) || 'nothing'}.`,
          proof(recorded.at(-1)?.seq, change.seq),
          { group: group.id, process },
        ),
      ];
    }),
  );
}

function wrongFailures(group: GroupEvidence): Anomaly[] {
  return group.commits.applicationCommits.flatMap((call) => {
    const { begin, end } = call;
    if (end?.outcome !== 'failed') return [];
    const sent = requestsWithin(group, call);
    // A request has one outcome for its caller (Java's OffsetCommitResponseHandler), and a commit of what was polled is of all
    // that the member owns, whatever the application knows of.
    const refused = new Set(sent.flatMap(({ outcome, commit }) => (outcome === 'refused' ? [commit] : [])));
    const isAccepted = begin.offsets.every(
      ({ topic, partition, offset }) =>
        sent.filter(
          (request) =>
            request.topic === topic &&
            request.partition === partition &&
            request.offset === toOffset(offset) &&
            request.outcome === 'ok' &&
            !refused.has(request.commit),
        ).length > confirmedBeside(group, call, { topic, partition, offset }),
    );
    if (!isAccepted || begin.offsets.length === 0) return [];
    const { topic, partition, offset } = begin.offsets[0] as (typeof begin.offsets)[number];
    return [
      report(
        'accepted commit was reported as failed',
        `${begin.process} was told that its commit of ${topic}/${partition} at ${offset} in group ${group.id} had failed (${end.error}), and the coordinator had accepted it.`,
        proof(begin.seq, ...sent.map(({ outcomeSeq }) => outcomeSeq), end.seq),
        { group: group.id, topic, partition, process: begin.process },
      ),
    ];
  });
}

/**
 * How many other calls of the process asked for the same commit meanwhile and were told that it was made: an application
 * that does not wait for its commits, and is given a record anew, has several under way, and one accepted request is
 * what one of them was told of.
 */
const confirmedBeside = (
  { commits, config }: GroupEvidence,
  { begin, end }: ApplicationCommit,
  asked: EventOf<'application-commit'>['offsets'][number],
): number =>
  commits.applicationCommits.filter(
    (other) =>
      other.begin !== begin &&
      other.begin.process === begin.process &&
      other.end?.outcome === 'ok' &&
      other.begin.seq < (end?.seq ?? Number.POSITIVE_INFINITY) &&
      other.end.seq > begin.seq &&
      (commitsPositions(config) ||
        other.begin.offsets.some(
          ({ topic, partition, offset }) =>
            topic === asked.topic && partition === asked.partition && offset === asked.offset,
        )),
  ).length;

/** Whether a commit is of all positions that the member has, whatever its application was handed last. */
const commitsPositions = ({ commitMode }: Group): boolean =>
  commitMode.kind === 'per-poll' || (commitMode.kind === 'asynchronous' && commitMode.after === 'poll');

/** One anomaly for each transaction: its first record whose marker says otherwise. */
function wrongEndings(evidence: Evidence, events: History['events']): Anomaly[] {
  const ends = new Map<string, EventOf<'transaction-end'>[]>();
  for (const event of events)
    if (event.kind === 'transaction-end') listAt(ends, `${event.process} ${event.transaction}`).push(event);
  const found = new Map<string, Anomaly>();
  for (const event of events) {
    if (event.kind !== 'produce-invoke' || event.transaction === undefined) continue;
    const { process, topic } = event;
    const key = `${process} ${event.transaction}`;
    const [end, ...more] = ends.get(key) ?? [];
    // After an attempt whose outcome nobody knows, either may have come of it.
    if (end === undefined || more.length > 0 || end.outcome !== 'ok') continue;
    const contrary = end.ending === 'commit' ? 'aborted' : 'committed';
    for (const { record } of event.records)
      for (const { partition, offset } of evidence.locations.get(record) ?? []) {
        const log = evidence.logs.get(partitionKey(topic, partition));
        if (found.has(key)) break;
        if (log?.recordAt.get(offset) !== record || log.transactions.get(offset)?.state !== contrary)
          continue;
        const told = end.ending === 'commit' ? 'committed' : 'aborted';
        found.set(
          key,
          report(
            `${contrary} transaction was reported as ${told}`,
            `${process} was told that its transaction ${event.transaction} had been ${told}, and its record ${record} at offset ${offset} of ${topic}/${partition} was ${contrary}.`,
            proof(event.seq, end.seq, log.event.seq),
            { process, topic, partition },
          ),
        );
      }
  }
  return [...found.values()];
}
