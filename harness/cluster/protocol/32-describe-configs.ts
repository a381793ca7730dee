/**
 * DescribeConfigs (API key 32), versions 1 to 4, flexible from 4.
 *
 * 3 adds types and documentation (KIP-569). Not described: version 0, which 4.0 removed (KIP-896).
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
  includeSynonyms: field(bool, { default: false }),
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
              configSource: field(int8, { default: -1 }),
              isSensitive: field(bool),
              synonyms: field(
                array(struct({ name: field(string), value: field(nullable(string)), source: field(int8) })),
                { default: [] },
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
  versions: { min: 1, max: 4 },
  flexibleFrom: 4,
  request: struct(request),
  response: struct(response),
};
