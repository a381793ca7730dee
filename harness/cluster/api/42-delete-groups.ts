/** DeleteGroups (API key 42), versions 0 to 2: removes groups without members, with their offsets (KIP-229). */
import type { CoordinatorOf } from '../group/coordinator-of.ts';
import type { Handler } from '../handler.ts';
import {
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
  deleteGroupsApi,
} from '../protocol/42-delete-groups.ts';

export const deleteGroups = (
  coordinatorOf: CoordinatorOf,
): Handler<DeleteGroupsRequest, DeleteGroupsResponse> => ({
  api: deleteGroupsApi,
  handle(context, { groupsNames }, _version, respond) {
    coordinatorOf(context).deleteGroups(groupsNames, (results) => respond({ throttleTimeMs: 0, results }));
  },
  errorAnswer: ({ groupsNames }, errorCode) => ({
    throttleTimeMs: 0,
    results: groupsNames.map((groupId) => ({ groupId, errorCode })),
  }),
});
