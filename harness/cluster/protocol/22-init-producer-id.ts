/**
 * InitProducerId (API key 22), versions 0 to 5, flexible from 2.
 *
 * 3 adds the producer id and epoch that the client has, so that it can recover with the next epoch (KIP-360); 4 and 5
 * only add errors (PRODUCER_FENCED, KIP-588; TRANSACTION_ABORTABLE, KIP-890).
 */
import type { Api } from './api.ts';
import { field, type Input, int16, int32, int64, nullable, type Output, string, struct } from './codec.ts';

const request = {
  transactionalId: field(nullable(string)),
  transactionTimeoutMs: field(int32),
  producerId: field(int64, { from: 3, default: -1n }),
  producerEpoch: field(int16, { from: 3, default: -1 }),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  errorCode: field(int16),
  producerId: field(int64, { default: -1n }),
  producerEpoch: field(int16),
};

export type InitProducerIdRequest = Output<typeof request>;
export type InitProducerIdResponse = Output<typeof response>;

export const initProducerIdApi: Api<
  InitProducerIdRequest,
  Input<typeof request>,
  InitProducerIdResponse,
  Input<typeof response>
> = {
  key: 22,
  name: 'InitProducerId',
  versions: { min: 0, max: 5 },
  flexibleFrom: 2,
  request: struct(request),
  response: struct(response),
};
