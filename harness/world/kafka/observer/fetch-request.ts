/**
 * The Fetch request, version 11: partitions and positions enter, the partitions' raw record bytes leave, undecoded, so
 * that their checksums can be verified.
 *
 * Version 11 is the last one without tagged fields. The library's own versions (12 to 17) cannot skip the tagged field
 * with which a broker names the new leader beside NOT_LEADER_OR_FOLLOWER. Kafka 2.3 to 4.x answer it.
 * Not implemented: fetch sessions (KIP-227), closest-replica fetching (KIP-392).
 */
import { createAPI, Writer } from '@platformatic/kafka';

export interface FetchPartition {
  readonly partition: number;
  /** The leader epoch we know, so that a broker that is no longer (or not yet) leader says so (KIP-320); -1: unknown. */
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: bigint;
}

export interface FetchRequest {
  readonly topic: string;
  readonly partitions: readonly FetchPartition[];
  /** How long the broker may wait for the first byte. */
  readonly maxWaitMs: number;
  readonly partitionMaxBytes: number;
}

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly logStartOffset: bigint;
  readonly recordBytes: Buffer;
}

export interface FetchAnswer {
  readonly errorCode: number;
  readonly partitions: readonly FetchedPartition[];
}

const CONSUMER_REPLICA_ID = -1;
const READ_UNCOMMITTED = 0;
const NO_SESSION_ID = 0;
const NO_SESSION_EPOCH = -1;
const RESPONSE_BYTES_MAX = 50 * 1024 * 1024;

/*
  Request => replica_id:INT32 max_wait_ms:INT32 min_bytes:INT32 max_bytes:INT32 isolation_level:INT8
             session_id:INT32 session_epoch:INT32 [topics] [forgotten_topics] rack_id:STRING
    topics => topic:STRING [partition:INT32 current_leader_epoch:INT32 fetch_offset:INT64 log_start_offset:INT64
              partition_max_bytes:INT32]
*/
const createRequest = (request: FetchRequest): Writer =>
  Writer.create()
    .appendInt32(CONSUMER_REPLICA_ID)
    .appendInt32(request.maxWaitMs)
    .appendInt32(1)
    .appendInt32(RESPONSE_BYTES_MAX)
    .appendInt8(READ_UNCOMMITTED)
    .appendInt32(NO_SESSION_ID)
    .appendInt32(NO_SESSION_EPOCH)
    .appendArray(
      [request],
      (writer, { topic, partitions, partitionMaxBytes }) =>
        writer
          .appendString(topic, false)
          .appendArray(
            [...partitions],
            (inner, { partition, currentLeaderEpoch, fetchOffset }) =>
              inner
                .appendInt32(partition)
                .appendInt32(currentLeaderEpoch)
                .appendInt64(fetchOffset)
                .appendInt64(-1n)
                .appendInt32(partitionMaxBytes),
            false,
            false,
          ),
      false,
      false,
    )
    .appendArray([], () => {}, false, false)
    .appendString('', false);

/*
  Response => throttle_time_ms:INT32 error_code:INT16 session_id:INT32 [responses]
    responses => topic:STRING [partition:INT32 error_code:INT16 high_watermark:INT64 last_stable_offset:INT64
                 log_start_offset:INT64 [aborted: producer_id:INT64 first_offset:INT64] preferred_read_replica:INT32
                 records:BYTES]
*/
export const fetchV11 = createAPI<[request: FetchRequest], FetchAnswer>(
  1,
  11,
  createRequest,
  (_correlationId, _key, _version, reader) => {
    reader.readInt32();
    const errorCode = reader.readInt16();
    reader.readInt32();
    const topics = reader.readArray(
      (r) => {
        const topic = r.readString(false);
        return r.readArray(
          (p): FetchedPartition => {
            const partition = p.readInt32();
            const partitionErrorCode = p.readInt16();
            const highWatermark = p.readInt64();
            p.readInt64();
            const logStartOffset = p.readInt64();
            p.readNullableArray((a) => [a.readInt64(), a.readInt64()], false, false);
            p.readInt32();
            const recordBytes = p.readBytes(false);
            return {
              topic,
              partition,
              errorCode: partitionErrorCode,
              highWatermark,
              logStartOffset,
              recordBytes,
            };
          },
          false,
          false,
        );
      },
      false,
      false,
    );
    return { errorCode, partitions: topics.flat() };
  },
  false,
  false,
);
