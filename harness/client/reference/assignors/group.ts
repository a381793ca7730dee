/**
 * The group as its leader sees it (AbstractPartitionAssignor, ConsumerCoordinator): members and partition counts enter,
 * maps in Java's order leave.
 */
import { JavaHashMap } from '../../../java-hash-map.ts';
import type { MemberSubscription, TopicPartition } from './assignor.ts';
import { compareNames } from './topic-partitions.ts';

export type Subscriptions = JavaHashMap<MemberSubscription>;

export interface Group {
  readonly subscriptions: Subscriptions;
  /** Only topics that somebody subscribed to and that have partitions. */
  readonly counts: JavaHashMap<number>;
}

export function groupOf(
  partitionCounts: ReadonlyMap<string, number>,
  members: readonly MemberSubscription[],
): Group {
  const subscriptions: Subscriptions = new JavaHashMap();
  for (const member of members) subscriptions.set(member.memberId, member);
  const subscribed = new JavaHashMap<true>();
  for (const { topics } of subscriptions.values()) for (const topic of topics) subscribed.set(topic, true);
  const counts = new JavaHashMap<number>();
  for (const topic of subscribed.keys()) {
    const count = partitionCounts.get(topic) ?? 0;
    if (count > 0) counts.set(topic, count);
  }
  return { subscriptions, counts };
}

/** Static members first, by their instance id, then the others by member id (MemberInfo.compareTo, KIP-345). */
export const byInstance = (a: MemberSubscription, b: MemberSubscription): number => {
  if (a.groupInstanceId !== null && b.groupInstanceId !== null)
    return compareNames(a.groupInstanceId, b.groupInstanceId);
  if (a.groupInstanceId !== null) return -1;
  if (b.groupInstanceId !== null) return 1;
  return compareNames(a.memberId, b.memberId);
};

/** An empty list for each member, in the order in which they are given. */
export const emptyAssignment = (members: readonly MemberSubscription[]): Map<string, TopicPartition[]> =>
  new Map(members.map(({ memberId }) => [memberId, []]));
