/**
 * Groups over several rebalances: a plan of plain numbers enters, each rebalance leaves with what its leader sees and
 * what our assignor makes of it. Members go on from what they were assigned, or miss it, or claim what is not theirs.
 */
import fc from 'fast-check';
import type { Assignor, MemberSubscription, TopicPartition } from '../assignors/assignor.ts';
import { AssignorError } from '../assignors/assignor-error.ts';
import { assignors } from '../assignors/index.ts';
import { type GroupAnswer, type GroupQuestion, partitionText } from './java-assignors.ts';

/** Names of which some have equal hash codes, and enough of them to make a HashMap grow. */
const TOPICS = [
  'orders',
  'Aa',
  'BB',
  't0',
  't1',
  't2',
  't3',
  'a.b',
  'a-1',
  'payments',
  'x_y',
  'C',
  'D',
  'EE',
  'Fe',
];

/** Numbers that are mapped to what they stand for by a remainder, so that every one of them is legal. */
const small = fc.nat({ max: 63 });

const memberPlan = fc.record({
  id: fc.oneof(
    fc.constantFrom('m1', 'm2', 'Aa', 'BB', 'C0', 'C1', 'C2'),
    fc.uuid().map((id) => `consumer-1-${id}`),
  ),
  instance: fc.option(small, { freq: 3, nil: null }),
  topics: small,
  /** Of the subscription that it sends: owned partitions from 1 on, their generation from 2 on. */
  version: fc.constantFrom(3, 3, 3, 3, 2, 1, 0),
});
type MemberPlan = typeof memberPlan extends fc.Arbitrary<infer T> ? T : never;

const change = fc.oneof(
  fc.record({ kind: fc.constant('join'), member: memberPlan }),
  fc.record({ kind: fc.constant('leave'), which: small }),
  fc.record({ kind: fc.constant('subscribe'), which: small, topics: small }),
  /** The member does not learn of the assignment and comes with its old one. */
  fc.record({ kind: fc.constant('miss'), which: small }),
  /** The member claims what another was assigned, in its own generation or in the other's. */
  fc.record({ kind: fc.constant('claim'), which: small, from: small, withGeneration: fc.boolean() }),
  fc.record({ kind: fc.constant('resize'), topic: small, count: fc.nat({ max: 12 }) }),
  fc.record({ kind: fc.constant('rejoin'), which: small, id: fc.uuid() }),
  fc.record({ kind: fc.constant('garble'), which: small, bytes: fc.uint8Array({ maxLength: 12 }) }),
);
type Change = typeof change extends fc.Arbitrary<infer T> ? T : never;

export const groupPlan = fc.record({
  counts: fc.array(fc.nat({ max: 8 }), { minLength: 1, maxLength: TOPICS.length }),
  /** Whether all subscribe to the same topics, as most groups do. */
  isUniform: fc.boolean(),
  members: fc.uniqueArray(memberPlan, { minLength: 1, maxLength: 16, selector: ({ id }) => id }),
  rounds: fc.array(fc.array(change, { maxLength: 4 }), { minLength: 1, maxLength: 6 }),
});
export type GroupPlan = typeof groupPlan extends fc.Arbitrary<infer T> ? T : never;

interface Member extends MemberPlan {
  assigned: readonly TopicPartition[];
  generation: number;
  misses: boolean;
  garbled: Uint8Array | null;
}

export interface Rebalance {
  readonly question: GroupQuestion;
  readonly answer: GroupAnswer;
}

const pick = <T>(items: readonly T[], number: number): T | undefined => items[number % items.length];

class PlannedGroup {
  readonly #assignor: Assignor;
  readonly #isUniform: boolean;
  readonly #counts: Map<string, number>;
  #members: Member[];
  #generation = 0;

  constructor(name: Assignor['name'], { counts, isUniform, members }: GroupPlan) {
    this.#assignor = assignors[name];
    this.#isUniform = isUniform;
    this.#counts = new Map(counts.map((count, i) => [TOPICS[i] ?? '', count]));
    this.#members = members.map((plan) => this.#newMember(plan));
  }

