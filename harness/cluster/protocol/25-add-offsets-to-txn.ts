/**
 * AddOffsetsToTxn (API key 25), versions 0 to 4, flexible from 3. 1, 2 and 4 only allow more errors in the answer.
 */
import type { Api } from './api.ts';
import { field, type Input, int16, int32, int64, type Output, string, struct } from './codec.ts';

const request = {
  transactionalId: field(string),
  producerId: field(int64),
  producerEpoch: field(int16),
  groupId: field(string),
};

const response = { throttleTimeMs: field(int32, { default: 0 }), errorCode: field(int16) };

export type AddOffsetsToTxnRequest = Output<typeof request>;
export type AddOffsetsToTxnResponse = Output<typeof response>;

export const addOffsetsToTxnApi: Api<
  AddOffsetsToTxnRequest,
  Input<typeof request>,
  AddOffsetsToTxnResponse,
  Input<typeof response>
> = {
  key: 25,
  name: 'AddOffsetsToTxn',
  versions: { min: 0, max: 4 },
  flexibleFrom: 3,
  request: struct(request),
  response: struct(response),
};
