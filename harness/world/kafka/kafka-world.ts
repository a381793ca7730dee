/**
 * The world of real Apache Kafka: a scenario enters, real processes and a real cluster run it against the wall clock,
 * and a history leaves whose evidence was read from the cluster itself.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Scenario } from '../../../scenarios/schema.ts';
import { refusals as clientRefusals, clientVersion } from '../../client/clients.ts';
import type { Connection } from '../../client/protocol.ts';
import { encodeRecordValue } from '../../client/record-value.ts';
import { HarnessError, WorldUnavailableError } from '../../errors.ts';
import { MARKER_PREFIX } from '../../history/schema.ts';
import { harnessVersion } from '../../version.ts';
import type { Recorder, Subject, World } from '../world.ts';
import { runActions } from './actions.ts';
import { type Cluster, Clusters } from './clusters.ts';
import { DrainTracker, type TopicPartition } from './drain.ts';
import { defaultKafkaImage } from './image-name.ts';
import { harnessArguments } from './leftovers.ts';
import { createNames } from './names.ts';
import { collectFacts, collectGroupFacts, type Fact } from './observer/facts.ts';
import { Processes } from './processes.ts';
import { epochMs, type RunContext, type RunEvent, roundMs, sleepUntil } from './run-context.ts';

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

/** Producers are started this much ahead of their first record, so that start-up does not eat into the schedule. */
const PRODUCER_LEAD_MS = 500;
/** kafkajs may spend its request timeout of 30 s on a broker that is away, and then retry. */
const PRODUCERS_END_MS = 60_000;
/** A consumer that closes finishes its batch, commits and leaves; what takes longer than this hangs. */
const MEMBERS_END_MS = 20_000;
const ADMIN_DEADLINE_MS = 30_000;
/** Markers are written again after these times, the last one repeated. */
const MARKER_INTERVALS_MS = [1_000, 1_000, 2_000, 4_000];

export class KafkaWorld implements World {
  readonly name = 'kafka';
  readonly #options: KafkaWorldOptions;
  readonly #clusters: Clusters;
  #runs = 0;

  constructor(options: KafkaWorldOptions) {
    this.#options = options;
    this.#clusters = new Clusters({ ...options, image: defaultKafkaImage() });
  }

  refusals(scenario: Scenario, subject: Subject): string[] {
    const sentences = clientRefusals(subject.client, scenario);
    if (
      this.#options.connection === null &&
      scenario.topology.brokers !== 1 &&
      scenario.topology.brokers !== 3
    )
      sentences.push(
        `topology.brokers: the Kafka world starts 1 or 3 brokers, not ${scenario.topology.brokers}; use --brokers to name a cluster of another size`,
      );
    return sentences;
  }

  async run(scenario: Scenario, subject: Subject, recorder: Recorder, signal?: AbortSignal): Promise<void> {
    const both =
      signal === undefined ? this.#options.signal : AbortSignal.any([this.#options.signal, signal]);
    const exclusive = this.#options.connection === null && breaksBrokers(scenario);
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
      throw new WorldUnavailableError(
        `The Kafka world failed: ${error instanceof Error ? error.message : error}`,
        {
          cause: error,
        },
      );
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
    const incomplete: string[] = [];
    const scope = new AbortController();
    let unsubscribe = (): void => {};
    let processes: Processes | null = null;
    try {
      await cluster.admin.createTopics(realTopics, ADMIN_DEADLINE_MS);
      // Scenario time 0 is when topics exist; the wire and the coordinator use the same machine's clock.
      const timeOriginEpochMs = epochMs();
      const context = createContext(
        scenario,
        subject,
        names,
        timeOriginEpochMs,
        recorder,
        incomplete,
        signal,
      );
      context.note({
        process: 'harness',
        kind: 'start',
        schema: 1,
        scenario,
        world: this.name,
        client: { name: subject.client, version: clientVersion(subject.client) },
        mutant: subject.mutant,
        versions: { harness: harnessVersion(), node: process.versions.node, kafka: cluster.kafkaVersion },
      });
      unsubscribe = cluster.view.subscribe(names.prefix, ({ timeEpochMs, ...event }) =>
        context.record(names.toLogical({ ...event, time: timeEpochMs - timeOriginEpochMs } as RunEvent)),
      );
      processes = new Processes(
        context,
        cluster.connection,
        harnessArguments(this.#options.sessionId),
        (name, line) => this.#options.onLog(`${scenario.name} ${name}`, line),
      );
      const drain = new DrainTracker(
        context,
        (group) => (processes as Processes).live(group),
        (group) => (processes as Processes).wantsMembers(group),
      );

      const scheduled = { ...context, signal: AbortSignal.any([signal, scope.signal]) };
      const schedule = [
        runActions(scheduled, { processes, admin: cluster.admin, clusterSet: cluster.set }),
        runProducers(scheduled, processes),
      ];
      try {
        await Promise.all(schedule);
      } finally {
        // Where one failed, nothing of the other may go on behind the clean-up.
        scope.abort();
        await Promise.allSettled(schedule);
      }
      if (!(await processes.ended('producer', PRODUCERS_END_MS)))
        for (const producer of scenario.producers) processes.kill(producer.id, 'SIGKILL');
      await processes.ended('producer', PRODUCERS_END_MS);
      if (breaksBrokers(scenario)) await cluster.set?.awaitHealthy({ signal });

      context.note({ process: 'harness', kind: 'heal' });
      const undrained = await settle(context, cluster, drain);
      context.note({ process: 'harness', kind: 'settled', undrained });
      const emit = (fact: Fact): void => context.note(names.toLogical(fact));
      await collectGroupFacts(cluster.admin, realGroups, emit, ADMIN_DEADLINE_MS);
      await processes.closeMembers(MEMBERS_END_MS);
      await cluster.view.catchUp(ADMIN_DEADLINE_MS);
      await collectFacts(
        cluster.admin,
        realTopics.map((topic) => topic.name),
        realGroups,
        emit,
        ADMIN_DEADLINE_MS,
      );
      incomplete.push(...cluster.view.gaps);
      context.note({ process: 'harness', kind: 'finish', incomplete });
    } finally {
      unsubscribe();
      await processes?.killAll();
      await this.#removeFrom(cluster, realTopics, realGroups);
    }
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
          `Could not remove ${[...topics.map((topic) => topic.name), ...groups.map((group) => group.id)].join(', ')} from the cluster: ${error instanceof Error ? error.message : error}`,
        );
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#clusters[Symbol.asyncDispose]();
  }
}

