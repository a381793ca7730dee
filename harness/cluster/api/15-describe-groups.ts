/**
 * DescribeGroups (API key 15), versions 0 to 6: state and members of groups that this broker coordinates.
 *
 * Up to version 5 a group that does not exist is dead, from version 6 GROUP_ID_NOT_FOUND (KIP-1043).
 * Not implemented: authorized operations (KIP-430), since there is no authorizer; they are never told.
 */
import type { CoordinatorOf } from '../group/coordinator-of.ts';
import { undescribed } from '../group/describe.ts';
import type { Handler } from '../handler.ts';
import {
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
  describeGroupsApi,
} from '../protocol/15-describe-groups.ts';

export const describeGroups = (
  coordinatorOf: CoordinatorOf,
): Handler<DescribeGroupsRequest, DescribeGroupsResponse> => ({
  api: describeGroupsApi,
  handle(context, request, version, respond) {
    const coordinator = coordinatorOf(context);
    const groups = request.groups.map((group) => coordinator.describeGroup(version, group));
    respond({ throttleTimeMs: 0, groups });
  },
  errorAnswer: ({ groups }, code) => ({
    throttleTimeMs: 0,
    groups: groups.map((group) => undescribed(group, code)),
  }),
});
