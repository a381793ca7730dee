/**
 * Heartbeat (API key 12), versions 0 to 4, flexible from 4.
 *
 * 1 adds the throttle time; 3 static membership (KIP-345).
 */
import type { Api } from './api.ts';
import { field, type Input, int16, int32, nullable, type Output, string, struct } from './codec.ts';

const request = {
  groupId: field(string),
  generationId: field(int32),
  memberId: field(string),
  groupInstanceId: field(nullable(string), { from: 3, default: null }),
};

const response = {
  throttleTimeMs: field(int32, { from: 1, default: 0 }),
  errorCode: field(int16),
};

export type HeartbeatRequest = Output<typeof request>;
export type HeartbeatResponse = Output<typeof response>;

export const heartbeatApi: Api<
  HeartbeatRequest,
  Input<typeof request>,
  HeartbeatResponse,
  Input<typeof response>
> = {
  key: 12,
  name: 'Heartbeat',
  versions: { min: 0, max: 4 },
  flexibleFrom: 4,
  request: struct(request),
  response: struct(response),
};
