/**
 * A real Kafka cluster of one or three brokers in containers: its size and settings enter, a running cluster whose
 * brokers can be crashed, stopped, paused and started again leaves.
 */
import { randomBytes } from 'node:crypto';
import { HarnessError, WorldUnavailableError } from '../../errors.ts';
import { startBrokerContainer } from './broker-container.ts';
import { kafkaVersionIn, readLog, withoutStackFrames } from './broker-logs.ts';
import type { BrokerAddress } from './broker-probe.ts';
import { type BrokerPlace, brokerEnvironment } from './broker-settings.ts';
import { type ContainerRuntimeClient, containerRuntime } from './container-runtime.ts';
import { harnessLabels } from './harness-identity.ts';
import { advertisedHostFor, releaseHostPorts, reserveHostPorts } from './host-ports.ts';
import { defaultKafkaImage } from './image-name.ts';
import { ensureImage } from './image-presence.ts';
import { pollUntil } from './poll.ts';
import { type Addresses, allKnow, awaitCoordinators, awaitRegistered, awaitReplicated } from './readiness.ts';
import { removeContainer, removeNetwork } from './removal.ts';
import { explainFailedStart } from './start-failure.ts';

export interface ClusterSetOptions {
  readonly brokerCount: 1 | 3;
  /** How long a new group waits for more members; Kafka's own default is 3 s. */
  readonly groupInitialRebalanceDelayMs?: number;
  /** `KAFKA_TRIAL_IMAGE` or apache/kafka in the default version, unless given. */
  readonly image?: string;
  /** Marks containers and network as this harness's own. */
  readonly sessionId: string;
  /** Broker settings under Kafka's own names, over those of `broker-settings.ts`. */
  readonly extraSettings?: Readonly<Record<string, string>>;
  /** Of each broker in turn; with them consumers may read from followers (KIP-392). */
  readonly racks?: readonly string[];
  /** Ports of the host, one for each broker; free ones are chosen unless given. */
  readonly hostPorts?: readonly number[];
  /** Gives each broker a second listener, SASL, on which clients log in as `extraSettings` say. */
  readonly hasSaslListener?: boolean;
  /** Aborts the start; what was started by then is removed. A set that has started is ended by `stop`. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (sentence: string) => void;
}

export type BrokerState = 'running' | 'paused' | 'stopped';

export interface ClusterSet extends AsyncDisposable {
  /** 1 to n. */
  readonly brokerIds: readonly number[];
  /** `host:port` for clients on this machine, in the order of `brokerIds`. */
  readonly bootstrapServers: readonly string[];
  /** The same for clients that log in; none without such a listener. */
  readonly saslBootstrapServers: readonly string[];
  readonly image: string;
  /** As the broker itself says. */
  readonly kafkaVersion: string;
  /** SIGKILL; the disk survives. A broker that is paused dies paused. Resolves when it has ended. */
  crashBroker(id: number): Promise<void>;
  /**
   * SIGTERM and a clean shutdown; resolves when the broker has ended.
   * @throws WorldUnavailableError where it had to be killed in the end, as when no majority of controllers is left
   */
  stopBroker(id: number): Promise<void>;
  /**
   * Starts a broker that was crashed or stopped; resolves when it accepts requests and every running broker knows it
   * as registered and not fenced. It needs a majority of the controllers: where most are down, start them together.
   */
  startBroker(id: number): Promise<void>;
  /** Freezes the broker: connections stay, nothing answers. */
  pauseBroker(id: number): Promise<void>;
  /** Resolves when the broker answers again and the running brokers know it, whether it was fenced meanwhile or not. */
  unpauseBroker(id: number): Promise<void>;
  brokerState(id: number): BrokerState;
  /** Resolves when all replicas of every partition are in sync and all coordinators serve; all brokers must run. */
  awaitHealthy(options?: { readonly timeoutMs?: number; readonly signal?: AbortSignal }): Promise<void>;
  /** One sentence for each broker that is not in the state it was left in, such as one killed for lack of memory. */
  unexpectedStates(): Promise<string[]>;
  /** The last lines that the broker printed, over all its starts. */
  tailLogs(id: number, lines: number): Promise<string>;
  /**
   * Removes containers, their anonymous volumes and the network; safe at any time, any number of times.
   * @throws AggregateError where something could not be removed
   */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_SECONDS = 30;
const DEFAULT_GROUP_INITIAL_REBALANCE_DELAY_MS = 250;
const ERROR_LOG_LINES = 5;
const setLabel = 'kafka-trial.set';

/**
 * Starts the brokers in parallel and resolves when the cluster can serve: all brokers know each other, and the
 * coordinators' topics exist with all replicas in sync.
 * @throws WorldUnavailableError where that is not to be had, with nothing left running; the signal's reason on abort
 */
export async function startClusterSet(options: ClusterSetOptions): Promise<ClusterSet> {
  const image = options.image ?? defaultKafkaImage();
  options.signal?.throwIfAborted();
  const runtime = await containerRuntime();
  await ensureImage(runtime, image, options);
  const set = new DockerClusterSet(runtime, image, options);
  try {
    await set.start();
    return set;
  } catch (error) {
    // A failure to clean up is told beside the one that made it necessary, never instead of it.
    await set.stop().catch((cleanUpError: unknown) => {
      options.onProgress?.(`What had been started could not be removed: ${String(cleanUpError)}`);
    });
    options.signal?.throwIfAborted();
    if (error instanceof HarnessError) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new WorldUnavailableError(`The Kafka cluster did not become ready: ${reason}.`, { cause: error });
  }
}

type Container = ReturnType<ContainerRuntimeClient['container']['getById']>;

interface Broker {
  readonly place: BrokerPlace;
  readonly address: BrokerAddress;
  readonly containerName: string;
  container: Container | null;
  state: BrokerState;
  /** The last operation on this broker; the next one waits for it. */
  tail: Promise<unknown>;
}

class DockerClusterSet implements ClusterSet {
  readonly brokerIds: readonly number[];
  readonly image: string;
  readonly #runtime: ContainerRuntimeClient;
  readonly #options: ClusterSetOptions;
  readonly #setId = randomBytes(4).toString('hex');
  readonly #labels: Record<string, string>;
  readonly #brokers = new Map<number, Broker>();
  #ownPorts: readonly number[] = [];
  #kafkaVersion = 'unknown';
  #stopped: Promise<void> | null = null;

