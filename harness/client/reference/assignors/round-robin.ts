/**
 * RoundRobinAssignor: all partitions, by topic and number, are dealt out to the members in their order; who has not
 * subscribed to the topic is passed over.
 */
import type { Assignor } from './assignor.ts';
import { byInstance, emptyAssignment, groupOf } from './group.ts';
import { partitionsOf } from './topic-partitions.ts';

export const roundRobin: Assignor = {
  name: 'roundrobin',
  rebalanceProtocol: 'eager',
  assign(partitionCounts, members) {
    const { subscriptions, counts } = groupOf(partitionCounts, members);
    const sorted = subscriptions.values().sort(byInstance);
    const assignment = emptyAssignment(members);
    let turn = 0;
    for (const topic of counts.keys().sort())
      for (const topicPartition of partitionsOf(topic, counts.get(topic) ?? 0)) {
        // Ends, since a topic has a count only where somebody subscribed to it.
        while (!sorted[turn % sorted.length]?.topics.includes(topic)) turn++;
        assignment.get(sorted[turn++ % sorted.length]?.memberId ?? '')?.push(topicPartition);
      }
    return assignment;
  },
  subscriptionUserData: () => null,
};
