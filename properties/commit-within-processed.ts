/** commit-within-processed: commits and processing enter, commits of records that were not processed yet leave. */
import { groupOf, proof, reporter } from './anomaly.ts';
import type { OffsetFate, Stretch } from './evidence/consumption.ts';
import { type Evidence, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { firstDeliveriesOf } from './evidence/hand-overs.ts';
import { recordsBetween, shownTo } from './evidence/logs.ts';
import { positionsOf } from './evidence/positions.ts';
import { mayHaveBeenReset } from './evidence/resume.ts';
import { hasSought } from './evidence/seeks.ts';
import { count, lastBefore, mapAt, nameOffsets, partitionKey, toOffset } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('commit-within-processed');

const NOT_DELIVERED = 'commit covers a record that was never delivered';
const NOT_BEGUN = 'commit covers a record whose processing had not begun';
const NOT_DONE = 'commit covers a record whose processing had not ended well';

export const commitWithinProcessed: Property = {
  id: 'commit-within-processed',
  title: 'Only what is done is committed',
  statement:
    "Each record of the final log that lies between the place where a member took up a partition and an offset that it commits there has been handed over to a member of the group before the request leaves, its processing has begun, and with process-then-commit it has ended well. The place is where the member's position was after its last join, reset or seek. With commit-then-process a commit of what was handed over and not processed is observed and not illegal. Where a client's traffic is not recorded, the application's own commits are judged. An application of the user's has begun to process what its handler was called with, and has ended that where it commits it.",
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups.flatMap((group) => judge(evidence, group));
  },
  policy(scenario, anomaly) {
    const { commitOrder } = groupOf(scenario, anomaly);
    return commitOrder === 'commit-then-process' && anomaly.signature !== NOT_DELIVERED
      ? 'observed'
      : 'illegal';
  },
};

interface Commit {
  readonly process: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly seq: number;
}

const commitsOf = ({ commits, hasWire }: GroupEvidence): readonly Commit[] =>
  hasWire
    ? commits.requests
    : commits.applicationCommits.flatMap(({ begin: { process, seq, offsets } }) =>
        offsets.map(({ topic, partition, offset }) => ({
          process,
          topic,
          partition,
          offset: toOffset(offset),
          seq,
        })),
      );

interface Finding {
  readonly commit: Commit;
  readonly records: number[];
  commits: number;
  last: Commit;
}

/** What is known of the records between one place and the highest offset that was committed from there. */
interface Checked {
  /** Up to here, all but those in `open` are done for good: what has ended before one commit has before every later. */
  to: number;
  /** Ascending; to be looked at again with every commit that covers them. */
  open: number[];
}

/** One finding for each time that a member has the partition, and not one for each commit. */
function judge(evidence: Evidence, group: GroupEvidence): Anomaly[] {
  const found = new Map<string, Finding>();
  /** By the place where a member took a partition up, then by the offset at which it did. */
  const checked = new Map<string, Map<number, Checked>>();
  const [start] = evidence.history.events;
  // Such an application does its work and commits within one call, and only the call itself can be seen.
  const hasOpaqueWork = start?.kind === 'start' && start.application === true;
  for (const commit of commitsOf(group)) {
    const { topic, partition, offset, process, seq } = commit;
    const key = partitionKey(topic, partition);
    const log = shownTo(group.config, evidence.logs.get(key));
    const start = startOf(evidence, group, commit, key);
    if (log === undefined || start === null || offset <= start.offset) continue;
    const fates = group.consumption.get(key)?.fates;
    const known = checkedFrom(mapAt(checked, `${process} ${key} ${start.seq}`), start.offset);
    const open = known.open.filter((record) => record < offset);
    const later = known.open.slice(open.length);
    const covered = [...open, ...recordsBetween(log, known.to, offset)];
    known.to = Math.max(known.to, offset);
    known.open = [];
    for (const record of covered) {
      const fate = fates?.get(record);
      if (hasOpaqueWork && fate?.begun != null && fate.begun.seq < seq) continue;
      const signature = shortcomingOf(evidence, group, key, fate, record, seq);
      if (signature === null) continue;
      known.open.push(record);
      const place = `${signature}\n${process} ${key} ${start.seq}`;
      const finding = found.get(place);
      if (finding === undefined) found.set(place, { commit, records: [record], commits: 1, last: commit });
      else if (finding.commit === commit) finding.records.push(record);
      else if (finding.last !== commit) {
        finding.commits += 1;
        finding.last = commit;
      }
    }
    known.open.push(...later);
  }
  return [...found].map(([place, { commit, records, commits }]) => {
    const { process, topic, partition, offset, seq } = commit;
    const signature = place.slice(0, place.indexOf('\n'));
    const delivered = firstDeliveriesOf(evidence).get(`${group.id} ${topic}/${partition}`);
    return report(
      signature,
      `${process} committed ${topic}/${partition} at ${offset} in group ${group.id}, and ${nameOffsets(records)} ${records.length === 1 ? 'was' : 'were'} not ${WORDS[signature]} by then${commits === 1 ? '' : ` (and so with ${count(commits - 1, 'later commit')})`}.`,
      proof(delivered?.get(records[0] as number), seq),
      { group: group.id, topic, partition, process },
    );
  });
}

