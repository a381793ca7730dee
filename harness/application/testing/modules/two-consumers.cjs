// Two consumers of one group on one instance of Kafka.
const { Kafka, logLevel } = require('kafkajs');

exports.start = async ({ brokers, groupId, topics }) => {
  const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });
  const consumers = [1, 2].map(() => kafka.consumer({ groupId }));
  for (const consumer of consumers) {
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning: true });
    await consumer.run({ eachMessage: async () => {} });
  }
  return async () => {
    for (const consumer of consumers) await consumer.disconnect();
  };
};
