/** A CommonJS module with a start function: whole batches, resolved one by one, written to a store that needs a disk. */
const { Kafka, logLevel } = require('kafkajs');
const { save } = require('./store.cjs');

exports.start = async ({ brokers, groupId, topics, signal }) => {
  const consumer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).consumer({
    groupId,
    sessionTimeout: 6_000,
    heartbeatInterval: 500,
  });
  signal.addEventListener('abort', () => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary }) => {
      for (const message of batch.messages) {
        await save(`${process.env.STORE_PREFIX ?? ''}${message.value}`);
        resolveOffset(message.offset);
        await commitOffsetsIfNecessary();
        await heartbeat();
      }
    },
  });
};
