/** The group coordinators inside a simulated cluster in virtual time: every version of every API, and faults of brokers. */
import { describe, expect, it } from 'vitest';
import { kafka43 } from '../profiles.ts';
import { offsetCommitApi } from '../protocol/08-offset-commit.ts';
import { offsetFetchApi } from '../protocol/09-offset-fetch.ts';
import { findCoordinatorApi } from '../protocol/10-find-coordinator.ts';
import { joinGroupApi } from '../protocol/11-join-group.ts';
import { heartbeatApi } from '../protocol/12-heartbeat.ts';
import { leaveGroupApi } from '../protocol/13-leave-group.ts';
import { syncGroupApi } from '../protocol/14-sync-group.ts';
import { describeGroupsApi } from '../protocol/15-describe-groups.ts';
import { listGroupsApi } from '../protocol/16-list-groups.ts';
import { deleteGroupsApi } from '../protocol/42-delete-groups.ts';
import { offsetDeleteApi } from '../protocol/47-offset-delete.ts';
import { type AnyApi, type Api, encodeRequest, readResponseBody } from '../protocol/api.ts';
import { Reader } from '../protocol/bytes.ts';
import { errorName } from '../protocol/errors.ts';
import { createSimulatedCluster, type SimulatedCluster } from '../simulated-cluster.ts';
import { VirtualTime } from '../testing/virtual-time.ts';
import { assigning, subscribing } from './fake-member.testing.ts';
import { addGroupCoordinators } from './part.ts';
import { partitionFor } from './partition-for.ts';

const OFFSETS_TOPIC = '__consumer_offsets';
const PARTITIONS = 3;

interface Trial {
  readonly time: VirtualTime;
  readonly cluster: SimulatedCluster;
  /** Asks one broker. @returns reads the answer, once it is there */
  ask<Request, Response, ResponseIn>(
    brokerId: number,
    api: Api<unknown, Request, Response, ResponseIn>,
    version: number,
    body: Request,
  ): () => Response | null;
  /** Asks, and lets some time pass for the answer. */
  get<Request, Response, ResponseIn>(
    brokerId: number,
    api: Api<unknown, Request, Response, ResponseIn>,
    version: number,
    body: Request,
  ): Response;
}

function start(brokerCount = 3): Trial {
  const time = new VirtualTime();
  const cluster = createSimulatedCluster({
    brokerCount,
    profile: kafka43,
    environment: time,
    settings: { offsetsTopicNumPartitions: PARTITIONS },
    parts: [(core) => void addGroupCoordinators(core)],
  });
  cluster.createTopic({ name: 't', partitions: 2, replicationFactor: Math.min(3, brokerCount) });
  time.run(100);
  const ask: Trial['ask'] = (brokerId, api, version, body) => {
    let answer: Buffer | null = null;
    const connection = cluster.connect(brokerId, {
      onData: (bytes) => {
        answer = Buffer.concat([answer ?? Buffer.alloc(0), bytes]);
      },
      onClose: () => undefined,
    });
    connection?.receive(encodeRequest(api, version, { correlationId: 7, clientId: 'c' }, body));
    return () => {
      if (answer === null) return null;
      const reader = new Reader(answer, 4);
      expect(reader.int32()).toBe(7);
      return readResponseBody(api as never, version, reader) as never;
    };
  };
  return {
    time,
    cluster,
    ask,
    get(brokerId, api, version, body) {
      const answer = ask(brokerId, api, version, body);
      time.run(20);
      const read = answer();
      if (read === null) throw new Error(`${api.name} version ${version} was not answered`);
      return read;
    },
  };
}

const coordinatorOf = ({ cluster }: Trial, group: string): number =>
  cluster.leaderOf(OFFSETS_TOPIC, partitionFor(group, PARTITIONS)) ?? -1;

const versionsOf = ({ versions }: Pick<AnyApi, 'versions'>): number[] =>
  Array.from({ length: versions.max - versions.min + 1 }, (_, i) => versions.min + i);

