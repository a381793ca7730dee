/**
 * SyncGroup: the leader's assignment or a follower's question enters, and each member's assignment leaves once the
 * leader's has been written (classicGroupSync).
 */

import type { ErrorCode } from '../environment.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../protocol/14-sync-group.ts';
import { syncSuccess } from './answers.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { Respond } from './classic-member.ts';
import { syncError } from './error-answers.ts';
import {
  ILLEGAL_GENERATION,
  INCONSISTENT_GROUP_PROTOCOL,
  NONE,
  REBALANCE_IN_PROGRESS,
  UNKNOWN_MEMBER_ID,
} from './error-codes.ts';
import { generationEntry } from './group-entries.ts';
import { assign, assignmentFailed, noteSync } from './rebalance.ts';
import type { Shard } from './shard.ts';

/** @param respond called once: at once, or when the leader's assignment is written */
export function syncGroup(
  shard: Shard,
  request: SyncGroupRequest,
  respond: Respond<SyncGroupResponse>,
): void {
  const answer = sync(shard, request, respond);
  if (answer !== null) respond(answer);
}

function sync(
  shard: Shard,
  request: SyncGroupRequest,
  respond: Respond<SyncGroupResponse>,
): SyncGroupResponse | null {
  const group = shard.groups.get(request.groupId);
  if (group === undefined || group.state === 'Empty') return syncError(UNKNOWN_MEMBER_ID);
  const error = validate(group, request);
  const member = group.members.get(request.memberId);
  if (error !== NONE || member === undefined) return syncError(error);
  if (group.state === 'PreparingRebalance') return syncError(REBALANCE_IN_PROGRESS);
  noteSync(shard, group, member.memberId);
  if (group.state === 'Stable') return syncSuccess(group, member);
  member.awaitingSync = respond;
  if (group.leaderId === member.memberId) writeAssignment(shard, group, request);
  return null;
}

function validate(group: ClassicGroup, request: SyncGroupRequest): ErrorCode {
  const error = group.validateMember(request.memberId, request.groupInstanceId);
  if (error !== NONE) return error;
  if (request.generationId !== group.generationId) return ILLEGAL_GENERATION;
  const differs = (asked: string | null, known: string | null): boolean =>
    asked !== null && known !== null && asked !== known;
  if (differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName))
    return INCONSISTENT_GROUP_PROTOCOL;
  return NONE;
}

function writeAssignment(shard: Shard, group: ClassicGroup, { assignments }: SyncGroupRequest): void {
  const { generationId } = group;
  // Copies, since the request's bytes are views of its frame.
  const byMember = new Map(assignments.map((one) => [one.memberId, Buffer.from(one.assignment)]));
  shard.writes.write([generationEntry(group, byMember)], (error) => {
    // Members may have come or gone meanwhile: then another generation is on its way, and this one is history.
    if (group.state !== 'CompletingRebalance' || group.generationId !== generationId) return;
    if (error === NONE) assign(shard, group, byMember);
    else assignmentFailed(shard, group, error);
  });
}
