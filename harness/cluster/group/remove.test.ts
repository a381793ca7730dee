import { describe, expect, it } from 'vitest';
import { errorCode, errorName } from '../protocol/errors.ts';
import { committed, FakeMember, stableGroup } from './fake-member.testing.ts';
import { FakeWorld } from './fake-world.testing.ts';

const HOUR = 3_600_000;
const RETENTION = { offsetsRetentionMs: HOUR, offsetsRetentionCheckIntervalMs: 60_000 };

const deleteGroups = (world: FakeWorld, ...groups: string[]): string[] => {
  const errors: string[] = [];
  world.coordinator.deleteGroups(groups, (deleted) =>
    errors.push(...deleted.map(({ errorCode: code }) => errorName(code))),
  );
  world.pass(5);
  return errors;
};

const deleteOffsets = (world: FakeWorld, topic: string): string => {
  let outcome = 'pending';
  world.coordinator.deleteOffsets(
    { groupId: 'g', topics: [{ name: topic, partitions: [{ partitionIndex: 0 }] }] },
    (error, result) => {
      outcome = errorName(error === 0 ? (result[0]?.partitions[0]?.errorCode ?? -1) : error);
    },
  );
  world.pass(5);
  return outcome;
};

describe('retention of offsets', () => {
  it('counts from when the group became empty, and takes the group with the last offset', () => {
    const world = new FakeWorld(RETENTION);
    const a = new FakeMember(world, 'a', { sessionTimeoutMs: 1_800_000 });
    stableGroup(world, [a]);
    a.commit(1);
    for (let i = 0; i < 4; i++) {
      world.pass(HOUR / 4);
      a.heartbeat();
    }
    world.pass(120_000);
    expect(committed(world)).toBe(1);
    a.leave();
    world.pass(HOUR - 60_000);
    expect(committed(world)).toBe(1);
    world.pass(120_000);
    expect(committed(world)).toBeNull();
    expect(world.of('commit-removed')).toHaveLength(1);
    expect(world.of('group-removed')).toHaveLength(1);
    expect(world.coordinator.describeGroup(5, 'g').groupState).toBe('Dead');
    world.failOver();
    expect(committed(world)).toBeNull();
  });

  it('counts from the commit in a simple group', () => {
    const world = new FakeWorld(RETENTION);
    const simple = new FakeMember(world, 'simple');
    simple.commit(1);
    world.pass(HOUR / 2);
    simple.commit(2, { partition: 1 });
    world.pass(HOUR / 2 + 60_000);
    expect([committed(world), committed(world, { partition: 1 })]).toEqual([null, 2]);
    expect(world.of('group-removed')).toEqual([]);
    world.pass(HOUR);
    expect(world.of('group-removed')).toHaveLength(1);
  });

  it('goes on for topics that the members of a stable group no longer subscribe to', () => {
    const world = new FakeWorld(RETENTION);
    const a = new FakeMember(world, 'a', { sessionTimeoutMs: 1_800_000 });
    stableGroup(world, [a]);
    a.commit(1);
    a.commit(1, { topic: 'former' });
    for (let i = 0; i < 5; i++) {
      world.pass(HOUR / 4);
      a.heartbeat();
    }
    expect([committed(world), committed(world, { topic: 'former' })]).toEqual([1, null]);
    expect(a.heartbeat()).toBe('NONE');
  });

  it('takes empty groups without offsets at the next look', () => {
    const world = new FakeWorld(RETENTION);
    const a = new FakeMember(world, 'a');
    stableGroup(world, [a]);
    a.leave();
    world.pass(61_000);
    expect(world.of('group-removed')).toHaveLength(1);
  });

  it('of the commit itself, where it gives one, comes first', () => {
    const world = new FakeWorld(RETENTION);
    world.coordinator.commitOffsets(
      4,
      {
        groupId: 'g',
        memberId: '',
        groupInstanceId: null,
        generationId: -1,
        retentionTimeMs: 120_000n,
        topics: [
          {
            name: 't',
            topicId: '0'.repeat(32),
            partitions: [
              { partitionIndex: 0, committedOffset: 1n, committedLeaderEpoch: -1, committedMetadata: null },
            ],
          },
        ],
      },
      () => {},
    );
    world.pass(100_000);
    world.failOver();
    expect(committed(world)).toBe(1);
    world.pass(100_000);
    expect(committed(world)).toBeNull();
  });
});

