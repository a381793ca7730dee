/**
 * The simulated world: a scenario enters, the unmodified client runs in it on virtual time against a simulated cluster,
 * and a history leaves that is the same on every run and every machine, with the hash of everything that happened.
 */

import type { Scenario, Topology } from '../../../scenarios/schema.ts';
import { mixSeed } from '../../../scenarios/seed.ts';
import { refusals as clientRefusals } from '../../client/clients.ts';
import type { Host } from '../../client/host.ts';
import type { StartCommand } from '../../client/protocol.ts';
import { breakCluster, brokenSettings } from '../../cluster/broken/clusters.ts';
import { addGroupCoordinators, type GroupPart } from '../../cluster/group/part.ts';
import { kafka43 } from '../../cluster/profiles.ts';
import type { ClusterSettings } from '../../cluster/settings.ts';
import { createSimulatedCluster, type SimulatedCluster } from '../../cluster/simulated-cluster.ts';
import { addTransactionCoordinators } from '../../cluster/transaction/part.ts';
import { HarnessError, WorldUnavailableError } from '../../errors.ts';
import type { UnplacedEvent } from '../../history/schema.ts';
import { collectFacts, collectGroupFacts, type Fact } from '../kafka/observer/facts.ts';
import { Processes } from '../processes.ts';
import { createRunContext, type RunContext, type RunEvent } from '../run-context.ts';
import { noteStart, runScenario } from '../run-scenario.ts';
import type { Recorder, Subject, World } from '../world.ts';
import { MessageTap, type WireMessage } from './message-tap.ts';
import { type Acceptor, LAN, type LinkConditions, Network, type Receiver } from './network.ts';
import {
  type ClientBundle,
  type Isolation,
  loadApplicationBundle,
  loadBundle,
} from './process/client-bundle.ts';
import { NO_SKEW, VIRTUAL_EPOCH_MS } from './process/clock.ts';
import { SharedRealm } from './process/shared-realm.ts';
import { SimulatedProcess } from './process/simulated-process.ts';
import { RandomStreams } from './random.ts';
import { Scheduler, type SchedulerOptions } from './scheduler.ts';
import { SimulatedAdministration } from './simulated-administration.ts';
import { SimulatedBrokerFaults } from './simulated-broker-faults.ts';
import { SimulatedClusterFaults } from './simulated-cluster-faults.ts';
import { linkConditions, SimulatedLinkFaults } from './simulated-link-faults.ts';
import { label, type Recording, Trace } from './trace.ts';
import { VirtualEnvironment } from './virtual-environment.ts';
import { takeState, type WorldState } from './world-state.ts';

export interface SimulatedWorldOptions {
  /** What the client processes wrote to standard error, for a person who looks for the cause. */
  readonly onLog?: (origin: string, line: string) => void;
  /** Another draw of everything that the scenario leaves to chance: latencies, jitter, the client's own randomness. */
  readonly variation?: number;
  /** How slow the machine is that it takes place on; by default, not at all. */
  readonly machine?: Machine;
  /** Which events of the trace to keep; none unless given. */
  readonly recording?: Recording;
  /** Whether processes share the client's modules; by default where that cannot be seen from outside. */
  readonly isolation?: Isolation;
  /** Takes what an application of the user's asks of its client, which is then not really begun. */
  readonly onConfigured?: NonNullable<Host['configured']>;
  /** Looks at the run from outside. */
  readonly inspection?: Inspection;
  /** For tests: how the client's own jobs are run to their end. */
  readonly drain?: NonNullable<SchedulerOptions['drain']>;
  /** For tests of what is known to compute without end: how soon that is believed. */
  readonly endlessAfterMs?: NonNullable<SchedulerOptions['endlessAfterMs']>;
  /** For measurements: how many requests the brokers of a run took up, when it is over. */
  readonly onRequests?: (requests: number) => void;
}

/** A look at a run that changes nothing of it, but that it can end it. */
export interface Inspection {
  /** Every request and answer, as the brokers read and write them. */
  readonly onMessage?: (message: WireMessage) => void;
  /** Ends the run when so many events have been recorded, and what the last of them came with has run to its end. */
  readonly stop?: { readonly events: number; readonly onState: (state: WorldState) => void };
}

