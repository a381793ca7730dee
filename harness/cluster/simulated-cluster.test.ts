/** The cluster's behaviour over the wire, on virtual time: replication, elections, waiting, faults. */
import { beforeEach, describe, expect, test } from 'vitest';
import { buildBatch, RecordBatch, readRecords } from './log/record-batch.ts';
import { kafka39, kafka43, type Profile } from './profiles.ts';
import { produceApi } from './protocol/00-produce.ts';
import { fetchApi } from './protocol/01-fetch.ts';
import { listOffsetsApi } from './protocol/02-list-offsets.ts';
import { metadataApi } from './protocol/03-metadata.ts';
import { apiVersionsApi } from './protocol/18-api-versions.ts';
import { createTopicsApi } from './protocol/19-create-topics.ts';
import { deleteTopicsApi } from './protocol/20-delete-topics.ts';
import { deleteRecordsApi } from './protocol/21-delete-records.ts';
import { initProducerIdApi } from './protocol/22-init-producer-id.ts';
import { offsetForLeaderEpochApi } from './protocol/23-offset-for-leader-epoch.ts';
import { describeConfigsApi } from './protocol/32-describe-configs.ts';
import { createPartitionsApi } from './protocol/37-create-partitions.ts';
import { incrementalAlterConfigsApi } from './protocol/44-incremental-alter-configs.ts';
import { errorCode, errorName } from './protocol/errors.ts';
import type { ClusterSettings } from './settings.ts';
import {
  createSimulatedCluster,
  type LeadershipChange,
  OFFSETS_TOPIC,
  type SimulatedCluster,
} from './simulated-cluster.ts';
import { TestClient } from './testing/test-client.ts';
import { VirtualTime } from './testing/virtual-time.ts';

const TOPIC = 'orders';
const ALL = -1;

let world: VirtualTime;
let cluster: SimulatedCluster;

function start(
  brokerCount: number,
  settings: Partial<ClusterSettings> = {},
  more: {
    profile?: Profile;
    partitions?: number;
  } = {},
): void {
  world = new VirtualTime();
  cluster = createSimulatedCluster({
    brokerCount,
    profile: more.profile ?? kafka43,
    settings: { replicationDelay: { minMs: 5, maxMs: 5 }, brokerSessionTimeoutMs: 500, ...settings },
    environment: world,
  });
  cluster.createTopic({ name: TOPIC, partitions: more.partitions ?? 1, replicationFactor: brokerCount });
}

const batchOf = (values: readonly string[], fields: object = {}): Buffer =>
  buildBatch(
    { baseOffset: 0, leaderEpoch: -1, timestampMs: world.nowMs, ...fields },
    values.map((value) => ({ key: null, value: Buffer.from(value) })),
  ).bytes;

const leader = (): number => cluster.leaderOf(TOPIC, 0) as number;
const followers = (): number[] => cluster.brokerIds.filter((id) => id !== leader());
const isr = (): readonly number[] => cluster.image.topics.get(TOPIC)?.partitions[0]?.isr ?? [];

const sorted = (ids: readonly number[]): number[] => [...ids].sort((left, right) => left - right);

const produceRequest = (records: Buffer, acks: number, timeoutMs = 1_000) => ({
  acks,
  timeoutMs,
  topicData: [{ name: TOPIC, partitionData: [{ index: 0, records }] }],
});

const produced = (client: TestClient, values: readonly string[], acks = ALL, timeoutMs = 1_000) =>
  client.ask(produceApi, 7, produceRequest(batchOf(values), acks, timeoutMs));

const outcome = ({ answer }: ReturnType<typeof produced>) => {
  const partition = answer?.responses[0]?.partitionResponses[0];
  return partition && [errorName(partition.errorCode), Number(partition.baseOffset)];
};

interface FetchOptions {
  readonly offset?: number;
  readonly minBytes?: number;
  readonly maxWaitMs?: number;
  readonly maxBytes?: number;
  readonly partitionMaxBytes?: number;
  readonly isolationLevel?: number;
  readonly currentLeaderEpoch?: number;
  readonly version?: number;
  readonly rackId?: string;
}

const fetched = (client: TestClient, options: FetchOptions = {}) =>
  client.ask(fetchApi, options.version ?? 11, {
    maxWaitMs: options.maxWaitMs ?? 0,
    minBytes: options.minBytes ?? 1,
    maxBytes: options.maxBytes ?? 1_000_000,
    isolationLevel: options.isolationLevel ?? 0,
    rackId: options.rackId ?? '',
    topics: [
      {
        topic: TOPIC,
        partitions: [
          {
            partition: 0,
            fetchOffset: BigInt(options.offset ?? 0),
            partitionMaxBytes: options.partitionMaxBytes ?? 1_000_000,
            currentLeaderEpoch: options.currentLeaderEpoch ?? -1,
          },
        ],
      },
    ],
  });

const only = ({ answer }: ReturnType<typeof fetched>) => answer?.responses[0]?.partitions[0];

function values(place: ReturnType<typeof fetched>): string[] {
  let bytes = Buffer.from(only(place)?.records ?? []);
  const found: string[] = [];
  while (bytes.length > 12 && bytes.length >= 12 + bytes.readInt32BE(8)) {
    const end = 12 + bytes.readInt32BE(8);
    const batch = new RecordBatch(bytes.subarray(0, end));
    if (!batch.isControl) for (const { value } of readRecords(batch)) found.push(String(value));
    bytes = bytes.subarray(end);
  }
  return found;
}

const listed = (client: TestClient, timestamp: bigint, version = 5) =>
  client.ask(listOffsetsApi, version, {
    replicaId: -1,
    topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, timestamp }] }],
  });

