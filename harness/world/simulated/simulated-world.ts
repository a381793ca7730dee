/**
 * The simulated world: a scenario enters, the unmodified client runs in it on virtual time against a simulated cluster,
 * and a history leaves that is the same on every run and every machine, with the hash of everything that happened.
 */

import type { Scenario, Topology } from '../../../scenarios/schema.ts';
import { refusals as clientRefusals } from '../../client/clients.ts';
import { addGroupCoordinators, type GroupPart } from '../../cluster/group/part.ts';
import { kafka43 } from '../../cluster/profiles.ts';
import type { ClusterSettings } from '../../cluster/settings.ts';
import { createSimulatedCluster, type SimulatedCluster } from '../../cluster/simulated-cluster.ts';
import { HarnessError, WorldUnavailableError } from '../../errors.ts';
import { collectFacts, collectGroupFacts, type Fact } from '../kafka/observer/facts.ts';
import { Processes } from '../processes.ts';
import { createRunContext, type RunContext, type RunEvent } from '../run-context.ts';
import { noteStart, runScenario } from '../run-scenario.ts';
import type { Recorder, Subject, World } from '../world.ts';
import { type Acceptor, Network, type Receiver } from './network.ts';
import { type ClientBundle, type Isolation, loadBundle } from './process/client-bundle.ts';
import { VIRTUAL_EPOCH_MS } from './process/clock.ts';
import { SimulatedProcess } from './process/simulated-process.ts';
import { RandomStreams } from './random.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { SimulatedAdministration } from './simulated-administration.ts';
import { SimulatedBrokerFaults } from './simulated-broker-faults.ts';
import { label, type Recording, Trace } from './trace.ts';
import { VirtualEnvironment } from './virtual-environment.ts';

export interface SimulatedWorldOptions {
  /** What the client processes wrote to standard error, for a person who looks for the cause. */
  readonly onLog?: (origin: string, line: string) => void;
  /** Which events of the trace to keep; none unless given. */
  readonly recording?: Recording;
  /** Whether processes share the client's modules; by default where that cannot be seen from outside. */
  readonly isolation?: Isolation;
  /** For tests: how the client's own jobs are run to their end. */
  readonly drain?: NonNullable<SchedulerOptions['drain']>;
  /** For measurements: how many requests the brokers of a run took up, when it is over. */
  readonly onRequests?: (requests: number) => void;
}

/** What the history calls the cluster. */
const KAFKA_VERSION = 'simulated 4.3';
/** From the birth of the cluster to scenario time 0: coordinators have loaded by then. */
const WARM_UP_US = 500_000;
const clock = label('clock');

export class SimulatedWorld implements World {
  readonly name = 'simulated';
  readonly #options: SimulatedWorldOptions;

  constructor(options: SimulatedWorldOptions = {}) {
    this.#options = options;
  }

  refusals(scenario: Scenario, subject: Subject): string[] {
    return refusalsOf(scenario, subject);
  }

