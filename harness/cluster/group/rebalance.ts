/**
 * How a classic group rebalances: from the first reason to rebalance, through the wait for its members to join and the
 * wait for them to ask for their assignment, to sessions that run out (GroupMetadataManager, from prepareRebalance on).
 */

import { joinSuccess, syncSuccess } from './answers.ts';
import type { ClassicGroup } from './classic-group.ts';
import { type ClassicMember, EMPTY_BYTES } from './classic-member.ts';
import { joinError, syncError } from './error-answers.ts';
import { answerToAppendError, NONE, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID } from './error-codes.ts';
import { generationEntry } from './group-entries.ts';
import type { Shard } from './shard.ts';

const joinTimer = (group: ClassicGroup): string => `join-${group.id}`;
const syncTimer = (group: ClassicGroup): string => `sync-${group.id}`;
export const sessionTimer = (groupId: string, memberId: string): string => `heartbeat-${groupId}-${memberId}`;

export const extendSession = (
  shard: Shard,
  member: ClassicMember,
  timeoutMs = member.terms.sessionTimeoutMs,
): void => shard.timers.set(member.sessionTimer, timeoutMs, member.onSessionEnd);

export function rebalanceOrCompleteJoin(shard: Shard, group: ClassicGroup): void {
  if (group.canRebalance) prepareRebalance(shard, group);
  else completeJoinIfAllJoined(shard, group);
}

export function prepareRebalance(shard: Shard, group: ClassicGroup): void {
  if (group.state === 'CompletingRebalance') dropAssignments(shard, group, REBALANCE_IN_PROGRESS);
  group.pendingSync.clear();
  shard.timers.cancel(syncTimer(group));
  const isInitial = group.state === 'Empty';
  if (isInitial) {
    const delayMs = shard.settings.initialRebalanceDelayMs;
    waitForFirstMembers(shard, group, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0));
  }
  group.moveTo('PreparingRebalance', shard.nowMs());
  if (isInitial) return;
  if (group.allMembersJoined) completeJoin(shard, group);
  else waitForJoins(shard, group);
}

const waitForJoins = (shard: Shard, group: ClassicGroup): void =>
  shard.timers.set(joinTimer(group), group.rebalanceTimeoutMs, ifStillThere(shard, group, completeJoin));

/** Waits on as long as members keep coming, up to the rebalance timeout of the first (KIP-134). */
function waitForFirstMembers(shard: Shard, group: ClassicGroup, delayMs: number, remainingMs: number): void {
  shard.timers.set(
    joinTimer(group),
    delayMs,
    ifStillThere(shard, group, () => {
      if (!group.newMemberAdded || remainingMs === 0) return completeJoin(shard, group);
      group.newMemberAdded = false;
      const nextMs = Math.min(shard.settings.initialRebalanceDelayMs, remainingMs);
      waitForFirstMembers(shard, group, nextMs, Math.max(remainingMs - delayMs, 0));
    }),
  );
}

/** Timers outlive a group that is removed, and another may have its name by the time that they fire. */
const ifStillThere =
  (shard: Shard, group: ClassicGroup, act: (shard: Shard, group: ClassicGroup) => void) => (): void => {
    if (shard.groups.get(group.id) === group) act(shard, group);
  };

/** The initial rebalance ends by its timer alone. */
export function completeJoinIfAllJoined(shard: Shard, group: ClassicGroup): void {
  if (group.state !== 'PreparingRebalance' || group.previousState === 'Empty') return;
  if (group.allMembersJoined) completeJoin(shard, group);
}

/** Starts the next generation with the members that have joined; static members stay in it even if they have not. */
function completeJoin(shard: Shard, group: ClassicGroup): void {
  shard.timers.cancel(joinTimer(group));
  for (const member of [...group.members.values()]) {
    if (member.awaitingJoin !== null || member.isStatic) continue;
    group.remove(member.memberId);
    shard.timers.cancel(member.sessionTimer);
  }
  if (group.state === 'Dead') return;
  if (!group.electJoinedLeader() && group.members.size > 0) {
    // Only static members are left, and none has rejoined: wait again, until their sessions run out.
    waitForJoins(shard, group);
    return;
  }
  group.startGeneration(shard.nowMs());
  if (group.state === 'Empty') {
    // If this write fails, the former generation comes back with the next coordinator, and times out.
    shard.writes.write([generationEntry(group, new Map())], () => {});
    return;
  }
  for (const member of [...group.members.values()]) {
    group.answerJoin(member, joinSuccess(group, member));
    extendSession(shard, member);
    member.isNew = false;
    group.pendingSync.add(member.memberId);
  }
  const { generationId } = group;
  shard.timers.set(
    syncTimer(group),
    group.rebalanceTimeoutMs,
    ifStillThere(shard, group, () => {
      if (group.generationId === generationId) expirePendingSync(shard, group);
    }),
  );
}

