import { describe, expect, it } from 'vitest';
import { FakeMember, share, stableGroup } from './fake-member.testing.ts';
import { FakeWorld } from './fake-world.testing.ts';

describe('a group begins', () => {
  it('gives a new member an id first, and a generation when the initial delay has passed', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a');
    expect(a.joinOnce()()).toBe('MEMBER_ID_REQUIRED');
    expect(a.memberId).toBe('a-uuid-1');
    const joined = a.joinOnce();
    world.pass(2_999);
    expect(joined()).toBe('pending');
    world.pass(1);
    expect(joined()).toBe('NONE');
    expect(a.lastJoin.answer).toMatchObject({
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: 'a-uuid-1',
      members: [{ memberId: 'a-uuid-1' }],
    });
  });

  it('waits for a second member that comes meanwhile, and tells the leader alone who is in', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    const joinedA = a.join();
    world.pass(2_000);
    const joinedB = b.join();
    world.pass(1_000);
    // The delay begins again, because somebody came.
    expect([joinedA(), joinedB()]).toEqual(['pending', 'pending']);
    world.pass(3_000);
    expect([joinedA(), joinedB()]).toEqual(['NONE', 'NONE']);
    expect([a.isLeader, b.isLeader]).toEqual([true, false]);
    expect(a.lastJoin.answer?.members.map(({ memberId }) => memberId)).toEqual([a.memberId, b.memberId]);
    expect(b.lastJoin.answer?.members).toEqual([]);
  });

  it('waits no longer than the rebalance timeout of the first, however many come', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a', { rebalanceTimeoutMs: 7_000 });
    const joined = a.join();
    for (let second = 0; second < 7; second++) {
      expect(joined()).toBe('pending');
      new FakeMember(world, `m${second}`, { rebalanceTimeoutMs: 7_000 }).join();
      world.pass(1_000);
    }
    expect(joined()).toBe('NONE');
  });

  it('lets versions before 4 in without asking twice', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a', { apiVersion: 3 });
    const joined = a.joinOnce();
    expect(joined()).toBe('pending');
    world.pass(3_000);
    expect([joined(), a.memberId]).toEqual(['NONE', 'a-uuid-1']);
  });

  it('forgets an id that nobody comes back with', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    stableGroup(world, [a]);
    b.joinOnce();
    // While the id is out, a rebalance waits for it.
    a.options = { ...a.options, protocols: ['range', 'sticky'] };
    const rejoined = a.joinOnce();
    world.pass(9_990);
    expect(rejoined()).toBe('pending');
    world.pass(10);
    expect(rejoined()).toBe('NONE');
    expect(b.joinOnce()()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('refuses session timeouts out of bounds, unknown ids, and protocols that nobody shares', () => {
    const world = new FakeWorld();
    const join = (options: object, memberId = ''): unknown => {
      const member = new FakeMember(world, 'x', options);
      member.memberId = memberId;
      return member.joinOnce()();
    };
    expect(join({ sessionTimeoutMs: 5_999 })).toBe('INVALID_SESSION_TIMEOUT');
    expect(join({ sessionTimeoutMs: 1_800_001 })).toBe('INVALID_SESSION_TIMEOUT');
    expect(join({ group: '' })).toBe('INVALID_GROUP_ID');
    expect(join({}, 'ghost')).toBe('UNKNOWN_MEMBER_ID');
    expect(join({ protocols: [] })).toBe('INCONSISTENT_GROUP_PROTOCOL');
    stableGroup(world, [new FakeMember(world, 'a')]);
    expect(join({ protocols: ['sticky'] })).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect(join({ protocolType: 'connect' })).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect(join({}, 'ghost')).toBe('UNKNOWN_MEMBER_ID');
  });

  it('takes no more members than the limit', () => {
    const world = new FakeWorld({ groupSizeMax: 2 });
    const members = ['a', 'b', 'c'].map((name) => new FakeMember(world, name));
    const [a, b, c] = members as [FakeMember, FakeMember, FakeMember];
    stableGroup(world, [a, b]);
    expect(c.join()()).toBe('GROUP_MAX_SIZE_REACHED');
    expect(a.heartbeat()).toBe('NONE');
  });

  it('takes no more members than the limit while they join', () => {
    const world = new FakeWorld({ groupSizeMax: 2 });
    const outcomes = ['a', 'b', 'c'].map((name) => new FakeMember(world, name, { apiVersion: 3 }).joinOnce());
    world.pass(6_000);
    expect(outcomes.map((outcome) => outcome())).toEqual(['NONE', 'NONE', 'GROUP_MAX_SIZE_REACHED']);
  });

  it('uses the protocol that most members prefer among those that all know', () => {
    const world = new FakeWorld();
    const preferring = (name: string, protocols: string[]): FakeMember =>
      new FakeMember(world, name, { protocols });
    const members = [
      preferring('a', ['own', 'sticky', 'range']),
      preferring('b', ['sticky', 'range']),
      preferring('c', ['range', 'sticky']),
    ];
    for (const member of members) member.join();
    world.pass(6_000);
    for (const member of members) expect(member.lastJoin.answer?.protocolName).toBe('sticky');
  });
});

