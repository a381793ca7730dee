/** @platformatic/kafka for the conformance cases. */
import { Admin, Consumer, Producer } from '@platformatic/kafka';
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
const SET = 0;
const ROUND_ROBIN_ONLY = 'assigns by its own round robin';

const bytes = (text: string | null | undefined): Buffer | undefined =>
  text === null || text === undefined ? undefined : Buffer.from(text, 'utf8');

const message = (topic: string, { partition, key, value, headers, timestampMs }: WrittenRecord) => {
  const [keyBytes, valueBytes] = [bytes(key), bytes(value)];
  return {
    topic,
    ...(keyBytes === undefined ? {} : { key: keyBytes }),
    ...(valueBytes === undefined ? {} : { value: valueBytes }),
    ...(partition === undefined ? {} : { partition }),
    ...(timestampMs === undefined ? {} : { timestamp: BigInt(timestampMs) }),
    ...(headers === undefined
      ? {}
      : {
          headers: new Map(
            Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]),
          ),
        }),
  };
};

/** Without waiting for what is under way. */
const closeNow = (client: {
  close(force: boolean, callback: (error?: Error | null) => void): void;
}): Promise<void> => new Promise((resolve) => client.close(true, () => resolve()));

export const platformaticDriver: Driver = {
  name: '@platformatic/kafka',
  cannot: {
    'assignor-range': ROUND_ROBIN_ONLY,
    'assignor-sticky': ROUND_ROBIN_ONLY,
    'assignor-cooperative-sticky': ROUND_ROBIN_ONLY,
    ...(Number(process.versions.node.split('.')[0]) < 22 ? { 'codec-zstd': 'needs Node.js 22' } : {}),
    'codec-snappy': 'needs another package',
    'codec-lz4': 'needs another package',
    'transaction-timeout': 'leaves the transaction timeout to the broker',
    'log-append-time': "takes the producer's time stamp all the same",
    'reset-out-of-range': 'ends with OFFSET_OUT_OF_RANGE',
    'transactional-id-again': 'fences itself while the transaction before is being completed',
  },
  open(bootstrapServers) {
    const common = {
      clientId: 'conformance',
      bootstrapBrokers: [...bootstrapServers],
      retries: 20,
      retryDelay: 30,
    };
    const asAdmin = async <T>(ask: (admin: Admin) => Promise<T>): Promise<T> => {
      const admin = new Admin(common);
      try {
        return await ask(admin);
      } finally {
        await admin.close();
      }
    };
    const consumer = ({ group, instanceId }: Omit<ConsumeOptions, 'count'>): Consumer =>
      new Consumer({
        ...common,
        groupId: group,
        sessionTimeout: 10_000,
        rebalanceTimeout: 15_000,
        heartbeatInterval: 200,
        maxWaitTime: 100,
        ...(instanceId === undefined ? {} : { groupInstanceId: instanceId }),
      });
    const streamOptions = (
      topic: string,
      { reset = 'earliest', committedOnly }: Partial<ConsumeOptions>,
    ) => ({
      topics: [topic],
      mode: 'committed' as const,
      fallbackMode: reset === 'none' ? ('fail' as const) : reset,
      autocommit: false,
      isolationLevel: committedOnly === true ? 1 : 0,
    });
    return {
      leaveOpen: lacking,
      commitLeft: lacking,
      alterOffset: async (groupId, name, partition, offset) =>
        await asAdmin(async (admin) => {
          const topics = [{ name, partitionOffsets: [{ partition, offset: BigInt(offset) }] }];
          await admin.alterConsumerGroupOffsets({ groupId, topics });
        }),
      deleteOffset: async (groupId, name, partition) =>
        await asAdmin(async (admin) => {
          const topics = [{ name, partitionIndexes: [partition] }];
          await admin.deleteConsumerGroupOffsets({ groupId, topics });
        }),
      createTopic: async (topic, partitions, configs = {}) =>
        await asAdmin(async (admin) => {
          const entries = Object.entries(configs).map(([name, value]) => ({ name, value }));
          await admin.createTopics({ topics: [topic], partitions, replicas: 1, configs: entries });
        }),
      deleteTopic: async (topic) => await asAdmin((admin) => admin.deleteTopics({ topics: [topic] })),
      topics: async () => await asAdmin((admin) => admin.listTopics()),
      addPartitions: async (name, count) =>
        await asAdmin((admin) => admin.createPartitions({ topics: [{ name, count }] })),
      partitionCount: async (topic) =>
        await asAdmin(async (admin) => {
          const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
          return topics.get(topic)?.partitionsCount ?? 0;
        }),
      config: async (resourceName, name) =>
        await asAdmin(async (admin) => {
          const resources = [{ resourceType: TOPIC_RESOURCE, resourceName, configurationKeys: [name] }];
          const [found] = await admin.describeConfigs({ resources } as never);
          return found?.configs[0]?.value ?? null;
        }),
      setConfig: async (resourceName, name, value) =>
        await asAdmin(async (admin) => {
          const configs = [{ name, configOperation: SET, value }];
          await admin.incrementalAlterConfigs({
            resources: [{ resourceType: TOPIC_RESOURCE, resourceName, configs }],
          } as never);
        }),
      async produce(topic, records, { acks = -1, compression = 'none', idempotent = false } = {}) {
        const producer = new Producer({ ...common, idempotent });
        try {
          await producer.send({ messages: records.map((one) => message(topic, one)), acks, compression });
        } finally {
          await producer.close();
        }
      },
      async transact(transactionalId, topic, records, outcome) {
        const producer = new Producer({ ...common, idempotent: true, transactionalId });
        try {
          const transaction = await producer.beginTransaction();
          await transaction.send({ messages: records.map((one) => message(topic, one)) });
          await (outcome === 'commit' ? transaction.commit() : transaction.abort());
        } finally {
          await producer.close();
        }
      },
      async fenced(transactionalId, topic, records) {
        const options = { ...common, idempotent: true, transactionalId };
        const [first, second] = [new Producer(options), new Producer(options)];
        const messages = records.map((one) => message(topic, one));
        try {
          const open = await first.beginTransaction();
          await open.send({ messages });
          const other = await second.beginTransaction();
          await other.send({ messages });
          await other.commit();
          return await open.commit().then(
            () => 'none',
            () => 'refused',
          );
        } finally {
          await closeNow(first);
          await closeNow(second);
        }
      },
      async consume(topic, options) {
        const member = consumer(options);
        const seen: ReadRecord[] = [];
        try {
          const stream = await member.consume(streamOptions(topic, options));
          for await (const one of stream) {
            seen.push({
              partition: one.partition,
              offset: Number(one.offset),
              key: textOf(one.key),
              value: textOf(one.value),
              headers: Object.fromEntries(
                [...one.headers].map(([name, value]) => [String(name), String(value)]),
              ),
              timestampMs: Number(one.timestamp),
            });
            await one.commit();
            if (seen.length >= options.count) break;
          }
        } finally {
          await closeNow(member);
        }
        return inOrder(seen);
      },
      async share(topic, partitions, options) {
        const suffix = (index: number) =>
          options.instanceId === undefined ? {} : { instanceId: `${options.instanceId}-${index}` };
        const members = [0, 1].map((index) => consumer({ ...options, ...suffix(index) }));
        try {
          const isSplit = new Promise<[number, number]>((resolve) => {
            const look = (): void => {
              const [left = 0, right = 0] = members.map(
                ({ assignments }) => assignments?.find((one) => one.topic === topic)?.partitions.length ?? 0,
              );
              if (left > 0 && right > 0 && left + right === partitions) resolve([left, right]);
            };
            for (const member of members) member.on('consumer:group:join', look);
          });
          for (const member of members) {
            const stream = await member.consume(streamOptions(topic, options));
            stream.on('error', () => undefined).resume();
          }
          return await isSplit;
        } finally {
          for (const member of members) await closeNow(member);
        }
      },
      committed: async (group, topic) =>
        await asAdmin(async (admin) => {
          const [found] = await admin.listConsumerGroupOffsets({ groups: [group] });
          const partitions = found?.topics.find(({ name }) => name === topic)?.partitions ?? [];
          return Object.fromEntries(
            partitions
              .filter(({ committedOffset }) => committedOffset >= 0n)
              .map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]),
          );
        }),
      deleteRecords: async (name, partition, before) =>
        await asAdmin(async (admin) => {
          const partitions = [{ partition, offset: BigInt(before) }];
          await admin.deleteRecords({ topics: [{ name, partitions }] });
        }),
      groups: async () => await asAdmin(async (admin) => [...(await admin.listGroups()).keys()]),
      deleteGroup: async (group) => await asAdmin((admin) => admin.deleteGroups({ groups: [group] })),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  },
};
