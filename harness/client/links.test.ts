/** Links that can break, on real sockets: a broker and a proxy in front of it enter, what a client sees is checked. */
import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import tls from 'node:tls';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Links, throughProxies } from './links.ts';
import type { LinkCommand } from './protocol.ts';

const connectOfNode = Reflect.get(net.Socket.prototype, 'connect') as typeof net.Socket.prototype.connect;
const noLatency = { min: 0, max: 0 };

/** Accepts whatever comes and keeps it. */
class Listener {
  readonly sockets: Socket[] = [];
  received = '';
  readonly server: Server = net.createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      this.received += String(bytes);
    });
    this.sockets.push(socket);
    this.server.emit('accepted');
  });

  async listen(): Promise<this> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return this;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

let broker: Listener;
let proxy: Listener;
let links: Links;
let clients: Socket[];

beforeEach(async () => {
  broker = await new Listener().listen();
  proxy = await new Listener().listen();
  clients = [];
  links = throughProxies([
    {
      address: `127.0.0.1:${broker.port}`,
      proxy: { host: '127.0.0.1', port: proxy.port },
      isCut: false,
      latencyMs: noLatency,
    },
  ]);
});
afterEach(() => {
  net.Socket.prototype.connect = connectOfNode;
  for (const client of clients) client.destroy();
  broker.close();
  proxy.close();
});

const change = (state: Partial<LinkCommand>): void =>
  links.change({
    command: 'link',
    address: `127.0.0.1:${broker.port}`,
    isCut: false,
    latencyMs: noLatency,
    ending: null,
    ...state,
  });

function connect(port = broker.port): Socket {
  const client = net.connect({ host: '127.0.0.1', port });
  clients.push(client);
  return client;
}

async function connected(): Promise<Socket> {
  const accepted = once(proxy.server, 'accepted');
  const client = connect();
  await Promise.all([once(client, 'connect'), accepted]);
  return client;
}

const failure = async (client: Socket): Promise<NodeJS.ErrnoException> =>
  ((await once(client, 'error')) as [NodeJS.ErrnoException])[0];

test.each<[string, () => Socket]>([
  ['with options', () => connect()],
  ['with a port and a host', () => net.connect(broker.port, '127.0.0.1')],
  ['with TLS', () => tls.connect({ host: '127.0.0.1', port: broker.port })],
])('a connection %s goes to the proxy, and says what it writes there', async (_how, open) => {
  const accepted = once(proxy.server, 'accepted');
  const client = open();
  client.on('error', () => {});
  clients.push(client);
  await accepted;
  client.write('hello');
  await expect.poll(() => proxy.received).not.toBe('');
  expect(broker.received).toBe('');
});

test('connections to other places are left alone', async () => {
  const elsewhere = await new Listener().listen();
  const accepted = once(elsewhere.server, 'accepted');
  await Promise.all([once(connect(elsewhere.port), 'connect'), accepted]);
  elsewhere.close();
  expect(proxy.sockets).toEqual([]);
});

test('where no broker listens, the connection is refused, though the proxy would take it', async () => {
  const { port } = broker;
  broker.close();
  expect(await failure(connect(port))).toMatchObject({ code: 'ECONNREFUSED', port });
  expect(proxy.sockets).toEqual([]);
});

test('on a cut link no connection comes about before it is healed', async () => {
  change({ isCut: true });
  const client = connect();
  client.write('early');
  const other = await new Listener().listen();
  await once(connect(other.port), 'connect');
  other.close();
  expect(client.connecting).toBe(true);
  expect(broker.sockets).toEqual([]);
  change({});
  await once(client, 'connect');
  await expect.poll(() => proxy.received).toBe('early');
});

test('a connection that the client gives up while the link is cut is never made', async () => {
  change({ isCut: true });
  const client = connect();
  client.destroy();
  await once(client, 'close');
  change({});
  await connected();
  expect(proxy.sockets).toHaveLength(1);
});

test('a handshake takes the latency of the link in both directions', async () => {
  change({ latencyMs: { min: 50, max: 60 } });
  const since = performance.now();
  await once(connect(), 'connect');
  expect(performance.now() - since).toBeGreaterThanOrEqual(99);
});

test('a reset ends open connections as a kernel would say it, and later ones come about', async () => {
  const client = await connected();
  change({ ending: 'reset' });
  expect(await failure(client)).toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
  await connected();
});

test('of a half-open connection nothing comes, and what is written is lost and answered by a reset', async () => {
  const client = await connected();
  let heard = '';
  client.on('data', (bytes) => {
    heard += String(bytes);
  });
  change({ ending: 'half-open' });
  proxy.sockets[0]?.end('an answer, and then the end');
  const another = await connected();
  another.write('of another connection');
  await expect.poll(() => proxy.received).toBe('of another connection');
  expect(client.destroyed).toBe(false);
  client.write('lost');
  expect(await failure(client)).toMatchObject({ code: 'ECONNRESET' });
  expect(heard).toBe('');
  expect(proxy.received).toBe('of another connection');
  expect(another.destroyed).toBe(false);
});

test('what had left the broker before the connection was half-open still comes', async () => {
  const client = await connected();
  change({ latencyMs: { min: 50, max: 50 }, ending: 'half-open' });
  proxy.sockets[0]?.write('on its way');
  const [heard] = (await once(client, 'data')) as [Buffer];
  expect(String(heard)).toBe('on its way');
});

test('an order for a broker that no link leads to is a mistake', () => {
  expect(() => change({ address: 'elsewhere:1' })).toThrow('there is no link to elsewhere:1');
});