describe('deleting groups', () => {
  it('works for empty ones only, with their offsets', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a');
    stableGroup(world, [a]);
    a.commit(1);
    world.pass(1);
    expect(deleteGroups(world, 'g', 'other')).toEqual(['NON_EMPTY_GROUP', 'GROUP_ID_NOT_FOUND']);
    a.leave();
    world.pass(1);
    expect(deleteGroups(world, 'g')).toEqual(['NONE']);
    expect(committed(world)).toBeNull();
    expect([world.of('commit-removed').length, world.of('group-removed').length]).toEqual([1, 1]);
    // A member that comes now makes a new group.
    const b = new FakeMember(world, 'b');
    stableGroup(world, [b]);
    expect(b.generation).toBe(1);
  });

  it('sees commits on their way', () => {
    const world = new FakeWorld();
    new FakeMember(world, 'simple').commit(1);
    expect(deleteGroups(world, 'g')).toEqual(['NONE']);
    expect([committed(world), world.of('commit-removed').length]).toEqual([null, 1]);
  });

  it('that the log refuses leaves the group', () => {
    const world = new FakeWorld();
    new FakeMember(world, 'simple').commit(1);
    world.pass(1);
    world.log.failures.push(errorCode('NOT_ENOUGH_REPLICAS'));
    expect(deleteGroups(world, 'g')).toEqual(['COORDINATOR_NOT_AVAILABLE']);
    expect([committed(world), world.coordinator.describeGroup(5, 'g').groupState]).toEqual([1, 'Empty']);
  });
});

describe('deleting offsets', () => {
  it('is refused for topics that consumers are subscribed to', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a');
    stableGroup(world, [a]);
    a.commit(1);
    a.commit(1, { topic: 'other' });
    world.pass(1);
    expect(deleteOffsets(world, 't')).toBe('GROUP_SUBSCRIBED_TO_TOPIC');
    expect(deleteOffsets(world, 'other')).toBe('NONE');
    expect([committed(world), committed(world, { topic: 'other' })]).toEqual([1, null]);
    a.leave();
    world.pass(1);
    expect([deleteOffsets(world, 't'), committed(world)]).toEqual(['NONE', null]);
  });

  it('is refused for unknown groups, and for members of other kinds', () => {
    const world = new FakeWorld();
    expect(deleteOffsets(world, 't')).toBe('GROUP_ID_NOT_FOUND');
    stableGroup(world, [new FakeMember(world, 'worker', { protocolType: 'connect' })]);
    expect(deleteOffsets(world, 't')).toBe('NON_EMPTY_GROUP');
  });

  it('comes before any offset is read that is asked for later, even while commits before it are on their way', () => {
    const world = new FakeWorld();
    const simple = new FakeMember(world, 'simple');
    simple.commit(1);
    world.pass(1);
    world.log.replicationMs = null;
    simple.commit(2, { partition: 1 });
    expect(deleteOffsets(world, 't')).toBe('pending');
    const read: bigint[] = [];
    world.coordinator.fetchOffsets(
      { groupId: 'g', topics: [{ name: 't', topicId: '0'.repeat(32), partitionIndexes: [0, 1] }] },
      true,
      ({ topics }) => {
        for (const { committedOffset } of topics[0]?.partitions ?? []) read.push(committedOffset);
      },
    );
    world.log.replicateAll();
    expect(read).toEqual([-1n, 2n]);
  });

  it('sees commits on their way, and others that were deleted before it', () => {
    const world = new FakeWorld();
    const simple = new FakeMember(world, 'simple');
    simple.commit(1, { partition: 1 });
    world.pass(1);
    world.log.replicationMs = null;
    simple.commit(1);
    expect([deleteOffsets(world, 't'), deleteOffsets(world, 't')]).toEqual(['pending', 'pending']);
    world.log.replicateAll();
    expect([committed(world), committed(world, { partition: 1 })]).toEqual([null, 1]);
    expect(world.of('commit-removed')).toHaveLength(1);
  });

  it('that has nothing to delete is answered once what came before is replicated', () => {
    const world = new FakeWorld();
    const simple = new FakeMember(world, 'simple');
    simple.commit(1);
    world.pass(1);
    world.log.failures.push(errorCode('NOT_ENOUGH_REPLICAS'));
    simple.commit(2);
    expect(deleteOffsets(world, 'other')).toBe('COORDINATOR_NOT_AVAILABLE');
  });

  it('happens by itself when a topic is deleted', () => {
    const world = new FakeWorld();
    const a = new FakeMember(world, 'a');
    a.commit(1);
    a.commit(2, { topic: 'other' });
    world.pass(1);
    world.coordinator.partitionsDeleted([{ topic: 't', partition: 0 }]);
    world.pass(1);
    expect([committed(world), committed(world, { topic: 'other' })]).toEqual([null, 2]);
    expect(world.of('commit-removed')).toMatchObject([{ topic: 't', partition: 0 }]);
  });
});

describe('listing groups', () => {
  it('filters by state and type', () => {
    const world = new FakeWorld();
    stableGroup(world, [new FakeMember(world, 'a')]);
    new FakeMember(world, 'simple', { group: 'simple' }).commit(1);
    world.pass(1);
    const list = (statesFilter: string[], typesFilter: string[] = []): unknown => {
      const groups = world.coordinator.listGroups({ statesFilter, typesFilter });
      return typeof groups === 'number' ? groups : groups.map(({ groupId }) => groupId);
    };
    expect(list([])).toEqual(['g', 'simple']);
    expect(list(['stable'])).toEqual(['g']);
    expect(list(['Empty'], ['Classic'])).toEqual(['simple']);
    expect(list([], ['consumer'])).toEqual([]);
  });
});
