/** cooperative-handover: generations of cooperative groups enter, partitions taken from a member that holds them leave. */
import { proof, reporter } from './anomaly.ts';
import { isCooperative } from './coverage.ts';
import { type Evidence, evidenceOf, type GroupEvidence } from './evidence/evidence.ts';
import { assignedPartitions, type GenerationEvidence } from './evidence/generations.ts';
import { hasLostPlace } from './evidence/membership.ts';
import { partitionOf } from './evidence/values.ts';
import type { Anomaly, Property } from './property.ts';

const report = reporter('cooperative-handover');

export const cooperativeHandover: Property = {
  id: 'cooperative-handover',
  title: 'A member gives a partition up before another gets it',
  statement:
    'In a group whose only assignor is cooperative-sticky (KIP-429), a partition that a member has taken up in one stable generation is not assigned to another member in the next one while the first takes that one up too: there is a generation between them in which nobody owns the partition. A member that had been told in between that its membership or its generation was no longer valid, or that never learned of the first of the two assignments, has nothing to give up; nor has a static member that is away and still counted as one (KIP-345).',
  check(history) {
    const evidence = evidenceOf(history);
    return evidence.groups
      .filter(isCooperative)
      .flatMap((group) =>
        group.generations.flatMap((generation) => [...takenAway(evidence, group, generation)]),
      );
  },
  policy: () => 'illegal',
};

function* takenAway(
  evidence: Evidence,
  group: GroupEvidence,
  generation: GenerationEvidence,
): Generator<Anomaly> {
  const before = group.generations[generation.index - 1];
  if (before === undefined) return;
  for (const member of before.members) {
    const after = generation.memberById.get(member.memberId);
    const process = member.clientId;
    const joins = evidence.positions.joins.get(process) ?? [];
    const join = joins.find((one) => one.generation === before);
    const hasTakenPart = joins.some((one) => one.generation === generation);
    if (after === undefined || join === undefined || !hasTakenPart) continue;
    if (hasLostPlace(evidence, process, join.seq)) continue;
    const kept = new Set(assignedPartitions(after));
    for (const key of assignedPartitions(member)) {
      const owner = generation.owners.get(key)?.find((one) => one !== process);
      if (owner === undefined || kept.has(key)) continue;
      yield report(
        'partition given away while its owner held it',
        `Generation ${generation.generation} of group ${group.id} gives ${key} to ${owner}, and ${process}, which is a member of it too, had it in generation ${before.generation}.`,
        proof(before.seq, join.seq, generation.seq),
        { group: group.id, process, ...partitionOf(key) },
      );
    }
  }
}
