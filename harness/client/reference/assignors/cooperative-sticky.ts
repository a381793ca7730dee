/**
 * CooperativeStickyAssignor: assigns as the sticky assignor does, but holds back partitions that another member still
 * owns. Their owner revokes them and joins again, and only that rebalance gives them away (KIP-429).
 */
import { ProtocolFormatError, Reader, Writer } from '../../../cluster/protocol/bytes.ts';
import type { Assignor, MemberSubscription } from './assignor.ts';
import { groupOf, type Subscriptions } from './group.ts';
import { assignSticky, type Move, type StickyAssignment } from './sticky-assignment.ts';
import { keyOf, removeFirst } from './topic-partitions.ts';

/** Before version 2 of the subscription the generation is in the user data. */
function generationOf({ generationId, userData }: MemberSubscription): number {
  if (generationId >= 0) return generationId;
  if (userData === null) return -1;
  try {
    return new Reader(userData).int32();
  } catch (error) {
    if (!(error instanceof ProtocolFormatError)) throw error;
    return -1;
  }
}

/** What some member owned, does not keep, and another gets. */
function findMoves(
  subscriptions: Subscriptions,
  assignment: StickyAssignment['assignment'],
): Map<string, Move> {
  const added = new Map<string, Move>();
  const revoked = new Set<string>();
  for (const [memberId, assigned] of assignment) {
    const before = new Set((subscriptions.get(memberId)?.ownedPartitions ?? []).map(keyOf));
    const now = new Set(assigned.map(keyOf));
    for (const topicPartition of assigned) {
      const key = keyOf(topicPartition);
      if (!before.has(key)) added.set(key, { topicPartition, memberId });
    }
    for (const key of before) if (!now.has(key)) revoked.add(key);
  }
  return new Map([...added].filter(([key]) => revoked.has(key)));
}

export const cooperativeSticky: Assignor = {
  name: 'cooperative-sticky',
  rebalanceProtocol: 'cooperative',
  assign(partitionCounts, members) {
    const group = groupOf(partitionCounts, members);
    const { assignment, moves } = assignSticky(group, (subscription) => ({
      partitions: subscription.ownedPartitions,
      generation: generationOf(subscription),
    }));
    const byMember = new Map(assignment);
    const withheld = moves ?? findMoves(group.subscriptions, assignment);
    for (const { memberId, topicPartition } of withheld.values())
      removeFirst(byMember.get(memberId) ?? [], topicPartition);
    return new Map(members.map(({ memberId }) => [memberId, byMember.get(memberId) ?? []]));
  },
  subscriptionUserData: (_owned, generationId) => new Writer().int32(generationId).bytes(),
};
