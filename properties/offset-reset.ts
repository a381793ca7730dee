/** offset-reset: starts without a usable committed offset enter, those that do not follow `auto.offset.reset` leave. */
import { proof, reporter } from './anomaly.ts';
import { hasBeenAltered } from './evidence/altered.ts';
import { eventsOf } from './evidence/by-kind.ts';
import type { Stretch } from './evidence/consumption.ts';
import { type Evidence, evidenceOf, type GroupEvidence, isOutageWithin } from './evidence/evidence.ts';
import { deletionsOf } from './evidence/logs.ts';
import { hasBeenSought, type OutOfRange, type PartitionPositions } from './evidence/positions.ts';
import { isOwned, mayHaveKeptPosition, resetBreach, resumeOf } from './evidence/resume.ts';
import { lastBefore, partitionOf } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('offset-reset');

const SPURIOUS = 'reset although the position was in range';

export const offsetReset: Property = {
  id: 'offset-reset',
  title: 'auto.offset.reset decides where there is no position',
  statement:
    "Where a group has no committed offset for a partition (never committed, deleted, or overwritten by a negative one), or a member's position is out of the log's range (below its start after records were deleted, above its end after the log lost its tail), the first offset delivered is the log's first record with auto.offset.reset earliest, the log's end at that time with latest, and none at all with none; and the member asks the broker for that end of the log and no other. With none, a member that was told that a partition has no committed offset, and that is neither told to end nor part of another rebalance nor about to end for another error, reports an error that names such a partition.",
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) => [
      ...[...group.consumption.values()].flatMap(({ stretches }) =>
        stretches.flatMap((stretch) => wrongStart(evidence, group, stretch) ?? []),
      ),
      ...wrongQuestions(evidence, group),
      ...spuriousResets(evidence, group),
      ...silentMembers(evidence, group),
    ]);
  },
  // The broker did say so, and a client that believes it does what the protocol asks; what is lost by it is illegal
  // elsewhere.
  policy: (_scenario, anomaly) => (anomaly.signature === SPURIOUS ? 'observed' : 'illegal'),
};

function wrongStart(evidence: Evidence, group: GroupEvidence, stretch: Stretch): Anomaly | null {
  if (
    stretch.opening === 'back' ||
    stretch.opening === 'seek' ||
    !isOwned(stretch) ||
    mayHaveKeptPosition(evidence, group, stretch)
  )
    return null;
  const { process, key, topic, partition, first, openSeq } = stretch;
  const { committed, fetched, listed, outOfRange } = resumeOf(evidence, group, stretch);
  const hasNoPosition =
    committed.certain.offset === null && committed.possible.every((state) => state.offset === null);
  if (outOfRange === null && !hasNoPosition) return null;
  const breach = resetBreach(evidence, group, stretch, listed);
  if (breach === null) return null;
  const why =
    outOfRange !== null
      ? `after its position ${outOfRange.offset} was out of range`
      : committed.certain.entry === null
        ? 'for the first time, nothing having been committed'
        : committed.certain.entry.kind === 'removed'
          ? 'after its committed offset was removed'
          : `after ${committed.certain.entry.value} was committed in its place`;
  return report(
    outOfRange !== null
      ? 'wrong start after a position out of range'
      : 'wrong start without a committed offset',
    `${process} started ${key} in group ${group.id} at ${first} ${why}, but ${breach}.`,
    proof(
      committed.certain.entry?.seq,
      outOfRange?.seq,
      fetched?.seq,
      ...listed.map(({ seq }) => seq),
      openSeq,
    ),
    { group: group.id, topic, partition, process },
  );
}

const partitionsOf = (evidence: Evidence, process: string): [string, PartitionPositions][] => [
  ...(evidence.positions.positions.get(process) ?? []),
];

/** How a seek says that it is to an end of the log. */
const ENDS = { earliest: -2, latest: -1, time: null } as const;

