/** Kafka's RangeAssignor without racks: per topic, members in order of id get runs of neighbouring partitions. */
import type { Assignor, MemberSubscription, TopicPartition } from './assignor.ts';

/** Static members in order of instance id come first, as in Kafka's MemberInfo. */
const order = (a: MemberSubscription, b: MemberSubscription): number => {
  if ((a.groupInstanceId === null) !== (b.groupInstanceId === null))
    return a.groupInstanceId === null ? 1 : -1;
  const [left, right] = [a.groupInstanceId ?? a.memberId, b.groupInstanceId ?? b.memberId];
  return left < right ? -1 : left > right ? 1 : 0;
};

export const range: Assignor = {
  name: 'range',
  rebalanceProtocol: 'eager',
  subscriptionUserData: () => null,
  assign(partitionCounts, members) {
    const assignment = new Map<string, TopicPartition[]>(members.map(({ memberId }) => [memberId, []]));
    const ordered = [...members].sort(order);
    for (const [topic, count] of partitionCounts) {
      const subscribed = ordered.filter(({ topics }) => topics.includes(topic));
      const [each, extra] = [Math.floor(count / subscribed.length), count % subscribed.length];
      let next = 0;
      for (const [index, { memberId }] of subscribed.entries())
        for (let i = 0; i < each + (index < extra ? 1 : 0); i++)
          assignment.get(memberId)?.push({ topic, partition: next++ });
    }
    return assignment;
  },
};