const found = ({ answer }: ReturnType<typeof listed>) => {
  const partition = answer?.topics[0]?.partitions[0];
  return partition && [errorName(partition.errorCode), Number(partition.offset)];
};

function crash(brokerId: number): void {
  cluster.crashBroker(brokerId);
  world.dropTimers(brokerId);
}

describe('produce', () => {
  beforeEach(() => start(3, { minInsyncReplicas: 2 }));

  test('acks all is answered when the followers have the batch, and the high watermark trails until then', () => {
    const client = new TestClient(cluster, leader());
    const place = produced(client, ['a', 'b']);
    world.run(4);
    expect(place.answer).toBeNull();
    expect(cluster.logOffsets(TOPIC, 0)).toMatchObject({ highWatermark: 0n, logEndOffset: 2n });
    world.run(1);
    expect(outcome(place)).toEqual(['NONE', 0]);
    expect(cluster.logOffsets(TOPIC, 0)).toMatchObject({ highWatermark: 2n });
  });

  test('acks 1 is answered at once, acks 0 not at all', () => {
    const client = new TestClient(cluster, leader());
    expect(outcome(produced(client, ['a'], 1))).toEqual(['NONE', 0]);
    expect(produced(client, ['b'], 0).answer).toBeNull();
    expect(outcome(produced(client, ['c'], 1))).toEqual(['NONE', 2]);
    expect(client.order).toEqual([1, 3]);
  });

  test('acks 0 with an error closes the connection', () => {
    const client = new TestClient(cluster, followers()[0] as number);
    produced(client, ['a'], 0);
    expect(client.closed).toBe('ended');
  });

  test('a follower refuses, and so does a broker for a topic that nobody knows', () => {
    const client = new TestClient(cluster, followers()[0] as number);
    expect(outcome(produced(client, ['a']))).toEqual(['NOT_LEADER_OR_FOLLOWER', -1]);
    const place = client.ask(produceApi, 7, {
      acks: 1,
      timeoutMs: 1,
      topicData: [{ name: 'nothing', partitionData: [{ index: 0, records: batchOf(['a']) }] }],
    });
    expect(outcome(place)).toEqual(['UNKNOWN_TOPIC_OR_PARTITION', -1]);
  });

  test('too few in-sync replicas: acks all is refused, acks 1 is written and not readable', () => {
    const [first, second] = followers();
    crash(first as number);
    crash(second as number);
    world.run(600);
    expect(isr()).toEqual([leader()]);
    const client = new TestClient(cluster, leader());
    expect(outcome(produced(client, ['a']))).toEqual(['NOT_ENOUGH_REPLICAS', -1]);
    expect(outcome(produced(client, ['b'], 1))).toEqual(['NONE', 0]);
    expect(cluster.logOffsets(TOPIC, 0)).toMatchObject({ highWatermark: 0n, logEndOffset: 1n });
  });

  test('a follower that cannot be reached: time-out, then it leaves the set and the watermark goes on', () => {
    start(3, { minInsyncReplicas: 1, replicaLagTimeMaxMs: 2_000 });
    for (const id of followers()) cluster.isolateBroker(leader(), id);
    const client = new TestClient(cluster, leader());
    const place = produced(client, ['a'], ALL, 1_000);
    world.run(1_000);
    expect(outcome(place)).toEqual(['REQUEST_TIMED_OUT', -1]);
    world.run(2_500);
    expect(isr()).toEqual([leader()]);
    expect(cluster.logOffsets(TOPIC, 0)).toMatchObject({ highWatermark: 1n });
    for (const id of followers()) cluster.isolateBroker(leader(), id, false);
    world.run(100);
    expect(sorted(isr())).toEqual([1, 2, 3]);
  });

  test.each([
    ['a broken checksum', (bytes: Buffer) => bytes.fill(0xff, 62), 'CORRUPT_MESSAGE'],
    ['too many bytes', () => batchOf(['x'.repeat(2_000_000)]), 'MESSAGE_TOO_LARGE'],
    ['two batches', (bytes: Buffer) => Buffer.concat([bytes, bytes]), 'INVALID_RECORD'],
    ['a time far ahead', () => batchOf(['a'], { timestampMs: world.nowMs + 3_700_000 }), 'INVALID_TIMESTAMP'],
  ])('%s is refused', (_name, change, error) => {
    const client = new TestClient(cluster, leader());
    const place = client.ask(produceApi, 7, produceRequest(change(batchOf(['abc'])), 1));
    expect(outcome(place)).toEqual([error, -1]);
    expect(cluster.logOffsets(TOPIC, 0)).toMatchObject({ logEndOffset: 0n });
  });

  test('an idempotent batch that comes again is answered with the offset of the first', () => {
    const client = new TestClient(cluster, leader());
    const { answer } = client.ask(initProducerIdApi, 1, { transactionalId: null, transactionTimeoutMs: 0 });
    const records = batchOf(['a'], {
      producerId: Number(answer?.producerId),
      producerEpoch: 0,
      baseSequence: 0,
    });
    const places = [0, 1].map(() => client.ask(produceApi, 7, produceRequest(records, ALL)));
    world.run(20);
    expect(places.map(outcome)).toEqual([
      ['NONE', 0],
      ['NONE', 0],
    ]);
    expect(cluster.logOffsets(TOPIC, 0)).toMatchObject({ logEndOffset: 1n });
  });

  test('by topic id from version 13 on', () => {
    const client = new TestClient(cluster, leader());
    const ask = (topicId: string) =>
      client.ask(produceApi, 13, {
        acks: 1,
        timeoutMs: 1,
        topicData: [{ topicId, partitionData: [{ index: 0, records: batchOf(['a']) }] }],
      });
    expect(outcome(ask(cluster.image.topics.get(TOPIC)?.id as string))).toEqual(['NONE', 0]);
    expect(outcome(ask('f'.repeat(32)))).toEqual(['UNKNOWN_TOPIC_ID', -1]);
  });
});