/** What a member asks right after it learnt that it has no position; other questions may be about lag. */
function wrongQuestions(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  const wanted = group.config.autoOffsetReset;
  return group.processes.flatMap(({ process }) =>
    partitionsOf(evidence, process).flatMap(([key, { fetched, listed, outOfRange, sought }]) => {
      return listed.flatMap((question) => {
        const answer = lastBefore(fetched, question.seq);
        const refusal = lastBefore(outOfRange, question.seq);
        const isReset =
          (answer !== null && answer.offset === null) ||
          (refusal !== null && refusal.seq > (answer?.seq ?? -1));
        if (!isReset || question.at === wanted || question.at === 'time') return [];
        // The application itself wants that end, once for each seek. What was asked before may be answered after the seek.
        const seeks = sought.filter(({ seq, offset }) => seq < question.seq && offset === ENDS[question.at]);
        const answers = listed.filter(
          ({ seq, at }) => at === question.at && seq <= question.seq && seq > (seeks[0]?.seq ?? -1),
        );
        if (answers.length <= seeks.length) return [];
        return [
          report(
            'asked for the wrong end of the log',
            `${process} had no position in ${key} and asked for the ${question.at} offset, although group ${group.id} has auto.offset.reset ${wanted}.`,
            proof(answer?.seq, refusal?.seq, question.seq),
            { group: group.id, process, ...partitionOf(key) },
          ),
        ];
      });
    }),
  );
}

/** Members that found no committed offset, were not allowed to reset, and did not say so. */
function silentMembers(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  if (group.config.autoOffsetReset !== 'none') return [];
  const until = evidence.settled?.seq ?? 0;
  return group.processes.flatMap(({ process, order, exit, applicationErrors, clientCrashes }) => {
    const missing = partitionsOf(evidence, process)
      .flatMap(([key, { fetched }]) =>
        fetched.filter(({ offset }) => offset === null).map(({ seq }) => ({ seq, ...partitionOf(key) })),
      )
      .sort((a, b) => a.seq - b.seq);
    const [first] = missing;
    if (first === undefined || first.seq > until) return [];
    const isNamed = [...applicationErrors, ...clientCrashes].some(({ seq, error }) =>
      missing.some((one) => seq > one.seq && error.includes(`${one.topic}-${one.partition}`)),
    );
    // An error had ended it before, and what it was told on its way out it need not say.
    const joins = evidence.positions.joins.get(process) ?? [];
    const joined = lastBefore(joins, first.seq)?.seq ?? -1;
    const hadFailed = exit !== null && applicationErrors.some(({ seq }) => seq > joined && seq < first.seq);
    // While it joins again a poll comes to nothing else (Java's updateAssignmentMetadataIfNeeded), and then it asks anew.
    const hasJoinedAgain = joins.some(({ seq }) => seq > first.seq);
    const isJoiningAgain = eventsOf(evidence.history, 'client-rebalancing').some(
      (event) => event.process === process && event.seq > joined && event.seq < first.seq,
    );
    if (isNamed || order !== null || hadFailed || hasJoinedAgain || isJoiningAgain) return [];
    return [
      report(
        'no error although there is no committed offset',
        `${process} was told that ${first.topic}/${first.partition} has no committed offset in group ${group.id}, which has auto.offset.reset none, and reported no error that names it.`,
        proof(first.seq, exit?.seq),
        { group: group.id, topic: first.topic, partition: first.partition, process },
      ),
    ];
  });
}

/** Whether records below the position can have been deleted by then, or nobody can tell why the broker said so. */
export function isGenuinelyOutOfRange(
  evidence: Evidence,
  key: string,
  { offset, time, seq, namesEpoch }: OutOfRange,
): boolean {
  const log = evidence.logs.get(key);
  if (log === undefined) return true;
  const { topic, partition } = partitionOf(key);
  const isBelow =
    offset < log.logStartOffset &&
    deletionsOf(evidence.actions, topic, partition).some((action) => action.seq < seq);
  return (
    isBelow ||
    offset > log.logEndOffset ||
    // A leader with an old view answers so to whoever does not say which epoch it is meant for, and to nobody else.
    (namesEpoch && isOutageWithin(evidence, 0, time)) ||
    // What an application seeks, or an operator sets, may be anywhere, above the log's end at that time too.
    hasBeenSought(evidence.positions, key, offset, seq) ||
    hasBeenAltered(evidence, topic, partition, offset, seq)
  );
}

function spuriousResets(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  return group.processes.flatMap(({ process }) =>
    partitionsOf(evidence, process).flatMap(([key, { outOfRange }]) => {
      return outOfRange.flatMap((refusal) => {
        if (isGenuinelyOutOfRange(evidence, key, refusal)) return [];
        return [
          report(
            SPURIOUS,
            `${process} was told that its position ${refusal.offset} in ${key} is out of range, although the log of group ${group.id} had that offset all the time.`,
            proof(refusal.seq, evidence.logs.get(key)?.event.seq),
            { group: group.id, process, ...partitionOf(key) },
          ),
        ];
      });
    }),
  );
}
