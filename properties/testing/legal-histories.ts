/**
 * Random histories that break no property: plain steps enter, and a small model of a correct coordinator, correct
 * brokers and correct members carries them out in a story. What a step cannot do at its moment, it leaves out.
 */
import fc from 'fast-check';
import type { Group } from '../../scenarios/schema.ts';
import { type Member, Story } from './history-builder.ts';

const stepKinds = [
  'work',
  'work',
  'work',
  'commit',
  'commit',
  'produce',
  'produce',
  'deliver',
  'fail',
  'join',
  'leave',
  'crash',
  'stall',
  'rebalance',
  'restart',
  'add-partitions',
  'delete-records',
  'delete-offsets',
  'broker-fault',
] as const;

export interface Step {
  readonly kind: (typeof stepKinds)[number];
  /** Chooses among what is there: members, partitions, outcomes. */
  readonly who: number;
  readonly where: number;
  readonly how: number;
  readonly count: number;
}

export interface Plan {
  readonly wire: boolean;
  readonly latest: boolean;
  readonly batches: boolean;
  readonly commitNone: boolean;
  readonly groups: number;
  readonly partitions: number;
  readonly steps: readonly Step[];
}

export const planArbitrary: fc.Arbitrary<Plan> = fc.record({
  wire: fc.boolean(),
  latest: fc.boolean(),
  batches: fc.boolean(),
  commitNone: fc.nat({ max: 5 }).map((draw) => draw === 5),
  groups: fc.integer({ min: 1, max: 2 }),
  partitions: fc.integer({ min: 1, max: 3 }),
  steps: fc.array(
    fc.record({
      kind: fc.constantFrom(...stepKinds),
      who: fc.nat({ max: 20 }),
      where: fc.nat({ max: 20 }),
      how: fc.nat({ max: 20 }),
      count: fc.integer({ min: 1, max: 5 }),
    }),
    // Without 'max' fast-check would hardly go beyond ten.
    { maxLength: 60, size: 'max' },
  ),
});

interface Hand {
  /** Delivered and not begun. */
  pending: number[];
  /** Everything below has been processed in this ownership. */
  done: number;
}

/** One group with its correct members. */
class GroupModel {
  readonly story: Story;
  readonly config: Group;
  readonly isLatest: boolean;
  readonly members: Member[] = [];
  /** The member that is stopped and does not hear of rebalances. */
  readonly hands = new Map<Member, Map<string, Hand>>();

  constructor(story: Story, config: Group) {
    this.story = story;
    this.config = config;
    this.isLatest = config.autoOffsetReset === 'latest';
  }

  pick(who: number): Member | undefined {
    return this.members[who % Math.max(1, this.members.length)];
  }