describe('fetch', () => {
  beforeEach(() => start(3));

  const fill = (count: number) => {
    const client = new TestClient(cluster, leader());
    for (let index = 0; index < count; index++) produced(client, [`v${index}`], 1);
    world.run(20);
    return client;
  };

  test('gives what is below the high watermark, from the offset on', () => {
    const client = fill(3);
    produced(client, ['not yet'], 1);
    expect(values(fetched(client, { offset: 1 }))).toEqual(['v1', 'v2']);
    expect(only(fetched(client, { offset: 3 }))).toMatchObject({ errorCode: 0, highWatermark: 3n });
  });

  test('waits for enough bytes, and no longer than it may', () => {
    const client = fill(0);
    const place = fetched(client, { maxWaitMs: 100 });
    world.run(50);
    expect(place.answer).toBeNull();
    const other = new TestClient(cluster, leader());
    produced(other, ['a'], 1);
    expect(place.answer, 'written, and not yet replicated').toBeNull();
    world.run(5);
    expect(values(place)).toEqual(['a']);
    const late = fetched(client, { offset: 1, maxWaitMs: 100 });
    world.run(99);
    expect(late.answer).toBeNull();
    world.run(1);
    expect(values(late)).toEqual([]);
    expect(only(late)?.errorCode).toBe(0);
  });

  test('the next request of a connection waits for the answer to the one before', () => {
    const client = fill(1);
    fetched(client, { offset: 1, maxWaitMs: 100 });
    const next = listed(client, -1n);
    world.run(99);
    expect(next.answer).toBeNull();
    world.run(1);
    expect(client.order.slice(-2)).toEqual([2, 3]);
  });

  test('limits: a first batch whole, then as many bytes as fit, the last cut short', () => {
    const client = fill(5);
    const size = batchOf(['v0']).length;
    expect(values(fetched(client, { partitionMaxBytes: 1 }))).toEqual(['v0']);
    const place = fetched(client, { partitionMaxBytes: size * 2 + 5 });
    expect(values(place)).toEqual(['v0', 'v1']);
    expect(only(place)?.records?.length).toBe(size * 2 + 5);
    expect(values(fetched(client, { maxBytes: size }))).toEqual(['v0']);
  });

  test('limits over several partitions: only the first batch of all may be too large', () => {
    start(1, {}, { partitions: 2 });
    const client = new TestClient(cluster, 1);
    for (const index of [0, 1])
      client.ask(produceApi, 7, {
        acks: 1,
        timeoutMs: 1,
        topicData: [{ name: TOPIC, partitionData: [{ index, records: batchOf(['v0']) }] }],
      });
    const sizes = (maxBytes: number) => {
      const partitions = [0, 1].map((partition) => ({
        partition,
        fetchOffset: 0n,
        partitionMaxBytes: 1_000,
      }));
      const request = { maxWaitMs: 0, minBytes: 1, maxBytes, topics: [{ topic: TOPIC, partitions }] };
      const { answer } = client.ask(fetchApi, 11, request);
      return answer?.responses[0]?.partitions.map(({ records }) => records?.length);
    };
    const size = batchOf(['v0']).length;
    expect(sizes(1)).toEqual([size, 0]);
    expect(sizes(size + 10)).toEqual([size, 10]);
    expect(sizes(2 * size)).toEqual([size, size]);
  });

  test('offsets outside of the log, and leader epochs that are not the present one', () => {
    const client = fill(2);
    const error = (options: FetchOptions) => errorName(only(fetched(client, options))?.errorCode ?? -2);
    expect(error({ offset: 3 })).toBe('OFFSET_OUT_OF_RANGE');
    expect(error({ offset: -1 })).toBe('OFFSET_OUT_OF_RANGE');
    expect(error({ offset: 2 })).toBe('NONE');
    expect(error({ currentLeaderEpoch: 1 })).toBe('UNKNOWN_LEADER_EPOCH');
    cluster.moveLeader(TOPIC, 0, followers()[0] as number);
    cluster.moveLeader(TOPIC, 0, followers()[0] as number);
    world.run(20);
    const moved = new TestClient(cluster, leader());
    expect(errorName(only(fetched(moved, { currentLeaderEpoch: 0 }))?.errorCode ?? -2)).toBe(
      'FENCED_LEADER_EPOCH',
    );
  });

  test('a follower answers clients that know of followers, up to its own watermark', () => {
    fill(2);
    const client = new TestClient(cluster, followers()[0] as number);
    expect(errorName(only(fetched(client, { version: 10 }))?.errorCode ?? -2)).toBe('NOT_LEADER_OR_FOLLOWER');
    expect(only(fetched(client))?.errorCode).toBe(0);
  });

  test('a consumer in the rack of a follower is sent there', () => {
    start(3, { rackAwareReplicaSelector: true, racks: { 1: 'a', 2: 'b', 3: 'c' } });
    const client = fill(1);
    const follower = followers()[0] as number;
    expect(only(fetched(client, { rackId: 'abc'[follower - 1] ?? '' }))?.preferredReadReplica).toBe(follower);
    const reader = new TestClient(cluster, follower);
    const first = fetched(reader, { maxWaitMs: 100 });
    world.run(10);
    expect(values(first)).toEqual(['v0']);
    produced(client, ['v1'], 1);
    const second = fetched(reader, { offset: 1, maxWaitMs: 100 });
    world.run(15);
    expect(values(second), 'as soon as it is committed').toEqual(['v1']);
    expect(only(fetched(client, { rackId: 'abc'[leader() - 1] ?? '' }))?.preferredReadReplica).toBe(-1);
  });

  test('a wait ends when the leader moves away', () => {
    const client = fill(0);
    const place = fetched(client, { maxWaitMs: 1_000, version: 10 });
    cluster.moveLeader(TOPIC, 0, followers()[0] as number);
    world.run(10);
    expect(errorName(only(place)?.errorCode ?? -2)).toBe('NOT_LEADER_OR_FOLLOWER');
  });

  test('a deleted topic is unknown, and one of the same name has another id', () => {
    const client = fill(1);
    const id = cluster.image.topics.get(TOPIC)?.id;
    const place = fetched(client, { offset: 1, maxWaitMs: 1_000 });
    cluster.deleteTopic(TOPIC);
    world.run(10);
    expect(errorName(only(place)?.errorCode ?? -2)).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    cluster.createTopic({ name: TOPIC, partitions: 1, replicationFactor: 3 });
    expect(cluster.image.topics.get(TOPIC)?.id).not.toBe(id);
    expect(cluster.logOffsets(TOPIC, 0)).toMatchObject({ logEndOffset: 0n });
  });
});

