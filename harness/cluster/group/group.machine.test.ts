/**
 * Random requests of several members against one coordinator, with time, lost writes and failovers in between: what
 * must hold of every answer, whatever the order.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JoinGroupResponse } from '../protocol/11-join-group.ts';
import { errorCode } from '../protocol/errors.ts';
import { assigning, FakeMember } from './fake-member.testing.ts';
import { FakeWorld } from './fake-world.testing.ts';

type Step =
  | {
      kind: 'join' | 'joinOnce' | 'sync' | 'heartbeat' | 'leave' | 'commit' | 'forget' | 'subscribe';
      member: number;
    }
  | { kind: 'pass'; ms: number }
  | { kind: 'failOver' | 'failWrite' | 'hang' | 'unhang' };

const MEMBERS = 4;
/** Two of them static, of whom two share an instance id, so that they fence each other. */
const INSTANCE_IDS = [null, null, 'static', 'static'];
const REBALANCE_TIMEOUT_MS = 20_000;

const member = fc.nat(MEMBERS - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('join' as const), member }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('sync' as const), member }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('heartbeat' as const, 'commit' as const, 'joinOnce' as const),
      member,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('leave' as const, 'forget' as const, 'subscribe' as const),
      member,
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(7_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constantFrom('failOver', 'failWrite', 'hang', 'unhang'),
    }) as fc.Arbitrary<Step>,
  },
);

class Trial {
  readonly world = new FakeWorld();
  readonly members = INSTANCE_IDS.map(
    (groupInstanceId, i) =>
      new FakeMember(this.world, `m${i}`, {
        groupInstanceId,
        rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
        apiVersion: i === 0 ? 3 : 9,
      }),
  );
  /** Every request that waits, the last of its member for each kind. */
  readonly waiting = new Map<string, () => string>();
  /** The SyncGroups that wait when their member leaves. */
  readonly stranded = new Set<() => string>();
  /** Answers of JoinGroup by term of the coordinator, generation and kind: a generation may come twice in two terms. */
  readonly joins: { term: number; answer: JoinGroupResponse }[] = [];
  #term = 0;
  /** The member that the waiting SyncGroup of a client was sent for. */
  readonly #syncing = new Map<string, { memberId: string; groupInstanceId: string | null }>();
  readonly #joinSlots = new Map<FakeMember['lastJoin'], number>();

  do(step: Step): void {
    if ('member' in step) this.#ask(step.kind, this.members[step.member] as FakeMember);
    else if (step.kind === 'pass') this.world.pass(step.ms);
    else if (step.kind === 'failWrite') this.world.log.failures.push(errorCode('NOT_ENOUGH_REPLICAS'));
    else if (step.kind === 'hang') this.world.log.replicationMs = null;
    else if (step.kind === 'unhang') this.heal();
    else {
      this.world.failOver();
      this.#term++;
    }
    this.#collect();
  }

  heal(): void {
    this.world.log.replicationMs = 1;
    this.world.log.failures.length = 0;
    this.world.log.replicateAll();
  }

