/**
 * DeleteTopics (API key 20), versions 1 to 6, flexible from 4.
 *
 * 5 adds error messages (KIP-599); 6 names a topic by its name or its id (KIP-516). Not described: version 0, which 4.0
 * removed (KIP-896).
 */
import type { Api } from './api.ts';
import {
  array,
  field,
  type Input,
  int16,
  int32,
  nullable,
  type Output,
  string,
  struct,
  uuid,
} from './codec.ts';

const request = {
  topics: field(
    array(
      struct({
        name: field(nullable(string), { default: null }),
        topicId: field(uuid, { default: uuid.empty }),
      }),
    ),
    { from: 6, default: [] },
  ),
  topicNames: field(array(string), { to: 5, default: [] }),
  timeoutMs: field(int32),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  responses: field(
    array(
      struct({
        name: field(nullable(string, 6)),
        topicId: field(uuid, { from: 6, default: uuid.empty }),
        errorCode: field(int16),
        errorMessage: field(nullable(string), { from: 5, default: null }),
      }),
    ),
  ),
};

export type DeleteTopicsRequest = Output<typeof request>;
export type DeleteTopicsResponse = Output<typeof response>;

export const deleteTopicsApi: Api<
  DeleteTopicsRequest,
  Input<typeof request>,
  DeleteTopicsResponse,
  Input<typeof response>
> = {
  key: 20,
  name: 'DeleteTopics',
  versions: { min: 1, max: 6 },
  flexibleFrom: 4,
  request: struct(request),
  response: struct(response),
};
