/**
 * Members that a coordinator counts on for good although they have died: the last generation of a group enters, and those
 * members of it leave.
 *
 * A static member that is back keeps its place once that is written (KIP-345). While its JoinGroup waits for that, its
 * session runs out without effect, and nothing but its own next request begins it anew: where it has died by then, its place
 * is kept until its group rebalances for another reason (Kafka's GroupMetadataManager,
 * updateStaticMemberThenRebalanceOrCompleteJoin).
 */
import type { GroupMember } from '../harness/history/schema.ts';
import { eventsOf } from './evidence/by-kind.ts';
import { type Evidence, type GroupEvidence, isOutageWithin } from './evidence/evidence.ts';
import type { GenerationEvidence } from './evidence/generations.ts';
import { CLOCK_TOLERANCE_MS } from './evidence/values.ts';

export const forgottenMembers = (
  evidence: Evidence,
  group: GroupEvidence,
  last: GenerationEvidence,
): GroupMember[] => last.members.filter((member) => isForgotten(evidence, group, member));

function isForgotten(
  evidence: Evidence,
  { config, generations, processes }: GroupEvidence,
  { memberId, groupInstanceId }: GroupMember,
): boolean {
  const written = generations.find(({ memberById }) => memberById.has(memberId));
  if (groupInstanceId === null || written === undefined) return false;
  if (eventsOf(evidence.history, 'wire-join').some((event) => event.memberId === memberId)) return false;
  // Nobody has learnt its id, so which process it was is told by its time alone.
  return processes.some(
    ({ id, startTime, exit }) =>
      id === groupInstanceId &&
      exit !== null &&
      exit.time <= written.time + CLOCK_TOLERANCE_MS &&
      written.time - startTime >= config.sessionTimeoutMs &&
      isOutageWithin(evidence, startTime, written.time),
  );
}
