/** produced-offset: sends with their answers and the final logs enter, answers that are not true leave. */
import type { Scenario } from '../scenarios/schema.ts';
import { producerOf, proof, reporter } from './anomaly.ts';
import type { Processing } from './evidence/consumption.ts';
import { type Evidence, evidenceOf, hasBrokerFault, mayLoseTouch } from './evidence/evidence.ts';
import type { PartitionLog } from './evidence/logs.ts';
import type { Send } from './evidence/producing.ts';
import { count, listAt, mapAt, nameOffsets, partitionKey, partitionOf } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('produced-offset');

const LOST = 'acknowledged record is not in the log';
const UNCONFIRMED = 'send succeeded without some of its records';
const REPLACED = 'another record is at the acknowledged offset';
const MISPLACED = 'record is at another offset than acknowledged';
const SHARED = 'two sends were given one offset';
const CHANGED = 'one offset held two records';
const TWICE = 'record written twice';

/** What becomes of records that only their leader had confirmed, when that leader fails. */
const LOSSES: ReadonlySet<string> = new Set([LOST, REPLACED, MISPLACED, SHARED]);

export const producedOffset: Property = {
  id: 'produced-offset',
  title: 'The acknowledged offset is where the record is',
  statement:
    'A send with acks 0 answers no offset, or -1. A send with acks 1 or all answers the offset of the first record of each partition that it wrote to, the others follow it in order, and the final log has them there unless they were deleted; no record of it is without an answer. No acknowledged offset is given to two sends, no offset ever held two records, and no record is in the log twice. With acks 1 and a broker that fails, a lost record is observed and not illegal; so is a record written twice by a producer that is not idempotent where a broker failed or a link broke.',
  check(history) {
    const evidence = evidenceOf(history);
    const sends = evidence.producing.sends.filter(({ process }) => evidence.processes.has(process));
    return [
      ...sends.flatMap((send) => judgeAnswers(evidence, send)),
      ...sharedOffsets(evidence, sends),
      ...writtenTwice(evidence, sends),
      ...changedOffsets(evidence),
    ];
  },
  policy: (scenario, anomaly) => {
    if (!mayLoseTouch(scenario)) return 'illegal';
    if (anomaly.signature === TWICE) return producerOf(scenario, anomaly).idempotent ? 'illegal' : 'observed';
    if (anomaly.signature === CHANGED) return mayLoseRecords(scenario, anomaly) ? 'observed' : 'illegal';
    if (LOSSES.has(anomaly.signature))
      return producerOf(scenario, anomaly).acks === 1 && hasBrokerFault(scenario) ? 'observed' : 'illegal';
    return 'illegal';
  },
};

/** Whether a record of the topic may have been confirmed by its leader alone, or not at all. */
const mayLoseRecords = (scenario: Scenario, anomaly: Anomaly): boolean =>
  scenario.producers.some(
    (producer) => producer.acks !== 'all' && producer.topics.includes(anomaly.subject.topic ?? ''),
  );

/** What the final log says about one send: where its acknowledged records are, and which are nowhere. */
export interface Reckoning {
  /** Records at the acknowledged offsets, by their ids. */
  readonly found: ReadonlySet<string>;
  /** How many records of the send may be below the start of the log, so that nobody can tell. */
  readonly deletedMax: number;
  /** The answers at whose offset the log has something else, or nothing. */
  readonly wrong: readonly {
    readonly partition: number;
    readonly offset: number;
    readonly there: string | null;
  }[];
  /** Records of the send at offsets that its answers do not account for. */
  readonly misplaced: readonly {
    readonly record: string;
    readonly partition: number;
    readonly offset: number;
  }[];
  readonly logs: readonly PartitionLog[];
}

/** Whether a send of one record has it where its answer says: as nearly always, and then there is nothing to reckon. */
export function isWhereAnswered(evidence: Evidence, { topic, records, answers }: Send): boolean {
  const [record, second] = records;
  const [answer, another] = answers;
  if (record === undefined || second !== undefined || answer === undefined || another !== undefined)
    return false;
  const log = evidence.logs.get(partitionKey(topic, answer.partition));
  return answer.baseOffset >= 0 && log?.recordAt.get(answer.baseOffset) === record;
}

