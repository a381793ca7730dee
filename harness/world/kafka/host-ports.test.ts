/** Free ports: what listens on this machine enters, ports that nobody else has are checked. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { hostPortRange, releaseHostPorts, reserveHostPorts } from './host-ports.ts';

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
