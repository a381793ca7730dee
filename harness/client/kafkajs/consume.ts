/**
 * The application's handlers in kafkajs' terms: the group's consume, commit and order modes enter, the callbacks for
 * `consumer.run` leave. Each follows the way that kafkajs' documentation shows for that mode.
 */
import type { ConsumerRunConfig, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { ConsumedRecord } from '../application/handler.ts';
import type { Mutation } from '../application/mutation.ts';
import { firstPart } from '../application/partial.ts';
import { type Pipeline, TransactionAborted } from '../application/pipeline.ts';
import type { Host } from '../host.ts';
import { decodeRecordValue } from '../record-value.ts';
import type { Committer } from './commits.ts';

const nextOffset = (offset: string): string => String(BigInt(offset) + 1n);

export interface ConsumeParts {
  readonly mutation: Mutation;
  readonly committer: Committer;
  readonly handle: (record: ConsumedRecord) => Promise<void>;
  /** Null where the group is none. */
  readonly pipeline: Pipeline | null;
  /** Ends the application, which cannot go on. */
  readonly fail: (error: unknown) => void;
  readonly host: Host;
}

export function createRunConfig({
  mutation,
  committer,
  handle,
  pipeline,
  fail,
  host,
}: ConsumeParts): ConsumerRunConfig {
  const { id: group, consumeMode, commitMode, commitOrder, partitionsConsumedConcurrently } = mutation.group;
  const { resolvesPartially = false } = mutation.group;
  const commitsFirst = commitOrder === 'commit-then-process';

  const deliver = (topic: string, partition: number, messages: KafkaMessage[]): void =>
    host.emit({ kind: 'delivery', group, topic, partition, offsets: messages.map(({ offset }) => offset) });

  const commitRecord = async (topic: string, partition: number, offset: string): Promise<void> => {
    if (commitMode.kind === 'per-record') await committer.commit(topic, partition, nextOffset(offset));
    if (commitMode.kind === 'asynchronous')
      committer.commitInBackground(topic, partition, nextOffset(offset));
    if (commitMode.kind === 'auto') await committer.afterAutomatic(topic, partition, nextOffset(offset));
  };

  /** Where it rejects, kafkajs hands the records over again. */
  const transact = async (topic: string, partition: number, messages: readonly KafkaMessage[]) => {
    if (pipeline === null || messages.length === 0) return;
    try {
      await pipeline.transact(
        topic,
        partition,
        messages.map(({ offset }) => offset),
      );
    } catch (error) {
      if (!(error instanceof TransactionAborted)) fail(error);
      throw error;
    }
  };

  const handleRecord = async (topic: string, partition: number, message: KafkaMessage): Promise<void> => {
    const { offset } = message;
    if (commitsFirst) await commitRecord(topic, partition, offset);
    const work = async (): Promise<void> =>
      await handle({ topic, partition, offset, record: decodeRecordValue(message.value) });
    if (!mutation.skips(topic, partition)) await work();
    if (mutation.repeats(topic, partition)) {
      deliver(topic, partition, [message]);
      await work();
    }
    if (!commitsFirst) await commitRecord(topic, partition, offset);
  };

  const commitBatch = async (topic: string, partition: number, last: KafkaMessage | undefined) => {
    if (commitMode.kind === 'per-batch' && last !== undefined)
      await committer.commit(topic, partition, nextOffset(last.offset));
  };

  /** The whole batch or an error: kafkajs resolves the batch's last offset whenever the handler returns. */
  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    const { topic, partition, messages } = payload.batch;
    deliver(topic, partition, messages);
    if (commitsFirst) await commitBatch(topic, partition, messages.at(-1));
    for (const message of mutation.inOrder(messages)) {
      await handleRecord(topic, partition, message);
      if (commitMode.kind === 'auto') await payload.commitOffsetsIfNecessary();
      await payload.heartbeat();
    }
    if (!commitsFirst) await commitBatch(topic, partition, messages.at(-1));
    await transact(topic, partition, messages);
  };

  /** The application resolves each record, so it may stop between any two. */
  const eachBatchManually = async (payload: EachBatchPayload): Promise<void> => {
    const { topic, partition, messages } = payload.batch;
    deliver(topic, partition, messages);
    if (commitsFirst) await commitBatch(topic, partition, messages.at(-1));
    let processed: KafkaMessage | undefined;
    const done: KafkaMessage[] = [];
    for (const message of mutation.inOrder(firstPart(messages, resolvesPartially))) {
      if (!payload.isRunning() || payload.isStale()) break;
      await handleRecord(topic, partition, message);
      if (pipeline === null) payload.resolveOffset(message.offset);
      processed = message;
      done.push(message);
      if (commitMode.kind === 'auto') await payload.commitOffsetsIfNecessary();
      await payload.heartbeat();
    }
    if (!commitsFirst) await commitBatch(topic, partition, processed);
    await transact(topic, partition, done);
    if (pipeline !== null && processed !== undefined) payload.resolveOffset(processed.offset);
  };

  const commit: ConsumerRunConfig =
    commitMode.kind === 'auto'
      ? {
          autoCommit: true,
          autoCommitInterval: commitMode.intervalMs,
          autoCommitThreshold: commitMode.thresholdRecords,
        }
      : { autoCommit: false };
  const common: ConsumerRunConfig = { ...commit, partitionsConsumedConcurrently };
  switch (consumeMode) {
    case 'each-message':
      return {
        ...common,
        eachMessage: async ({ topic, partition, message }) => {
          deliver(topic, partition, [message]);
          await handleRecord(topic, partition, message);
          await transact(topic, partition, [message]);
        },
      };
    case 'each-batch':
      return { ...common, eachBatchAutoResolve: true, eachBatch };
    case 'manual':
      return { ...common, eachBatchAutoResolve: false, eachBatch: eachBatchManually };
  }
}
