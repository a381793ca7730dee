/**
 * The observer on brokers that fail. The coordinator view is held against a foreign client: what kafkajs commits, and
 * what kafkajs itself reads back from `__consumer_offsets` afterwards, is what the view has to have told.
 */
import { randomBytes } from 'node:crypto';
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterSet, startClusterSet } from '../cluster-set.ts';
import { type ClusterAdmin, openAdmin } from './admin.ts';
import { REQUEST_TIMEOUT_MS } from './cluster-link.ts';
import {
  type CoordinatorEvent,
  type CoordinatorView,
  OFFSETS_TOPIC,
  startCoordinatorView,
} from './coordinator-view.ts';
import { Deadline, sleep } from './deadline.ts';

const PARTITIONS = 3;
const sessionId = `test-${randomBytes(4).toString('hex')}`;

let set: ClusterSet;
let admin: ClusterAdmin;
let view: CoordinatorView;
let kafka: Kafka;

beforeAll(async () => {
  set = await startClusterSet({ brokerCount: 3, sessionId });
  const connection = { bootstrapServers: [...set.bootstrapServers], tls: null, sasl: null };
  admin = openAdmin(connection);
  view = await startCoordinatorView(connection);
  kafka = new Kafka({
    clientId: 'foreign',
    brokers: connection.bootstrapServers,
    logLevel: logLevel.NOTHING,
    requestTimeout: 3_000,
    connectionTimeout: 2_000,
    retry: { retries: 30, initialRetryTime: 100, maxRetryTime: 1_000 },
  });
});

afterAll(async () => {
  await view?.stop();
  await admin?.close();
  await set?.stop();
});

interface LogEntry {
  readonly place: string;
  readonly key: string;
  readonly value: string | null;
}

/** The whole coordinator log of all groups with this prefix, as kafkajs reads it. */
async function readByForeignClient(prefix: string): Promise<LogEntry[]> {
  const kafkaAdmin = kafka.admin();
  await kafkaAdmin.connect();
  const ends = await kafkaAdmin.fetchTopicOffsets(OFFSETS_TOPIC);
  await kafkaAdmin.disconnect();
  const missing = new Set(ends.filter((end) => end.high !== '0').map((end) => end.partition));
  const entries: LogEntry[] = [];
  const consumer = kafka.consumer({
    groupId: `reader-${randomBytes(4).toString('hex')}`,
    readUncommitted: true,
  });
  await consumer.connect();
  await consumer.subscribe({ topic: OFFSETS_TOPIC, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) {
        const key = message.key ?? Buffer.alloc(0);
        const group = key.subarray(4, 4 + key.readInt16BE(2)).toString();
        if (group.startsWith(prefix))
          entries.push({
            place: `${batch.partition}/${message.offset}`,
            key: key.toString('hex'),
            value: message.value?.toString('hex') ?? null,
          });
      }
      const end = ends.find((one) => one.partition === batch.partition);
      if (Number(batch.lastOffset()) + 1 >= Number(end?.high)) missing.delete(batch.partition);
    },
  });
  const deadline = new Deadline(30_000);
  while (missing.size > 0 && !deadline.expired) await deadline.sleep(50);
  await consumer.disconnect();
  expect([...missing]).toEqual([]);
  return entries;
}

const placeOf = ({ logPosition }: CoordinatorEvent): string =>
  `${logPosition.partition}/${logPosition.offset}`;

/** What the log holds, per partition in order, against what the view told. */
async function expectTheWholeLog(prefix: string, told: readonly CoordinatorEvent[]): Promise<void> {
  await view.catchUp(60_000);
  const log = await readByForeignClient(prefix);
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const here = (place: string): boolean => place.startsWith(`${partition}/`);
    expect(told.map(placeOf).filter(here)).toEqual(log.map((entry) => entry.place).filter(here));
  }
  // Commits by content: the offset is the first number in the value, behind its version.
  for (const event of told) {
    const entry = log.find((one) => one.place === placeOf(event));
    const value = entry?.value === null || entry === undefined ? null : Buffer.from(entry.value, 'hex');
    const committed = event.kind === 'commit-accepted' ? event.offset : null;
    const isCommit = entry?.key.startsWith('0001') === true && value !== null;
    expect(committed).toBe(isCommit ? String(value?.readBigInt64BE(2)) : null);
  }
  expect(view.gaps).toEqual([]);
}

async function leaderOf(partition: number): Promise<number> {
  const kafkaAdmin = kafka.admin();
  await kafkaAdmin.connect();
  const { topics } = await kafkaAdmin.fetchTopicMetadata({ topics: [OFFSETS_TOPIC] });
  await kafkaAdmin.disconnect();
  return topics[0]?.partitions.find((one) => one.partitionId === partition)?.leader ?? -1;
}

/** Java's String.hashCode, which tells a group's partition. */
function partitionOf(group: string): number {
  let hash = 0;
  for (let i = 0; i < group.length; i++) hash = (Math.imul(hash, 31) + group.charCodeAt(i)) | 0;
  return Math.abs(hash) % PARTITIONS;
}

