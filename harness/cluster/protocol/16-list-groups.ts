/**
 * ListGroups (API key 16), versions 0 to 5, flexible from 3.
 *
 * 1 adds the throttle time; 4 the groups' states and a filter by them (KIP-518); 5 the groups' types and a filter by
 * them (KIP-848).
 */
import type { Api } from './api.ts';
import { array, field, type Input, int16, int32, type Output, string, struct } from './codec.ts';

const request = {
  statesFilter: field(array(string), { from: 4, default: [] }),
  typesFilter: field(array(string), { from: 5, default: [] }),
};

const response = {
  throttleTimeMs: field(int32, { from: 1, default: 0 }),
  errorCode: field(int16),
  groups: field(
    array(
      struct({
        groupId: field(string),
        protocolType: field(string),
        groupState: field(string, { from: 4, default: '' }),
        groupType: field(string, { from: 5, default: '' }),
      }),
    ),
  ),
};

export type ListGroupsRequest = Output<typeof request>;
export type ListGroupsResponse = Output<typeof response>;
export type ListedGroup = ListGroupsResponse['groups'][number];

export const listGroupsApi: Api<
  ListGroupsRequest,
  Input<typeof request>,
  ListGroupsResponse,
  Input<typeof response>
> = {
  key: 16,
  name: 'ListGroups',
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request: struct(request),
  response: struct(response),
};
