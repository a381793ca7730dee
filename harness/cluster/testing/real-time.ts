/** For tests: a cluster on the real clock, with brokers that listen on loopback ports, so that any client can talk to it. */
import { randomUUID } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import type { ClusterEnvironment, Environment } from '../environment.ts';
import { kafka43 } from '../profiles.ts';
import { type ClusterOptions, createSimulatedCluster, type SimulatedCluster } from '../simulated-cluster.ts';

export interface RealTimeCluster {
  readonly cluster: SimulatedCluster;
  /** host:port of each broker. */
  readonly addresses: readonly string[];
  close(): Promise<void>;
}

function realTime(): { environment: ClusterEnvironment; end: () => void } {
  const timers = new Set<NodeJS.Timeout>();
  const clock: Environment = {
    nowMs: () => Date.now(),
    after(delayMs, callback) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        callback();
      }, delayMs);
      timers.add(timer);
      return () => {
        timers.delete(timer);
        clearTimeout(timer);
      };
    },
  };
  const environment: ClusterEnvironment = {
    broker: () => clock,
    controller: clock,
    randomInt: () => 0,
    randomUuid: () => randomUUID(),
    observe: () => undefined,
  };
  const end = () => {
    for (const timer of timers) clearTimeout(timer);
  };
  return { environment, end };
}

const listen = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });

export async function startRealTimeCluster(
  options: Partial<ClusterOptions> & { readonly brokerCount: number },
): Promise<RealTimeCluster> {
  const { environment, end } = realTime();
  const sockets = new Set<Socket>();
  const ports: number[] = [];
  const servers: Server[] = [];
  let cluster: SimulatedCluster | null = null;
  for (let brokerId = 1; brokerId <= options.brokerCount; brokerId++) {
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      sockets.add(socket);
      const connection = cluster?.connect(brokerId, {
        onData: (bytes) => void socket.write(bytes),
        onClose: () => socket.destroySoon(),
      });
      if (!connection) {
        socket.destroy();
        return;
      }
      socket.on('data', (bytes) => connection.receive(bytes));
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        connection.close();
      });
    });
    servers.push(server);
    ports.push(await listen(server));
  }
  cluster = createSimulatedCluster({
    profile: kafka43,
    environment,
    addressOf: (brokerId) => ({ host: '127.0.0.1', port: ports[brokerId - 1] as number }),
    ...options,
  });
  return {
    cluster,
    addresses: ports.map((port) => `127.0.0.1:${port}`),
    async close() {
      end();
      for (const socket of sockets) socket.destroy();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    },
  };
}
