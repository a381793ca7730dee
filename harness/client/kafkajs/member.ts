/**
 * A group member on kafkajs: a `start` command enters, an unmodified consumer with the scenario's application in it
 * runs, and events leave through the host.
 */
import type { Consumer } from 'kafkajs';
import { describeError } from '../application/describe-error.ts';
import { createHandler } from '../application/handler.ts';
import { createMutation } from '../application/mutation.ts';
import type { Application, Host } from '../host.ts';
import type { MemberStart } from '../protocol.ts';
import { recordClaims } from './claims.ts';
import { createKafka } from './cluster.ts';
import { createCommitter } from './commits.ts';
import { createRunConfig } from './consume.ts';
import { nativeOptions } from './native-options.ts';

const createConsumer = (start: MemberStart, host: Host): Consumer => {
  const { group } = start;
  return createKafka(start, host).consumer({
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
    ...nativeOptions(start, 'consumer'),
  });
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
  const runConfig = createRunConfig({
    mutation,
    committer: createCommitter(consumer, group.id, mutation, host),
    handle: createHandler(group, start.seed, host),
    host,
  });
  const config = { ...runConfig, ...nativeOptions(start, 'run') };
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
