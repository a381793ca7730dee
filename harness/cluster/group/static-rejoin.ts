/**
 * A static member comes back without its member id, as after a restart: its former place in the group and the request
 * enter, and it gets the place under a new id, without a rebalance where the group is stable and the protocol stays
 * (KIP-345, updateStaticMemberThenRebalanceOrCompleteJoin).
 */
import { joinSuccess } from './answers.ts';
import type { ClassicMember } from './classic-member.ts';
import { joinError } from './error-answers.ts';
import { answerToAppendError, NONE } from './error-codes.ts';
import { generationEntry } from './group-entries.ts';
import type { Joining } from './joining.ts';
import {
  completeJoinIfAllJoined,
  extendSession,
  prepareRebalance,
  rebalanceOrCompleteJoin,
} from './rebalance.ts';

/** Version from which the answer can tell a leader to skip the assignment (KIP-814). */
const SKIP_ASSIGNMENT_VERSION = 9;

export function rejoinStatic(joining: Joining, former: ClassicMember, member: ClassicMember): void {
  const { shard, group, terms, respond } = joining;
  const formerLeaderId = group.leaderId;
  member.assignment = former.assignment;
  group.replaceStatic(former, member);
  extendSession(shard, member);
  group.update(member, terms, respond);
  if (group.state === 'CompletingRebalance') {
    // The leader has been told the old id, so an assignment of this generation would miss the new one.
    prepareRebalance(shard, group);
  } else if (group.state !== 'Stable') completeJoinIfAllJoined(shard, group);
  else if (group.selectProtocol() === group.protocolName)
    keepGeneration(joining, former, member, formerLeaderId);
  else rebalanceOrCompleteJoin(shard, group);
}

function keepGeneration(
  { shard, group, context, respond }: Joining,
  former: ClassicMember,
  member: ClassicMember,
  formerLeaderId: string | null,
): void {
  const assignments = new Map([...group.members.values()].map((one) => [one.memberId, one.assignment]));
  shard.writes.write([generationEntry(group, assignments)], (error) => {
    if (group.members.get(member.memberId) !== member) return;
    if (error !== NONE) {
      // The log still has the former id, so the former id it is.
      group.update(member, former.terms, null);
      group.replaceStatic(member, former);
      extendSession(shard, former);
      const { generationId, protocolType, protocolName } = group;
      const failure = joinError(answerToAppendError(error), '');
      respond({ ...failure, generationId, protocolType, protocolName, leader: formerLeaderId ?? '' });
      return;
    }
    // A rebalance has begun meanwhile: a leader's answer is that of the next generation.
    const isLeader = group.leaderId === member.memberId;
    if (isLeader && group.state === 'PreparingRebalance') return;
    const answer = joinSuccess(group, member);
    if (context.apiVersion >= SKIP_ASSIGNMENT_VERSION)
      group.answerJoin(member, { ...answer, skipAssignment: isLeader });
    // An older leader must not learn that it leads, or it would assign: it is told that its former self does.
    else group.answerJoin(member, { ...answer, members: [], leader: formerLeaderId ?? '' });
  });
}
