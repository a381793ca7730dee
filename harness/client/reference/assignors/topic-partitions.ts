/** Small things that assignors do with topic partitions: these enter; keys, orders and positions leave. */
import { javaHashCode } from '../../../java-hash-map.ts';
import type { TopicPartition } from './assignor.ts';

/** A name of its own for each partition: what follows the last hyphen is the number. */
export const keyOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;

/** TopicPartition.hashCode */
export const hashOfPartition = ({ topic, partition }: TopicPartition): number =>
  (Math.imul(31, 31 + partition) + javaHashCode(topic)) | 0;

/** String.compareTo: by UTF-16 units. */
export const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

export const byTopic = (a: TopicPartition, b: TopicPartition): number =>
  compareNames(a.topic, b.topic) || a.partition - b.partition;

export const byPartition = (a: TopicPartition, b: TopicPartition): number =>
  a.partition - b.partition || compareNames(a.topic, b.topic);

export const partitionsOf = (topic: string, count: number): TopicPartition[] =>
  Array.from({ length: count }, (_, partition) => ({ topic, partition }));

export const includes = (list: readonly TopicPartition[], { topic, partition }: TopicPartition): boolean =>
  list.some((one) => one.topic === topic && one.partition === partition);

/** Removes the first that is equal, if there is one, as List.remove does. */
export function removeFirst(list: TopicPartition[], { topic, partition }: TopicPartition): void {
  const index = list.findIndex((one) => one.topic === topic && one.partition === partition);
  if (index >= 0) list.splice(index, 1);
}

/**
 * The partitions that are not in `assigned`, by the walk along two lists that AbstractStickyAssignor does. It trusts
 * that each assigned partition is one of all: one that has gone (its topic was recreated with fewer) is never met, and
 * whatever comes behind it counts as unassigned.
 * @param all in the same order as `assigned`
 */
export function withoutAssigned(
  all: readonly TopicPartition[],
  assigned: readonly TopicPartition[],
): TopicPartition[] {
  let next = 0;
  return all.filter(({ topic, partition }) => {
    const expected = assigned[next];
    const isAssigned = expected?.topic === topic && expected.partition === partition;
    if (isAssigned) next++;
    return !isAssigned;
  });
}
