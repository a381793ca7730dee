/**
 * Which partition of `__consumer_offsets` or `__transaction_state` keeps a key: a group id or transactional id and the
 * number of partitions enter, a partition leaves.
 */

/** Java's String.hashCode: 32 bits, over UTF-16 units. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** Kafka's Utils.abs gives 0 for the one number that has no absolute value in 32 bits. */
const abs32 = (value: number): number => (value === -2_147_483_648 ? 0 : Math.abs(value));

export const partitionFor = (key: string, partitions: number): number =>
  abs32(javaHashCode(key)) % partitions;
