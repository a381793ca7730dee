/** owned-commit: accepted commits and the requests behind them enter, those that were not the committer's to make leave. */
import { proof, reporter } from './anomaly.ts';
import { withheldIn } from './coverage.ts';
import { isAltered } from './evidence/altered.ts';
import { type CommitEntry, type CommitRequest, isOfGeneration } from './evidence/commits.ts';
import { type Evidence, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { positionsOf } from './evidence/positions.ts';
import { firstIndexWhere, lastBefore, partitionKey, toOffset } from './evidence/values.ts';
import { requestsWithin } from './no-lost-commit.ts';
import { isGenuinelyOutOfRange } from './offset-reset.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('owned-commit');

const NEEDLESS = 'negative offset committed without need';
const FOLLOWER_BEHIND = 'negative offset committed since a follower was behind';
const AFTER_OUT_OF_RANGE = 'negative offset committed after a position out of range';
const TRANSACTION_OF_A_FORMER_OWNER = 'transaction of a former owner was committed';
const SOUGHT = 'negative offset committed by a seek';

export const ownedCommit: Property = {
  id: 'owned-commit',
  title: 'Only the current owner commits',
  statement:
    'Every commit that the coordinator accepts, but for those of an operator while the group is empty, was asked for by a member of the generation that was current in its log, for a partition that this generation assigns to that member, and is not negative; a commit of a replaced generation is refused, stays refused, and where the application made it, the application is told. Offsets of a transaction that name no member (before KIP-447) are those of the process that owns the partition. With cooperative-sticky (KIP-429) the last owner of a partition that its generation keeps back may still commit it: it works on what it has in hand, and gives the partition up when it polls next. A single negative commit right after a position that was really out of range is observed and not illegal: kafkajs marks a reset so, and a seek to the beginning or the end of a log.',
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) => [
      ...[...group.commits.entries.values()].flatMap((entries) =>
        entries.flatMap((entry) => (entry.kind === 'removed' ? [] : judgeEntry(evidence, group, entry))),
      ),
      ...unreportedRefusals(group),
    ]);
  },
  policy: (_scenario, anomaly) =>
    anomaly.signature === AFTER_OUT_OF_RANGE || anomaly.signature === SOUGHT ? 'observed' : 'illegal',
};

function judgeEntry(evidence: Evidence, group: GroupEvidence, entry: CommitEntry): Anomaly[] {
  const { topic, partition, value, generation, request, seq } = entry;
  const key = partitionKey(topic, partition);
  const subject = {
    group: group.id,
    topic,
    partition,
    ...(request === null ? {} : { process: request.process }),
  };
  const what = `of ${key} at ${value} in group ${group.id}`;
  const anomalies: Anomaly[] = [];
  if (request === null) {
    // Without a tap nobody can say who asked.
    if (!group.hasWire || isAltered(evidence, entry)) return [];
    const refused = refusedTwin(group, entry);
    return [
      refused === null
        ? report(
            'accepted commit that nobody asked for',
            `The coordinator accepted a commit ${what}, and no member asked for it.`,
            proof(seq),
            subject,
          )
        : report(
            'refused commit was written',
            `The commit ${what} was refused to ${refused.process} with ${refused.error}, and the coordinator wrote it all the same.`,
            proof(seq, refused.seq, refused.outcomeSeq),
            { ...subject, process: refused.process },
          ),
    ];
  }
  if (isNamelessTransaction(request)) {
    const owners = generation?.owners.get(key) ?? [];
    if (!owners.includes(request.process))
      anomalies.push(
        report(
          TRANSACTION_OF_A_FORMER_OWNER,
          `A transaction of ${request.process} committed ${key} at ${value} in group ${group.id} without the name of a member, so that the coordinator could not refuse it, and the partition was assigned to ${owners.join(' and ') || 'nobody'}.`,
          proof(generation?.seq, request.seq, seq),
          subject,
        ),
      );
  } else if (!isOfGeneration(request, generation)) {
    anomalies.push(
      report(
        'commit of a replaced generation was accepted',
        `The coordinator accepted the commit ${what} by ${request.process} as ${request.memberId} of generation ${request.generation}, when ${generation === null ? 'it had written no generation' : `generation ${generation.generation}${generation.isStable ? '' : ' without members'} was current`}.`,
        proof(generation?.seq, request.seq, seq),
        subject,
      ),
    );
  } else if (
    generation?.isStable &&
    !isAssigned(request, generation.memberById, topic, partition) &&
    withheldIn(group, generation).get(key) !== request.memberId
  ) {
    const owners = generation.owners.get(key) ?? [];
    anomalies.push(
      report(
        'commit of a partition that the member did not own',
        `${request.process} committed ${key} at ${value} in generation ${generation.generation} of group ${group.id}, which assigns it to ${owners.join(' and ') || 'nobody'}.`,
        proof(generation.seq, request.seq, seq),
        subject,
      ),
    );
  }
  if (entry.kind === 'sentinel') anomalies.push(sentinel(evidence, group, entry, request));
  return anomalies;
}

