/** Foreign clients against the simulated cluster over loopback TCP: what they write is what the logs hold, and back. */
import { Kafka, logLevel } from 'kafkajs';
import { afterEach, expect, test } from 'vitest';
import { type RealTimeCluster, startRealTimeCluster } from './testing/real-time.ts';

let running: RealTimeCluster | null = null;
afterEach(async () => {
  await running?.close();
  running = null;
});

test('kafkajs produces with acks all, 1 and 0, and its admin sees the offsets', async () => {
  running = await startRealTimeCluster({ brokerCount: 3 });
  const { cluster, addresses } = running;
  cluster.createTopic({ name: 'orders', partitions: 3, replicationFactor: 3 });
  const kafka = new Kafka({ brokers: [...addresses], logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  for (const acks of [-1, 1, 0])
    await producer.send({
      topic: 'orders',
      acks,
      messages: [0, 1, 2].map((partition) => ({ partition, key: `k${acks}`, value: `v${acks}` })),
    });
  await producer.disconnect();
  const admin = kafka.admin();
  await admin.connect();
  await expect
    .poll(async () => (await admin.fetchTopicOffsets('orders')).map(({ high }) => high))
    .toEqual(['3', '3', '3']);
  await admin.disconnect();
  expect(cluster.readPartition('orders', 1)?.records.map(({ value }) => String(value))).toEqual([
    'v-1',
    'v1',
    'v0',
  ]);
});
