/**
 * EndTxn (API key 26), versions 0 to 5, flexible from 3.
 *
 * 5 answers with the producer id and epoch to use next (KIP-890); 1, 2 and 4 only allow more errors in the answer.
 */
import type { Api } from './api.ts';
import { bool, field, type Input, int16, int32, int64, type Output, string, struct } from './codec.ts';

const request = {
  transactionalId: field(string),
  producerId: field(int64),
  producerEpoch: field(int16),
  committed: field(bool),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  errorCode: field(int16),
  producerId: field(int64, { from: 5, default: -1n }),
  producerEpoch: field(int16, { from: 5, default: -1 }),
};

export type EndTxnRequest = Output<typeof request>;
export type EndTxnResponse = Output<typeof response>;

export const endTxnApi: Api<EndTxnRequest, Input<typeof request>, EndTxnResponse, Input<typeof response>> = {
  key: 26,
  name: 'EndTxn',
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request: struct(request),
  response: struct(response),
};