/** One group on each partition of the coordinator's log. */
function groupsOnAllPartitions(prefix: string): string[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => {
    for (let i = 0; ; i++) if (partitionOf(`${prefix}g${i}`) === partition) return `${prefix}g${i}`;
  });
}

async function joined(group: string, topic: string): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId: group, sessionTimeout: 30_000, heartbeatInterval: 1_000 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const inGroup = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve());
  });
  await consumer.run({ autoCommit: false, eachMessage: async () => {} });
  await inGroup;
  return consumer;
}

/** Commits 1, 2, 3, ... one after the other until told to end. @returns the offsets whose commits were acknowledged */
async function commitOneByOne(consumer: Consumer, topic: string, ending: AbortSignal): Promise<number[]> {
  const acknowledged: number[] = [];
  for (let offset = 1; !ending.aborted; offset++) {
    try {
      await consumer.commitOffsets([{ topic, partition: 0, offset: String(offset) }]);
      acknowledged.push(offset);
    } catch {
      // Its outcome is unknown; the next one is another commit.
    }
    // A consumer that has ended answers at once: never without a pause.
    await sleep(5);
  }
  return acknowledged;
}

describe('the coordinator view on three brokers', () => {
  it('tells within 100 ms what a healthy cluster writes', async () => {
    const prefix = `healthy-${randomBytes(3).toString('hex')}.`;
    const topic = `${prefix}t`;
    await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 3 }]);
    const delaysMs: number[] = [];
    const unsubscribe = view.subscribe(prefix, (event) => delaysMs.push(Date.now() - event.timeEpochMs));
    const consumer = await joined(`${prefix}g`, topic);
    for (let offset = 1; offset <= 50; offset++) {
      await consumer.commitOffsets([{ topic, partition: 0, offset: String(offset) }]);
      await sleep(20);
    }
    await view.catchUp(10_000);
    unsubscribe();
    await consumer.disconnect();
    delaysMs.sort((a, b) => a - b);
    const median = delaysMs[delaysMs.length >> 1];
    console.log(`delay of the coordinator view: median ${median} ms, maximum ${delaysMs.at(-1)} ms`);
    expect(delaysMs.length).toBeGreaterThanOrEqual(51);
    expect(median).toBeLessThan(100);
  });

  it('loses nothing, doubles nothing and keeps the order while leaders are killed and paused', async () => {
    const prefix = `faults-${randomBytes(3).toString('hex')}.`;
    const topic = `${prefix}t`;
    await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 3 }]);
    const told: CoordinatorEvent[] = [];
    const unsubscribe = view.subscribe(prefix, (event) => told.push(event));
    const groups = groupsOnAllPartitions(prefix);
    const consumers = await Promise.all(groups.map(async (group) => await joined(group, topic)));
    const ending = new AbortController();
    const streams = consumers.map(async (consumer) => await commitOneByOne(consumer, topic, ending.signal));
    try {
      await sleep(2_000);
      const killed = await leaderOf(0);
      await set.crashBroker(killed);
      await sleep(8_000);
      await set.startBroker(killed);
      await set.awaitHealthy();
      const paused = await leaderOf(1);
      await set.pauseBroker(paused);
      await sleep(8_000);
      await set.unpauseBroker(paused);
      await set.awaitHealthy();
      // Too short for anyone to take over: everything just waits.
      const held = await leaderOf(2);
      await set.pauseBroker(held);
      await sleep(1_500);
      await set.unpauseBroker(held);
      await set.awaitHealthy();
      await sleep(2_000);
    } finally {
      ending.abort();
    }
    const acknowledged = await Promise.all(streams);
    await Promise.all(consumers.map(async (consumer) => await consumer.disconnect()));
    await expectTheWholeLog(prefix, told);
    unsubscribe();
    for (const [i, group] of groups.entries()) {
      const accepted = told.flatMap((event) =>
        event.kind === 'commit-accepted' && event.group === group ? [Number(event.offset)] : [],
      );
      // Every acknowledged commit is there; others are those whose answers were lost.
      expect(accepted).toEqual(expect.arrayContaining(acknowledged[i] ?? []));
      expect(accepted.length).toBeGreaterThan(50);
    }
    console.log(
      `commits acknowledged: ${acknowledged.map((one) => one.length).join(', ')}; events told: ${told.length}`,
    );
  });

  it('stands by its word after all brokers were gone', async () => {
    const prefix = `all-${randomBytes(3).toString('hex')}.`;
    const topic = `${prefix}t`;
    await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 3 }]);
    const told: CoordinatorEvent[] = [];
    const unsubscribe = view.subscribe(prefix, (event) => told.push(event));
    const before = await joined(`${prefix}before`, topic);
    await before.commitOffsets([{ topic, partition: 0, offset: '1' }]);
    await before.disconnect();
    await Promise.all(set.brokerIds.map(async (id) => await set.crashBroker(id)));
    await expect(view.catchUp(1_000)).rejects.toThrow(/not done within 1 s/);
    await Promise.all(set.brokerIds.map(async (id) => await set.startBroker(id)));
    await set.awaitHealthy();
    const after = await joined(`${prefix}after`, topic);
    await after.commitOffsets([{ topic, partition: 0, offset: '2' }]);
    await after.disconnect();
    await expectTheWholeLog(prefix, told);
    unsubscribe();
    const offsets = told.flatMap((event) => (event.kind === 'commit-accepted' ? [event.offset] : []));
    expect(offsets).toEqual(expect.arrayContaining(['1', '2']));
  });
});

