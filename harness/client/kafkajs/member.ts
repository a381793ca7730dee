/**
 * A group member on kafkajs: a `start` command enters, an unmodified consumer with the scenario's application in it
 * runs, and events leave through the host.
 */
import type { Consumer } from 'kafkajs';
import type { Assignment } from '../../history/schema.ts';
import { describeError } from '../application/describe-error.ts';
import { createHandler } from '../application/handler.ts';
import { createMutation, type Mutation } from '../application/mutation.ts';
import type { Application, Host } from '../host.ts';
import type { MemberStart } from '../protocol.ts';
import { createKafka } from './cluster.ts';
import { createCommitter } from './commits.ts';
import { createRunConfig } from './consume.ts';
import { createAssigners } from './partition-assigners.ts';

const byName = (a: { topic: string }, b: { topic: string }): number => (a.topic < b.topic ? -1 : 1);

const toAssignment = (memberAssignment: Record<string, number[]>): Assignment =>
  Object.entries(memberAssignment)
    .map(([topic, partitions]) => ({ topic, partitions: partitions.toSorted((a, b) => a - b) }))
    .sort(byName);

/** Records what kafkajs says of itself: claims, to be held against the coordinator's view. */
function recordClaims(consumer: Consumer, group: string, mutation: Mutation, host: Host): void {
  const { GROUP_JOIN, REBALANCING, CRASH, STOP } = consumer.events;
  consumer.on(GROUP_JOIN, ({ payload }) => {
    const owned = toAssignment(payload.memberAssignment);
    mutation.assigned(owned);
    const assignment = mutation.claims(owned);
    host.emit({
      kind: 'client-joined',
      group,
      memberId: payload.memberId,
      leader: Boolean(payload.isLeader),
      protocol: payload.groupProtocol,
      assignment,
    });
  });
  consumer.on(REBALANCING, ({ payload }) => {
    // Null after the coordinator forgot the member, whatever kafkajs' types say.
    const memberId = (payload.memberId as string | null) ?? '';
    host.emit({ kind: 'client-rebalancing', group, memberId });
  });
  consumer.on(CRASH, ({ payload: { error, restart } }) => {
    // A crash without a restart leaves a process that does nothing, as it leaves most applications: kafkajs itself
    // just stops. The process stays, so that the properties about progress show what that costs.
    host.emit({ kind: 'client-crashed', group, error: describeError(error), restart: Boolean(restart) });
  });
  consumer.on(STOP, () => host.emit({ kind: 'client-stopped', group }));
}

const createConsumer = (start: MemberStart, host: Host): Consumer => {
  const { group } = start;
  const { follow, ...assigners } = createAssigners(group);
  const consumer = createKafka(start, host).consumer({
    ...assigners,
    groupId: group.id,
    sessionTimeout: group.sessionTimeoutMs,
    rebalanceTimeout: group.rebalanceTimeoutMs,
    heartbeatInterval: group.heartbeatIntervalMs,
    maxWaitTimeInMs: group.fetchMaxWaitMs,
    ...(group.fetchMinBytes === undefined ? {} : { minBytes: group.fetchMinBytes }),
    ...(group.isolationLevel === undefined
      ? {}
      : { readUncommitted: group.isolationLevel === 'read_uncommitted' }),
    maxBytesPerPartition: group.maxPartitionFetchBytes,
    metadataMaxAge: group.metadataMaxAgeMs,
  });
  follow(consumer);
  return consumer;
};

/**
 * Starts the member at once.
 * @throws Error where the start command asks for what kafkajs cannot do (see `refusals`)
 */
export function startMember(start: MemberStart, host: Host): Application {
  if (start.group.autoOffsetReset === 'none') throw new Error("kafkajs has no autoOffsetReset 'none'");
  const mutation = createMutation(start.group, start.mutant);
  const { group } = mutation;
  const consumer = createConsumer(start, host);
  recordClaims(consumer, group.id, mutation, host);
  const config = createRunConfig({
    mutation,
    committer: createCommitter(consumer, group.id, mutation, host),
    handle: createHandler(group, start.seed, host),
    host,
  });
  let closing = false;

  const steps: [string, () => Promise<void>][] = [
    ['connect', () => consumer.connect()],
    [
      'subscribe',
      () => consumer.subscribe({ topics: group.topics, fromBeginning: group.autoOffsetReset === 'earliest' }),
    ],
    ['run', () => consumer.run(config)],
  ];
  void (async () => {
    for (const [call, step] of steps) {
      try {
        await step();
      } catch (error) {
        host.emit({ kind: 'application-error', call, error: describeError(error) });
        // A careful application that cannot start ends, and its supervisor starts it again.
        if (!closing) host.exit(1);
        return;
      }
      if (closing) return;
    }
  })();

  return {
    async close() {
      closing = true;
      try {
        await consumer.disconnect();
      } catch (error) {
        host.emit({ kind: 'application-error', call: 'disconnect', error: describeError(error) });
      }
    },
  };
}
