/**
 * Foreign consumers against the simulated group coordinators over loopback TCP and on the real clock: they share
 * partitions, commit, rebalance when one comes, leaves or dies, and go on where the others stopped.
 */
import { connect } from 'node:net';
import { Consumer as PlatformaticConsumer } from '@platformatic/kafka';
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { afterEach, describe, expect, test } from 'vitest';
import { decodeCoordinatorRecord } from '../../world/kafka/observer/consumer-offsets.ts';
import { type RealTimeCluster, startRealTimeCluster } from '../testing/real-time.ts';
import { addGroupCoordinators } from './part.ts';
import { partitionFor } from './partition-for.ts';

const TOPIC = 'orders';
const GROUP = 'g';
const OFFSETS_TOPIC_PARTITIONS = 3;

let running: RealTimeCluster | null = null;
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  await running?.close();
  running = null;
});

async function start(): Promise<RealTimeCluster> {
  running = await startRealTimeCluster({
    brokerCount: 3,
    settings: {
      offsetsTopicNumPartitions: OFFSETS_TOPIC_PARTITIONS,
      extra: { 'group.initial.rebalance.delay.ms': '200', 'group.min.session.timeout.ms': '500' },
    },
    parts: [(cluster) => void addGroupCoordinators(cluster, { loadingTimeMs: 5 })],
  });
  running.cluster.createTopic({ name: TOPIC, partitions: 4, replicationFactor: 3 });
  return running;
}

interface Member {
  readonly consumer: Consumer;
  /** Offsets by partition, in the order in which they came. */
  readonly seen: string[];
  partitions: number[];
  /** Every connection breaks off, and no other can be made. */
  crash(): void;
}

async function join({ addresses }: RealTimeCluster, name: string): Promise<Member> {
  let isDead = false;
  const sockets = new Set<ReturnType<typeof connect>>();
  const kafka = new Kafka({
    clientId: name,
    brokers: [...addresses],
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 20, maxRetryTime: 200 },
    socketFactory: ({ host, port, onConnect }) => {
      const socket = connect({ host, port: isDead ? 1 : port }, onConnect);
      sockets.add(socket);
      return socket;
    },
  });
  const consumer = kafka.consumer({
    groupId: GROUP,
    sessionTimeout: 1_000,
    heartbeatInterval: 100,
    rebalanceTimeout: 3_000,
    maxWaitTimeInMs: 50,
  });
  const member: Member = {
    consumer,
    seen: [],
    partitions: [],
    crash() {
      isDead = true;
      for (const socket of sockets) socket.destroy();
      // A dead process does nothing any more; nobody waits for its attempt to say goodbye.
      void consumer.disconnect().catch(() => undefined);
    },
  };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.partitions = payload.memberAssignment[TOPIC] ?? [];
  });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async ({ partition, message }) => void member.seen.push(`${partition}@${message.offset}`),
  });
  closing.push(async () => {
    if (!isDead) await consumer.disconnect();
  });
  return member;
}

