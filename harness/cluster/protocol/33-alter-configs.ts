/**
 * AlterConfigs (API key 33), versions 0 to 2, flexible from 2. It replaces all of a resource's own settings.
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
        configs: field(array(struct({ name: field(string), value: field(nullable(string)) }))),
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

export type AlterConfigsRequest = Output<typeof request>;
export type AlterConfigsResponse = Output<typeof response>;

export const alterConfigsApi: Api<
  AlterConfigsRequest,
  Input<typeof request>,
  AlterConfigsResponse,
  Input<typeof response>
> = {
  key: 33,
  name: 'AlterConfigs',
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request: struct(request),
  response: struct(response),
};
