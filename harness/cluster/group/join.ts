/**
 * JoinGroup: a member's request enters, and an answer leaves at once (MEMBER_ID_REQUIRED, an error, or a generation
 * that goes on) or when the rebalance that it takes part in has gathered its members (classicGroupJoin).
 */
import type { JoinGroupRequest, JoinGroupResponse } from '../protocol/11-join-group.ts';
import { joinSuccess } from './answers.ts';
import type { ClassicGroup } from './classic-group.ts';
import { ClassicMember, type MemberTerms, type Respond, termsOf } from './classic-member.ts';
import { joinError } from './error-answers.ts';
import {
  answerToAppendError,
  GROUP_MAX_SIZE_REACHED,
  INCONSISTENT_GROUP_PROTOCOL,
  MEMBER_ID_REQUIRED,
  NONE,
  REQUEST_TIMED_OUT,
  UNKNOWN_MEMBER_ID,
  UNKNOWN_SERVER_ERROR,
} from './error-codes.ts';
import { newGroupEntry } from './group-entries.ts';
import type { Joining } from './joining.ts';
import { expireSession, extendSession, rebalanceOrCompleteJoin, sessionTimer } from './rebalance.ts';
import type { GroupRequestContext, Shard } from './shard.ts';
import { rejoinStatic } from './static-rejoin.ts';

/** Version from which a new dynamic member is first told its id, and joins with it (KIP-394). */
const KNOWN_MEMBER_ID_VERSION = 4;

/** @param respond called once: at once, or when the rebalance has gathered its members */
export function joinGroup(
  shard: Shard,
  context: GroupRequestContext,
  request: JoinGroupRequest,
  respond: Respond<JoinGroupResponse>,
): void {
  const answer = join(shard, context, request, respond);
  if (answer !== null) respond(answer);
}

/** What can be said at once; null where the member waits. */
type Answer = JoinGroupResponse | null;

function join(
  shard: Shard,
  context: GroupRequestContext,
  request: JoinGroupRequest,
  respond: Respond<JoinGroupResponse>,
): Answer {
  const { groupId, memberId } = request;
  const known = shard.groups.get(groupId);
  if (known === undefined && memberId !== '') return joinError(UNKNOWN_MEMBER_ID, memberId);
  const group = known ?? shard.createGroup(groupId);
  const terms = termsOf(request, context.apiVersion);
  const answer = admit({ shard, group, context, request, terms, respond });
  if (known === undefined) writeNewGroup(shard, group, respond);
  return answer;
}

function admit(joining: Joining): Answer {
  const { shard, group, request, terms } = joining;
  const { memberId, protocolType } = request;
  if (!hasRoom(shard, group, memberId)) {
    group.remove(memberId);
    return joinError(GROUP_MAX_SIZE_REACHED, '');
  }
  const names = terms.protocols.map(({ name }) => name);
  if (!group.supportsProtocols(protocolType, names)) return joinError(INCONSISTENT_GROUP_PROTOCOL, memberId);
  return memberId === '' ? joinNew(joining) : joinKnown(joining);
}

/**
 * The group exists for others once it is in the log; to the old coordinator, once it is made. Whoever got as far as to wait in it is told if that fails, and
 * the group is forgotten; after a mere time-out it stays, since its record may still be replicated.
 */
function writeNewGroup(shard: Shard, group: ClassicGroup, respond: Respond<JoinGroupResponse>): void {
  if (shard.isOld) return;
  shard.writes.write([newGroupEntry(group)], (error) => {
    if (error === NONE || shard.groups.get(group.id) !== group) return;
    const answer = joinError(answerToAppendError(error), '');
    if (error === REQUEST_TIMED_OUT) {
      for (const member of group.members.values())
        if (member.awaitingJoin === respond) giveUp(member, answer);
      return;
    }
    if (group.isDurable) return;
    shard.groups.delete(group.id);
    for (const member of group.members.values()) {
      shard.timers.cancel(member.sessionTimer);
      group.answerJoin(member, answer);
    }
  });
}

/** The client has its answer, and the member still counts as one that waits. */
function giveUp(member: ClassicMember, answer: JoinGroupResponse): void {
  member.awaitingJoin?.(answer);
  member.awaitingJoin = () => {};
}

