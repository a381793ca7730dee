/**
 * Produce (API key 0), versions 3 to 13, flexible from 9.
 *
 * 3 adds the transactional id and record format 2; 5 the log start offset; 7 Zstandard (KIP-110); 8 errors of single
 * records (KIP-467); 10 the current leader and node endpoints, tagged (KIP-951); 11 and 12 only add transaction errors
 * and implicit AddPartitionsToTxn (KIP-890); 13 topic ids in place of names (KIP-516).
 *
 * Not implemented: versions 0 to 2, whose record formats 4.0 no longer reads (KIP-724, KIP-896), and the insides of the
 * record batches, which are read as a view of the message.
 */
import type { Api } from './api.ts';
import {
  array,
  bytes,
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

const topicName = { name: field(string, { to: 12, default: '' }) };
const topicId = { topicId: field(uuid, { from: 13, default: uuid.empty }) };

const request = {
  transactionalId: field(nullable(string), { default: null }),
  acks: field(int16),
  timeoutMs: field(int32),
  topicData: field(
    array(
      struct({
        ...topicName,
        ...topicId,
        partitionData: field(array(struct({ index: field(int32), records: field(nullable(bytes)) }))),
      }),
    ),
  ),
};

const response = {
  responses: field(
    array(
      struct({
        ...topicName,
        ...topicId,
        partitionResponses: field(
          array(
            struct({
              index: field(int32),
              errorCode: field(int16),
              baseOffset: field(int64),
              logAppendTimeMs: field(int64, { default: -1n }),
              logStartOffset: field(int64, { from: 5, default: -1n }),
              recordErrors: field(
                array(
                  struct({
                    batchIndex: field(int32),
                    batchIndexErrorMessage: field(nullable(string), { default: null }),
                  }),
                ),
                { from: 8, default: [] },
              ),
              errorMessage: field(nullable(string), { from: 8, default: null }),
              currentLeader: field(
                struct({
                  leaderId: field(int32, { default: -1 }),
                  leaderEpoch: field(int32, { default: -1 }),
                }),
                { from: 10, tag: 0, default: { leaderId: -1, leaderEpoch: -1 } },
              ),
            }),
          ),
        ),
      }),
    ),
  ),
  throttleTimeMs: field(int32, { default: 0 }),
  nodeEndpoints: field(
    array(
      struct({
        nodeId: field(int32),
        host: field(string),
        port: field(int32),
        rack: field(nullable(string), { default: null }),
      }),
    ),
    { from: 10, tag: 0, default: [] },
  ),
};

export type ProduceRequest = Output<typeof request>;
export type ProduceResponse = Output<typeof response>;

export const produceApi: Api<
  ProduceRequest,
  Input<typeof request>,
  ProduceResponse,
  Input<typeof response>
> = {
  key: 0,
  name: 'Produce',
  versions: { min: 3, max: 13 },
  flexibleFrom: 9,
  request: struct(request),
  response: struct(response),
};
