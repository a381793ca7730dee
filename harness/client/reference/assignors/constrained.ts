/**
 * The algorithm for members with equal subscriptions (AbstractStickyAssignor.ConstrainedAssignmentBuilder): the group
 * and its previous owners enter; an assignment leaves in which each member has the quotient of partitions and members,
 * or one more, and has kept as much of its own as fits.
 */
import type { TopicPartition } from './assignor.ts';
import { AssignorError } from './assignor-error.ts';
import type { Group } from './group.ts';
import type { PreviousOwners } from './previous-owners.ts';
import type { Move, StickyAssignment } from './sticky-assignment.ts';
import { byPartition, byTopic, keyOf, partitionsOf, withoutAssigned } from './topic-partitions.ts';

export const assignConstrained = (group: Group, previous: PreviousOwners): StickyAssignment =>
  new ConstrainedAssignment(group, previous).build();

class ConstrainedAssignment {
  readonly #group: Group;
  readonly #previous: PreviousOwners;
  readonly #minQuota: number;
  readonly #maxQuota: number;
  /** How many members get one more than the least; none where the numbers divide. */
  readonly #largerExpected: number;
  #larger = 0;
  readonly #assignment = new Map<string, TopicPartition[]>();
  readonly #moves = new Map<string, Move>();
  /** Who had the partitions that their owner may not keep, by key. */
  readonly #revokedFrom = new Map<string, string>();
  /** Below the least quota. */
  #unfilled: string[] = [];
  /** With the least quota, and possibly to get one more. */
  #fillable: string[] = [];

  constructor(group: Group, previous: PreviousOwners) {
    this.#group = group;
    this.#previous = previous;
    const partitionCount = group.counts.values().reduce((sum, count) => sum + count, 0);
    const memberCount = group.subscriptions.size;
    this.#minQuota = Math.floor(partitionCount / memberCount);
    this.#maxQuota = Math.ceil(partitionCount / memberCount);
    this.#largerExpected = partitionCount % memberCount;
  }

  build(): StickyAssignment {
    for (const [memberId, owned] of this.#previous.owned) this.#keep(memberId, owned);
    const kept = [...this.#assignment.values()].flat().sort(byTopic);
    const all = this.#group.counts
      .keys()
      .sort()
      .flatMap((topic) => partitionsOf(topic, this.#group.counts.get(topic) ?? 0));
    this.#unfilled.sort();
    this.#fillable.sort();
    this.#dealOut(withoutAssigned(all, kept));
    this.#verify();
    return { assignment: this.#assignment, moves: this.#moves };
  }

  #keep(memberId: string, owned: readonly TopicPartition[]): void {
    const mine = owned.filter((one) => !this.#previous.claimedTwice.has(keyOf(one))).sort(byPartition);
    let quota = this.#minQuota;
    if (mine.length < this.#minQuota) this.#unfilled.push(memberId);
    else if (mine.length >= this.#maxQuota && this.#larger < this.#largerExpected) {
      quota = this.#maxQuota;
      this.#larger++;
      if (this.#larger === this.#largerExpected) this.#fillable = [];
    } else if (this.#larger < this.#largerExpected) this.#fillable.push(memberId);
    this.#assignment.set(memberId, mine.slice(0, quota));
    for (const one of mine.slice(quota)) this.#revokedFrom.set(keyOf(one), memberId);
  }

  #dealOut(partitions: readonly TopicPartition[]): void {
    let turn = 0;
    for (const topicPartition of partitions) {
      if (turn >= this.#unfilled.length) turn = 0;
      const memberId = this.#unfilled[turn++] ?? this.#fillable.shift();
      if (memberId === undefined)
        throw new AssignorError(
          'IllegalStateException',
          'there are more partitions than the members may take',
        );
      const count = this.#give(memberId, topicPartition);
      if (count === this.#minQuota) {
        this.#unfilled.splice(--turn, 1);
        this.#fillable.push(memberId);
      } else if (count === this.#maxQuota) this.#larger++;
    }
  }

  #give(memberId: string, topicPartition: TopicPartition): number {
    const key = keyOf(topicPartition);
    const before = this.#revokedFrom.get(key);
    if ((before !== undefined && before !== memberId) || this.#previous.claimedTwice.has(key))
      this.#moves.set(key, { memberId, topicPartition });
    const assigned = this.#assignment.get(memberId) ?? [];
    return assigned.push(topicPartition);
  }

  #verify(): void {
    const short = this.#unfilled.find(
      (memberId) =>
        this.#larger !== this.#largerExpected || this.#assignment.get(memberId)?.length !== this.#minQuota,
    );
    if (short !== undefined)
      throw new AssignorError('IllegalStateException', `no partitions are left for member ${short}`);
  }
}
