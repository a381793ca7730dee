/** Quotas over the wire: how long clients are told to wait, that they are not read from meanwhile, and whom a quota is for. */
import { beforeEach, describe, expect, test } from 'vitest';
import { buildBatch } from '../log/record-batch.ts';
import { kafka43 } from '../profiles.ts';
import { produceApi } from '../protocol/00-produce.ts';
import { fetchApi } from '../protocol/01-fetch.ts';
import { metadataApi } from '../protocol/03-metadata.ts';
import { describeClientQuotasApi } from '../protocol/48-describe-client-quotas.ts';
import { alterClientQuotasApi } from '../protocol/49-alter-client-quotas.ts';
import type { Api } from '../protocol/api.ts';
import { errorName } from '../protocol/errors.ts';
import { createSimulatedCluster, type SimulatedCluster } from '../simulated-cluster.ts';
import { TestClient } from '../testing/test-client.ts';
import { VirtualTime } from '../testing/virtual-time.ts';

let world: VirtualTime;
let cluster: SimulatedCluster;
let admin: TestClient;

beforeEach(() => {
  world = new VirtualTime();
  cluster = createSimulatedCluster({ brokerCount: 1, profile: kafka43, environment: world });
  cluster.createTopic({ name: 't', partitions: 1, replicationFactor: 1 });
  world.run(100);
  admin = new TestClient(cluster, 1);
});

function get<Request, Response>(
  client: TestClient,
  api: Api<unknown, Request, Response, unknown>,
  version: number,
  body: Request,
): Response {
  const place = client.ask(api, version, body);
  world.run(20);
  if (place.answer === null) throw new Error(`${api.name} was not answered`);
  return place.answer;
}

type Entity = Record<string, string | null>;

const entityOf = (entity: Entity) =>
  Object.entries(entity).map(([entityType, entityName]) => ({ entityType, entityName }));

/** @returns the error of each entity, with its message */
function alter(entity: Entity, values: Record<string, number | null>): (string | null)[] {
  const ops = Object.entries(values).map(([key, value]) => ({
    key,
    value: value ?? 0,
    remove: value === null,
  }));
  const { entries } = get(admin, alterClientQuotasApi, 1, {
    entries: [{ entity: entityOf(entity), ops }],
    validateOnly: false,
  });
  const codes = new Set(entries.map(({ errorCode }) => errorName(errorCode)));
  expect(['NONE', 'INVALID_REQUEST']).toEqual(expect.arrayContaining([...codes]));
  return entries.map(({ errorMessage }) => errorMessage);
}

const ANYBODY = { 'client-id': null };

const produced = (client: TestClient, bytes: number, acks = -1) => {
  const { bytes: records } = buildBatch({ baseOffset: 0, leaderEpoch: -1, timestampMs: world.nowMs }, [
    { key: null, value: Buffer.alloc(bytes) },
  ]);
  return client.ask(produceApi, 7, {
    acks,
    timeoutMs: 1_000,
    topicData: [{ name: 't', partitionData: [{ index: 0, records }] }],
  });
};

const fetched = (client: TestClient) =>
  client.ask(fetchApi, 12, {
    maxWaitMs: 0,
    minBytes: 1,
    topics: [
      { topic: 't', topicId: '', partitions: [{ partition: 0, fetchOffset: 0n, partitionMaxBytes: 1e6 }] },
    ],
  });

const sizeOf = ({ answer }: ReturnType<typeof fetched>): number =>
  Number(answer?.responses[0]?.partitions[0]?.records?.length ?? 0);

