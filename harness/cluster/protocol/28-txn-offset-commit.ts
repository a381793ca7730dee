/**
 * TxnOffsetCommit (API key 28), versions 0 to 5, flexible from 3.
 *
 * 2 adds leader epochs; 3 the group's generation, member id and group instance id (KIP-447); 4 and 5 only allow more
 * errors and an implicit AddOffsetsToTxn (KIP-890).
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
} from './codec.ts';

const request = {
  transactionalId: field(string),
  groupId: field(string),
  producerId: field(int64),
  producerEpoch: field(int16),
  generationId: field(int32, { from: 3, default: -1 }),
  memberId: field(string, { from: 3, default: '' }),
  groupInstanceId: field(nullable(string), { from: 3, default: null }),
  topics: field(
    array(
      struct({
        name: field(string),
        partitions: field(
          array(
            struct({
              partitionIndex: field(int32),
              committedOffset: field(int64),
              committedLeaderEpoch: field(int32, { from: 2, default: -1 }),
              committedMetadata: field(nullable(string)),
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
        name: field(string),
        partitions: field(array(struct({ partitionIndex: field(int32), errorCode: field(int16) }))),
      }),
    ),
  ),
};

export type TxnOffsetCommitRequest = Output<typeof request>;
export type TxnOffsetCommitResponse = Output<typeof response>;

export const txnOffsetCommitApi: Api<
  TxnOffsetCommitRequest,
  Input<typeof request>,
  TxnOffsetCommitResponse,
  Input<typeof response>
> = {
  key: 28,
  name: 'TxnOffsetCommit',
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request: struct(request),
  response: struct(response),
};
