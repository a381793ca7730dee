/** Carries out a scenario's actions at their times: each ends as one or two `action` events, applied or skipped. */
import { type Action, clientIdsOf, processMates, type Scenario } from '../../scenarios/schema.ts';
import type { CallCommand, ConsumerCall } from '../client/protocol.ts';
import { messageOf } from '../errors.ts';
import {
  ACTION_DEADLINE_MS,
  type Administration,
  type BrokerFaults,
  type ClusterFaults,
  type FaultEnd,
  type LinkFaults,
  type Unbreakable,
} from './administration.ts';
import type { Processes } from './processes.ts';
import { Recreations } from './recreations.ts';
import { type RunContext, sleepUntil } from './run-context.ts';
import { Throttles } from './throttles.ts';

export interface Tools {
  readonly processes: Processes;
  readonly admin: Administration;
  /** Null where the cluster is not ours. */
  readonly brokers: BrokerFaults | null;
  readonly links: LinkFaults | Unbreakable;
  /** Null where the cluster is not a simulated one. */
  readonly cluster: ClusterFaults | null;
}

/** What became of an action: what it came down to, or why it was skipped. */
type Effect = { skipped: string } | { detail?: Record<string, string | number> };

const orSkipped = (reason: string | null): Effect => (reason === null ? {} : { skipped: reason });

/**
 * Runs all actions and resolves when the last of them has ended.
 * @throws whatever the brokers' faults throw where a broker does not come back: the world has failed then
 */
export async function runActions(context: RunContext, tools: Tools): Promise<void> {
  const running: Promise<void>[] = [];
  const recreations = new Recreations(context, tools.admin);
  const throttles = new Throttles(context, tools.admin);
  try {
    for (const [index, action] of context.scenario.actions.entries()) {
      await sleepUntil(context, action.atMs);
      running.push(perform(context, tools, { recreations, throttles }, action, index));
    }
  } finally {
    await Promise.all(running);
  }
}

