/** Foreign clients against the simulated cluster over loopback TCP: what they write is what the logs hold, and back. */
import {
  Admin,
  Consumer,
  ListOffsetTimestamps,
  Producer,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka';
import { CompressionTypes, Kafka, logLevel } from 'kafkajs';
import { afterEach, describe, expect, test } from 'vitest';
import { addGroupCoordinators } from './group/part.ts';
import type { ClusterCore } from './simulated-cluster.ts';
import { type RealTimeCluster, startRealTimeCluster } from './testing/real-time.ts';

let running: RealTimeCluster | null = null;
afterEach(async () => {
  await running?.close();
  running = null;
});

const valuesOf = (topic: string, partition: number): string[] =>
  running?.cluster.readPartition(topic, partition)?.records.map(({ value }) => String(value)) ?? [];

describe('kafkajs', () => {
  const start = async (more: object = {}) => {
    running = await startRealTimeCluster({ brokerCount: 3, ...more });
    const [broker] = running.addresses;
    return new Kafka({ brokers: [broker as string], logLevel: logLevel.NOTHING, retry: { retries: 2 } });
  };

  test('creates, grows, describes and deletes topics', async () => {
    const kafka = await start();
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({
      waitForLeaders: true,
      topics: [{ topic: 'orders', numPartitions: 2, replicationFactor: 3 }],
    });
    await admin.createPartitions({ topicPartitions: [{ topic: 'orders', count: 3 }] });
    await expect
      .poll(async () => (await admin.fetchTopicMetadata({ topics: ['orders'] })).topics[0]?.partitions.length)
      .toBe(3);
    const { brokers } = await admin.describeCluster();
    expect(brokers.map(({ nodeId }) => nodeId)).toEqual([1, 2, 3]);
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: 'orders', configNames: ['retention.ms'] }],
    });
    expect(resources[0]?.configEntries[0]).toMatchObject({
      configName: 'retention.ms',
      configValue: '604800000',
    });
    await admin.deleteTopics({ topics: ['orders'] });
    await expect.poll(() => admin.listTopics()).not.toContain('orders');
    await admin.disconnect();
  });

  test('produces with acks all, 1 and 0, and its admin sees the offsets', async () => {
    const kafka = await start();
    running?.cluster.createTopic({ name: 'orders', partitions: 3, replicationFactor: 3 });
    const producer = kafka.producer();
    await producer.connect();
    for (const acks of [-1, 1, 0])
      await producer.send({
        topic: 'orders',
        acks,
        compression: acks === 1 ? CompressionTypes.GZIP : CompressionTypes.None,
        messages: [0, 1, 2].map((partition) => ({ partition, key: `k${acks}`, value: `v${acks}` })),
      });
    await producer.disconnect();
    const admin = kafka.admin();
    await admin.connect();
    await expect
      .poll(async () => (await admin.fetchTopicOffsets('orders')).map(({ high }) => high))
      .toEqual(['3', '3', '3']);
    await admin.deleteTopicRecords({ topic: 'orders', partitions: [{ partition: 1, offset: '2' }] });
    const offsets = await admin.fetchTopicOffsets('orders');
    expect(offsets.find(({ partition }) => partition === 1)).toMatchObject({ low: '2', high: '3' });
    await admin.disconnect();
    expect(valuesOf('orders', 0)).toEqual(['v-1', 'v1', 'v0']);
    expect(valuesOf('orders', 1)).toEqual(['v0']);
  });

  test('produces idempotently, through a change of leader', async () => {
    const kafka = await start();
    running?.cluster.createTopic({ name: 'orders', partitions: 1, replicationFactor: 3 });
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
    await producer.connect();
    const send = (value: string) => producer.send({ topic: 'orders', messages: [{ value }] });
    await send('one');
    const next = running?.cluster.brokerIds.find((id) => id !== running?.cluster.leaderOf('orders', 0)) ?? 1;
    running?.cluster.moveLeader('orders', 0, next);
    await send('two');
    await producer.disconnect();
    await expect.poll(() => valuesOf('orders', 0)).toEqual(['one', 'two']);
  });

  test('a consumer group reads everything once while members come and a broker goes', async () => {
    const kafka = await start({
      parts: [(core: ClusterCore) => void addGroupCoordinators(core)],
      settings: {
        brokerSessionTimeoutMs: 300,
        offsetsTopicNumPartitions: 3,
        extra: { 'group.initial.rebalance.delay.ms': '50' },
      },
    });
    running?.cluster.createTopic({ name: 'orders', partitions: 4, replicationFactor: 3 });
    const seen = new Set<string>();
    const members = [0, 1].map(() =>
      kafka.consumer({
        groupId: 'readers',
        maxWaitTimeInMs: 50,
        heartbeatInterval: 100,
        sessionTimeout: 6_000,
      }),
    );
    for (const member of members) {
      await member.connect();
      await member.subscribe({ topics: ['orders'], fromBeginning: true });
      await member.run({ eachMessage: async ({ message }) => void seen.add(String(message.value)) });
    }
    const producer = kafka.producer();
    await producer.connect();
    // One partition per call: a call that has to try again after a change of leader sends nothing more to a broker that
    // has answered it once, and yet succeeds.
    const send = async (from: number) => {
      for (let partition = 0; partition < 4; partition++) {
        const messages = Array.from({ length: 10 }, (_, index) => ({
          partition,
          value: `${from + partition * 10 + index}`,
        }));
        await producer.send({ topic: 'orders', messages });
      }
    };
    await send(0);
    running?.cluster.stopBroker(2);
    await send(40);
    await expect.poll(() => seen.size, { timeout: 30_000, interval: 50 }).toBe(80);
    for (const client of [...members, producer]) await client.disconnect();
  });

  test('logs in by SASL/PLAIN, and is refused with a wrong password', async () => {
    await start({ sasl: { mechanisms: ['PLAIN'], users: { ada: 'secret' } } });
    const login = async (password: string) => {
      const kafka = new Kafka({
        brokers: [...(running?.addresses ?? [])],
        logLevel: logLevel.NOTHING,
        retry: { retries: 0 },
        sasl: { mechanism: 'plain', username: 'ada', password },
      });
      const admin = kafka.admin();
      try {
        await admin.connect();
        return (await admin.describeCluster()).brokers.length;
      } finally {
        await admin.disconnect();
      }
    };
    expect(await login('secret')).toBe(3);
    await expect(login('guess')).rejects.toThrow(/Invalid username or password/);
  });
});

