/**
 * Foreign transactional producers and read_committed consumers against the simulated transaction coordinators over
 * loopback TCP and on the real clock: what commits is seen, what aborts is not, and offsets go with the records.
 */
import { Producer as PlatformaticProducer, stringSerializers } from '@platformatic/kafka';
import { Kafka, logLevel, type Producer } from 'kafkajs';
import { afterEach, describe, expect, test } from 'vitest';
import { addGroupCoordinators } from '../group/part.ts';
import { partitionFor } from '../group/partition-for.ts';
import type { ClusterSettings } from '../settings.ts';
import { TRANSACTIONS_TOPIC } from '../simulated-cluster.ts';
import { type RealTimeCluster, startRealTimeCluster } from '../testing/real-time.ts';
import { addTransactionCoordinators } from './part.ts';
import { decodeTransaction } from './records.ts';

const TOPIC = 'orders';
const INPUT = 'input';
const GROUP = 'g';
const ID = 't';

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

async function producer(transactionTimeout = 10_000): Promise<Producer> {
  const made = client('producer').producer({
    transactionalId: ID,
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

const POLL = { timeout: 20_000, interval: 20 };

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

/** The state that was written last. */
const state = (): string => {
  const partition = partitionFor(ID, 3);
  const records = running.cluster.readPartition(TRANSACTIONS_TOPIC, partition)?.records ?? [];
  const last = records.at(-1);
  return (last && decodeTransaction(last)?.value?.state) ?? 'none';
};

const coordinator = (): number => running.cluster.leaderOf(TRANSACTIONS_TOPIC, partitionFor(ID, 3)) as number;

describe('kafkajs', () => {
  test('what commits is read, with its offsets; what aborts is not', async () => {
    await start();
    const one = await producer();
    const aborted = await one.transaction();
    await aborted.send(both('aborted'));
    await aborted.sendOffsets(sendOffsets('7'));
    await aborted.abort();
    await expect.poll(state, POLL).toBe('CompleteAbort');
    const kept = await one.transaction();
    await kept.send(both('kept'));
    await kept.send(both('kept too'));
    await kept.sendOffsets(sendOffsets('9'));
    const strict = await reader(false);
    const loose = await reader(true);
    await expect.poll(() => loose.length, POLL).toBe(6);
    expect(strict).toEqual([]);
    await kept.commit();
    await expect.poll(() => strict.toSorted(), POLL).toEqual(['kept', 'kept', 'kept too', 'kept too']);
    await expect.poll(committed, POLL).toEqual(['9', '-1']);
  });

  test('one transaction follows another at once', async () => {
    await start();
    const one = await producer();
    const values = ['a', 'b', 'c', 'd', 'e'];
    for (const value of values) {
      const transaction = await one.transaction();
      await transaction.send({ topic: TOPIC, messages: [{ partition: 0, value }] });
      await transaction.commit();
    }
    const strict = await reader(false);
    await expect.poll(() => strict, POLL).toEqual(values);
  });

  test('a crash of the coordinator in mid-transaction is survived', async () => {
    await start();
    const one = await producer();
    const transaction = await one.transaction();
    await transaction.send({ topic: TOPIC, messages: [{ partition: 0, value: 'before' }] });
    const former = coordinator();
    running.crashBroker(former);
    await expect.poll(() => ![former, null].includes(coordinator()), POLL).toBe(true);
    // Another partition, which the next coordinator has to add; a commit would not be tried again while it loads.
    await transaction.send({ topic: TOPIC, messages: [{ partition: 1, value: 'after' }] });
    await transaction.commit();
    const strict = await reader(false);
    await expect.poll(() => strict.toSorted(), POLL).toEqual(['after', 'before']);
  });

  test('a partition that changes its leader right after the commit gets its marker', async () => {
    await start();
    const one = await producer();
    const transaction = await one.transaction();
    await transaction.send(both('a'));
    const committing = transaction.commit();
    const leader = running.cluster.leaderOf(TOPIC, 0);
    running.cluster.moveLeader(TOPIC, 0, running.cluster.brokerIds.find((id) => id !== leader) as number);
    await committing;
    await expect.poll(state, POLL).toBe('CompleteCommit');
    const strict = await reader(false);
    await expect.poll(() => strict, POLL).toEqual(['a', 'a']);
  });

  test('a transaction that takes too long is aborted, and its producer fenced', async () => {
    await start({ extra: { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '100' } });
    const slow = await producer(2_000);
    const transaction = await slow.transaction();
    await transaction.send(both('late'));
    await expect.poll(state, POLL).toBe('CompleteAbort');
    await expect(transaction.commit()).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' });
    const next = await (await producer()).transaction();
    await next.send(both('in time'));
    await next.commit();
    const strict = await reader(false);
    await expect.poll(() => strict, POLL).toEqual(['in time', 'in time']);
  });

  test('a zombie is fenced by its successor, and its open transaction aborted', async () => {
    await start();
    const open = await (await producer()).transaction();
    await open.send(both('zombie'));
    const successor = await producer();
    const transaction = await successor.transaction();
    await expect(open.send(both('again'))).rejects.toMatchObject({ type: 'INVALID_PRODUCER_EPOCH' });
    await transaction.send(both('successor'));
    await transaction.commit();
    const strict = await reader(false);
    await expect.poll(() => strict, POLL).toEqual(['successor', 'successor']);
  });
});

describe('@platformatic/kafka', () => {
  test('commits and aborts, in the newest versions that it has', async () => {
    await start();
    const made = new PlatformaticProducer({
      clientId: 'foreign',
      bootstrapBrokers: [...running.addresses],
      transactionalId: ID,
      idempotent: true,
      retries: 20,
      retryDelay: 20,
      serializers: stringSerializers,
    });
    closing.push(() => made.close());
    for (const value of ['aborted', 'kept']) {
      const transaction = await made.beginTransaction();
      await transaction.send({ messages: [{ topic: TOPIC, partition: 0, value }] });
      if (value === 'kept') await transaction.commit();
      else await transaction.abort();
      await expect.poll(state, POLL).toBe(value === 'kept' ? 'CompleteCommit' : 'CompleteAbort');
    }
    const strict = await reader(false);
    await expect.poll(() => strict, POLL).toEqual(['kept']);
  });
});
