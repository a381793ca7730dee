/**
 * DeleteRecords (API key 21), versions 0 to 2, flexible from 2. An offset of -1 asks for all up to the high watermark.
 */
import type { Api } from './api.ts';
import { array, field, type Input, int16, int32, int64, type Output, string, struct } from './codec.ts';

const request = {
  topics: field(
    array(
      struct({
        name: field(string),
        partitions: field(array(struct({ partitionIndex: field(int32), offset: field(int64) }))),
      }),
    ),
  ),
  timeoutMs: field(int32),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  topics: field(
    array(
      struct({
        name: field(string),
        partitions: field(
          array(
            struct({ partitionIndex: field(int32), lowWatermark: field(int64), errorCode: field(int16) }),
          ),
        ),
      }),
    ),
  ),
};

export type DeleteRecordsRequest = Output<typeof request>;
export type DeleteRecordsResponse = Output<typeof response>;

export const deleteRecordsApi: Api<
  DeleteRecordsRequest,
  Input<typeof request>,
  DeleteRecordsResponse,
  Input<typeof response>
> = {
  key: 21,
  name: 'DeleteRecords',
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request: struct(request),
  response: struct(response),
};
