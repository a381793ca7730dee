/**
 * A group member on the reference client: a `start` command enters, a poll loop as Kafka's documentation shows it runs
 * with the scenario's application in it, and events leave through the host.
 */
import type { Assignment } from '../../../history/schema.ts';
import { makeCall } from '../../application/calls.ts';
import { describeError } from '../../application/describe-error.ts';
import { createHandler } from '../../application/handler.ts';
import { createMutation, type Mutation } from '../../application/mutation.ts';
import { createPipeline } from '../../application/pipeline.ts';
import { Processed } from '../../application/processed.ts';
import { patternOf } from '../../application/subscription.ts';
import type { Application, Host } from '../../host.ts';
import type { CallCommand, MemberStart } from '../../protocol.ts';
import type { ConsumerOptions } from '../config.ts';
import { Consumer } from '../consumer/consumer.ts';
import type { RebalanceListener } from '../consumer/group.ts';
import { KafkaError, nameOf, type TopicPartition, WakeupError } from '../errors.ts';
import { ConsumerCalls } from './calls.ts';
import { CommitNotDone, type Committer, createCommitter } from './commits.ts';
import { createPipelineProducer } from './pipeline.ts';
import { createWork } from './poll-loop.ts';
import { commonOptions, createTransport } from './transport.ts';

const POLL_TIMEOUT_MS = 1_000;
/** For scenarios that leave the interval of automatic commits open; Java's own is longer than most scenarios. */
const AUTO_COMMIT_INTERVAL_MS = 1_000;
/** What a commit may take beside the handler, and how much of max.poll.interval.ms the work on one poll may take. */
const COMMIT_MS = 20;
const POLL_SHARE = 1 / 2;
/** The same for one question. */
const QUESTION_SHARE = 1 / 4;
const MAX_POLL_RECORDS = 500;

const pollIntervalMs = ({ maxPollIntervalMs, rebalanceTimeoutMs }: MemberStart['group']): number =>
  maxPollIntervalMs ?? rebalanceTimeoutMs;

/**
 * What a record of a pipeline takes is mostly its transaction, and that is the network's matter: a careful application looks at
 * the clock there, unless the scenario says how many records it takes.
 */
const beginsWithinMs = (group: MemberStart['group']): number =>
  group.commitMode.kind === 'transaction' && group.maxPollRecords === undefined
    ? pollIntervalMs(group) * POLL_SHARE
    : Number.POSITIVE_INFINITY;

/** The member's name in the scenario, the same for all of its incarnations. */
const memberOf = (process: string): string => process.slice(0, process.lastIndexOf('.'));

/**
 * A careful application takes no more records than it can work on before it has to poll again, unless the scenario says
 * how many. In the Java client max.poll.interval.ms is the rebalance timeout too. It has no threshold of records for
 * automatic commits, so the scenario's is left out.
 */
const consumerOptions = (start: MemberStart, group: MemberStart['group']): ConsumerOptions => {
  const { commitMode, handler, assignors, isolationLevel } = group;
  const intervalMs = pollIntervalMs(group);
  const records = Math.floor((intervalMs * POLL_SHARE) / (handler.timeMs.max + COMMIT_MS));
  return {
    ...commonOptions(start),
    ...(group.staticMembership === true ? { 'group.instance.id': memberOf(start.process) } : {}),
    ...(start.member?.rack == null ? {} : { 'client.rack': start.member.rack }),
    ...(assignors === undefined ? {} : { 'partition.assignment.strategy': assignors }),
    ...(isolationLevel === undefined ? {} : { 'isolation.level': isolationLevel }),
    ...(group.fetchMinBytes === undefined ? {} : { 'fetch.min.bytes': group.fetchMinBytes }),
    'group.id': group.id,
    'session.timeout.ms': group.sessionTimeoutMs,
    'heartbeat.interval.ms': group.heartbeatIntervalMs,
    'max.poll.interval.ms': intervalMs,
    'max.poll.records': group.maxPollRecords ?? Math.max(1, Math.min(MAX_POLL_RECORDS, records)),
    'auto.offset.reset': group.autoOffsetReset,
    'fetch.max.wait.ms': group.fetchMaxWaitMs,
    'max.partition.fetch.bytes': group.maxPartitionFetchBytes,
    'metadata.max.age.ms': group.metadataMaxAgeMs,
    'enable.auto.commit': commitMode.kind === 'auto',
    ...(commitMode.kind === 'auto'
      ? { 'auto.commit.interval.ms': commitMode.intervalMs ?? AUTO_COMMIT_INTERVAL_MS }
      : {}),
    ...group.native?.reference?.consumer,
  };
};

const toAssignment = (partitions: readonly TopicPartition[]): Assignment => {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
  return [...topics].map(([topic, list]) => ({ topic, partitions: list }));
};

/**
 * Commits where the group begins in partitions in which it has committed nothing. Without it `latest` would be asked for
 * again by the next owner, and what was written between would be lost.
 */
const commitStart = async (
  consumer: Consumer,
  committer: Committer,
  partitions: readonly TopicPartition[],
): Promise<void> => {
  try {
    const committed = await consumer.committed(partitions);
    const starts: { topic: string; partition: number; offset: number }[] = [];
    for (const one of partitions.filter((partition) => !committed.has(nameOf(partition))))
      starts.push({ ...one, offset: await consumer.position(one) });
    // In one call: what is resolved and waits for others to be committed could be lost.
    if (starts.length > 0) await committer.commitAll(starts);
  } catch (error) {
    // The group has moved on, or no broker answers: the next assignment tries again.
    if (!(error instanceof KafkaError || error instanceof CommitNotDone)) throw error;
    console.error(`the start was not committed: ${describeError(error)}`);
  }
};

