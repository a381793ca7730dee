/** The transaction coordinators inside a simulated cluster in virtual time: every API's versions, and faults of brokers. */
import { beforeEach, describe, expect, it } from 'vitest';
import { addGroupCoordinators } from '../group/part.ts';
import { partitionFor } from '../group/partition-for.ts';
import { buildBatch } from '../log/record-batch.ts';
import { kafka39, kafka43, type Profile } from '../profiles.ts';
import { produceApi } from '../protocol/00-produce.ts';
import { fetchApi } from '../protocol/01-fetch.ts';
import { offsetFetchApi } from '../protocol/09-offset-fetch.ts';
import { findCoordinatorApi } from '../protocol/10-find-coordinator.ts';
import { initProducerIdApi } from '../protocol/22-init-producer-id.ts';
import { addPartitionsToTxnApi } from '../protocol/24-add-partitions-to-txn.ts';
import { addOffsetsToTxnApi } from '../protocol/25-add-offsets-to-txn.ts';
import { endTxnApi } from '../protocol/26-end-txn.ts';
import { txnOffsetCommitApi } from '../protocol/28-txn-offset-commit.ts';
import type { Api } from '../protocol/api.ts';
import { errorName } from '../protocol/errors.ts';
import type { ClusterSettings } from '../settings.ts';
import {
  createSimulatedCluster,
  OFFSETS_TOPIC,
  type SimulatedCluster,
  TRANSACTIONS_TOPIC,
} from '../simulated-cluster.ts';
import { TestClient } from '../testing/test-client.ts';
import { VirtualTime } from '../testing/virtual-time.ts';
import { addTransactionCoordinators } from './part.ts';
import { decodeTransaction, encodeTransaction } from './records.ts';
import type { ProducerIdAndEpoch } from './transaction.ts';

const TOPIC = 'orders';
const GROUP = 'g';
const ID = 'payments';
const TIMEOUT_MS = 60_000;

let world: VirtualTime;
let cluster: SimulatedCluster;
let sequences: Map<string, number>;

function start(settings: Partial<ClusterSettings> = {}, profile: Profile = kafka43): void {
  const brokerCount = 3;
  world = new VirtualTime();
  sequences = new Map();
  cluster = createSimulatedCluster({
    brokerCount,
    profile,
    environment: world,
    settings: {
      brokerSessionTimeoutMs: 500,
      offsetsTopicNumPartitions: 1,
      transactionStateLogNumPartitions: 1,
      ...settings,
    },
    parts: [(core) => addTransactionCoordinators(core, addGroupCoordinators(core))],
  });
  cluster.createTopic({ name: TOPIC, partitions: 2, replicationFactor: brokerCount });
  get(1, findCoordinatorApi, 3, { key: ID, keyType: 1 });
  world.run(100);
}

const leaderOf = (topic: string, partition = 0): number => cluster.leaderOf(topic, partition) as number;
const coordinator = (): number => leaderOf(TRANSACTIONS_TOPIC);
/** A broker that can be cut off from the coordinator without holding up the coordinator's own writes. */
function startWithOutsider(): number {
  start({ transactionStateLogReplicationFactor: 2, transactionStateLogMinIsr: 1 });
  const replicas = cluster.image.topics.get(TRANSACTIONS_TOPIC)?.partitions[0]?.replicas ?? [];
  const [outsider] = others(...replicas) as [number];
  moveLeader(TOPIC, 0, outsider);
  return outsider;
}

const others = (...ids: number[]): number[] => cluster.brokerIds.filter((id) => !ids.includes(id));

function moveLeader(topic: string, partition: number, brokerId: number): void {
  expect(cluster.moveLeader(topic, partition, brokerId).errorCode).toBe(0);
  world.run(50);
}

function crash(brokerId: number): void {
  cluster.crashBroker(brokerId);
  world.dropTimers(brokerId);
}

/** Asks a broker. @returns where the answer will be */
const ask = <Request, Response>(
  brokerId: number,
  api: Api<unknown, Request, Response, unknown>,
  version: number,
  body: Request,
): { answer: Response | null } => new TestClient(cluster, brokerId).ask(api, version, body);

