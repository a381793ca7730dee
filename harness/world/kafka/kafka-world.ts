/**
 * The world of real Apache Kafka: a scenario enters, real processes and a real cluster run it against the wall clock,
 * and a history leaves whose evidence was read from the cluster itself.
 */
import { join, resolve } from 'node:path';
import { type Scenario, sharedProcessOf } from '../../../scenarios/schema.ts';
import { refusals as clientRefusals, sharedRefusals } from '../../client/clients.ts';
import { epochMs } from '../../client/epoch-clock.ts';
import type { Connection, StartCommand } from '../../client/protocol.ts';
import { HarnessError, messageOf, WorldUnavailableError } from '../../errors.ts';
import { packageRoot } from '../../version.ts';
import type { Unbreakable } from '../administration.ts';
import { Processes } from '../processes.ts';
import { createRunContext, type RunEvent } from '../run-context.ts';
import { breaksBrokers, noteStart, runScenario, setsQuotas } from '../run-scenario.ts';
import type { Driver, Recorder, Subject, World } from '../world.ts';
import { spawnClient } from './client-process.ts';
import { type Cluster, Clusters } from './clusters.ts';
import { fitToKafka } from './fit.ts';
import { defaultKafkaImage } from './image-name.ts';
import { harnessArguments } from './leftovers.ts';
import { brokenLinks, RunLinks } from './links/run-links.ts';
import { Toxiproxies } from './links/toxiproxies.ts';
import { createNames } from './names.ts';
import { collectFacts, collectGroupFacts, type Fact } from './observer/facts.ts';
import { kafkaRefusals } from './refusals.ts';
import { SharedClientProcesses } from './shared-client-process.ts';
import { wallClock } from './wall-clock.ts';

export interface KafkaWorldOptions {
  /** Unique to this harness process; marks containers, processes, topics and groups as its own. */
  readonly sessionId: string;
  /** A cluster that the user named; null starts containers. */
  readonly connection: Connection | null;
  readonly onProgress: (sentence: string) => void;
  /** What the client processes wrote to standard error, for a person who looks for the cause. */
  readonly onLog: (origin: string, line: string) => void;
  readonly signal: AbortSignal;
}

/** The process around an application of the user's. */
const APPLICATION_CHILD = join(packageRoot, 'dist', 'child', 'application.mjs');

const ADMIN_DEADLINE_MS = 30_000;

const NO_PROXY_FOR_DRIVERS =
  'links are broken for clients in Node alone, whose connections can be led elsewhere';
const NO_PROXY_FOR_SHARED = 'members that share a process have no links of their own on real Kafka';

export class KafkaWorld implements World {
  readonly name = 'kafka';
  readonly #options: KafkaWorldOptions;
  readonly #clusters: Clusters;
  readonly #toxiproxies: Toxiproxies;
  #runs = 0;

  constructor(options: KafkaWorldOptions) {
    this.#options = options;
    this.#clusters = new Clusters({ ...options, image: defaultKafkaImage() });
    this.#toxiproxies = new Toxiproxies(options);
  }

