/**
 * IncrementalAlterConfigs (API key 44), versions 0 and 1, flexible from 1.
 *
 * Operations: 0 set, 1 delete, 2 append to a list, 3 subtract from a list (KIP-339).
 */
import type { Api } from './api.ts';
import {
  array,
  bool,
  field,
  type Input,
  int8,
  int16,
  int32,
  nullable,
  type Output,
  string,
  struct,
} from './codec.ts';

const request = {
  resources: field(
    array(
      struct({
        resourceType: field(int8),
        resourceName: field(string),
        configs: field(
          array(
            struct({ name: field(string), configOperation: field(int8), value: field(nullable(string)) }),
          ),
        ),
      }),
    ),
  ),
  validateOnly: field(bool),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  responses: field(
    array(
      struct({
        errorCode: field(int16),
        errorMessage: field(nullable(string)),
        resourceType: field(int8),
        resourceName: field(string),
      }),
    ),
  ),
};

export type IncrementalAlterConfigsRequest = Output<typeof request>;
export type IncrementalAlterConfigsResponse = Output<typeof response>;

export const incrementalAlterConfigsApi: Api<
  IncrementalAlterConfigsRequest,
  Input<typeof request>,
  IncrementalAlterConfigsResponse,
  Input<typeof response>
> = {
  key: 44,
  name: 'IncrementalAlterConfigs',
  versions: { min: 0, max: 1 },
  flexibleFrom: 1,
  request: struct(request),
  response: struct(response),
};