describe('the admin on three brokers', () => {
  /** One of everything that has to find a leader, a coordinator or the controller. */
  const everything = async (topic: string): Promise<void> => {
    const timeoutMs = 60_000;
    await admin.createTopics([{ name: topic, partitions: 3, replicationFactor: 3 }], timeoutMs);
    await admin.addPartitions(topic, 6, timeoutMs);
    for (let partition = 0; partition < 6; partition++) {
      expect(await admin.produce(topic, partition, 'a|', timeoutMs)).toBe(0n);
      expect(await admin.produce(topic, partition, 'b|', timeoutMs)).toBe(1n);
      expect(await admin.deleteRecords(topic, partition, 1n, timeoutMs)).toBe(1n);
      const records = await admin.readPartition(topic, partition, 0n, 2n, timeoutMs);
      expect(records.map((record) => String(record.value))).toEqual(['b|']);
    }
    expect(await admin.logOffsets(topic, timeoutMs)).toEqual(
      Array.from({ length: 6 }, (_, partition) => ({ partition, logStartOffset: 1n, logEndOffset: 2n })),
    );
    for (const group of groupsOnAllPartitions(`${topic}.`)) {
      await admin.ensureCoordinator(group, timeoutMs);
      expect(await admin.committedOffsets(group, timeoutMs)).toEqual([]);
      expect((await admin.describeGroup(group, timeoutMs)).state).toBe('Dead');
      expect(await admin.deleteGroups([group], timeoutMs)).toEqual([]);
    }
    await admin.deleteTopics([topic], timeoutMs);
  };

  it('gets everything done while any one broker is dead or frozen', async () => {
    await set.awaitHealthy();
    for (const id of set.brokerIds) {
      await set.crashBroker(id);
      await everything(`dead-${id}-${randomBytes(3).toString('hex')}`);
      await set.startBroker(id);
      await set.awaitHealthy();
      await set.pauseBroker(id);
      await everything(`frozen-${id}-${randomBytes(3).toString('hex')}`);
      await set.unpauseBroker(id);
      await set.awaitHealthy();
    }
    // A broker that wakes up still carries out what it had been asked: a topic may have come back.
    const left = [...(await admin.listTopics('dead-')), ...(await admin.listTopics('frozen-'))];
    await admin.deleteTopics(left);
    expect([...(await admin.listTopics('dead-')), ...(await admin.listTopics('frozen-'))]).toEqual([]);
  });

  it('writes each marker once while brokers go down and come up', async () => {
    const topic = `markers-${randomBytes(3).toString('hex')}`;
    await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 3 }]);
    const ending = new AbortController();
    const faults = (async () => {
      while (!ending.signal.aborted)
        for (const id of set.brokerIds) {
          await set.pauseBroker(id);
          await sleep(3_500);
          await set.unpauseBroker(id);
          await set.awaitHealthy();
        }
    })();
    const told: string[] = [];
    const deadline = new Deadline(45_000);
    try {
      for (let i = 0; !deadline.expired; i++) {
        told.push(`${await admin.produce(topic, 0, `marker-${i}|`, 60_000)} marker-${i}|`);
        await sleep(10);
      }
    } finally {
      ending.abort();
      await faults;
    }
    const records = await admin.readPartition(topic, 0, 0n, BigInt(told.length), 60_000);
    expect(records.map((record) => `${record.offset} ${String(record.value)}`)).toEqual(told);
    expect(await admin.logOffsets(topic)).toMatchObject([{ logEndOffset: BigInt(told.length) }]);
    console.log(`markers written: ${told.length}`);
  });

  it('says by its deadline that no broker answers, and goes on when they are back', async () => {
    for (const id of set.brokerIds) await set.pauseBroker(id);
    const startMs = performance.now();
    await expect(admin.listTopics('', 1_000)).rejects.toThrow(/listing topics: not done within 1 s; last: /);
    expect(performance.now() - startMs).toBeLessThan(REQUEST_TIMEOUT_MS);
    await Promise.all(set.brokerIds.map(async (id) => await set.unpauseBroker(id)));
    await set.awaitHealthy();
    expect(await admin.listTopics(OFFSETS_TOPIC, 30_000)).toEqual([OFFSETS_TOPIC]);
  });
});