async function send({ addresses }: RealTimeCluster, round: number): Promise<void> {
  const producer = new Kafka({ brokers: [...addresses], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  const messages = [0, 1, 2, 3].map((partition) => ({ partition, value: `${round}` }));
  await producer.send({ topic: TOPIC, messages });
  await producer.disconnect();
}

/** What the coordinators' own topic says, read as an observer of a real cluster reads it. */
function recorded({ cluster }: RealTimeCluster): ReturnType<typeof decodeCoordinatorRecord>[] {
  const partition = partitionFor(GROUP, OFFSETS_TOPIC_PARTITIONS);
  return (cluster.readPartition('__consumer_offsets', partition)?.records ?? []).map(({ key, value }) =>
    decodeCoordinatorRecord(key as Buffer, value as Buffer | null),
  );
}

const committedOffsets = (running: RealTimeCluster): Map<number, bigint> =>
  new Map(
    recorded(running).flatMap((one) =>
      one.kind === 'offset-committed' ? [[one.partition, one.offset]] : [],
    ),
  );

const all = (round: number): string[] => [0, 1, 2, 3].map((partition) => `${partition}@${round}`);

/** The types know only the form with a callback. */
const leaving = (consumer: PlatformaticConsumer): Promise<void> =>
  new Promise((resolve) => {
    consumer.close(true, () => resolve());
  });

const eventually = <T>(read: () => T) => expect.poll(read, { timeout: 15_000, interval: 20 });

describe('kafkajs', () => {
  test('two members share, commit and rebalance; one crashes, and the other takes over where it stopped', async () => {
    const world = await start();
    await send(world, 0);
    const a = await join(world, 'a');
    await eventually(() => a.seen.toSorted()).toEqual(all(0));
    const b = await join(world, 'b');
    await eventually(() => [...a.partitions, ...b.partitions].toSorted((x, y) => x - y)).toEqual([
      0, 1, 2, 3,
    ]);
    await send(world, 1);
    await eventually(() => [...a.seen, ...b.seen].toSorted()).toEqual([...all(0), ...all(1)].toSorted());
    await eventually(() => [...committedOffsets(world).values()]).toEqual([2n, 2n, 2n, 2n]);
    expect(b.seen.length).toBe(2);

    const crashedAt = Date.now();
    b.crash();
    await send(world, 2);
    await eventually(() => [...a.seen, ...b.seen].filter((one) => one.endsWith('@2')).toSorted()).toEqual(
      all(2),
    );
    expect(Date.now() - crashedAt).toBeGreaterThan(700);
    await eventually(() => [...committedOffsets(world).values()]).toEqual([3n, 3n, 3n, 3n]);

    const generations = recorded(world).flatMap((one) => (one.kind === 'group-generation' ? [one] : []));
    for (const { members } of generations) {
      const owned = members.flatMap(({ assignment }) => assignment.flatMap(({ partitions }) => partitions));
      expect(new Set(owned).size).toBe(owned.length);
    }
    expect(generations.at(-1)?.members.map(({ clientId }) => clientId)).toEqual(['a']);
  });

  test('goes on when the coordinator dies, and its admin sees the group', async () => {
    const world = await start();
    await send(world, 0);
    const a = await join(world, 'a');
    await eventually(() => [...committedOffsets(world).values()]).toEqual([1n, 1n, 1n, 1n]);
    const coordinator = world.cluster.leaderOf(
      '__consumer_offsets',
      partitionFor(GROUP, OFFSETS_TOPIC_PARTITIONS),
    );
    world.cluster.stopBroker(coordinator ?? 0);
    await eventually(() => world.cluster.phase(coordinator ?? 0)).toBe('down');
    await send(world, 1);
    await eventually(() => [...committedOffsets(world).values()]).toEqual([2n, 2n, 2n, 2n]);
    // What was not committed when the coordinator went may come a second time.
    expect([...new Set(a.seen)].toSorted()).toEqual([...all(0), ...all(1)].toSorted());

    const admin = new Kafka({ brokers: [...world.addresses], logLevel: logLevel.NOTHING }).admin();
    await admin.connect();
    const { groups } = await admin.describeGroups([GROUP]);
    expect(groups).toMatchObject([
      { state: 'Stable', protocolType: 'consumer', members: [{ clientId: 'a' }] },
    ]);
    const { groups: listed } = await admin.listGroups();
    expect(listed).toEqual([{ groupId: GROUP, protocolType: 'consumer' }]);
    const offsets = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
    expect(offsets[0]?.partitions.map(({ offset }) => offset)).toEqual(['2', '2', '2', '2']);
    await expect(admin.deleteGroups([GROUP])).rejects.toThrow('DeleteGroups');
    await a.consumer.disconnect();
    await admin.deleteGroups([GROUP]);
    expect((await admin.listGroups()).groups).toEqual([]);
    await admin.disconnect();
    expect(committedOffsets(world).size).toBe(4);
    expect(recorded(world).at(-1)).toEqual({ kind: 'group-removed', group: GROUP });
  });
});

describe('@platformatic/kafka', () => {
  test('joins, consumes, commits and leaves, with flexible versions', async () => {
    const world = await start();
    await send(world, 0);
    const consumer = new PlatformaticConsumer({
      groupId: GROUP,
      clientId: 'p',
      bootstrapBrokers: [...world.addresses],
      sessionTimeout: 6_000,
      heartbeatInterval: 500,
      autocommit: false,
    });
    closing.push(() => leaving(consumer));
    const stream = await consumer.consume({ topics: [TOPIC], mode: 'earliest', maxWaitTime: 50 });
    const seen: string[] = [];
    for await (const message of stream) {
      seen.push(`${message.partition}@${message.offset}`);
      await message.commit();
      if (seen.length === 4) break;
    }
    expect(seen.toSorted()).toEqual(all(0));
    expect([...committedOffsets(world).keys()].toSorted((x, y) => x - y)).toEqual([0, 1, 2, 3]);
    const generation = recorded(world).findLast((one) => one.kind === 'group-generation');
    expect(generation).toMatchObject({ generation: 1, members: [{ clientId: 'p', subscription: [TOPIC] }] });
    await leaving(consumer);
    await eventually(() => recorded(world).findLast((one) => one.kind === 'group-generation')).toMatchObject({
      generation: 2,
      members: [],
    });
  });
});
