/**
 * OffsetForLeaderEpoch (API key 23), versions 2 to 4, flexible from 4.
 *
 * 3 adds the replica id, -1 for a consumer (KIP-392). Not described: versions 0 and 1, which 4.0 removed (KIP-896).
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
              currentLeaderEpoch: field(int32, { default: -1 }),
              leaderEpoch: field(int32),
            }),
          ),
        ),
      }),
    ),
  ),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  topics: field(
    array(
      struct({
        topic: field(string),
        partitions: field(
          array(
            struct({
              errorCode: field(int16),
              partition: field(int32),
              leaderEpoch: field(int32, { default: -1 }),
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
  versions: { min: 2, max: 4 },
  flexibleFrom: 4,
  request: struct(request),
  response: struct(response),
};