/** Walks from each acknowledged base offset through the send's records, which lie there in the order of the call. */
export function reckon(evidence: Evidence, send: Send): Reckoning {
  const found = new Set<string>();
  const wrong: { partition: number; offset: number; there: string | null }[] = [];
  const logs: PartitionLog[] = [];
  const order = new Map(send.records.map((record, i) => [record, i]));
  const atBases = new Set(
    send.answers.map(({ partition, baseOffset }) =>
      evidence.logs.get(partitionKey(send.topic, partition))?.recordAt.get(baseOffset),
    ),
  );
  let deletedMax = 0;
  for (const { partition, baseOffset } of send.answers) {
    const log = evidence.logs.get(partitionKey(send.topic, partition));
    if (log === undefined || baseOffset < 0) continue;
    logs.push(log);
    // What comes behind the next answer for the partition is that one's, also where the log starts there.
    const bases = send.answers.filter((one) => one.partition === partition).map((one) => one.baseOffset);
    const end = Math.min(...bases.filter((base) => base > baseOffset));
    let offset = baseOffset;
    if (offset < log.logStartOffset) {
      deletedMax += Math.min(log.logStartOffset, end) - offset;
      offset = Math.min(log.logStartOffset, end);
    }
    let previous = -1;
    for (; offset < end; offset += 1) {
      const record = log.recordAt.get(offset);
      const place = record === undefined ? undefined : order.get(record);
      if (record === undefined || place === undefined || place <= previous || found.has(record)) break;
      // One that is written twice is where its own answer says, and not where the walk from another comes to it.
      if (offset > baseOffset && atBases.has(record)) break;
      found.add(record);
      previous = place;
    }
    if (offset === baseOffset) wrong.push({ partition, offset, there: log.recordAt.get(offset) ?? null });
  }
  const misplaced = send.records
    .filter((record) => !found.has(record))
    .flatMap((record) =>
      (evidence.locations.get(record) ?? [])
        .filter(({ topic }) => topic === send.topic)
        .slice(0, 1)
        .map(({ partition, offset }) => ({ record, partition, offset })),
    );
  return { found, deletedMax, wrong, misplaced, logs };
}

function judgeAnswers(evidence: Evidence, send: Send): Anomaly[] {
  if (send.outcome !== 'ok') return [];
  const { process, producer, topic, seq, outcomeSeq } = send;
  const subject = { producer, process, topic };
  if (send.acks === 0)
    return send.answers
      .filter(({ baseOffset }) => baseOffset >= 0)
      .map(({ partition, baseOffset }) =>
        report(
          'acks 0 answered an offset',
          `${process} sent ${count(send.records.length, 'record')} to ${topic} with acks 0 and was told offset ${baseOffset} of partition ${partition}, which no broker had confirmed.`,
          proof(seq, outcomeSeq),
          { ...subject, partition },
        ),
      );
  if (!send.answers.some(({ baseOffset }) => baseOffset >= 0))
    return [
      report(
        'acknowledged without an offset',
        `${process} sent ${count(send.records.length, 'record')} to ${topic} with acks ${send.acks} and was told no offset.`,
        proof(seq, outcomeSeq),
        subject,
      ),
    ];
  if (!evidence.completeTopics.has(topic) || isWhereAnswered(evidence, send)) return [];
  const { found, deletedMax, wrong, misplaced, logs } = reckon(evidence, send);
  const proofs = proof(seq, outcomeSeq, ...logs.map((log) => log.event.seq));
  const [astray] = misplaced;
  if (astray !== undefined)
    return [
      report(
        MISPLACED,
        `${process} was told ${nameAnswers(send)} with ${nameAcks(evidence, send)}, and ${misplaced.length === 1 ? astray.record : `${count(misplaced.length, 'record')} of that send`} ${misplaced.length === 1 ? 'is' : 'are'} somewhere else: ${astray.record} is at offset ${astray.offset} of ${topic}/${astray.partition}.`,
        proofs,
        { ...subject, partition: astray.partition },
      ),
    ];
  if (wrong.length > 0)
    return wrong.map(({ partition, offset, there }) =>
      report(
        there === null ? LOST : REPLACED,
        `${process} was told offset ${offset} of ${topic}/${partition} with ${nameAcks(evidence, send)}, and the log holds ${there ?? 'nothing'} there.`,
        proofs,
        { ...subject, partition },
      ),
    );
  // A batch is written whole, so what is missing beside answers that hold was never confirmed by any broker.
  const missing = send.records.length - found.size - deletedMax;
  if (missing <= 0) return [];
  return [
    report(
      UNCONFIRMED,
      `${process} was told that its send of ${count(send.records.length, 'record')} to ${topic} with acks ${send.acks} had succeeded, with ${nameAnswers(send)}, and ${missing} of them ${missing === 1 ? 'is' : 'are'} in no log.`,
      proofs,
      subject,
    ),
  ];
}

const nameAnswers = ({ topic, answers }: Send): string =>
  [...new Set(answers.map(({ partition }) => partition))]
    .map((partition) => {
      const offsets = answers.filter((one) => one.partition === partition).map((one) => one.baseOffset);
      return `${nameOffsets([...new Set(offsets)].sort((a, b) => a - b))} of ${topic}/${partition}`;
    })
    .join(' and ');