  refusals(scenario: Scenario, subject: Subject): string[] {
    return refusalsOf(scenario, subject, this.#options.connection === null);
  }

  fit(scenario: Scenario): Scenario {
    return fitToKafka(scenario);
  }

  async run(scenario: Scenario, subject: Subject, recorder: Recorder, signal?: AbortSignal): Promise<void> {
    const both =
      signal === undefined ? this.#options.signal : AbortSignal.any([this.#options.signal, signal]);
    const exclusive = this.#options.connection === null && (breaksBrokers(scenario) || setsQuotas(scenario));
    const lease = await this.#clusters.lease(scenario.topology, exclusive);
    let broken = false;
    try {
      await this.#runOn(lease.cluster, scenario, subject, recorder, both);
    } catch (error) {
      // A cluster on which a broker fault was cut short is not worth mending: the next scenario gets a new one.
      const states = (await lease.cluster.set?.unexpectedStates()) ?? [];
      broken = exclusive || states.length > 0;
      both.throwIfAborted();
      if (states.length > 0) throw new WorldUnavailableError(states.join(' '), { cause: error });
      if (error instanceof HarnessError) throw error;
      throw new WorldUnavailableError(`The Kafka world failed: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      await lease.release(broken);
    }
  }

  async #runOn(
    cluster: Cluster,
    scenario: Scenario,
    subject: Subject,
    recorder: Recorder,
    signal: AbortSignal,
  ) {
    const names = createNames(`${this.#options.sessionId.slice(0, 8)}.${this.#runs++}`);
    const realTopics = scenario.topology.topics.map((topic) => ({
      name: names.real(topic.name),
      partitions: topic.partitions,
      replicationFactor: topic.replicationFactor,
    }));
    const realGroups = scenario.groups.map((group) => ({
      id: names.real(group.id),
      topics: group.topics.map(names.real),
    }));
    const gapsBefore = cluster.view.gaps.length;
    const incomplete: string[] = [];
    let unsubscribe = (): void => {};
    let processes: Processes | null = null;
    let links: RunLinks | null = null;
    try {
      await cluster.admin.createTopics(realTopics, ADMIN_DEADLINE_MS);
      const breakable = await this.#linksOf(cluster, scenario, subject, names.prefix);
      links = breakable instanceof RunLinks ? breakable : null;
      // Scenario time 0 is when topics exist; the wire and the coordinator use the same machine's clock.
      const timeOriginEpochMs = epochMs();
      const context = createRunContext({
        scenario,
        subject,
        names,
        clock: wallClock(timeOriginEpochMs),
        timeOriginEpochMs,
        recorder,
        incomplete: (reason) => incomplete.push(reason),
        signal,
      });
      noteStart(context, this.name, cluster.kafkaVersion);
      unsubscribe = cluster.view.subscribe(names.prefix, ({ timeEpochMs, ...event }) =>
        context.record(names.toLogical({ ...event, time: timeEpochMs - timeOriginEpochMs } as RunEvent)),
      );
      const sessionArguments = harnessArguments(this.#options.sessionId);
      const shared = new SharedClientProcesses();
      processes = new Processes(
        context,
        cluster.connection,
        (start, id, callbacks) => {
          const options = { ...subject, ...driverOf(start, subject), sessionArguments, ...callbacks };
          if (start.role === 'member' && start.sharedProcess !== undefined)
            return shared.spawn(start.sharedProcess, start, options);
          const client = spawnClient(links?.startOf(id, start) ?? start, options);
          links?.attach(id, client);
          return client;
        },
        (name, line) => this.#options.onLog(`${scenario.name} ${name}`, line),
      );
      const emit = (fact: Fact): void => context.note(names.toLogical(fact));
      await runScenario(context, {
        processes,
        admin: cluster.admin,
        brokers: cluster.set,
        links: breakable,
        cluster: null,
        awaitHealthy: async () => await cluster.set?.awaitHealthy({ signal }),
        collectGroupFacts: async () =>
          await collectGroupFacts(cluster.admin, realGroups, emit, ADMIN_DEADLINE_MS),
        collectFacts: async () => {
          await cluster.view.catchUp(ADMIN_DEADLINE_MS);
          await collectFacts(
            cluster.admin,
            realTopics.map((topic) => topic.name),
            realGroups,
            emit,
            ADMIN_DEADLINE_MS,
            timeOriginEpochMs,
          );
        },
      });
      // Gaps of earlier runs on this cluster are not this one's.
      incomplete.push(...cluster.view.gaps.slice(gapsBefore));
      context.note({ process: 'harness', kind: 'finish', incomplete });
    } finally {
      unsubscribe();
      await processes?.killAll();
      await links?.[Symbol.asyncDispose]();
      // Who has asked for the end does not wait for members to expire on containers that go anyway.
      if (!signal.aborted || cluster.set === null) await this.#removeFrom(cluster, realTopics, realGroups);
    }
  }

  async #linksOf(
    cluster: Cluster,
    scenario: Scenario,
    { driver }: Subject,
    prefix: string,
  ): Promise<RunLinks | Unbreakable> {
    const unbreakable = driver !== undefined ? NO_PROXY_FOR_DRIVERS : whyShared(scenario);
    const links =
      unbreakable === null ? await this.#toxiproxies.linksOf(scenario, cluster, prefix) : { unbreakable };
    // Actions are skipped, and said to be; a whole run on another network than it asks for would be told by nobody.
    if ('unbreakable' in links && scenario.topology.network !== undefined)
      throw new WorldUnavailableError(`The network of ${scenario.name} cannot be had: ${links.unbreakable}`);
    return links;
  }

  /** Removes the run's topics and groups; on our own containers a failure does not matter, they go anyway. */
  async #removeFrom(cluster: Cluster, topics: { name: string }[], groups: { id: string }[]): Promise<void> {
    try {
      await cluster.admin.deleteGroups(
        groups.map((group) => group.id),
        ADMIN_DEADLINE_MS,
      );
      await cluster.admin.deleteTopics(
        topics.map((topic) => topic.name),
        ADMIN_DEADLINE_MS,
      );
    } catch (error) {
      if (cluster.set === null)
        this.#options.onProgress(
          `Could not remove ${[...topics.map((topic) => topic.name), ...groups.map((group) => group.id)].join(', ')} from the cluster: ${messageOf(error)}`,
        );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#clusters[Symbol.asyncDispose](), this.#toxiproxies[Symbol.asyncDispose]()]);
  }
}

/** Members run an application of the user's where there is one. */
function driverOf({ role }: StartCommand, { application }: Subject): { driver?: Driver } {
  if (role !== 'member' || application === undefined) return {};
  const { bundle, file, clientVersion: version } = application;
  const words = [APPLICATION_CHILD, bundle, resolve(file)];
  return { driver: { version, command: process.execPath, arguments: words, environment: {} } };
}

/** Why no link of the scenario can be broken, since one of those processes is shared; or null. */
const whyShared = (scenario: Scenario): string | null =>
  brokenLinks(scenario).some(({ process }) => sharedProcessOf(scenario, process) !== undefined)
    ? NO_PROXY_FOR_SHARED
    : null;

/**
 * What this world and the client cannot do of a scenario, one sentence each.
 * @param ownCluster whether the world starts the cluster itself
 */
export function refusalsOf(scenario: Scenario, subject: Subject, ownCluster: boolean): string[] {
  const isOfUser = subject.application !== undefined;
  const { client, driver } = subject;
  const sentences =
    driver === undefined
      ? clientRefusals(client, scenario, isOfUser)
      : sharedRefusals(scenario, `the driver of ${client} runs one member in each process`);
  if (driver !== undefined && brokenLinks(scenario).length > 0)
    sentences.push(`actions: ${NO_PROXY_FOR_DRIVERS}.`);
  if (scenario.topology.network !== undefined)
    sentences.push(...sharedRefusals(scenario, `topology.network: ${NO_PROXY_FOR_SHARED}`));
  return [...sentences, ...kafkaRefusals(scenario, ownCluster)];
}