describe('brokers that go and come', () => {
  test('a crash: reset connections, an election after the session time-out, a new epoch', () => {
    start(3);
    const old = leader();
    const client = new TestClient(cluster, old);
    crash(old);
    expect(client.closed).toBe('reset');
    expect(cluster.connect(old, { onData: () => undefined, onClose: () => undefined })).toBeNull();
    world.run(499);
    expect(leader()).toBe(old);
    world.run(1);
    expect(leader()).not.toBe(old);
    expect(isr()).not.toContain(old);
    world.run(5);
    const next = new TestClient(cluster, leader());
    const { answer } = next.ask(metadataApi, 9, { topics: null });
    expect(answer?.brokers.map(({ nodeId }) => nodeId)).not.toContain(old);
    expect(answer?.topics.find(({ name }) => name === TOPIC)?.partitions[0]).toMatchObject({
      leaderId: leader(),
      leaderEpoch: 1,
      offlineReplicas: [old],
    });
  });

  test('a broker that comes back is truncated to what the new leader has, and joins the set again', () => {
    start(3, { minInsyncReplicas: 1 });
    const old = leader();
    const client = new TestClient(cluster, old);
    produced(client, ['kept']);
    world.run(20);
    for (const id of followers()) cluster.isolateBroker(old, id);
    produced(client, ['lost'], 1);
    crash(old);
    for (const id of cluster.brokerIds) if (id !== old) cluster.isolateBroker(old, id, false);
    world.run(510);
    expect(leader()).not.toBe(old);
    produced(new TestClient(cluster, leader()), ['instead'], 1);
    cluster.startBroker(old);
    world.run(2_000);
    expect(cluster.phase(old)).toBe('running');
    expect(sorted(isr())).toEqual([1, 2, 3]);
    cluster.moveLeader(TOPIC, 0, old);
    world.run(20);
    expect(leader()).toBe(old);
    expect(values(fetched(new TestClient(cluster, old)))).toEqual(['kept', 'instead']);
  });

  describe('one node of several is the active controller', () => {
    const electing = { controllerElectionDelay: { minMs: 2_000, maxMs: 2_000 } };
    /** @returns how long it took until the topic that the broker led had another leader; milliseconds */
    function failoverMs(fault: (id: number) => void): number[] {
      return [0, 1, 2].map((partition) => {
        start(3, electing, { partitions: 3 });
        const id = cluster.leaderOf(TOPIC, partition) as number;
        fault(id);
        const startMs = world.nowMs;
        while (cluster.leaderOf(TOPIC, partition) === id && world.nowMs < startMs + 5_000) world.run(10);
        return world.nowMs - startMs;
      });
    }

    test.each([
      ['crashes', (id: number) => crash(id)],
      ['freezes', (id: number) => cluster.pauseBroker(id)],
    ])('where it %s, what it led has to wait for another controller and a session', (_what, fault) => {
      const [first, second, third] = failoverMs(fault).sort((one, other) => one - other);
      expect([first, second]).toEqual([500, 500]);
      expect(third).toBe(2_500);
    });

    test('where it freezes for a moment, it goes on', () => {
      const asked = (id: number): string => {
        cluster.pauseBroker(id);
        world.run(1_000);
        cluster.unpauseBroker(id);
        world.run(100);
        const client = new TestClient(cluster, id);
        const topics = [{ name: 'new', numPartitions: 1, replicationFactor: 3 }];
        const created = client.ask(createTopicsApi, 7, { topics });
        world.run(50);
        return created.answer?.topics.map((one) => errorName(one.errorCode)).join() ?? 'no answer';
      };
      expect(
        [1, 2, 3].map((id) => {
          start(3, electing);
          return asked(id);
        }),
      ).toEqual(['NONE', 'NONE', 'NONE']);
    });

    test('what is asked of the controller meanwhile waits for the next one', () => {
      const answersMs = [1, 2, 3].map((id) => {
        start(3, electing);
        crash(id);
        const client = new TestClient(cluster, (id % 3) + 1);
        const topics = [{ name: 'new', numPartitions: 1, replicationFactor: 2 }];
        const created = client.ask(createTopicsApi, 7, { topics });
        const startMs = world.nowMs;
        while ((created.answer ?? null) === null && world.nowMs < startMs + 5_000) world.run(10);
        return world.nowMs - startMs;
      });
      expect(answersMs.filter((ms) => ms >= 2_000 && ms < 2_100)).toHaveLength(1);
      expect(answersMs.filter((ms) => ms < 100)).toHaveLength(2);
    });
  });

  test('a controlled shutdown moves the leaders first', () => {
    start(3);
    const old = leader();
    const client = new TestClient(cluster, old);
    let isStopped = false;
    cluster.stopBroker(old, () => {
      isStopped = true;
    });
    world.run(10);
    expect(leader()).not.toBe(old);
    expect(client.closed).toBe('open');
    expect(outcome(produced(client, ['a'], 1))).toEqual(['NOT_LEADER_OR_FOLLOWER', -1]);
    world.run(200);
    expect([isStopped, client.closed, cluster.phase(old)]).toEqual([true, 'ended', 'down']);
    cluster.startBroker(old);
    world.run(2_000);
    expect(sorted(isr())).toEqual([1, 2, 3]);
  });

  test('the only broker: down means no leader, and what was written is there afterwards', () => {
    start(1);
    const client = new TestClient(cluster, 1);
    produced(client, ['a']);
    let isStopped = false;
    cluster.stopBroker(1, () => (isStopped = true));
    // From the beginning of the shutdown on, while it still answers (handleBrokerInControlledShutdown).
    world.run(10);
    expect(cluster.leaderOf(TOPIC, 0)).toBeNull();
    expect(outcome(produced(client, ['b'], 1))).toEqual(['NOT_LEADER_OR_FOLLOWER', -1]);
    world.run(600);
    expect([isStopped, cluster.leaderOf(TOPIC, 0)]).toEqual([true, null]);
    cluster.startBroker(1);
    // A clean shutdown ended its session, so that it is back as soon as it has started.
    world.run(1_100);
    expect([cluster.phase(1), cluster.leaderOf(TOPIC, 0)]).toEqual(['running', 1]);
    expect(values(fetched(new TestClient(cluster, 1)))).toEqual(['a']);
  });

  test('the only broker, crashed: its controller ends the session of its earlier life before it lets it in', () => {
    start(1);
    produced(new TestClient(cluster, 1), ['a']);
    const epoch = () => cluster.image.topics.get(TOPIC)?.partitions[0]?.leaderEpoch;
    const before = epoch() as number;
    crash(1);
    // Much longer than the session, in which nobody was there to end it.
    world.run(5_000);
    expect([cluster.phase(1), cluster.leaderOf(TOPIC, 0), epoch()]).toEqual(['down', 1, before]);
    cluster.startBroker(1);
    world.run(1_400);
    expect([cluster.phase(1), cluster.leaderOf(TOPIC, 0), epoch()]).toEqual(['recovering', 1, before]);
    expect(cluster.connect(1, { onData: () => {}, onClose: () => {} })).toBeNull();
    crash(1);
    cluster.startBroker(1);
    world.run(1_400);
    expect(cluster.phase(1)).toBe('recovering');
    world.run(300);
    expect([cluster.phase(1), cluster.leaderOf(TOPIC, 0), epoch()]).toEqual(['running', 1, before + 2]);
    expect(values(fetched(new TestClient(cluster, 1)))).toEqual(['a']);
  });

  test.each([
    ['ends', false],
    ['begins', true],
  ])(
    'the only broker, crashed, is let in when it was to be, although what cuts it off %s then',
    (_, begins) => {
      start(1);
      crash(1);
      if (!begins) cluster.isolateFromController(1);
      cluster.startBroker(1);
      world.run(1_400);
      expect(cluster.phase(1)).toBe('recovering');
      // Heartbeats begin with the registration: there is none yet that could be heard, or missed.
      cluster.isolateFromController(1, begins);
      world.run(300);
      expect([cluster.phase(1), cluster.leaderOf(TOPIC, 0)]).toEqual(['running', 1]);
    },
  );

  test('partitions that nobody could lead are not made: the only broker is shutting down', () => {
    start(1);
    cluster.stopBroker(1);
    world.run(10);
    expect(cluster.core.controller.createPartitions(TOPIC, 2, null)).toEqual({
      errorCode: errorCode('INVALID_REPLICATION_FACTOR'),
      message: 'Unable to replicate the partition 1 time(s): All brokers are currently fenced.',
    });
    expect(cluster.createTopic({ name: 'other', partitions: 1, replicationFactor: 1 }).errorCode).not.toBe(0);
  });

  test('a broker that is shutting down is no place for a replica, and one that is gone is', () => {
    start(3);
    const made = (name: string) =>
      errorName(cluster.createTopic({ name, partitions: 1, replicationFactor: 3 }).errorCode);
    cluster.stopBroker(2);
    world.run(10);
    expect(made('too-early')).toBe('INVALID_REPLICATION_FACTOR');
    world.run(1_000);
    expect([cluster.phase(2), made('later')]).toEqual(['down', 'NONE']);
  });

  test.each([
    ['cleanly nobody else is elected', false],
    ['uncleanly somebody is, and records are lost', true],
  ])('the whole in-sync set is down: %s', (_name, isUnclean) => {
    start(3, { uncleanLeaderElectionEnable: isUnclean, replicaLagTimeMaxMs: 1_000 }, { profile: kafka39 });
    const old = leader();
    for (const id of followers()) cluster.isolateBroker(old, id);
    produced(new TestClient(cluster, old), ['lost'], 1);
    world.run(2_500);
    expect(isr()).toEqual([old]);
    crash(old);
    world.run(600);
    expect(cluster.leaderOf(TOPIC, 0) !== null).toBe(isUnclean);
    expect(cluster.leaderOf(TOPIC, 0)).not.toBe(old);
    cluster.startBroker(old);
    for (const id of cluster.brokerIds) if (id !== old) cluster.isolateBroker(old, id, false);
    world.run(3_000);
    expect(cluster.readPartition(TOPIC, 0)?.records.length).toBe(isUnclean ? 0 : 1);
  });

  test('with KIP-966 a member that left below the minimum may still lead, with all that was committed', () => {
    start(3, { minInsyncReplicas: 2 });
    const old = leader();
    const client = new TestClient(cluster, old);
    produced(client, ['committed']);
    world.run(20);
    const [first, second] = followers() as [number, number];
    for (const id of [first, second]) {
      cluster.stopBroker(id);
      world.run(200);
    }
    produced(client, ['not committed'], 1);
    cluster.stopBroker(old);
    world.run(1_000);
    for (const id of [first, second]) cluster.startBroker(id);
    world.run(2_000);
    expect(leader()).toBe(second);
    expect(values(fetched(new TestClient(cluster, second)))).toEqual(['committed']);
  });

  test('a paused broker is fenced, and acts on old metadata for a moment when it goes on', () => {
    start(3);
    const old = leader();
    const client = new TestClient(cluster, old);
    cluster.pauseBroker(old);
    world.pause(old);
    const place = produced(client, ['zombie'], 1);
    world.run(600);
    expect(place.answer).toBeNull();
    expect(leader()).not.toBe(old);
    world.unpause(old);
    cluster.unpauseBroker(old);
    expect(outcome(place)).toEqual(['NONE', 0]);
    world.run(50);
    expect(outcome(produced(client, ['late'], 1))).toEqual(['NOT_LEADER_OR_FOLLOWER', -1]);
    expect(sorted(isr())).toEqual([1, 2, 3]);
    expect(cluster.readPartition(TOPIC, 0)?.records).toEqual([]);
  });

  test('a short pause goes unnoticed', () => {
    start(3);
    const old = leader();
    cluster.pauseBroker(old);
    world.pause(old);
    world.run(400);
    world.unpause(old);
    cluster.unpauseBroker(old);
    world.run(1_000);
    expect([leader(), isr().length]).toEqual([old, 3]);
  });

  test('a new leader whose watermark trails does not yet say where the log ends (KIP-207)', () => {
    start(3);
    const old = leader();
    produced(new TestClient(cluster, old), ['a'], 1);
    // The followers have the record, and learn that it is committed only with their next fetch.
    world.run(5);
    const next = followers()[0] as number;
    cluster.moveLeader(TOPIC, 0, next);
    world.run(1);
    const client = new TestClient(cluster, next);
    expect(found(listed(client, -1n))).toEqual(['OFFSET_NOT_AVAILABLE', -1]);
    expect(found(listed(client, -1n, 4))).toEqual(['LEADER_NOT_AVAILABLE', -1]);
    world.run(10);
    expect(found(listed(client, -1n))).toEqual(['NONE', 1]);
  });
});

