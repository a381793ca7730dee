/** The control channel over HTTP: what it shows, what it does, and whom it turns away. */
import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { metadataApi } from '../cluster/protocol/03-metadata.ts';
import { errorCode } from '../cluster/protocol/errors.ts';
import { orders } from './actions.ts';
import { type RunningCluster, startCluster } from './index.ts';
import { RawClient } from './testing/raw-client.ts';

let cluster: RunningCluster;

beforeEach(async () => {
  cluster = await startCluster({
    brokers: 2,
    controlPort: 0,
    topics: [{ name: 'orders', partitions: 2 }],
    settings: { 'broker.session.timeout.ms': 100 },
  });
});
afterEach(async () => await cluster.close());

/** What the channel answers, as far as it is looked into here. */
interface Body {
  readonly error: string;
  readonly fault: number;
  readonly routes: Readonly<Record<string, string>>;
  readonly orders: Readonly<Record<string, { schema: { required: string[] } }>>;
  readonly partitions: readonly { leader: number; inSyncReplicas: number[] }[];
}

interface ChannelAnswer {
  readonly status: number;
  readonly body: Body;
}

const get = async (path: string): Promise<ChannelAnswer> => {
  const response = await fetch(`${cluster.controlUrl}${path}`);
  return { status: response.status, body: (await response.json()) as Body };
};

