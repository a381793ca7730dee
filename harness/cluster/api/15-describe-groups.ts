/**
 * DescribeGroups (API key 15), versions 0 to 6: state and members of groups that this broker coordinates.
 *
 * Up to version 5 a group that does not exist is dead, from version 6 GROUP_ID_NOT_FOUND (KIP-1043).
 * Not implemented: access control, so everything is authorized where a client asks for that (KIP-430).
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
    const { includeAuthorizedOperations } = request;
    // In 4.0 groups have got configurations, and two more operations with them (KIP-1043).
    const operations = context.cluster.profile.name === '3.9' ? 328 : 3_400;
    respond({
      throttleTimeMs: 0,
      groups: groups.map((group) =>
        includeAuthorizedOperations && group.errorCode === 0
          ? { ...group, authorizedOperations: operations }
          : group,
      ),
    });
  },
  errorAnswer: ({ groups }, code) => ({
    throttleTimeMs: 0,
    groups: groups.map((group) => undescribed(group, code)),
  }),
});