  constructor(runtime: ContainerRuntimeClient, image: string, options: ClusterSetOptions) {
    this.#runtime = runtime;
    this.image = image;
    this.#options = options;
    this.#labels = { ...harnessLabels(options.sessionId), [setLabel]: this.#setId };
    this.brokerIds = Array.from({ length: options.brokerCount }, (_, index) => index + 1);
  }

  get bootstrapServers(): readonly string[] {
    return [...this.#brokers.values()].map(({ address }) => `${address.host}:${address.port}`);
  }

  get saslBootstrapServers(): readonly string[] {
    return [...this.#brokers.values()].flatMap(({ address, place: { saslPort } }) =>
      saslPort === undefined ? [] : [`${address.host}:${saslPort}`],
    );
  }

  get kafkaVersion(): string {
    return this.#kafkaVersion;
  }

  async start(): Promise<void> {
    const { brokerCount, onProgress, signal, hostPorts, hasSaslListener = false } = this.#options;
    const startedMs = performance.now();
    const clientCount = hostPorts === undefined ? brokerCount : 0;
    this.#ownPorts = await reserveHostPorts(clientCount + (hasSaslListener ? brokerCount : 0));
    this.#place(
      await advertisedHostFor(this.#runtime.info.containerRuntime.host),
      hostPorts ?? this.#ownPorts,
      this.#ownPorts.slice(clientCount),
    );
    onProgress?.(
      `Starting ${brokerCount === 1 ? 'a Kafka broker' : `${brokerCount} Kafka brokers`} on ${this.image}.`,
    );
    const network = await this.#createNetwork();

    // The first failure, or an abort, ends the other starts too: a container that is gone ends its wait.
    const giveUp = new AbortController();
    const stopWaiting = signal === undefined ? giveUp.signal : AbortSignal.any([giveUp.signal, signal]);
    stopWaiting.addEventListener('abort', () => void this.#removeContainers().catch(() => {}), {
      once: true,
    });
    const failures: unknown[] = [];
    await Promise.all(
      this.brokerIds.map((id) =>
        this.#create(this.#broker(id), network, stopWaiting).catch((error: unknown) => {
          failures.push(error);
          giveUp.abort();
        }),
      ),
    );
    signal?.throwIfAborted();
    if (failures.length > 0) throw failures[0];