describe('producer_byte_rate', () => {
  test('the answer comes at once, and the next request is read when the time that it names is over', () => {
    expect(alter(ANYBODY, { producer_byte_rate: 1_000 })).toEqual([null]);
    const client = new TestClient(cluster, 1);
    const first = produced(client, 12_000);
    world.run(10);
    const throttleMs = first.answer?.throttleTimeMs ?? 0;
    // 12,000 bytes and what is around them, of which 10,000 are allowed at once.
    expect(throttleMs).toBeGreaterThan(2_000);
    expect(throttleMs).toBeLessThan(2_300);
    const second = get2(client, throttleMs - 20);
    expect(second.answer).toBeNull();
    world.run(20);
    expect(second.answer).not.toBeNull();
  });

  /** A request that is sent while the client should wait. */
  function get2(client: TestClient, afterMs: number) {
    const place = client.ask(metadataApi, 9, { topics: null });
    world.run(afterMs);
    return place;
  }

  test('with acks 0 nobody is told, and the connection is not read from all the same', () => {
    alter(ANYBODY, { producer_byte_rate: 1_000 });
    const client = new TestClient(cluster, 1);
    produced(client, 12_000, 0);
    const next = client.ask(metadataApi, 9, { topics: null });
    world.run(2_000);
    expect(next.answer).toBeNull();
    world.run(300);
    expect(next.answer).not.toBeNull();
  });

  test('what a client has sent is read when its wait is over, though it has gone, up to an answer', () => {
    alter(ANYBODY, { producer_byte_rate: 100 });
    /** Of three sends, how many are in the log at once, and in the end. */
    const written = (acks: number): number[] => {
      const end = (): number => Number(cluster.logOffsets('t', 0)?.highWatermark);
      const before = end();
      const client = new TestClient(cluster, 1);
      for (let send = 0; send < 3; send++) produced(client, 4_000, acks);
      client.connection.ended();
      world.run(1_000);
      const atOnce = end() - before;
      world.run(600_000);
      expect(client.closed).toBe('open');
      return [atOnce, end() - before];
    };
    expect(written(0)).toEqual([1, 3]);
    expect(written(-1)).toEqual([1, 2]);
  });

  test('what was sent before there was any quota does not count, and what was sent since does', () => {
    const client = new TestClient(cluster, 1);
    produced(client, 12_000);
    world.run(10);
    alter({ 'client-id': 'another' }, { producer_byte_rate: 1 });
    const counted = produced(client, 6_000);
    world.run(10);
    expect(counted.answer?.throttleTimeMs).toBe(0);
    alter({ 'client-id': 'test' }, { producer_byte_rate: 1_000 });
    const beyond = produced(client, 6_000);
    world.run(10);
    expect(beyond.answer?.throttleTimeMs).toBeGreaterThan(2_000);
  });
});

describe('consumer_byte_rate', () => {
  test('nothing is given to whoever has to wait, and it does not count', () => {
    produced(admin, 4_000);
    world.run(10);
    alter(ANYBODY, { consumer_byte_rate: 500 });
    const client = new TestClient(cluster, 1);
    const first = fetched(client);
    world.run(10);
    expect(sizeOf(first)).toBeGreaterThan(4_000);
    const second = fetched(client);
    world.run(10);
    const throttleMs = second.answer?.throttleTimeMs ?? 0;
    expect(second.answer?.responses).toEqual([]);
    // Twice 4,000 bytes and more, of which 5,000 are allowed at once.
    expect(throttleMs).toBeGreaterThan(6_000);
    expect(throttleMs).toBeLessThan(7_000);
    world.run(throttleMs);
    const third = fetched(client);
    world.run(10);
    expect(third.answer?.throttleTimeMs).toBeGreaterThan(0);
    world.run(11_000);
    const fourth = fetched(client);
    world.run(10);
    expect(fourth.answer?.throttleTimeMs).toBe(0);
    expect(sizeOf(fourth)).toBeGreaterThan(4_000);
  });

  test('an answer has no more in it than is allowed at once, but for the first batch', () => {
    for (let batch = 0; batch < 5; batch++) {
      produced(admin, 2_000);
      world.run(10);
    }
    alter(ANYBODY, { consumer_byte_rate: 500 });
    const client = new TestClient(cluster, 1);
    // What is around the records is more than that, by little.
    const early = fetched(client);
    world.run(200);
    expect(early.answer?.throttleTimeMs).toBeGreaterThan(0);
    expect(early.answer?.throttleTimeMs).toBeLessThan(200);
    const answer = fetched(client);
    world.run(10);
    expect(answer.answer?.throttleTimeMs).toBe(0);
    expect(sizeOf(answer)).toBeGreaterThan(2_000);
    expect(sizeOf(answer)).toBeLessThanOrEqual(5_000);
  });
});

test('request_percentage costs any request a second at most', () => {
  alter({ 'client-id': 'test' }, { request_percentage: 0.001 });
  const client = new TestClient(cluster, 1);
  expect(get(client, metadataApi, 9, { topics: null }).throttleTimeMs).toBe(1_000);
  world.run(1_000);
  alter({ 'client-id': 'test' }, { request_percentage: null });
  world.run(1_000);
  expect(get(client, metadataApi, 9, { topics: null }).throttleTimeMs).toBe(0);
});

