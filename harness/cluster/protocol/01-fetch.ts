/**
 * Fetch (API key 1), versions 4 to 18, flexible from 12.
 *
 * 5 adds the log start offset; 7 fetch sessions (KIP-227); 9 the current leader epoch (KIP-320); 11 the rack and the
 * preferred read replica (KIP-392); 12 divergence and the current leader, tagged; 13 topic ids in place of names
 * (KIP-516); 15 the replica's state, tagged, in place of its id (KIP-903); 16 node endpoints, tagged (KIP-951); 17 the
 * replica's directory id, tagged (KIP-853); 18 the replica's high watermark, tagged (KIP-1166).
 *
 * Not implemented: the insides of the record batches, which are read as a view of the message.
 */
import type { Api } from './api.ts';
import {
  array,
  field,
  type Input,
  int8,
  int16,
  int32,
  int64,
  nullable,
  type Output,
  pieces,
  string,
  struct,
  uuid,
} from './codec.ts';

const NO_HIGH_WATERMARK = 9223372036854775807n;

const request = {
  clusterId: field(nullable(string), { from: 12, tag: 0, default: null }),
  replicaId: field(int32, { to: 14, default: -1 }),
  replicaState: field(
    struct({
      replicaId: field(int32, { from: 15, default: -1 }),
      replicaEpoch: field(int64, { from: 15, default: -1n }),
    }),
    { from: 15, tag: 1, default: { replicaId: -1, replicaEpoch: -1n } },
  ),
  maxWaitMs: field(int32),
  minBytes: field(int32),
  maxBytes: field(int32, { default: 0x7fffffff }),
  isolationLevel: field(int8, { default: 0 }),
  sessionId: field(int32, { from: 7, default: 0 }),
  sessionEpoch: field(int32, { from: 7, default: -1 }),
  topics: field(
    array(
      struct({
        topic: field(string, { to: 12, default: '' }),
        topicId: field(uuid, { from: 13, default: uuid.empty }),
        partitions: field(
          array(
            struct({
              partition: field(int32),
              currentLeaderEpoch: field(int32, { from: 9, default: -1 }),
              fetchOffset: field(int64),
              lastFetchedEpoch: field(int32, { from: 12, default: -1 }),
              logStartOffset: field(int64, { from: 5, default: -1n }),
              partitionMaxBytes: field(int32),
              replicaDirectoryId: field(uuid, { from: 17, tag: 0, default: uuid.empty }),
              highWatermark: field(int64, { from: 18, tag: 1, default: NO_HIGH_WATERMARK }),
            }),
          ),
        ),
      }),
    ),
  ),
  forgottenTopicsData: field(
    array(
      struct({
        topic: field(string, { to: 12, default: '' }),
        topicId: field(uuid, { from: 13, default: uuid.empty }),
        partitions: field(array(int32)),
      }),
    ),
    { from: 7, default: [] },
  ),
  rackId: field(string, { from: 11, default: '' }),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  errorCode: field(int16, { from: 7, default: 0 }),
  sessionId: field(int32, { from: 7, default: 0 }),
  responses: field(
    array(
      struct({
        topic: field(string, { to: 12, default: '' }),
        topicId: field(uuid, { from: 13, default: uuid.empty }),
        partitions: field(
          array(
            struct({
              partitionIndex: field(int32),
              errorCode: field(int16),
              highWatermark: field(int64),
              lastStableOffset: field(int64, { default: -1n }),
              logStartOffset: field(int64, { from: 5, default: -1n }),
              divergingEpoch: field(
                struct({
                  epoch: field(int32, { default: -1 }),
                  endOffset: field(int64, { default: -1n }),
                }),
                { from: 12, tag: 0, default: { epoch: -1, endOffset: -1n } },
              ),
              currentLeader: field(
                struct({
                  leaderId: field(int32, { default: -1 }),
                  leaderEpoch: field(int32, { default: -1 }),
                }),
                { from: 12, tag: 1, default: { leaderId: -1, leaderEpoch: -1 } },
              ),
              snapshotId: field(
                struct({
                  endOffset: field(int64, { default: -1n }),
                  epoch: field(int32, { default: -1 }),
                }),
                { from: 12, tag: 2, default: { endOffset: -1n, epoch: -1 } },
              ),
              abortedTransactions: field(
                nullable(array(struct({ producerId: field(int64), firstOffset: field(int64) }))),
              ),
              preferredReadReplica: field(int32, { from: 11, default: -1 }),
              records: field(nullable(pieces)),
            }),
          ),
        ),
      }),
    ),
  ),
  nodeEndpoints: field(
    array(
      struct({
        nodeId: field(int32),
        host: field(string),
        port: field(int32),
        rack: field(nullable(string), { default: null }),
      }),
    ),
    { from: 16, tag: 0, default: [] },
  ),
};

export type FetchRequest = Output<typeof request>;
export type FetchResponse = Output<typeof response>;

export const fetchApi: Api<FetchRequest, Input<typeof request>, FetchResponse, Input<typeof response>> = {
  key: 1,
  name: 'Fetch',
  versions: { min: 4, max: 18 },
  flexibleFrom: 12,
  request: struct(request),
  response: struct(response),
};
