/** Whatever comes in at a socket: the connection is closed or an error is answered, and the cluster goes on. */
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { dataPlaneHandlers } from './api/handlers.ts';
import { kafka43 } from './profiles.ts';
import { metadataApi } from './protocol/03-metadata.ts';
import { encodeRequest } from './protocol/api.ts';
import { createSimulatedCluster, type SimulatedCluster } from './simulated-cluster.ts';
import { TestClient } from './testing/test-client.ts';
import { VirtualTime } from './testing/virtual-time.ts';

let world: VirtualTime;
let cluster: SimulatedCluster;

beforeEach(() => {
  world = new VirtualTime();
  cluster = createSimulatedCluster({
    brokerCount: 1,
    profile: kafka43,
    environment: world,
    settings: { offsetsTopicNumPartitions: 1 },
  });
  cluster.createTopic({ name: 'orders', partitions: 2, replicationFactor: 1 });
});

/** Sends and lets a little time pass. @returns whether the broker closed the connection */
function send(bytes: Buffer, cutAt = bytes.length): boolean {
  let isClosed = false;
  const connection = cluster.connect(1, {
    onData: () => undefined,
    onClose: () => {
      isClosed = true;
    },
  });
  connection?.receive(bytes.subarray(0, cutAt));
  if (cutAt < bytes.length) connection?.receive(bytes.subarray(cutAt));
  world.run(1);
  connection?.close();
  return isClosed;
}

const framed = (body: Buffer): Buffer => {
  const size = Buffer.alloc(4);
  size.writeInt32BE(body.length);
  return Buffer.concat([size, body]);
};

/** Whether another client is served as if nothing had happened, and nothing is left of the connections before. */
function isAlive(): boolean {
  world.run(10_000);
  const { answer } = new TestClient(cluster, 1).ask(metadataApi, 9, { topics: [{ name: 'orders' }] });
  return answer?.topics[0]?.errorCode === 0 && cluster.core.broker(1).connections.size === 1;
}

const header = (key: number, version: number): Buffer => {
  const bytes = Buffer.alloc(10);
  bytes.writeInt16BE(key, 0);
  bytes.writeInt16BE(version, 2);
  bytes.writeInt16BE(-1, 8);
  return bytes;
};

const keys = dataPlaneHandlers.map(({ api }) => api.key);

describe('10,000 inputs', () => {
  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void send(Buffer.from(bytes))),
      { numRuns: 3_000 },
    );
    expect(isAlive()).toBe(true);
  });

  test('frames with random content', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.nat(200),
        (bytes, cutAt) => void send(framed(Buffer.from(bytes)), cutAt),
      ),
      { numRuns: 2_000 },
    );
    expect(isAlive()).toBe(true);
  });

  test('known requests with random bodies, some of them with huge lengths inside', () => {
    const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));
    fc.assert(
      fc.property(
        fc.constantFrom(...keys),
        fc.integer({ min: -1, max: 19 }),
        fc.array(byte, { maxLength: 80 }),
        (key, version, body) => void send(framed(Buffer.concat([header(key, version), Buffer.from(body)]))),
      ),
      { numRuns: 4_000 },
    );
    expect(isAlive()).toBe(true);
  });

  test('truncated and overlong requests', () => {
    const whole = encodeRequest(
      metadataApi,
      9,
      { correlationId: 1, clientId: 'x' },
      { topics: [{ name: 'orders' }] },
    );
    fc.assert(
      fc.property(fc.nat(whole.length - 4), fc.uint8Array({ maxLength: 9 }), (length, more) => {
        const body = Buffer.concat([whole.subarray(4, 4 + length), more]);
        send(framed(body));
      }),
      { numRuns: 1_000 },
    );
    expect(isAlive()).toBe(true);
  });
});

describe('hostile lengths', () => {
  test.each([
    ['negative', -1],
    ['one byte too many', 104_857_601],
    ['the largest', 0x7fffffff],
  ])('%s: closed at once', (_name, length) => {
    const size = Buffer.alloc(4);
    size.writeInt32BE(length);
    expect(send(size)).toBe(true);
    expect(isAlive()).toBe(true);
  });

  test('a frame that says 100 MB takes no memory before it comes', () => {
    const size = Buffer.alloc(4);
    size.writeInt32BE(104_857_600);
    const before = process.memoryUsage().arrayBuffers;
    const peers = { onData: () => undefined, onClose: () => undefined };
    const connections = Array.from({ length: 100 }, () => cluster.connect(1, peers));
    for (const connection of connections) connection?.receive(size);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    for (const connection of connections) connection?.close();
    expect(isAlive()).toBe(true);
  });

  test('a peer that sends without end while nobody reads is cut off', () => {
    cluster = createSimulatedCluster({
      brokerCount: 1,
      profile: kafka43,
      environment: world,
      settings: { socketRequestBytesMax: 10_000 },
    });
    cluster.createTopic({ name: 'orders', partitions: 1, replicationFactor: 1 });
    let isReset = false;
    const connection = cluster.connect(1, {
      onData: () => undefined,
      onClose: (reset) => {
        isReset = reset;
      },
    });
    cluster.core.broker(1).isPaused = true;
    for (let index = 0; index < 100 && !isReset; index++) connection?.receive(Buffer.alloc(1_000));
    expect(isReset).toBe(true);
  });
});