/** Removes who has taken the generation and not asked for the assignment within the rebalance timeout (KAFKA-9965). */
function expirePendingSync(shard: Shard, group: ClassicGroup): void {
  if (group.state !== 'CompletingRebalance' && group.state !== 'Stable') return;
  if (group.pendingSync.size === 0) return;
  for (const memberId of [...group.pendingSync]) {
    group.remove(memberId);
    shard.timers.cancel(sessionTimer(group.id, memberId));
  }
  prepareRebalance(shard, group);
}

/** The member has asked for its assignment. */
export function noteSync(shard: Shard, group: ClassicGroup, memberId: string): void {
  group.pendingSync.delete(memberId);
  if (group.pendingSync.size === 0) shard.timers.cancel(syncTimer(group));
}

export function expireSession(shard: Shard, groupId: string, memberId: string): void {
  const group = shard.groups.get(groupId);
  if (group === undefined || group.state === 'Dead') return;
  if (group.pendingMembers.has(memberId)) {
    group.remove(memberId);
    completeJoinAfterExpiry(shard, group);
    return;
  }
  const member = group.members.get(memberId);
  if (member !== undefined && !member.keepsSession) removeExpired(shard, group, member);
}

function removeExpired(shard: Shard, group: ClassicGroup, member: ClassicMember): void {
  removeMember(shard, group, member);
  if (group.state === 'Stable' || group.state === 'CompletingRebalance') prepareRebalance(shard, group);
  else completeJoinAfterExpiry(shard, group);
}

/**
 * Unlike a member that leaves, one that expires can end the initial rebalance (removeMemberAndUpdateClassicGroup), but
 * not with the old coordinator (InitialDelayedJoin).
 */
function completeJoinAfterExpiry(shard: Shard, group: ClassicGroup): void {
  if (shard.isOld) completeJoinIfAllJoined(shard, group);
  else if (group.state === 'PreparingRebalance' && group.allMembersJoined) completeJoin(shard, group);
}

/** A JoinGroup that still waits is told UNKNOWN_MEMBER_ID, so that a client that is alive joins anew. */
export function removeMember(shard: Shard, group: ClassicGroup, member: ClassicMember): void {
  shard.timers.cancel(member.sessionTimer);
  group.answerJoin(member, joinError(UNKNOWN_MEMBER_ID, ''));
  group.remove(member.memberId);
}

/** @param assignments by member id; a member that the leader left out gets none */
export function assign(
  shard: Shard,
  group: ClassicGroup,
  assignments: ReadonlyMap<string, Uint8Array>,
): void {
  for (const member of group.members.values()) {
    member.assignment = assignments.get(member.memberId) ?? EMPTY_BYTES;
    answerSyncAndExtend(shard, group, member, NONE);
  }
  group.moveTo('Stable', shard.nowMs());
}

function dropAssignments(shard: Shard, group: ClassicGroup, error: number): void {
  for (const member of group.members.values()) {
    member.assignment = EMPTY_BYTES;
    answerSyncAndExtend(shard, group, member, error);
  }
}

/** While it waited its session may have run out without effect, so the timer has to be set again. */
function answerSyncAndExtend(shard: Shard, group: ClassicGroup, member: ClassicMember, error: number): void {
  const response = error === NONE ? syncSuccess(group, member) : syncError(error);
  if (group.answerSync(member, response)) extendSession(shard, member);
}

/** The leader's assignment could not be stored: everyone is told, and the group starts over. */
export function assignmentFailed(shard: Shard, group: ClassicGroup, appendError: number): void {
  dropAssignments(shard, group, answerToAppendError(appendError));
  rebalanceOrCompleteJoin(shard, group);
}