function get<Request, Response>(
  brokerId: number,
  api: Api<unknown, Request, Response, unknown>,
  version: number,
  body: Request,
): Response {
  const place = ask(brokerId, api, version, body);
  world.run(20);
  if (place.answer === null) throw new Error(`${api.name} version ${version} was not answered`);
  return place.answer;
}

const init = (more: object = {}, version = 4) =>
  get(coordinator(), initProducerIdApi, version, {
    transactionalId: ID,
    transactionTimeoutMs: TIMEOUT_MS,
    ...more,
  });

function initialised(more: object = {}): ProducerIdAndEpoch {
  const { errorCode, producerId, producerEpoch } = init(more);
  expect(errorName(errorCode)).toBe('NONE');
  return { id: producerId, epoch: producerEpoch };
}

const idOf = ({ id, epoch }: ProducerIdAndEpoch) => ({
  transactionalId: ID,
  producerId: id,
  producerEpoch: epoch,
});

function add(producer: ProducerIdAndEpoch, partitions: number[], version = 3): string {
  const { id, epoch } = producer;
  const answer = get(coordinator(), addPartitionsToTxnApi, version, {
    v3AndBelowTransactionalId: ID,
    v3AndBelowProducerId: id,
    v3AndBelowProducerEpoch: epoch,
    v3AndBelowTopics: [{ name: TOPIC, partitions }],
    transactions: [{ ...idOf(producer), topics: [{ name: TOPIC, partitions }] }],
  });
  const results =
    version < 4 ? answer.resultsByTopicV3AndBelow : answer.resultsByTransaction[0]?.topicResults;
  return errorName(results?.[0]?.resultsByPartition[0]?.partitionErrorCode ?? -1);
}

const endBody = (producer: ProducerIdAndEpoch, committed: boolean) => ({ ...idOf(producer), committed });

const end = (producer: ProducerIdAndEpoch, committed: boolean, version = 4): string =>
  errorName(get(coordinator(), endTxnApi, version, endBody(producer, committed)).errorCode);

const produceBody = (
  producer: ProducerIdAndEpoch,
  partition: number,
  value: string,
  baseSequence: number,
) => ({
  transactionalId: ID,
  acks: -1,
  timeoutMs: 1_000,
  topicData: [
    {
      name: TOPIC,
      partitionData: [
        {
          index: partition,
          records: buildBatch(
            {
              baseOffset: 0,
              leaderEpoch: -1,
              timestampMs: world.nowMs,
              producerId: Number(producer.id),
              producerEpoch: producer.epoch,
              baseSequence,
              transactional: true,
            },
            [{ key: null, value: Buffer.from(value) }],
          ).bytes,
        },
      ],
    },
  ],
});

function produce(producer: ProducerIdAndEpoch, partition: number, value: string, version = 9): string {
  const key = `${producer.id} ${producer.epoch} ${partition}`;
  const sequence = sequences.get(key) ?? 0;
  const body = produceBody(producer, partition, value, sequence);
  const answer = get(leaderOf(TOPIC, partition), produceApi, version, body);
  const error = errorName(answer.responses[0]?.partitionResponses[0]?.errorCode ?? -1);
  if (error === 'NONE') sequences.set(key, sequence + 1);
  return error;
}

function offsets(producer: ProducerIdAndEpoch, offset: number, version = 3, more: object = {}): string {
  const answer = get(leaderOf(OFFSETS_TOPIC), txnOffsetCommitApi, version, {
    ...idOf(producer),
    groupId: GROUP,
    topics: [
      {
        name: TOPIC,
        partitions: [{ partitionIndex: 0, committedOffset: BigInt(offset), committedMetadata: null }],
      },
    ],
    ...more,
  });
  return errorName(answer.topics[0]?.partitions[0]?.errorCode ?? -1);
}

const addOffsets = (producer: ProducerIdAndEpoch, version = 3): string =>
  errorName(get(coordinator(), addOffsetsToTxnApi, version, { ...idOf(producer), groupId: GROUP }).errorCode);

