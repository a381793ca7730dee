/**
 * DescribeClientQuotas (API key 48), versions 0 and 1, flexible from 1 (KIP-546).
 *
 * Match types: 0 exact name, 1 the default, 2 any name or the default.
 */
import type { Api } from './api.ts';
import {
  array,
  bool,
  field,
  float64,
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
  components: field(
    array(struct({ entityType: field(string), matchType: field(int8), match: field(nullable(string)) })),
  ),
  strict: field(bool),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  errorCode: field(int16),
  errorMessage: field(nullable(string)),
  entries: field(
    nullable(
      array(
        struct({
          /** A name of null is the default of its type. */
          entity: field(array(struct({ entityType: field(string), entityName: field(nullable(string)) }))),
          values: field(array(struct({ key: field(string), value: field(float64) }))),
        }),
      ),
    ),
  ),
};

export type DescribeClientQuotasRequest = Output<typeof request>;
export type DescribeClientQuotasResponse = Output<typeof response>;

export const describeClientQuotasApi: Api<
  DescribeClientQuotasRequest,
  Input<typeof request>,
  DescribeClientQuotasResponse,
  Input<typeof response>
> = {
  key: 48,
  name: 'DescribeClientQuotas',
  versions: { min: 0, max: 1 },
  flexibleFrom: 1,
  request: struct(request),
  response: struct(response),
};
