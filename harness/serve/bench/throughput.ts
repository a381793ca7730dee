/**
 * How fast one client writes records to a cluster and reads them back: an address and a load enter, seconds leave. The
 * client is @platformatic/kafka, the same for every cluster.
 */
import { randomUUID } from 'node:crypto';
import { Admin, Consumer, Producer } from '@platformatic/kafka';
import { within } from './deadline.ts';

export interface Load {
  readonly partitions: number;
  readonly records: number;
  /** In one call of the producer. */
  readonly recordsPerSend: number;
  readonly valueBytes: number;
  /** How many calls of the producer are under way at once. */
  readonly sendsAtOnce: number;
}

export interface Seconds {
  readonly produce: number;
  readonly fetch: number;
}

const LIMIT_MS = 60_000;

const secondsSince = (startNs: bigint): number => Number(process.hrtime.bigint() - startNs) / 1e9;

/** In a topic of its own, which is deleted in the end. */
export async function measureThroughput(bootstrapServers: readonly string[], load: Load): Promise<Seconds> {
  const common = { clientId: 'bench', bootstrapBrokers: [...bootstrapServers], retries: 20, retryDelay: 30 };
  const topic = `bench-${randomUUID()}`;
  const admin = new Admin(common);
  try {
    const created = admin.createTopics({ topics: [topic], partitions: load.partitions, replicas: 1 });
    await within(LIMIT_MS, 'Creating a topic', created);
    const produce = await produceAll(common, topic, load);
    const fetch = await fetchAll(common, topic, load);
    await within(LIMIT_MS, 'Deleting a topic', admin.deleteTopics({ topics: [topic] }));
    return { produce, fetch };
  } finally {
    await within(LIMIT_MS, 'Closing the admin client', admin.close());
  }
}

type Common = ConstructorParameters<typeof Producer>[0] & { clientId: string };

async function produceAll(common: Common, topic: string, load: Load): Promise<number> {
  const producer = new Producer(common);
  const value = Buffer.alloc(load.valueBytes, 'x');
  const sends = Math.ceil(load.records / load.recordsPerSend);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < sends) {
      const partition = next % load.partitions;
      next += 1;
      const messages = Array.from({ length: load.recordsPerSend }, () => ({ topic, partition, value }));
      await producer.send({ messages, acks: -1 });
    }
  };
  try {
    // Not measured: connections and metadata.
    await within(LIMIT_MS, 'Learning of the topic', producer.metadata({ topics: [topic] }));
    const startNs = process.hrtime.bigint();
    await within(LIMIT_MS, 'Producing', Promise.all(Array.from({ length: load.sendsAtOnce }, work)));
    return secondsSince(startNs);
  } finally {
    await within(LIMIT_MS, 'Closing the producer', producer.close());
  }
}

/** From the first record to the last, so that joining the group does not count. */
async function fetchAll(common: Common, topic: string, { records }: Load): Promise<number> {
  const consumer = new Consumer({ ...common, groupId: `group-${topic}`, maxWaitTime: 100 });
  try {
    const options = { topics: [topic], mode: 'earliest' as const, autocommit: false };
    const stream = await within(LIMIT_MS, 'Joining a group', consumer.consume(options));
    return await within(
      LIMIT_MS,
      'Fetching',
      new Promise<number>((resolve, reject) => {
        let seen = 0;
        let startNs = 0n;
        stream.on('error', reject).on('data', () => {
          seen += 1;
          if (seen === 1) startNs = process.hrtime.bigint();
          if (seen === records) resolve(secondsSince(startNs));
        });
      }),
    );
  } finally {
    const closed = new Promise<void>((resolve) => consumer.close(true, () => resolve()));
    await within(LIMIT_MS, 'Closing the consumer', closed);
  }
}
