/** Links through a real Toxiproxy, without Kafka: cuts, slow links and overlapping faults enter, what passes is checked. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { generateScenario } from '../../../../scenarios/arbitrary.ts';
import type { Action, LinkConditions } from '../../../../scenarios/schema.ts';
import type { StartCommand } from '../../../client/protocol.ts';
import { RunLinks } from './run-links.ts';
import { Toxiproxy } from './toxiproxy.ts';

const PROCESS = 'm1';
const conditions = (ms: number, bytesPerSecond: number | null = null): LinkConditions => ({
  latencyMs: { min: ms, max: ms },
  bytesPerSecond,
  lossPerThousand: 0,
});

let toxiproxy: Toxiproxy;
beforeAll(async () => {
  toxiproxy = await Toxiproxy.start({
    sessionId: randomUUID(),
    signal: new AbortController().signal,
    onProgress: () => {},
  });
});
afterAll(async () => {
  await toxiproxy?.stop();
});

let broker: Server;
let links: RunLinks;
let client: Socket;
/** The broker's end of the client's connection. */
let atBroker: Socket;
let received: { broker: string; client: string };

beforeEach(async () => {
  received = { broker: '', client: '' };
  broker = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(broker, 'listening');
  const base = generateScenario(1, 0, 'calm');
  const cut = {
    kind: 'cut-link',
    atMs: 0,
    durationMs: 1,
    link: { process: PROCESS, broker: 1 },
    direction: 'both',
  } as Action;
  const scenario = { ...base, topology: { ...base.topology, brokers: 1 }, actions: [cut] };
  const address = `127.0.0.1:${(broker.address() as AddressInfo).port}`;
  links = await RunLinks.open(scenario, [address], toxiproxy, `${randomUUID()}.`);
  const [link] = links.startOf(PROCESS, {} as StartCommand).links ?? [];
  const accepted = once(broker, 'connection') as Promise<[Socket]>;
  client = net.connect({ host: '127.0.0.1', port: 0, ...link?.proxy });
  client.setNoDelay(true);
  [atBroker] = await accepted;
  client.on('data', (bytes) => {
    received.client += String(bytes);
  });
  atBroker.on('data', (bytes) => {
    received.broker += String(bytes);
  });
  for (const socket of [client, atBroker]) socket.on('error', () => {});
});
afterEach(async () => {
  client.destroy();
  atBroker.destroy();
  await links[Symbol.asyncDispose]();
  broker.close();
});

const arrived = (where: 'broker' | 'client', text: string) => expect.poll(() => received[where]).toBe(text);

test('what is sent into a cut waits, and comes whole and in order when it is over', async () => {
  client.write('0;');
  await arrived('broker', '0;');
  const heal = await links.cut(PROCESS, 1, 'to-broker');
  const sent = Array.from({ length: 50 }, (_, number) => `${number + 1};`);
  for (const text of sent) {
    client.write(text);
    // The other direction is open, and says when the kernel has taken this.
    atBroker.write('.');
    await expect.poll(() => received.client.length).toBe(sent.indexOf(text) + 1);
  }
  expect(received.broker).toBe('0;');
  await heal();
  await arrived('broker', `0;${sent.join('')}`);
});

test('faults of the same link that begin and end meanwhile let nothing through a cut', async () => {
  const heal = await links.cut(PROCESS, 1, 'to-process');
  atBroker.write('held');
  client.write('a');
  await arrived('broker', 'a');
  const end = await links.slow(PROCESS, 1, conditions(20, 50_000));
  const healOther = await links.cut(PROCESS, 1, 'to-process');
  client.write('b');
  await arrived('broker', 'ab');
  await end();
  await heal();
  client.write('c');
  await arrived('broker', 'abc');
  expect(received.client).toBe('');
  await healOther();
  await arrived('client', 'held');
});

test('a connection that is closed in a cut is closed at the other end when it is over', async () => {
  let isClosed = false;
  atBroker.on('end', () => {
    isClosed = true;
  });
  const heal = await links.cut(PROCESS, 1, 'to-broker');
  client.end();
  atBroker.write('still there');
  await arrived('client', 'still there');
  expect(isClosed).toBe(false);
  await heal();
  await expect.poll(() => isClosed).toBe(true);
});

test('a slow link holds up both directions, and is as it was when that is over', async () => {
  const end = await links.slow(PROCESS, 1, conditions(100));
  const sinceMs = performance.now();
  client.write('question');
  await arrived('broker', 'question');
  atBroker.write('answer');
  await arrived('client', 'answer');
  expect(performance.now() - sinceMs).toBeGreaterThanOrEqual(199);
  await end();
  await links.slow(PROCESS, 1, conditions(0, 100_000));
  const largeMs = performance.now();
  client.write(Buffer.alloc(50_000, 'x'));
  await expect.poll(() => received.broker.length).toBe('question'.length + 50_000);
  expect(performance.now() - largeMs).toBeGreaterThanOrEqual(450);
});