async function perform(
  context: RunContext,
  tools: Tools,
  { recreations, throttles }: { recreations: Recreations; throttles: Throttles },
  action: Action,
  index: number,
): Promise<void> {
  const note = (phase: 'begin' | 'end', effect: Effect): void => {
    const skipped = 'skipped' in effect ? effect.skipped : null;
    context.note({
      process: 'harness',
      kind: 'action',
      action: index,
      actionKind: action.kind,
      phase,
      outcome: skipped === null ? 'applied' : 'skipped',
      reason: skipped,
      ...('detail' in effect && effect.detail !== undefined ? { detail: effect.detail } : {}),
    });
  };
  const { processes } = tools;
  switch (action.kind) {
    case 'join':
      return note('begin', orSkipped(processes.start(action.member)));
    case 'twin':
      return note('begin', orSkipped(processes.twin(action.member)));
    case 'leave':
      return note('begin', orSkipped(processes.close(action.member)));
    case 'terminate':
      return note('begin', orSkipped(processes.kill(action.member, 'SIGTERM')));
    case 'crash':
      return note('begin', orSkipped(processes.kill(action.member, 'SIGKILL')));
    case 'crash-producer':
      return note('begin', orSkipped(processes.kill(action.producer, 'SIGKILL')));
    case 'stall': {
      const reason = processes.stall(action.member);
      note('begin', orSkipped(reason));
      if (reason !== null) return;
      await sleepUntil(context, action.atMs + action.durationMs);
      return note('end', orSkipped(processes.resume(action.member)));
    }
    case 'seek':
    case 'commit':
    case 'position':
    case 'committed':
      return note('begin', orSkipped(processes.call(action.member, callOf(context, action, index, 'begin'))));
    case 'pause-partitions':
    case 'stop-consumer': {
      const target = processes.current(action.member);
      const reason = processes.call(action.member, callOf(context, action, index, 'begin'));
      note('begin', orSkipped(reason));
      if (reason !== null || target === null) return;
      await sleepUntil(context, action.atMs + action.durationMs);
      const undo = callOf(context, action, index, 'end');
      return note('end', orSkipped(processes.call(action.member, undo, target)));
    }
    case 'crash-broker':
    case 'restart-broker':
    case 'pause-broker': {
      if (tools.brokers === null)
        return note('begin', {
          skipped: 'the brokers of a cluster named with --brokers are not ours to stop',
        });
      const { brokers } = tools;
      // Noted before it happens: no client can have felt the fault earlier.
      note('begin', {});
      if (action.kind === 'crash-broker') await brokers.crashBroker(action.broker);
      else if (action.kind === 'restart-broker') await brokers.stopBroker(action.broker);
      else await brokers.pauseBroker(action.broker);
      await sleepUntil(context, action.atMs + action.durationMs);
      if (action.kind === 'pause-broker') await brokers.unpauseBroker(action.broker);
      else await brokers.startBroker(action.broker, index);
      return note('end', {});
    }
    case 'cut-link':
    case 'slow-link':
    case 'reset-link': {
      const { links } = tools;
      if ('unbreakable' in links) return note('begin', { skipped: links.unbreakable });
      note('begin', {});
      // Awaited only where there is something to wait for: a simulated run shares its job queue with what is on trial.
      const begun = disturb(links, context.scenario, action);
      const ends = begun.some(takesTime) ? await Promise.all(begun.map(async (one) => await one)) : begun;
      if (action.kind === 'reset-link') return;
      await sleepUntil(context, action.atMs + action.durationMs);
      const ended = ends.map((end) => (typeof end === 'function' ? end() : undefined));
      if (ended.some(takesTime)) await Promise.all(ended.map(async (one) => await one));
      return note('end', {});
    }
    case 'answer-error':
    case 'move-leader':
    case 'move-coordinator':
    case 'compact-topic': {
      if (tools.cluster === null) return note('begin', { skipped: NO_CLUSTER });
      note('begin', {});
      return note('end', orSkipped(disturbCluster(context, tools.cluster, action, index)));
    }
    case 'throttle-broker':
    case 'isolate-brokers':
    case 'isolate-controller': {
      if (tools.cluster === null) return note('begin', { skipped: NO_CLUSTER });
      note('begin', {});
      const end = hinderCluster(tools.cluster, action);
      await sleepUntil(context, action.atMs + action.durationMs);
      const ended = end();
      if (takesTime(ended)) await ended;
      return note('end', {});
    }
    case 'throttle-client': {
      note('begin', {});
      const refusal = await throttles.begin(action);
      if (refusal !== null) return note('end', orSkipped(refusal));
      let reason: string | null = null;
      try {
        await sleepUntil(context, action.atMs + action.durationMs);
      } finally {
        // Also where the run is given up: the cluster may be somebody else's.
        reason = await throttles.end(action);
      }
      return note('end', orSkipped(reason));
    }
    case 'recreate-topic':
      return await recreations.inTurn(action, async (reason) => {
        note('begin', orSkipped(reason));
        if (reason === null) note('end', await recreations.recreate(action));
      });
    case 'add-partitions':
    case 'delete-records':
    case 'delete-offsets':
    case 'alter-offsets':
      return await recreations.inTurn(action, async (reason) => {
        note('begin', orSkipped(reason));
        if (reason === null) note('end', await administer(context, tools.admin, action));
      });
  }
}

type CallAction = Extract<
  Action,
  { kind: 'seek' | 'commit' | 'position' | 'committed' | 'pause-partitions' | 'stop-consumer' }
>;

/** @param phase of an action with a duration: what begins it, or what ends it */
function callOf(
  { names }: RunContext,
  action: CallAction,
  index: number,
  phase: 'begin' | 'end',
): CallCommand {
  const command = (call: ConsumerCall): CallCommand => ({ command: 'call', action: index, call });
  switch (action.kind) {
    case 'seek': {
      const { partition, offset } = action;
      return command({ name: 'seek', topic: names.real(action.topic), partition, offset });
    }
    case 'commit':
      return command({ name: 'commit' });
    case 'position':
    case 'committed':
      return command({
        name: action.kind,
        topic: names.real(action.topic),
        partition: action.partition,
      });
    case 'pause-partitions': {
      const { partitions } = action;
      const name = phase === 'begin' ? 'pause' : 'resume';
      return command({ name, topic: names.real(action.topic), partitions });
    }
    case 'stop-consumer':
      return command({ name: phase === 'begin' ? 'stop' : 'run' });
  }
}

const NO_CLUSTER = 'only a simulated cluster can be made to do this';

