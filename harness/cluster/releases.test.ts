/** What Kafka 3.9 answers otherwise than Kafka 4.3, over the wire, on virtual time. */
import { beforeEach, describe, expect, test } from 'vitest';
import { addGroupCoordinators } from './group/part.ts';
import { kafka39, kafka43 } from './profiles.ts';
import { listOffsetsApi } from './protocol/02-list-offsets.ts';
import { offsetCommitApi } from './protocol/08-offset-commit.ts';
import { offsetFetchApi } from './protocol/09-offset-fetch.ts';
import { findCoordinatorApi } from './protocol/10-find-coordinator.ts';
import { createTopicsApi } from './protocol/19-create-topics.ts';
import { describeConfigsApi } from './protocol/32-describe-configs.ts';
import { offsetDeleteApi } from './protocol/47-offset-delete.ts';
import type { Api } from './protocol/api.ts';
import { errorCode } from './protocol/errors.ts';
import { createSimulatedCluster } from './simulated-cluster.ts';
import { TestClient } from './testing/test-client.ts';
import { VirtualTime } from './testing/virtual-time.ts';

const NO_ID = '0'.repeat(32);
const SHARE = 2;
const RELEASES = [
  ['3.9', kafka39],
  ['4.3', kafka43],
] as const;

describe.each(RELEASES)('Kafka %s', (release, profile) => {
  const isOld = release === '3.9';
  let world: VirtualTime;
  let client: TestClient;

  beforeEach(() => {
    world = new VirtualTime();
    const cluster = createSimulatedCluster({
      brokerCount: 1,
      profile,
      environment: world,
      settings: { offsetsTopicNumPartitions: 1, staticNames: ['log.retention.ms'] },
      parts: [(core) => void addGroupCoordinators(core)],
    });
    cluster.createTopic({ name: 't', partitions: 2, replicationFactor: 1 });
    world.run(100);
    client = new TestClient(cluster, 1);
  });

  function get<Request, Response>(
    api: Api<unknown, Request, Response, unknown>,
    version: number,
    body: Request,
  ): Response {
    const place = client.ask(api, version, body);
    world.run(20);
    if (place.answer === null) throw new Error(`${api.name} was not answered`);
    return place.answer;
  }

  test('a partition whose end is asked for twice', () => {
    const partitions = [0, 0, 1].map((partitionIndex) => ({ partitionIndex, timestamp: -1n }));
    const { topics } = get(listOffsetsApi, 7, { replicaId: -1, topics: [{ name: 't', partitions }] });
    const twice = errorCode('INVALID_REQUEST');
    expect(topics[0]?.partitions.map(({ errorCode: code }) => code)).toEqual(
      isOld ? [twice, twice, 0] : [twice, 0],
    );
  });

  test('offsets that are committed, read and deleted twice in one request', () => {
    const partitions = [5n, 6n].map((committedOffset) => ({
      partitionIndex: 0,
      committedOffset,
      committedMetadata: null,
    }));
    const once = isOld ? [0] : [0, 0];
    const committed = get(offsetCommitApi, 8, { groupId: 'g', topics: [{ name: 't', partitions }] });
    expect(committed.topics[0]?.partitions.map(({ errorCode: code }) => code)).toEqual(once);
    const topics = [{ name: 't', partitionIndexes: [0, 0] }];
    const read = get(offsetFetchApi, 7, { groupId: 'g', topics });
    expect(read.topics[0]?.partitions.map(({ committedOffset }) => Number(committedOffset))).toEqual(
      isOld ? [6] : [6, 6],
    );
    const deleted = get(offsetDeleteApi, 0, {
      groupId: 'g',
      topics: [{ name: 't', partitions: [{ partitionIndex: 0 }, { partitionIndex: 0 }] }],
    });
    expect(deleted.topics[0]?.partitions.map(({ errorCode: code }) => code)).toEqual(once);
  });

  test('a topic of which no partition is asked for', () => {
    const { topics } = get(offsetFetchApi, 7, {
      groupId: 'g',
      topics: [{ name: 't', partitionIndexes: [] }],
    });
    expect(topics).toHaveLength(isOld ? 0 : 1);
  });

  test.each([5, 6])('the coordinator of a share group, version %i', (version) => {
    const { coordinators } = get(findCoordinatorApi, version, { keyType: SHARE, coordinatorKeys: ['s'] });
    const name = isOld && version === 6 ? 'COORDINATOR_NOT_AVAILABLE' : 'INVALID_REQUEST';
    expect(coordinators[0]?.errorCode).toBe(errorCode(name));
  });

  test('a topic that is only checked has an id', () => {
    const { topics } = get(createTopicsApi, 7, {
      topics: [{ name: 'new', numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 1_000,
      validateOnly: true,
    });
    expect(topics[0]).toMatchObject({ errorCode: 0, topicId: expect.not.stringMatching(NO_ID) });
  });

  test("a topic's settings: those that 4.0 dropped, another default, and where one comes from", () => {
    const resources = [{ resourceType: 2, resourceName: 't', configurationKeys: null }];
    const { results } = get(describeConfigsApi, 4, { resources });
    const configs = new Map(results[0]?.configs.map((config) => [config.name, config]));
    for (const name of [
      'message.downconversion.enable',
      'message.format.version',
      'message.timestamp.difference.max.ms',
    ])
      expect(configs.has(name)).toBe(isOld);
    expect(configs.get('message.timestamp.after.max.ms')?.value).toBe(
      isOld ? '9223372036854775807' : '3600000',
    );
    expect(configs.get('retention.ms')?.configSource).toBe(4);
    expect(configs.get('segment.ms')?.configSource).toBe(5);
  });

  test('a setting that 4.0 dropped can be set, or cannot', () => {
    const { topics } = get(createTopicsApi, 7, {
      topics: [
        {
          name: 'new',
          numPartitions: 1,
          replicationFactor: 1,
          assignments: [],
          configs: [{ name: 'message.downconversion.enable', value: 'false' }],
        },
      ],
      timeoutMs: 1_000,
      validateOnly: false,
    });
    expect(topics[0]?.errorCode).toBe(isOld ? 0 : errorCode('INVALID_CONFIG'));
  });
});
