/**
 * The algorithm for members with different subscriptions (AbstractStickyAssignor.GeneralAssignmentBuilder): the group,
 * its previous owners and what they say of themselves enter; an assignment leaves that no single move can balance
 * better, or the one before balancing where that did not help.
 */
import type { JavaHashMap } from '../../../java-hash-map.ts';
import type { TopicPartition } from './assignor.ts';
import { AssignorError } from './assignor-error.ts';
import type { Group } from './group.ts';
import { MembersByLoad } from './members-by-load.ts';
import { PartitionMovements } from './partition-movements.ts';
import type { MemberDataOf, PreviousOwners } from './previous-owners.ts';
import {
  compareNames,
  includes,
  keyOf,
  partitionsOf,
  removeFirst,
  withoutAssigned,
} from './topic-partitions.ts';

type Assignment = JavaHashMap<TopicPartition[]>;

export const assignGenerally = (
  group: Group,
  previous: PreviousOwners,
  memberDataOf: MemberDataOf,
): Assignment => new GeneralAssignment(group, previous, memberDataOf).build();

interface Former {
  readonly memberId: string;
  readonly generation: number;
}

/** Owners in generations before the latest, by key: the youngest generation wins, and of one generation the first. */
function formerOwners(group: Group, maxGeneration: number, memberDataOf: MemberDataOf): Map<string, Former> {
  const former = new Map<string, Former>();
  for (const [memberId, subscription] of group.subscriptions) {
    const { partitions, generation } = memberDataOf(subscription);
    if (generation >= maxGeneration) continue;
    for (const key of partitions.map(keyOf)) {
      const known = former.get(key);
      if (known === undefined || generation > known.generation) former.set(key, { memberId, generation });
    }
  }
  return former;
}

/** The sum of the differences of all pairs; 0 is perfect. */
function balanceScore(assignment: Assignment): number {
  const sizes = assignment.values().map(({ length }) => length);
  return sizes.reduce(
    (sum, size, i) => sum + sizes.slice(i + 1).reduce((rest, other) => rest + Math.abs(size - other), 0),
    0,
  );
}

class GeneralAssignment {
  readonly #group: Group;
  readonly #former: ReadonlyMap<string, Former>;
  readonly #assignment: Assignment;
  /** By key; stays as it was where a member has given up its subscription, until somebody else gets the partition. */
  readonly #ownerOf = new Map<string, string>();
  readonly #topicsOf = new Map<string, string[]>();
  readonly #subscribersOf = new Map<string, string[]>();
  readonly #partitionCount: number;
  readonly #byLoad = new MembersByLoad((memberId) => this.#load(memberId));
  readonly #movements = new PartitionMovements();

  constructor(group: Group, { owned, maxGeneration }: PreviousOwners, memberDataOf: MemberDataOf) {
    const { subscriptions, counts } = group;
    this.#group = group;
    this.#assignment = owned;
    this.#former = formerOwners(group, maxGeneration, memberDataOf);
    this.#partitionCount = counts.values().reduce((sum, count) => sum + count, 0);
    for (const topic of counts.keys()) this.#subscribersOf.set(topic, []);
    for (const [memberId, { topics }] of subscriptions) {
      const existing = topics.filter((topic) => counts.has(topic));
      this.#topicsOf.set(memberId, existing);
      for (const topic of existing) this.#subscribersOf.get(topic)?.push(memberId);
    }
    for (const [memberId, partitions] of owned)
      for (const one of partitions) this.#ownerOf.set(keyOf(one), memberId);
  }

