/**
 * DescribeConfigs (API key 32), versions 0 to 4, flexible from 4.
 *
 * 1 adds synonyms and where a value comes from (KIP-226), in place of a plain "is default"; 3 types and documentation
 * (KIP-569).
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
        configurationKeys: field(nullable(array(string))),
      }),
    ),
  ),
  includeSynonyms: field(bool, { from: 1, default: false }),
  includeDocumentation: field(bool, { from: 3, default: false }),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  results: field(
    array(
      struct({
        errorCode: field(int16),
        errorMessage: field(nullable(string)),
        resourceType: field(int8),
        resourceName: field(string),
        configs: field(
          array(
            struct({
              name: field(string),
              value: field(nullable(string)),
              readOnly: field(bool),
              isDefault: field(bool, { to: 0, default: false }),
              configSource: field(int8, { from: 1, default: -1 }),
              isSensitive: field(bool),
              synonyms: field(
                array(struct({ name: field(string), value: field(nullable(string)), source: field(int8) })),
                { from: 1, default: [] },
              ),
              configType: field(int8, { from: 3, default: 0 }),
              documentation: field(nullable(string), { from: 3, default: null }),
            }),
          ),
        ),
      }),
    ),
  ),
};

export type DescribeConfigsRequest = Output<typeof request>;
export type DescribeConfigsResponse = Output<typeof response>;

export const describeConfigsApi: Api<
  DescribeConfigsRequest,
  Input<typeof request>,
  DescribeConfigsResponse,
  Input<typeof response>
> = {
  key: 32,
  name: 'DescribeConfigs',
  versions: { min: 0, max: 4 },
  flexibleFrom: 4,
  request: struct(request),
  response: struct(response),
};
