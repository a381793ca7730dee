/** Heartbeat: a member's sign of life enters, and whether it still belongs to the generation leaves. */
import type { ErrorCode } from '../environment.ts';
import type { HeartbeatRequest } from '../protocol/12-heartbeat.ts';
import { ILLEGAL_GENERATION, NONE, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID } from './error-codes.ts';
import { extendSession } from './rebalance.ts';
import type { Shard } from './shard.ts';

export function heartbeat(shard: Shard, request: HeartbeatRequest): ErrorCode {
  const group = shard.groups.get(request.groupId);
  if (group === undefined) return UNKNOWN_MEMBER_ID;
  const error = group.validateMember(request.memberId, request.groupInstanceId);
  const member = group.members.get(request.memberId);
  if (error !== NONE || member === undefined) return error;
  if (request.generationId !== group.generationId) return ILLEGAL_GENERATION;
  extendSession(shard, member);
  // A member may begin before it has its assignment, so CompletingRebalance is no reason to send it back, whatever
  // the Javadoc of ClassicGroupState says.
  return group.state === 'PreparingRebalance' ? REBALANCE_IN_PROGRESS : NONE;
}
