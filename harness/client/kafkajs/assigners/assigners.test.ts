/** The assigners in unmodified kafkajs consumers, against the simulated group coordinators over loopback TCP. */
import { type Consumer, Kafka, logLevel, type PartitionAssigner } from 'kafkajs';
import { afterEach, expect, test } from 'vitest';
import { addGroupCoordinators } from '../../../cluster/group/part.ts';
import { type RealTimeCluster, startRealTimeCluster } from '../../../cluster/testing/real-time.ts';
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
  await eventually(() => [assigned('a', 'orders'), assigned('b', 'payments')]).toEqual([ALL, ALL]);
});

test('sticky keeps what can be kept when members come and go', async () => {
  await start();
  const joinSticky = async (name: string): Promise<void> => {
    const { assigner, follow } = createStickyAssigner();
    await join(name, ['orders'], assigner, follow);
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
