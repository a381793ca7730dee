/**
 * LeaveGroup: members that leave, by member id or (an administrator's way) by group instance id, enter, and an error
 * for each leaves (classicGroupLeave).
 */
import type { ErrorCode } from '../environment.ts';
import type { LeaveGroupRequest, LeaveGroupResponse } from '../protocol/13-leave-group.ts';
import type { ClassicGroup } from './classic-group.ts';
import { NONE, UNKNOWN_MEMBER_ID } from './error-codes.ts';
import { completeJoinIfAllJoined, prepareRebalance, removeMember, sessionTimer } from './rebalance.ts';
import type { Shard } from './shard.ts';

type Leaving = LeaveGroupRequest['members'][number];
type Left = LeaveGroupResponse['members'];

export function leaveGroup(shard: Shard, groupId: string, members: readonly Leaving[]): Left {
  const group = shard.groups.get(groupId);
  const left = members.map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    errorCode: group === undefined ? UNKNOWN_MEMBER_ID : leave(shard, group, member),
  }));
  if (group === undefined || left.every(({ errorCode }) => errorCode !== NONE)) return left;
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') prepareRebalance(shard, group);
  else completeJoinIfAllJoined(shard, group);
  return left;
}

function leave(shard: Shard, group: ClassicGroup, { memberId, groupInstanceId }: Leaving): ErrorCode {
  if (memberId !== '' && group.pendingMembers.has(memberId)) {
    group.remove(memberId);
    shard.timers.cancel(sessionTimer(group.id, memberId));
    return NONE;
  }
  const known =
    memberId === '' && groupInstanceId !== null ? group.staticMembers.get(groupInstanceId) : memberId;
  const error = group.validateMember(known ?? '', groupInstanceId);
  const member = group.members.get(known ?? '');
  if (error !== NONE || member === undefined) return error;
  removeMember(shard, group, member);
  return NONE;
}
