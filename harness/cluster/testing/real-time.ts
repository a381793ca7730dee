/** For tests of the cluster's parts: a cluster on the real clock, with brokers that listen on loopback ports. */
import { Links } from '../../serve/links.ts';
import { Listener } from '../../serve/listener.ts';
import { MemoryBudget } from '../../serve/memory-budget.ts';
import { RealTime } from '../../serve/real-time.ts';
import { kafka43 } from '../profiles.ts';
import { type ClusterOptions, createSimulatedCluster, type SimulatedCluster } from '../simulated-cluster.ts';

export interface RealTimeCluster {
  readonly cluster: SimulatedCluster;
  /** host:port of each broker. */
  readonly addresses: readonly string[];
  /** Its process dies: the port is closed first, so that clients are refused, as by a machine without a process. */
  crashBroker(brokerId: number): void;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

export async function startRealTimeCluster(
  options: Partial<ClusterOptions> & { readonly brokerCount: number },
): Promise<RealTimeCluster> {
  const onFailure = (error: unknown): void => {
    setImmediate(() => {
      throw error;
    });
  };
  const realTime = new RealTime(onFailure);
  const listeners = new Map<number, Listener>();
  const portOf = (brokerId: number): number => listeners.get(brokerId)?.port ?? 0;
  const cluster = createSimulatedCluster({
    profile: kafka43,
    environment: realTime,
    addressOf: (brokerId) => ({ host: HOST, port: portOf(brokerId) }),
    ...options,
  });
  const shared = {
    cluster,
    links: new Links(),
    budget: new MemoryBudget(1 << 28),
    idleMs: 600_000,
    onFailure,
  };
  for (const brokerId of cluster.brokerIds) {
    const listener = new Listener(HOST, 0, null, { ...shared, brokerId });
    listeners.set(brokerId, listener);
    await listener.open();
  }
  return {
    cluster,
    addresses: cluster.brokerIds.map((brokerId) => `${HOST}:${portOf(brokerId)}`),
    crashBroker(brokerId) {
      listeners.get(brokerId)?.shut();
      cluster.crashBroker(brokerId);
    },
    async close() {
      realTime.end();
      await Promise.all([...listeners.values()].map((listener) => listener.close()));
    },
  };
}
