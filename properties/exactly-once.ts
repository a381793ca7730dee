/**
 * exactly-once: what a pipeline has read, what it has written in transactions and how far it has committed enter, records
 * that were written twice, not at all, or without their offset leave.
 */
import { type Copied, copiedBy } from '../harness/client/application/copy-of.ts';
import type { Action, Group, Scenario } from '../scenarios/schema.ts';
import { groupOf, proof, reporter } from './anomaly.ts';
import type { CommitEntry } from './evidence/commits.ts';
import {
  type Evidence,
  entriesOf,
  evidenceOf,
  type GroupEvidence,
  isOutageWithin,
} from './evidence/evidence.ts';
import { type PartitionLog, recordsBetween, shownTo } from './evidence/logs.ts';
import { type PartitionPositions, positionsOf } from './evidence/positions.ts';
import { listAt, nameOffsets, partitionKey } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('exactly-once');

/** How much later than the first of its markers a transaction may get the last. */
const MARKERS_MS = 1_000;
const TWICE = 'record was written twice';
const TWICE_OPEN = 'record was written twice: the next owner did not wait for an open transaction';
const TWICE_OLD_VIEW = 'record was written twice: a leader with an old view called a position out of range';
const MISSING = 'record was not written';
const MISSING_PART = 'record was not written: the transaction that covers it has others of its send';

export const exactlyOnce: Property = {
  id: 'exactly-once',
  title: 'A pipeline writes each record once',
  statement:
    'For a group that consumes, transforms and produces in transactions (KIP-98, KIP-447), the output topic as read_committed sees it has exactly one record for each record of the final input log from where the group began to its last committed offset, and none for a record at or after that offset; one that is there and was committed within a second of the end may still lack the marker that shows it. It is told apart where a record was written twice since the next owner began, or the same one after it had joined again, while a transaction had its offsets in the log of the coordinator and had not ended (KIP-447 has it wait), and where a transaction was committed without some of the records that its one send was given. Where a position is moved by somebody else (a seek, offsets that an operator sets or deletes or that expire, a topic that is created anew, a broker that answers OFFSET_OUT_OF_RANGE, on purpose or, where brokers are away, as a leader with an old view to a member that names its epoch, or with latest records that were deleted), what follows from that is observed and not illegal.',
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) => judge(evidence, group));
  },
  policy: (scenario, anomaly) =>
    anomaly.signature === TWICE_OLD_VIEW || isMovedByOthers(scenario, groupOf(scenario, anomaly))
      ? 'observed'
      : 'illegal',
};

interface Output {
  /** By input partition and offset: where the committed copies lie. */
  readonly copies: ReadonlyMap<string, ReadonlyMap<number, readonly string[]>>;
  /** By input partition: what is written, and has no marker yet. */
  readonly open: ReadonlyMap<string, ReadonlySet<number>>;
  readonly logs: readonly PartitionLog[];
  /** Whether nothing of it is missing, so that what is not there was never written. */
  readonly isComplete: boolean;
}

function outputOf(evidence: Evidence, { topics }: Group, output: string): Output {
  const logs = [...evidence.logs.values()].filter(({ topic }) => topic === output);
  const copies = new Map<string, Map<number, string[]>>();
  const open = new Map<string, Set<number>>();
  const add = ({ place, partition, offset }: Copied, where: string): void => {
    const key = partitionKey(topics[place] ?? '', partition);
    const ofPartition = copies.get(key) ?? new Map<number, string[]>();
    copies.set(key, ofPartition);
    listAt(ofPartition, offset).push(where);
  };
  for (const { partition, recordAt, transactions } of logs)
    for (const [offset, record] of recordAt) {
      const copied = copiedBy(record);
      if (copied === null) continue;
      const state = transactions.get(offset)?.state ?? 'committed';
      if (state === 'committed') add(copied, `${output}/${partition}@${offset}`);
      if (state !== 'open') continue;
      const key = partitionKey(topics[copied.place] ?? '', copied.partition);
      open.set(key, (open.get(key) ?? new Set()).add(copied.offset));
    }
  const isComplete =
    evidence.completeTopics.has(output) && logs.every(({ logStartOffset }) => logStartOffset === 0);
  return { copies, open, logs, isComplete };
}

