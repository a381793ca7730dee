/**
 * An assignor of the Java client as a partition assigner for kafkajs: members' metadata and the cluster's enter,
 * assignments leave. It goes by Java's name and writes Java's bytes, so that both clients can share a group.
 */
import { AssignerProtocol, type Cluster, type GroupMember, type PartitionAssigner } from 'kafkajs';
import { decodeSubscription } from '../../../cluster/protocol/consumer-protocol.ts';
import type { Assignor, MemberSubscription, TopicPartition } from '../../reference/assignors/assignor.ts';

const VERSION = 0;

/** What an assigner has to say of its member's past. */
export interface Past {
  /** For the next JoinGroup. */
  userData(): Uint8Array | null;
  /** Of another member, where its subscription does not say, as kafkajs' never does; -1 where it is not known. */
  generationOf(userData: Uint8Array | null): number;
}

const subscriptionOf = ({ memberId, memberMetadata }: GroupMember, past: Past): MemberSubscription => {
  const { topics, ownedPartitions, generationId, rackId, userData } = decodeSubscription(memberMetadata);
  return {
    memberId,
    // kafkajs does not pass it on.
    groupInstanceId: null,
    topics,
    ownedPartitions: ownedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    ),
    generationId: generationId ?? past.generationOf(userData),
    rackId: rackId ?? null,
    userData,
  };
};

/** Also of topics that only others subscribe to, whose metadata a kafkajs leader does not keep; the absent are left out. */
async function partitionCounts(
  cluster: Cluster,
  own: readonly string[],
  members: readonly MemberSubscription[],
): Promise<Map<string, number>> {
  const counts = new Map(own.map((topic) => [topic, cluster.findTopicPartitionMetadata(topic).length]));
  const foreign = new Set(members.flatMap(({ topics }) => topics).filter((topic) => !counts.has(topic)));
  if (foreign.size > 0)
    for (const { topic, partitionMetadata } of (await cluster.metadata()).topicMetadata)
      if (foreign.has(topic)) counts.set(topic, partitionMetadata.length);
  return counts;
}

function groupByTopic(partitions: readonly TopicPartition[]): Record<string, number[]> {
  const byTopic = new Map<string, number[]>();
  for (const { topic, partition } of partitions)
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition]);
  return Object.fromEntries(byTopic);
}

const NOTHING = Buffer.alloc(0);

export const kafkajsAssigner =
  (assignor: Assignor, past: Past): PartitionAssigner =>
  ({ cluster }) => ({
    name: assignor.name,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: assignor.name,
      metadata: AssignerProtocol.MemberMetadata.encode({
        version: VERSION,
        topics,
        userData: Buffer.from(past.userData() ?? NOTHING),
      }),
    }),
    async assign({ members, topics }) {
      const subscriptions = members.map((member) => subscriptionOf(member, past));
      const assignment = assignor.assign(
        await partitionCounts(cluster, topics, subscriptions),
        subscriptions,
      );
      return [...assignment].map(([memberId, partitions]) => ({
        memberId,
        memberAssignment: AssignerProtocol.MemberAssignment.encode({
          version: VERSION,
          assignment: groupByTopic(partitions),
          userData: NOTHING,
        }),
      }));
    },
  });
