/**
 * Java's StickyAssignor for kafkajs: balanced, and each member keeps what it can. kafkajs does not tell an assigner
 * what its member was assigned, so this one has to be shown the consumer:
 *
 *     const sticky = createStickyAssigner();
 *     const consumer = kafka.consumer({ groupId, partitionAssigners: [sticky.assigner] });
 *     sticky.follow(consumer);
 */
import type { Consumer, PartitionAssigner } from 'kafkajs';
import type { TopicPartition } from '../../reference/assignors/assignor.ts';
import { assignors } from '../../reference/assignors/index.ts';
import { stickyMemberData } from '../../reference/assignors/sticky.ts';
import { kafkajsAssigner } from './assigner.ts';

export interface StickyAssigner {
  readonly assigner: PartitionAssigner;
  /** Remembers what the consumer is assigned from now on. Without it the group is balanced, but nobody keeps anything. */
  follow(consumer: Pick<Consumer, 'events' | 'on'>): void;
}

/** One for each consumer. */
export function createStickyAssigner(): StickyAssigner {
  const { sticky } = assignors;
  let owned: TopicPartition[] = [];
  let generation = -1;
  return {
    assigner: kafkajsAssigner(sticky, {
      userData: () => sticky.subscriptionUserData(owned, generation),
      generationOf: (userData) => stickyMemberData(userData).generation,
    }),
    follow(consumer) {
      const { GROUP_JOIN, HEARTBEAT } = consumer.events;
      consumer.on(GROUP_JOIN, ({ payload: { groupProtocol, memberAssignment } }) => {
        if (groupProtocol !== sticky.name) return;
        owned = Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
          partitions.map((partition) => ({ topic, partition })),
        );
        // The event does not say which generation it is, but it is a later one; the first heartbeat has its number.
        generation = Math.max(generation, 0) + 1;
      });
      consumer.on(HEARTBEAT, ({ payload }) => {
        generation = payload.groupGenerationId;
      });
    },
  };
}