function committedOffset(requireStable = false): number | string {
  const answer = get(leaderOf(OFFSETS_TOPIC), offsetFetchApi, 8, {
    groups: [{ groupId: GROUP, topics: [{ name: TOPIC, partitionIndexes: [0] }] }],
    requireStable,
  });
  const found = answer.groups[0]?.topics[0]?.partitions[0];
  return found?.errorCode === 0 ? Number(found.committedOffset) : errorName(found?.errorCode ?? -1);
}

/** What a read_committed reader is told. */
function readable(partition = 0): { highWatermark: number; lastStableOffset: number; aborted: number[] } {
  const answer = get(leaderOf(TOPIC, partition), fetchApi, 11, {
    maxWaitMs: 0,
    minBytes: 0,
    maxBytes: 1_000_000,
    isolationLevel: 1,
    rackId: '',
    topics: [{ topic: TOPIC, partitions: [{ partition, fetchOffset: 0n, partitionMaxBytes: 1_000_000 }] }],
  });
  const found = answer.responses[0]?.partitions[0];
  return {
    highWatermark: Number(found?.highWatermark),
    lastStableOffset: Number(found?.lastStableOffset),
    aborted: (found?.abortedTransactions ?? []).map(({ firstOffset }) => Number(firstOffset)),
  };
}

/** States and epochs in the order in which they were written. */
const written = (): string[] =>
  (cluster.readPartition(TRANSACTIONS_TOPIC, 0)?.records ?? []).map((record) => {
    const value = decodeTransaction(record)?.value;
    return `${value?.state} ${value?.producerEpoch}`;
  });

