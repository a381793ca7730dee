/**
 * JoinGroup (API key 11), versions 0 to 9, flexible from 6.
 *
 * 1 adds the rebalance timeout; 2 the throttle time; 4 answers a new member MEMBER_ID_REQUIRED first (KIP-394); 5 adds
 * static membership (KIP-345); 7 the protocol type in the answer (KIP-559); 8 a reason (KIP-800); 9 whether the leader
 * skips the assignment (KIP-814).
 *
 * The metadata of each protocol is opaque here; for consumers see `consumer-protocol.ts`.
 */
import type { Api } from './api.ts';
import {
  array,
  bool,
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
  sessionTimeoutMs: field(int32),
  rebalanceTimeoutMs: field(int32, { from: 1, default: -1 }),
  memberId: field(string),
  groupInstanceId: field(nullable(string), { from: 5, default: null }),
  protocolType: field(string),
  protocols: field(array(struct({ name: field(string), metadata: field(bytes) }))),
  reason: field(nullable(string), { from: 8, default: null }),
};

const response = {
  throttleTimeMs: field(int32, { from: 2, default: 0 }),
  errorCode: field(int16),
  generationId: field(int32, { default: -1 }),
  protocolType: field(nullable(string), { from: 7, default: null }),
  protocolName: field(nullable(string, 7)),
  leader: field(string),
  skipAssignment: field(bool, { from: 9, default: false }),
  memberId: field(string),
  members: field(
    array(
      struct({
        memberId: field(string),
        groupInstanceId: field(nullable(string), { from: 5, default: null }),
        metadata: field(bytes),
      }),
    ),
  ),
};

export type JoinGroupRequest = Output<typeof request>;
export type JoinGroupResponse = Output<typeof response>;

export const joinGroupApi: Api<
  JoinGroupRequest,
  Input<typeof request>,
  JoinGroupResponse,
  Input<typeof response>
> = {
  key: 11,
  name: 'JoinGroup',
  versions: { min: 0, max: 9 },
  flexibleFrom: 6,
  request: struct(request),
  response: struct(response),
};
