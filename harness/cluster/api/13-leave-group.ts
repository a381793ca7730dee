/**
 * LeaveGroup (API key 13), versions 0 to 5: members of a classic group leave; from version 3 several at once, by member
 * id or group instance id (KIP-345).
 *
 * Before version 3 the one member's error is the answer's. The reason (KIP-800) is not looked at.
 */
import type { CoordinatorOf } from '../group/coordinator-of.ts';
import type { Handler } from '../handler.ts';
import {
  type LeaveGroupRequest,
  type LeaveGroupResponse,
  leaveGroupApi,
} from '../protocol/13-leave-group.ts';

const SEVERAL_MEMBERS_VERSION = 3;

export const leaveGroup = (coordinatorOf: CoordinatorOf): Handler<LeaveGroupRequest, LeaveGroupResponse> => ({
  api: leaveGroupApi,
  handle(context, { groupId, memberId, members }, version, respond) {
    const hasSeveral = version >= SEVERAL_MEMBERS_VERSION;
    const leaving = hasSeveral ? members : [{ memberId, groupInstanceId: null, reason: null }];
    coordinatorOf(context).leaveGroup(groupId, leaving, (error, left) => {
      const errorCode = error === 0 && !hasSeveral ? (left[0]?.errorCode ?? 0) : error;
      respond({ throttleTimeMs: 0, errorCode, members: left });
    });
  },
  errorAnswer: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, members: [] }),
});
