/**
 * RangeAssignor: each topic's partitions are cut into consecutive ranges, one for each of its members in their order;
 * the first members get one more where the numbers do not divide. Topics with equal counts and members are cut alike,
 * so that equal partitions meet in one member. Topics follow one another in the order of a Java HashMap.
 */
import type { Assignor } from './assignor.ts';
import { byInstance, emptyAssignment, groupOf } from './group.ts';
import { partitionsOf } from './topic-partitions.ts';

export const range: Assignor = {
  name: 'range',
  rebalanceProtocol: 'eager',
  assign(partitionCounts, members) {
    const { subscriptions, counts } = groupOf(partitionCounts, members);
    const sorted = subscriptions.values().sort(byInstance);
    const assignment = emptyAssignment(members);
    for (const [topic, count] of counts) {
      const subscribers = sorted.filter(({ topics }) => topics.includes(topic));
      const withOneMore = count % subscribers.length;
      const partitions = partitionsOf(topic, count);
      subscribers.forEach(({ memberId }, i) => {
        const length = Math.floor(count / subscribers.length) + (i < withOneMore ? 1 : 0);
        assignment.get(memberId)?.push(...partitions.splice(0, length));
      });
    }
    return assignment;
  },
  subscriptionUserData: () => null,
};
