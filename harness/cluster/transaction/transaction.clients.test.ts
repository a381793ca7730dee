/**
 * Foreign transactional producers and read_committed consumers against the simulated transaction coordinators over
 * loopback TCP and on the real clock: what commits is seen, what aborts is not, and offsets go with the records.
 */
import { Producer as PlatformaticProducer, stringSerializers } from '@platformatic/kafka';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { afterEach, describe, expect, test } from 'vitest';
import { addGroupCoordinators } from '../group/part.ts';
import type { ClusterSettings } from '../settings.ts';
import { type RealTimeCluster, startRealTimeCluster } from '../testing/real-time.ts';
import { addTransactionCoordinators } from './part.ts';

const TOPIC = 'orders';
const INPUT = 'input';
const GROUP = 'g';

let running: RealTimeCluster;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function start(settings: Partial<ClusterSettings> = {}): Promise<void> {
  running = await startRealTimeCluster({
    brokerCount: 3,
    settings: {
      offsetsTopicNumPartitions: 3,
      transactionStateLogNumPartitions: 3,
      brokerSessionTimeoutMs: 300,
      ...settings,
      extra: { 'group.initial.rebalance.delay.ms': '50', ...settings.extra },
    },
    parts: [
      (cluster) =>
        addTransactionCoordinators(cluster, addGroupCoordinators(cluster, { loadingTimeMs: 5 }), {
          loadingTimeMs: 5,
        }),
    ],
  });
  closing.push(() => running.close());
  for (const name of [TOPIC, INPUT])
    running.cluster.createTopic({ name, partitions: 2, replicationFactor: 3 });
}

const client = (name: string): Kafka =>
  new Kafka({
    clientId: name,
    brokers: [...running.addresses],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, maxRetryTime: 200, retries: 20 },
  });

async function producer(transactionalId: string, transactionTimeout = 10_000): Promise<Producer> {
  const made = client('producer').producer({
    transactionalId,
    transactionTimeout,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await made.connect();
  closing.push(() => made.disconnect());
  return made;
}

/** Values by read_committed, or read_uncommitted, in the order in which they came. */
async function reader(readUncommitted: boolean): Promise<string[]> {
  const consumer = client('reader').consumer({
    groupId: `reader-${readUncommitted}`,
    readUncommitted,
    maxWaitTimeInMs: 50,
  });
  const seen: string[] = [];
  await consumer.connect();
  closing.push(() => consumer.disconnect());
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void seen.push(String(message.value)) });
  return seen;
}

const eventually = <T>(read: () => T | Promise<T>) => expect.poll(read, { timeout: 20_000, interval: 20 });

const committed = async (): Promise<string[]> => {
  const admin = client('admin').admin();
  await admin.connect();
  const [topic] = await admin.fetchOffsets({ groupId: GROUP, topics: [INPUT] });
  await admin.disconnect();
  return topic?.partitions.map(({ offset }) => offset) ?? [];
};

const sendOffsets = (offset: string) => ({
  consumerGroupId: GROUP,
  topics: [{ topic: INPUT, partitions: [{ partition: 0, offset }] }],
});

const both = (value: string) => ({
  topic: TOPIC,
  messages: [0, 1].map((partition) => ({ partition, value })),
});

describe('kafkajs', () => {
  test('what commits is read, with its offsets; what aborts is not', async () => {
    await start();
    const one = await producer('t');
    const aborted = await one.transaction();
    await aborted.send(both('aborted'));
    await aborted.sendOffsets(sendOffsets('7'));
    await aborted.abort();
    const kept = await one.transaction();
    await kept.send(both('kept'));
    await kept.send(both('kept too'));
    await kept.sendOffsets(sendOffsets('9'));
    const strict = await reader(false);
    const loose = await reader(true);
    await eventually(() => loose.length).toBe(6);
    expect(strict).toEqual([]);
    await kept.commit();
    await eventually(() => strict.toSorted()).toEqual(['kept', 'kept', 'kept too', 'kept too']);
    await eventually(committed).toEqual(['9', '-1']);
  });
});