function checkedFrom(byOffset: Map<number, Checked>, offset: number): Checked {
  let checked = byOffset.get(offset);
  if (checked === undefined) {
    checked = { to: offset, open: [] };
    byOffset.set(offset, checked);
  }
  return checked;
}

const WORDS: Readonly<Record<string, string>> = {
  [NOT_DELIVERED]: 'handed over to anybody',
  [NOT_BEGUN]: 'begun',
  [NOT_DONE]: 'processed to the end',
};

function shortcomingOf(
  evidence: Evidence,
  group: GroupEvidence,
  key: string,
  fate: OffsetFate | undefined,
  record: number,
  seq: number,
): string | null {
  if (fate?.done?.endSeq != null && fate.done.endSeq < seq) return null;
  if (fate?.begun != null && fate.begun.seq < seq) return NOT_DONE;
  const delivered = firstDeliveriesOf(evidence).get(`${group.id} ${key}`)?.get(record);
  return delivered !== undefined && delivered < seq ? NOT_BEGUN : NOT_DELIVERED;
}

/** Where the member's position began that the commit is about; null where the history does not show it. */
function startOf(
  evidence: Evidence,
  group: GroupEvidence,
  { process, topic, partition, seq }: Commit,
  key: string,
): { offset: number; seq: number } | null {
  const opening = openingOf(group.consumption.get(key)?.stretches ?? [], process, seq);
  const { fetched, listed } = positionsOf(evidence.positions, process, key);
  const told = Math.max(lastBefore(fetched, seq)?.seq ?? -1, lastBefore(listed, seq)?.seq ?? -1);
  // Cooperative rebalances leave the position as it is, and what they take away is committed with the rest before that.
  const joins = evidence.positions.joins.get(process) ?? [];
  const since = opening?.openSeq ?? lastBefore(joins, told < 0 ? seq : told)?.seq ?? -1;
  // The application itself has said from where it wants to go on.
  if (hasSought(evidence, process, topic, partition, since, seq)) return null;
  if (mayHaveBeenReset(evidence, group, process, topic, partition, seq)) return null;
  if (opening === null || told > opening.openSeq) {
    // Nothing has been delivered since the position was found: it is the position itself that may be committed.
    const found = [...fetched, ...listed].find((one) => one.seq === told)?.offset ?? null;
    if (opening === null) return found === null ? null : { offset: found, seq: told };
    return { offset: Math.max(found ?? -1, opening.last + 1), seq: told };
  }
  return { offset: opening.first, seq: opening.openSeq };
}

/** The stretch with which the member took the partition up last: after a failure it goes back inside of that one. */
function openingOf(stretches: readonly Stretch[], process: string, beforeSeq: number): Stretch | null {
  let last: Stretch | null = null;
  for (let index = stretches.length - 1; index >= 0; index -= 1) {
    const stretch = stretches[index] as Stretch;
    if (stretch.process !== process || stretch.openSeq >= beforeSeq) continue;
    if (stretch.opening !== 'back') return stretch;
    last ??= stretch;
  }
  return last;
}
