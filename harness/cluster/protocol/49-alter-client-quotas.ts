/** AlterClientQuotas (API key 49), versions 0 and 1, flexible from 1 (KIP-546). */
import type { Api } from './api.ts';
import {
  array,
  bool,
  field,
  float64,
  type Input,
  int16,
  int32,
  nullable,
  type Output,
  string,
  struct,
} from './codec.ts';

/** A name of null is the default of its type. */
const entity = array(struct({ entityType: field(string), entityName: field(nullable(string)) }));

const request = {
  entries: field(
    array(
      struct({
        entity: field(entity),
        ops: field(array(struct({ key: field(string), value: field(float64), remove: field(bool) }))),
      }),
    ),
  ),
  validateOnly: field(bool),
};

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  entries: field(
    array(
      struct({
        errorCode: field(int16),
        errorMessage: field(nullable(string)),
        entity: field(entity),
      }),
    ),
  ),
};

export type AlterClientQuotasRequest = Output<typeof request>;
export type AlterClientQuotasResponse = Output<typeof response>;

export const alterClientQuotasApi: Api<
  AlterClientQuotasRequest,
  Input<typeof request>,
  AlterClientQuotasResponse,
  Input<typeof response>
> = {
  key: 49,
  name: 'AlterClientQuotas',
  versions: { min: 0, max: 1 },
  flexibleFrom: 1,
  request: struct(request),
  response: struct(response),
};