describe('a transaction', () => {
  beforeEach(() => start());

  it.each([0, 1, 2, 3, 4])('commits, with all its APIs in version %i', (version) => {
    const producer = initialised();
    expect(add(producer, [0, 1], version)).toBe('NONE');
    expect(produce(producer, 0, 'a', 7 + version)).toBe('NONE');
    expect(addOffsets(producer, version)).toBe('NONE');
    expect(offsets(producer, 5, version)).toBe('NONE');
    expect(readable()).toEqual({ highWatermark: 1, lastStableOffset: 0, aborted: [] });
    expect([committedOffset(), committedOffset(true)]).toEqual([-1, 'UNSTABLE_OFFSET_COMMIT']);
    expect(end(producer, true, version)).toBe('NONE');
    expect(readable()).toEqual({ highWatermark: 2, lastStableOffset: 2, aborted: [] });
    // A partition that got no records gets a marker all the same.
    expect(readable(1)).toEqual({ highWatermark: 1, lastStableOffset: 1, aborted: [] });
    expect(committedOffset(true)).toBe(5);
    expect(written()).toEqual(['Empty 0', 'Ongoing 0', 'Ongoing 0', 'PrepareCommit 0', 'CompleteCommit 0']);
  });

  it('aborts', () => {
    const producer = initialised();
    add(producer, [0], 5);
    produce(producer, 0, 'a');
    addOffsets(producer);
    offsets(producer, 5);
    expect(end(producer, false)).toBe('NONE');
    expect(readable()).toEqual({ highWatermark: 2, lastStableOffset: 2, aborted: [0] });
    expect(committedOffset(true)).toBe(-1);
    expect(written().slice(-2)).toEqual(['PrepareAbort 0', 'CompleteAbort 0']);
  });

  it('is followed by the next of the same producer, without another initialisation', () => {
    const producer = initialised();
    for (const value of ['a', 'b']) {
      expect([add(producer, [0]), produce(producer, 0, value), end(producer, true)]).toEqual([
        'NONE',
        'NONE',
        'NONE',
      ]);
    }
    expect(readable()).toMatchObject({ lastStableOffset: 4 });
  });

  it('is answered by state when it is ended again', () => {
    const producer = initialised();
    const ends = (): string[] => [end(producer, true), end(producer, false)];
    expect(ends()).toEqual(['INVALID_TXN_STATE', 'INVALID_TXN_STATE']);
    add(producer, [0]);
    end(producer, true);
    expect(ends()).toEqual(['NONE', 'INVALID_TXN_STATE']);
    add(producer, [0]);
    end(producer, false);
    expect(ends()).toEqual(['INVALID_TXN_STATE', 'NONE']);
  });

  it('holds back the next one, and a new producer, until its markers are written', () => {
    const outsider = startWithOutsider();
    const producer = initialised();
    add(producer, [0]);
    produce(producer, 0, 'a');
    cluster.isolateBroker(coordinator(), outsider);
    expect(end(producer, true)).toBe('NONE');
    const answers = (): string[] => [
      add(producer, [0]),
      end(producer, true),
      end(producer, false),
      errorName(init().errorCode),
    ];
    expect(answers()).toEqual(Array(4).fill('CONCURRENT_TRANSACTIONS'));
    expect(readable()).toMatchObject({ lastStableOffset: 0 });
    cluster.isolateBroker(coordinator(), outsider, false);
    world.run(1_000);
    expect(readable()).toMatchObject({ lastStableOffset: 2 });
    expect(add(producer, [0])).toBe('NONE');
  });

  it('commits no offsets for a member that is not in the generation', () => {
    const producer = initialised();
    addOffsets(producer);
    expect(offsets(producer, 5, 3, { generationId: 1, memberId: 'm' })).toBe('ILLEGAL_GENERATION');
    offsets(producer, 5);
    expect(offsets(producer, 6, 3, { generationId: 1, memberId: 'm' })).toBe('UNKNOWN_MEMBER_ID');
    end(producer, true);
    expect(committedOffset(true)).toBe(5);
    expect(world.observed.filter(({ kind }) => kind === 'commit-rejected')).toHaveLength(2);
  });

  it('needs its partitions: a leader asks before it appends', () => {
    const producer = initialised();
    expect([9, 10, 11].map((version) => produce(producer, 0, 'a', version))).toEqual([
      'INVALID_TXN_STATE',
      'INVALID_TXN_STATE',
      'TRANSACTION_ABORTABLE',
    ]);
    expect([3, 4].map((version) => offsets(producer, 5, version))).toEqual([
      'INVALID_TXN_STATE',
      'TRANSACTION_ABORTABLE',
    ]);
    expect(readable()).toMatchObject({ highWatermark: 0 });
  });

  it('that ends while a leader asks about it gets no records any more', () => {
    const producer = initialised();
    add(producer, [0]);
    moveLeader(TOPIC, 0, others(coordinator())[0] as number);
    // The question is on its way when the end is decided; the answer is then held up behind the marker.
    const place = ask(leaderOf(TOPIC), produceApi, 9, produceBody(producer, 0, 'late', 0));
    world.run(1);
    world.pause(leaderOf(TOPIC));
    cluster.core
      .coordinatorLog(TOPIC, 0, leaderOf(TOPIC))
      ?.appendMarker(producer, 'abort', 0, () => undefined);
    world.unpause(leaderOf(TOPIC));
    world.run(20);
    expect(errorName(place.answer?.responses[0]?.partitionResponses[0]?.errorCode ?? -1)).toBe(
      'INVALID_TXN_STATE',
    );
  });

  it('loses a partition that is deleted, and completes', () => {
    const producer = initialised();
    add(producer, [0]);
    produce(producer, 0, 'a');
    cluster.deleteTopic(TOPIC);
    world.run(50);
    expect(end(producer, true)).toBe('NONE');
    expect(written().at(-1)).toBe('CompleteCommit 0');
  });

  it('times out: it is aborted under the next epoch, which fences its producer', () => {
    const producer = initialised({ transactionTimeoutMs: 5_000 });
    add(producer, [0]);
    produce(producer, 0, 'a');
    world.run(4_900);
    expect(readable()).toMatchObject({ lastStableOffset: 0 });
    world.run(10_100);
    expect(readable()).toEqual({ highWatermark: 2, lastStableOffset: 2, aborted: [0] });
    expect(written().slice(-2)).toEqual(['PrepareAbort 1', 'CompleteAbort 1']);
    expect([end(producer, true, 1), end(producer, true)]).toEqual([
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
    ]);
    expect(produce(producer, 0, 'b', 9)).toBe('INVALID_PRODUCER_EPOCH');
    const { pendingTimers } = world;
    world.run(60_000);
    expect(world.pendingTimers).toBeLessThanOrEqual(pendingTimers);
  });
});

