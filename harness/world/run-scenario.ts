/**
 * The course of a run, the same in every world: a scenario's context and the means of its world enter, its actions and
 * producers run, the groups settle, and everything from `start` to `finish` is in the history.
 */
import { isBrokerFault, processMates, type Scenario } from '../../scenarios/schema.ts';
import { describeClient } from '../subject/builds.ts';
import { harnessVersion } from '../version.ts';
import { runActions } from './actions.ts';
import type {
  Administration,
  BrokerFaults,
  ClusterFaults,
  LinkFaults,
  Unbreakable,
} from './administration.ts';
import { DrainTracker } from './drain.ts';
import type { Processes } from './processes.ts';
import { abortedBy, type RunContext, sleepUntil } from './run-context.ts';
import { settle } from './settle.ts';
import type { Subject, World } from './world.ts';

/** What a world puts under a run. */
export interface Means {
  readonly processes: Processes;
  readonly admin: Administration;
  /** Null where the brokers are not ours to break. */
  readonly brokers: BrokerFaults | null;
  readonly links: LinkFaults | Unbreakable;
  /** Null where the cluster does what it is told by a client alone. */
  readonly cluster: ClusterFaults | null;
  /** Resolves when all brokers serve again and all replicas are in sync. */
  awaitHealthy(): Promise<void>;
  /** Records the groups as their coordinators describe them, while the members still live. */
  collectGroupFacts(): Promise<void>;
  /** Waits for evidence that is under way and records what the logs and the coordinators hold. */
  collectFacts(): Promise<void>;
}

/** Producers are started this much ahead of their first record, so that start-up does not eat into the schedule. */
const PRODUCER_LEAD_MS = 500;
/** kafkajs may spend its request timeout of 30 s on a broker that is away, and then retry. */
const PRODUCERS_END_MS = 60_000;
/** A consumer that closes finishes its batch, commits and leaves; what takes longer than this hangs. */
const MEMBERS_END_MS = 20_000;

export const breaksBrokers = ({ actions, settling }: Scenario): boolean =>
  actions.some(isBrokerFault) || (settling.dead?.brokers.length ?? 0) > 0;

/** Whether the scenario sets quotas, which are of the whole cluster: its client ids are those of any other scenario too. */
export const setsQuotas = ({ actions }: Scenario): boolean =>
  actions.some(({ kind }) => kind === 'throttle-client');

/** What histories and results say of the client on trial: the user's application has one of its own. */
export function describeSubject({ client, application, driver }: Subject): { name: string; version: string } {
  if (application !== undefined) return { name: 'kafkajs', version: application.clientVersion };
  return driver === undefined ? describeClient(client) : { name: client, version: driver.version };
}

/** The first event of a history. */
export function noteStart(context: RunContext, world: World['name'], kafkaVersion: string): void {
  const { scenario, subject } = context;
  context.note({
    process: 'harness',
    kind: 'start',
    schema: 1,
    scenario,
    world,
    client: describeSubject(subject),
    mutant: subject.mutant,
    ...(subject.application === undefined ? {} : { application: true }),
    versions: { harness: harnessVersion(), node: process.versions.node, kafka: kafkaVersion },
  });
}

/** Everything between `start` and `finish`; what it has started still runs where it rejects. */
export async function runScenario(context: RunContext, means: Means): Promise<void> {
  const { scenario } = context;
  const { processes } = means;
  const drain = new DrainTracker(
    context,
    (group) => processes.live(group),
    (group) => processes.wantsMembers(group),
    (group, { topic, partition }) => processes.wantsToRead(group, topic, partition),
  );
  await runSchedule(context, means);
  if (!(await processes.ended('producer', PRODUCERS_END_MS)))
    for (const producer of scenario.producers) processes.kill(producer.id, 'SIGKILL');
  await processes.ended('producer', PRODUCERS_END_MS);
  means.cluster?.heal();
  if (breaksBrokers(scenario)) await means.awaitHealthy();

  await leaveDead(context, means);
  context.note({ process: 'harness', kind: 'heal' });
  const undrained = await settle(context, means.admin, drain);
  context.note({ process: 'harness', kind: 'settled', undrained });
  await means.collectGroupFacts();
  await processes.closeMembers(MEMBERS_END_MS);
  await means.collectFacts();
  // Whoever gets the cluster next wants all of it.
  for (const broker of scenario.settling.dead?.brokers ?? []) await means.brokers?.startBroker(broker);
}

/** Kills what the scenario does not want to be healed. */
async function leaveDead(context: RunContext, { processes, brokers }: Means): Promise<void> {
  const { dead } = context.scenario.settling;
  if (dead === undefined) return;
  // A cluster that is not ours keeps its brokers.
  const deadBrokers = brokers === null ? [] : dead.brokers;
  const hit = new Set(dead.members.flatMap((member) => processMates(context.scenario, member)));
  const deadMembers = [...hit].filter((member) => processes.current(member) !== null);
  // Noted before it happens: nobody can have felt it earlier.
  context.note({ process: 'harness', kind: 'core', deadMembers, deadBrokers });
  for (const member of hit) processes.kill(member, 'SIGKILL');
  for (const broker of deadBrokers) await brokers?.crashBroker(broker);
}

/** The actions and the producers, until all have been carried out and started. */
async function runSchedule(context: RunContext, means: Means): Promise<void> {
  const { processes } = means;
  const scope = new AbortController();
  const scheduled = abortedBy(context, AbortSignal.any([context.signal, scope.signal]));
  const schedule = [runActions(scheduled, means), runProducers(scheduled, processes)];
  try {
    await Promise.all(schedule);
  } finally {
    // Where one failed, nothing of the other may go on behind the clean-up.
    scope.abort();
    await Promise.allSettled(schedule);
  }
}

async function runProducers(context: RunContext, processes: Processes): Promise<void> {
  await Promise.all(
    context.scenario.producers.map(async (producer) => {
      await sleepUntil(context, Math.max(0, producer.startMs - PRODUCER_LEAD_MS));
      processes.start(producer.id);
    }),
  );
}