/** The promise that the producer was given; idempotence says that a record is written once however often it is sent. */
const nameAcks = ({ scenario }: Evidence, { producer, acks }: Send): string =>
  `acks ${acks}${scenario.producers.find(({ id }) => id === producer)?.idempotent === true ? ' and idempotence' : ''}`;

function whoShares(one: Send, other: Send): string {
  if (one === other) return `${one.process} was told for two records of one send`;
  return one.process === other.process
    ? `${one.process} was told for two sends`
    : `${one.process} and ${other.process} were both told`;
}

function sharedOffsets(evidence: Evidence, sends: readonly Send[]): Anomaly[] {
  const firsts = new Map<string, Map<number, Send>>();
  return sends.flatMap((send) => {
    if (send.outcome !== 'ok') return [];
    return send.answers.flatMap(({ partition, baseOffset }) => {
      if (baseOffset < 0) return [];
      const first = mapAt(firsts, partitionKey(send.topic, partition));
      const other = first.get(baseOffset);
      if (other === undefined) {
        first.set(baseOffset, send);
        return [];
      }
      // The confirmation that a leader alone gave is the one that may turn out not to hold.
      const weaker = other.acks === 1 ? other : send;
      return [
        report(
          SHARED,
          `${whoShares(other, send)} offset ${baseOffset} of ${send.topic}/${partition} with ${nameAcks(evidence, weaker)}.`,
          proof(other.outcomeSeq, send.outcomeSeq),
          { producer: weaker.producer, process: weaker.process, topic: send.topic, partition },
        ),
      ];
    });
  });
}

function writtenTwice(evidence: Evidence, sends: readonly Send[]): Anomaly[] {
  const areTwice = sends.filter(({ records }) =>
    records.some((record) => (evidence.locations.get(record)?.length ?? 0) > 1),
  );
  return areTwice.flatMap((send) => {
    const byPlace = new Map<string, { partition: number; offsets: number[]; records: string[] }>();
    for (const record of send.records) {
      const places = evidence.locations.get(record) ?? [];
      const [first] = places;
      if (first === undefined || places.length < 2) continue;
      const { partition } = first;
      const entry = byPlace.get(String(partition)) ?? { partition, offsets: [], records: [] };
      entry.offsets.push(...places.map(({ offset }) => offset));
      entry.records.push(record);
      byPlace.set(String(partition), entry);
    }
    return [...byPlace.values()].map(({ partition, offsets, records }) =>
      report(
        TWICE,
        `${records.length === 1 ? records[0] : `${records.length} records`} of ${send.process} ${records.length === 1 ? 'is' : 'are'} in ${partitionKey(send.topic, partition)} more than once, at ${nameOffsets(offsets.sort((a, b) => a - b))}, with ${nameAcks(evidence, send)}.`,
        proof(send.seq, send.outcomeSeq, evidence.logs.get(partitionKey(send.topic, partition))?.event.seq),
        { producer: send.producer, process: send.process, topic: send.topic, partition },
      ),
    );
  });
}

/** What members read at an offset is a witness too, of records that the final log no longer has. */
function changedOffsets(evidence: Evidence): Anomaly[] {
  const readings = new Map<string, Processing[]>();
  for (const group of evidence.groups)
    for (const { key, processing } of group.consumption.values()) {
      const log = evidence.logs.get(key);
      for (const one of processing) {
        if (one.record === null) continue;
        const list = listAt(readings, key);
        if (log?.recordAt.get(one.offset) !== one.record) list.push(one);
      }
    }
  return [...readings].flatMap(([key, list]) => {
    const log = evidence.logs.get(key);
    const known = new Map<number, { record: string; seq: number }>();
    const told = new Set<number>();
    return list
      .sort((a, b) => a.seq - b.seq)
      .flatMap(({ record, seq, offset }) => {
        const written = log?.recordAt.get(offset);
        const other =
          written === undefined ? known.get(offset) : { record: written, seq: log?.event.seq ?? seq };
        if (record === null) return [];
        known.set(offset, { record, seq });
        if (other === undefined || other.record === record || told.has(offset)) return [];
        told.add(offset);
        return [
          report(
            CHANGED,
            `Offset ${offset} of ${key} was read as ${record}, and ${written === undefined ? 'before that as' : 'the log holds'} ${other.record} there.`,
            proof(seq, other.seq),
            partitionOf(key),
          ),
        ];
      });
  });
}

/** Whether the topic's logs have lost records to a deletion, so that a record that is nowhere may have been in one. */
export const mayHaveBeenDeleted = (evidence: Evidence, send: Send): boolean =>
  [...evidence.logs.values()].some((log) => log.topic === send.topic && log.logStartOffset > 0);