function judge(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  const { commitMode } = group.config;
  if (commitMode.kind !== 'transaction') return [];
  const output = outputOf(evidence, group.config, commitMode.topic);
  return [...evidence.logs.values()]
    .filter(({ topic }) => group.config.topics.includes(topic))
    .flatMap((log) => judgePartition(evidence, group, shownTo(group.config, log), output));
}

function judgePartition(
  evidence: Evidence,
  group: GroupEvidence,
  log: PartitionLog,
  output: Output,
): Anomaly[] {
  const { settled } = evidence;
  const { topic, partition } = log;
  const key = partitionKey(topic, partition);
  const copies = output.copies.get(key) ?? new Map<number, readonly string[]>();
  const entries = entriesOf(group, key);
  const last = entries.at(-1);
  const committed = last?.offset ?? 0;
  const events = proof(last?.seq, log.event.seq, ...output.logs.map(({ event }) => event.seq));
  const subject = { group: group.id, topic, partition };
  const anomalies: Anomaly[] = [];
  const offsets = [...copies.keys()].sort((a, b) => a - b);

  const open = leftOpen(evidence, group, key);
  const repeated = offsets.filter((offset) => (copies.get(offset)?.length ?? 0) > 1);
  const isLeftOpen = (offset: number): boolean => open.some((range) => isWithin(range, offset));
  const isTakenBack = takenBackBy(evidence, group, key);
  const [taken, others] = [repeated.filter(isTakenBack), repeated.filter((offset) => !isTakenBack(offset))];
  for (const [signature, twice] of [
    ...apart(taken, isLeftOpen, TWICE_OPEN, TWICE_OLD_VIEW),
    ...apart(others, isLeftOpen, TWICE_OPEN, TWICE),
  ])
    anomalies.push(
      report(
        signature,
        `What group ${group.id} makes of ${nameOffsets(twice)} of ${key} has been committed more than once: ${(copies.get(twice[0] as number) ?? []).join(' and ')}.`,
        events,
        subject,
      ),
    );
  const beyond = offsets.filter((offset) => offset >= committed);
  if (beyond.length > 0)
    anomalies.push(
      report(
        'record was written without its offset',
        `What group ${group.id} makes of ${nameOffsets(beyond)} of ${key} has been committed, and the committed offset is ${last?.offset ?? 'none'}.`,
        events,
        subject,
      ),
    );
  const began =
    group.config.autoOffsetReset === 'earliest'
      ? 0
      : Math.min(offsets[0] ?? committed, entries.find(({ offset }) => offset !== null)?.offset ?? committed);
  // The markers of a transaction reach each partition by itself, and the run may be over when the offset's is written.
  const isOnItsWay = (offset: number): boolean =>
    output.open.get(key)?.has(offset) === true &&
    (entries.find((entry) => (entry.offset ?? -1) > offset)?.time ?? 0) >= (settled?.time ?? 0) - MARKERS_MS;
  const missing = recordsBetween(log, began, committed).filter(
    (offset) => !copies.has(offset) && !isOnItsWay(offset),
  );
  const covered = coveredBy(group, key);
  const isPart = (offset: number): boolean => {
    const range = covered.find((one) => isWithin(one, offset));
    return range !== undefined && offsets.some((copied) => isWithin(range, copied));
  };
  for (const [signature, those] of apart(output.isComplete ? missing : [], isPart, MISSING_PART, MISSING))
    anomalies.push(
      report(
        signature,
        `Group ${group.id} has committed ${key} at ${committed}, and what it makes of ${nameOffsets(those)} has never been committed.`,
        events,
        subject,
      ),
    );
  return anomalies;
}

