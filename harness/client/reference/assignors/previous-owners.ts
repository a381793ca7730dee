/**
 * Who may claim which partition from before (AbstractStickyAssignor.allSubscriptionsEqual): subscriptions and what the
 * members say of their past enter, one owner at most for each partition leaves.
 */
import { JavaHashMap } from '../../../java-hash-map.ts';
import type { MemberSubscription, TopicPartition } from './assignor.ts';
import type { Group } from './group.ts';
import { keyOf, removeFirst } from './topic-partitions.ts';

/** What a member says it was assigned last, and in which generation; -1 where it does not say. */
export interface MemberData {
  readonly partitions: readonly TopicPartition[];
  readonly generation: number;
}

export type MemberDataOf = (subscription: MemberSubscription) => MemberData;

export interface PreviousOwners {
  readonly areAllSubscriptionsEqual: boolean;
  readonly owned: JavaHashMap<TopicPartition[]>;
  /** Keys of partitions that two members of one generation claimed. */
  readonly claimedTwice: ReadonlySet<string>;
  readonly maxGeneration: number;
}

export function previousOwners({ subscriptions, counts }: Group, memberDataOf: MemberDataOf): PreviousOwners {
  let areAllSubscriptionsEqual = true;
  let maxGeneration = -1;
  const subscribed = new Set<string>();
  const owned = new JavaHashMap<TopicPartition[]>();
  const owners = new Map<string, string>();
  const claimedTwice = new Set<string>();

  for (const [memberId, subscription] of subscriptions) {
    const { topics } = subscription;
    // A member without topics that comes first does not count as different; Java does the same.
    if (subscribed.size === 0) for (const topic of topics) subscribed.add(topic);
    else if (topics.length !== subscribed.size || !topics.every((topic) => subscribed.has(topic)))
      areAllSubscriptionsEqual = false;

    const { partitions, generation } = memberDataOf(subscription);
    maxGeneration = Math.max(maxGeneration, generation);
    const mine: TopicPartition[] = [];
    owned.set(memberId, mine);
    for (const topicPartition of partitions) {
      if (!counts.has(topicPartition.topic)) continue;
      const key = keyOf(topicPartition);
      const other = owners.get(key);
      // The other's generation is that of its subscription, even where its user data say another.
      const otherGeneration = other === undefined ? -1 : (subscriptions.get(other)?.generationId ?? -1);
      if (other !== undefined && generation < otherGeneration) continue;
      if (other !== undefined && generation === otherGeneration) claimedTwice.add(key);
      else mine.push(topicPartition);
      if (other !== undefined) removeFirst(owned.get(other) ?? [], topicPartition);
      owners.set(key, memberId);
    }
  }
  return { areAllSubscriptionsEqual, owned, claimedTwice, maxGeneration };
}
