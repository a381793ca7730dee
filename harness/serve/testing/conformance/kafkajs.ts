/** kafkajs for the conformance cases. */
import {
  type Admin,
  CompressionTypes,
  type Consumer,
  Kafka,
  logLevel,
  type Producer,
  type Transaction,
} from 'kafkajs';
import { range } from '../../../client/kafkajs/assigners/range.ts';
import { createStickyAssigner } from '../../../client/kafkajs/assigners/sticky.ts';
import {
  type ConsumeOptions,
  type Driver,
  inOrder,
  lacking,
  type ReadRecord,
  textOf,
  type WrittenRecord,
} from './driver.ts';

const TOPIC_RESOURCE = 2;

const message = ({ partition, key, value, headers, timestampMs }: WrittenRecord) => ({
  value,
  ...(partition === undefined ? {} : { partition }),
  ...(key === undefined ? {} : { key }),
  ...(headers === undefined ? {} : { headers }),
  ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
});

const withoutNull = (headers: Readonly<Record<string, unknown>> | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, String(value)]));

export const kafkajsDriver: Driver = {
  name: 'kafkajs',
  cannot: {
    'codec-snappy': 'needs another package',
    'codec-lz4': 'needs another package',
    'codec-zstd': 'needs another package',
    'assignor-cooperative-sticky': 'knows eager rebalances only',
    'static-member': 'knows no group.instance.id',
    'reset-none': 'begins at the end or the beginning',
    'delete-offsets': 'has no such request',
  },
  open(bootstrapServers) {
    const kafka = new Kafka({
      clientId: 'conformance',
      brokers: [...bootstrapServers],
      logLevel: logLevel.NOTHING,
      retry: { retries: 8, initialRetryTime: 30 },
    });
    const asAdmin = async <T>(ask: (admin: Admin) => Promise<T>): Promise<T> => {
      const admin = kafka.admin();
      await admin.connect();
      try {
        return await ask(admin);
      } finally {
        await admin.disconnect();
      }
    };
    const consumer = ({ group, assignor, committedOnly }: Omit<ConsumeOptions, 'count'>): Consumer => {
      const sticky = assignor === 'sticky' ? createStickyAssigner() : null;
      const assigners = assignor === 'range' ? [range] : sticky === null ? [] : [sticky.assigner];
      const made = kafka.consumer({
        groupId: group,
        maxWaitTimeInMs: 100,
        sessionTimeout: 10_000,
        heartbeatInterval: 200,
        readUncommitted: committedOnly !== true,
        ...(assigners.length === 0 ? {} : { partitionAssigners: assigners }),
      });
      sticky?.follow(made);
      return made;
    };
    const left = new Map<string, { producer: Producer; transaction: Transaction }>();
    return {
      async leaveOpen(transactionalId, topic, records, transactionTimeout) {
        const options = { transactionalId, transactionTimeout, maxInFlightRequests: 1, idempotent: true };
        const producer = kafka.producer(options);
        await producer.connect();
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: records.map(message) });
        left.set(transactionalId, { producer, transaction });
      },
      async commitLeft(id) {
        const one = left.get(id);
        const told = await one?.transaction.commit().then(
          () => 'none',
          (error: { type?: string }) => String(error.type),
        );
        await one?.producer.disconnect();
        return told ?? 'nothing was left';
      },
      alterOffset: async (groupId, topic, partition, offset) =>
        await asAdmin((admin) =>
          admin.setOffsets({ groupId, topic, partitions: [{ partition, offset: String(offset) }] }),
        ),
      deleteOffset: lacking,
      createTopic: async (topic, numPartitions, configs = {}) =>
        await asAdmin(async (admin) => {
          const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }));
          await admin.createTopics({
            waitForLeaders: true,
            topics: [{ topic, numPartitions, configEntries }],
          });
        }),
      deleteTopic: async (topic) => await asAdmin((admin) => admin.deleteTopics({ topics: [topic] })),
      topics: async () => await asAdmin((admin) => admin.listTopics()),
      addPartitions: async (topic, count) =>
        await asAdmin(
          async (admin) => void (await admin.createPartitions({ topicPartitions: [{ topic, count }] })),
        ),
      partitionCount: async (topic) =>
        await asAdmin(async (admin) => {
          const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
          return topics[0]?.partitions.length ?? 0;
        }),
      config: async (topic, name) =>
        await asAdmin(async (admin) => {
          const resources = [{ type: TOPIC_RESOURCE, name: topic, configNames: [name] }];
          const answer = await admin.describeConfigs({ includeSynonyms: false, resources });
          return answer.resources[0]?.configEntries[0]?.configValue ?? null;
        }),
      setConfig: async (topic, name, value) =>
        await asAdmin(async (admin) => {
          const resources = [{ type: TOPIC_RESOURCE, name: topic, configEntries: [{ name, value }] }];
          await admin.alterConfigs({ validateOnly: false, resources });
        }),
      async produce(topic, records, { acks = -1, compression = 'none', idempotent = false } = {}) {
        const producer = kafka.producer({ idempotent, ...(idempotent ? { maxInFlightRequests: 1 } : {}) });
        await producer.connect();
        try {
          await producer.send({
            topic,
            acks,
            compression: compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
            messages: records.map(message),
          });
        } finally {
          await producer.disconnect();
        }
      },
      async transact(transactionalId, topic, records, outcome) {
        const producer = kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
        await producer.connect();
        try {
          const transaction = await producer.transaction();
          await transaction.send({ topic, messages: records.map(message) });
          await (outcome === 'commit' ? transaction.commit() : transaction.abort());
        } finally {
          await producer.disconnect();
        }
      },
      async fenced(transactionalId, topic, records) {
        const options = { transactionalId, maxInFlightRequests: 1, idempotent: true };
        const [first, second] = [kafka.producer(options), kafka.producer(options)];
        await first.connect();
        try {
          const open = await first.transaction();
          await open.send({ topic, messages: records.map(message) });
          await second.connect();
          const other = await second.transaction();
          await other.send({ topic, messages: records.map(message) });
          await other.commit();
          return await open.commit().then(
            () => 'none',
            (error: { type?: string }) => String(error.type),
          );
        } finally {
          await second.disconnect();
          await first.disconnect();
        }
      },
      async consume(topic, options) {
        const member = consumer(options);
        const seen: ReadRecord[] = [];
        await member.connect();
        try {
          await member.subscribe({ topics: [topic], fromBeginning: options.reset !== 'latest' });
          await new Promise<void>((resolve, reject) => {
            member.on(member.events.CRASH, ({ payload }) => reject(payload.error));
            void member
              .run({
                eachMessage: async ({ partition, message: one }) => {
                  if (seen.length >= options.count) return;
                  seen.push({
                    partition,
                    offset: Number(one.offset),
                    key: textOf(one.key),
                    value: textOf(one.value),
                    headers: withoutNull(one.headers),
                    timestampMs: Number(one.timestamp),
                  });
                  if (seen.length === options.count) resolve();
                  await Promise.resolve();
                },
              })
              .catch(reject);
          });
          // Its next offsets, as far as they were read here.
          const next = new Map<number, number>();
          for (const { partition, offset } of seen)
            next.set(partition, Math.max(offset + 1, next.get(partition) ?? 0));
          await member.commitOffsets(
            [...next].map(([partition, offset]) => ({ topic, partition, offset: String(offset) })),
          );
        } finally {
          await member.disconnect();
        }
        return inOrder(seen);
      },
      async share(topic, partitions, options) {
        const members = [consumer(options), consumer(options)];
        const counts = [0, 0];
        try {
          const split = new Promise<readonly [number, number]>((resolve) => {
            for (const [index, member] of members.entries())
              member.on(member.events.GROUP_JOIN, ({ payload }) => {
                counts[index] = payload.memberAssignment[topic]?.length ?? 0;
                const isWhole = counts.reduce((sum, count) => sum + count) === partitions;
                if (isWhole && counts.every((count) => count > 0)) resolve([counts[0] ?? 0, counts[1] ?? 0]);
              });
          });
          for (const member of members) {
            await member.connect();
            await member.subscribe({ topics: [topic], fromBeginning: true });
            await member.run({ eachMessage: () => Promise.resolve() });
          }
          return await split;
        } finally {
          for (const member of members) await member.disconnect();
        }
      },
      committed: async (groupId, topic) =>
        await asAdmin(async (admin) => {
          const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
          const known = (found?.partitions ?? []).filter(({ offset }) => offset !== '-1');
          return Object.fromEntries(known.map(({ partition, offset }) => [partition, Number(offset)]));
        }),
      deleteRecords: async (topic, partition, before) =>
        await asAdmin(async (admin) => {
          // It knows no leader of a topic that it has not been asked about before.
          await admin.fetchTopicOffsets(topic);
          await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(before) }] });
        }),
      groups: async () =>
        await asAdmin(async (admin) => (await admin.listGroups()).groups.map(({ groupId }) => groupId)),
      deleteGroup: async (group) => await asAdmin(async (admin) => void (await admin.deleteGroups([group]))),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
