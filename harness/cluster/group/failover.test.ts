import { describe, expect, it } from 'vitest';
import { errorCode } from '../protocol/errors.ts';
import { committed, FakeMember, share, stableGroup } from './fake-member.testing.ts';
import { FakeWorld } from './fake-world.testing.ts';

const setUp = () => {
  const world = new FakeWorld();
  const [a, b] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
  stableGroup(world, [a, b]);
  return { world, a, b };
};

describe('the next coordinator', () => {
  it('knows the generation, its members and the offsets', () => {
    const { world, a, b } = setUp();
    a.commit(5);
    world.pass(1);
    world.failOver();
    expect([a.heartbeat(), b.heartbeat(), committed(world)]).toEqual(['NONE', 'NONE', 5]);
    expect(a.sync()()).toBe('NONE');
    expect(a.lastSync.answer?.assignment.length).toBeGreaterThan(0);
    expect(world.coordinator.describeGroup(5, 'g')).toMatchObject({
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      members: [{ memberId: a.memberId, clientId: 'a', clientHost: '/10.0.0.1' }, { memberId: b.memberId }],
    });
  });

  it('gives every member a whole session timeout to be heard of', () => {
    const { world, a, b } = setUp();
    world.pass(9_000);
    world.failOver();
    world.pass(9_000);
    expect(a.heartbeat()).toBe('NONE');
    world.pass(1_000);
    expect([a.heartbeat(), b.heartbeat()]).toEqual(['REBALANCE_IN_PROGRESS', 'UNKNOWN_MEMBER_ID']);
  });

  it('answers that it loads, but for heartbeats, and the one before that it is not in charge', () => {
    const { world, a } = setUp();
    const former = world.coordinator;
    world.failOverWithoutLoading();
    expect(a.heartbeat()).toBe('NONE');
    expect(a.commit(1)()).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    expect(a.joinOnce()()).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    expect(a.sync()()).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    expect(a.leave()()).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    expect(committed(world)).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    expect(world.coordinator.listGroups({ statesFilter: [], typesFilter: [] })).toBe(
      errorCode('COORDINATOR_LOAD_IN_PROGRESS'),
    );
    const current = world.coordinator;
    world.coordinator = former;
    expect([a.heartbeat(), a.commit(1)(), committed(world)]).toEqual([
      'NOT_COORDINATOR',
      'NOT_COORDINATOR',
      'NOT_COORDINATOR',
    ]);
    world.coordinator = current;
    world.pass(world.settings.loadingTimeMs);
    expect(a.heartbeat()).toBe('NONE');
  });

  it('has forgotten the rebalance that was going on: members are back in the generation before it', () => {
    const { world, a, b } = setUp();
    const joined = a.joinOnce();
    world.coordinator.resigned(0);
    expect(joined()).toBe('NOT_COORDINATOR');
    world.failOver();
    expect(b.heartbeat()).toBe('NONE');
    const rejoined = a.joinOnce();
    expect(b.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    b.joinOnce();
    expect([rejoined(), a.generation]).toEqual(['NONE', 2]);
  });

  it('between join and sync sends those who wait away, and does not know the generation', () => {
    const { world, a, b } = setUp();
    a.joinOnce();
    b.joinOnce();
    expect([a.generation, b.generation]).toEqual([2, 2]);
    const synced = b.sync();
    world.coordinator.resigned(0);
    expect(synced()).toBe('NOT_COORDINATOR');
    world.failOver();
    expect(b.sync()()).toBe('ILLEGAL_GENERATION');
    expect(b.heartbeat()).toBe('ILLEGAL_GENERATION');
    expect(b.commit(1)()).toBe('ILLEGAL_GENERATION');
    a.joinOnce();
    b.joinOnce();
    share(world, [a, b]);
    expect([a.heartbeat(), a.generation]).toEqual(['NONE', 2]);
  });

  it('does not know ids that were handed out and not used yet', () => {
    const { world } = setUp();
    const c = new FakeMember(world, 'c');
    c.joinOnce();
    world.failOver();
    expect(c.joinOnce()()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('reports what the one before had written and not seen replicated, and nothing twice', () => {
    const { world, a } = setUp();
    a.commit(1);
    world.pass(1);
    world.log.replicationMs = null;
    const outcome = a.commit(2);
    world.coordinator.resigned(0);
    expect(outcome()).toBe('NOT_COORDINATOR');
    expect(world.of('commit-rejected')).toEqual([]);
    world.failOver();
    expect(committed(world)).toBe(2);
    expect(world.of('commit-accepted').map(({ offset }) => offset)).toEqual(['1', '2']);
    // The former leader learns of the replication too late.
    world.log.replicateAll();
    expect(world.of('commit-accepted').map(({ offset }) => offset)).toEqual(['1', '2']);
    const positions = world.events.flatMap((event) =>
      'logPosition' in event ? [event.logPosition.offset] : [],
    );
    expect(positions).toEqual(positions.map((_, i) => String(i)));
  });

  it('after an unclean election reports the records that took the place of the lost ones', () => {
    const { world, a } = setUp();
    a.commit(1);
    world.pass(1);
    world.coordinator.resigned(0);
    world.log.records.pop();
    world.failOver();
    expect(committed(world)).toBeNull();
    a.commit(2);
    world.pass(1);
    expect(world.of('commit-accepted').map(({ offset }) => offset)).toEqual(['1', '2']);
  });
});

describe('a coordinator that has resigned', () => {
  it('does nothing any more', () => {
    const { world, a } = setUp();
    a.joinOnce();
    world.coordinator.resigned(0);
    const { end } = world.log;
    world.pass(3_600_000);
    expect([world.log.end, world.clock.pending]).toEqual([end, 0]);
  });
});

describe('a coordinator that is elected again', () => {
  it('goes on as it was, with what it had written meanwhile', () => {
    const { world, a, b } = setUp();
    const joined = a.joinOnce();
    world.log.replicationMs = null;
    const outcome = b.commit(3);
    world.coordinator.elected(world.log.view());
    expect([joined(), outcome(), committed(world)]).toEqual(['pending', 'pending', 3]);
    expect(world.of('commit-accepted')).toHaveLength(1);
    world.log.replicateAll();
    expect([outcome(), world.of('commit-accepted').length]).toEqual(['NONE', 1]);
    b.joinOnce();
    expect([joined(), a.generation]).toEqual(['NONE', 2]);
    world.log.replicationMs = 1;
    share(world, [a, b]);
    expect(a.lastSync.answer?.errorCode).toBe(0);
  });
});

describe('a coordinator that cannot write', () => {
  it('the assignment: everyone is told, and the group starts over', () => {
    const { world, a, b } = setUp();
    a.joinOnce();
    b.joinOnce();
    world.log.failures.push(errorCode('NOT_ENOUGH_REPLICAS'));
    const [syncedA, syncedB] = [a.sync(), b.sync()];
    world.pass(1);
    expect([syncedA(), syncedB()]).toEqual(['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE']);
    expect(a.heartbeat()).toBe('REBALANCE_IN_PROGRESS');
    a.joinOnce();
    b.joinOnce();
    share(world, [a, b]);
    expect([a.heartbeat(), a.generation]).toEqual(['NONE', 3]);
  });

  it('a new group: it is forgotten, and who waits in it is told', () => {
    const world = new FakeWorld();
    world.log.failures.push(errorCode('NOT_ENOUGH_REPLICAS'));
    const a = new FakeMember(world, 'a', { apiVersion: 3 });
    const joined = a.joinOnce();
    world.pass(1);
    expect(joined()).toBe('COORDINATOR_NOT_AVAILABLE');
    world.pass(10_000);
    a.memberId = '';
    const again = a.joinOnce();
    world.pass(3_000);
    expect([again(), a.generation, a.lastJoin.answer?.members.length]).toEqual(['NONE', 1, 1]);
  });

  it('in time: a new group stays, and who asked first is told that it is not available', () => {
    const world = new FakeWorld();
    world.log.replicationMs = null;
    const a = new FakeMember(world, 'a', { apiVersion: 3 });
    const joined = a.joinOnce();
    const b = new FakeMember(world, 'b', { apiVersion: 3 });
    world.pass(100);
    const second = b.joinOnce();
    world.pass(4_900);
    expect([joined(), second()]).toEqual(['COORDINATOR_NOT_AVAILABLE', 'pending']);
    world.pass(1_100);
    expect(second()).toBe('NONE');
  });
});
