/** DescribeGroups and ListGroups: what coordinators tell of their groups; names or filters enter, descriptions leave. */

import type { ErrorCode } from '../environment.ts';
import type { DescribedGroup } from '../protocol/15-describe-groups.ts';
import { OPERATIONS_NOT_ASKED_FOR } from '../protocol/15-describe-groups.ts';
import type { ListedGroup, ListGroupsRequest } from '../protocol/16-list-groups.ts';
import type { ClassicGroup } from './classic-group.ts';
import { EMPTY_BYTES } from './classic-member.ts';
import { GROUP_ID_NOT_FOUND, NONE } from './error-codes.ts';
import type { Shard } from './shard.ts';

/** From this version on a group that does not exist is an error, and no longer a dead group (KIP-1043). */
const GROUP_ID_NOT_FOUND_VERSION = 6;
const CLASSIC = 'classic';

export const undescribed = (groupId: string, errorCode: ErrorCode): DescribedGroup => ({
  errorCode,
  errorMessage: null,
  groupId,
  groupState: '',
  protocolType: '',
  protocolData: '',
  members: [],
  authorizedOperations: OPERATIONS_NOT_ASKED_FOR,
});

export function describeGroup(shard: Shard, apiVersion: number, groupId: string): DescribedGroup {
  const group = shard.groups.get(groupId);
  if (group === undefined || !group.isDurable)
    return apiVersion >= GROUP_ID_NOT_FOUND_VERSION
      ? {
          ...undescribed(groupId, GROUP_ID_NOT_FOUND),
          groupState: 'Dead',
          errorMessage: `Group ${groupId} not found.`,
        }
      : { ...undescribed(groupId, NONE), groupState: 'Dead' };
  return describe(group);
}

/** Protocol and metadata are told in Stable only. */
function describe(group: ClassicGroup): DescribedGroup {
  const protocolName = group.state === 'Stable' ? group.protocolName : null;
  return {
    ...undescribed(group.id, NONE),
    groupState: group.state,
    protocolType: group.protocolType ?? '',
    protocolData: protocolName ?? '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.identity.groupInstanceId,
      clientId: member.identity.clientId,
      clientHost: member.identity.clientHost,
      memberMetadata: protocolName === null ? EMPTY_BYTES : member.metadata(protocolName),
      memberAssignment: member.assignment,
    })),
  };
}

export function* listGroups(
  shard: Shard,
  { statesFilter, typesFilter }: ListGroupsRequest,
): Generator<ListedGroup> {
  const states = new Set(statesFilter.map((state) => state.trim().toLowerCase()));
  const types = new Set(typesFilter.map((type) => type.toLowerCase()));
  if (types.size > 0 && !types.has(CLASSIC)) return;
  for (const group of shard.groups.values())
    if (group.isDurable && (states.size === 0 || states.has(group.state.toLowerCase())))
      yield {
        groupId: group.id,
        protocolType: group.protocolType ?? '',
        groupState: group.state,
        groupType: CLASSIC,
      };
}
