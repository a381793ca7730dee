/** Answers of JoinGroup and SyncGroup from the group as it stands: a group and a member enter, a body leaves. */
import type { JoinGroupResponse } from '../protocol/11-join-group.ts';
import type { SyncGroupResponse } from '../protocol/14-sync-group.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { ClassicMember } from './classic-member.ts';
import { NONE } from './error-codes.ts';

/** The generation as it stands; only the leader learns the members. */
export const joinSuccess = (group: ClassicGroup, member: ClassicMember): JoinGroupResponse => ({
  throttleTimeMs: 0,
  errorCode: NONE,
  generationId: group.generationId,
  protocolType: group.protocolType,
  protocolName: group.protocolName,
  leader: group.leaderId ?? '',
  skipAssignment: false,
  memberId: member.memberId,
  members: group.leaderId === member.memberId ? joinedMembers(group) : [],
});

const joinedMembers = ({ members, protocolName }: ClassicGroup): JoinGroupResponse['members'] =>
  [...members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.identity.groupInstanceId,
    metadata: member.metadata(protocolName ?? ''),
  }));

export const syncSuccess = (group: ClassicGroup, member: ClassicMember): SyncGroupResponse => ({
  throttleTimeMs: 0,
  errorCode: NONE,
  protocolType: group.protocolType,
  protocolName: group.protocolName,
  assignment: member.assignment,
});