describe('coordinator logs', () => {
  test('are told of leadership, and keep what was confirmed through a change of leader', () => {
    world = new VirtualTime();
    const changes: [number, LeadershipChange, number][] = [];
    cluster = createSimulatedCluster({
      brokerCount: 3,
      profile: kafka43,
      environment: world,
      settings: { offsetsTopicNumPartitions: 3, brokerSessionTimeoutMs: 500 },
      parts: [
        (core) =>
          core.onLeadership(OFFSETS_TOPIC, (partition, change, broker) =>
            changes.push([partition, change, broker.brokerId]),
          ),
      ],
    });
    expect(sorted(changes.map(([partition]) => partition))).toEqual([0, 1, 2]);
    const { core } = cluster;
    const old = cluster.leaderOf(OFFSETS_TOPIC, 0) as number;
    const log = core.coordinatorLog(OFFSETS_TOPIC, 0, old);
    expect(core.coordinatorLog(OFFSETS_TOPIC, 0, old), 'the same for the same term').toBe(log);
    const results: [number, bigint][] = [];
    const record = (text: string) => ({ key: Buffer.from(text), value: null });
    log?.append([record('a'), record('b')], (error, offset) => results.push([error, offset]));
    expect(results, 'never at once').toEqual([]);
    world.run(5);
    expect(results).toEqual([[0, 0n]]);
    changes.length = 0;
    crash(old);
    expect(changes).toContainEqual([0, 'resigned', old]);
    world.run(510);
    const next = cluster.leaderOf(OFFSETS_TOPIC, 0) as number;
    expect(changes).toContainEqual([0, 'elected', next]);
    const keys = [...(core.coordinatorLog(OFFSETS_TOPIC, 0, next)?.read() ?? [])].map(({ key }) =>
      String(key),
    );
    expect(keys).toEqual(['a', 'b']);
    expect(core.coordinatorLog(OFFSETS_TOPIC, 0, old)).toBeNull();
    log?.append([record('late')], (error, offset) => results.push([error, offset]));
    world.run(1);
    // The old broker is down, and its timers with it; a former leader that lives is told that it is none.
    expect(core.partitionCount(OFFSETS_TOPIC, next)).toBe(3);
    expect(core.leaderNode(OFFSETS_TOPIC, 0, next)).toEqual({
      id: next,
      host: `kafka-${next}`,
      port: 9092,
      rack: null,
    });
  });
});