  #newMember(plan: MemberPlan): Member {
    return { ...plan, assigned: [], generation: -1, misses: false, garbled: null };
  }

  change(change: Change): void {
    if (change.kind === 'join') {
      if (!this.#members.some(({ id }) => id === change.member.id))
        this.#members.push(this.#newMember(change.member));
      return;
    }
    if (change.kind === 'resize') {
      this.#counts.set(pick(TOPICS, change.topic) ?? '', change.count);
      return;
    }
    const member = pick(this.#members, change.which);
    if (member === undefined) return;
    if (change.kind === 'leave' && this.#members.length > 1)
      this.#members.splice(this.#members.indexOf(member), 1);
    else if (change.kind === 'subscribe') member.topics = change.topics;
    else if (change.kind === 'miss') member.misses = true;
    else if (change.kind === 'rejoin') member.id = change.id;
    else if (change.kind === 'garble') member.garbled = change.bytes;
    else if (change.kind === 'claim') {
      const other = pick(this.#members, change.from);
      if (other === undefined) return;
      member.assigned = [...member.assigned, ...other.assigned.slice(0, 3)];
      if (change.withGeneration) member.generation = other.generation;
    }
  }

  /** A number stands for a set of topics: its bits, over all that exist and one that does not. */
  #topicsOf(number: number): string[] {
    const names = [...TOPICS.slice(0, this.#counts.size), 'absent'];
    if (this.#isUniform) return names.slice(0, 1 + (names.length >> 1));
    return names.filter((_, i) => (number >> (i % 6)) & 1);
  }

  #subscriptionOf(member: Member): MemberSubscription {
    const { id, instance, version, assigned, generation, garbled } = member;
    const isCooperative = this.#assignor.rebalanceProtocol === 'cooperative';
    const userData = this.#assignor.subscriptionUserData(assigned, generation);
    const isOldSticky = this.#assignor.name === 'sticky' && version === 0;
    return {
      memberId: id,
      groupInstanceId: instance === null ? null : `instance-${instance}`,
      topics: this.#topicsOf(member.topics),
      ownedPartitions: isCooperative && version >= 1 ? assigned : [],
      generationId: version >= 2 ? generation : -1,
      rackId: version >= 3 && member.topics % 3 === 0 ? 'rack-1' : null,
      // Version 0 of sticky's user data ends before the generation.
      userData: garbled ?? (isOldSticky ? (userData?.subarray(0, -4) ?? null) : userData),
    };
  }

  rebalance(): Rebalance {
    const members = this.#members.map((member) => this.#subscriptionOf(member));
    const question = { assignor: this.#assignor.name, partitionCounts: [...this.#counts], members };
    this.#generation++;
    try {
      const assignment = this.#assignor.assign(this.#counts, members);
      for (const member of this.#members) {
        member.garbled = null;
        if (member.misses) member.misses = false;
        else {
          member.assigned = assignment.get(member.id) ?? [];
          member.generation = this.#generation;
        }
      }
      const entries = [...assignment].map(([id, list]): [string, string[]] => [id, list.map(partitionText)]);
      const answer = Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
      return { question, answer };
    } catch (error) {
      if (!(error instanceof AssignorError)) throw error;
      // The group goes on as if the leader had left the assignments as they were.
      return { question, answer: error.javaException };
    }
  }
}

/** The first rebalance, and one after each round of changes. */
export function groupHistory(name: Assignor['name'], plan: GroupPlan): Rebalance[] {
  const group = new PlannedGroup(name, plan);
  const rebalances = [group.rebalance()];
  for (const changes of plan.rounds) {
    for (const one of changes) group.change(one);
    rebalances.push(group.rebalance());
  }
  return rebalances;
}

/**
 * Plans, found among many thousands, in which a partition is moved instead of another one of its topic that went the
 * opposite way: in the first the order of Java's HashSet says which.
 */
export const rarePlans: readonly GroupPlan[] = [
  {
    counts: [6, 16, 2],
    isUniform: false,
    members: [
      { id: 'Aa', instance: 41, topics: 31, version: 3 },
      {
        id: 'consumer-1-b0366f50-623b-2995-a5a2-c9dd5e1344c5',
        instance: 56,
        topics: 49,
        version: 2,
      },
      {
        id: 'consumer-1-f6d89974-138d-313d-9353-561dc3729750',
        instance: 2,
        topics: 26,
        version: 0,
      },
    ],
    rounds: [
      [],
      [
        { kind: 'subscribe', which: 37, topics: 60 },
        { kind: 'miss', which: 48 },
      ],
      [],
    ],
  },
  {
    counts: [16, 14, 10],
    isUniform: false,
    members: [
      {
        id: 'consumer-1-6259f542-c674-6acb-bfaa-276a556fda3a',
        instance: 6,
        topics: 25,
        version: 0,
      },
      {
        id: 'consumer-1-190d1fe9-27bc-67a9-a84d-6529ac9c25c1',
        instance: 50,
        topics: 43,
        version: 2,
      },
      {
        id: 'consumer-1-05c5509e-51b4-259d-a4e3-437f29ca985c',
        instance: null,
        topics: 41,
        version: 0,
      },
    ],
    rounds: [[], [{ kind: 'claim', which: 31, from: 48, withGeneration: false }], []],
  },
];
