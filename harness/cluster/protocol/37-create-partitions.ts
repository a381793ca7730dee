/**
 * CreatePartitions (API key 37), versions 0 to 3, flexible from 2. 3 only adds an error (KIP-599).
 */
import type { Api } from './api.ts';
import {
  array,
  bool,
  field,
  type Input,
  int16,
  int32,
  nullable,
  type Output,
  string,
  struct,
} from './codec.ts';

const request = {
  topics: field(
    array(
      struct({
        name: field(string),
        count: field(int32),
        assignments: field(nullable(array(struct({ brokerIds: field(array(int32)) })))),
      }),
    ),
  ),
  timeoutMs: field(int32),
  validateOnly: field(bool),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  results: field(
    array(
      struct({
        name: field(string),
        errorCode: field(int16),
        errorMessage: field(nullable(string), { default: null }),
      }),
    ),
  ),
};

export type CreatePartitionsRequest = Output<typeof request>;
export type CreatePartitionsResponse = Output<typeof response>;

export const createPartitionsApi: Api<
  CreatePartitionsRequest,
  Input<typeof request>,
  CreatePartitionsResponse,
  Input<typeof response>
> = {
  key: 37,
  name: 'CreatePartitions',
  versions: { min: 0, max: 3 },
  flexibleFrom: 2,
  request: struct(request),
  response: struct(response),
};
