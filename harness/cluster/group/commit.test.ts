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

describe('a commit of a member', () => {
  it('counts, and is answered, once it is replicated', () => {
    const { world, a } = setUp();
    const outcome = a.commit(7, { metadata: 'm' });
    expect([outcome(), committed(world)]).toEqual(['pending', null]);
    world.pass(1);
    expect([outcome(), committed(world)]).toEqual(['NONE', 7]);
    expect(world.of('commit-accepted')).toEqual([
      {
        kind: 'commit-accepted',
        group: 'g',
        topic: 't',
        partition: 0,
        offset: '7',
        metadata: 'm',
        logPosition: { partition: 0, offset: String(world.log.end - 1n) },
      },
    ]);
  });

  it('is refused from a zombie: of a former generation, or removed from the group', () => {
    const { world, a, b } = setUp();
    // b stalls for longer than its session, and a goes on alone.
    for (let i = 0; i < 4; i++) {
      world.pass(3_000);
      a.heartbeat();
    }
    a.joinOnce();
    share(world, [a]);
    expect(b.commit(5)()).toBe('UNKNOWN_MEMBER_ID');
    a.generation--;
    expect(a.commit(6)()).toBe('ILLEGAL_GENERATION');
    expect(world.of('commit-rejected')).toEqual([
      {
        kind: 'commit-rejected',
        group: 'g',
        topic: 't',
        partition: 0,
        offset: '5',
        error: 'UNKNOWN_MEMBER_ID',
        memberId: b.memberId,
        generation: 1,
      },
      expect.objectContaining({
        offset: '6',
        error: 'ILLEGAL_GENERATION',
        memberId: a.memberId,
        generation: 1,
      }),
    ]);
    expect(committed(world)).toBeNull();
  });

  it('of the generation that ends is accepted while members join, and refused between join and sync', () => {
    const { world, a, b } = setUp();
    a.joinOnce();
    const outcome = b.commit(3);
    world.pass(1);
    expect(outcome()).toBe('NONE');
    b.joinOnce();
    expect(b.generation).toBe(2);
    expect(b.commit(4)()).toBe('REBALANCE_IN_PROGRESS');
    share(world, [a, b]);
    const later = b.commit(4);
    world.pass(1);
    expect(later()).toBe('NONE');
  });

  it('is refused per partition where its metadata is too large', () => {
    const { world, a } = setUp();
    const outcome = a.commit(1, { metadata: 'x'.repeat(4_097) });
    expect(outcome()).toBe('OFFSET_METADATA_TOO_LARGE');
    expect(world.of('commit-rejected')).toMatchObject([{ error: 'OFFSET_METADATA_TOO_LARGE' }]);
    const fits = a.commit(1, { metadata: 'x'.repeat(4_096) });
    world.pass(1);
    expect(fits()).toBe('NONE');
  });

  it('is refused where the log refuses it, and leaves the offset before it', () => {
    const { world, a } = setUp();
    a.commit(1);
    world.pass(1);
    world.log.failures.push(errorCode('NOT_ENOUGH_REPLICAS'));
    const outcome = a.commit(2);
    world.pass(1);
    expect([outcome(), committed(world)]).toEqual(['COORDINATOR_NOT_AVAILABLE', 1]);
    expect(world.of('commit-rejected')).toMatchObject([{ offset: '2', error: 'COORDINATOR_NOT_AVAILABLE' }]);
  });

  it('that is not replicated in time is answered, neither accepted nor refused, and may count later', () => {
    const { world, a } = setUp();
    world.log.replicationMs = null;
    const outcome = a.commit(1);
    const heartbeatBefore = a.heartbeat();
    world.pass(4_999);
    expect([outcome(), heartbeatBefore]).toEqual(['pending', 'pending']);
    world.pass(1);
    expect([outcome(), committed(world)]).toEqual(['COORDINATOR_NOT_AVAILABLE', null]);
    expect([world.of('commit-rejected'), world.of('commit-accepted')]).toEqual([[], []]);
    world.log.replicateAll();
    expect([committed(world), world.of('commit-accepted').length]).toEqual([1, 1]);
  });
});