  build(): Assignment {
    const all = [...this.#subscribersOf]
      .sort(([a, ofA], [b, ofB]) => ofA.length - ofB.length || compareNames(a, b))
      .flatMap(([topic]) => partitionsOf(topic, this.#countOf(topic)));
    const mustRevoke = this.#dropUnsubscribed();
    const kept = this.#assignment
      .values()
      .flat()
      .sort(
        (a, b) =>
          this.#subscribers(a).length - this.#subscribers(b).length ||
          compareNames(a.topic, b.topic) ||
          a.partition - b.partition,
      );
    const unassigned = withoutAssigned(all, kept);
    for (const memberId of this.#assignment.keys()) this.#byLoad.add(memberId);
    const isFresh = this.#list(this.#byLoad.inOrder.at(-1)).length === 0;
    for (const one of unassigned) this.#assign(one);
    this.#balance(all, mustRevoke ? [] : unassigned, isFresh);
    return this.#assignment;
  }

  /** @returns whether there were any */
  #dropUnsubscribed(): boolean {
    let dropped = false;
    for (const [memberId, partitions] of this.#assignment) {
      const topics = this.#topicsOf.get(memberId) ?? [];
      const kept = partitions.filter(({ topic }) => topics.includes(topic));
      dropped ||= kept.length < partitions.length;
      this.#assignment.set(memberId, kept);
    }
    return dropped;
  }

  #assign(topicPartition: TopicPartition): void {
    const memberId = this.#leastLoaded(topicPartition);
    if (memberId === undefined) return;
    this.#byLoad.remove(memberId);
    this.#list(memberId).push(topicPartition);
    this.#ownerOf.set(keyOf(topicPartition), memberId);
    this.#byLoad.add(memberId);
  }

  /** @param recent what was assigned just now, and is moved first where possible */
  #balance(all: readonly TopicPartition[], recent: readonly TopicPartition[], isFresh: boolean): void {
    const fixed = [...this.#topicsOf.keys()].filter((memberId) => !this.#canTakePart(memberId));
    const fixedLists = fixed.map((memberId): [string, TopicPartition[]] => [memberId, this.#list(memberId)]);
    for (const memberId of fixed) {
      this.#byLoad.remove(memberId);
      this.#assignment.delete(memberId);
    }
    const before = [...this.#assignment].map(([memberId, list]): [string, TopicPartition[]] => [
      memberId,
      [...list],
    ]);
    const scoreBefore = balanceScore(this.#assignment);

    const isMovable = (one: TopicPartition): boolean => this.#subscribers(one).length >= 2;
    this.#reassign(recent.filter(isMovable));
    const hasMoved = this.#reassign(all.filter(isMovable));
    // Only the moves of the second pass are a reason to look, but both are taken back.
    if (!isFresh && hasMoved && balanceScore(this.#assignment) >= scoreBefore)
      for (const [memberId, list] of before) this.#assignment.set(memberId, list);
    for (const [memberId, list] of fixedLists) this.#assignment.set(memberId, list);
  }

  #canTakePart(memberId: string): boolean {
    const list = this.#list(memberId);
    return list.length < this.#mostFor(memberId) || list.some((one) => this.#subscribers(one).length >= 2);
  }

  /** Moves partitions, over and over, until no move helps. */
  #reassign(partitions: readonly TopicPartition[]): boolean {
    let hasMoved = false;
    for (let isMoving = true; isMoving; ) {
      isMoving = false;
      for (const one of partitions) {
        if (this.#isBalanced()) break;
        if (this.#reassignOne(one)) isMoving = true;
      }
      hasMoved ||= isMoving;
    }
    return hasMoved;
  }

  #reassignOne(topicPartition: TopicPartition): boolean {
    const owner = this.#ownerOf.get(keyOf(topicPartition));
    const former = this.#former.get(keyOf(topicPartition));
    const canGiveTo = (memberId: string): boolean => this.#load(owner) > this.#load(memberId) + 1;
    // Java does not ask whether the former owner still subscribes to the topic.
    if (former !== undefined && canGiveTo(former.memberId)) {
      this.#move(topicPartition, former.memberId);
      return true;
    }
    if (!this.#subscribers(topicPartition).some(canGiveTo)) return false;
    this.#move(topicPartition, this.#leastLoaded(topicPartition));
    return true;
  }

  #move(wanted: TopicPartition, to: string | undefined): void {
    const owner = this.#ownerOf.get(keyOf(wanted));
    if (to === undefined || owner === undefined)
      throw new AssignorError('NullPointerException', `${keyOf(wanted)} has nobody to move between`);
    const topicPartition = this.#movements.partitionToMove(wanted, owner, to);
    const from = this.#ownerOf.get(keyOf(topicPartition)) ?? owner;
    this.#byLoad.remove(from);
    this.#byLoad.remove(to);
    this.#movements.move(topicPartition, from, to);
    removeFirst(this.#list(from), topicPartition);
    this.#list(to).push(topicPartition);
    this.#ownerOf.set(keyOf(topicPartition), to);
    this.#byLoad.add(to);
    this.#byLoad.add(from);
  }

  /** Whether nobody could get a partition from somebody who has at least two more. */
  #isBalanced(): boolean {
    const members = this.#byLoad.inOrder;
    if (this.#load(members[0]) >= this.#load(members.at(-1)) - 1) return true;
    const owners = new Map<string, string>();
    for (const [memberId, list] of this.#assignment) for (const one of list) owners.set(keyOf(one), memberId);
    return members.every((memberId) => {
      const list = this.#list(memberId);
      if (list.length === this.#mostFor(memberId)) return true;
      return this.#topics(memberId).every((topic) =>
        partitionsOf(topic, this.#countOf(topic)).every(
          (one) => includes(list, one) || list.length + 1 >= this.#load(owners.get(keyOf(one))),
        ),
      );
    });
  }

  #leastLoaded({ topic }: TopicPartition): string | undefined {
    return this.#byLoad.inOrder.find((memberId) => this.#topics(memberId).includes(topic));
  }

  #mostFor(memberId: string): number {
    const topics = this.#topics(memberId);
    return topics.length === this.#group.counts.size
      ? this.#partitionCount
      : topics.reduce((sum, topic) => sum + this.#countOf(topic), 0);
  }

  #load(memberId: string | undefined): number {
    return this.#list(memberId).length;
  }

  /** Members whose assignment is fixed are out of the map while the others are balanced, and Java trips over them. */
  #list(memberId: string | undefined): TopicPartition[] {
    const list = memberId === undefined ? undefined : this.#assignment.get(memberId);
    if (list === undefined)
      throw new AssignorError('NullPointerException', `member ${memberId} takes no part in balancing`);
    return list;
  }

  #topics(memberId: string): readonly string[] {
    return this.#topicsOf.get(memberId) ?? [];
  }

  #subscribers({ topic }: TopicPartition): readonly string[] {
    return this.#subscribersOf.get(topic) ?? [];
  }

  #countOf(topic: string): number {
    return this.#group.counts.get(topic) ?? 0;
  }
}
