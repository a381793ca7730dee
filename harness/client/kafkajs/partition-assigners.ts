/**
 * The assigners of a kafkajs consumer: the group's assignors enter, kafkajs' own round robin and ours for range and sticky
 * leave, with what has to be shown the consumer.
 */
import { type Consumer, type PartitionAssigner, PartitionAssigners } from 'kafkajs';
import type { Group } from '../../../scenarios/schema.ts';
import { range } from './assigners/range.ts';
import { createStickyAssigner } from './assigners/sticky.ts';

export interface ConsumerAssigners {
  /** In order of preference; left out, kafkajs' own choice. */
  readonly partitionAssigners?: PartitionAssigner[];
  /** Lets assigners that remember see what the consumer is assigned. */
  readonly follow: (consumer: Consumer) => void;
}

/** @throws Error for an assignor that kafkajs cannot have (see `refusals`) */
export function createAssigners({ assignors }: Pick<Group, 'assignors'>): ConsumerAssigners {
  if (assignors === undefined) return { follow: () => {} };
  const sticky = createStickyAssigner();
  const known: Readonly<Record<string, PartitionAssigner>> = {
    roundrobin: PartitionAssigners.roundRobin,
    range,
    sticky: sticky.assigner,
  };
  const partitionAssigners = assignors.map((name): PartitionAssigner => {
    const assigner = known[name];
    if (assigner === undefined) throw new Error(`kafkajs has no assignor '${name}'`);
    return assigner;
  });
  return {
    partitionAssigners,
    follow(consumer) {
      if (assignors.includes('sticky')) sticky.follow(consumer);
    },
  };
}
