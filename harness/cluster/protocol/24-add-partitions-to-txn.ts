/**
 * AddPartitionsToTxn (API key 24), versions 0 to 5, flexible from 3.
 *
 * Up to 3 a client adds partitions to its one transaction; from 4 on a broker asks about several at once, perhaps only
 * to verify them (KIP-890), so the fields of the two shapes have different names, as in Kafka's definitions.
 */
import type { Api } from './api.ts';
import { array, bool, field, type Input, int16, int32, int64, type Output, string, struct } from './codec.ts';

const topics = array(struct({ name: field(string), partitions: field(array(int32)) }));

const request = {
  transactions: field(
    array(
      struct({
        transactionalId: field(string),
        producerId: field(int64),
        producerEpoch: field(int16),
        verifyOnly: field(bool, { default: false }),
        topics: field(topics),
      }),
    ),
    { from: 4, default: [] },
  ),
  v3AndBelowTransactionalId: field(string, { to: 3, default: '' }),
  v3AndBelowProducerId: field(int64, { to: 3, default: 0n }),
  v3AndBelowProducerEpoch: field(int16, { to: 3, default: 0 }),
  v3AndBelowTopics: field(topics, { to: 3, default: [] }),
};

const topicResults = array(
  struct({
    name: field(string),
    resultsByPartition: field(
      array(struct({ partitionIndex: field(int32), partitionErrorCode: field(int16) })),
    ),
  }),
);

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  errorCode: field(int16, { from: 4, default: 0 }),
  resultsByTransaction: field(
    array(struct({ transactionalId: field(string), topicResults: field(topicResults) })),
    { from: 4, default: [] },
  ),
  resultsByTopicV3AndBelow: field(topicResults, { to: 3, default: [] }),
};

export type AddPartitionsToTxnRequest = Output<typeof request>;
export type AddPartitionsToTxnResponse = Output<typeof response>;

export const addPartitionsToTxnApi: Api<
  AddPartitionsToTxnRequest,
  Input<typeof request>,
  AddPartitionsToTxnResponse,
  Input<typeof response>
> = {
  key: 24,
  name: 'AddPartitionsToTxn',
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request: struct(request),
  response: struct(response),
};