/** Ends a run that has come to where it was to be stopped. */
class Stopped extends Error {
  override name = 'Stopped';
}

/** What a busy machine does to a run. */
export interface Machine {
  /** By process, such as `m1.2`: how much longer than usual it takes to start. */
  readonly startDelaysMs: ReadonlyMap<string, number>;
  /** By the index of the action that ends with it: how much longer than usual the start of a broker takes. */
  readonly brokerStartDelaysMs: ReadonlyMap<number, number>;
  /** Of all links, where the scenario does not say. */
  readonly network: LinkConditions;
}

/** What the history calls the cluster. */
const KAFKA_VERSION = 'simulated 4.3';
/** From the birth of the cluster to scenario time 0: coordinators have loaded by then. */
const WARM_UP_US = 500_000;
/** So that a retention of seconds is kept to about that. */
const RETENTION_CHECK_MS = 500;
const clock = label('clock');
const UNCLEAN = { configs: new Map([['unclean.leader.election.enable', 'true']]) };

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
    const { recording, drain, endlessAfterMs } = this.#options;
    const trace = new Trace(recording ?? null);
    const scheduler = new Scheduler({
      trace,
      ...(drain === undefined ? {} : { drain }),
      ...(endlessAfterMs === undefined ? {} : { endlessAfterMs }),
    });
    const run = new SimulatedRun(scenario, subject, recorder, scheduler, this.#options, signal);
    try {
      await scheduler.run(async () => await run.toEnd(), signal);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof Stopped) {
        this.#options.inspection?.stop?.onState(run.state());
        return;
      }
      if (error instanceof HarnessError) throw error;
      throw new WorldUnavailableError(
        `The simulated world failed: ${error instanceof Error ? error.message : String(error)}`,
        { cause: error },
      );
    } finally {
      recorder.traced?.(trace.summary());
      recorder.counted?.(run.requestsByApi);
      this.#options.onRequests?.(run.requests);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Everything of a run is garbage when it is over.
  }
}

