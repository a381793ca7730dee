/**
 * LeaveGroup (API key 13), versions 0 to 5, flexible from 4.
 *
 * 1 adds the throttle time; 3 lets several members leave at once, by member id or instance id (KIP-345); 5 adds a reason
 * (KIP-800).
 */
import type { Api } from './api.ts';
import { array, field, type Input, int16, int32, nullable, type Output, string, struct } from './codec.ts';

const request = {
  groupId: field(string),
  memberId: field(string, { to: 2, default: '' }),
  members: field(
    array(
      struct({
        memberId: field(string),
        groupInstanceId: field(nullable(string), { default: null }),
        reason: field(nullable(string), { from: 5, default: null }),
      }),
    ),
    { from: 3, default: [] },
  ),
};

const response = {
  throttleTimeMs: field(int32, { from: 1, default: 0 }),
  errorCode: field(int16),
  members: field(
    array(
      struct({
        memberId: field(string),
        groupInstanceId: field(nullable(string)),
        errorCode: field(int16),
      }),
    ),
    { from: 3, default: [] },
  ),
};

export type LeaveGroupRequest = Output<typeof request>;
export type LeaveGroupResponse = Output<typeof response>;

export const leaveGroupApi: Api<
  LeaveGroupRequest,
  Input<typeof request>,
  LeaveGroupResponse,
  Input<typeof response>
> = {
  key: 13,
  name: 'LeaveGroup',
  versions: { min: 0, max: 5 },
  flexibleFrom: 4,
  request: struct(request),
  response: struct(response),
};
