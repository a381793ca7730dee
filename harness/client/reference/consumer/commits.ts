/**
 * Committed offsets on the wire: offsets and the member's place in the group enter, OffsetCommit and OffsetFetch requests
 * leave, and their answers come back as typed errors or offsets.
 */
import { offsetCommitApi } from '../../../cluster/protocol/08-offset-commit.ts';
import { offsetFetchApi } from '../../../cluster/protocol/09-offset-fetch.ts';
import { BrokerError, check, nameOf, type TopicPartition } from '../errors.ts';
import type { NetworkClient } from '../network/client.ts';

export interface OffsetAndMetadata {
  readonly offset: number;
  readonly leaderEpoch?: number;
  readonly metadata?: string;
}

/** Offsets of partitions, one entry each. */
export type Offsets = readonly (TopicPartition & OffsetAndMetadata)[];

/** Who commits: a member of a generation, or, with -1 and '', somebody outside group management. */
export interface Committer {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

/** From 10 on topics are named by their ids. */
const VERSION_MAX = 9;

const byTopic = <T extends TopicPartition>(partitions: readonly T[]): [string, T[]][] => {
  const topics = new Map<string, T[]>();
  for (const one of partitions) {
    const list = topics.get(one.topic) ?? [];
    list.push(one);
    topics.set(one.topic, list);
  }
  return [...topics];
};

/** @throws BrokerError with the first partition's error, DisconnectError, TimeoutError */
export async function commitOffsets(
  network: NetworkClient,
  nodeId: number,
  { groupId, generationId, memberId, groupInstanceId }: Committer,
  offsets: Offsets,
): Promise<void> {
  const answer = await network.request(
    nodeId,
    offsetCommitApi,
    {
      groupId,
      generationIdOrMemberEpoch: generationId,
      memberId,
      groupInstanceId,
      topics: byTopic(offsets).map(([name, list]) => ({
        name,
        partitions: list.map(({ partition, offset, leaderEpoch = -1, metadata = '' }) => ({
          partitionIndex: partition,
          committedOffset: BigInt(offset),
          committedLeaderEpoch: leaderEpoch,
          committedMetadata: metadata,
        })),
      })),
    },
    { versionMax: VERSION_MAX },
  );
  for (const { name, partitions } of answer.topics)
    for (const { partitionIndex, errorCode } of partitions)
      check(errorCode, `commit of ${name}-${partitionIndex}`);
}

/**
 * Is refused while a transaction that commits offsets is open (KIP-447), whatever the isolation level, as in Java.
 * @returns by name of the partition; those without a committed offset are left out
 * @throws BrokerError, DisconnectError, TimeoutError
 */
export async function fetchOffsets(
  network: NetworkClient,
  nodeId: number,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<Map<string, Required<OffsetAndMetadata>>> {
  const topics = byTopic(partitions).map(([name, list]) => ({
    name,
    partitionIndexes: list.map(({ partition }) => partition),
  }));
  const answer = await network.request(
    nodeId,
    offsetFetchApi,
    { groupId, topics, groups: [{ groupId, topics }], requireStable: true },
    { versionMax: VERSION_MAX },
  );
  const group = answer.groups[0] ?? answer;
  check(group.errorCode, `OffsetFetch of ${groupId}`);
  const found = new Map<string, Required<OffsetAndMetadata>>();
  for (const { name, partitions: fetched } of group.topics) {
    for (const { partitionIndex, committedOffset, committedLeaderEpoch, metadata, errorCode } of fetched) {
      const place = nameOf({ topic: name, partition: partitionIndex });
      if (errorCode !== 0) throw new BrokerError(errorCode, `OffsetFetch of ${place}`);
      if (committedOffset >= 0n)
        found.set(place, {
          offset: Number(committedOffset),
          leaderEpoch: committedLeaderEpoch,
          metadata: metadata ?? '',
        });
    }
  }
  return found;
}