  async run(scenario: Scenario, subject: Subject, recorder: Recorder, signal?: AbortSignal): Promise<void> {
    const { recording, drain } = this.#options;
    const trace = new Trace(recording ?? null);
    const scheduler = new Scheduler({ trace, ...(drain === undefined ? {} : { drain }) });
    const run = new SimulatedRun(scenario, subject, recorder, scheduler, this.#options, signal);
    try {
      await scheduler.run(async () => await run.toEnd(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof HarnessError) throw error;
      throw new WorldUnavailableError(
        `The simulated world failed: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    } finally {
      recorder.traced?.(trace.summary());
      this.#options.onRequests?.(run.requests);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Everything of a run is garbage when it is over.
  }
}

/** What this world and the client cannot do of a scenario, one sentence each. */
export const refusalsOf = (scenario: Scenario, subject: Subject): string[] =>
  clientRefusals(subject.client, scenario);

class SimulatedRun {
  readonly #scenario: Scenario;
  readonly #subject: Subject;
  readonly #recorder: Recorder;
  readonly #scheduler: Scheduler;
  readonly #options: SimulatedWorldOptions;
  readonly #signal: AbortSignal;
  readonly #streams: RandomStreams;
  readonly #environment: VirtualEnvironment;
  readonly #network: Network;
  readonly #bundle: ClientBundle;
  #groups: GroupPart | null = null;
  readonly #cluster: SimulatedCluster;
  readonly #brokersByHost = new Map<string, number>();
  #context: RunContext | null = null;
  #pids = 1;

  constructor(
    scenario: Scenario,
    subject: Subject,
    recorder: Recorder,
    scheduler: Scheduler,
    options: SimulatedWorldOptions,
    signal: AbortSignal | undefined,
  ) {
    this.#scenario = scenario;
    this.#subject = subject;
    this.#recorder = recorder;
    this.#scheduler = scheduler;
    this.#options = options;
    this.#signal = signal ?? new AbortController().signal;
    this.#bundle = loadBundle(subject.client, options.isolation);
    this.#streams = new RandomStreams(scenario.seed);
    this.#network = new Network(scheduler, this.#streams);
    this.#environment = new VirtualEnvironment(scheduler, this.#streams, (event) =>
      this.#context?.note({ process: 'coordinator', ...event }),
    );
    this.#cluster = createSimulatedCluster({
      brokerCount: scenario.topology.brokers,
      profile: kafka43,
      settings: clusterSettings(scenario.topology),
      environment: this.#environment,
      parts: [
        (core) => {
          this.#groups = addGroupCoordinators(core);
        },
      ],
    });
    for (const id of this.#cluster.brokerIds) {
      const { host, port } = this.#cluster.address(id);
      this.#brokersByHost.set(`${host}:${port}`, id);
      this.#network.attach(id, this.#acceptor(id));
    }
  }

  get requests(): number {
    return this.#cluster.core.requests;
  }

  async toEnd(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#scheduler.after(this.#scheduler.harness, WARM_UP_US, clock, resolve);
    });
    const { topics } = this.#scenario.topology;
    for (const { name, partitions, replicationFactor } of topics)
      this.#require(name, this.#cluster.createTopic({ name, partitions, replicationFactor }));
    const timeOriginUs = this.#scheduler.nowUs;
    const incomplete: string[] = [];
    const context = this.#createContext(timeOriginUs, incomplete);
    this.#context = context;
    noteStart(context, 'simulated', KAFKA_VERSION);
    const processes = this.#createProcesses(context, timeOriginUs);
    const admin = new SimulatedAdministration(this.#cluster, this.#groups as GroupPart, context);
    const brokers = new SimulatedBrokerFaults(
      this.#cluster,
      this.#network,
      this.#scheduler,
      this.#environment,
      context,
      this.#streams.of('broker faults'),
    );
    const emit = (fact: Fact): void => context.note(fact);
    const unlimited = Number.POSITIVE_INFINITY;
    await runScenario(context, {
      processes,
      admin,
      brokers,
      awaitHealthy: async () => await brokers.awaitHealthy(),
      collectGroupFacts: async () => await collectGroupFacts(admin, this.#scenario.groups, emit, unlimited),
      collectFacts: async () =>
        await collectFacts(
          admin,
          topics.map(({ name }) => name),
          this.#scenario.groups,
          emit,
          unlimited,
        ),
    });
    context.note({ process: 'harness', kind: 'finish', incomplete });
  }

  #createContext(timeOriginUs: number, incomplete: string[]): RunContext {
    const scheduler = this.#scheduler;
    return createRunContext({
      scenario: this.#scenario,
      subject: this.#subject,
      names: { real: (name) => name, toLogical: (event) => event },
      clock: {
        now: () => (scheduler.nowUs - timeOriginUs) / 1_000,
        after(delayMs, callback) {
          const event = scheduler.after(scheduler.harness, Math.ceil(delayMs * 1_000), clock, callback);
          return () => scheduler.cancel(event);
        },
      },
      timeOriginEpochMs: VIRTUAL_EPOCH_MS + timeOriginUs / 1_000,
      recorder: this.#recorder,
      incomplete: (reason) => incomplete.push(reason),
      signal: this.#signal,
    });
  }

  #createProcesses(context: RunContext, timeOriginUs: number): Processes {
    const bootstrapServers = this.#cluster.brokerIds.map((id) => {
      const { host, port } = this.#cluster.address(id);
      return `${host}:${port}`;
    });
    return new Processes(
      context,
      { bootstrapServers, tls: null, sasl: null },
      (start, id, { onEvent, onLog }) =>
        new SimulatedProcess(
          {
            start,
            id,
            scheduler: this.#scheduler,
            network: this.#network,
            streams: this.#streams,
            bundle: this.#bundle,
            resolve: (host, port) => this.#brokersByHost.get(`${host}:${port}`) ?? null,
            onEvent: (event) => onEvent(event as RunEvent),
            onLog,
            timeOriginUs,
          },
          this.#pids++,
        ),
      (name, line) => this.#options.onLog?.(`${this.#scenario.name} ${name}`, line),
    );
  }

  /** A broker behind its address on the network. */
  #acceptor(id: number): Acceptor {
    const cluster = this.#cluster;
    const environment = this.#environment;
    return {
      get owner() {
        return environment.owner(id);
      },
      get listens() {
        return cluster.core.broker(id).isUp;
      },
      accept(sender): Receiver {
        const connection = cluster.connect(id, {
          // The broker makes a buffer for each answer and forgets it.
          onData: (bytes) => sender.send(bytes, true),
          onClose: (reset) => {
            if (reset) sender.reset();
            else sender.end();
          },
        });
        if (connection === null) sender.reset();
        return {
          data: (bytes) => connection?.receive(bytes),
          ended() {
            connection?.close();
            sender.end();
          },
          failed: () => connection?.close(),
        };
      },
    };
  }

  #require(topic: string, { errorCode, message }: { errorCode: number; message: string | null }): void {
    if (errorCode !== 0)
      throw new WorldUnavailableError(
        `The simulated cluster has not created topic ${topic}: ${message ?? errorCode}`,
      );
  }
}

/** The settings of the Kafka world's brokers (`../kafka/broker-settings.ts`), and delays as measured there. */
function clusterSettings({ brokers, groupInitialRebalanceDelayMs }: Topology): Partial<ClusterSettings> {
  const coordinators = brokers === 1 ? 1 : 3;
  return {
    offsetsTopicNumPartitions: coordinators,
    offsetsTopicReplicationFactor: brokers,
    transactionStateLogNumPartitions: coordinators,
    transactionStateLogReplicationFactor: brokers,
    defaultReplicationFactor: brokers,
    minInsyncReplicas: brokers === 1 ? 1 : 2,
    brokerSessionTimeoutMs: 3_000,
    brokerStartMs: 2_500,
    controlledShutdownMs: 500,
    replicationDelay: { minMs: 1, maxMs: 4 },
    metadataDelay: { minMs: 2, maxMs: 60 },
    controllerDelay: { minMs: 1, maxMs: 5 },
    extra: {
      'group.min.session.timeout.ms': '500',
      'group.initial.rebalance.delay.ms': String(groupInitialRebalanceDelayMs),
    },
  };
}
