/**
 * FindCoordinator (API key 10), versions 0 to 6, flexible from 3.
 *
 * 1 adds the key type (0 group, 1 transaction, 2 share), the throttle time and a message; 4 asks for several keys at
 * once (KIP-699); 5 and 6 only add an error and a key type (KIP-890, KIP-932).
 */
import type { Api } from './api.ts';
import {
  array,
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
  key: field(string, { to: 3, default: '' }),
  keyType: field(int8, { from: 1, default: 0 }),
  coordinatorKeys: field(array(string), { from: 4, default: [] }),
};

const response = {
  throttleTimeMs: field(int32, { from: 1, default: 0 }),
  errorCode: field(int16, { to: 3, default: 0 }),
  errorMessage: field(nullable(string), { from: 1, to: 3, default: null }),
  nodeId: field(int32, { to: 3, default: 0 }),
  host: field(string, { to: 3, default: '' }),
  port: field(int32, { to: 3, default: 0 }),
  coordinators: field(
    array(
      struct({
        key: field(string),
        nodeId: field(int32),
        host: field(string),
        port: field(int32),
        errorCode: field(int16),
        errorMessage: field(nullable(string)),
      }),
    ),
    { from: 4, default: [] },
  ),
};

export type FindCoordinatorRequest = Output<typeof request>;
export type FindCoordinatorResponse = Output<typeof response>;

export const findCoordinatorApi: Api<
  FindCoordinatorRequest,
  Input<typeof request>,
  FindCoordinatorResponse,
  Input<typeof response>
> = {
  key: 10,
  name: 'FindCoordinator',
  versions: { min: 0, max: 6 },
  flexibleFrom: 3,
  request: struct(request),
  response: struct(response),
};