/** What this world and the client cannot do of a scenario, one sentence each. */
export const refusalsOf = (scenario: Scenario, { client, driver, application }: Subject): string[] =>
  driver === undefined
    ? clientRefusals(client, scenario, application !== undefined)
    : [`The simulated world runs no other programs, so it cannot run the driver of ${client}.`];

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
  /** Of the members. */
  readonly #applicationBundle: ClientBundle;
  #groups: GroupPart | null = null;
  readonly #cluster: SimulatedCluster;
  /** Null where nobody looks. */
  readonly #tap: MessageTap | null;
  #recorded = 0;
  #timeOriginUs = 0;
  #processes: Processes | null = null;
  readonly #brokersByHost = new Map<string, number>();
  #context: RunContext | null = null;
  readonly #realms = new Map<string, SharedRealm>();
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
    this.#applicationBundle =
      subject.application === undefined ? this.#bundle : loadApplicationBundle(subject.application.bundle);
    const { variation } = options;
    this.#streams = new RandomStreams(
      variation === undefined ? scenario.seed : mixSeed(scenario.seed, variation),
    );
    const { network } = scenario.topology;
    this.#network = new Network(
      scheduler,
      this.#streams,
      network === undefined ? (options.machine?.network ?? LAN) : linkConditions(network),
    );
    this.#environment = new VirtualEnvironment(scheduler, this.#streams, (event) =>
      this.#context?.note({
        process: event.kind === 'unclean-election' ? 'cluster' : 'coordinator',
        ...event,
      }),
    );
    this.#cluster = createSimulatedCluster({
      brokerCount: scenario.topology.brokers,
      profile: kafka43,
      settings: clusterSettings(scenario.topology, brokenSettings(subject.mutant)),
      environment: this.#environment,
      parts: [
        (core) => {
          this.#groups = addGroupCoordinators(core);
          addTransactionCoordinators(core, this.#groups);
        },
        (core) => breakCluster(core, subject.mutant),
      ],
    });
    this.#tap = options.inspection === undefined ? null : this.#createTap(options.inspection);
    for (const id of this.#cluster.brokerIds) {
      const { host, port } = this.#cluster.address(id);
      this.#brokersByHost.set(`${host}:${port}`, id);
      this.#network.attach(id, this.#acceptor(id));
    }
  }

  get requests(): number {
    return this.#cluster.core.requests;
  }

  get requestsByApi(): Record<string, number> {
    const { requestsByApi } = this.#cluster.core;
    return Object.fromEntries(
      [...requestsByApi]
        .sort(([a], [b]) => a - b)
        .map(([key, count]) => [this.#cluster.core.handler(key)?.api.name ?? `API ${key}`, count]),
    );
  }

  async toEnd(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#scheduler.after(this.#scheduler.harness, WARM_UP_US, clock, resolve);
    });
    const { topics } = this.#scenario.topology;
    for (const { name, partitions, replicationFactor, uncleanLeaderElection } of topics) {
      const configs = uncleanLeaderElection === true ? UNCLEAN : {};
      this.#require(name, this.#cluster.createTopic({ name, partitions, replicationFactor, ...configs }));
    }
    const timeOriginUs = this.#scheduler.nowUs;
    this.#timeOriginUs = timeOriginUs;
    const incomplete: string[] = [];
    const context = this.#createContext(timeOriginUs, incomplete);
    this.#context = context;
    noteStart(context, 'simulated', KAFKA_VERSION);
    const processes = this.#createProcesses(context, timeOriginUs);
    this.#processes = processes;
    const admin = new SimulatedAdministration(this.#cluster, this.#groups as GroupPart, context);
    const brokers = new SimulatedBrokerFaults(
      this.#cluster,
      this.#network,
      this.#scheduler,
      this.#environment,
      context,
      this.#streams.of('broker faults'),
      this.#options.machine?.brokerStartDelaysMs,
    );
    const emit = (fact: Fact): void => context.note(fact);
    const unlimited = Number.POSITIVE_INFINITY;
    await runScenario(context, {
      processes,
      admin,
      brokers,
      links: new SimulatedLinkFaults(this.#network),
      cluster: new SimulatedClusterFaults(this.#cluster, this.#groups as GroupPart, brokers),
      awaitHealthy: async () => await brokers.awaitHealthy(),
      collectGroupFacts: async () => await collectGroupFacts(admin, this.#scenario.groups, emit, unlimited),
      collectFacts: async () => {
        const names = topics.map(({ name }) => name);
        await brokers.awaitReplicated(names);
        await collectFacts(admin, names, this.#scenario.groups, emit, unlimited, context.timeOriginEpochMs);
      },
    });
    context.note({ process: 'harness', kind: 'finish', incomplete });
  }

  /** After the run was stopped. */
  state(): WorldState {
    return takeState({
      scenario: this.#scenario,
      cluster: this.#cluster,
      groups: this.#groups as GroupPart,
      processes: this.#processes as Processes,
      network: this.#network,
      scheduler: this.#scheduler,
      tap: this.#tap as MessageTap,
      timeOriginUs: this.#timeOriginUs,
    });
  }

  #createTap({ onMessage }: Inspection): MessageTap {
    return new MessageTap({
      now: () => ({
        time: (this.#scheduler.nowUs - this.#timeOriginUs) / 1_000,
        eventsBefore: this.#recorded,
      }),
      apiOf: (key) => this.#cluster.core.handler(key)?.api,
      onMessage: onMessage ?? null,
    });
  }

  #record(event: UnplacedEvent): void {
    this.#recorder.record(event);
    if (++this.#recorded === this.#options.inspection?.stop?.events) this.#scheduler.fail(new Stopped());
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
      recorder: { record: (event) => this.#record(event) },
      incomplete: (reason) => incomplete.push(reason),
      signal: this.#signal,
    });
  }

  #createProcesses(context: RunContext, timeOriginUs: number): Processes {
    const bootstrapServers = this.#cluster.brokerIds.map((id) => {
      const { host, port } = this.#cluster.address(id);
      return `${host}:${port}`;
    });
    const members = this.#scenario.groups.flatMap((group) => group.members);
    const { onConfigured } = this.#options;
    const clocks = new Map(members.map((member) => [member.id, member.clock]));
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
            bundle: start.role === 'member' ? this.#applicationBundle : this.#bundle,
            resolve: (host, port) => this.#brokersByHost.get(`${host}:${port}`) ?? null,
            onEvent: (event) => onEvent(event as RunEvent),
            onLog,
            timeOriginUs,
            skew: clocks.get(id) ?? NO_SKEW,
            ...(onConfigured === undefined ? {} : { onConfigured }),
            startDelayMs: this.#options.machine?.startDelaysMs.get(start.process) ?? 0,
            ...this.#realmOf(start),
          },
          this.#pids++,
        ),
      (name, line) => this.#options.onLog?.(`${this.#scenario.name} ${name}`, line),
    );
  }

  /** What a member shares with those that run in the same process. */
  #realmOf(start: StartCommand): { shared?: SharedRealm } {
    const name = start.role === 'member' ? start.sharedProcess : undefined;
    if (name === undefined) return {};
    const known = this.#realms.get(name);
    const realm = known === undefined || known.isOver ? new SharedRealm(name) : known;
    this.#realms.set(name, realm);
    return { shared: realm };
  }

  /** A broker behind its address on the network. */
  #acceptor(id: number): Acceptor {
    const cluster = this.#cluster;
    const tap = this.#tap;
    const environment = this.#environment;
    return {
      get owner() {
        return environment.owner(id);
      },
      get listens() {
        return cluster.core.broker(id).listens;
      },
      accept(sender, client): Receiver {
        const tapped = tap?.connection(id, client);
        const connection = cluster.connect(id, {
          onData: (bytes) => {
            tapped?.toProcess(bytes);
            // The broker makes a buffer for each answer and forgets it.
            sender.send(bytes, true);
          },
          onClose: (reset) => {
            tapped?.closed();
            if (reset) sender.reset();
            else sender.end();
          },
        });
        if (connection === null) sender.reset();
        return {
          data: (bytes) => {
            tapped?.toBroker(bytes);
            connection?.receive(bytes);
          },
          ended() {
            tapped?.closed();
            connection?.ended();
            sender.end();
          },
          failed: () => {
            tapped?.closed();
            connection?.close();
          },
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
function clusterSettings(
  { brokers, groupInitialRebalanceDelayMs, offsetsRetentionMs, racks }: Topology,
  broken: Readonly<Record<string, string>>,
): Partial<ClusterSettings> {
  const coordinators = brokers === 1 ? 1 : 3;
  return {
    offsetsTopicNumPartitions: coordinators,
    offsetsTopicReplicationFactor: brokers,
    transactionStateLogNumPartitions: coordinators,
    transactionStateLogReplicationFactor: brokers,
    transactionStateLogMinIsr: brokers === 1 ? 1 : 2,
    defaultReplicationFactor: brokers,
    minInsyncReplicas: brokers === 1 ? 1 : 2,
    ...(racks === undefined
      ? {}
      : {
          rackAwareReplicaSelector: true,
          racks: Object.fromEntries(racks.map((rack, index) => [index + 1, rack])),
        }),
    brokerSessionTimeoutMs: 3_000,
    brokerHeartbeatIntervalMs: 500,
    // Every node is a controller too, as in the Kafka world: controller.quorum.fetch.timeout.ms, and the vote.
    controllerElectionDelay: { minMs: 2_000, maxMs: 2_600 },
    // 1.5 times that, since the last fetch of the majority, which has one under way for up to half a second.
    controllerResignationDelay: { minMs: 2_500, maxMs: 3_000 },
    // Whose election or fetch timeout ends first has begun at any time; 0.7 to 1 s in most cases.
    controllerVoteDelay: { minMs: 200, maxMs: 2_000 },
    controllerStartMs: 1_700,
    brokerStartMs: 2_500,
    controlledShutdownMs: 500,
    replicationDelay: { minMs: 1, maxMs: 4 },
    metadataDelay: { minMs: 2, maxMs: 60 },
    controllerDelay: { minMs: 1, maxMs: 5 },
    brokerRequestDelay: { minMs: 1, maxMs: 4 },
    extra: {
      'group.min.session.timeout.ms': '500',
      'group.initial.rebalance.delay.ms': String(groupInitialRebalanceDelayMs),
      ...(offsetsRetentionMs === undefined
        ? {}
        : {
            'offsets.retention.minutes': String(offsetsRetentionMs / 60_000),
            'offsets.retention.check.interval.ms': String(RETENTION_CHECK_MS),
          }),
      ...broken,
    },
  };
}