test('a coordinator log of one replica confirms at once, and yet never synchronously', () => {
  start(1);
  const results: bigint[] = [];
  const log = cluster.core.coordinatorLog(OFFSETS_TOPIC, 0, 1);
  log?.append([{ key: Buffer.from('a'), value: null }], (_error, offset) => results.push(offset));
  expect(results).toEqual([]);
  world.run(0);
  expect(results).toEqual([0n]);
});

describe('administration', () => {
  const ask = () => new TestClient(cluster, 1);
  beforeEach(() => start(3));

  test('topics are created, grown, configured and deleted', () => {
    const client = ask();
    const created = client.ask(createTopicsApi, 7, {
      topics: [
        {
          name: 'new',
          numPartitions: 2,
          replicationFactor: 2,
          configs: [{ name: 'retention.ms', value: '5000' }],
        },
        { name: TOPIC, numPartitions: 1, replicationFactor: 1 },
        { name: 'too/odd', numPartitions: 1, replicationFactor: 1 },
        { name: 'wide', numPartitions: 1, replicationFactor: 9 },
        { name: 'empty', numPartitions: 0, replicationFactor: 1 },
        { name: 'wrong', numPartitions: 1, replicationFactor: 1, configs: [{ name: 'nothing', value: '1' }] },
      ],
    });
    world.run(5);
    expect(created.answer?.topics.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'NONE',
      'TOPIC_ALREADY_EXISTS',
      'INVALID_TOPIC_EXCEPTION',
      'INVALID_REPLICATION_FACTOR',
      'INVALID_PARTITIONS',
      'INVALID_CONFIG',
    ]);
    const grow = (...names: string[]) => {
      const topics = names.map((name) => ({ name, count: 5, assignments: null }));
      const grown = client.ask(createPartitionsApi, 3, { topics, timeoutMs: 1, validateOnly: false });
      world.run(5);
      return grown.answer?.results.map(({ errorCode }) => errorName(errorCode));
    };
    // What is named twice is refused once.
    expect(grow('new', 'new')).toEqual(['INVALID_REQUEST']);
    expect(grow('new')).toEqual(['NONE']);
    expect(grow('new')).toEqual(['INVALID_PARTITIONS']);
    const altered = client.ask(incrementalAlterConfigsApi, 1, {
      resources: [
        {
          resourceType: 2,
          resourceName: 'new',
          configs: [
            { name: 'retention.ms', configOperation: 1, value: null },
            { name: 'cleanup.policy', configOperation: 2, value: 'compact' },
          ],
        },
      ],
      validateOnly: false,
    });
    world.run(5);
    expect(altered.answer?.responses[0]?.errorCode).toBe(0);
    const { answer } = client.ask(describeConfigsApi, 4, {
      resources: [
        { resourceType: 2, resourceName: 'new', configurationKeys: ['retention.ms', 'cleanup.policy'] },
      ],
    });
    expect(
      answer?.results[0]?.configs.map(({ name, value, configSource }) => [name, value, configSource]),
    ).toEqual([
      // Added to what it was by default.
      ['cleanup.policy', 'delete,compact', 1],
      ['retention.ms', '604800000', 5],
    ]);
    const deleted = client.ask(deleteTopicsApi, 6, {
      topics: [{ name: 'new' }, { name: null, topicId: 'e'.repeat(32) }],
      timeoutMs: 1,
    });
    world.run(5);
    expect(deleted.answer?.responses.map(({ errorCode }) => errorName(errorCode))).toEqual([
      'NONE',
      'UNKNOWN_TOPIC_ID',
    ]);
    expect(cluster.image.topics.has('new')).toBe(false);
  });

  test('records are deleted on all replicas, and not beyond the high watermark', () => {
    const client = new TestClient(cluster, leader());
    produced(client, ['a', 'b', 'c'], 1);
    world.run(20);
    const remove = (offset: bigint) =>
      client.ask(deleteRecordsApi, 2, {
        topics: [{ name: TOPIC, partitions: [{ partitionIndex: 0, offset }] }],
        timeoutMs: 1_000,
      });
    const outcomes = [remove(2n), remove(4n), remove(-1n)];
    world.run(50);
    expect(
      outcomes.map(({ answer }) => {
        const partition = answer?.topics[0]?.partitions[0];
        return [errorName(partition?.errorCode ?? -2), partition?.lowWatermark];
      }),
    ).toEqual([
      ['NONE', 2n],
      ['OFFSET_OUT_OF_RANGE', -1n],
      ['NONE', 3n],
    ]);
    expect(found(listed(client, -2n))).toEqual(['NONE', 3]);
    for (const id of cluster.brokerIds)
      expect(
        cluster.core.broker(id).storedLog(cluster.image.topics.get(TOPIC)?.id ?? '', 0)?.logStartOffset,
      ).toBe(3);
  });

  test('records count as deleted when every replica that the leader takes for alive has deleted them', () => {
    const client = new TestClient(cluster, leader());
    produced(client, ['a', 'b', 'c'], 1);
    world.run(20);
    const lowWatermarks = (runMs: number) => {
      world.run(runMs);
      return cluster.lowWatermark(TOPIC, 0);
    };
    const [behind, dead] = followers() as [number, number];
    cluster.isolateBroker(leader(), behind);
    crash(dead);
    expect(cluster.deleteRecords(TOPIC, 0, 2n)).toBe(2n);
    expect(lowWatermarks(20)).toBe(0n);
    // Of the dead one the leader hears in the end.
    cluster.isolateBroker(leader(), behind, false);
    expect(lowWatermarks(50)).toBe(0n);
    expect(lowWatermarks(20_000)).toBe(2n);
  });

  test('a broker that crashed while the controller did not hear it comes back', () => {
    const broker = followers()[0] as number;
    cluster.isolateFromController(broker);
    world.run(200);
    crash(broker);
    world.run(100);
    // Over before its session was: that it is heard no more now has another reason.
    cluster.isolateFromController(broker, false);
    cluster.startBroker(broker);
    world.run(5_000);
    expect(cluster.image.brokers.get(broker)?.fenced).toBe(false);
    expect(isr()).toContain(broker);
  });

  test.each([1, 3])(
    'of %i brokers, one that was fenced before it crashed comes back, and stays',
    (brokers) => {
      start(brokers, { brokerSessionTimeoutMs: 2_000 });
      cluster.isolateFromController(1);
      world.run(2_500);
      expect(cluster.image.brokers.get(1)?.fenced).toBe(true);
      crash(1);
      cluster.isolateFromController(1, false);
      cluster.startBroker(1);
      world.run(10_000);
      expect([cluster.phase(1), cluster.image.brokers.get(1)?.fenced]).toEqual(['running', false]);
      expect(cluster.image.topics.get(TOPIC)?.partitions[0]?.isr).toHaveLength(brokers);
    },
  );

  test('a follower that was away begins anew inside a batch, and takes the whole of it', () => {
    const follower = followers()[0] as number;
    crash(follower);
    world.run(1_000);
    const client = new TestClient(cluster, leader());
    produced(client, ['a', 'b', 'c'], 1);
    world.run(50);
    expect(cluster.deleteRecords(TOPIC, 0, 1n)).toBe(1n);
    cluster.startBroker(follower);
    world.run(5_000);
    const log = cluster.core.broker(follower).storedLog(cluster.image.topics.get(TOPIC)?.id ?? '', 0);
    expect([log?.logStartOffset, log?.logEndOffset]).toEqual([1, 3]);
    expect(isr()).toContain(follower);
  });

  test('the end of a leader epoch', () => {
    const client = new TestClient(cluster, leader());
    produced(client, ['a'], 1);
    world.run(20);
    cluster.moveLeader(TOPIC, 0, followers()[0] as number);
    world.run(20);
    const moved = new TestClient(cluster, leader());
    const { answer } = moved.ask(offsetForLeaderEpochApi, 4, {
      replicaId: -1,
      topics: [{ topic: TOPIC, partitions: [{ partition: 0, leaderEpoch: 0 }] }],
    });
    expect(answer?.topics[0]?.partitions[0]).toMatchObject({ errorCode: 0, leaderEpoch: 0, endOffset: 1n });
  });

  test('topics are asked for by id only where the version understands that', () => {
    start(1);
    const client = new TestClient(cluster, 1);
    const topicId = cluster.image.topics.get(TOPIC)?.id ?? '';
    const answers = [10, 11, 12].map((version) =>
      client.ask(metadataApi, version, { topics: [{ topicId, name: null }] }),
    );
    expect(
      answers.map(({ answer }) => [errorName(answer?.topics[0]?.errorCode ?? -1), answer?.topics[0]?.name]),
    ).toEqual([
      ['INVALID_REQUEST', ''],
      ['INVALID_REQUEST', ''],
      ['NONE', TOPIC],
    ]);
  });

  test('interception: an error, a delay and a loss, each as often as told', () => {
    const client = ask();
    cluster.intercept({ apiKey: 3, times: 2, errorCode: 5 });
    cluster.intercept({ apiKey: 3, times: 1, delayMs: 50 });
    cluster.intercept({ apiKey: 3, times: 1, drop: true });
    const answers = [0, 1, 2, 3, 4].map(() => client.ask(metadataApi, 5, { topics: [{ name: TOPIC }] }));
    expect(answers.map(({ answer }) => answer?.topics[0]?.errorCode)).toEqual([
      5,
      5,
      undefined,
      undefined,
      undefined,
    ]);
    world.run(50);
    expect(answers.map(({ answer }) => answer?.topics[0]?.errorCode)).toEqual([5, 5, 0, undefined, 0]);
  });
});