  #ask(kind: Extract<Step, { member: number }>['kind'], asking: FakeMember): void {
    switch (kind) {
      case 'join':
      case 'joinOnce':
        this.waiting.set(`join ${asking.clientId}`, kind === 'join' ? asking.join() : asking.joinOnce());
        this.#joinSlots.set(asking.lastJoin, this.#term);
        break;
      case 'sync':
        this.waiting.set(`sync ${asking.clientId}`, asking.sync(this.#plan(asking)));
        this.#syncing.set(asking.clientId, {
          memberId: asking.memberId,
          groupInstanceId: asking.options.groupInstanceId,
        });
        break;
      case 'heartbeat':
        asking.heartbeat();
        break;
      case 'leave':
        this.#strandSyncOf(asking);
        asking.leave();
        break;
      case 'commit':
        asking.commit(1);
        break;
      case 'forget':
        asking.memberId = '';
        break;
      case 'subscribe':
        asking.options = { ...asking.options, topics: asking.options.topics.length > 1 ? ['t'] : ['t', 'u'] };
    }
  }

  /**
   * Of a member that leaves Kafka answers the JoinGroup that waits, not the SyncGroup
   * (GroupMetadataManager.removeCurrentMemberFromClassicGroup).
   */
  #strandSyncOf({ memberId, options: { groupInstanceId } }: FakeMember): void {
    for (const [clientId, syncing] of this.#syncing) {
      const isLeaving =
        memberId === '' ? syncing.groupInstanceId === groupInstanceId : syncing.memberId === memberId;
      const outcome = this.waiting.get(`sync ${clientId}`);
      if (isLeaving && outcome?.() === 'pending') this.stranded.add(outcome);
    }
  }

  /** The leader gives every member one partition of its own. */
  #plan({ lastJoin }: FakeMember): Record<string, Buffer> {
    const members = lastJoin.answer?.members ?? [];
    return Object.fromEntries(members.map(({ memberId }, i) => [memberId, assigning('t', [i])]));
  }

  #collect(): void {
    for (const [slot, term] of this.#joinSlots) {
      if (slot.answer === null) continue;
      this.#joinSlots.delete(slot);
      if (slot.answer.errorCode === 0) this.joins.push({ term, answer: slot.answer });
    }
  }
}

function check(trial: Trial): void {
  const leaders = new Map<string, Set<string>>();
  // A member before version 9 that comes back as leader is told its former id, on purpose, and no members.
  for (const { term, answer } of trial.joins.filter((join) => join.answer.members.length > 0)) {
    const key = `term ${term} generation ${answer.generationId}`;
    leaders.set(key, new Set([...(leaders.get(key) ?? []), answer.memberId]));
    const ids = answer.members.map(({ memberId }) => memberId);
    expect(answer.leader).toBe(answer.memberId);
    expect(ids).toContain(answer.memberId);
    expect(new Set(ids).size).toBe(ids.length);
  }
  for (const [key, ids] of leaders) {
    // A static leader that comes back has a new id in the same generation.
    const seats = new Set([...ids].map((id) => (id.startsWith('static') ? 'static' : id)));
    expect([key, seats.size]).toEqual([key, 1]);
  }
  const generations = trial.world.of('group-generation');
  for (const { members } of generations) {
    const owned = members.flatMap(({ assignment }) =>
      assignment.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}-${partition}`)),
    );
    expect(new Set(owned).size).toBe(owned.length);
    const instances = members.flatMap(({ groupInstanceId }) => groupInstanceId ?? []);
    expect(new Set(instances).size).toBe(instances.length);
  }
  const positions = trial.world.events.flatMap((event) =>
    'logPosition' in event ? [Number(event.logPosition.offset)] : [],
  );
  expect(positions).toEqual(positions.toSorted((a, b) => a - b));
  expect(new Set(positions).size).toBe(positions.length);
}

describe('a coordinator under random requests', () => {
  it('keeps its promises, and leaves nobody waiting for ever', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const trial = new Trial();
        for (const one of steps) trial.do(one);
        trial.heal();
        // Longer than any wait: the new member's join timeout, and rebalances one after the other.
        trial.world.pass(310_000 + 4 * REBALANCE_TIMEOUT_MS);
        const answerable = [...trial.waiting].filter(([, outcome]) => !trial.stranded.has(outcome));
        const waiting = answerable.filter(([, outcome]) => outcome() === 'pending').map(([name]) => name);
        expect(waiting).toEqual([]);
        check(trial);
        // With everyone silent for so long, nobody is left in the group.
        const [last] = trial.world.of('group-generation').slice(-1);
        expect(last?.state ?? 'empty').toBe('empty');
      }),
      { numRuns: 3_000 },
    );
  });

  it('answers the same requests with the same answers', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const [first, second] = [new Trial(), new Trial()];
        for (const one of steps) for (const trial of [first, second]) trial.do(one);
        expect(second.joins).toEqual(first.joins);
        expect(second.world.events).toEqual(first.world.events);
        expect(second.world.log.records).toEqual(first.world.log.records);
      }),
      { numRuns: 500 },
    );
  });
});