describe('whom a quota is for', () => {
  const NOTHING = { producer_byte_rate: 1 };
  const PLENTY = { producer_byte_rate: 1e9 };
  test.each<[string, Entity, Entity]>([
    ['a client id goes before the default', { 'client-id': 'test' }, { 'client-id': null }],
    ['the default user goes before a client id', { user: null }, { 'client-id': 'test' }],
    ['both defaults go before the default user', { user: null, 'client-id': null }, { user: null }],
    [
      'a user goes before a client id of the default user',
      { user: 'ANONYMOUS' },
      { user: null, 'client-id': 'test' },
    ],
    [
      'a user with any client id goes before the user',
      { user: 'ANONYMOUS', 'client-id': null },
      { user: 'ANONYMOUS' },
    ],
    [
      'a user with a client id goes before the user with any',
      { user: 'ANONYMOUS', 'client-id': 'test' },
      { user: 'ANONYMOUS', 'client-id': null },
    ],
  ])('%s', (_name, special, general) => {
    alter(special, PLENTY);
    alter(general, NOTHING);
    const free = produced(new TestClient(cluster, 1), 1_000);
    world.run(10);
    expect(free.answer?.throttleTimeMs).toBe(0);
    alter(special, NOTHING);
    alter(general, PLENTY);
    const bound = produced(new TestClient(cluster, 1), 1_000);
    world.run(10);
    expect(bound.answer?.throttleTimeMs).toBeGreaterThan(0);
  });

  test('a quota of somebody else is for nobody else', () => {
    alter({ 'client-id': 'other' }, NOTHING);
    const answer = produced(new TestClient(cluster, 1), 1_000);
    world.run(10);
    expect(answer.answer?.throttleTimeMs).toBe(0);
  });
});

describe('what is set is described', () => {
  const describeAll = (components: { entityType: string; matchType: number; match: string | null }[]) =>
    get(admin, describeClientQuotasApi, 1, { components, strict: true });

  test('by name, as a default, and until it is taken away', () => {
    alter({ 'client-id': 'm1.1' }, { consumer_byte_rate: 10, request_percentage: 0.5 });
    alter(ANYBODY, { consumer_byte_rate: 20 });
    const [exact, fallback, any] = [
      { entityType: 'client-id', matchType: 0, match: 'm1.1' },
      { entityType: 'client-id', matchType: 1, match: null },
      { entityType: 'client-id', matchType: 2, match: null },
    ] as const;
    const of = (component: Parameters<typeof describeAll>[0][number]) =>
      describeAll([component]).entries?.map(({ entity, values }) => [
        entity[0]?.entityName,
        Object.fromEntries(values.map(({ key, value }) => [key, value])),
      ]);
    expect(of(exact)).toEqual([['m1.1', { consumer_byte_rate: 10, request_percentage: 0.5 }]]);
    expect(of(fallback)).toEqual([[null, { consumer_byte_rate: 20 }]]);
    expect(of(any)).toHaveLength(2);
    alter({ 'client-id': 'm1.1' }, { consumer_byte_rate: null, request_percentage: null });
    expect(of(any)).toEqual([[null, { consumer_byte_rate: 20 }]]);
    expect(describeAll([{ entityType: 'user', matchType: 2, match: null }]).entries).toEqual([]);
  });

  test('a filter that makes no sense is refused', () => {
    const { errorCode, entries } = describeAll([{ entityType: 'client-id', matchType: 0, match: null }]);
    expect([errorName(errorCode), entries]).toEqual(['INVALID_REQUEST', null]);
    expect(errorName(describeAll([{ entityType: 'host', matchType: 2, match: null }]).errorCode)).toBe(
      'UNSUPPORTED_VERSION',
    );
  });

  test.each<[Entity, Record<string, number>, RegExp]>([
    [{}, { consumer_byte_rate: 1 }, /empty/],
    [{ host: 'a' }, { consumer_byte_rate: 1 }, /Unhandled/],
    [{ 'client-id': '' }, { consumer_byte_rate: 1 }, /Empty client-id/],
    [{ 'client-id': 'a', ip: '::1' }, { consumer_byte_rate: 1 }, /combination/],
    [{ 'client-id': 'a' }, { consumer_byte_rate: 0 }, /greater than 0/],
    [{ 'client-id': 'a' }, { consumer_byte_rate: 1.5 }, /fractional/],
    [{ 'client-id': 'a' }, { connection_creation_rate: 1 }, /configuration key/],
    [{ ip: '::1' }, { connection_creation_rate: 2 ** 31 }, /too large/],
  ])('%j cannot have %j', (entity, values, why) => {
    expect(alter(entity, values)).toEqual([expect.stringMatching(why)]);
    expect(cluster.image.quotas.size).toBe(0);
  });
});
