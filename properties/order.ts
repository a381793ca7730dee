/** order: the first processing of each key's records enters, records that were begun before an older one leave. */
import { groupOf, proof, reporter } from './anomaly.ts';
import { eventsOf } from './evidence/by-kind.ts';
import { fatesInOrder, type PartitionConsumption, type Processing } from './evidence/consumption.ts';
import { type Evidence, entriesOf, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { hasSought } from './evidence/seeks.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('order');

const INSIDE = 'key processed out of order by one member';
const ACROSS = 'key processed out of order by two members';
const PASSED = 'key processed out of order: the group had passed over a record in the hand of another member';

export const order: Property = {
  id: 'order',
  title: "A key's records come in order",
  statement:
    "In each group, the records of one key in one partition are first begun in the order of their offsets; repetitions do not count, and a record that is never begun is another property's matter. With commit-then-process a record that its member had committed before it was interrupted may be begun after the next owner's first ones: observed there. So is a record that was deleted from the log, or passed over by a reset to latest, while another member still had it in its hand. What an application itself has sought past is out of order as it wanted, also where another member goes on from the commit of the one that did.",
  check(history) {
    const evidence = evidenceOf(history);
    const keys = keysOf(evidence);
    return evidence.groups.flatMap((group) =>
      [...group.consumption.values()].flatMap((consumption) =>
        inversions(evidence, group, consumption, keys),
      ),
    );
  },
  policy: (scenario, anomaly) =>
    anomaly.signature === PASSED ||
    (anomaly.signature === ACROSS && groupOf(scenario, anomaly).commitOrder === 'commit-then-process')
      ? 'observed'
      : 'illegal',
};

/** Whether the group could go on behind the record without it: it was deleted, or the position reset to the log's end. */
const isPassedOver = (
  evidence: Evidence,
  group: GroupEvidence,
  key: string,
  { offset }: Processing,
): boolean =>
  offset < (evidence.logs.get(key)?.logStartOffset ?? 0) || group.config.autoOffsetReset === 'latest';

/** Whether a member that had sought had committed a position behind the record before the other one was begun. */
const hasCommittedPast = (
  evidence: Evidence,
  group: GroupEvidence,
  { key, topic, partition }: PartitionConsumption,
  passed: Processing,
  begun: Processing,
): boolean =>
  entriesOf(group, key).some(
    ({ offset, seq, request }) =>
      offset !== null &&
      offset > passed.offset &&
      seq < begun.seq &&
      request !== null &&
      hasSought(evidence, request.process, topic, partition, -1, request.seq),
  );

/** By record, for those that have one. */
function keysOf({ history }: Evidence): Map<string, string> {
  const keys = new Map<string, string>();
  for (const { records } of eventsOf(history, 'produce-invoke'))
    for (const { record, key } of records) if (key !== null) keys.set(record, key);
  return keys;
}

function inversions(
  evidence: Evidence,
  group: GroupEvidence,
  consumption: PartitionConsumption,
  keys: ReadonlyMap<string, string>,
): Anomaly[] {
  const { key: place, topic, partition } = consumption;
  const latest = new Map<string, Processing>();
  const found = new Map<string, Anomaly>();
  for (const { begun } of fatesInOrder(consumption)) {
    if (begun === null || begun.record === null) continue;
    const key = keys.get(begun.record);
    if (key === undefined) continue;
    const before = latest.get(key);
    // Ascending by offset, so whatever was begun later than this one should have been begun earlier.
    if (before === undefined || begun.seq > before.seq) {
      latest.set(key, begun);
      continue;
    }
    // Ahead to the one, also by somebody whose commit it went on from, or back to the other.
    const isSought =
      hasSought(evidence, begun.process, topic, partition, -1, begun.seq) ||
      hasCommittedPast(evidence, group, consumption, before, begun) ||
      hasSought(evidence, before.process, topic, partition, begun.seq, before.seq);
    if (isSought) continue;
    const signature =
      begun.process === before.process
        ? INSIDE
        : isPassedOver(evidence, group, place, before)
          ? PASSED
          : ACROSS;
    const pair = `${signature} ${begun.process} ${before.process}`;
    if (found.has(pair)) continue;
    found.set(
      pair,
      report(
        signature,
        `Group ${group.id} began offset ${begun.offset} of ${place} (key ${key}, in ${begun.process}) before offset ${before.offset} (in ${before.process}), which has the same key.`,
        proof(begun.seq, before.seq),
        { group: group.id, topic, partition, process: before.process },
      ),
    );
  }
  return [...found.values()];
}
