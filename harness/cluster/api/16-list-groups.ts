/** ListGroups (API key 16), versions 0 to 5: the groups that this broker coordinates, by state and type (KIP-518). */
import type { CoordinatorOf } from '../group/coordinator-of.ts';
import type { Handler } from '../handler.ts';
import {
  type ListGroupsRequest,
  type ListGroupsResponse,
  listGroupsApi,
} from '../protocol/16-list-groups.ts';

export const listGroups = (coordinatorOf: CoordinatorOf): Handler<ListGroupsRequest, ListGroupsResponse> => ({
  api: listGroupsApi,
  handle(context, request, _version, respond) {
    const groups = coordinatorOf(context).listGroups(request);
    if (typeof groups === 'number') respond({ throttleTimeMs: 0, errorCode: groups, groups: [] });
    else respond({ throttleTimeMs: 0, errorCode: 0, groups });
  },
  errorAnswer: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, groups: [] }),
});
