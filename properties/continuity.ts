/** continuity: what each member was handed in one go enters, records that were left out leave. */
import { proof, reporter } from './anomaly.ts';
import { eventsOf } from './evidence/by-kind.ts';
import type { PartitionConsumption, Stretch } from './evidence/consumption.ts';
import { type Evidence, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { recordsBetween, shownTo } from './evidence/logs.ts';
import { mayHaveBeenReset } from './evidence/resume.ts';
import { hasSought } from './evidence/seeks.ts';
import { nameOffsets } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('continuity');

const GAP = 'records were left out inside one assignment';
const DISORDER = 'one handler call had its records out of order';

export const continuity: Property = {
  id: 'continuity',
  title: 'Nothing is left out on the way',
  statement:
    'While a member has a partition and its position is neither reset nor sought, the offsets that it is handed are consecutive: between two of them the final log holds no record, but for records of aborted transactions where the group reads committed ones only. (Control records, compacted and deleted ones are not in the final log.) Inside one handler call they ascend.',
  check(history) {
    const evidence = evidenceOf(history);
    return [
      ...evidence.groups.flatMap((group) =>
        [...group.consumption.values()].flatMap((consumption) =>
          consumption.stretches.flatMap((stretch) => gaps(evidence, group, consumption, stretch)),
        ),
      ),
      ...disorders(evidence),
    ];
  },
  policy: () => 'illegal',
};

function gaps(
  evidence: Evidence,
  group: GroupEvidence,
  { key, topic, partition }: PartitionConsumption,
  stretch: Stretch,
): Anomaly[] {
  const log = shownTo(group.config, evidence.logs.get(key));
  if (log === undefined) return [];
  const left: number[] = [];
  const offsets = [...stretch.delivered].sort((a, b) => a - b);
  for (const [i, offset] of offsets.entries()) {
    const before = offsets[i - 1];
    if (before === undefined || offset === before + 1) continue;
    left.push(...recordsBetween(log, before + 1, offset));
  }
  const { process, openSeq, lastSeq } = stretch;
  if (left.length === 0 || hasSought(evidence, process, topic, partition, openSeq, lastSeq + 1)) return [];
  if (mayHaveBeenReset(evidence, group, process, topic, partition, lastSeq)) return [];
  return [
    report(
      GAP,
      `${process} was handed offsets ${offsets[0]} to ${offsets.at(-1)} of ${key} in group ${group.id} in one go, but for ${nameOffsets(left)}, which the log holds.`,
      proof(openSeq, lastSeq, log.event.seq),
      { group: group.id, topic, partition, process },
    ),
  ];
}

const disorders = ({ history }: Evidence): Anomaly[] =>
  eventsOf(history, 'delivery').flatMap((event) => {
    const { process, group, topic, partition, offsets, seq } = event;
    if (offsets.length < 2) return [];
    const at = offsets.findIndex((offset, i) => i > 0 && Number(offset) <= Number(offsets[i - 1]));
    if (at < 0) return [];
    return [
      report(
        DISORDER,
        `${process} was handed offset ${offsets[at]} of ${topic}/${partition} in group ${group} after ${offsets[at - 1]} in one handler call.`,
        proof(seq),
        { group, topic, partition, process },
      ),
    ];
  });
