import { describe, expect, it } from 'vitest';
import { decodeAssignment } from '../protocol/consumer-protocol.ts';
import { errorCode } from '../protocol/errors.ts';
import { FakeMember, type FakeMemberOptions, share, stableGroup } from './fake-member.testing.ts';
import { FakeWorld } from './fake-world.testing.ts';

const setUp = (options: FakeMemberOptions = {}) => {
  const world = new FakeWorld();
  const make = (name: string, more: FakeMemberOptions = {}): FakeMember =>
    new FakeMember(world, name, { groupInstanceId: `static-${name}`, ...options, ...more });
  const [a, b] = [make('a'), make('b')];
  stableGroup(world, [a, b]);
  return { world, make, a, b };
};

describe('a static member that comes back without its id', () => {
  it('gets its place and assignment under a new id, and the others notice nothing', () => {
    const { world, make, a, b } = setUp();
    expect(b.memberId).toMatch(/^static-b-uuid/);
    const again = make('b');
    const joined = again.joinOnce();
    expect(joined()).toBe('pending');
    world.pass(1);
    expect([joined(), again.generation, again.lastJoin.answer?.skipAssignment]).toEqual(['NONE', 1, false]);
    expect(again.memberId).not.toBe(b.memberId);
    expect(a.heartbeat()).toBe('NONE');
    expect(again.sync()()).toBe('NONE');
    expect(decodeAssignment(again.lastSync.answer?.assignment ?? new Uint8Array()).assignment).toEqual([
      { topic: 't', partitions: [1] },
    ]);
    // The coordinator writes the generation again, with the new id in it.
    const written = world.of('group-generation').at(-1);
    expect(written).toMatchObject({ generation: 1, state: 'stable' });
    expect(written?.members.map(({ memberId }) => memberId)).toContain(again.memberId);
  });

  it('fences whoever still uses the old id', () => {
    const { world, make, b } = setUp();
    make('b').joinOnce();
    world.pass(1);
    expect(b.heartbeat()).toBe('FENCED_INSTANCE_ID');
    expect(b.sync()()).toBe('FENCED_INSTANCE_ID');
    expect(b.commit(1)()).toBe('FENCED_INSTANCE_ID');
    expect(b.joinOnce()()).toBe('FENCED_INSTANCE_ID');
    expect(b.leave()()).toBe('FENCED_INSTANCE_ID');
    expect(world.of('commit-rejected')).toMatchObject([
      { error: 'FENCED_INSTANCE_ID', memberId: b.memberId },
    ]);
  });

  it('fences a member that waits in the rebalance under the old id, and takes its place there', () => {
    const { make, a, b } = setUp();
    const waiting = a.joinOnce();
    const again = make('a');
    const joined = again.joinOnce();
    expect([waiting(), joined()]).toEqual(['FENCED_INSTANCE_ID', 'pending']);
    b.joinOnce();
    expect([joined(), again.generation, again.isLeader]).toEqual(['NONE', 2, true]);
  });

  it('as leader is told to skip the assignment', () => {
    const { world, make, a } = setUp();
    expect(a.isLeader).toBe(true);
    const again = make('a');
    again.joinOnce();
    world.pass(1);
    expect([again.isLeader, again.lastJoin.answer?.skipAssignment]).toEqual([true, true]);
    expect(again.lastJoin.answer?.members).toHaveLength(2);
  });

  it('as leader before version 9 is told that its former self leads, so that it does not assign', () => {
    const { world, make, a } = setUp();
    const again = make('a', { apiVersion: 8 });
    again.joinOnce();
    world.pass(1);
    expect([again.isLeader, again.lastJoin.answer?.skipAssignment]).toEqual([false, false]);
    expect(again.lastJoin.answer).toMatchObject({ leader: a.memberId, members: [] });
  });

  it('causes a rebalance where the protocol changes by its coming back', () => {
    const { make, a, b } = setUp({ protocols: ['range', 'sticky'] });
    a.leave();
    b.joinOnce();
    b.sync({ [b.memberId]: Buffer.alloc(0) });
    const again = make('b', { protocols: ['sticky'] });
    b.world.pass(1);
    expect(again.joinOnce()()).toBe('NONE');
    expect([again.generation, again.lastJoin.answer?.protocolName]).toEqual([3, 'sticky']);
  });

  it('causes a rebalance between join and sync, since the leader knows the old id', () => {
    const { world, make, a, b } = setUp();
    a.joinOnce();
    b.joinOnce();
    expect(a.generation).toBe(2);
    const synced = a.sync();
    expect(synced()).toBe('pending');
    const again = make('b');
    const joined = again.joinOnce();
    expect([joined(), synced()]).toEqual(['pending', 'REBALANCE_IN_PROGRESS']);
    a.joinOnce();
    expect([joined(), again.generation]).toEqual(['NONE', 3]);
    world.pass(5);
    share(world, [a, again]);
    expect(again.heartbeat()).toBe('NONE');
  });

  it('keeps its former id where the new one cannot be written', () => {
    const { world, make, a, b } = setUp();
    world.log.failures.push(errorCode('NOT_ENOUGH_REPLICAS'));
    const again = make('b');
    const joined = again.joinOnce();
    world.pass(1);
    expect(joined()).toBe('COORDINATOR_NOT_AVAILABLE');
    expect([a.heartbeat(), b.heartbeat()]).toEqual(['NONE', 'NONE']);
    again.memberId = '';
    const second = again.joinOnce();
    world.pass(1);
    expect(second()).toBe('NONE');
    expect(b.heartbeat()).toBe('FENCED_INSTANCE_ID');
  });
});

describe('a static member that goes', () => {
  it('stays in the group through a rebalance until its session times out', () => {
    const { world, make, a, b } = setUp({ rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 30_000 });
    make('c').join();
    a.joinOnce();
    world.pass(5_000);
    expect(a.lastJoin.answer).toMatchObject({ errorCode: 0, generationId: 2 });
    expect(a.lastJoin.answer?.members.map(({ groupInstanceId }) => groupInstanceId)).toContain('static-b');
    expect(b.lastJoin.answer?.generationId).toBe(1);
  });

  it('may be removed by an administrator, by its instance id alone', () => {
    const { world, a, b } = setUp();
    b.memberId = '';
    const left = b.leave();
    world.pass(1);
    expect([left(), a.heartbeat()]).toEqual(['NONE', 'REBALANCE_IN_PROGRESS']);
    expect(b.leave()()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('waits again and again while only static members are left and none rejoins', () => {
    const { world, a, b } = setUp({ rebalanceTimeoutMs: 5_000, sessionTimeoutMs: 12_000 });
    a.options = { ...a.options, topics: ['t', 'u'] };
    a.joinOnce();
    a.leave();
    world.pass(5_000);
    // Nobody has joined, so there is no generation to begin, until the last session is over and the group is empty.
    expect(world.of('group-generation').at(-1)).toMatchObject({ generation: 1 });
    world.pass(12_000);
    expect(world.of('group-generation').at(-1)).toMatchObject({ generation: 2, state: 'empty' });
    expect(b.heartbeat()).toBe('UNKNOWN_MEMBER_ID');
  });
});
