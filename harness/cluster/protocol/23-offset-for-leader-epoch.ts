/**
 * OffsetForLeaderEpoch (API key 23), versions 0 to 4, flexible from 4.
 *
 * 1 adds the epoch that the answer is about; 2 the current leader epoch, to fence with (KIP-320), and the throttle
 * time; 3 the replica id, -1 for a consumer (KIP-392).
 */
import type { Api } from './api.ts';
import { array, field, type Input, int16, int32, int64, type Output, string, struct } from './codec.ts';

const request = {
  replicaId: field(int32, { from: 3, default: -2 }),
  topics: field(
    array(
      struct({
        topic: field(string),
        partitions: field(
          array(
            struct({
              partition: field(int32),
              currentLeaderEpoch: field(int32, { from: 2, default: -1 }),
              leaderEpoch: field(int32),
            }),
          ),
        ),
      }),
    ),
  ),
};

const response = {
  throttleTimeMs: field(int32, { from: 2, default: 0 }),
  topics: field(
    array(
      struct({
        topic: field(string),
        partitions: field(
          array(
            struct({
              errorCode: field(int16),
              partition: field(int32),
              leaderEpoch: field(int32, { from: 1, default: -1 }),
              endOffset: field(int64, { default: -1n }),
            }),
          ),
        ),
      }),
    ),
  ),
};

export type OffsetForLeaderEpochRequest = Output<typeof request>;
export type OffsetForLeaderEpochResponse = Output<typeof response>;

export const offsetForLeaderEpochApi: Api<
  OffsetForLeaderEpochRequest,
  Input<typeof request>,
  OffsetForLeaderEpochResponse,
  Input<typeof response>
> = {
  key: 23,
  name: 'OffsetForLeaderEpoch',
  versions: { min: 0, max: 4 },
  flexibleFrom: 4,
  request: struct(request),
  response: struct(response),
};
