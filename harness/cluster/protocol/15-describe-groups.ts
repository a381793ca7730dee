/**
 * DescribeGroups (API key 15), versions 0 to 6, flexible from 5.
 *
 * 1 adds the throttle time; 3 authorized operations (KIP-430); 4 static membership (KIP-345); 6 an error message, with
 * GROUP_ID_NOT_FOUND in place of a dead group (KIP-1043).
 *
 * Metadata and assignment of a member are opaque here; for consumers see `consumer-protocol.ts`.
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

/** Authorized operations that were not asked for. */
export const OPERATIONS_NOT_ASKED_FOR = -2_147_483_648;

const request = {
  groups: field(array(string)),
  includeAuthorizedOperations: field(bool, { from: 3, default: false }),
};

const response = {
  throttleTimeMs: field(int32, { from: 1, default: 0 }),
  groups: field(
    array(
      struct({
        errorCode: field(int16),
        errorMessage: field(nullable(string), { from: 6, default: null }),
        groupId: field(string),
        groupState: field(string),
        protocolType: field(string),
        protocolData: field(string),
        members: field(
          array(
            struct({
              memberId: field(string),
              groupInstanceId: field(nullable(string), { from: 4, default: null }),
              clientId: field(string),
              clientHost: field(string),
              memberMetadata: field(bytes),
              memberAssignment: field(bytes),
            }),
          ),
        ),
        authorizedOperations: field(int32, { from: 3, default: OPERATIONS_NOT_ASKED_FOR }),
      }),
    ),
  ),
};

export type DescribeGroupsRequest = Output<typeof request>;
export type DescribeGroupsResponse = Output<typeof response>;
export type DescribedGroup = DescribeGroupsResponse['groups'][number];

export const describeGroupsApi: Api<
  DescribeGroupsRequest,
  Input<typeof request>,
  DescribeGroupsResponse,
  Input<typeof response>
> = {
  key: 15,
  name: 'DescribeGroups',
  versions: { min: 0, max: 6 },
  flexibleFrom: 5,
  request: struct(request),
  response: struct(response),
};
