/** answered-offset: what position and committed answered to applications enters, answers that were not so leave. */
import type { EventOf } from '../harness/history/schema.ts';
import { proof, reporter } from './anomaly.ts';
import { eventsOf } from './evidence/by-kind.ts';
import type { CommitEntry } from './evidence/commits.ts';
import { type Evidence, entriesOf, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { isNextRecord, recordsBetween, shownTo } from './evidence/logs.ts';
import { positionsOf } from './evidence/positions.ts';
import { CLOCK_TOLERANCE_MS, nameOffsets, partitionKey, toOffset } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('answered-offset');

export const answeredOffset: Property = {
  id: 'answered-offset',
  title: 'Questions for offsets are answered right',
  statement:
    "What position answers is the place of the next record that the member is handed of the partition, and leaves out none behind the last that it was handed, as long as it neither takes part in a rebalance nor seeks nor is reset in between; offsets at which the final log holds no record that the group is shown are passed over. What committed answers is the group's committed offset as the coordinator's log had it at some moment of the call: not older than the last commit that had been confirmed before, and none that was made after it.",
  check(history) {
    const evidence = evidenceOf(history);
    const asked = new Map<string, EventOf<'application-call'>>();
    return eventsOf(history, 'application-call', 'application-call-end').flatMap((event): Anomaly[] => {
      if (event.kind === 'application-call') {
        asked.set(event.process, event);
        return [];
      }
      const begin = asked.get(event.process);
      const group = evidence.groups.find(({ id }) => id === event.group);
      if (event.answer === undefined || begin?.topic == null || group === undefined) return [];
      const partition = begin.partitions?.[0] ?? 0;
      const question: Question = {
        begin,
        end: event,
        topic: begin.topic,
        partition,
        key: partitionKey(begin.topic, partition),
        answer: event.answer === null ? null : toOffset(event.answer),
      };
      return event.call === 'position'
        ? [...wrongBehind(evidence, group, question), ...wrongAhead(evidence, group, question)]
        : wrongCommitted(evidence, group, question);
    });
  },
  policy: () => 'illegal',
};

interface Question {
  readonly begin: EventOf<'application-call'>;
  readonly end: EventOf<'application-call-end'>;
  readonly topic: string;
  readonly partition: number;
  readonly key: string;
  readonly answer: number | null;
}

const subjectOf = ({ begin, topic, partition }: Question) => ({
  group: begin.group,
  topic,
  partition,
  process: begin.process,
});

/** Whether anything but its own work moved the member's position between two places of the history. */
function isMoved(evidence: Evidence, { begin, key }: Question, afterSeq: number, beforeSeq: number): boolean {
  const { process } = begin;
  const isWithin = ({ seq }: { readonly seq: number }): boolean => seq > afterSeq && seq < beforeSeq;
  const { fetched, listed, outOfRange, sought } = positionsOf(evidence.positions, process, key);
  return (
    [fetched, listed, outOfRange, sought].some((moves) => moves.some(isWithin)) ||
    (evidence.positions.joins.get(process) ?? []).some(isWithin) ||
    (evidence.positions.takenUp.get(process) ?? []).some(isWithin)
  );
}

/** The last, or the first, handler call of the partition in the member, beside a place of the history. */
function deliveryBeside(
  evidence: Evidence,
  { begin, topic, partition }: Question,
  side: 'before' | 'after',
  seq: number,
): EventOf<'delivery'> | undefined {
  const deliveries = eventsOf(evidence.history, 'delivery');
  const isOurs = (event: EventOf<'delivery'>): boolean =>
    event.process === begin.process &&
    event.group === begin.group &&
    event.topic === topic &&
    event.partition === partition;
  return side === 'before'
    ? deliveries.findLast((event) => event.seq < seq && isOurs(event))
    : deliveries.find((event) => event.seq > seq && isOurs(event));
}

/** What the member was handed before has to reach up to its position. */
function wrongBehind(evidence: Evidence, group: GroupEvidence, question: Question): Anomaly[] {
  const { begin, end, key, answer } = question;
  const last = deliveryBeside(evidence, question, 'before', begin.seq);
  const log = shownTo(group.config, evidence.logs.get(key));
  if (last === undefined || log === undefined || answer === null) return [];
  const next = Math.max(...last.offsets.map(toOffset)) + 1;
  const left = answer > next ? recordsBetween(log, next, answer) : [];
  if (left.length === 0 || isMoved(evidence, question, last.seq, end.seq)) return [];
  return [
    report(
      'position is ahead of what was handed over',
      `${begin.process} was told that its position in ${key} in group ${begin.group} is ${answer}, and the last that it was handed is ${next - 1}: ${nameOffsets(left)} would be left out.`,
      proof(last.seq, begin.seq, end.seq, log.event.seq),
      subjectOf(question),
    ),
  ];
}

function wrongAhead(evidence: Evidence, group: GroupEvidence, question: Question): Anomaly[] {
  const { begin, end, key, answer } = question;
  const next = deliveryBeside(evidence, question, 'after', end.seq);
  if (next === undefined || answer === null) return [];
  const first = toOffset(next.offsets[0] as string);
  const log = shownTo(group.config, evidence.logs.get(key));
  if (isNextRecord(log, answer, first) || isMoved(evidence, question, end.seq, next.seq)) return [];
  return [
    report(
      'position is not where the member went on',
      `${begin.process} was told that its position in ${key} in group ${begin.group} is ${answer}, and was handed ${first} next.`,
      proof(begin.seq, end.seq, next.seq),
      subjectOf(question),
    ),
  ];
}

function wrongCommitted(evidence: Evidence, group: GroupEvidence, question: Question): Anomaly[] {
  const { begin, end, key, answer } = question;
  const entries = entriesOf(group, key);
  const floor = entries.findLastIndex((entry) => isConfirmedBefore(evidence, entry, begin));
  const before = floor < 0 ? null : (entries[floor] as CommitEntry);
  const later = entries.slice(floor + 1).filter((entry) => isMadeBefore(entry, end));
  if ([before, ...later].some((entry) => (entry?.offset ?? null) === answer)) return [];
  const told = answer ?? 'that there is none';
  const was = before?.offset ?? null;
  const isOlder = was !== null && (answer === null || answer < was);
  return [
    report(
      isOlder ? 'committed offset is older than a confirmed commit' : 'committed offset was not committed',
      `${begin.process} asked for the committed offset of ${key} in group ${begin.group} and was told ${told}; ${was === null ? 'none' : was} had been committed before${later.length === 0 ? '' : `, and meanwhile ${later.map(({ offset }) => offset ?? 'none').join(', ')}`}.`,
      proof(before?.seq, begin.seq, end.seq),
      subjectOf(question),
    ),
  ];
}

/** Whether its answer had come: a commit that is written and not replicated cannot be read yet. */
function isConfirmedBefore(
  { history }: Evidence,
  { request }: CommitEntry,
  { process, seq, time }: Question['begin'],
): boolean {
  if (request?.outcome !== 'ok' || request.outcomeSeq === null) return false;
  if (request.process === process) return request.outcomeSeq < seq;
  // What two processes say comes through two pipes.
  const toldTime = history.events[request.outcomeSeq]?.time ?? Number.POSITIVE_INFINITY;
  return toldTime < time - CLOCK_TOLERANCE_MS;
}

const isMadeBefore = ({ request, time }: CommitEntry, end: Question['end']): boolean =>
  request?.process === end.process ? request.seq < end.seq : time <= end.time + CLOCK_TOLERANCE_MS;
