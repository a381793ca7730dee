/** Who gets which partition: partition counts and subscriptions enter, an assignment for each member leaves. */
import { range } from './range.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface MemberSubscription {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  readonly ownedPartitions: readonly TopicPartition[];
  readonly generationId: number;
  readonly rackId: string | null;
  readonly userData: Uint8Array | null;
}

export interface Assignor {
  readonly name: 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky';
  readonly rebalanceProtocol: 'eager' | 'cooperative';
  /** @param partitionCounts by topic; topics that do not exist are absent. @returns member id -> partitions */
  assign(
    partitionCounts: ReadonlyMap<string, number>,
    members: readonly MemberSubscription[],
  ): Map<string, TopicPartition[]>;
  /** The user data for JoinGroup given what the member owned (sticky carries its assignment), or null. */
  subscriptionUserData(owned: readonly TopicPartition[], generationId: number): Uint8Array | null;
}

/** Only `range` so far. */
export const assignors = { range } as unknown as Readonly<Record<Assignor['name'], Assignor>>;