  /** Round robin over all partitions, in the order of the members' ids, as kafkajs does it. */
  rebalance(): void {
    if (this.members.length === 0) {
      this.story.empties(this.config.id);
      return;
    }
    const order = this.members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1));
    const shares = new Map(order.map((member) => [member, {} as Record<string, number[]>]));
    for (const [i, { topic, partition }] of this.story.partitionKeys(this.config.topics).entries()) {
      const share = shares.get(order[i % order.length] as Member) as Record<string, number[]>;
      share[topic] = [...(share[topic] ?? []), partition];
    }
    this.story.generation([...shares], { groupId: this.config.id });
    for (const member of order) {
      this.hands.set(member, new Map());
      for (const { topic, partition } of this.owned(member)) this.settlePosition(member, topic, partition);
    }
  }

  owned(member: Member): { topic: string; partition: number }[] {
    return [...member.owned].flatMap(([topic, partitions]) =>
      partitions.map((partition) => ({ topic, partition })),
    );
  }

  /** A correct client commits the end that `latest` found, so that nobody has to find it again. */
  settlePosition(member: Member, topic: string, partition: number): void {
    const hasNone = this.story.group(this.config.id).committed.get(`${topic}/${partition}`) === undefined;
    if (this.isLatest && hasNone && this.config.commitMode.kind !== 'none')
      member.commits(partition, member.positionAt(partition, topic), { topic });
  }

  hand(member: Member, topic: string, partition: number): Hand {
    const hands = this.hands.get(member) ?? new Map<string, Hand>();
    this.hands.set(member, hands);
    const key = `${topic}/${partition}`;
    const hand = hands.get(key) ?? { pending: [], done: member.positionAt(partition, topic) };
    hands.set(key, hand);
    return hand;
  }

  /** Below the start of the log there is nothing to fetch: the position is out of range. */
  mend(member: Member, topic: string, partition: number): void {
    const hand = this.hand(member, topic, partition);
    if (
      hand.pending.length > 0 ||
      member.positionAt(partition, topic) >= this.story.log(topic, partition).start
    )
      return;
    member.findsOutOfRange(partition, { topic, offset: member.positionAt(partition, topic) });
    hand.done = member.positionAt(partition, topic);
    if (this.isLatest && this.config.commitMode.kind !== 'none')
      member.commits(partition, hand.done, { topic });
  }

  finishPending(member: Member, topic: string, partition: number): void {
    const hand = this.hand(member, topic, partition);
    for (const offset of hand.pending.splice(0)) {
      member.processes(partition, offset, 'ok', topic);
      hand.done = offset + 1;
    }
  }

  work(member: Member, topic: string, partition: number, count: number, batch: boolean): void {
    this.finishPending(member, topic, partition);
    this.mend(member, topic, partition);
    const hand = this.hand(member, topic, partition);
    const from = member.positionAt(partition, topic);
    const available = Math.min(count, this.story.log(topic, partition).records.length - from);
    if (available <= 0) return;
    if (batch) member.worksBatch(partition, available, topic);
    else member.works(partition, available, topic);
    hand.done = from + available;
  }

  /** One handler call whose records are not processed yet. */
  deliver(member: Member, topic: string, partition: number, count: number): void {
    this.finishPending(member, topic, partition);
    this.mend(member, topic, partition);
    const from = member.positionAt(partition, topic);
    const available = Math.min(count, this.story.log(topic, partition).records.length - from);
    if (available <= 0) return;
    const hand = this.hand(member, topic, partition);
    hand.pending = Array.from({ length: available }, (_, i) => from + i);
    member.delivers(partition, hand.pending, { topic });
    if (available > 1) {
      const first = hand.pending.shift() as number;
      member.processes(partition, first, 'ok', topic);
      hand.done = first + 1;
    }
  }

  /** The handler throws at a record, and the client gives it, or the whole call, again. */
  fail(member: Member, topic: string, partition: number, count: number, batch: boolean): void {
    this.finishPending(member, topic, partition);
    this.mend(member, topic, partition);
    const from = member.positionAt(partition, topic);
    const available = Math.min(batch ? count : 1, this.story.log(topic, partition).records.length - from);
    if (available <= 0) return;
    const offsets = Array.from({ length: available }, (_, i) => from + i);
    member.delivers(partition, offsets, { topic });
    for (const offset of offsets.slice(0, -1)) member.processes(partition, offset, 'ok', topic);
    member.processes(partition, offsets.at(-1) as number, 'failed', topic).stands(partition, from, topic);
    this.hand(member, topic, partition).done = from;
  }

  commit(member: Member, topic: string, partition: number, how: number): void {
    if (this.config.commitMode.kind === 'none') return;
    const { done } = this.hand(member, topic, partition);
    const committed = this.story.group(this.config.id).committed.get(`${topic}/${partition}`) ?? -1;
    if (done <= committed || done === 0) return;
    const byApplication = how % 2 === 0;
    switch (how % 5) {
      case 0:
        member.commits(partition, done, { topic, told: 'unknown', byApplication });
        break;
      case 1:
        member.commits(partition, done, { topic, told: 'unknown', written: false, byApplication });
        break;
      case 2:
        member.commits(partition, done, {
          topic,
          told: { refused: 'COORDINATOR_LOAD_IN_PROGRESS' },
          byApplication,
        });
        break;
      default:
        member.commits(partition, done, { topic, byApplication });
    }
  }
}

class World {
  readonly story: Story;
  readonly groups: GroupModel[];
  readonly plan: Plan;
  hasDeletedRecords = false;

  constructor(plan: Plan) {
    this.plan = plan;
    const group: Partial<Group> = {
      autoOffsetReset: plan.latest ? 'latest' : 'earliest',
      consumeMode: plan.batches ? 'each-batch' : 'each-message',
      commitMode: { kind: plan.commitNone ? 'none' : 'per-record' },
    };
    this.story = new Story({
      topics: { orders: plan.partitions, payments: 1 },
      groups: Array.from({ length: plan.groups }, () => group),
      wire: plan.wire,
    });
    this.groups = this.story.scenario.groups.map((config) => new GroupModel(this.story, config));
  }

  run(): Story {
    for (const step of this.plan.steps) {
      this.story.wait(step.how * 7);
      this.step(step);
    }
    this.end();
    return this.story;
  }