/** The offsets of which something holds, and the others, each under its signature, where there are any. */
const apart = (
  offsets: readonly number[],
  holds: (offset: number) => boolean,
  signature: string,
  otherwise: string,
): [signature: string, offsets: number[]][] => {
  const [those, others] = [offsets.filter(holds), offsets.filter((offset) => !holds(offset))];
  const both: [string, number[]][] = [
    [signature, those],
    [otherwise, others],
  ];
  return both.filter(([, found]) => found.length > 0);
};

/**
 * Whether a leader with an old view, which brokers that are away make possible, told a member that its position behind the
 * offset is out of range, although the member had said which epoch it meant: it may find its place before the offset then.
 */
const takenBackBy = (
  evidence: Evidence,
  group: GroupEvidence,
  key: string,
): ((offset: number) => boolean) => {
  const refused = group.processes.flatMap(({ process }) =>
    positionsOf(evidence.positions, process, key).outOfRange.filter(
      ({ namesEpoch, time }) => namesEpoch && isOutageWithin(evidence, 0, time),
    ),
  );
  return (offset) => refused.some((one) => one.offset > offset);
};

/** Input offsets that one transaction commits: those from the offset in force before it up to its own. */
interface Range {
  readonly entry: CommitEntry;
  readonly from: number;
  readonly to: number;
}

const isWithin = ({ from, to }: Range, offset: number): boolean => offset >= from && offset < to;

const coveredBy = (group: GroupEvidence, key: string): Range[] => {
  const entries = entriesOf(group, key);
  return entries
    .filter(({ request }) => request?.isTransactional === true)
    .map((entry) => ({
      entry,
      from: entries.findLast(({ inForceFrom }) => inForceFrom < entry.position)?.offset ?? 0,
      to: entry.value,
    }));
};

/**
 * What transactions cover that were still open when the next owner of the partition committed: their offsets were in the
 * coordinator's log before the generation in which that one came to own it, and in force only after its commit. Who asks
 * for stable offsets (KIP-447) is not told where to begin before such a transaction has ended. That next owner may be the
 * same process, which joined again: what it was told before its transaction's markers were written shows that.
 */
const leftOpen = ({ positions }: Evidence, group: GroupEvidence, key: string): Range[] =>
  coveredBy(group, key).filter(
    ({ entry }) =>
      entriesOf(group, key).some(
        (next) =>
          next.position < entry.inForceFrom &&
          next.request !== null &&
          next.request.process !== entry.request?.process &&
          next.generation !== null &&
          next.generation.position > entry.position &&
          next.generation.owners.get(key)?.includes(next.request.process) === true,
      ) || isReadBeforeItsEnd(positionsOf(positions, entry.request?.process ?? '', key), entry),
  );

/** Whether the process that had its offset in the transaction was told of an older one, between that and its end. */
const isReadBeforeItsEnd = ({ fetched }: PartitionPositions, { request, seq, value }: CommitEntry): boolean =>
  fetched.some(
    (answer) =>
      request?.outcomeSeq != null &&
      answer.seq > request.outcomeSeq &&
      answer.seq < seq &&
      (answer.offset ?? 0) < value,
  );

/** Whether a position of the group may be moved by anybody but its members' own work. */
function isMovedByOthers({ actions, topology }: Scenario, group: Group): boolean {
  const output = group.commitMode.kind === 'transaction' ? group.commitMode.topic : '';
  const isOurs = (topic: string): boolean => group.topics.includes(topic) || topic === output;
  const moves = (action: Action): boolean => {
    switch (action.kind) {
      case 'seek':
        return group.members.some(({ id }) => id === action.member);
      case 'alter-offsets':
      case 'delete-offsets':
        return action.group === group.id;
      case 'recreate-topic':
        return isOurs(action.topic);
      case 'delete-records':
        return group.autoOffsetReset === 'latest' && isOurs(action.topic);
      case 'answer-error':
        return action.api === 'Fetch' && action.error === 'OFFSET_OUT_OF_RANGE';
      default:
        return false;
    }
  };
  return topology.offsetsRetentionMs !== undefined || actions.some(moves);
}