describe('a transaction of version 2 (KIP-890)', () => {
  beforeEach(() => start());

  const end5 = (producer: ProducerIdAndEpoch, committed: boolean) => {
    const answer = get(coordinator(), endTxnApi, 5, endBody(producer, committed));
    return [errorName(answer.errorCode), answer.producerEpoch];
  };

  it('needs no partitions added, and ends with a new epoch', () => {
    const producer = initialised();
    expect([produce(producer, 0, 'a', 12), offsets(producer, 5, 5)]).toEqual(['NONE', 'NONE']);
    expect(end5(producer, true)).toEqual(['NONE', 1]);
    expect(readable()).toEqual({ highWatermark: 2, lastStableOffset: 2, aborted: [] });
    expect(committedOffset(true)).toBe(5);
    const next = { ...producer, epoch: 1 };
    expect([produce(producer, 0, 'old', 12), produce(next, 0, 'b', 12)]).toEqual([
      'INVALID_PRODUCER_EPOCH',
      'NONE',
    ]);
    expect(end5(next, false)).toEqual(['NONE', 2]);
    expect(readable()).toMatchObject({ lastStableOffset: 4, aborted: [2] });
    expect(written()).toEqual([
      'Empty 0',
      'Ongoing 0',
      'Ongoing 0',
      'PrepareCommit 1',
      'CompleteCommit 1',
      'Ongoing 1',
      'PrepareAbort 2',
      'CompleteAbort 2',
    ]);
  });

  it('tells a repeated end from another one by the epoch', () => {
    const producer = initialised();
    expect(end5(producer, true)).toEqual(['INVALID_TXN_STATE', -1]);
    expect([end5(producer, false), end5(producer, false)]).toEqual([
      ['NONE', 1],
      ['NONE', 1],
    ]);
    const next = { ...producer, epoch: 1 };
    produce(next, 0, 'a', 12);
    expect([end5(producer, true), end5({ ...producer, epoch: 2 }, true)]).toEqual(
      Array(2).fill(['PRODUCER_FENCED', -1]),
    );
    expect([end5(next, true), end5(next, true), end5(next, false)]).toEqual([
      ['NONE', 2],
      ['NONE', 2],
      ['INVALID_TXN_STATE', -1],
    ]);
  });

  it('waits a little at the leader for the transaction before', () => {
    const outsider = startWithOutsider();
    const producer = initialised();
    produce(producer, 0, 'a', 12);
    cluster.isolateBroker(coordinator(), outsider);
    expect(end5(producer, true)).toEqual(['NONE', 1]);
    cluster.isolateBroker(coordinator(), outsider, false);
    const place = ask(outsider, produceApi, 12, produceBody({ ...producer, epoch: 1 }, 0, 'b', 0));
    world.run(15);
    expect(place.answer).toBeNull();
    world.run(60);
    expect(place.answer?.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
  });

  it('goes on under another producer id when the epochs are used up', () => {
    const producer = initialised();
    // So many empty transactions would take long: the log is told of the last but one epoch.
    const last = { ...producer, epoch: 32_766 };
    const log = cluster.core.coordinatorLog(TRANSACTIONS_TOPIC, 0, coordinator());
    const [record] = [...(log?.read() ?? [])].map((one) => decodeTransaction(one)?.value ?? null);
    if (record === null || record === undefined) throw new Error('nothing was written');
    log?.append([encodeTransaction(ID, { ...record, producerEpoch: 32_766 }, 1)], () => undefined);
    world.run(20);
    moveLeader(TRANSACTIONS_TOPIC, 0, others(coordinator())[0] as number);
    expect(produce(last, 0, 'a', 12)).toBe('NONE');
    const ends = [1, 2].map(() => get(coordinator(), endTxnApi, 5, endBody(last, true)));
    expect(ends).toMatchObject([
      { errorCode: 0, producerEpoch: 0 },
      { errorCode: 0, producerEpoch: 0 },
    ]);
    const next = { id: ends[0]?.producerId ?? -1n, epoch: 0 };
    expect(next.id).not.toBe(producer.id);
    expect(ends[1]?.producerId).toBe(next.id);
    expect([produce(next, 0, 'b', 12), end5(next, true)]).toEqual(['NONE', ['NONE', 1]]);
    expect(readable()).toMatchObject({ lastStableOffset: 4, aborted: [] });
  });
});

describe('a producer', () => {
  beforeEach(() => start());

  it('is refused for what it asks', () => {
    const errorOf = (more: object): string => errorName(init(more).errorCode);
    expect([
      errorOf({ transactionalId: '' }),
      errorOf({ transactionTimeoutMs: 0 }),
      errorOf({ transactionTimeoutMs: 900_001 }),
      errorOf({ producerId: 5n, producerEpoch: -1 }),
    ]).toEqual([
      'INVALID_REQUEST',
      'INVALID_TRANSACTION_TIMEOUT',
      'INVALID_TRANSACTION_TIMEOUT',
      'INVALID_REQUEST',
    ]);
  });

  it('of another id is not mistaken for this one', () => {
    const producer = initialised();
    const other = { ...producer, id: producer.id + 1n };
    expect([add(other, [0]), addOffsets(other), end(other, true), produce(other, 0, 'a')]).toEqual(
      Array(4).fill('INVALID_PRODUCER_ID_MAPPING'),
    );
  });

  it('fences the one before, whose transaction is aborted first', () => {
    const zombie = initialised();
    add(zombie, [0]);
    produce(zombie, 0, 'zombie');
    expect(errorName(init().errorCode)).toBe('CONCURRENT_TRANSACTIONS');
    const next = initialised();
    expect(next).toEqual({ id: zombie.id, epoch: 2 });
    expect(readable()).toMatchObject({ aborted: [0] });
    expect([
      ...[0, 1, 2, 3].map((version) => add(zombie, [0], version)),
      ...[1, 2].map((version) => addOffsets(zombie, version)),
      ...[1, 2].map((version) => end(zombie, true, version)),
      produce(zombie, 0, 'again', 11),
      offsets(zombie, 1),
    ]).toEqual([
      'INVALID_PRODUCER_EPOCH',
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
      'PRODUCER_FENCED',
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
      'INVALID_PRODUCER_EPOCH',
      'INVALID_PRODUCER_EPOCH',
    ]);
    expect([add(next, [0]), produce(next, 0, 'a'), end(next, true)]).toEqual(['NONE', 'NONE', 'NONE']);
  });

  it('goes on with the next epoch after an error, and is told the same when it asks again (KIP-360)', () => {
    const producer = initialised();
    const expected = { producerId: producer.id, producerEpoch: producer.epoch };
    expect([initialised(expected).epoch, initialised(expected).epoch]).toEqual([1, 1]);
    initialised();
    expect([3, 4].map((version) => errorName(init(expected, version).errorCode))).toEqual([
      'INVALID_PRODUCER_EPOCH',
      'PRODUCER_FENCED',
    ]);
  });
});

describe('faults of brokers', () => {
  it('without a controller there are no new producer ids, and the next epoch of one that is known', () => {
    const alone = { transactionStateLogReplicationFactor: 1, transactionStateLogMinIsr: 1 };
    start({ ...alone, controllerElectionDelay: { minMs: 2_000, maxMs: 2_000 } });
    const { id } = initialised();
    const broker = cluster.core.broker(coordinator());
    const [first, second] = others(broker.brokerId) as [number, number];
    crash(first);
    crash(second);
    // What is left of the block that the broker has.
    while (broker.hasProducerIds) broker.nextProducerId();
    expect(errorName(init({ transactionalId: 'new' }).errorCode)).toBe('COORDINATOR_LOAD_IN_PROGRESS');
    expect(initialised()).toEqual({ id, epoch: 1 });
    cluster.startBroker(first);
    world.run(5_000);
    expect(errorName(init({ transactionalId: 'new' }).errorCode)).toBe('NONE');
  });

  beforeEach(() => start());

  it('a crash of the coordinator in mid-transaction: the next one goes on with it', () => {
    const producer = initialised();
    add(producer, [0]);
    produce(producer, 0, 'a');
    const former = coordinator();
    crash(former);
    world.run(600);
    expect(coordinator()).not.toBe(former);
    world.run(100);
    expect([add(producer, [1]), produce(producer, 1, 'b'), end(producer, true)]).toEqual([
      'NONE',
      'NONE',
      'NONE',
    ]);
    expect([readable(0), readable(1)]).toMatchObject([{ lastStableOffset: 2 }, { lastStableOffset: 2 }]);
  });

  it('a crash of the coordinator between the decision and the markers: the next one writes them', () => {
    const outsider = startWithOutsider();
    const producer = initialised();
    add(producer, [0]);
    produce(producer, 0, 'a');
    cluster.isolateBroker(coordinator(), outsider);
    expect(end(producer, true)).toBe('NONE');
    world.run(500);
    expect(readable()).toMatchObject({ lastStableOffset: 0 });
    crash(coordinator());
    world.run(2_000);
    expect(readable()).toMatchObject({ lastStableOffset: 2, aborted: [] });
    expect(written().at(-1)).toBe('CompleteCommit 0');
  });

  it('a transaction that was open times out under the next coordinator', () => {
    const producer = initialised({ transactionTimeoutMs: 5_000 });
    add(producer, [0]);
    produce(producer, 0, 'a');
    crash(coordinator());
    world.run(16_000);
    expect(readable()).toMatchObject({ aborted: [0] });
  });

  it('a move of a data partition between the decision and the marker: the next leader gets the marker', () => {
    const producer = initialised();
    const [first, second] = others(coordinator()) as [number, number];
    moveLeader(TOPIC, 0, first);
    add(producer, [0]);
    produce(producer, 0, 'a');
    ask(coordinator(), endTxnApi, 4, endBody(producer, true));
    // The decision is replicated and the marker on its way to a leader that is not leader any more when it comes.
    world.run(2);
    world.pause(first);
    world.run(1);
    expect(cluster.moveLeader(TOPIC, 0, second).errorCode).toBe(0);
    world.run(5);
    world.unpause(first);
    world.run(1_000);
    expect(readable()).toMatchObject({ highWatermark: 2, lastStableOffset: 2 });
    expect(written().at(-1)).toBe('CompleteCommit 0');
  });

  it('a crash of the leader that has the marker and has not replicated it', () => {
    const leader = startWithOutsider();
    const producer = initialised();
    add(producer, [0]);
    produce(producer, 0, 'a');
    for (const id of others(leader)) cluster.isolateBroker(leader, id);
    expect(end(producer, false)).toBe('NONE');
    crash(leader);
    world.run(2_000);
    expect(leaderOf(TOPIC)).not.toBe(leader);
    expect(readable()).toMatchObject({ lastStableOffset: 2, aborted: [0] });
    expect(add(producer, [0])).toBe('NONE');
  });

  it('a move of the coordinator: it loads before it answers, and the former one says so', () => {
    const producer = initialised();
    const former = coordinator();
    const [next] = others(former) as [number];
    expect(cluster.moveLeader(TRANSACTIONS_TOPIC, 0, next).errorCode).toBe(0);
    world.run(5);
    const answers = [former, next].map((id) => ask(id, endTxnApi, 4, endBody(producer, true)));
    world.run(5);
    expect(answers.map(({ answer }) => errorName(answer?.errorCode ?? -1))).toEqual([
      'NOT_COORDINATOR',
      'COORDINATOR_LOAD_IN_PROGRESS',
    ]);
    world.run(50);
    expect(add(producer, [0])).toBe('NONE');
  });

  it('a leader that cannot ask the coordinator lets the producer try again', () => {
    const producer = initialised();
    add(producer, [0]);
    moveLeader(TOPIC, 0, others(coordinator())[0] as number);
    cluster.isolateBroker(coordinator(), leaderOf(TOPIC));
    expect(produce(producer, 0, 'a', 11)).toBe('NOT_ENOUGH_REPLICAS');
    cluster.isolateBroker(coordinator(), leaderOf(TOPIC), false);
    const place = ask(leaderOf(TOPIC), produceApi, 11, produceBody(producer, 0, 'a', 0));
    crash(coordinator());
    world.run(20);
    expect(errorName(place.answer?.responses[0]?.partitionResponses[0]?.errorCode ?? -1)).toBe(
      'NOT_ENOUGH_REPLICAS',
    );
    world.run(2_000);
    expect(produce(producer, 0, 'a', 11)).toBe('NONE');
  });

  it('a pause of the coordinator: what it still decides when it wakes up does not count', () => {
    const producer = initialised();
    moveLeader(TOPIC, 0, others(coordinator())[0] as number);
    add(producer, [0]);
    produce(producer, 0, 'a');
    const former = coordinator();
    cluster.pauseBroker(former);
    world.pause(former);
    world.run(1_000);
    expect(end(producer, true)).toBe('NONE');
    const place = ask(former, endTxnApi, 4, endBody(producer, false));
    world.unpause(former);
    cluster.unpauseBroker(former);
    world.run(1_000);
    expect(errorName(place.answer?.errorCode ?? -1)).toBe('NOT_COORDINATOR');
    expect(readable()).toEqual({ highWatermark: 2, lastStableOffset: 2, aborted: [] });
    expect(written().at(-1)).toBe('CompleteCommit 0');
  });

  it('a leader that hangs holds up the end, until the request to it times out', () => {
    const outsider = startWithOutsider();
    const producer = initialised();
    add(producer, [0]);
    produce(producer, 0, 'a');
    cluster.pauseBroker(outsider);
    world.pause(outsider);
    expect(end(producer, true)).toBe('NONE');
    world.run(29_000);
    expect(leaderOf(TOPIC)).not.toBe(outsider);
    expect([readable(), add(producer, [0])]).toMatchObject([
      { lastStableOffset: 0 },
      'CONCURRENT_TRANSACTIONS',
    ]);
    world.run(2_000);
    expect([readable(), add(producer, [0])]).toMatchObject([{ lastStableOffset: 2 }, 'NONE']);
  });

  it.each([
    ['4.3', kafka43],
    ['3.9', kafka39],
  ])('too few replicas for the decision: in %s the epoch is bumped only once', (_name, profile) => {
    start({}, profile);
    const producer = initialised();
    add(producer, [0]);
    const gone = others(coordinator());
    for (const id of gone) crash(id);
    world.run(1_000);
    expect(end(producer, true)).toBe('COORDINATOR_NOT_AVAILABLE');
    const ofInit = [1, 2].map(() => errorName(init().errorCode));
    expect(ofInit).toEqual(['COORDINATOR_NOT_AVAILABLE', 'COORDINATOR_NOT_AVAILABLE']);
    for (const id of gone) cluster.startBroker(id);
    world.run(5_000);
    expect(errorName(init().errorCode)).toBe('CONCURRENT_TRANSACTIONS');
    world.run(200);
    expect(initialised().epoch).toBe(2);
  });
});

it('a transactional id is kept where Kafka keeps it', () => {
  start({ transactionStateLogNumPartitions: 7 });
  const node = cluster.leaderOf(TRANSACTIONS_TOPIC, partitionFor(ID, 7));
  expect(get(1, findCoordinatorApi, 3, { key: ID, keyType: 1 })).toMatchObject({ nodeId: node });
});

it('a broker without transactions of version 2 fences at once, for good, and writes as it always did', () => {
  start({}, kafka39);
  const zombie = initialised();
  add(zombie, [0]);
  expect(errorName(init().errorCode)).toBe('CONCURRENT_TRANSACTIONS');
  const expected = { producerId: zombie.id, producerEpoch: zombie.epoch };
  expect(errorName(init(expected).errorCode)).toBe('PRODUCER_FENCED');
  expect(initialised().epoch).toBe(2);
  const [first] = cluster.readPartition(TRANSACTIONS_TOPIC, 0)?.records ?? [];
  expect(Buffer.from(first?.value ?? []).readInt16BE(0)).toBe(0);
});
