/** Free ports: what listens on this machine enters, ports that nobody else has are checked. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { advertisedHostFor, hostPortRange, releaseHostPorts, reserveHostPorts } from './host-ports.ts';

const random = vi.hoisted(() => ({ next: [] as number[] }));
vi.mock('node:crypto', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:crypto')>();
  return {
    ...original,
    randomInt: (low: number, high: number) => random.next.shift() ?? original.randomInt(low, high),
  };
});
afterEach(() => {
  random.next = [];
});

test('as many as asked for, all different, below the range of outgoing connections', async () => {
  const ports = await reserveHostPorts(3);
  expect(new Set(ports).size).toBe(3);
  for (const port of ports) {
    expect(port).toBeGreaterThanOrEqual(hostPortRange.first);
    expect(port).toBeLessThan(32_768);
  }
  releaseHostPorts(ports);
});

test('a port is given once until it is released', async () => {
  const [port = 0] = await reserveHostPorts(1);
  random.next = [port];
  expect(await reserveHostPorts(1)).not.toContain(port);
  releaseHostPorts([port]);
  random.next = [port];
  expect(await reserveHostPorts(1)).toContain(port);
});

test('a port on which somebody listens is passed over', async () => {
  const [port = 0] = await reserveHostPorts(1);
  releaseHostPorts([port]);
  const server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
  try {
    random.next = [port];
    expect(await reserveHostPorts(1)).not.toContain(port);
  } finally {
    server.close();
  }
});

test('a daemon on this machine is reached by the loopback address, whatever address it is known by', async () => {
  for (const host of ['localhost', '127.0.0.1', '0.0.0.0']) {
    expect(await advertisedHostFor(host)).toBe('127.0.0.1');
  }
});

test('a daemon elsewhere is reached where it is', async () => {
  expect(await advertisedHostFor('192.0.2.7')).toBe('192.0.2.7');
});
