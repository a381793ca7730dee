/**
 * The OffsetForLeaderEpoch request, version 3: partitions with the leader epoch of the last record read enter, the
 * offset at which the partition log's records of that epoch end leaves (KIP-101, KIP-320).
 *
 * Our own, because the library's version 4 leaves out the request's last byte and reads the answer's fields in
 * another order than Kafka writes them. Kafka 2.3 to 4.x answer version 3.
 */
import { createAPI, Writer } from '@platformatic/kafka';

export interface LeaderEpochRequest {
  readonly topic: string;
  readonly partitions: readonly {
    readonly partition: number;
    readonly currentLeaderEpoch: number;
    /** Leader epoch of the last record read. */
    readonly leaderEpoch: number;
  }[];
}

export interface EpochEnd {
  readonly partition: number;
  readonly errorCode: number;
  /** The newest epoch of the log that is not newer than the one asked for, or -1. */
  readonly leaderEpoch: number;
  /** Where that epoch's records end, or -1 where the leader does not know. */
  readonly endOffset: bigint;
}

const CONSUMER_REPLICA_ID = -1;

/*
  Request => replica_id:INT32 [topics]
    topics => topic:STRING [partition:INT32 current_leader_epoch:INT32 leader_epoch:INT32]
  Response => throttle_time_ms:INT32 [topics]
    topics => topic:STRING [error_code:INT16 partition:INT32 leader_epoch:INT32 end_offset:INT64]
*/
export const leaderEpochV3 = createAPI<[request: LeaderEpochRequest], EpochEnd[]>(
  23,
  3,
  (request: LeaderEpochRequest) =>
    Writer.create()
      .appendInt32(CONSUMER_REPLICA_ID)
      .appendArray(
        [request],
        (writer, { topic, partitions }) =>
          writer
            .appendString(topic, false)
            .appendArray(
              [...partitions],
              (inner, { partition, currentLeaderEpoch, leaderEpoch }) =>
                inner.appendInt32(partition).appendInt32(currentLeaderEpoch).appendInt32(leaderEpoch),
              false,
              false,
            ),
        false,
        false,
      ),
  (_correlationId, _key, _version, reader) => {
    reader.readInt32();
    const topics = reader.readArray(
      (r) => {
        r.readString(false);
        return r.readArray(
          (p): EpochEnd => {
            const errorCode = p.readInt16();
            const partition = p.readInt32();
            return { partition, errorCode, leaderEpoch: p.readInt32(), endOffset: p.readInt64() };
          },
          false,
          false,
        );
      },
      false,
      false,
    );
    return topics.flat();
  },
  false,
  false,
);
