/**
 * OffsetCommit (API key 8), versions 2 to 10, flexible from 8.
 *
 * 3 adds the throttle time; 5 drops the retention time; 6 adds leader epochs; 7 static membership (KIP-345); 9 is the
 * first that members of the new protocol may use, with the member epoch as generation (KIP-848); 10 has topic ids in
 * place of names.
 */
import type { Api } from './api.ts';
import {
  array,
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

const topicName = { name: field(string, { to: 9, default: '' }) };
const topicId = { topicId: field(uuid, { from: 10, default: uuid.empty }) };

const request = {
  groupId: field(string),
  generationIdOrMemberEpoch: field(int32, { default: -1 }),
  memberId: field(string, { default: '' }),
  groupInstanceId: field(nullable(string), { from: 7, default: null }),
  retentionTimeMs: field(int64, { to: 4, default: -1n }),
  topics: field(
    array(
      struct({
        ...topicName,
        ...topicId,
        partitions: field(
          array(
            struct({
              partitionIndex: field(int32),
              committedOffset: field(int64),
              committedLeaderEpoch: field(int32, { from: 6, default: -1 }),
              committedMetadata: field(nullable(string)),
            }),
          ),
        ),
      }),
    ),
  ),
};

const response = {
  throttleTimeMs: field(int32, { from: 3, default: 0 }),
  topics: field(
    array(
      struct({
        ...topicName,
        ...topicId,
        partitions: field(array(struct({ partitionIndex: field(int32), errorCode: field(int16) }))),
      }),
    ),
  ),
};

export type OffsetCommitRequest = Output<typeof request>;
export type OffsetCommitResponse = Output<typeof response>;

export const offsetCommitApi: Api<
  OffsetCommitRequest,
  Input<typeof request>,
  OffsetCommitResponse,
  Input<typeof response>
> = {
  key: 8,
  name: 'OffsetCommit',
  versions: { min: 2, max: 10 },
  flexibleFrom: 8,
  request: struct(request),
  response: struct(response),
};
