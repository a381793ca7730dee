/** Takes orders from Kafka and writes them into the outbox, a batch at a time. */
import { Kafka, logLevel } from 'kafkajs';
import { insert } from './outbox.ts';

const kafka = new Kafka({
  clientId: 'outbox-writer',
  brokers: (process.env.KAFKA_BROKERS ?? 'localhost:9092').split(','),
  logLevel: logLevel.ERROR,
});
const consumer = kafka.consumer({
  groupId: 'outbox-writer',
  sessionTimeout: 10_000,
  heartbeatInterval: 1_000,
});

process.on('SIGTERM', async () => {
  await consumer.disconnect();
  process.exit(0);
});

await consumer.connect();
await consumer.subscribe({ topics: ['orders'], fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachBatch: async ({ batch, heartbeat }) => {
    const { topic, partition, messages } = batch;
    const rows = messages.map(
      ({ value }) => JSON.parse(String(value)) as { orderId: string; amount: number },
    );
    await insert(rows);
    await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(batch.lastOffset()) + 1n) }]);
    await heartbeat();
  },
});
