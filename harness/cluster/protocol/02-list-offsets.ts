/**
 * ListOffsets (API key 2), versions 1 to 11, flexible from 6.
 *
 * 2 adds the isolation level and the throttle time; 4 the leader epoch (KIP-320); 7 to 9 and 11 only give more negative
 * time stamps a meaning (KIP-734, KIP-405, KIP-1005, KIP-1023); 10 adds a timeout (KIP-1075).
 */
import type { Api } from './api.ts';
import { array, field, type Input, int8, int16, int32, int64, type Output, string, struct } from './codec.ts';

const request = {
  replicaId: field(int32),
  isolationLevel: field(int8, { from: 2, default: 0 }),
  topics: field(
    array(
      struct({
        name: field(string),
        partitions: field(
          array(
            struct({
              partitionIndex: field(int32),
              currentLeaderEpoch: field(int32, { from: 4, default: -1 }),
              timestamp: field(int64),
            }),
          ),
        ),
      }),
    ),
  ),
  timeoutMs: field(int32, { from: 10, default: 0 }),
};

const response = {
  throttleTimeMs: field(int32, { from: 2, default: 0 }),
  topics: field(
    array(
      struct({
        name: field(string),
        partitions: field(
          array(
            struct({
              partitionIndex: field(int32),
              errorCode: field(int16),
              timestamp: field(int64, { default: -1n }),
              offset: field(int64, { default: -1n }),
              leaderEpoch: field(int32, { from: 4, default: -1 }),
            }),
          ),
        ),
      }),
    ),
  ),
};

export type ListOffsetsRequest = Output<typeof request>;
export type ListOffsetsResponse = Output<typeof response>;

export const listOffsetsApi: Api<
  ListOffsetsRequest,
  Input<typeof request>,
  ListOffsetsResponse,
  Input<typeof response>
> = {
  key: 2,
  name: 'ListOffsets',
  versions: { min: 1, max: 11 },
  flexibleFrom: 6,
  request: struct(request),
  response: struct(response),
};
