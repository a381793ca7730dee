/** The assignors against answers that Java gave, against the examples of Kafka's documentation, and by their rules. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAnswers } from '../testing/java-answers.ts';
import { type GroupAnswer, partitionText } from '../testing/java-assignors.ts';
import type { Assignor, MemberSubscription, TopicPartition } from './assignor.ts';
import { AssignorError } from './assignor-error.ts';
import { assignors } from './index.ts';
import { stickyMemberData } from './sticky.ts';

const names = Object.keys(assignors) as Assignor['name'][];

const member = (
  memberId: string,
  topics: readonly string[],
  more: Partial<MemberSubscription> = {},
): MemberSubscription => ({
  memberId,
  groupInstanceId: null,
  topics,
  ownedPartitions: [],
  generationId: -1,
  rackId: null,
  userData: null,
  ...more,
});

const textOf = (assignment: Map<string, TopicPartition[]>): Record<string, string[]> =>
  Object.fromEntries([...assignment].map(([id, list]) => [id, list.map(partitionText)]));

function answerOf(
  name: Assignor['name'],
  counts: ReadonlyMap<string, number>,
  members: MemberSubscription[],
): GroupAnswer {
  try {
    return textOf(assignors[name].assign(counts, members));
  } catch (error) {
    if (error instanceof AssignorError) return error.javaException;
    throw error;
  }
}

/** What a member says in the next rebalance, who was assigned this in the generation. */
const comingBack = (
  name: Assignor['name'],
  one: MemberSubscription,
  assigned: readonly TopicPartition[],
  generationId: number,
): MemberSubscription => ({
  ...one,
  generationId,
  ownedPartitions: assignors[name].rebalanceProtocol === 'cooperative' ? assigned : [],
  userData: assignors[name].subscriptionUserData(assigned, generationId),
});

describe('what Java answered', () => {
  const answered = readAnswers();

  it.each(names)('to %s', (name) => {
    const own = answered.filter(({ question }) => question.assignor === name);
    expect(own.length).toBe(40);
    for (const { question, answer } of own) {
      const given = answerOf(name, new Map(question.partitionCounts), [...question.members]);
      expect({ question, answer: given }).toEqual({ question, answer });
    }
  });
});

describe('the examples of the documentation', () => {
  const twoOfThree = new Map([
    ['t0', 3],
    ['t1', 3],
  ]);
  const pair = [member('C0', ['t0', 't1']), member('C1', ['t0', 't1'])];

  it('range', () => {
    expect(textOf(assignors.range.assign(twoOfThree, pair))).toEqual({
      C0: ['t0:0', 't0:1', 't1:0', 't1:1'],
      C1: ['t0:2', 't1:2'],
    });
  });

  it('range, with static members in the order of their instances', () => {
    const statics = [
      member('C0', ['t0']),
      member('C1', ['t0'], { groupInstanceId: 'i2' }),
      member('C2', ['t0'], { groupInstanceId: 'i1' }),
    ];
    expect(textOf(assignors.range.assign(twoOfThree, statics))).toEqual({
      C0: ['t0:2'],
      C1: ['t0:1'],
      C2: ['t0:0'],
    });
  });

  it('roundrobin', () => {
    expect(textOf(assignors.roundrobin.assign(twoOfThree, pair))).toEqual({
      C0: ['t0:0', 't0:2', 't1:1'],
      C1: ['t0:1', 't1:0', 't1:2'],
    });
  });

  it('sticky, where one of three with different subscriptions leaves', () => {
    const counts = new Map([
      ['t0', 1],
      ['t1', 2],
      ['t2', 3],
    ]);
    const three = [member('C0', ['t0']), member('C1', ['t0', 't1']), member('C2', ['t0', 't1', 't2'])];
    expect(textOf(assignors.roundrobin.assign(counts, three))).toEqual({
      C0: ['t0:0'],
      C1: ['t1:0'],
      C2: ['t1:1', 't2:0', 't2:1', 't2:2'],
    });
    const first = assignors.sticky.assign(counts, three);
    expect(textOf(first)).toEqual({
      C0: ['t0:0'],
      C1: ['t1:0', 't1:1'],
      C2: ['t2:0', 't2:1', 't2:2'],
    });
    const rest = three.slice(1).map((one) => comingBack('sticky', one, first.get(one.memberId) ?? [], 1));
    expect(textOf(assignors.sticky.assign(counts, rest))).toEqual({
      C1: ['t1:0', 't1:1', 't0:0'],
      C2: ['t2:0', 't2:1', 't2:2'],
    });
  });

  it('cooperative-sticky: what moves has no owner until the next rebalance', () => {
    const counts = new Map([['t0', 4]]);
    const name = 'cooperative-sticky';
    const old = member('C0', ['t0']);
    const young = member('C1', ['t0']);
    const alone = assignors[name].assign(counts, [old]);
    const moving = assignors[name].assign(counts, [comingBack(name, old, alone.get('C0') ?? [], 1), young]);
    expect(textOf(moving)).toEqual({ C0: ['t0:0', 't0:1'], C1: [] });
    const moved = assignors[name].assign(
      counts,
      [old, young].map((one) => comingBack(name, one, moving.get(one.memberId) ?? [], 2)),
    );
    expect(textOf(moved)).toEqual({ C0: ['t0:0', 't0:1'], C1: ['t0:2', 't0:3'] });
  });
});

