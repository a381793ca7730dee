/**
 * What a group leader computes: the partition counts of topics and the members' subscriptions enter, the partitions of
 * each member leave, exactly as the assignors of Apache's Java client 4.3.1 compute them, mistakes included.
 */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** ConsumerPartitionAssignor.Subscription, with the member it is from. */
export interface MemberSubscription {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly string[];
  /** In the order in which the member sent them. */
  readonly ownedPartitions: readonly TopicPartition[];
  /** The generation that the owned partitions are from; -1 where the member has none, or its version no such field. */
  readonly generationId: number;
  /** Without effect: racks count only where the leader knows the racks of replicas, which is not told here. */
  readonly rackId: string | null;
  readonly userData: Uint8Array | null;
}

export interface Assignor {
  readonly name: 'range' | 'roundrobin' | 'sticky' | 'cooperative-sticky';
  readonly rebalanceProtocol: 'eager' | 'cooperative';
  /**
   * A fresh instance of Java's assignor assigns. One that has assigned before remembers the highest generation it saw,
   * which makes a difference only in a group whose generations began anew since.
   * @param partitionCounts by topic; topics that do not exist are absent
   * @param members at least one, in the order of the JoinGroup answer, which decides where names collide as hash codes
   * @returns by member id, in the order of the members; each list in Java's order, which the next rebalance can depend on
   * @throws AssignorError where Java's algorithm breaks off with an exception
   */
  assign(
    partitionCounts: ReadonlyMap<string, number>,
    members: readonly MemberSubscription[],
  ): Map<string, TopicPartition[]>;
  /**
   * The user data for JoinGroup, or null where the assignor has none.
   * @param owned what the member was assigned last, in that order, also if it has lost it since
   * @param generationId the generation of that assignment; -1 before the first
   */
  subscriptionUserData(owned: readonly TopicPartition[], generationId: number): Uint8Array | null;
}