describe('a stable group', () => {
  it('rebalances for a new member: the old one learns it by its heartbeat, and both get the next generation', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    stableGroup(world, [a]);
    expect(a.heartbeat()).toBe('NONE');
    const joinedB = b.join();
    expect(a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect(joinedB()).toBe('pending');
    const joinedA = a.joinOnce();
    expect([joinedA(), joinedB(), a.generation, b.generation]).toEqual(['NONE', 'NONE', 2, 2]);
    // CompletingRebalance is no reason to send a member back.
    expect(a.heartbeat()).toBe('NONE');
    share(world, [a, b]);
    expect([a.lastSync.answer?.errorCode, b.lastSync.answer?.errorCode]).toEqual([0, 0]);
    expect(a.heartbeat()).toBe('NONE');
  });

  it('drops a member that does not rejoin within the rebalance timeout', () => {
    const world = new FakeWorld();
    const options = { rebalanceTimeoutMs: 20_000, sessionTimeoutMs: 30_000 };
    const [a, b] = [new FakeMember(world, 'a', options), new FakeMember(world, 'b', options)];
    stableGroup(world, [a]);
    const joined = b.join();
    world.pass(19_999);
    expect(joined()).toBe('pending');
    world.pass(1);
    expect([joined(), b.isLeader]).toEqual(['NONE', true]);
    expect(a.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(a.joinOnce()()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('rebalances when the leader joins again, and not when a follower does without a change', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    stableGroup(world, [a, b]);
    expect([b.joinOnce()(), b.generation]).toEqual(['NONE', 1]);
    expect(a.heartbeat()).toBe('NONE');
    b.options = { ...b.options, topics: ['t', 'u'] };
    expect(b.joinOnce()()).toBe('pending');
    expect(a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    a.joinOnce();
    share(world, [a, b]);
    expect(a.generation).toBe(2);
    const again = a.joinOnce();
    expect([again(), b.heartbeat()]).toEqual(['pending', 'REBALANCE_IN_PROGRESS']);
  });

  it('removes a silent member when its session times out, and no sooner', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    stableGroup(world, [a, b]);
    const silentFrom = world.clock.nowMs();
    b.heartbeat();
    for (let ms = 0; ms < 9_000; ms += 3_000) {
      world.pass(3_000);
      expect(a.heartbeat()).toBe('NONE');
    }
    world.pass(silentFrom + 10_000 - world.clock.nowMs() - 1);
    expect(a.heartbeat()).toBe('NONE');
    world.pass(1);
    expect(a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect(b.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('takes a commit for a sign of life', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a');
    stableGroup(world, [a]);
    for (let i = 0; i < 5; i++) {
      world.pass(9_000);
      a.commit(i);
      world.pass(1);
    }
    expect(a.heartbeat()).toBe('NONE');
  });

  it('becomes empty when the last member leaves, and goes on with the next generation', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a');
    stableGroup(world, [a]);
    const left = a.leave();
    expect(left()).toBe('pending');
    world.pass(1);
    expect(left()).toBe('NONE');
    expect(world.of('group-generation').at(-1)).toMatchObject({ generation: 2, state: 'empty', members: [] });
    const b = new FakeMember(world, 'b');
    stableGroup(world, [b]);
    expect(b.generation).toBe(3);
    expect(a.leave()()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('lets a member that left go at once, and the others rejoin', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    stableGroup(world, [a, b]);
    a.leave();
    expect(b.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    expect([b.joinOnce()(), b.isLeader, b.generation]).toEqual(['NONE', true, 2]);
  });
});

describe('between join and sync', () => {
  it('makes followers wait for the leader', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    for (const member of [a, b]) member.join();
    world.pass(6_000);
    const synced = b.sync();
    world.pass(1_000);
    expect(synced()).toBe('pending');
    share(world, [a]);
    expect(synced()).toBe('NONE');
    expect(b.lastSync.answer?.assignment).toHaveLength(0);
  });

  it('removes a leader that dies, and rebalances without it', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    for (const member of [a, b]) member.join();
    world.pass(6_000);
    expect(a.isLeader).toBe(true);
    const synced = b.sync();
    world.pass(9_999);
    expect(synced()).toBe('pending');
    world.pass(1);
    expect(synced()).toBe('REBALANCE_IN_PROGRESS');
    expect([b.joinOnce()(), b.isLeader, b.generation]).toEqual(['NONE', true, 2]);
  });

  it('removes who heartbeats and never asks for the assignment, when the rebalance timeout has passed', () => {
    const world = new FakeWorld();
    const options = { rebalanceTimeoutMs: 15_000 };
    const [a, b] = [new FakeMember(world, 'a', options), new FakeMember(world, 'b', options)];
    for (const member of [a, b]) member.join();
    world.pass(6_000);
    a.sync();
    world.pass(1);
    for (let second = 0; second < 14; second++) {
      expect([a.heartbeat(), b.heartbeat()]).toEqual(['NONE', 'NONE']);
      world.pass(1_000);
    }
    world.pass(1_000);
    expect(b.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    expect(a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
  });

  it('starts over when a member leaves', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    for (const member of [a, b]) member.join();
    world.pass(6_000);
    const synced = b.sync();
    a.leave();
    expect(synced()).toBe('REBALANCE_IN_PROGRESS');
    expect([b.joinOnce()(), b.generation]).toEqual(['NONE', 2]);
  });

  it('never answers the sync of a member that leaves meanwhile, as Kafka does not', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    for (const member of [a, b]) member.join();
    world.pass(6_000);
    const [leader, follower] = a.isLeader ? [a, b] : [b, a];
    const synced = follower.sync();
    follower.leave();
    leader.joinOnce();
    world.pass(300_000);
    expect(synced()).toBe('pending');
  });

  it('answers a member that asks again with the same generation, and rebalances for changed metadata', () => {
    const world = new FakeWorld();
    const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    for (const member of [a, b]) member.join();
    world.pass(6_000);
    expect([a.joinOnce()(), a.lastJoin.answer?.members.length, a.generation]).toEqual(['NONE', 2, 1]);
    const synced = b.sync();
    a.options = { ...a.options, topics: ['t', 'u'] };
    const joined = a.joinOnce();
    expect([joined(), synced()]).toEqual(['pending', 'REBALANCE_IN_PROGRESS']);
  });

  it('refuses syncs of other generations, protocols and members', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a');
    expect(a.sync()()).toBe('UNKNOWN_MEMBER_ID');
    stableGroup(world, [a]);
    const with_ = (change: () => void): unknown => {
      const { generation, memberId, options } = a;
      change();
      const outcome = a.sync()();
      Object.assign(a, { generation, memberId, options });
      return outcome;
    };
    expect(with_(() => a.generation++)).toBe('ILLEGAL_GENERATION');
    expect(
      with_(() => {
        a.memberId = 'ghost';
      }),
    ).toBe('UNKNOWN_MEMBER_ID');
    expect(
      with_(() => {
        a.options = { ...a.options, protocolType: 'connect' };
      }),
    ).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect([a.sync()(), a.lastSync.answer?.assignment.length]).toEqual(['NONE', 21]);
  });
});

describe('heartbeats', () => {
  it('of strangers and of other generations are refused', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a');
    expect(a.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
    stableGroup(world, [a]);
    a.generation++;
    expect(a.heartbeat()).toBe('ILLEGAL_GENERATION');
    a.options = { ...a.options, group: '' };
    expect(a.heartbeat()).toBe('INVALID_GROUP_ID');
  });
});