  step({ kind, who, where, how, count }: Step): void {
    const { story, plan } = this;
    const group = this.groups[where % this.groups.length] as GroupModel;
    const places = story.partitionKeys(['orders', 'payments']);
    const place = places[where % places.length] as { topic: string; partition: number };
    const member = group.pick(who);
    const owned = member === undefined ? [] : group.owned(member);
    const own = owned[how % Math.max(1, owned.length)];
    switch (kind) {
      case 'produce': {
        const outcome = (['ok', 'ok', 'ok', 'unknown', 'none'] as const)[how % 5] as
          | 'ok'
          | 'unknown'
          | 'none';
        // A clean close comes at the end, so what was never answered has to be there.
        story.produces(count, { ...place, outcome, written: outcome !== 'unknown' || count % 2 === 0 });
        return;
      }
      case 'join': {
        const idle = group.config.members.find(({ id }) => !group.members.some((one) => one.id === id));
        if (idle === undefined) return;
        group.members.push(story.joins(idle.id));
        group.rebalance();
        return;
      }
      case 'leave':
      case 'crash': {
        if (member === undefined) return;
        group.members.splice(group.members.indexOf(member), 1);
        if (kind === 'leave') {
          for (const { topic, partition } of owned) group.finishPending(member, topic, partition);
          if (own !== undefined) group.commit(member, own.topic, own.partition, how);
          member.leaves();
        } else {
          if (own !== undefined && how % 2 === 0) this.commitInFlight(group, member, own, count);
          member.crashes();
          story.wait(group.config.sessionTimeoutMs);
        }
        group.rebalance();
        return;
      }
      case 'stall':
        if (member !== undefined) this.stall(group, member, how, count);
        return;
      case 'rebalance':
      case 'restart':
        // A member without partitions has nothing to fail at.
        if (member === undefined || own === undefined) return;
        member.clientCrashes('connection lost', true);
        group.rebalance();
        return;
      case 'add-partitions': {
        const partitions = places.filter(({ topic }) => topic === 'orders').length + 1;
        if (partitions > 5) return;
        story.act({ kind: 'add-partitions', topic: 'orders', partitions });
        for (const one of this.groups) one.rebalance();
        return;
      }
      case 'delete-records': {
        const log = story.log(place.topic, place.partition);
        const before = log.start + Math.ceil((log.records.length - log.start) / 2);
        if (before === log.start) return;
        story.deletesRecords(before, place.topic, place.partition);
        return;
      }
      case 'delete-offsets':
        if (group.members.length > 0 || group.story.group(group.config.id).generation === 0) return;
        story.deletesOffsets(place.topic, group.config.id);
        return;
      case 'broker-fault':
        story.during({ kind: 'pause-broker', broker: 1 }, () => {
          if (member !== undefined && own !== undefined)
            group.work(member, own.topic, own.partition, count, plan.batches);
        });
        return;
      default:
        if (member === undefined || own === undefined) return;
        if (kind === 'work') group.work(member, own.topic, own.partition, count, plan.batches);
        else if (kind === 'deliver')
          group.deliver(member, own.topic, own.partition, plan.batches ? count : 1);
        else if (kind === 'fail') group.fail(member, own.topic, own.partition, count, plan.batches);
        else if (kind === 'commit') group.commit(member, own.topic, own.partition, how);
    }
  }

  /** A commit whose member dies before it hears of it. */
  commitInFlight(
    group: GroupModel,
    member: Member,
    own: { topic: string; partition: number },
    count: number,
  ): void {
    const { done } = group.hand(member, own.topic, own.partition);
    const committed = this.story.group(group.config.id).committed.get(`${own.topic}/${own.partition}`) ?? -1;
    if (group.config.commitMode.kind === 'none' || done <= committed || done === 0) return;
    member.commits(own.partition, done, { topic: own.topic, told: 'silence', written: count % 2 === 0 });
  }

  /** The member is stopped past its session; the others go on; then it finishes what it has in hand, and joins again. */
  stall(group: GroupModel, member: Member, how: number, count: number): void {
    const { story, plan } = this;
    const owned = group.owned(member);
    const first = owned[0];
    if (first !== undefined) group.deliver(member, first.topic, first.partition, plan.batches ? count : 1);
    const zombie = group.hands.get(member);
    group.members.splice(group.members.indexOf(member), 1);
    member.stalls(() => {
      story.wait(group.config.sessionTimeoutMs + 1_000);
      group.rebalance();
      for (const other of group.members)
        for (const { topic, partition } of group.owned(other)) {
          group.work(other, topic, partition, count, plan.batches);
          if (how % 3 === 0) group.commit(other, topic, partition, 4);
        }
    });
    for (const [key, hand] of zombie ?? []) {
      const slash = key.indexOf('/');
      const [topic, partition] = [key.slice(0, slash), Number(key.slice(slash + 1))];
      for (const offset of hand.pending.splice(0)) {
        member.processes(partition, offset, 'ok', topic);
        hand.done = offset + 1;
      }
      if (group.config.commitMode.kind !== 'none' && hand.done > 0)
        member.commits(partition, hand.done, {
          topic,
          told: { refused: 'UNKNOWN_MEMBER_ID' },
          byApplication: true,
        });
    }
    group.members.push(member);
    group.rebalance();
  }

  end(): void {
    const { story } = this;
    story.closesProducer();
    for (const group of this.groups) {
      if (group.members.length > 0) story.wait(20_000);
      for (const member of group.members)
        for (const { topic, partition } of group.owned(member)) {
          group.finishPending(member, topic, partition);
          group.mend(member, topic, partition);
        }
    }
    story.ends();
  }
}

export const tellLegally = (plan: Plan): Story => new World(plan).run();