describe('connections', () => {
  test('ApiVersions says what is implemented; a version that is too new is answered in version 0', () => {
    start(1);
    const client = new TestClient(cluster, 1);
    const { answer } = client.ask(apiVersionsApi, 3, {
      clientSoftwareName: 'test',
      clientSoftwareVersion: '1',
    });
    const range = (key: number) => answer?.apiKeys.find(({ apiKey }) => apiKey === key);
    expect(range(0)).toMatchObject({ minVersion: 0, maxVersion: 13 });
    expect(range(1)).toMatchObject({ minVersion: 4, maxVersion: 18 });
    const sent: Buffer[] = [];
    const raw = cluster.connect(1, { onData: (bytes) => sent.push(bytes), onClose: () => undefined });
    raw?.receive(Buffer.from('0000000a00120063000000070000', 'hex'));
    const [bytes] = sent;
    expect([bytes?.readInt32BE(4), bytes?.readInt16BE(8), bytes?.readInt32BE(10)]).toEqual([7, 35, 1]);
  });

  test('an old profile announces old versions, and a version that it does not know ends the connection', () => {
    start(1, {}, { profile: kafka39 });
    const client = new TestClient(cluster, 1);
    const { answer } = client.ask(apiVersionsApi, 0, {});
    expect(answer?.apiKeys.find(({ apiKey }) => apiKey === 1)).toMatchObject({
      minVersion: 4,
      maxVersion: 17,
    });
    client.ask(metadataApi, 13, { topics: null });
    expect(client.closed).toBe('ended');
  });

  test('requests that arrive byte by byte are understood', () => {
    start(1);
    const received: Buffer[] = [];
    const connection = cluster.connect(1, {
      onData: (bytes) => received.push(bytes),
      onClose: () => undefined,
    });
    const frame = Buffer.from('0000000a00120000000000070000', 'hex');
    for (const byte of Buffer.concat([frame, frame])) connection?.receive(Buffer.from([byte]));
    expect(received.length).toBe(2);
  });
});

test('retention removes old segments on the broker’s own timers', () => {
  start(1, { logRetentionCheckIntervalMs: 1_000 });
  cluster.core.controller.alterConfigs(TOPIC, () => new Map([['retention.ms', '2000']]), false);
  world.run(10);
  produced(new TestClient(cluster, 1), ['old'], 1);
  world.run(1_500);
  expect(cluster.logOffsets(TOPIC, 0)).toMatchObject({ logStartOffset: 0n });
  world.run(2_000);
  expect(cluster.logOffsets(TOPIC, 0)).toMatchObject({ logStartOffset: 1n, logEndOffset: 1n });
});