describe('user data', () => {
  const owned = [
    { topic: 'orders', partition: 2 },
    { topic: 'a', partition: 0 },
    { topic: 'orders', partition: 1 },
  ];

  it('of sticky is read as it was written, and the version before without a generation', () => {
    const written = assignors.sticky.subscriptionUserData(owned, 7) ?? new Uint8Array();
    const partitions = stickyMemberData(written).partitions.map(partitionText);
    expect(partitions.toSorted()).toEqual(['a:0', 'orders:1', 'orders:2']);
    expect(stickyMemberData(written).generation).toBe(7);
    expect(stickyMemberData(written.subarray(0, -4))).toEqual({
      partitions: stickyMemberData(written).partitions,
      generation: -1,
    });
    expect(stickyMemberData(written.subarray(0, -5))).toEqual({ partitions: [], generation: -1 });
  });

  it('is the generation for cooperative-sticky, and missing where there is nothing to say', () => {
    expect([...(assignors['cooperative-sticky'].subscriptionUserData(owned, 258) ?? [])]).toEqual([
      0, 0, 1, 2,
    ]);
    expect(assignors.sticky.subscriptionUserData([], -1)).toBeNull();
    expect(assignors.range.subscriptionUserData(owned, 1)).toBeNull();
    expect(assignors.roundrobin.subscriptionUserData(owned, 1)).toBeNull();
  });
});

const TOPICS = ['a', 'b', 'c', 'd'];
const countsOf = (numbers: readonly number[]): Map<string, number> =>
  new Map(numbers.map((count, i) => [TOPICS[i] ?? '', count]));
const counts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 4, maxLength: 4 }).map(countsOf);
const memberCount = fc.integer({ min: 2, max: 6 });
const subscriptions = fc.array(fc.subarray(TOPICS, { minLength: 1 }), { minLength: 2, maxLength: 6 });
const groupOf = (topics: readonly (readonly string[])[]): MemberSubscription[] =>
  topics.map((own, i) => member(`m${i}`, own));
const uniform = (size: number): MemberSubscription[] => groupOf(Array.from({ length: size }, () => TOPICS));

const sizesOf = (assignment: Map<string, TopicPartition[]>): number[] =>
  [...assignment.values()].map(({ length }) => length);
const spread = (sizes: number[]): number => Math.max(...sizes) - Math.min(...sizes);

describe.each(names)('%s', (name) => {
  const assignor = assignors[name];

  it('gives every partition that somebody subscribed to to one subscriber', () => {
    fc.assert(
      fc.property(counts, subscriptions, (partitionCounts, topics) => {
        const members = groupOf(topics);
        const assignment = assignor.assign(partitionCounts, members);
        for (const { memberId, topics: own } of members)
          for (const { topic } of assignment.get(memberId) ?? []) expect(own).toContain(topic);
        const expected = [...new Set(topics.flat())].flatMap((topic) =>
          Array.from({ length: partitionCounts.get(topic) ?? 0 }, (_, i) => `${topic}:${i}`),
        );
        expect([...assignment.values()].flat().map(partitionText).toSorted()).toEqual(expected.toSorted());
      }),
    );
  });
});

