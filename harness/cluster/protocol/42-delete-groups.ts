/**
 * DeleteGroups (API key 42), versions 0 to 2, flexible from 2.
 *
 * All versions say the same.
 */
import type { Api } from './api.ts';
import { array, field, type Input, int16, int32, type Output, string, struct } from './codec.ts';

const request = { groupsNames: field(array(string)) };

const response = {
  throttleTimeMs: field(int32, { default: 0 }),
  results: field(array(struct({ groupId: field(string), errorCode: field(int16) }))),
};

export type DeleteGroupsRequest = Output<typeof request>;
export type DeleteGroupsResponse = Output<typeof response>;

export const deleteGroupsApi: Api<
  DeleteGroupsRequest,
  Input<typeof request>,
  DeleteGroupsResponse,
  Input<typeof response>
> = {
  key: 42,
  name: 'DeleteGroups',
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request: struct(request),
  response: struct(response),
};
