/**
 * OffsetDelete (API key 47), version 0 (KIP-496), never flexible.
 */
import type { Api } from './api.ts';
import { array, field, type Input, int16, int32, type Output, string, struct } from './codec.ts';

const request = {
  groupId: field(string),
  topics: field(
    array(
      struct({ name: field(string), partitions: field(array(struct({ partitionIndex: field(int32) }))) }),
    ),
  ),
};

const response = {
  errorCode: field(int16),
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

export type OffsetDeleteRequest = Output<typeof request>;
export type OffsetDeleteResponse = Output<typeof response>;

export const offsetDeleteApi: Api<
  OffsetDeleteRequest,
  Input<typeof request>,
  OffsetDeleteResponse,
  Input<typeof response>
> = {
  key: 47,
  name: 'OffsetDelete',
  versions: { min: 0, max: 0 },
  flexibleFrom: 1,
  request: struct(request),
  response: struct(response),
};