it('range gives each member the same partitions of topics with equal counts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 9 }), memberCount, (count, size) => {
      const assignment = assignors.range.assign(countsOf([count, count]), uniform(size));
      for (const list of assignment.values()) {
        const numbersOf = (name: string) =>
          list.filter(({ topic }) => topic === name).map(({ partition }) => partition);
        expect(numbersOf('a')).toEqual(numbersOf('b'));
      }
    }),
  );
});

describe.each(['sticky', 'cooperative-sticky'] as const)('%s', (name) => {
  const assignor = assignors[name];
  const rejoin = (
    members: MemberSubscription[],
    assignment: Map<string, TopicPartition[]>,
    generation: number,
  ) => members.map((one) => comingBack(name, one, assignment.get(one.memberId) ?? [], generation));

  it('differs by one partition at most where all subscribe to the same, and by none that a move could mend else', () => {
    fc.assert(
      fc.property(counts, subscriptions, memberCount, (partitionCounts, topics, size) => {
        expect(spread(sizesOf(assignor.assign(partitionCounts, uniform(size))))).toBeLessThanOrEqual(1);
        const members = groupOf(topics);
        const assignment = assignor.assign(partitionCounts, members);
        for (const [owner, list] of assignment)
          for (const { topic } of list)
            for (const other of members.filter((one) => one.memberId !== owner && one.topics.includes(topic)))
              expect(list.length).toBeLessThanOrEqual((assignment.get(other.memberId)?.length ?? 0) + 1);
      }),
    );
  });

  it('changes nothing where nothing has changed', () => {
    fc.assert(
      fc.property(counts, subscriptions, (partitionCounts, topics) => {
        const members = groupOf(topics);
        const first = assignor.assign(partitionCounts, members);
        const second = assignor.assign(partitionCounts, rejoin(members, first, 1));
        const sorted = (assignment: Map<string, TopicPartition[]>) =>
          Object.entries(textOf(assignment)).map(([id, list]) => [id, list.toSorted()]);
        expect(sorted(second)).toEqual(sorted(first));
      }),
    );
  });

  it('leaves the others what they have when a member of a uniform group leaves', () => {
    fc.assert(
      fc.property(counts, memberCount, (partitionCounts, size) => {
        const members = uniform(size);
        const first = assignor.assign(partitionCounts, members);
        const second = assignor.assign(partitionCounts, rejoin(members, first, 1).slice(1));
        for (const { memberId } of members.slice(1))
          expect(textOf(second)[memberId]).toEqual(expect.arrayContaining(textOf(first)[memberId] ?? []));
      }),
    );
  });
});

it('cooperative-sticky gives away nothing that another still owns, and all of it one rebalance later', () => {
  const name = 'cooperative-sticky';
  const assignor = assignors[name];
  fc.assert(
    fc.property(counts, memberCount, fc.integer({ min: 1, max: 4 }), (partitionCounts, size, joining) => {
      const members = uniform(size + joining);
      const first = assignor.assign(partitionCounts, members.slice(0, size));
      const back = members.map((one, i) =>
        i < size ? comingBack(name, one, first.get(one.memberId) ?? [], 1) : one,
      );
      const second = assignor.assign(partitionCounts, back);
      const ownerOf = new Map(
        [...first].flatMap(([memberId, list]) => list.map((one) => [partitionText(one), memberId])),
      );
      for (const [memberId, list] of second)
        for (const one of list) expect(ownerOf.get(partitionText(one))).toBe(memberId);
      const third = assignor.assign(
        partitionCounts,
        members.map((one) => comingBack(name, one, second.get(one.memberId) ?? [], 2)),
      );
      const total = [...partitionCounts.values()].reduce((sum, count) => sum + count, 0);
      expect(new Set([...third.values()].flat().map(partitionText)).size).toBe(total);
      expect(spread(sizesOf(third))).toBeLessThanOrEqual(1);
    }),
  );
});