/**
 * While members join, those who wait count, so that a group above its size loses the last to rejoin; else all members
 * do (acceptJoiningMember).
 */
function hasRoom({ settings }: Shard, group: ClassicGroup, memberId: string): boolean {
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true;
    case 'PreparingRebalance':
      return (
        (group.members.get(memberId)?.awaitingJoin ?? null) !== null ||
        group.awaitingJoinCount < settings.groupSizeMax
      );
    default:
      return group.members.has(memberId) || group.members.size < settings.groupSizeMax;
  }
}

function joinNew(joining: Joining): Answer {
  const { shard, group, context, request } = joining;
  const { groupInstanceId } = request;
  const memberId = `${groupInstanceId ?? context.clientId ?? ''}-${shard.randomUuid()}`;
  if (groupInstanceId !== null) {
    const former = group.members.get(group.staticMembers.get(groupInstanceId) ?? '');
    if (former === undefined || !shard.settings.fencesStaticMembers) addMember(joining, memberId);
    else rejoinStatic(joining, former, makeMember(joining, memberId, former));
    return null;
  }
  if (context.apiVersion < KNOWN_MEMBER_ID_VERSION) {
    addMember(joining, memberId);
    return null;
  }
  group.pendingMembers.add(memberId);
  shard.timers.set(sessionTimer(group.id, memberId), request.sessionTimeoutMs, () =>
    expireSession(shard, group.id, memberId),
  );
  return joinError(MEMBER_ID_REQUIRED, memberId);
}

/** @param former whose client and address a replacement keeps, since a coordinator never asks twice */
function makeMember(
  { shard, group, context, request, terms }: Joining,
  memberId: string,
  former?: ClassicMember,
): ClassicMember {
  return new ClassicMember(
    {
      memberId,
      groupInstanceId: request.groupInstanceId,
      clientId: former?.identity.clientId ?? context.clientId ?? '',
      clientHost: former?.identity.clientHost ?? `/${context.clientHost}`,
      protocolType: former?.identity.protocolType ?? request.protocolType,
    },
    former?.terms ?? terms,
    sessionTimer(group.id, memberId),
    () => expireSession(shard, group.id, memberId),
  );
}

function addMember(joining: Joining, memberId: string): void {
  const { shard, group, respond } = joining;
  const member = makeMember(joining, memberId);
  member.isNew = true;
  const isFirst = shard.isOld ? group.generationId === 0 : group.previousState === 'Empty';
  if (group.state === 'PreparingRebalance' && isFirst) group.newMemberAdded = true;
  group.add(member, respond);
  // A new member cannot send heartbeats before it knows its id, so its session timeout does not count yet; but a
  // client that has gone must not be waited for without end.
  extendSession(shard, member, shard.settings.newMemberJoinTimeoutMs);
  rebalanceOrCompleteJoin(shard, group);
}

function joinKnown(joining: Joining): Answer {
  const { shard, group, request, terms, respond } = joining;
  const { memberId, groupInstanceId } = request;
  if (group.pendingMembers.has(memberId)) {
    // Kafka takes it for impossible that a static member waits for an id, and answers as to any such exception.
    if (groupInstanceId !== null) return joinError(UNKNOWN_SERVER_ERROR, '');
    addMember(joining, memberId);
    return null;
  }
  const error = group.validateMember(memberId, groupInstanceId);
  const member = group.members.get(memberId);
  if (error !== NONE || member === undefined) return joinError(error, memberId);
  // It may have missed the answer to its first request, so it gets the current generation again.
  if (!mustRebalance(group, member, terms)) return joinSuccess(group, member);
  group.update(member, terms, respond);
  rebalanceOrCompleteJoin(shard, group);
  return null;
}

/**
 * In Stable the leader can ask for a rebalance by joining, for reasons that its metadata does not show, such as more
 * partitions.
 */
function mustRebalance(group: ClassicGroup, member: ClassicMember, { protocols }: MemberTerms): boolean {
  if (group.state === 'PreparingRebalance') return true;
  if (group.state === 'Stable' && group.leaderId === member.memberId) return true;
  return !member.matches(protocols);
}