const give = async (order: unknown): Promise<ChannelAnswer> => {
  const response = await fetch(`${cluster.controlUrl}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(order),
  });
  return { status: response.status, body: (await response.json()) as Body };
};

const askMetadata = async (client: RawClient): Promise<number | null> => {
  const answer = await client.ask(metadataApi, 12, { topics: [{ name: 'orders' }] });
  return answer?.topics[0]?.errorCode ?? null;
};

describe('it shows', () => {
  test('itself, with a schema for every order', async () => {
    const { body } = await get('/');
    expect(Object.keys(body.orders)).toEqual(Object.keys(orders));
    expect(body.orders['crash-broker']?.schema.required).toEqual(['kind', 'broker']);
    expect(Object.keys(body.routes).length).toBeGreaterThan(5);
  });

  test('brokers, topics, records, groups and connections', async () => {
    using client = await RawClient.connect(cluster.bootstrapServers[0] as string);
    await askMetadata(client);
    await cluster.controls.produce('orders', 1, [{ key: null, value: Buffer.from('hello') }]);
    expect((await get('/brokers')).body).toMatchObject([
      { id: 1, phase: 'running', connections: 1 },
      { id: 2 },
    ]);
    expect((await get('/connections')).body).toMatchObject([{ broker: 1, clientId: 'raw', requests: 1 }]);
    expect((await get('/topics/orders')).body).toMatchObject({ partitions: [{}, { logEndOffset: '1' }] });
    const value = Buffer.from('hello').toString('base64');
    expect((await get('/topics/orders/1/records')).body).toMatchObject([{ offset: '0', key: null, value }]);
    expect((await get('/topics/orders/1/records?from=1')).body).toEqual([]);
    expect((await get('/groups')).body).toEqual([]);
    expect((await get('/groups/nobody')).body).toMatchObject({ state: 'Dead' });
  });
});

describe('it does', () => {
  test('what its orders say, and ends what lasts', async () => {
    using client = await RawClient.connect(cluster.bootstrapServers[0] as string);
    await give({ kind: 'fail-requests', api: 'Metadata', error: 'LEADER_NOT_AVAILABLE' });
    expect(await askMetadata(client)).toBe(errorCode('LEADER_NOT_AVAILABLE'));
    expect(await askMetadata(client)).toBe(0);

    const { body } = await give({ kind: 'cut-link', clientId: 'raw' });
    expect((await get('/faults')).body).toContainEqual(expect.objectContaining({ id: body.fault }));
    const held = askMetadata(client);
    expect((await get('/connections')).body).toMatchObject([{ requests: 2 }]);
    const ended = await fetch(`${cluster.controlUrl}/faults/${body.fault}`, { method: 'DELETE' });
    expect(ended.status).toBe(200);
    expect(await held).toBe(0);
    expect((await fetch(`${cluster.controlUrl}/faults/${body.fault}`, { method: 'DELETE' })).status).toBe(
      404,
    );
  });

  test('end by itself what was to last for a while', async () => {
    using client = await RawClient.connect(cluster.bootstrapServers[0] as string);
    await give({ kind: 'cut-link', durationMs: 20 });
    expect(await askMetadata(client)).toBe(0);
    expect((await get('/faults')).body).toEqual([]);
  });

  test('crash and start a broker, and move a leader to it', async () => {
    expect((await give({ kind: 'crash-broker', broker: 2 })).body).toEqual({ done: true });
    expect((await get('/brokers')).body).toMatchObject([{ phase: 'running' }, { phase: 'down' }]);
    await give({ kind: 'start-broker', broker: 2 });
    await expect
      .poll(async () => (await get('/topics/orders')).body.partitions[0]?.inSyncReplicas.length)
      .toBe(2);
    const leader = (await get('/topics/orders')).body.partitions[0]?.leader;
    const order = { kind: 'move-leader', topic: 'orders', partition: 0, broker: leader === 1 ? 2 : 1 };
    expect((await give(order)).body).toEqual({ done: true });
    expect((await give(order)).status).toBe(409);
  });

  test('delete records, with what came of it', async () => {
    await cluster.controls.produce('orders', 0, [{ key: null, value: null }]);
    expect((await give({ kind: 'delete-records', topic: 'orders', partition: 0, before: 1 })).body).toEqual({
      done: true,
      logStartOffset: '1',
    });
  });
});

describe('it turns away', () => {
  test.each([
    [{ kind: 'nonsense' }, 400, /kind/],
    [{ kind: 'crash-broker' }, 400, /broker/],
    [{ kind: 'crash-broker', broker: 1, more: 1 }, 400, /more/],
    [{ kind: 'fail-requests', api: 'Nonsense', error: 'NONE' }, 400, /api/],
    [{ kind: 'slow-link', latencyMs: { min: 2, max: 1 } }, 400, /latencyMs/],
    [{ kind: 'crash-broker', broker: 9 }, 409, /no broker 9/],
    [{ kind: 'move-coordinator', broker: 1 }, 409, /Name a group/],
  ])('%j', async (order, status, sentence) => {
    const answer = await give(order);
    expect(answer.status).toBe(status);
    expect(answer.body.error).toMatch(sentence);
  });

  test('bodies that are no JSON, too large, or not said to be JSON', async () => {
    const post = async (body: string, type: string): Promise<number> =>
      (
        await fetch(`${cluster.controlUrl}/orders`, {
          method: 'POST',
          headers: { 'content-type': type },
          body,
        })
      ).status;
    expect(await post('{', 'application/json')).toBe(400);
    expect(await post(' '.repeat(70_000), 'application/json')).toBe(413);
    // What a web page may send to any address without being asked.
    expect(await post('{"kind":"crash-broker","broker":1}', 'text/plain')).toBe(415);
    expect(cluster.inspect.brokers()[0]?.phase).toBe('running');
  });

  test('unknown paths, and names that mean another machine', async () => {
    expect((await get('/nonsense')).status).toBe(404);
    expect((await get('/topics/none')).status).toBe(404);
    expect((await get('/topics/orders/9/records')).status).toBe(404);
    expect((await get('/groups/%E0%A4%A')).status).toBe(400);
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const asked = request(
        `${cluster.controlUrl}/`,
        { headers: { host: 'rebound.example' } },
        (response) => {
          response.resume();
          resolve(response.statusCode);
        },
      );
      asked.on('error', reject).end();
    });
    expect(status).toBe(403);
  });
});
