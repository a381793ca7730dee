/**
 * The clusters of one harness: a topology enters, a running cluster with its admin client and its coordinator's view
 * leaves, started when first asked for and shared by all scenarios with the same needs.
 */
import { rackOf } from '../../../scenarios/racks.ts';
import type { Topology } from '../../../scenarios/schema.ts';
import type { Connection } from '../../client/protocol.ts';
import { messageOf, WorldUnavailableError } from '../../errors.ts';
import { type ClusterSet, startClusterSet } from './cluster-set.ts';
import { type ClusterAdmin, openAdmin } from './observer/admin.ts';
import { type CoordinatorView, startCoordinatorView } from './observer/coordinator-view.ts';
import { type Release, SharedLock } from './shared-lock.ts';

export interface Cluster {
  readonly connection: Connection;
  readonly admin: ClusterAdmin;
  readonly view: CoordinatorView;
  /** Null where the cluster was named by the user and is not ours to break. */
  readonly set: ClusterSet | null;
  readonly kafkaVersion: string;
}

export interface Lease {
  readonly cluster: Cluster;
  /** Gives the cluster back; `broken` ends it, so that the next scenario gets a new one. */
  release(broken: boolean): Promise<void>;
}

export interface ClusterOptions {
  readonly sessionId: string;
  /** A cluster that the user named; without one, containers are started. */
  readonly connection: Connection | null;
  readonly image: string;
  readonly onProgress: (sentence: string) => void;
  readonly signal: AbortSignal;
}

/** A cluster that is there answers in milliseconds; with a login and a slow line, in a few seconds. */
const REACH_TIMEOUT_MS = 10_000;

/** In racks that nobody asks for consumers read from leaders, so scenarios with and without them can share a cluster. */
const racksOf = ({ brokers, racks }: Topology): readonly string[] =>
  racks ?? Array.from({ length: brokers }, (_, index) => rackOf(index + 1));

interface Entry {
  readonly lock: SharedLock;
  starting: Promise<Cluster> | null;
}

export class Clusters implements AsyncDisposable {
  readonly #options: ClusterOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: ClusterOptions) {
    this.#options = options;
  }

  /** @param exclusive whether the scenario breaks brokers and so must have the cluster for itself */
  async lease(topology: Topology, exclusive: boolean): Promise<Lease> {
    // A cluster that the user named is one and the same for every topology.
    const key =
      this.#options.connection === null
        ? `${topology.brokers} ${topology.groupInitialRebalanceDelayMs} ${racksOf(topology).join(' ')}`
        : '';
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { lock: new SharedLock(), starting: null };
      this.#entries.set(key, entry);
    }
    const owned = entry;
    const release: Release = await owned.lock.acquire(exclusive);
    try {
      this.#options.signal.throwIfAborted();
      owned.starting ??= this.#start(topology);
      const cluster = await owned.starting;
      return {
        cluster,
        release: async (broken) => {
          try {
            if (broken && owned.starting !== null) {
              owned.starting = null;
              await stopCluster(cluster);
            }
          } finally {
            release();
          }
        },
      };
    } catch (error) {
      // The next scenario may try again: a port may be free by then.
      owned.starting = null;
      release();
      throw error;
    }
  }

  async #start(topology: Topology): Promise<Cluster> {
    const { connection: named, sessionId, image, onProgress, signal } = this.#options;
    const set =
      named === null
        ? await startClusterSet({
            // The world refuses other sizes before it comes here.
            brokerCount: topology.brokers as 1 | 3,
            groupInitialRebalanceDelayMs: topology.groupInitialRebalanceDelayMs,
            racks: racksOf(topology),
            image,
            sessionId,
            signal,
            onProgress,
          })
        : null;
    const connection = named ?? {
      bootstrapServers: [...(set as ClusterSet).bootstrapServers],
      tls: null,
      sasl: null,
    };
    const admin = openAdmin(connection);
    try {
      if (named !== null) await reach(admin, named);
      const view = await startCoordinatorView(connection);
      return {
        connection,
        admin,
        view,
        set,
        kafkaVersion: set?.kafkaVersion ?? (await admin.kafkaVersion()),
      };
    } catch (error) {
      await admin.close();
      await set?.stop();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const started = [...this.#entries.values()].flatMap((entry) =>
      entry.starting === null ? [] : [entry.starting],
    );
    this.#entries.clear();
    const results = await Promise.allSettled(
      started.map(async (starting) => {
        const cluster = await starting.catch(() => null);
        if (cluster !== null) await stopCluster(cluster);
      }),
    );
    const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []));
    if (failures.length > 0) throw new AggregateError(failures, 'some clusters could not be stopped');
  }
}

/** Asks a cluster that the user named for its brokers, so that a wrong address is said at once and by name. */
async function reach(admin: ClusterAdmin, connection: Connection): Promise<void> {
  try {
    await admin.brokers(REACH_TIMEOUT_MS);
  } catch (error) {
    throw new WorldUnavailableError(
      `The cluster at ${connection.bootstrapServers.join(',')} cannot be used: ${messageOf(error)}`,
      { hint: 'Check the addresses, and whether it asks for TLS or SASL.', cause: error },
    );
  }
}

async function stopCluster(cluster: Cluster): Promise<void> {
  await cluster.view.stop();
  await cluster.admin.close();
  await cluster.set?.stop();
}
