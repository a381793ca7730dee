/** Faults by hand: each is felt by a client over a real socket, and over when it is ended. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { metadataApi } from '../cluster/protocol/03-metadata.ts';
import { offsetCommitApi } from '../cluster/protocol/08-offset-commit.ts';
import { offsetFetchApi } from '../cluster/protocol/09-offset-fetch.ts';
import { findCoordinatorApi } from '../cluster/protocol/10-find-coordinator.ts';
import { joinGroupApi } from '../cluster/protocol/11-join-group.ts';
import { heartbeatApi } from '../cluster/protocol/12-heartbeat.ts';
import { syncGroupApi } from '../cluster/protocol/14-sync-group.ts';
import { apiVersionsApi } from '../cluster/protocol/18-api-versions.ts';
import { errorCode } from '../cluster/protocol/errors.ts';
import { RefusedError, type RunningCluster, startCluster } from './index.ts';
import { RawClient } from './testing/raw-client.ts';

let cluster: RunningCluster;
const opened: RawClient[] = [];

beforeEach(async () => {
  cluster = await startCluster({
    brokers: 3,
    topics: [{ name: 'orders', partitions: 3 }],
    settings: { 'broker.session.timeout.ms': 200, 'group.min.session.timeout.ms': 1 },
  });
});

afterEach(async () => {
  for (const client of opened.splice(0)) client.close();
  await cluster.close();
});

async function connect(broker = 1): Promise<RawClient> {
  const client = await RawClient.connect(cluster.bootstrapServers[broker - 1] as string);
  opened.push(client);
  return client;
}

const metadataOf = (client: RawClient, name = 'orders', clientId = 'raw') =>
  client.ask(metadataApi, 12, { topics: [{ name }], allowAutoTopicCreation: false }, clientId);

const askMetadata = async (...asked: Parameters<typeof metadataOf>) =>
  (await metadataOf(...asked))?.topics[0]?.errorCode ?? null;

describe('requests', () => {
  test('fail as often as ordered, for those that are meant', async () => {
    const client = await connect();
    cluster.controls.failRequests({
      api: 'Metadata',
      error: 'LEADER_NOT_AVAILABLE',
      topic: 'orders',
      times: 2,
    });
    expect(await askMetadata(client, 'others')).toBe(errorCode('UNKNOWN_TOPIC_OR_PARTITION'));
    expect(await askMetadata(client)).toBe(errorCode('LEADER_NOT_AVAILABLE'));
    expect(await askMetadata(client)).toBe(errorCode('LEADER_NOT_AVAILABLE'));
    expect(await askMetadata(client)).toBe(0);
  });

  test('for a topic leave the brokers of an answer where they are', async () => {
    const client = await connect();
    const before = await metadataOf(client);
    cluster.controls.failRequests({ api: 'Metadata', error: 'LEADER_NOT_AVAILABLE', times: 1 });
    const answer = await metadataOf(client);
    expect(answer?.topics).toMatchObject([
      { name: 'orders', errorCode: errorCode('LEADER_NOT_AVAILABLE'), partitions: [] },
    ]);
    expect(answer?.brokers.length).toBeGreaterThan(0);
    expect(answer?.brokers).toEqual(before?.brokers);
    cluster.controls.failRequests({ api: 'Metadata', error: 'NETWORK_EXCEPTION', times: 1 });
    expect((await metadataOf(client))?.brokers).toEqual([]);
  });

  test('of one client, one broker and one group alone', async () => {
    const { controls } = cluster;
    using _first = controls.failRequests({
      api: 'Metadata',
      error: 'NETWORK_EXCEPTION',
      clientId: 'other',
      times: 9,
    });
    using _second = controls.failRequests({
      api: 'Metadata',
      error: 'NETWORK_EXCEPTION',
      broker: 2,
      times: 9,
    });
    const [one, two] = [await connect(1), await connect(2)];
    expect(await askMetadata(one)).toBe(0);
    expect(await askMetadata(one, 'orders', 'other')).toBe(errorCode('NETWORK_EXCEPTION'));
    expect(await askMetadata(two)).toBe(errorCode('NETWORK_EXCEPTION'));
    using _third = controls.failRequests({
      api: 'Heartbeat',
      error: 'NOT_COORDINATOR',
      group: 'g',
      times: 9,
    });
    const beat = (groupId: string) => one.ask(heartbeatApi, 4, { groupId, generationId: 1, memberId: 'm' });
    expect((await beat('g'))?.errorCode).toBe(errorCode('NOT_COORDINATOR'));
    controls.failRequests({ api: 'Heartbeat', error: 'NOT_COORDINATOR', group: 'h' }).end();
    expect((await beat('h'))?.errorCode).not.toBeNull();
  });

  test('are late, or lost', async () => {
    const client = await connect();
    const started = performance.now();
    cluster.controls.delayRequests({ api: 'Metadata', delayMs: 60 });
    expect(await askMetadata(client)).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(50);
    cluster.controls.dropRequests({ api: 'Metadata' });
    const lost = askMetadata(client);
    expect(await askMetadata(client)).toBe(0);
    client.close();
    expect(await lost).toBeNull();
  });

  test('that do not exist are refused', () => {
    const { controls } = cluster;
    expect(() => controls.failRequests({ api: 'Nonsense', error: 'NONE' })).toThrow(RefusedError);
    expect(() => controls.failRequests({ api: 'Fetch', error: 'NONSENSE' as 'NONE' })).toThrow(RefusedError);
    expect(() => controls.failRequests({ api: 'Fetch', error: 'NONE', broker: 9 })).toThrow(/no broker 9/);
  });
});

describe('links', () => {
  test('that are cut hold up bytes both ways until they are healed', async () => {
    const [cut, open] = [await connect(), await connect()];
    expect(await askMetadata(cut, 'orders', 'cut')).toBe(0);
    for (const direction of ['to-broker', 'to-process', 'both'] as const) {
      const fault = cluster.controls.cutLink({ clientId: 'cut', direction });
      let isAnswered = false;
      const answer = askMetadata(cut, 'orders', 'cut').then((code) => {
        isAnswered = true;
        return code;
      });
      // Both connections share a thread in the broker, so when the later question is answered the first one was due.
      for (let asked = 0; asked < 5; asked++) expect(await askMetadata(open, 'orders', 'open')).toBe(0);
      expect(isAnswered).toBe(false);
      fault.end();
      expect(await answer).toBe(0);
    }
  });

  test('that are cut hold up connections made later', async () => {
    using fault = cluster.controls.cutLink({ clientId: 'cut', broker: 1 });
    const answer = askMetadata(await connect(), 'orders', 'cut');
    expect(await askMetadata(await connect(2), 'orders', 'cut')).toBe(0);
    expect(cluster.inspect.connections().find(({ broker }) => broker === 1)?.requests).toBe(0);
    fault.end();
    expect(await answer).toBe(0);
  });

  test('that are slow take their time both ways', async () => {
    const client = await connect();
    using _fault = cluster.controls.slowLink({ latencyMs: { min: 40, max: 50 } });
    const started = performance.now();
    expect(await askMetadata(client)).toBe(0);
    expect(performance.now() - started).toBeGreaterThan(75);
  });

  test('that are slow pass only so many bytes a second', async () => {
    const client = await connect();
    using _fault = cluster.controls.slowLink({ bytesPerSecond: 2_000 });
    const started = performance.now();
    await client.ask(apiVersionsApi, 3, { clientSoftwareName: 'x'.repeat(200), clientSoftwareVersion: '1' });
    expect(performance.now() - started).toBeGreaterThan(100);
  });

  test('that are reset or half open', async () => {
    const [reset, halfOpen, other] = [await connect(), await connect(), await connect()];
    expect(await askMetadata(reset, 'orders', 'reset')).toBe(0);
    expect(await askMetadata(halfOpen, 'orders', 'half')).toBe(0);
    expect(cluster.controls.resetLink({ clientId: 'reset' })).toBe(1);
    expect(await reset.closed).toBe('ECONNRESET');
    expect(cluster.controls.resetLink({ clientId: 'half', ending: 'half-open' })).toBe(1);
    const lost = askMetadata(halfOpen, 'orders', 'half');
    expect(await askMetadata(other)).toBe(0);
    expect(halfOpen.socket.destroyed).toBe(false);
    expect(cluster.inspect.connections().map(({ id }) => id)).toContain(null);
    halfOpen.close();
    expect(await lost).toBeNull();
  });
});

describe('brokers', () => {
  test('that crash reset their connections, refuse new ones, lose leadership, and come back on their port', async () => {
    const client = await connect(2);
    expect(await askMetadata(client)).toBe(0);
    cluster.controls.crashBroker(2);
    expect(await client.closed).toBe('ECONNRESET');
    await expect(connect(2)).rejects.toThrow(/ECONNREFUSED/);
    await expect
      .poll(() => cluster.inspect.topic('orders')?.partitions.every(({ leader }) => leader !== 2))
      .toBe(true);
    await cluster.controls.startBroker(2);
    expect(await askMetadata(await connect(2))).toBe(0);
    expect(cluster.inspect.brokers().map(({ phase }) => phase)).toEqual(['running', 'running', 'running']);
    await expect(cluster.controls.startBroker(2)).rejects.toThrow(/not down/);
  });

  test('that are stopped close their connections in good order', async () => {
    const client = await connect(3);
    expect(await askMetadata(client)).toBe(0);
    await cluster.controls.stopBroker(3);
    expect(await client.closed).toBe('ended');
    await expect(cluster.controls.stopBroker(3)).rejects.toThrow(/not running/);
    await cluster.controls.startBroker(3);
    expect(await askMetadata(await connect(3))).toBe(0);
  });

  test('that are paused answer when they go on', async () => {
    const client = await connect(1);
    cluster.controls.pauseBroker(1);
    const answer = askMetadata(client);
    expect(await askMetadata(await connect(2))).toBe(0);
    expect(cluster.inspect.brokers()[0]?.paused).toBe(true);
    await cluster.controls.unpauseBroker(1);
    expect(await answer).toBe(0);
  });

  test('that do not hear each other fall out of sync', async () => {
    await cluster.close();
    cluster = await startCluster({
      brokers: 2,
      topics: [{ name: 'orders' }],
      settings: { 'replica.lag.time.max.ms': 40 },
    });
    const leader = cluster.inspect.topic('orders')?.partitions[0]?.leader as number;
    const fault = cluster.controls.isolateBrokers(1, 2);
    void cluster.controls.produce('orders', 0, [{ key: null, value: Buffer.from('x') }]);
    const inSync = () => cluster.inspect.topic('orders')?.partitions[0]?.inSyncReplicas;
    await expect.poll(inSync).toEqual([leader]);
    fault.end();
    await expect.poll(() => inSync()?.length).toBe(2);
  });
});

describe('leaders, records and groups', () => {
  async function coordinator(client: RawClient, group: string): Promise<number> {
    const answer = await client.ask(findCoordinatorApi, 4, { keyType: 0, coordinatorKeys: [group] });
    return answer?.coordinators[0]?.nodeId ?? -1;
  }

  /** A member that has its assignment. */
  async function join(group: string): Promise<{ client: RawClient; memberId: string; generationId: number }> {
    const client = await connect(await coordinator(await connect(), group));
    const ask = (memberId: string) =>
      client.ask(joinGroupApi, 5, {
        groupId: group,
        sessionTimeoutMs: 60_000,
        rebalanceTimeoutMs: 60_000,
        memberId,
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata: Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }],
      });
    const first = await ask('');
    const joined = await ask(first?.memberId ?? '');
    const { memberId = '', generationId = -1 } = joined ?? {};
    await client.ask(syncGroupApi, 3, { groupId: group, generationId, memberId, assignments: [] });
    return { client, memberId, generationId };
  }

  test('a leader and a coordinator move where they are told', async () => {
    const before = cluster.inspect.topic('orders')?.partitions[0]?.leader as number;
    await cluster.controls.moveLeader('orders', 0, (before % 3) + 1);
    expect(cluster.inspect.topic('orders')?.partitions[0]?.leader).toBe((before % 3) + 1);
    await expect(cluster.controls.moveLeader('orders', 0, (before % 3) + 1)).rejects.toThrow(/leads already/);
    const client = await connect();
    const from = await coordinator(client, 'billing');
    await cluster.controls.moveCoordinator({ group: 'billing' }, (from % 3) + 1);
    expect(await coordinator(client, 'billing')).toBe((from % 3) + 1);
  });

  test('topics come, grow and go, and records with them', async () => {
    const { controls, inspect } = cluster;
    await controls.createTopic('new', { partitions: 2, configs: { 'retention.ms': '1000' } });
    await controls.addPartitions('new', 4);
    expect(inspect.topic('new')).toMatchObject({ configs: { 'retention.ms': '1000' } });
    expect(inspect.topic('new')?.partitions.length).toBe(4);
    const values = ['a', 'b', 'c'].map((value) => ({ key: null, value: Buffer.from(value) }));
    expect(await controls.produce('new', 3, values)).toBe(0n);
    expect(await controls.deleteRecords('new', 3, 2n)).toBe(2n);
    expect(inspect.records('new', 3)).toMatchObject([{ offset: 2n, value: Buffer.from('c') }]);
    await controls.deleteTopic('new');
    expect(inspect.topic('new')).toBeNull();
    await expect(controls.deleteTopic('new')).rejects.toThrow(RefusedError);
  });

  test('a member whose session ends by order is told so', async () => {
    const { client, memberId, generationId } = await join('billing');
    const beat = () => client.ask(heartbeatApi, 3, { groupId: 'billing', generationId, memberId });
    expect((await beat())?.errorCode).toBe(0);
    cluster.controls.expireMember('billing', memberId);
    expect((await beat())?.errorCode).toBe(errorCode('UNKNOWN_MEMBER_ID'));
    expect(() => cluster.controls.expireMember('billing', memberId)).toThrow(/UNKNOWN_MEMBER_ID/);
    expect(cluster.inspect.group('billing').members).toEqual([]);
  });

  test('committed offsets are deleted, or expire', async () => {
    const client = await connect(await coordinator(await connect(), 'plain'));
    const partitions = [0, 1].map((partitionIndex) => ({
      partitionIndex,
      committedOffset: 5n,
      committedMetadata: '',
    }));
    const commit = () =>
      client.ask(offsetCommitApi, 7, { groupId: 'plain', topics: [{ name: 'orders', partitions }] });
    const committed = async () => {
      const topics = [{ name: 'orders', partitionIndexes: [0, 1] }];
      const answer = await client.ask(offsetFetchApi, 5, { groupId: 'plain', topics });
      return answer?.topics[0]?.partitions.map(({ committedOffset }) => Number(committedOffset));
    };
    await commit();
    expect(await committed()).toEqual([5, 5]);
    await cluster.controls.deleteOffsets('plain', 'orders', [1]);
    expect(await committed()).toEqual([5, -1]);
    await commit();
    expect(await cluster.controls.expireOffsets('plain')).toBe(2);
    expect(await committed()).toEqual([-1, -1]);
    await expect(cluster.controls.expireOffsets('nobody')).rejects.toThrow(/GROUP_ID_NOT_FOUND/);
  });
});