const commitOf = (group: string, offset: number, over: object = {}) => ({
  groupId: group,
  topics: [
    {
      name: 't',
      partitions: [{ partitionIndex: 0, committedOffset: BigInt(offset), committedMetadata: null }],
    },
  ],
  ...over,
});

const joinOf = (group: string, memberId = '', over: object = {}) => ({
  groupId: group,
  sessionTimeoutMs: 10_000,
  rebalanceTimeoutMs: 30_000,
  memberId,
  protocolType: 'consumer',
  protocols: [{ name: 'range', metadata: subscribing(['t']) }],
  ...over,
});

/** A member in a stable generation of its own. */
function stable(
  trial: Trial,
  group: string,
  version = 9,
  over: object = {},
): { broker: number; memberId: string } {
  const broker = coordinatorOf(trial, group);
  let joined = trial.ask(broker, joinGroupApi, version, joinOf(group, '', over));
  trial.time.run(20);
  const required = joined();
  if (required !== null)
    joined = trial.ask(broker, joinGroupApi, version, joinOf(group, required.memberId, over));
  trial.time.run(3_100);
  expect(errorName(required?.errorCode ?? 0)).toBe(version < 4 ? 'NONE' : 'MEMBER_ID_REQUIRED');
  const memberId = joined()?.memberId ?? '';
  expect(joined()).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', leader: memberId });
  const syncVersion = Math.min(version, syncGroupApi.versions.max);
  const synced = trial.get(broker, syncGroupApi, syncVersion, {
    groupId: group,
    generationId: 1,
    memberId,
    protocolType: 'consumer',
    protocolName: 'range',
    assignments: [{ memberId, assignment: assigning('t', [0, 1]) }],
  });
  expect(synced).toMatchObject({ errorCode: 0, assignment: assigning('t', [0, 1]) });
  return { broker, memberId };
}

describe('FindCoordinator', () => {
  it.each([0, 1, 2, 3])('version %i finds the leader of the group', (version) => {
    const trial = start();
    const node = coordinatorOf(trial, 'g');
    expect(trial.get(1, findCoordinatorApi, version, { key: 'g' })).toMatchObject({
      nodeId: node,
      host: `kafka-${node}`,
      port: 9092,
      errorCode: 0,
      errorMessage: version === 0 ? null : 'NONE',
    });
  });

  it.each([4, 5, 6])('version %i finds the leaders of several groups', (version) => {
    const trial = start();
    const asked = { coordinatorKeys: ['g', 'h'] };
    expect(trial.get(1, findCoordinatorApi, version, asked).coordinators).toMatchObject(
      ['g', 'h'].map((key) => ({ key, nodeId: coordinatorOf(trial, key), port: 9092, errorCode: 0 })),
    );
  });

  it('says that it is not available while nobody leads, and refuses share groups', () => {
    const trial = start(1);
    trial.cluster.isolateFromController(1);
    trial.time.run(20_000);
    const find = (keyType: number): string => {
      const { coordinators } = trial.get(1, findCoordinatorApi, 6, { keyType, coordinatorKeys: ['g'] });
      return errorName(coordinators[0]?.errorCode ?? -1);
    };
    expect([find(0), find(2)]).toEqual(['COORDINATOR_NOT_AVAILABLE', 'INVALID_REQUEST']);
  });

  it('makes the topic of transactions at the first question', () => {
    const trial = start();
    const ask = { keyType: 1, coordinatorKeys: ['x'] };
    expect(errorName(trial.get(1, findCoordinatorApi, 6, ask).coordinators[0]?.errorCode ?? -1)).toBe(
      'COORDINATOR_NOT_AVAILABLE',
    );
    expect(trial.get(1, findCoordinatorApi, 6, ask).coordinators[0]?.errorCode).toBe(0);
  });
});

