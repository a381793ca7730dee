/**
 * SyncGroup (API key 14), versions 0 to 5, flexible from 4.
 *
 * 1 adds the throttle time; 3 static membership (KIP-345); 5 protocol type and name on both sides (KIP-559).
 *
 * An assignment is opaque here; for consumers see `consumer-protocol.ts`.
 */
import type { Api } from './api.ts';
import {
  array,
  bytes,
  field,
  type Input,
  int16,
  int32,
  nullable,
  type Output,
  string,
  struct,
} from './codec.ts';

const request = {
  groupId: field(string),
  generationId: field(int32),
  memberId: field(string),
  groupInstanceId: field(nullable(string), { from: 3, default: null }),
  protocolType: field(nullable(string), { from: 5, default: null }),
  protocolName: field(nullable(string), { from: 5, default: null }),
  assignments: field(array(struct({ memberId: field(string), assignment: field(bytes) }))),
};

const response = {
  throttleTimeMs: field(int32, { from: 1, default: 0 }),
  errorCode: field(int16),
  protocolType: field(nullable(string), { from: 5, default: null }),
  protocolName: field(nullable(string), { from: 5, default: null }),
  assignment: field(bytes),
};

export type SyncGroupRequest = Output<typeof request>;
export type SyncGroupResponse = Output<typeof response>;

export const syncGroupApi: Api<
  SyncGroupRequest,
  Input<typeof request>,
  SyncGroupResponse,
  Input<typeof response>
> = {
  key: 14,
  name: 'SyncGroup',
  versions: { min: 0, max: 5 },
  flexibleFrom: 4,
  request: struct(request),
  response: struct(response),
};