    const bounds = { timeoutMs: START_TIMEOUT_MS, signal };
    await awaitRegistered(this.#running(), bounds);
    await awaitCoordinators(this.#running(), this.#coordinatorCount, bounds);
    this.#kafkaVersion = kafkaVersionIn(await readLog(this.#container(1), 'all'));
    const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
    onProgress?.(`Kafka ${this.#kafkaVersion} is ready after ${seconds} s.`);
  }

  crashBroker(id: number): Promise<void> {
    return this.#inTurn(id, async (broker) => {
      if (broker.state === 'stopped') return;
      const container = this.#container(id);
      if (broker.state === 'paused') await killPaused(container);
      else await container.kill({ signal: 'SIGKILL' });
      await container.wait({ condition: 'not-running' });
      broker.state = 'stopped';
    });
  }

  stopBroker(id: number): Promise<void> {
    return this.#inTurn(id, async (broker) => {
      if (broker.state === 'stopped') return;
      const container = this.#container(id);
      if (broker.state === 'paused') await container.unpause();
      await container.stop({ t: STOP_TIMEOUT_SECONDS });
      broker.state = 'stopped';
      const { State } = await container.inspect();
      // The JVM ends with 143 after SIGTERM; Docker's own SIGKILL, which follows after the bound, makes it 137.
      if (State.ExitCode === 137)
        throw new WorldUnavailableError(
          `Broker ${id} did not shut down cleanly within ${STOP_TIMEOUT_SECONDS} s and was killed.`,
          { hint: 'A clean shutdown needs a majority of the controllers to be running.' },
        );
    });
  }

  startBroker(id: number): Promise<void> {
    return this.#inTurn(id, async (broker) => {
      if (broker.state !== 'stopped') return;
      try {
        await this.#container(id).start();
        broker.state = 'running';
        await this.#awaitServing(broker, () => this.#running());
      } catch (error) {
        throw await this.#explain(broker, error);
      }
    });
  }

  pauseBroker(id: number): Promise<void> {
    return this.#inTurn(id, async (broker) => {
      if (broker.state !== 'running') return;
      await this.#container(id).pause();
      broker.state = 'paused';
    });
  }

  unpauseBroker(id: number): Promise<void> {
    return this.#inTurn(id, async (broker) => {
      if (broker.state !== 'paused') return;
      await this.#container(id).unpause();
      broker.state = 'running';
      await this.#awaitServing(broker, () => this.#running());
    });
  }

  brokerState(id: number): BrokerState {
    return this.#broker(id).state;
  }

  async awaitHealthy(options: { timeoutMs?: number; signal?: AbortSignal } = {}): Promise<void> {
    const { timeoutMs = START_TIMEOUT_MS, signal } = options;
    const notRunning = [...this.#brokers.values()].filter(({ state }) => state !== 'running');
    if (notRunning.length > 0)
      throw new Error(`broker ${notRunning.map(({ place }) => place.id).join(', ')} does not run`);
    const bounds = { timeoutMs, signal };
    await awaitRegistered(this.#running(), bounds);
    await awaitReplicated(this.#running(), bounds);
    await awaitCoordinators(this.#running(), this.#coordinatorCount, bounds);
  }

  async unexpectedStates(): Promise<string[]> {
    const sentences = await Promise.all(
      this.brokerIds.map((id) =>
        this.#inTurn(id, async (broker) => {
          const { State } = await this.#container(id).inspect();
          const actual: BrokerState = State.Paused ? 'paused' : State.Running ? 'running' : 'stopped';
          if (actual === broker.state) return [];
          const cause = State.OOMKilled ? ' for lack of memory' : '';
          return [
            `Broker ${id} was ${broker.state} and now is ${actual}${cause} (exit code ${State.ExitCode}).`,
          ];
        }),
      ),
    );
    return sentences.flat();
  }

  async tailLogs(id: number, lines: number): Promise<string> {
    return readLog(this.#container(id), lines);
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#removeAll().catch((error: unknown) => {
      // A daemon that was away may be back for the next try.
      this.#stopped = null;
      throw error;
    });
    return this.#stopped;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #place(advertisedHost: string, hostPorts: readonly number[], saslPorts: readonly number[]): void {
    for (const [index, id] of this.brokerIds.entries()) {
      const advertisedPort = hostPorts[index];
      if (advertisedPort === undefined) throw new Error(`no port for broker ${id}`);
      const containerName = `kafka-trial-${this.#setId}-broker-${id}`;
      // Alone, a broker needs no network of its own, and finds itself on the loopback interface.
      const internalHost = this.brokerIds.length === 1 ? 'localhost' : containerName;
      this.#brokers.set(id, {
        place: {
          id,
          internalHost,
          advertisedHost,
          advertisedPort,
          rack: this.#options.racks?.[index],
          saslPort: saslPorts[index],
        },
        address: { host: advertisedHost, port: advertisedPort },
        containerName,
        container: null,
        state: 'stopped',
        tail: Promise.resolve(),
      });
    }
  }

  async #createNetwork(): Promise<string | null> {
    if (this.brokerIds.length === 1) return null;
    const name = `kafka-trial-${this.#setId}`;
    try {
      await this.#runtime.container.dockerode.createNetwork({
        Name: name,
        Driver: 'bridge',
        Labels: this.#labels,
      });
    } catch (error) {
      throw await this.#explain(this.#broker(1), error);
    }
    return name;
  }

  async #create(broker: Broker, network: string | null, signal: AbortSignal): Promise<void> {
    const { place } = broker;
    const settings = {
      brokers: [...this.#brokers.values()].map((other) => other.place),
      clusterId: Buffer.from(this.#setId.padEnd(16, '-')).toString('base64url'),
      groupInitialRebalanceDelayMs:
        this.#options.groupInitialRebalanceDelayMs ?? DEFAULT_GROUP_INITIAL_REBALANCE_DELAY_MS,
      extraSettings: this.#options.extraSettings ?? {},
    };
    try {
      signal.throwIfAborted();
      const started = await startBrokerContainer({
        image: this.image,
        name: broker.containerName,
        environment: brokerEnvironment(settings, place.id),
        labels: this.#labels,
        network,
        hostPort: place.advertisedPort,
        saslPort: place.saslPort,
        hostAddress: place.advertisedHost === '127.0.0.1' ? '127.0.0.1' : '',
      });
      broker.container = this.#runtime.container.getById(started.getId());
      broker.state = 'running';
      await this.#awaitServing(broker, () => new Map([[place.id, broker.address]]), signal);
    } catch (error) {
      // Another broker's failure is the one to tell; this one only went down with it.
      if (signal.aborted) throw error;
      throw await this.#explain(broker, error);
    }
  }

  async #explain(broker: Broker, error: unknown): Promise<HarnessError> {
    const container = this.#runtime.container.getById(broker.container?.id ?? broker.containerName);
    const facts = await container.inspect().catch(() => undefined);
    const log = facts === undefined ? '' : await readLog(container, 'all').catch(() => '');
    return explainFailedStart(error, {
      brokerId: broker.place.id,
      hostPort: broker.place.advertisedPort,
      image: this.image,
      logTail: withoutStackFrames(log, ERROR_LOG_LINES),
      ...(facts && {
        container: {
          running: facts.State.Running,
          outOfMemory: facts.State.OOMKilled,
          exitCode: facts.State.ExitCode,
        },
      }),
    });
  }

  /**
   * Until the broker serves and all that are to be asked, itself among them, know it, or until its container ends.
   * Whom to ask is asked anew each time: other brokers may come and go while this one starts.
   */
  async #awaitServing(broker: Broker, whomToAsk: () => Addresses, signal?: AbortSignal): Promise<void> {
    const { id } = broker.place;
    const outcome = await pollUntil<'serves' | 'ended'>(
      async () => {
        if (!(await this.#container(id).inspect()).State.Running) return 'ended';
        return (await allKnow(whomToAsk(), [id])) && 'serves';
      },
      { what: `The start of broker ${id}`, timeoutMs: START_TIMEOUT_MS, intervalMs: 100, signal },
    );
    if (outcome === 'serves') return;
    broker.state = 'stopped';
    throw new Error('its container ended');
  }

  /** Partitions of the coordinators' topics; see `broker-settings.ts`. */
  get #coordinatorCount(): number {
    return this.brokerIds.length === 1 ? 1 : 3;
  }

  #running(): Addresses {
    return new Map(
      [...this.#brokers].flatMap(([id, { state, address }]) => (state === 'running' ? [[id, address]] : [])),
    );
  }

  #broker(id: number): Broker {
    const broker = this.#brokers.get(id);
    if (broker === undefined) throw new Error(`there is no broker ${id}, only 1 to ${this.#brokers.size}`);
    return broker;
  }

  #container(id: number): Container {
    const { container } = this.#broker(id);
    if (container === null) throw new Error(`broker ${id} has not been started`);
    return container;
  }

  /** Operations on one broker follow one another, in the order of the calls. */
  #inTurn<Result>(id: number, operation: (broker: Broker) => Promise<Result>): Promise<Result> {
    const broker = this.#broker(id);
    const result = broker.tail.then(() => {
      if (this.#stopped !== null) throw new Error('the cluster set has been stopped');
      return operation(broker);
    });
    broker.tail = result.catch(() => {});
    return result;
  }

  async #removeAll(): Promise<void> {
    const failures: unknown[] = [];
    const keep = (error: unknown): void => {
      failures.push(error);
    };
    await this.#removeContainers().catch(keep);
    await this.#removeNetworks().catch(keep);
    releaseHostPorts(this.#ownPorts);
    for (const broker of this.#brokers.values()) broker.state = 'stopped';
    if (failures.length > 0) throw new AggregateError(failures, 'The Kafka containers could not be removed.');
  }

  /** By label, so that a container counts that was made an instant before everything was given up. */
  async #removeContainers(): Promise<void> {
    const { dockerode } = this.#runtime.container;
    const containers = await dockerode.listContainers({ all: true, filters: this.#ownFilter() });
    await Promise.all(containers.map(({ Id }) => removeContainer(dockerode, Id)));
  }

  async #removeNetworks(): Promise<void> {
    const { dockerode } = this.#runtime.container;
    const networks = await dockerode.listNetworks({ filters: this.#ownFilter() });
    await Promise.all(networks.map(({ Id }) => removeNetwork(dockerode, Id)));
  }

  #ownFilter(): { label: string[] } {
    return { label: [`${setLabel}=${this.#setId}`] };
  }
}

/** Some versions of Docker refuse to kill a frozen container; then it is thawed for the instant that it takes. */
async function killPaused(container: Container): Promise<void> {
  try {
    await container.kill({ signal: 'SIGKILL' });
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode !== 409) throw error;
    await container.unpause();
    await container.kill({ signal: 'SIGKILL' });
  }
}