describe('membership', () => {
  it.each(versionsOf(joinGroupApi))('with JoinGroup version %i', (version) => {
    const trial = start();
    const { broker, memberId } = stable(trial, 'g', version);
    expect(memberId).toMatch(/^c-/);
    for (const one of versionsOf(heartbeatApi)) {
      const beat = { groupId: 'g', generationId: 1, memberId };
      expect(trial.get(broker, heartbeatApi, one, beat).errorCode).toBe(0);
    }
    const described = trial.get(broker, describeGroupsApi, Math.min(version, 6), { groups: ['g'] });
    expect(described.groups).toMatchObject([
      {
        groupState: 'Stable',
        members: [{ memberId, clientId: 'c', clientHost: '/127.0.0.1', memberMetadata: subscribing(['t']) }],
      },
    ]);
    const leaveVersion = Math.min(version, leaveGroupApi.versions.max);
    const left = trial.get(broker, leaveGroupApi, leaveVersion, {
      groupId: 'g',
      memberId,
      members: [{ memberId }],
    });
    expect(left.errorCode).toBe(0);
    expect(left.members.map((one) => one.errorCode)).toEqual(leaveVersion < 3 ? [] : [0]);
    const again = trial.get(broker, leaveGroupApi, leaveVersion, {
      groupId: 'g',
      memberId,
      members: [{ memberId }],
    });
    expect(errorName(leaveVersion < 3 ? again.errorCode : (again.members[0]?.errorCode ?? -1))).toBe(
      'UNKNOWN_MEMBER_ID',
    );
    expect(trial.time.observed.map((event) => event.kind)).toEqual([
      'group-generation',
      'group-generation',
      'group-generation',
    ]);
  });

  it('is refused by a broker that does not coordinate the group, in every version', () => {
    const trial = start();
    const other = (coordinatorOf(trial, 'g') % 3) + 1;
    for (const version of versionsOf(joinGroupApi))
      expect(errorName(trial.get(other, joinGroupApi, version, joinOf('g')).errorCode)).toBe(
        'NOT_COORDINATOR',
      );
  });

  it('needs the protocol with SyncGroup from version 5 on', () => {
    const trial = start();
    const { broker, memberId } = stable(trial, 'g');
    const sync = { groupId: 'g', generationId: 1, memberId, assignments: [] };
    expect(errorName(trial.get(broker, syncGroupApi, 5, sync).errorCode)).toBe('INCONSISTENT_GROUP_PROTOCOL');
    expect(trial.get(broker, syncGroupApi, 4, sync).errorCode).toBe(0);
  });
});

