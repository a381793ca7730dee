/**
 * The observer on one real broker of each version at hand: what the admin does, what it reads, and what the
 * coordinator writes for every kind of group.
 *
 * The coordinator's log of the last test is also the fixture of `coordinator-log-fixtures.test.ts`. To write it anew:
 * `KAFKA_TRIAL_CAPTURE=1 npx vitest run --project kafka harness/world/kafka/observer/observer.kafka.test.ts`
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import {
  consumerGroupHeartbeatV0,
  offsetCommitV9,
  Consumer as PlatformaticConsumer,
} from '@platformatic/kafka';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClusterSet, startClusterSet } from '../cluster-set.ts';
import { type ClusterAdmin, openAdmin } from './admin.ts';
import { ClusterLink } from './cluster-link.ts';
import {
  type CoordinatorEvent,
  type CoordinatorView,
  OFFSETS_TOPIC,
  startCoordinatorView,
} from './coordinator-view.ts';
import { sleep } from './deadline.ts';
import { collectFacts, collectGroupFacts, type Fact } from './facts.ts';
import { KafkaRequestError } from './kafka-error.ts';
import { versionsUnderTest } from './kafka-versions.testing.ts';

describe.each(versionsUnderTest())('the observer on Kafka $version', ({ version, image }) => {
  const isOld = version.startsWith('3.');
  let set: ClusterSet;
  let admin: ClusterAdmin;
  let view: CoordinatorView;
  let kafka: Kafka;
  const capture = process.env.KAFKA_TRIAL_CAPTURE !== undefined;
  const prefix = capture ? 't-fixture.' : `t-${randomBytes(3).toString('hex')}.`;

  beforeAll(async () => {
    set = await startClusterSet({
      brokerCount: 1,
      sessionId: `test-${randomBytes(4).toString('hex')}`,
      image,
      groupInitialRebalanceDelayMs: 0,
    });
    const connection = { bootstrapServers: [...set.bootstrapServers], tls: null, sasl: null };
    admin = openAdmin(connection);
    view = await startCoordinatorView(connection);
    kafka = new Kafka({ clientId: 'm1.1', brokers: connection.bootstrapServers, logLevel: logLevel.NOTHING });
  });

  afterAll(async () => {
    await view?.stop();
    await admin?.close();
    await set?.stop();
  });

  const eventsOf = (group: string): { told: CoordinatorEvent[]; unsubscribe: () => void } => {
    const told: CoordinatorEvent[] = [];
    return { told, unsubscribe: view.subscribe(group, (event) => told.push(event)) };
  };

  it('tells the broker and its version', async () => {
    const [broker, ...others] = await admin.brokers();
    expect(others).toEqual([]);
    expect(broker).toMatchObject({ nodeId: 1, kafkaVersion: version.split('.').slice(0, 2).join('.') });
    expect(`${broker?.host}:${broker?.port}`).toBe(set.bootstrapServers[0]);
  });

  it('creates, grows and deletes topics', async () => {
    const topic = `${prefix}topics`;
    await admin.createTopics([
      { name: topic, partitions: 2, replicationFactor: 1, configuration: { 'retention.ms': '123456' } },
      { name: `${topic}-2`, partitions: 1, replicationFactor: 1 },
    ]);
    expect(await admin.listTopics(topic)).toEqual([topic, `${topic}-2`]);
    const foreign = kafka.admin();
    await foreign.connect();
    const { resources } = await foreign.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }],
    });
    await foreign.disconnect();
    expect(resources[0]?.configEntries[0]?.configValue).toBe('123456');
    await admin.addPartitions(topic, 5);
    expect(await admin.logOffsets(topic)).toHaveLength(5);
    await admin.deleteTopics([topic, `${topic}-2`, `${topic}-never`]);
    expect(await admin.listTopics(topic)).toEqual([]);
  });

  it("passes Kafka's refusals on by name", async () => {
    const topic = `${prefix}refused`;
    const refusal = async (promise: Promise<unknown>): Promise<string> =>
      await promise.then(
        () => 'nothing',
        (error) => (error instanceof KafkaRequestError ? error.errorName : String(error)),
      );
    const one = { name: topic, partitions: 1, replicationFactor: 1 };
    expect(await refusal(admin.createTopics([{ ...one, replicationFactor: 3 }]))).toBe(
      'INVALID_REPLICATION_FACTOR',
    );
    expect(await refusal(admin.createTopics([{ ...one, configuration: { 'no.such': 'x' } }]))).toBe(
      'INVALID_CONFIG',
    );
    await admin.createTopics([one]);
    expect(await refusal(admin.createTopics([one]))).toBe('TOPIC_ALREADY_EXISTS');
    expect(await refusal(admin.addPartitions(topic, 1))).toBe('INVALID_PARTITIONS');
    expect(await refusal(admin.deleteRecords(topic, 0, 5n))).toBe('OFFSET_OUT_OF_RANGE');
    expect(await refusal(admin.logOffsets(`${topic}-never`, 300))).toContain('UNKNOWN_TOPIC_OR_PARTITION');
    await admin.deleteTopics([topic]);
  });

  it('writes markers, deletes records, and reads what is left, as facts', async () => {
    const topic = `${prefix}records`;
    await admin.createTopics([{ name: topic, partitions: 2, replicationFactor: 1 }]);
    for (const [i, value] of ['a|', 'b|..', 'no id', 'c|'].entries())
      expect(await admin.produce(topic, 0, value)).toBe(BigInt(i));
    expect(await admin.deleteRecords(topic, 0, 1n)).toBe(1n);
    expect(await admin.logOffsets(topic)).toEqual([
      { partition: 0, logStartOffset: 1n, logEndOffset: 4n },
      { partition: 1, logStartOffset: 0n, logEndOffset: 0n },
    ]);
    // From before the log's start and with transaction markers among the records.
    const producer = kafka.producer({
      transactionalId: `${prefix}tx`,
      maxInFlightRequests: 1,
      idempotent: true,
    });
    await producer.connect();
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ partition: 0, value: 'aborted|' }] });
    await transaction.abort();
    await producer.disconnect();
    // Kafka answers before it has written the marker.
    while ((await admin.logOffsets(topic))[0]?.logEndOffset !== 6n) await sleep(20);
    await admin.produce(topic, 0, 'd|');
    const facts: Fact[] = [];
    await collectFacts(
      admin,
      [topic],
      [{ id: `${prefix}nobody`, topics: [topic] }],
      (fact) => facts.push(fact),
      20_000,
      0,
    );
    const common = { process: 'cluster', topic };
    expect(facts).toEqual([
      {
        ...common,
        kind: 'fact-log',
        partition: 0,
        logStartOffset: '1',
        logEndOffset: '7',
        records: [
          { offset: '1', record: 'b' },
          { offset: '2', record: null },
          { offset: '3', record: 'c' },
          {
            offset: '4',
            record: 'aborted',
            transaction: { state: 'aborted', endedAt: expect.closeTo(Date.now(), -6) },
          },
          { offset: '6', record: 'd' },
        ],
      },
      { ...common, kind: 'fact-log', partition: 1, logStartOffset: '0', logEndOffset: '0', records: [] },
      { ...common, kind: 'fact-committed', group: `${prefix}nobody`, partition: 0, offset: null },
      { ...common, kind: 'fact-committed', group: `${prefix}nobody`, partition: 1, offset: null },
    ]);
    expect((await admin.readPartition(topic, 0, 0n, 3n)).map((record) => String(record.value))).toEqual([
      'b|..',
      'no id',
    ]);
    await admin.deleteTopics([topic]);
  });

  it('reads a log of many batches whole', async () => {
    const topic = `${prefix}long`;
    await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }]);
    const producer = kafka.producer();
    await producer.connect();
    const value = 'x'.repeat(100_000);
    for (let batch = 0; batch < 20; batch++)
      await producer.send({ topic, messages: Array.from({ length: 9 }, () => ({ value })) });
    await producer.disconnect();
    const records = await admin.readPartition(topic, 0, 5n, 180n);
    expect(records.map((record) => Number(record.offset))).toEqual(
      Array.from({ length: 175 }, (_, i) => i + 5),
    );
    expect(records.every((record) => record.value?.length === 100_000)).toBe(true);
    await admin.deleteTopics([topic]);
  });

  it('reads what the broker compressed', async () => {
    // Node 20 has no zstd; the error has to say so.
    const hasZstd = 'zstdDecompressSync' in (await import('node:zlib'));
    for (const codec of ['gzip', 'snappy', 'lz4', 'zstd']) {
      const topic = `${prefix}${codec}`;
      const configuration = { 'compression.type': codec };
      await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1, configuration }]);
      const producer = kafka.producer();
      await producer.connect();
      const messages = Array.from({ length: 50 }, (_, i) => ({
        value: `${codec}-${i}|${'.'.repeat(1_000)}`,
      }));
      await producer.send({ topic, messages });
      await producer.disconnect();
      const read: unknown = await admin.readPartition(topic, 0, 0n, 50n).then(
        (records) => records.map((record) => ({ value: String(record.value) })),
        (error: unknown) => String(error),
      );
      const unreadable = expect.stringContaining('zstd is not supported in the current Node.js version');
      expect(read).toEqual(codec !== 'zstd' || hasZstd ? messages : unreadable);
      await admin.deleteTopics([topic]);
    }
  });

  it('describes groups, refuses to delete offsets in use, and deletes when members are gone', async () => {
    const topic = `${prefix}groups`;
    const group = `${prefix}groups`;
    await admin.createTopics([{ name: topic, partitions: 2, replicationFactor: 1 }]);
    expect(await admin.describeGroup(group)).toEqual({ state: 'Dead', members: [] });
    const { told, unsubscribe } = eventsOf(group);
    const consumer = kafka.consumer({ groupId: group });
    await consumer.connect();
    await consumer.subscribe({ topic });
    await consumer.run({ autoCommit: false, eachMessage: async () => {} });
    while (!told.some((event) => event.kind === 'group-generation' && event.state === 'stable'))
      await sleep(20);
    await consumer.commitOffsets([{ topic, partition: 1, offset: '0', metadata: 'näher' }]);

    const facts: Fact[] = [];
    await collectGroupFacts(admin, [{ id: group, topics: [topic] }], (fact) => facts.push(fact), 10_000);
    const member = {
      memberId: expect.stringMatching(/^m1\.1-/),
      clientId: 'm1.1',
      groupInstanceId: null,
      subscription: [topic],
      assignment: [{ topic, partitions: [0, 1] }],
    };
    expect(facts).toEqual([
      { process: 'cluster', kind: 'fact-group', group, state: 'Stable', members: [member] },
    ]);
    expect(await admin.committedOffsets(group)).toEqual([{ topic, partition: 1, offset: 0n }]);
    expect(await admin.deleteGroupOffsets(group, topic, [0, 1])).toEqual([
      { partition: 0, error: 'GROUP_SUBSCRIBED_TO_TOPIC' },
      { partition: 1, error: 'GROUP_SUBSCRIBED_TO_TOPIC' },
    ]);
    expect(await admin.alterGroupOffset(group, topic, 1, 7n)).toBe('UNKNOWN_MEMBER_ID');
    expect(await admin.deleteGroups([group, `${group}-never`], 300)).toEqual([
      { group, error: 'NON_EMPTY_GROUP' },
    ]);
    const deleted = admin.deleteGroups([group], 20_000);
    await sleep(200);
    await consumer.disconnect();
    expect(await deleted).toEqual([]);
    expect(await admin.listGroups(group)).toEqual([]);
    expect(await admin.deleteGroupOffsets(group, topic, [1])).toEqual([
      { partition: 1, error: 'GROUP_ID_NOT_FOUND' },
    ]);

    await view.catchUp(10_000);
    unsubscribe();
    const kinds = told.map((event) => (event.kind === 'group-generation' ? event.state : event.kind));
    // 4.x writes the new group before its first generation; 3.9 does not.
    expect(kinds[0] === 'empty' ? kinds.slice(1) : kinds).toEqual([
      'stable',
      'commit-accepted',
      'empty',
      'commit-removed',
      'group-removed',
    ]);
    expect(told.find((event) => event.kind === 'group-generation' && event.state === 'stable')).toMatchObject(
      {
        members: [member],
      },
    );
    expect(told.find((event) => event.kind === 'commit-accepted')).toMatchObject({
      metadata: 'näher',
      offset: '0',
    });
    await admin.deleteTopics([topic]);
  });

  it('tells the commits of a transaction if and when it commits', async () => {
    const topic = `${prefix}transactions`;
    const group = `${prefix}transactions`;
    await admin.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }]);
    const { told, unsubscribe } = eventsOf(group);
    // A producer for each: kafkajs does not wait while its former transaction is still being completed.
    const begun = async (offset: string) => {
      const transactionalId = `${prefix}tx-${offset}`;
      const producer = kafka.producer({ transactionalId, maxInFlightRequests: 1, idempotent: true });
      await producer.connect();
      const transaction = await producer.transaction();
      const partitions = [{ partition: 0, offset }];
      await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions }] });
      return { producer, transaction };
    };
    const aborted = await begun('5');
    const committed = await begun('7');
    await aborted.transaction.abort();
    await view.catchUp(10_000);
    expect(told.filter((event) => event.kind === 'commit-accepted')).toEqual([]);
    await committed.transaction.commit();
    await aborted.producer.disconnect();
    await committed.producer.disconnect();
    // The answer to the commit comes before the marker is in the coordinator's log.
    const asked = [{ topic, partitions: [0] }];
    expect(await admin.committedOffsets(group, 10_000, asked)).toEqual([{ topic, partition: 0, offset: 7n }]);
    await view.catchUp(10_000);
    unsubscribe();
    expect(told.filter((event) => event.kind === 'commit-accepted')).toMatchObject([{ offset: '7' }]);
    await admin.deleteGroups([group]);
    await admin.deleteTopics([topic]);
  });

  it('reads the records of every kind of group', async () => {
    const topic = `${prefix}kinds`;
    await admin.createTopics([{ name: topic, partitions: 2, replicationFactor: 1 }]);
    const [start] = await admin.logOffsets(OFFSETS_TOPIC);
    const { told, unsubscribe } = eventsOf(prefix);
    const bootstrapBrokers = [...set.bootstrapServers];

    // A static member and, while it still lives, a second one with the same instance id, which takes its place.
    const group = `${prefix}static`;
    const members = ['m2.1', 'm2.2'].map(
      (clientId) =>
        new PlatformaticConsumer({
          clientId,
          groupId: group,
          groupInstanceId: 'instance-1',
          bootstrapBrokers,
          sessionTimeout: 30_000,
          rebalanceTimeout: 60_000,
          heartbeatInterval: 20_000,
        }),
    );
    for (const member of members) {
      member.topics.track(topic);
      await member.joinGroup({});
    }
    await members[1]?.commit({ offsets: [{ topic, partition: 0, offset: 3n, leaderEpoch: 0 }] });
    for (const member of members) await new Promise<void>((resolve) => member.close(true, () => resolve()));
    const dynamic = kafka.consumer({ groupId: `${prefix}dynamic`, sessionTimeout: 10_000 });
    await dynamic.connect();
    await dynamic.subscribe({ topic });
    await dynamic.run({ autoCommit: false, eachMessage: async () => {} });
    while (!told.some((event) => event.group === `${prefix}dynamic` && isStable(event))) await sleep(20);
    await dynamic.disconnect();
    await admin.deleteGroups([`${prefix}dynamic`]);
    let memberId = '';
    // The new protocol (KIP-848) has other records; 3.9 has it switched off.
    if (!isOld) {
      const link = new ClusterLink({ bootstrapServers: bootstrapBrokers, tls: null, sasl: null }, 'm3.1');
      const heartbeat = async (epoch: number) =>
        await link.requestAny(consumerGroupHeartbeatV0.api, [
          `${prefix}modern`,
          memberId,
          epoch,
          null,
          null,
          60_000,
          epoch === 0 ? [topic] : null,
          null,
          null,
          [],
        ]);
      const { memberId: given, memberEpoch } = await heartbeat(0);
      memberId = given ?? '';
      const partitions = [{ partitionIndex: 1, committedOffset: 4n, committedLeaderEpoch: 0 }];
      const commit = [{ name: topic, partitions }];
      await link.requestAny(offsetCommitV9.api, [`${prefix}modern`, memberEpoch, memberId, null, commit]);
      await heartbeat(-1);
      link.close();
    }
    await view.catchUp(10_000);
    unsubscribe();
    expect(view.gaps).toEqual([]);
    const generations = told.flatMap((event) =>
      event.group === group && event.kind === 'group-generation' && event.state === 'stable' ? [event] : [],
    );
    // The same generation again, with the new member's id, but still with the first one's client id.
    expect(generations).toMatchObject([{ generation: 1 }, { generation: 1 }]);
    expect(new Set(generations.map((event) => event.members[0]?.memberId)).size).toBe(2);
    for (const { members: described } of generations)
      expect(described).toMatchObject([
        {
          clientId: 'm2.1',
          groupInstanceId: 'instance-1',
          subscription: [topic],
          assignment: [{ topic, partitions: [0, 1] }],
        },
      ]);
    const ofModern = told.filter((event) => event.group === `${prefix}modern`);
    expect(ofModern).toMatchObject(isOld ? [] : [{ kind: 'commit-accepted', offset: '4' }]);

    if (capture) {
      const [end] = await admin.logOffsets(OFFSETS_TOPIC);
      const from = start?.logEndOffset ?? 0n;
      const records = await admin.readPartition(OFFSETS_TOPIC, 0, from, end?.logEndOffset ?? from);
      const hex = records.map(({ key, value }) => [
        key?.toString('hex') ?? null,
        value?.toString('hex') ?? null,
      ]);
      const file = new URL(`./fixtures/coordinator-log-${version}.json`, import.meta.url);
      writeFileSync(file, `${JSON.stringify({ kafkaVersion: set.kafkaVersion, records: hex }, null, 2)}\n`);
    }
  });
});

const isStable = (event: CoordinatorEvent): boolean =>
  event.kind === 'group-generation' && event.state === 'stable';
