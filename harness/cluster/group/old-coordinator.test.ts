/** What the group coordinator of Kafka 3.9 does otherwise than that of Kafka 4, by the answers that a client gets. */
import { describe, expect, it } from 'vitest';
import { errorName } from '../protocol/errors.ts';
import { committed, FakeMember, stableGroup } from './fake-member.testing.ts';
import { FakeWorld } from './fake-world.testing.ts';

const RELEASES = [
  ['3.9', true],
  ['4', false],
] as const;

const stateOf = (world: FakeWorld): string => world.coordinator.describeGroup(5, 'g').groupState;

const deleteOffset = (world: FakeWorld): string => {
  let outcome = 'pending';
  world.coordinator.deleteOffsets(
    { groupId: 'g', topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }] },
    (error) => {
      outcome = errorName(error);
    },
  );
  world.pass(5);
  return outcome;
};

describe.each(RELEASES)('a coordinator of Kafka %s', (_release, isOld) => {
  it('tells or does not tell a former member that its group is gone', () => {
    const world = new FakeWorld({}, isOld);
    const member = new FakeMember(world, 'a');
    member.generation = 3;
    member.memberId = 'a-1';
    expect(member.commit(1)()).toBe(isOld ? 'ILLEGAL_GENERATION' : 'GROUP_ID_NOT_FOUND');
  });

  it('shows a group from its first member on, or once its record is replicated', () => {
    const world = new FakeWorld({}, isOld);
    const member = new FakeMember(world, 'a');
    member.joinOnce();
    expect(stateOf(world)).toBe(isOld ? 'Empty' : 'Dead');
    world.pass(5);
    expect(stateOf(world)).toBe('Empty');
    // Only the later one has written it.
    world.failOver();
    expect(stateOf(world)).toBe(isOld ? 'Dead' : 'Empty');
  });

  it('makes the group before it knows of the transaction, or does not', () => {
    const world = new FakeWorld({}, isOld);
    world.coordinator.transactionalCommitBegins('g');
    world.coordinator.transactionalCommitBegins('');
    expect(stateOf(world)).toBe(isOld ? 'Empty' : 'Dead');
  });

  it('takes a simple group away with its last offset, or leaves it to retention', () => {
    const world = new FakeWorld({}, isOld);
    new FakeMember(world, 'simple').commit(1);
    world.pass(5);
    expect(stateOf(world)).toBe('Empty');
    expect(deleteOffset(world)).toBe('NONE');
    expect(committed(world)).toBeNull();
    expect(stateOf(world)).toBe(isOld ? 'Dead' : 'Empty');
    // It never had a generation, so that its end is not written by either.
    expect(world.of('group-removed')).toHaveLength(0);
  });

  it('writes the end of a group that had generations', () => {
    const world = new FakeWorld({}, isOld);
    const member = new FakeMember(world, 'a');
    stableGroup(world, [member]);
    member.commit(1);
    world.pass(5);
    member.leave();
    world.pass(5);
    expect(deleteOffset(world)).toBe('NONE');
    expect(world.of('group-removed')).toHaveLength(isOld ? 1 : 0);
  });

  it('takes all empty groups without offsets away when any topic is deleted, or none', () => {
    const world = new FakeWorld({}, isOld);
    const joining = new FakeMember(world, 'a');
    const other = new FakeMember(world, 'b', { group: 'h' });
    joining.joinOnce();
    other.commit(1);
    world.pass(5);
    world.coordinator.partitionsDeleted([{ topic: 'elsewhere', partition: 0 }]);
    world.pass(5);
    // The member has its id, and the group that gave it is gone.
    expect(joining.joinOnce()()).toBe(isOld ? 'UNKNOWN_MEMBER_ID' : 'pending');
    expect(committed(world, { group: 'h' })).toBe(1);
  });

  it('refuses a stable read while a commit is on its way, or waits for it', () => {
    const world = new FakeWorld({}, isOld);
    const simple = new FakeMember(world, 'simple');
    simple.commit(1);
    world.pass(5);
    world.log.replicationMs = 100;
    simple.commit(2);
    expect(committed(world)).toBe(1);
    expect(committed(world, { requireStable: true })).toBe(isOld ? 'UNSTABLE_OFFSET_COMMIT' : 'pending');
    expect(committed(world, { partition: 1, requireStable: true })).toBe(isOld ? null : 'pending');
    world.pass(200);
    expect(committed(world, { requireStable: true })).toBe(2);
  });

  it('answers a heartbeat and a member that leaves at once, or after what was written before', () => {
    const world = new FakeWorld({}, isOld);
    const member = new FakeMember(world, 'a');
    stableGroup(world, [member]);
    world.log.replicationMs = 100;
    member.commit(1);
    expect(member.heartbeat()).toBe(isOld ? 'NONE' : 'pending');
    const left = member.leave();
    expect(left()).toBe(isOld ? 'NONE' : 'pending');
    world.pass(200);
    expect(left()).toBe('NONE');
  });

  it('sends a member that syncs while it loads back to join, or tells it to wait', () => {
    const world = new FakeWorld({}, isOld);
    const member = new FakeMember(world, 'a');
    stableGroup(world, [member]);
    world.failOverWithoutLoading();
    expect(member.sync()()).toBe(isOld ? 'REBALANCE_IN_PROGRESS' : 'COORDINATOR_LOAD_IN_PROGRESS');
  });

  it('lets a member that expires end the wait for first members, or does not', () => {
    const world = new FakeWorld({ initialRebalanceDelayMs: 60_000 }, isOld);
    const [gone, waiting] = [new FakeMember(world, 'a'), new FakeMember(world, 'b')];
    gone.joinOnce();
    const joined = waiting.join();
    expect(joined()).toBe('pending');
    // The first one does not come back with its id, and its session runs out.
    world.pass(gone.options.sessionTimeoutMs + 1_000);
    expect(joined()).toBe(isOld ? 'pending' : 'NONE');
    world.pass(120_000);
    expect(joined()).toBe('NONE');
  });
});