describe('offsets', () => {
  const topicId = ({ cluster }: Trial): string => cluster.image.topics.get('t')?.id ?? '';
  const NOBODY = 'f'.repeat(32);

  it.each(versionsOf(offsetCommitApi))('are committed with version %i', (version) => {
    const trial = start();
    const broker = coordinatorOf(trial, 'g');
    const partitions = [0, 7].map((partitionIndex) => ({
      partitionIndex,
      committedOffset: 5n,
      committedMetadata: 'm',
    }));
    const answer = trial.get(broker, offsetCommitApi, version, {
      groupId: 'g',
      topics: [
        { name: 't', topicId: topicId(trial), partitions },
        { name: 'nowhere', topicId: NOBODY, partitions },
      ],
    });
    const errors = answer.topics.map((topic) =>
      topic.partitions
        .map(({ partitionIndex, errorCode }) => [partitionIndex, errorName(errorCode)] as const)
        .sort(([a], [b]) => a - b),
    );
    const unknown = version < 10 ? 'UNKNOWN_TOPIC_OR_PARTITION' : 'UNKNOWN_TOPIC_ID';
    expect(errors).toEqual([
      [
        [0, 'NONE'],
        [7, 'UNKNOWN_TOPIC_OR_PARTITION'],
      ],
      [
        [0, unknown],
        [7, unknown],
      ],
    ]);
    expect(trial.time.observed.filter(({ kind }) => kind === 'commit-accepted')).toMatchObject([
      { topic: 't', partition: 0, offset: '5', metadata: 'm' },
    ]);
    expect(trial.time.observed.filter(({ kind }) => kind === 'commit-rejected')).toHaveLength(3);
  });

  it.each(versionsOf(offsetFetchApi))('are read with version %i', (version) => {
    const trial = start();
    const broker = coordinatorOf(trial, 'g');
    trial.get(broker, offsetCommitApi, 9, commitOf('g', 5));
    const ask = (brokerId: number) => {
      const topics = [{ name: 't', topicId: topicId(trial), partitionIndexes: [0, 1] }];
      return trial.get(brokerId, offsetFetchApi, version, {
        groupId: 'g',
        topics,
        groups: [{ groupId: 'g', topics }],
        requireStable: true,
      });
    };
    const found = ask(broker);
    const topics = version < 8 ? found.topics : (found.groups[0]?.topics ?? []);
    expect(topics[0]?.partitions).toMatchObject([
      { partitionIndex: 0, committedOffset: 5n, errorCode: 0 },
      { partitionIndex: 1, committedOffset: -1n, errorCode: 0 },
    ]);
    const refused = ask((broker % 3) + 1);
    const error =
      version < 2
        ? refused.topics[0]?.partitions[1]?.errorCode
        : version < 8
          ? refused.errorCode
          : refused.groups[0]?.errorCode;
    expect(errorName(error ?? -1)).toBe('NOT_COORDINATOR');
  });

  it('are read for all topics, and for ids that nobody knows', () => {
    const trial = start();
    const broker = coordinatorOf(trial, 'g');
    trial.get(broker, offsetCommitApi, 9, commitOf('g', 5));
    const all = trial.get(broker, offsetFetchApi, 10, { groups: [{ groupId: 'g', topics: null }] });
    expect(all.groups[0]?.topics).toMatchObject([
      { topicId: topicId(trial), partitions: [{ committedOffset: 5n }] },
    ]);
    expect(trial.get(broker, offsetFetchApi, 2, { groupId: 'g', topics: null }).topics).toMatchObject([
      { name: 't' },
    ]);
    const lost = trial.get(broker, offsetFetchApi, 10, {
      groups: [
        {
          groupId: 'g',
          topics: [
            { topicId: NOBODY, partitionIndexes: [0] },
            { topicId: topicId(trial), partitionIndexes: [0] },
          ],
        },
      ],
    });
    expect(lost.groups[0]?.topics.map(({ partitions }) => errorName(partitions[0]?.errorCode ?? -1))).toEqual(
      ['UNKNOWN_TOPIC_ID', 'NONE'],
    );
  });

  it('go with the topic', () => {
    const trial = start();
    trial.get(coordinatorOf(trial, 'g'), offsetCommitApi, 9, commitOf('g', 5));
    trial.cluster.deleteTopic('t');
    trial.time.run(100);
    expect(trial.time.observed.at(-1)).toMatchObject({ kind: 'commit-removed', topic: 't', partition: 0 });
  });

  it('and groups are listed, described and deleted', () => {
    const trial = start();
    const broker = coordinatorOf(trial, 'g');
    trial.get(broker, offsetCommitApi, 9, commitOf('g', 5));
    for (const version of versionsOf(listGroupsApi))
      expect(trial.get(broker, listGroupsApi, version, {}).groups.map(({ groupId }) => groupId)).toEqual([
        'g',
      ]);
    for (const version of versionsOf(describeGroupsApi)) {
      const answer = trial.get(broker, describeGroupsApi, version, {
        groups: ['g', 'g-not-there'.slice(0, 1)],
      });
      expect(answer.groups[0]).toMatchObject({ errorCode: 0, groupState: 'Empty' });
    }
    const partition = { partitionIndex: 0 };
    const removed = trial.get(broker, offsetDeleteApi, 0, {
      groupId: 'g',
      topics: [
        { name: 't', partitions: [partition] },
        { name: 'nowhere', partitions: [partition] },
      ],
    });
    expect(removed.topics.map(({ partitions }) => errorName(partitions[0]?.errorCode ?? -1))).toEqual([
      // What is refused before the coordinator is asked comes first.
      'UNKNOWN_TOPIC_OR_PARTITION',
      'NONE',
    ]);
    for (const [version, error] of [
      [0, 'NONE'],
      [1, 'GROUP_ID_NOT_FOUND'],
      [2, 'GROUP_ID_NOT_FOUND'],
    ] as const) {
      const { results } = trial.get(broker, deleteGroupsApi, version, { groupsNames: ['g'] });
      expect(results.map(({ groupId, errorCode }) => [groupId, errorName(errorCode)])).toEqual([
        ['g', error],
      ]);
    }
    expect(trial.get(broker, describeGroupsApi, 5, { groups: ['g'] }).groups[0]).toMatchObject({
      errorCode: 0,
      groupState: 'Dead',
    });
    const [dead] = trial.get(broker, describeGroupsApi, 6, { groups: ['g'] }).groups;
    expect([errorName(dead?.errorCode ?? -1), dead?.groupState]).toEqual(['GROUP_ID_NOT_FOUND', 'Dead']);
  });
});

