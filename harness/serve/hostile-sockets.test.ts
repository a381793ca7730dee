/** What hostile peers do on real sockets: their connections end or wait, memory stays bounded, and others are served on. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fetchApi } from '../cluster/protocol/01-fetch.ts';
import { metadataApi } from '../cluster/protocol/03-metadata.ts';
import { encodeRequest } from '../cluster/protocol/api.ts';
import { type RunningCluster, startCluster } from './index.ts';
import { RawClient } from './testing/raw-client.ts';

const BUFFERED_BYTES_MAX = 32 << 20;
const MEGABYTE = 1 << 20;

let cluster: RunningCluster;
const failures: unknown[] = [];
const opened: RawClient[] = [];

beforeEach(async () => {
  failures.length = 0;
  cluster = await startCluster(
    {
      topics: [{ name: 'orders', configs: { 'max.message.bytes': '4000000' } }],
      bufferedBytesMax: BUFFERED_BYTES_MAX,
      settings: { 'connections.max.idle.ms': 60_000 },
    },
    { onFailure: (error) => failures.push(error) },
  );
});

afterEach(async () => {
  for (const client of opened.splice(0)) client.close();
  await cluster.close();
  // A mistake of the cluster's own, whatever the test was about.
  if (failures.length > 0) throw new AggregateError(failures, 'the cluster failed');
});

async function connect(): Promise<RawClient> {
  const client = await RawClient.connect(cluster.bootstrapServers[0] as string);
  opened.push(client);
  return client;
}

const metadataRequest = (correlationId: number): Buffer =>
  encodeRequest(metadataApi, 12, { correlationId, clientId: 'hostile' }, { topics: [{ name: 'orders' }] });

/** Another client is served as if nothing had happened. */
async function othersAreServed(): Promise<void> {
  using client = await RawClient.connect(cluster.bootstrapServers[0] as string);
  const answer = await client.ask(metadataApi, 12, { topics: [{ name: 'orders' }] });
  expect(answer?.topics[0]?.errorCode).toBe(0);
}

const size = (bytes: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(bytes);
  return buffer;
};

const header = (key: number, version: number): Buffer => {
  const bytes = Buffer.alloc(10);
  bytes.writeInt16BE(key, 0);
  bytes.writeInt16BE(version, 2);
  bytes.writeInt16BE(-1, 8);
  return bytes;
};

const framed = (body: Buffer): Buffer => Buffer.concat([size(body.length), body]);
/** A flexible header, then an array of two thousand million topics. */
const deep = framed(Buffer.concat([header(3, 12), Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 0x07])]));

describe('frames that cannot be', () => {
  test.each([
    ['a negative size', size(-1)],
    ['a size above socket.request.max.bytes', size(104_857_601)],
    ['the largest size', size(0x7fffffff)],
    ['nothing in it', size(0)],
    ['an API that does not exist', framed(header(999, 0))],
    ['a negative API key', framed(header(-1, 0))],
    ['a version that does not exist', framed(header(3, 99))],
    ['a version no longer understood', framed(header(0, 0))],
    ['a name that is longer than the frame', framed(Buffer.from([0, 3, 0, 12, 0, 0, 0, 1, 0x7f, 0xff]))],
    ['an array that is longer than the frame', deep],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: kafka\r\n\r\n')],
    ['a TLS handshake', Buffer.from('16030100f1010000ed0303'.padEnd(500, '0'), 'hex')],
  ])('%s: the connection ends', async (_name, bytes) => {
    const client = await connect();
    client.send(bytes);
    expect(await client.closed).toMatch(/ended|ECONNRESET/);
    await othersAreServed();
  });
});

describe('peers that take their time', () => {
  test('a request that comes byte by byte is answered', async () => {
    const client = await connect();
    const correlationId = client.nextCorrelationId();
    const answer = client.answerTo(correlationId);
    for (const byte of metadataRequest(correlationId)) client.send(Buffer.from([byte]));
    expect((await answer)?.length).toBeGreaterThan(10);
  });

  test('a truncated request waits, and is forgotten with its connection', async () => {
    const client = await connect();
    client.send(metadataRequest(1).subarray(0, 20));
    await othersAreServed();
    client.socket.end();
    expect(await client.closed).toBe('ended');
    await expect.poll(() => cluster.inspect.connections().length).toBe(0);
  });

  test('who says nothing is disconnected after connections.max.idle.ms', async () => {
    await using quick = await startCluster({ settings: { 'connections.max.idle.ms': 30 } });
    using client = await RawClient.connect(quick.bootstrapServers[0] as string);
    expect(await client.closed).toBe('ended');
  });
});

describe('memory', () => {
  test('a thousand connections at once are served', async () => {
    const clients = await Promise.all(Array.from({ length: 1_000 }, connect));
    const answers = await Promise.all(
      clients.map((client) => client.ask(metadataApi, 12, { topics: [{ name: 'orders' }] })),
    );
    expect(answers.filter((answer) => answer?.topics[0]?.errorCode === 0)).toHaveLength(1_000);
    expect(cluster.inspect.connections()).toHaveLength(1_000);
  });

  test('those who begin a huge frame and never end it are cut off where it gets too much', async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, connect));
    const chunk = Buffer.alloc(MEGABYTE);
    for (const client of clients) client.send(size(100_000_000));
    for (let sent = 0; sent < 12; sent++) for (const client of clients) client.send(chunk);
    expect(await Promise.race(clients.map(({ closed }) => closed))).toMatch(/ECONNRESET|EPIPE/);
    await othersAreServed();
    expect(clients.filter(({ socket }) => !socket.destroyed).length).toBeGreaterThan(0);
  });

  test('a client that asks and never reads is held up, and others are served on', async () => {
    for (let record = 0; record < 4; record++)
      await cluster.controls.produce('orders', 0, [{ key: null, value: Buffer.alloc(MEGABYTE) }]);
    const client = await connect();
    client.socket.pause();
    const id = cluster.inspect.topic('orders')?.id ?? '';
    const partition = { partition: 0, fetchOffset: 0n, partitionMaxBytes: 8 * MEGABYTE };
    const body = {
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 8 * MEGABYTE,
      topics: [{ topicId: id, partitions: [partition] }],
    };
    const REQUESTS = 50;
    for (let asked = 1; asked <= REQUESTS; asked++)
      client.send(encodeRequest(fetchApi, 13, { correlationId: asked, clientId: 'hostile' }, body as never));
    const connection = () => cluster.inspect.connections().find(({ clientId }) => clientId === 'hostile');
    await expect.poll(() => connection()?.requests ?? 0).toBeGreaterThan(0);
    await othersAreServed();
    // What the kernels hold is little; without a bound all 200 MB would have been made by now.
    expect(connection()?.requests).toBeLessThan(REQUESTS / 4);
    const answered: number[] = [];
    for (let asked = 1; asked <= REQUESTS; asked++)
      void client.answerTo(asked).then((frame) => frame !== null && answered.push(asked));
    client.socket.resume();
    await expect.poll(() => answered.length, { timeout: 30_000 }).toBe(REQUESTS);
  });

  test('requests that are sent while one is served wait in the kernel', async () => {
    const client = await connect();
    using fault = cluster.controls.delayRequests({ api: 'Metadata', delayMs: 50, times: 1 });
    const request = metadataRequest(1);
    const many = Buffer.concat(Array.from({ length: 20_000 }, () => request));
    client.send(many);
    await othersAreServed();
    fault.end();
    const connection = () => cluster.inspect.connections().find(({ clientId }) => clientId === 'hostile');
    await expect.poll(() => connection()?.requests, { timeout: 30_000 }).toBe(20_000);
  });
});
