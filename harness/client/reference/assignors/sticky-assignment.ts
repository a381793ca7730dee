/**
 * What the two sticky assignors share (AbstractStickyAssignor): a group enters, an assignment leaves, by the algorithm
 * for equal subscriptions or by the general one.
 */
import type { TopicPartition } from './assignor.ts';
import { assignConstrained } from './constrained.ts';
import { assignGenerally } from './general.ts';
import type { Group } from './group.ts';
import { type MemberDataOf, previousOwners } from './previous-owners.ts';

/** A partition that another member has to give up first, and who gets it. */
export interface Move {
  readonly memberId: string;
  readonly topicPartition: TopicPartition;
}

export interface StickyAssignment {
  /** By member id, in Java's order where that can decide anything. */
  readonly assignment: Iterable<readonly [string, TopicPartition[]]>;
  /** By the key of the partition; null where the algorithm does not find them out. */
  readonly moves: ReadonlyMap<string, Move> | null;
}

export function assignSticky(group: Group, memberDataOf: MemberDataOf): StickyAssignment {
  const previous = previousOwners(group, memberDataOf);
  return previous.areAllSubscriptionsEqual
    ? assignConstrained(group, previous)
    : { assignment: assignGenerally(group, previous, memberDataOf), moves: null };
}