function disturbCluster(
  context: RunContext,
  cluster: ClusterFaults,
  action: Extract<Action, { kind: 'answer-error' | 'move-leader' | 'move-coordinator' | 'compact-topic' }>,
  index: number,
): string | null {
  const { names, scenario } = context;
  switch (action.kind) {
    case 'answer-error': {
      const { api, error, times, process } = action;
      const clients = process === null ? null : clientIdsOf(scenario, process);
      const onAnswered = (broker: number, client: string): void =>
        context.note({
          process: 'cluster',
          kind: 'error-answered',
          action: index,
          api,
          error,
          broker,
          client,
        });
      cluster.answerError({ api, error, times, clients, onAnswered });
      return null;
    }
    case 'move-leader':
      return cluster.moveLeader(names.real(action.topic), action.partition);
    case 'move-coordinator':
      return cluster.moveCoordinator(names.real(action.group));
    case 'compact-topic':
      return cluster.compactTopic(names.real(action.topic));
  }
}

/** @returns what ends the fault */
function hinderCluster(
  cluster: ClusterFaults,
  action: Extract<Action, { kind: 'throttle-broker' | 'isolate-brokers' | 'isolate-controller' }>,
): FaultEnd {
  switch (action.kind) {
    case 'throttle-broker':
      return cluster.throttle(action.broker, action.delayMs);
    case 'isolate-brokers':
      return cluster.isolateBrokers(...action.brokers);
    case 'isolate-controller':
      return cluster.isolateController(action.broker);
  }
}

type LinkAction = Extract<Action, { link: unknown }>;

const takesTime = (value: unknown): value is Promise<unknown> => value instanceof Promise;

type Begun = Promise<FaultEnd | undefined> | FaultEnd | undefined;

/** @returns what ends the fault, where it has to be ended */
function disturb(links: LinkFaults, scenario: Scenario, action: LinkAction): Begun[] {
  const { process, broker } = action.link;
  const brokers =
    broker === null ? Array.from({ length: scenario.topology.brokers }, (_, index) => index + 1) : [broker];
  return processMates(scenario, process).flatMap((mate) =>
    brokers.flatMap((id) => disturbOne(links, mate, id, action)),
  );
}

function disturbOne(links: LinkFaults, process: string, broker: number, action: LinkAction): Begun[] {
  switch (action.kind) {
    case 'cut-link': {
      const { direction } = action;
      const directions = direction === 'both' ? (['to-broker', 'to-process'] as const) : [direction];
      return directions.map((one) => links.cut(process, broker, one));
    }
    case 'slow-link':
      return [links.slow(process, broker, action)];
    case 'reset-link': {
      const under = links.reset(process, broker, action.ending);
      return takesTime(under) ? [under.then(() => undefined)] : [];
    }
  }
}

type AdministrativeAction = Extract<
  Action,
  { kind: 'add-partitions' | 'delete-records' | 'delete-offsets' | 'alter-offsets' }
>;

/** One administrative request; what Kafka refuses is skipped with Kafka's own word for it. */
async function administer(
  context: RunContext,
  admin: Administration,
  action: AdministrativeAction,
): Promise<Effect> {
  const topic = context.names.real(action.topic);
  try {
    switch (action.kind) {
      case 'add-partitions':
        await admin.addPartitions(topic, action.partitions, ACTION_DEADLINE_MS);
        return {};
      case 'delete-records': {
        const offsets = (await admin.logOffsets(topic, ACTION_DEADLINE_MS)).find(
          ({ partition }) => partition === action.partition,
        );
        if (offsets === undefined) return { skipped: 'the partition does not exist' };
        const held = offsets.logEndOffset - offsets.logStartOffset;
        const before = offsets.logStartOffset + (held * BigInt(action.percent)) / 100n;
        if (before === offsets.logStartOffset)
          return { skipped: 'the partition log holds nothing to delete' };
        const logStartOffset = await admin.deleteRecords(topic, action.partition, before, ACTION_DEADLINE_MS);
        return { detail: { logStartOffset: String(logStartOffset) } };
      }
      case 'delete-offsets': {
        const group = context.names.real(action.group);
        const partitions = (await admin.logOffsets(topic, ACTION_DEADLINE_MS)).map(
          ({ partition }) => partition,
        );
        const results = await admin.deleteGroupOffsets(group, topic, partitions, ACTION_DEADLINE_MS);
        const error = results.find((result) => result.error !== null)?.error;
        return error === undefined ? {} : { skipped: `Kafka answered ${error}` };
      }
      case 'alter-offsets': {
        const { partition, offset } = action;
        const group = context.names.real(action.group);
        const error = await admin.alterGroupOffset(
          group,
          topic,
          partition,
          BigInt(offset),
          ACTION_DEADLINE_MS,
        );
        return error === null ? {} : { skipped: `Kafka answered ${error}` };
      }
    }
  } catch (error) {
    context.signal.throwIfAborted();
    return { skipped: messageOf(error) };
  }
}
