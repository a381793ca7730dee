/** ListOffsets: a topic's partitions with their leaders enter, the start or end of each partition log leaves. */
import { listOffsetsV5 } from '@platformatic/kafka';
import type { BrokerAddress } from './broker-connection.ts';
import type { ClusterLink } from './cluster-link.ts';

/** Kafka's special time stamps. The end is the high watermark: what a consumer can read (read_uncommitted). */
const EARLIEST = -2n;
const LATEST = -1n;
const CONSUMER_REPLICA_ID = -1;
const READ_UNCOMMITTED = 0;

export interface ListedOffset {
  readonly partition: number;
  readonly errorCode: number;
  readonly offset: bigint;
  /** Epoch of the leader that wrote the record before the end, or -1. */
  readonly leaderEpoch: number;
}

/**
 * Version 5 answers OFFSET_NOT_AVAILABLE while a new leader's high watermark may lag behind the old one's (KIP-207),
 * so an end that was once reported never goes back, unless the log was truncated.
 */
export async function listOffsets(
  link: ClusterLink,
  leader: BrokerAddress,
  topic: string,
  partitions: readonly { partition: number; leaderEpoch: number }[],
  which: 'start' | 'end',
): Promise<ListedOffset[]> {
  const timestamp = which === 'start' ? EARLIEST : LATEST;
  const answer = await link.request(leader, listOffsetsV5.api, [
    CONSUMER_REPLICA_ID,
    READ_UNCOMMITTED,
    [
      {
        name: topic,
        partitions: partitions.map(({ partition, leaderEpoch }) => ({
          partitionIndex: partition,
          currentLeaderEpoch: leaderEpoch,
          timestamp,
        })),
      },
    ],
  ]);
  return answer.topics.flatMap((one) =>
    one.partitions.map(({ partitionIndex, errorCode, offset, leaderEpoch }) => ({
      partition: partitionIndex,
      errorCode,
      offset,
      leaderEpoch,
    })),
  );
}
