/**
 * Which partition of `__consumer_offsets` or `__transaction_state` keeps a key: a group id or transactional id and the
 * number of partitions enter, a partition leaves.
 */
import { javaHashCode } from '../../java-hash-map.ts';

/** Kafka's Utils.abs gives 0 for the one number that has no absolute value in 32 bits. */
const abs32 = (value: number): number => (value === -2_147_483_648 ? 0 : Math.abs(value));

export const partitionFor = (key: string, partitions: number): number =>
  abs32(javaHashCode(key)) % partitions;
