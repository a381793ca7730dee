/**
 * The simulated cluster on real sockets: options enter, a cluster that any client can talk to leaves, with its faults
 * and a way to look into it.
 */
import { addGroupCoordinators, type GroupPart } from '../cluster/group/part.ts';
import { profiles } from '../cluster/profiles.ts';
import { createSimulatedCluster, type SimulatedCluster } from '../cluster/simulated-cluster.ts';
import { addTransactionCoordinators } from '../cluster/transaction/part.ts';
import { UsageError } from '../errors.ts';
import { ControlChannel } from './control-channel.ts';
import { Controls } from './controls.ts';
import { Inspection } from './inspection.ts';
import { Links } from './links.ts';
import { Listener } from './listener.ts';
import { MemoryBudget } from './memory-budget.ts';
import {
  type CheckedOptions,
  checkOptions,
  clusterSettings,
  idleMsOf,
  type StartOptions,
} from './options.ts';
import { RealTime } from './real-time.ts';

export interface StartHooks {
  /** Told of mistakes of the cluster's own; by default they are thrown, where nothing catches them. */
  readonly onFailure?: (error: unknown) => void;
}

export interface RunningCluster extends AsyncDisposable {
  /** host:port of each broker, as clients are told. */
  readonly bootstrapServers: readonly string[];
  readonly clusterId: string;
  readonly profile: string;
  /** Where the control channel listens; null where there is none. */
  readonly controlUrl: string | null;
  /** Faults and administration. */
  readonly controls: Controls;
  readonly inspect: Inspection;
  /** Ends all connections and frees the ports; a second time does nothing. */
  close(): Promise<void>;
}

/** Coordinators have nothing to read that is not in memory. */
const AT_ONCE = { loadingTimeMs: 0 };

const throwLater = (error: unknown): void => {
  setImmediate(() => {
    throw error;
  });
};

/**
 * Starts a cluster; everything of it lives in this process, and its logs in memory.
 *
 * @throws UsageError for options that cannot be used, and for a port or an address that cannot be had
 */
export async function startCluster(
  options: StartOptions = {},
  { onFailure = throwLater }: StartHooks = {},
): Promise<RunningCluster> {
  const checked = checkOptions(options);
  const cluster = new Cluster(checked, onFailure);
  try {
    await cluster.open();
  } catch (error) {
    await cluster.close();
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || error instanceof UsageError) throw error;
    throw new UsageError(`The cluster cannot listen on ${checked.host}: ${message}.`, { cause: error });
  }
  return cluster;
}

class Cluster implements RunningCluster {
  readonly controls: Controls;
  readonly inspect: Inspection;
  readonly #options: CheckedOptions;
  readonly #realTime: RealTime;
  readonly #cluster: SimulatedCluster;
  readonly #groups: GroupPart;
  readonly #listeners: ReadonlyMap<number, Listener>;
  readonly #control: ControlChannel | null;
  readonly #abort = new AbortController();
  #closed: Promise<void> | null = null;

  constructor(options: CheckedOptions, onFailure: (error: unknown) => void) {
    this.#options = options;
    const { host, advertisedHost = host, port, tls } = options;
    this.#realTime = new RealTime(onFailure);
    const listeners = new Map<number, Listener>();
    let groups: GroupPart | null = null;
    this.#cluster = createSimulatedCluster({
      brokerCount: options.brokers,
      profile: profiles[options.profile],
      environment: this.#realTime,
      settings: clusterSettings(options),
      ...(options.sasl === null ? {} : { sasl: options.sasl }),
      parts: [
        (core) => {
          groups = addGroupCoordinators(core, AT_ONCE);
          addTransactionCoordinators(core, groups, AT_ONCE);
        },
      ],
      addressOf: (brokerId) => ({ host: advertisedHost, port: listeners.get(brokerId)?.port ?? 0 }),
    });
    if (groups === null) throw new Error('the cluster has no group coordinators');
    this.#groups = groups;
    const links = new Links();
    const budget = new MemoryBudget(options.bufferedBytesMax);
    const tlsOptions =
      tls === null
        ? null
        : {
            cert: tls.certificate,
            key: tls.key,
            ...(tls.clientCertificateAuthority === undefined
              ? {}
              : { ca: tls.clientCertificateAuthority, requestCert: true, rejectUnauthorized: true }),
          };
    for (const brokerId of this.#cluster.brokerIds) {
      const parts = { cluster: this.#cluster, brokerId, links, budget, idleMs: idleMsOf(options), onFailure };
      listeners.set(brokerId, new Listener(host, port === 0 ? 0 : port + brokerId - 1, tlsOptions, parts));
    }
    this.#listeners = listeners;
    const shared = { cluster: this.#cluster, groups: this.#groups, listeners };
    this.inspect = new Inspection(shared);
    this.controls = new Controls({
      ...shared,
      realTime: this.#realTime,
      links,
      signal: this.#abort.signal,
      onFailure,
    });
    this.#control =
      options.controlPort === null
        ? null
        : new ControlChannel(options.controlPort, this.controls, this.inspect);
  }

  async open(): Promise<void> {
    for (const { name, partitions, replicationFactor, configs } of this.#options.topics)
      await this.#create(name, {
        partitions,
        configs,
        ...(replicationFactor === undefined ? {} : { replicationFactor }),
      });
    await Promise.all([...this.#listeners.values()].map((listener) => listener.open()));
    await this.#control?.open();
    // By then the coordinators have loaded, so that the first client finds everything in place.
    await new Promise((resolve) => setImmediate(resolve));
  }

  async #create(name: string, options: Parameters<Controls['createTopic']>[1]): Promise<void> {
    try {
      await this.controls.createTopic(name, options);
    } catch (error) {
      throw new UsageError(`Topic '${name}' cannot be created: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }

  get bootstrapServers(): readonly string[] {
    return this.#cluster.brokerIds.map((id) => {
      const { host, port } = this.#cluster.address(id);
      return `${host.includes(':') ? `[${host}]` : host}:${port}`;
    });
  }

  get clusterId(): string {
    return this.#cluster.clusterId;
  }

  get profile(): string {
    return this.#options.profile;
  }

  get controlUrl(): string | null {
    return this.#control?.url ?? null;
  }

  close(): Promise<void> {
    this.#closed ??= this.#end();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #end(): Promise<void> {
    this.#abort.abort(new Error('the cluster has been closed'));
    this.#realTime.end();
    await Promise.all([this.#control?.close(), ...[...this.#listeners.values()].map((one) => one.close())]);
  }
}