describe('faults of brokers', () => {
  it('a crash of the coordinator moves the group, and no acknowledged commit is lost', () => {
    const trial = start();
    const { broker, memberId } = stable(trial, 'g');
    const member = { memberId, generationIdOrMemberEpoch: 1 };
    expect(
      trial.get(broker, offsetCommitApi, 9, commitOf('g', 5, member)).topics[0]?.partitions[0]?.errorCode,
    ).toBe(0);
    // Written, and perhaps replicated, but never answered.
    trial.ask(broker, offsetCommitApi, 9, commitOf('g', 6, member));
    trial.cluster.crashBroker(broker);
    trial.time.dropTimers(broker);
    trial.time.run(15_000);
    const next = coordinatorOf(trial, 'g');
    expect(next).not.toBe(broker);
    const answer = trial.get(next, offsetFetchApi, 9, {
      groups: [{ groupId: 'g', topics: [{ name: 't', partitionIndexes: [0] }] }],
    });
    const committed = answer.groups[0]?.topics[0]?.partitions[0]?.committedOffset;
    const accepted = trial.time.observed.flatMap((event) =>
      event.kind === 'commit-accepted' ? [event] : [],
    );
    expect(committed).toBe(BigInt(accepted.at(-1)?.offset ?? -1));
    expect(Number(committed)).toBeGreaterThanOrEqual(5);
    const positions = trial.time.observed.flatMap((event) =>
      'logPosition' in event ? [Number(event.logPosition.offset)] : [],
    );
    expect(positions).toEqual(positions.map((_, i) => i));
  });

  it.each([
    [6_000, ['empty', 'stable', 'empty'], 'UNKNOWN_MEMBER_ID'],
    [10_000, ['empty', 'stable'], 'NONE'],
  ])(
    'while the only broker recovers from a crash, sessions of %i ms run and nobody can reach it',
    (sessionTimeoutMs, states, error) => {
      const trial = start(1);
      const { memberId } = stable(trial, 'g', 9, { sessionTimeoutMs });
      trial.cluster.crashBroker(1);
      trial.time.dropTimers(1);
      trial.time.run(20_000);
      trial.cluster.startBroker(1);
      // A second for the start, and nine until the session of its earlier life is over.
      trial.time.run(9_500);
      expect(trial.cluster.connect(1, { onData: () => undefined, onClose: () => undefined })).toBeNull();
      expect(
        trial.time.observed.flatMap((event) => (event.kind === 'group-generation' ? [event.state] : [])),
      ).toEqual(states);
      trial.time.run(700);
      const beat = { groupId: 'g', generationId: 1, memberId };
      expect(errorName(trial.get(1, heartbeatApi, 4, beat).errorCode)).toBe(error);
    },
  );

  it('a pause of the only broker costs it the leadership and not the group', () => {
    const trial = start(1);
    const { memberId } = stable(trial, 'g');
    trial.cluster.pauseBroker(1);
    trial.time.pause(1);
    // Longer than the controller waits, shorter than the session.
    trial.time.run(9_500);
    expect(trial.cluster.leaderOf(OFFSETS_TOPIC, 0)).toBeNull();
    trial.time.unpause(1);
    trial.cluster.unpauseBroker(1);
    trial.time.run(200);
    const beat = { groupId: 'g', generationId: 1, memberId };
    expect(errorName(trial.get(1, heartbeatApi, 4, beat).errorCode)).toBe('NONE');
    expect(trial.time.observed.filter(({ kind }) => kind === 'group-generation')).toHaveLength(2);
  });
});
