/** exclusive-assignment: the coordinator's stable generations enter, partitions with two owners leave. */
import { proof, reporter } from './anomaly.ts';
import { evidenceOf } from './evidence/evidence.ts';
import { partitionOf } from './evidence/values.ts';
import type { Property } from './property.ts';

const report = reporter('exclusive-assignment');

export const exclusiveAssignment: Property = {
  id: 'exclusive-assignment',
  title: 'No partition has two owners',
  statement:
    'In each stable generation that the group coordinator wrote, no partition is in the assignments of two members.',
  check(history) {
    return evidenceOf(history).groups.flatMap((group) =>
      group.generations
        .filter((generation) => generation.isStable)
        .flatMap((generation) =>
          [...generation.owners]
            .filter(([, owners]) => owners.length > 1)
            .map(([key, owners]) =>
              report(
                'partition assigned to two members',
                `Generation ${generation.generation} of group ${group.id} assigns ${key} to ${owners.join(' and ')}.`,
                proof(generation.seq),
                { group: group.id, ...partitionOf(key) },
              ),
            ),
        ),
    );
  },
  policy: () => 'illegal',
};
