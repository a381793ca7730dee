/**
 * Where brokers are published on this machine: a count enters, port numbers that nobody listens on leave; a daemon's
 * host enters, the address at which clients reach it leaves.
 */
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { WorldUnavailableError } from '../../errors.ts';

/**
 * Below the range from which systems take the source ports of outgoing connections (32768 and up on Linux). A port
 * from that range could be taken while its broker is down; and a client that keeps connecting to it might be given
 * that very port as its source port, and then talk to itself.
 */
export const hostPortRange = { first: 20_000, last: 32_000 } as const;
const ATTEMPTS_MAX = 200;

/** Ports given to the sets of this process, so that two sets that start at once don't choose the same. */
const given = new Set<number>();

/** @throws WorldUnavailableError where so many ports are taken that no free ones were found */
export async function reserveHostPorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  for (let attempt = 0; ports.length < count; attempt++) {
    if (attempt === ATTEMPTS_MAX) {
      releaseHostPorts(ports);
      throw new WorldUnavailableError(
        `No ${count} free ports were found between ${hostPortRange.first} and ${hostPortRange.last}.`,
        { hint: '`ss -ltn` shows what listens on this machine.' },
      );
    }
    const port = randomInt(hostPortRange.first, hostPortRange.last + 1);
    if (given.has(port)) continue;
    given.add(port);
    if (await isFree(port)) ports.push(port);
    else given.delete(port);
  }
  return ports;
}

export function releaseHostPorts(ports: readonly number[]): void {
  for (const port of ports) given.delete(port);
}

/**
 * Where clients reach a daemon's published ports. A daemon on this machine may be known by the address of its bridge,
 * which other machines can reach as well; there the loopback address does. By number, since `localhost` is two
 * addresses, and on one of them nobody listens.
 */
export async function advertisedHostFor(daemonHost: string): Promise<string> {
  // Whether it can be listened on tells, and not the list of interfaces, which leaves out a bridge without containers.
  const isHere = daemonHost === 'localhost' || (await canListen(0, daemonHost));
  return isHere ? '127.0.0.1' : daemonHost;
}

function isFree(port: number): Promise<boolean> {
  return canListen(port, '0.0.0.0');
}

function canListen(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
