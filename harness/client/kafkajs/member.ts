/**
 * A group member on kafkajs: a `start` command enters, an unmodified consumer with the scenario's application in it
 * runs, and events leave through the host.
 */
import type { Consumer, Kafka } from 'kafkajs';
import { CallRefused, makeCall, whyNotCommitted } from '../application/calls.ts';
import { describeError } from '../application/describe-error.ts';
import { createHandler } from '../application/handler.ts';
import { createMutation } from '../application/mutation.ts';
import { createPipeline } from '../application/pipeline.ts';
import { Processed } from '../application/processed.ts';
import { patternOf } from '../application/subscription.ts';
import type { Application, Host } from '../host.ts';
import type { ConsumerCall, MemberStart } from '../protocol.ts';
import { recordClaims } from './claims.ts';
import { createKafka } from './cluster.ts';
import { type Committer, createCommitter } from './commits.ts';
import { createRunConfig } from './consume.ts';
import { nativeOptions } from './native-options.ts';
import { createAssigners } from './partition-assigners.ts';
import { createPipelineProducer } from './transactions.ts';

const createConsumer = (kafka: Kafka, start: MemberStart): Consumer => {
  const { group } = start;
  const { follow, ...assigners } = createAssigners(group);
  const consumer = kafka.consumer({
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
    ...(start.member?.rack == null ? {} : { rackId: start.member.rack }),
    metadataMaxAge: group.metadataMaxAgeMs,
    ...nativeOptions(start, 'consumer'),
  });
  follow(consumer);
  return consumer;
};

type Step = [call: string, make: () => Promise<void>];

/** A call of the consumer's API, in kafkajs' terms. @throws whatever kafkajs throws */
async function callConsumer(
  consumer: Consumer,
  call: ConsumerCall,
  isDeaf: boolean,
  run: () => Promise<void>,
  commit: () => Promise<void>,
): Promise<void> {
  switch (call.name) {
    case 'seek': {
      const { topic, partition, offset } = call;
      return consumer.seek({ topic, partition, offset: String(offset) });
    }
    case 'pause':
    case 'resume': {
      if (isDeaf) return;
      const { topic, partitions } = call;
      return consumer[call.name]([partitions === null ? { topic } : { topic, partitions }]);
    }
    case 'stop':
      return await consumer.stop();
    case 'run':
      return await run();
    case 'commit':
      return await commit();
    case 'position':
    case 'committed':
      throw new CallRefused(`a consumer of kafkajs has no call '${call.name}'`);
  }
}

/** @throws CallRefused where there is nothing to commit, and what kafkajs throws */
async function commitProcessed(
  processed: Processed,
  committer: Committer,
  group: MemberStart['group'],
): Promise<void> {
  const why = whyNotCommitted(processed, group);
  if (why !== null) throw why;
  await Promise.all(
    processed.next.map(
      async ({ topic, partition, offset }) => await committer.commit(topic, partition, offset),
    ),
  );
}

/**
 * Starts the member at once.
 * @throws Error where the start command asks for what kafkajs cannot do (see `refusals`)
 */
export function startMember(start: MemberStart, host: Host): Application {
  if (start.group.autoOffsetReset === 'none') throw new Error("kafkajs has no autoOffsetReset 'none'");
  const mutation = createMutation(start.group, start.mutant);
  const { group } = mutation;
  const kafka = createKafka(start, host);
  const consumer = createConsumer(kafka, start);
  const producer = group.commitMode.kind === 'transaction' ? createPipelineProducer(kafka, start) : null;
  const processed = new Processed();
  let closing = false;
  const endAfterCrash = async (): Promise<void> => {
    closing = true;
    await disconnect();
    // The supervisor starts it again.
    host.exit(1);
  };
  recordClaims(consumer, group.id, host, {
    onAssigned(owned) {
      mutation.assigned(owned);
      processed.assigned(owned);
      return mutation.claims(owned);
    },
    onCrash() {
      if (group.onClientCrash === 'disconnect') void endAfterCrash();
    },
  });
  const committer = createCommitter(consumer, group.id, mutation, host);
  const handle = createHandler(group, start.seed, host);
  const runConfig = createRunConfig({
    mutation,
    committer,
    pipeline: producer === null ? null : createPipeline(group, mutation, host, producer),
    fail(error) {
      host.emit({ kind: 'application-error', call: 'transaction', error: describeError(error) });
      // Nobody knows how the transaction ended: the next incarnation ends it, and asks for the committed offsets anew.
      host.exit(1);
    },
    async handle(record) {
      await handle(record);
      processed.done(record.topic, record.partition, record.offset);
    },
    host,
  });
  const config = { ...runConfig, ...nativeOptions(start, 'run') };

  const names = start.member?.topics ?? group.topics;
  const topics = group.subscription === 'pattern' ? [patternOf(names)] : names;
  const fromBeginning = group.autoOffsetReset === 'earliest';
  const steps: Step[] = [
    ...(producer === null ? [] : [['connect', () => producer.connect()] satisfies Step]),
    ['connect', () => consumer.connect()],
    ['subscribe', () => consumer.subscribe({ topics, fromBeginning })],
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

  const disconnect = async (): Promise<void> => {
    try {
      await consumer.disconnect();
      await producer?.disconnect();
    } catch (error) {
      host.emit({ kind: 'application-error', call: 'disconnect', error: describeError(error) });
    }
  };

  let stopped = Promise.resolve();
  return {
    async close() {
      closing = true;
      await disconnect();
    },
    async call(command) {
      // While it stops, kafkajs takes a call to run for one too many; an application runs it again when it has stopped.
      if (command.call.name === 'run') {
        await stopped;
        if (closing) return;
      }
      const made = makeCall(command, group.id, host, async () => {
        await callConsumer(
          consumer,
          command.call,
          mutation.isDeaf,
          async () => await consumer.run(config),
          async () => await commitProcessed(processed, committer, group),
        );
        return undefined;
      });
      if (command.call.name === 'stop') stopped = made;
      await made;
    },
  };
}
