/**
 * The assigners in unmodified kafkajs consumers, against the simulated group coordinators over loopback TCP; and what
 * the sticky one says of a consumer's past.
 */
import { type Cluster, type Consumer, Kafka, logLevel, type PartitionAssigner } from 'kafkajs';
import { afterEach, expect, test } from 'vitest';
import { addGroupCoordinators } from '../../../cluster/group/part.ts';
import { decodeAssignment, decodeSubscription } from '../../../cluster/protocol/consumer-protocol.ts';
import { type RealTimeCluster, startRealTimeCluster } from '../../../cluster/testing/real-time.ts';
import { stickyMemberData } from '../../reference/assignors/sticky.ts';
import { range } from './range.ts';
import { createStickyAssigner } from './sticky.ts';

const PARTITIONS = 6;
const TOPICS = ['orders', 'payments'];

interface Member {
  readonly consumer: Consumer;
  assigned: Record<string, number[]>;
}

let running: RealTimeCluster | null = null;
const members = new Map<string, Member>();

afterEach(async () => {
  for (const name of members.keys()) await leave(name);
  await running?.close();
  running = null;
});

async function start(): Promise<void> {
  running = await startRealTimeCluster({
    brokerCount: 1,
    settings: {
      offsetsTopicNumPartitions: 1,
      offsetsTopicReplicationFactor: 1,
      extra: { 'group.initial.rebalance.delay.ms': '50', 'group.min.session.timeout.ms': '500' },
    },
    parts: [(cluster) => void addGroupCoordinators(cluster, { loadingTimeMs: 5 })],
  });
  for (const name of TOPICS)
    running.cluster.createTopic({ name, partitions: PARTITIONS, replicationFactor: 1 });
}

async function join(
  name: string,
  topics: string[],
  assigner: PartitionAssigner,
  follow: (consumer: Consumer) => void = () => undefined,
): Promise<void> {
  const kafka = new Kafka({
    clientId: name,
    brokers: [...(running?.addresses ?? [])],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, maxRetryTime: 200 },
  });
  const consumer = kafka.consumer({
    groupId: 'g',
    partitionAssigners: [assigner],
    sessionTimeout: 5_000,
    heartbeatInterval: 50,
    maxWaitTimeInMs: 20,
  });
  follow(consumer);
  const member: Member = { consumer, assigned: {} };
  members.set(name, member);
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.assigned = payload.memberAssignment;
  });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({ eachMessage: async () => undefined });
}

async function leave(name: string): Promise<void> {
  await members.get(name)?.consumer.disconnect();
  members.delete(name);
}

const assigned = (name: string, topic = 'orders'): number[] =>
  (members.get(name)?.assigned[topic] ?? []).toSorted((a, b) => a - b);

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 15_000, interval: 10 });

const ofAll = (topic = 'orders'): number[] =>
  [...members.keys()].flatMap((name) => assigned(name, topic)).toSorted((a, b) => a - b);

const ALL = [0, 1, 2, 3, 4, 5];

test('range gives a member the same partitions of both topics', async () => {
  await start();
  await join('a', TOPICS, range);
  await join('b', TOPICS, range);
  await eventually(() => assigned('b').length).toBe(3);
  await eventually(() => ofAll()).toEqual(ALL);
  for (const name of ['a', 'b']) {
    expect([
      [0, 1, 2],
      [3, 4, 5],
    ]).toContainEqual(assigned(name));
    expect(assigned(name, 'payments')).toEqual(assigned(name));
  }
});

test('range covers topics that only others subscribe to', async () => {
  await start();
  await join('a', ['orders'], range);
  await join('b', ['payments'], range);
  await expect
    .poll(() => [assigned('a', 'orders'), assigned('b', 'payments')], { timeout: 15_000, interval: 10 })
    .toEqual([ALL, ALL]);
});

test('sticky keeps what can be kept when members come and go', async () => {
  await start();
  const joinSticky = async (name: string): Promise<void> => {
    const sticky = createStickyAssigner();
    await join(name, ['orders'], sticky.assigner, (consumer) => sticky.follow(consumer));
    const fair = PARTITIONS / members.size;
    await eventually(() => [...members.keys()].map((one) => assigned(one).length)).toEqual(
      [...members].map(() => fair),
    );
    expect(ofAll()).toEqual(ALL);
  };
  await joinSticky('a');
  await joinSticky('b');
  const [a, b] = [assigned('a'), assigned('b')];
  await joinSticky('c');
  expect(a).toEqual(expect.arrayContaining(assigned('a')));
  expect(b).toEqual(expect.arrayContaining(assigned('b')));
  const [keptByA, keptByB] = [assigned('a'), assigned('b')];
  await leave('c');
  await eventually(() => ofAll()).toEqual(ALL);
  expect(assigned('a')).toEqual(expect.arrayContaining(keptByA));
  expect(assigned('b')).toEqual(expect.arrayContaining(keptByB));
});

/** A member that knows what its events told it, and nothing of a broker. */
function stickyMember() {
  const sticky = createStickyAssigner();
  const listeners = new Map<string, (event: { payload: object }) => void>();
  sticky.follow({
    events: { GROUP_JOIN: 'join', HEARTBEAT: 'heartbeat' },
    on: (name: string, listener: (event: { payload: object }) => void) => listeners.set(name, listener),
  } as unknown as Consumer);
  const cluster = {
    findTopicPartitionMetadata: () => [{ partitionId: 0 }, { partitionId: 1 }],
  } as unknown as Cluster;
  const assigner = sticky.assigner({ cluster, groupId: 'g', logger: {} as never });
  return {
    assigner,
    metadata: () => assigner.protocol({ topics: ['orders'] }).metadata,
    past: () =>
      stickyMemberData(decodeSubscription(assigner.protocol({ topics: ['orders'] }).metadata).userData),
    joined: (partitions: number[], groupProtocol = 'sticky') =>
      listeners.get('join')?.({ payload: { groupProtocol, memberAssignment: { orders: partitions } } }),
    heartbeat: (groupGenerationId: number) =>
      listeners.get('heartbeat')?.({ payload: { groupGenerationId } }),
  };
}

test('sticky says what its consumer was assigned last, and a generation that is at least as old', () => {
  const member = stickyMember();
  expect(member.past()).toEqual({ partitions: [], generation: -1 });
  member.joined([1]);
  expect(member.past()).toEqual({ partitions: [{ topic: 'orders', partition: 1 }], generation: 1 });
  member.heartbeat(57);
  member.joined([0, 1]);
  expect(member.past()).toMatchObject({ partitions: [{ partition: 0 }, { partition: 1 }], generation: 58 });
  member.joined([0], 'range');
  expect(member.past().partitions).toHaveLength(2);
});

test('sticky believes the member of the later generation where two claim a partition', async () => {
  const [stale, current] = [stickyMember(), stickyMember()];
  stale.joined([0, 1]);
  stale.heartbeat(3);
  current.joined([0]);
  current.heartbeat(5);
  for (const order of [
    [stale, current],
    [current, stale],
  ]) {
    const members = order.map((one) => ({
      memberId: one === stale ? 'stale' : 'current',
      memberMetadata: one.metadata(),
    }));
    const assignments = await current.assigner.assign({ members, topics: ['orders'] });
    const partitions = assignments.map(({ memberId, memberAssignment }) => [
      memberId,
      decodeAssignment(memberAssignment).assignment,
    ]);
    expect(Object.fromEntries(partitions)).toEqual({
      stale: [{ topic: 'orders', partitions: [1] }],
      current: [{ topic: 'orders', partitions: [0] }],
    });
  }
});
