/**
 * Where the application moved a member's position itself: its calls enter, whether one explains where the member goes on
 * leaves.
 */
import type { Evidence } from './evidence.ts';
import { positionsOf } from './positions.ts';
import { partitionKey } from './values.ts';

/** Whether the application has sought in the partition, between two places of the history. */
export const hasSought = (
  { positions }: Evidence,
  process: string,
  topic: string,
  partition: number,
  afterSeq: number,
  beforeSeq: number,
): boolean =>
  positionsOf(positions, process, partitionKey(topic, partition)).sought.some(
    ({ seq }) => seq > afterSeq && seq < beforeSeq,
  );