describe('@platformatic/kafka', () => {
  const start = async () => {
    running = await startRealTimeCluster({ brokerCount: 3 });
    return { clientId: 'foreign', bootstrapBrokers: [...running.addresses], retries: 3, retryDelay: 20 };
  };

  test('creates topics, produces, lists offsets, fetches and deletes records', async () => {
    const options = await start();
    const admin = new Admin(options);
    await admin.createTopics({ topics: ['orders'], partitions: 2, replicas: 3 });
    await expect.poll(() => running?.cluster.core.broker(1).image.topics.has('orders')).toBe(true);

    const producer = new Producer({ ...options, serializers: stringSerializers });
    for (const value of ['one', 'two', 'three'])
      await producer.send({
        messages: [{ topic: 'orders', partition: 1, key: 'k', value, headers: { h: value } }],
        acks: -1,
      });
    await producer.close();
    expect(valuesOf('orders', 1)).toEqual(['one', 'two', 'three']);

    const leaderId = running?.cluster.leaderOf('orders', 1) ?? 0;
    const consumer = new Consumer({ ...options, groupId: 'nobody', deserializers: stringDeserializers });
    const offsets = await consumer.listOffsets({ topics: ['orders'], partitions: { orders: [0, 1] } });
    expect(offsets.get('orders')).toEqual([0n, 3n]);
    const earliest = await consumer.listOffsets({
      topics: ['orders'],
      partitions: { orders: [0, 1] },
      timestamp: ListOffsetTimestamps.EARLIEST,
    });
    expect(earliest.get('orders')).toEqual([0n, 0n]);

    const topicId = running?.cluster.image.topics.get('orders')?.id ?? '';
    const dashed = topicId.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    const fetched = await consumer.fetch({
      node: leaderId,
      maxWaitTime: 100,
      topics: [
        {
          topicId: dashed,
          partitions: [
            {
              partition: 1,
              currentLeaderEpoch: -1,
              fetchOffset: 1n,
              lastFetchedEpoch: -1,
              partitionMaxBytes: 1_048_576,
            },
          ],
        },
      ],
    });
    const [partition] = fetched.responses[0]?.partitions ?? [];
    expect(partition).toMatchObject({ errorCode: 0, highWatermark: 3n });
    expect(
      partition?.records?.flatMap(({ records }) => records.map(({ value }) => value?.toString())),
    ).toEqual(['two', 'three']);

    await admin.deleteRecords({ topics: [{ name: 'orders', partitions: [{ partition: 1, offset: 2n }] }] });
    expect(running?.cluster.logOffsets('orders', 1)).toMatchObject({ logStartOffset: 2n, logEndOffset: 3n });
    await consumer.close();
    await admin.close();
  });
});
