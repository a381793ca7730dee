/**
 * OffsetFetch (API key 9), versions 1 to 10, flexible from 6.
 *
 * 2 adds null for all topics and a top-level error; 3 the throttle time; 5 leader epochs; 7 whether to wait for pending
 * transactional commits (KIP-447); 8 asks for several groups at once (KIP-709); 9 member id and epoch (KIP-848); 10 has
 * topic ids in place of names.
 */
import type { Api } from './api.ts';
import {
  array,
  bool,
  field,
  type Input,
  int16,
  int32,
  int64,
  nullable,
  type Output,
  string,
  struct,
  uuid,
} from './codec.ts';

const request = {
  groupId: field(string, { to: 7, default: '' }),
  topics: field(nullable(array(struct({ name: field(string), partitionIndexes: field(array(int32)) })), 2), {
    to: 7,
    default: null,
  }),
  groups: field(
    array(
      struct({
        groupId: field(string),
        memberId: field(nullable(string), { from: 9, default: null }),
        memberEpoch: field(int32, { from: 9, default: -1 }),
        topics: field(
          nullable(
            array(
              struct({
                name: field(string, { to: 9, default: '' }),
                topicId: field(uuid, { from: 10, default: uuid.empty }),
                partitionIndexes: field(array(int32)),
              }),
            ),
          ),
        ),
      }),
    ),
    { from: 8, default: [] },
  ),
  requireStable: field(bool, { from: 7, default: false }),
};

const partition = struct({
  partitionIndex: field(int32),
  committedOffset: field(int64),
  committedLeaderEpoch: field(int32, { from: 5, default: -1 }),
  metadata: field(nullable(string)),
  errorCode: field(int16),
});

const response = {
  throttleTimeMs: field(int32, { from: 3, default: 0 }),
  topics: field(array(struct({ name: field(string), partitions: field(array(partition)) })), {
    to: 7,
    default: [],
  }),
  errorCode: field(int16, { from: 2, to: 7, default: 0 }),
  groups: field(
    array(
      struct({
        groupId: field(string),
        topics: field(
          array(
            struct({
              name: field(string, { to: 9, default: '' }),
              topicId: field(uuid, { from: 10, default: uuid.empty }),
              partitions: field(array(partition)),
            }),
          ),
        ),
        errorCode: field(int16, { default: 0 }),
      }),
    ),
    { from: 8, default: [] },
  ),
};

export type OffsetFetchRequest = Output<typeof request>;
export type OffsetFetchResponse = Output<typeof response>;

export const offsetFetchApi: Api<
  OffsetFetchRequest,
  Input<typeof request>,
  OffsetFetchResponse,
  Input<typeof response>
> = {
  key: 9,
  name: 'OffsetFetch',
  versions: { min: 1, max: 10 },
  flexibleFrom: 6,
  request: struct(request),
  response: struct(response),
};