const commitsStartOf = ({ autoOffsetReset, commitMode }: MemberStart['group']): boolean =>
  autoOffsetReset === 'latest' && commitMode.kind !== 'none';

/** Whether the application is to end, and whether it may be interrupted for that. */
interface Ending {
  isDue: boolean;
  isHeldUp: boolean;
}

interface ListenerParts {
  readonly consumer: Consumer;
  readonly committer: Committer;
  readonly mutation: Mutation;
  readonly processed: Processed;
  readonly host: Host;
  readonly ending: Ending;
}

/** Records what the client says of itself: claims, to be held against the coordinator's view. */
const createListener = ({
  consumer,
  committer,
  mutation,
  processed,
  host,
  ending,
}: ListenerParts): RebalanceListener => {
  const { id: group } = mutation.group;
  const commitsStart = commitsStartOf(mutation.group);
  const rebalancing = (): void => {
    const { memberId } = consumer.groupMetadata();
    host.emit({ kind: 'client-rebalancing', group, memberId });
  };
  return {
    async onPartitionsAssigned(added) {
      const owned = toAssignment(consumer.assignment());
      mutation.assigned(owned);
      processed.assigned(owned);
      const assignment = mutation.claims(owned);
      const { isLeader: leader, protocol } = consumer.groupRole;
      const { memberId } = consumer.groupMetadata();
      host.emit({ kind: 'client-joined', group, memberId, leader, protocol: protocol ?? '', assignment });
      if (!commitsStart || added.length === 0) return;
      // A start that was found and not committed would be lost with the member.
      ending.isHeldUp = true;
      await commitStart(consumer, committer, added);
      ending.isHeldUp = false;
      if (ending.isDue) consumer.wakeup();
    },
    onPartitionsRevoked: rebalancing,
    onPartitionsLost: rebalancing,
  };
};

/** Starts the member at once. */
export function startMember(start: MemberStart, host: Host): Application {
  const mutation = createMutation(start.group, start.mutant);
  const { group } = mutation;
  const transport = createTransport(start, host);
  const consumer = new Consumer(consumerOptions(start, group), transport);
  const producer =
    group.commitMode.kind === 'transaction' ? createPipelineProducer(start, transport, consumer) : null;
  const ending: Ending = { isDue: false, isHeldUp: false };
  let isPolling = false;
  const committer = createCommitter(consumer, group.id, mutation, host);
  const processed = new Processed();
  const handle = createHandler(group, start.seed, host);
  const work = createWork({
    consumer,
    mutation,
    committer,
    pipeline: producer === null ? null : createPipeline(group, mutation, host, producer),
    async handle(record) {
      await handle(record);
      processed.done(record.topic, record.partition, record.offset);
    },
    host,
    isClosing: () => ending.isDue,
    beginsWithinMs: beginsWithinMs(group),
  });
  const names = start.member?.topics ?? group.topics;
  const listener = createListener({ consumer, committer, mutation, processed, host, ending });
  const assigned = start.member?.assigned;
  const subscribe = async (): Promise<void> => {
    if (assigned === undefined)
      return consumer.subscribe(group.subscription === 'pattern' ? patternOf(names) : names, listener);
    const partitions = assigned.flatMap(({ topic, partitions: all }) =>
      all.map((partition) => ({ topic, partition })),
    );
    host.emit({ kind: 'client-assigned', group: group.id, assignment: assigned });
    consumer.assign(partitions);
    mutation.assigned(assigned);
    processed.assigned(assigned);
    if (commitsStartOf(group)) await commitStart(consumer, committer, partitions);
  };
  const calls = new ConsumerCalls({
    consumer,
    committer,
    processed,
    group,
    subscribe,
    mutation,
    questionTimeoutMs: pollIntervalMs(group) * QUESTION_SHARE,
  });
  /** The consumer takes no call beside another, so each waits until a poll, and the work on it, is over. */
  const due: CallCommand[] = [];
  let wake = (): void => {};

  const makeCalls = async (): Promise<void> => {
    for (let command = due.shift(); command !== undefined; command = due.shift()) {
      const { call } = command;
      await makeCall(command, group.id, host, async () => await calls.make(call));
    }
  };

  const poll = async () => {
    isPolling = true;
    try {
      return await consumer.poll(POLL_TIMEOUT_MS);
    } finally {
      isPolling = false;
    }
  };

  const callOrEnd = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  };

  const pollLoop = async (): Promise<void> => {
    // Before anything is read: it ends what the member's former self has left open, and fences that.
    await producer?.connect();
    await subscribe();
    while (!ending.isDue) {
      await (due.length > 0 ? makeCalls() : undefined);
      if (ending.isDue) return;
      if (calls.isStopped) await callOrEnd();
      else await work(await poll());
    }
  };

  const close = async (): Promise<void> => {
    try {
      await consumer.close(group.closeTimeoutMs);
      await producer?.close();
      host.emit({ kind: 'client-stopped', group: group.id });
    } catch (error) {
      host.emit({ kind: 'application-error', call: 'close', error: describeError(error) });
    }
  };

  const run = async (): Promise<void> => {
    try {
      await pollLoop();
    } catch (error) {
      if (!(error instanceof WakeupError)) {
        host.emit({ kind: 'application-error', call: 'poll', error: describeError(error) });
        await close();
        // An application that cannot go on ends, and its supervisor starts it again.
        if (!ending.isDue) host.exit(1);
        return;
      }
    }
    await close();
  };

  const running = run();
  return {
    async close() {
      ending.isDue = true;
      // Nothing else is to be interrupted: a commit that is under way is waited for.
      if (isPolling && !ending.isHeldUp) consumer.wakeup();
      wake();
      await running;
    },
    async call(command) {
      due.push(command);
      wake();
      await Promise.resolve();
    },
  };
}