const breaksBrokers = (scenario: Scenario): boolean => scenario.actions.some((action) => 'broker' in action);

function createContext(
  scenario: Scenario,
  subject: Subject,
  names: ReturnType<typeof createNames>,
  timeOriginEpochMs: number,
  recorder: Recorder,
  incomplete: string[],
  signal: AbortSignal,
): RunContext {
  const listeners: ((event: RunEvent) => void)[] = [];
  const now = (): number => roundMs(epochMs() - timeOriginEpochMs);
  const record = (event: RunEvent): void => {
    recorder.record(event);
    for (const listener of listeners) listener(event);
  };
  return {
    scenario,
    subject,
    names,
    timeOriginEpochMs,
    signal,
    now,
    record,
    note: (event) => record({ ...event, time: now() } as RunEvent),
    onEvent: (listener) => listeners.push(listener),
    incomplete: (reason) => incomplete.push(reason),
  };
}

async function runProducers(context: RunContext, processes: Processes): Promise<void> {
  await Promise.all(
    context.scenario.producers.map(async (producer) => {
      await sleepUntil(context, Math.max(0, producer.startMs - PRODUCER_LEAD_MS));
      processes.start(producer.id);
    }),
  );
}

/**
 * Writes markers and waits until every group with live members has drained, or the bound is over.
 * @returns what is missing, one sentence each
 */
async function settle(context: RunContext, cluster: Cluster, drain: DrainTracker): Promise<string[]> {
  const { scenario, names } = context;
  const deadlineMs = context.now() + scenario.settling.boundMs;
  const consumed = new Set(scenario.groups.flatMap((group) => group.topics));
  const partitions: TopicPartition[] = [];
  for (const topic of consumed)
    for (const { partition } of await cluster.admin.logOffsets(names.real(topic), ADMIN_DEADLINE_MS))
      partitions.push({ topic, partition });

  let wake = (): void => {};
  context.onEvent(() => wake());
  let marker = 0;
  for (let round = 0; ; round++) {
    const open = drain.undrainedPartitions(partitions);
    for (const one of open) {
      const record = `${MARKER_PREFIX}${marker}`;
      context.note({
        process: 'harness',
        kind: 'produce-invoke',
        produce: marker,
        topic: one.topic,
        acks: 'all',
        records: [{ record, key: null }],
      });
      const offset = await cluster.admin.produce(
        names.real(one.topic),
        one.partition,
        encodeRecordValue(record, 0),
        ADMIN_DEADLINE_MS,
      );
      context.note({
        process: 'harness',
        kind: 'produce-ok',
        produce: marker,
        answers: [{ partition: one.partition, baseOffset: String(offset) }],
      });
      drain.markerWritten(one, Number(offset));
      marker++;
    }
    const interval = MARKER_INTERVALS_MS[Math.min(round, MARKER_INTERVALS_MS.length - 1)] as number;
    const roundEndMs = Math.min(context.now() + interval, deadlineMs);
    while (context.now() < roundEndMs) {
      if (drain.pending(partitions).length === 0) return drain.undrained(partitions);
      const timer = new AbortController();
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const aborted = AbortSignal.any([timer.signal, context.signal]);
      await Promise.race([
        woken,
        delay(Math.max(1, roundEndMs - context.now()), undefined, { signal: aborted }).catch(() => {}),
      ]);
      timer.abort();
      context.signal.throwIfAborted();
    }
    if (context.now() >= deadlineMs) return drain.undrained(partitions);
  }
}
