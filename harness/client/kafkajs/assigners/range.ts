/**
 * Java's RangeAssignor for kafkajs, `partitionAssigners: [range]`: topics with equal partition counts are cut alike, so
 * that one member has the same partitions of all of them.
 */
import type { PartitionAssigner } from 'kafkajs';
import { assignors } from '../../reference/assignors/index.ts';
import { kafkajsAssigner } from './assigner.ts';

export const range: PartitionAssigner = kafkajsAssigner(assignors.range, {
  userData: () => null,
  generationOf: () => -1,
});
