/** A consumer that starts when it is imported, with names and addresses of its own, and ends on SIGTERM. */
import { Kafka, logLevel } from 'kafkajs';

const kafka = new Kafka({
  clientId: 'shop',
  brokers: ['kafka.example:9093'],
  ssl: true,
  sasl: { mechanism: 'plain', username: 'shop', password: 'secret' },
  logLevel: logLevel.NOTHING,
});
const consumer = kafka.consumer({ groupId: 'shop.Outbox', sessionTimeout: 6_000, heartbeatInterval: 500 });
process.on('SIGTERM', async () => {
  await consumer.disconnect();
  process.exit(0);
});
await consumer.connect();
await consumer.subscribe({ topic: 'shop.orders', fromBeginning: true });
await consumer.run({
  autoCommit: false,
  eachMessage: async ({ topic, partition, message }) => {
    if (topic !== 'shop.orders') throw new Error(`what is ${topic}?`);
    const order = JSON.parse(String(message.value)) as { id: unknown };
    if (typeof order.id !== 'string') throw new Error('an order has an id');
    await consumer.commitOffsets([{ topic, partition, offset: String(BigInt(message.offset) + 1n) }]);
  },
});