/** Before KIP-447 the offsets of a transaction come without member and generation. */
const isNamelessTransaction = ({ isTransactional, generation, memberId }: CommitRequest): boolean =>
  isTransactional && generation < 0 && memberId === '';

function isAssigned(
  request: CommitRequest,
  members: ReadonlyMap<string, { assignment: readonly { topic: string; partitions: readonly number[] }[] }>,
  topic: string,
  partition: number,
): boolean {
  const assignment = members.get(request.memberId)?.assignment ?? [];
  return assignment.some((one) => one.topic === topic && one.partitions.includes(partition));
}

/** A refused request with the same value, for an entry that no other request explains. */
const refusedTwin = (group: GroupEvidence, entry: CommitEntry): CommitRequest | null =>
  group.commits.requests.find(
    (request) =>
      request.outcome === 'refused' &&
      request.topic === entry.topic &&
      request.partition === entry.partition &&
      request.offset === entry.value,
  ) ?? null;

function sentinel(
  evidence: Evidence,
  group: GroupEvidence,
  entry: CommitEntry,
  request: CommitRequest,
): Anomaly {
  const { topic, partition, value, seq } = entry;
  const key = partitionKey(topic, partition);
  const cause = lastBefore(positionsOf(evidence.positions, request.process, key).outOfRange, request.seq);
  const { sought } = positionsOf(evidence.positions, request.process, key);
  const seek = sought.findLast((one) => one.seq < request.seq && one.offset === value);
  if (seek !== undefined)
    return report(
      SOUGHT,
      `${request.process} committed ${value} for ${key} in group ${group.id}, which erases its position, since its application sought ${value}.`,
      proof(seek.seq, request.seq, seq),
      { group: group.id, topic, partition, process: request.process },
    );
  // One reset has one cause: the same answer does not excuse a second negative commit.
  const requests = group.commits.requestsByProcess.get(request.process) ?? [];
  const isRepeated =
    cause !== null &&
    requests
      .slice(
        firstIndexWhere(requests, (one) => one.seq > cause.seq),
        firstIndexWhere(requests, (one) => one.seq >= request.seq),
      )
      .some((one) => one.topic === topic && one.partition === partition && one.offset < 0);
  const isGenuine = cause !== null && !isRepeated && isGenuinelyOutOfRange(evidence, key, cause);
  const isBehind = cause !== null && !isRepeated && cause.mayBeFollowers;
  return report(
    isGenuine ? AFTER_OUT_OF_RANGE : isBehind ? FOLLOWER_BEHIND : NEEDLESS,
    `${request.process} committed ${value} for ${key} in group ${group.id}, which erases its position, ${
      cause === null
        ? 'and nothing had been out of range'
        : isRepeated
          ? `and again for the same answer, that ${cause.offset} is out of range`
          : isGenuine
            ? `after ${cause.offset} had been out of range`
            : `although ${cause.offset} was in the log's range${isBehind ? ', and only the follower that it read from had not got there' : ''}`
    }.`,
    proof(cause?.seq, request.seq, seq),
    { group: group.id, topic, partition, process: request.process },
  );
}

/** An application that is told that its commit is done must not have had all of its requests refused. */
function unreportedRefusals(group: GroupEvidence): Anomaly[] {
  return group.commits.applicationCommits.flatMap((call) => {
    const { begin, end } = call;
    if (end === null || end.outcome !== 'ok') return [];
    const sent = requestsWithin(group, call);
    return begin.offsets.flatMap(({ topic, partition, offset }) => {
      const attempts = sent.filter(
        (request) =>
          request.topic === topic && request.partition === partition && request.offset === toOffset(offset),
      );
      const last = attempts.at(-1);
      if (last === undefined || attempts.some((request) => request.outcome !== 'refused')) return [];
      return [
        report(
          'refused commit was reported as done',
          `${begin.process} was told that its commit of ${topic}/${partition} at ${offset} in group ${group.id} had been done, and the coordinator had refused it with ${last.error}.`,
          proof(begin.seq, last.seq, last.outcomeSeq, end.seq),
          { group: group.id, topic, partition, process: begin.process },
        ),
      ];
    });
  });
}