describe('an answer that needs no write', () => {
  it('waits for all writes before it, though a later one has already failed', () => {
    const { world, a, b } = setUp();
    world.log.replicationMs = null;
    const first = a.commit(1);
    world.log.failures.push(errorCode('NOT_ENOUGH_REPLICAS'));
    const second = a.commit(2);
    world.pass(1);
    expect([first(), second(), b.heartbeat()]).toEqual(['pending', 'COORDINATOR_NOT_AVAILABLE', 'pending']);
    world.log.replicateAll();
    expect([first(), b.heartbeat()]).toEqual(['NONE', 'NONE']);
  });
});

describe('a simple consumer', () => {
  it('commits without a group, until somebody is in it', () => {
    const world = new FakeWorld();
    const simple = new FakeMember(world, 'simple');
    const outcome = simple.commit(3);
    world.pass(1);
    expect([outcome(), committed(world)]).toEqual(['NONE', 3]);
    expect(world.coordinator.describeGroup(5, 'g')).toMatchObject({ groupState: 'Empty', protocolType: '' });
    stableGroup(world, [new FakeMember(world, 'a')]);
    expect(simple.commit(4)()).toBe('UNKNOWN_MEMBER_ID');
    simple.generation = 1;
    expect(simple.commit(4)()).toBe('UNKNOWN_MEMBER_ID');
  });

  it('with a generation, in a group that does not exist, is told so in the words of its version', () => {
    const world = new FakeWorld();
    const commit = (apiVersion: number): number | undefined => {
      let error: number | undefined;
      world.coordinator.commitOffsets(
        apiVersion,
        {
          groupId: 'g',
          memberId: 'm',
          groupInstanceId: null,
          generationId: 1,
          retentionTimeMs: -1n,
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
        (result) => {
          error = result[0]?.partitions[0]?.errorCode;
        },
      );
      return error;
    };
    expect([commit(8), commit(9)]).toEqual([
      errorCode('ILLEGAL_GENERATION'),
      errorCode('GROUP_ID_NOT_FOUND'),
    ]);
  });

  it('whose first commit is refused has a group that is seen from the next record of the partition on', () => {
    const world = new FakeWorld();
    const simple = new FakeMember(world, 'simple');
    const state = () => world.coordinator.describeGroup(5, 'g').groupState;
    expect(simple.commit(1, { metadata: 'x'.repeat(4_097) })()).toBe('OFFSET_METADATA_TOO_LARGE');
    world.pass(1);
    expect(state()).toBe('Dead');
    new FakeMember(world, 'other', { group: 'another' }).commit(1);
    expect(state()).toBe('Dead');
    world.pass(1);
    expect(state()).toBe('Empty');
  });

  it('whose first commit fails has no group', () => {
    const world = new FakeWorld();
    world.log.failures.push(errorCode('NOT_ENOUGH_REPLICAS'));
    new FakeMember(world, 'simple').commit(3);
    world.pass(1);
    expect(world.coordinator.describeGroup(5, 'g').groupState).toBe('Dead');
    expect(world.coordinator.listGroups({ statesFilter: [], typesFilter: [] })).toEqual([]);
    // Whoever joins makes the group.
    stableGroup(world, [new FakeMember(world, 'a')]);
    expect(world.of('group-generation').map(({ generation }) => generation)).toEqual([0, 1]);
  });
});

describe('reading committed offsets', () => {
  it('of everything, of some, and of a group that nobody knows', () => {
    const { world, a } = setUp();
    a.commit(1);
    a.commit(2, { partition: 1 });
    world.pass(1);
    let all: unknown;
    world.coordinator.fetchOffsets({ groupId: 'g', topics: null }, false, (answer) => {
      all = answer.topics.map(({ name, partitions }) => [
        name,
        partitions.map(({ partitionIndex, committedOffset }) => [partitionIndex, committedOffset]),
      ]);
    });
    expect(all).toEqual([
      [
        't',
        [
          [0, 1n],
          [1, 2n],
        ],
      ],
    ]);
    expect([committed(world, { partition: 2 }), committed(world, { group: 'other' })]).toEqual([null, null]);
  });

  it('by the id of a topic leaves those out that were committed for a former topic of that name', () => {
    const world = new FakeWorld();
    const [former, current] = ['a'.repeat(32), 'b'.repeat(32)];
    const partition = {
      partitionIndex: 0,
      committedOffset: 5n,
      committedLeaderEpoch: -1,
      committedMetadata: null,
    };
    const request = {
      groupId: 'g',
      memberId: '',
      groupInstanceId: null,
      generationId: -1,
      retentionTimeMs: -1n,
    };
    const topics = [{ name: 't', topicId: former, partitions: [partition] }];
    world.coordinator.commitOffsets(10, { ...request, topics }, () => {});
    world.pass(1);
    const read = (topicId: string): unknown => {
      let offset: unknown;
      const wanted = [{ name: 't', topicId, partitionIndexes: [0] }];
      world.coordinator.fetchOffsets({ groupId: 'g', topics: wanted }, false, (answer) => {
        offset = answer.topics[0]?.partitions[0]?.committedOffset;
      });
      return offset;
    };
    expect([former, current, '0'.repeat(32)].map(read)).toEqual([5n, -1n, 5n]);
    world.failOver();
    expect([former, current].map(read)).toEqual([5n, -1n]);
  });

  it('that must be stable waits for commits on their way', () => {
    const { world, a } = setUp();
    a.commit(1);
    expect([committed(world), committed(world, { requireStable: true })]).toEqual([null, 'pending']);
  });
});

describe('offsets of a transaction', () => {
  const producer = { id: 7n, epoch: 0 };
  const commitInTransaction = (world: FakeWorld, offset: number): void =>
    world.coordinator.commitTransactionalOffsets(
      {
        groupId: 'g',
        memberId: '',
        groupInstanceId: null,
        generationId: -1,
        retentionTimeMs: -1n,
        topics: [
          {
            name: 't',
            topicId: '0'.repeat(32),
            partitions: [
              {
                partitionIndex: 0,
                committedOffset: BigInt(offset),
                committedLeaderEpoch: -1,
                committedMetadata: null,
              },
            ],
          },
        ],
      },
      producer,
      () => {},
    );

  it('are unstable while it is open, and count when it commits', () => {
    const { world } = setUp();
    commitInTransaction(world, 9);
    world.pass(1);
    expect([committed(world), committed(world, { requireStable: true })]).toEqual([
      null,
      'UNSTABLE_OFFSET_COMMIT',
    ]);
    expect(world.of('commit-accepted')).toEqual([]);
    world.coordinator.completeTransaction(0, producer, 'commit', 0, () => {});
    world.pass(1);
    expect([committed(world), committed(world, { requireStable: true })]).toEqual([9, 9]);
    const position = String(world.log.end - 2n);
    expect(world.of('commit-accepted')).toMatchObject([{ offset: '9', logPosition: { offset: position } }]);
  });

  it('are forgotten when it aborts', () => {
    const { world } = setUp();
    commitInTransaction(world, 9);
    world.coordinator.completeTransaction(0, producer, 'abort', 0, () => {});
    world.pass(1);
    expect([committed(world, { requireStable: true }), world.of('commit-accepted')]).toEqual([null, []]);
  });

  it('yield to a plain commit that was written later, though it ends after that', () => {
    const { world, a } = setUp();
    commitInTransaction(world, 9);
    a.commit(5);
    world.pass(1);
    world.coordinator.completeTransaction(0, producer, 'commit', 0, () => {});
    world.pass(1);
    expect(committed(world)).toBe(5);
  });

  it('are still open, and end rightly, under the next coordinator', () => {
    const { world } = setUp();
    commitInTransaction(world, 9);
    world.pass(1);
    world.failOver();
    expect(committed(world, { requireStable: true })).toBe('UNSTABLE_OFFSET_COMMIT');
    world.coordinator.completeTransaction(0, producer, 'commit', 0, () => {});
    world.pass(1);
    expect([committed(world), world.of('commit-accepted').length]).toEqual([9, 1]);
    world.failOver();
    expect([committed(world), world.of('commit-accepted').length]).toEqual([9, 1]);
  });
});
