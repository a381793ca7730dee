/**
 * The application's work on what one poll handed over: records enter, they are processed and committed by the group's
 * modes, and the consumer is set back to the first record of each partition that is not done, so that it comes again.
 */
import { type ConsumedRecord, HandlerFailure } from '../../application/handler.ts';
import type { Mutation } from '../../application/mutation.ts';
import { firstPart } from '../../application/partial.ts';
import { type Pipeline, TransactionAborted } from '../../application/pipeline.ts';
import type { Host } from '../../host.ts';
import { decodeRecordValue } from '../../record-value.ts';
import { nowMs } from '../clock.ts';
import type { ConsumerRecord } from '../consumer/completed-fetch.ts';
import type { Consumer } from '../consumer/consumer.ts';
import { nameOf } from '../errors.ts';
import { CommitNotDone, type Committer } from './commits.ts';

export interface WorkParts {
  readonly consumer: Pick<Consumer, 'seek' | 'assignment' | 'position'>;
  readonly mutation: Mutation;
  readonly committer: Committer;
  readonly handle: (record: ConsumedRecord) => Promise<void>;
  /** Null where the group is none. */
  readonly pipeline: Pipeline | null;
  readonly host: Host;
  /** Whether the application is to end: it stops between two records. */
  readonly isClosing: () => boolean;
  /** How long after a poll it begins another record of it; the rest comes again. */
  readonly beginsWithinMs: number;
}

interface PartitionWork {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly ConsumerRecord[];
  /** The first record that is not done, or behind the last. */
  next: number;
}

/** @returns a function that works on the records of one poll, if any, and rejects with nothing but the unexpected */
export function createWork(
  parts: WorkParts,
): (records: readonly ConsumerRecord[]) => Promise<void> | undefined {
  const { consumer, mutation, committer, handle, pipeline, host, isClosing, beginsWithinMs } = parts;
  const { id: group, consumeMode, commitMode, commitOrder, partitionsConsumedConcurrently } = mutation.group;
  const { resolvesPartially = false } = mutation.group;
  const commitsFirst = commitOrder === 'commit-then-process';

  const commitsPolls =
    commitMode.kind === 'per-poll' || (commitMode.kind === 'asynchronous' && commitMode.after === 'poll');

  let polledAtMs = 0;
  const deliver = ({ topic, partition }: PartitionWork, records: readonly ConsumerRecord[]): void =>
    host.emit({
      kind: 'delivery',
      group,
      topic,
      partition,
      offsets: records.map(({ offset }) => String(offset)),
      sincePollMs: nowMs() - polledAtMs,
    });

  const commitRecord = async ({ topic, partition, offset }: ConsumerRecord): Promise<void> => {
    if (commitMode.kind === 'per-record') await committer.commit(topic, partition, offset + 1);
    if (commitMode.kind === 'asynchronous' && !commitsPolls)
      committer.commitInBackground(topic, partition, offset + 1);
    if (commitMode.kind === 'auto') await committer.afterAutomatic(topic, partition, offset + 1);
  };

  const commitBatch = async (record: ConsumerRecord | undefined): Promise<void> => {
    if (commitMode.kind === 'per-batch' && record !== undefined)
      await committer.commit(record.topic, record.partition, record.offset + 1);
  };

  /** @param done called when the record is processed, before what is left to commit */
  const handleRecord = async (record: ConsumerRecord, done: () => void): Promise<void> => {
    const { topic, partition, offset } = record;
    if (commitsFirst) await commitRecord(record);
    const work = async (): Promise<void> =>
      await handle({ topic, partition, offset: String(offset), record: decodeRecordValue(record.value) });
    if (!mutation.skips(topic, partition)) await work();
    if (mutation.repeats(topic, partition)) {
      deliver({ topic, partition, records: [record], next: offset }, [record]);
      await work();
    }
    done();
    if (!commitsFirst) await commitRecord(record);
  };

  /** @throws TransactionAborted, after which the records come again */
  const transact =
    pipeline === null
      ? () => undefined
      : async ({ topic, partition }: PartitionWork, done: readonly ConsumerRecord[]) => {
          if (done.length === 0) return;
          await pipeline.transact(
            topic,
            partition,
            done.map(({ offset }) => String(offset)),
          );
        };

  /** What a mutant has kept back of the last poll. */
  let kept: readonly ConsumerRecord[] = [];

  const workOn = async (records: readonly ConsumerRecord[]): Promise<void> => {
    polledAtMs = nowMs();
    let isAbandoned = false;
    const mayGoOn = (): boolean => !isAbandoned && !isClosing() && nowMs() - polledAtMs < beginsWithinMs;

    const eachMessage = async (work: PartitionWork): Promise<void> => {
      for (const record of work.records) {
        if (!mayGoOn()) return;
        deliver(work, [record]);
        await handleRecord(record, () => {
          if (pipeline === null) work.next = record.offset + 1;
        });
        await transact(work, [record]);
        work.next = record.offset + 1;
      }
    };

    /** The whole batch or nothing of it counts as done. */
    const eachBatch = async (work: PartitionWork): Promise<void> => {
      if (!mayGoOn()) return;
      const last = work.records.at(-1);
      deliver(work, work.records);
      if (commitsFirst) await commitBatch(last);
      for (const record of mutation.inOrder(work.records)) await handleRecord(record, () => {});
      await transact(work, work.records);
      if (last !== undefined) work.next = last.offset + 1;
      if (!commitsFirst) await commitBatch(last);
    };

    /** The application keeps count itself, so it may stop between any two records. */
    const manual = async (work: PartitionWork): Promise<void> => {
      if (!mayGoOn()) return;
      deliver(work, work.records);
      if (commitsFirst) await commitBatch(work.records.at(-1));
      let processed: ConsumerRecord | undefined;
      const done: ConsumerRecord[] = [];
      for (const record of mutation.inOrder(firstPart(work.records, resolvesPartially))) {
        if (!mayGoOn()) break;
        await handleRecord(record, () => {
          if (pipeline === null) work.next = record.offset + 1;
        });
        processed = record;
        done.push(record);
      }
      await transact(work, done);
      if (processed !== undefined) work.next = processed.offset + 1;
      if (!commitsFirst) await commitBatch(processed);
    };

    const byMode = { 'each-message': eachMessage, 'each-batch': eachBatch, manual }[consumeMode];
    const work = [...byPartition(records).values()];
    const waiting = work.values();
    const worker = async (): Promise<void> => {
      for (const one of waiting) {
        try {
          await byMode(one);
        } catch (error) {
          // A handler that fails holds up its partition; a commit that fails may mean that none is owned any more.
          if (error instanceof CommitNotDone || error instanceof TransactionAborted) isAbandoned = true;
          else if (!(error instanceof HandlerFailure)) throw error;
        }
      }
    };
    await Promise.all(Array.from({ length: partitionsConsumedConcurrently }, worker));

    const undone = work.filter(({ records, next }) => next <= (records.at(-1)?.offset ?? -1));
    if (undone.length === 0 && !commitsPolls) return;
    const owned = new Set(consumer.assignment().map(nameOf));
    for (const one of undone) if (owned.has(nameOf(one))) consumer.seek(one, one.next);
    if (!commitsPolls || work.length === 0) return;
    // Its offsets are the positions, which stand on what is not done by now, or behind the marker of a transaction that
    // ends what is done.
    const positions = [];
    for (const { topic, partition, next } of work) {
      const here = { topic, partition };
      const known = owned.has(nameOf(here)) ? consumer.position(here, 0) : Promise.resolve(next);
      positions.push({ ...here, offset: await known.catch(() => next) });
    }
    await committer.commitPolled(positions).catch((error: unknown) => {
      // What is done need not come again here, whoever gets it next.
      if (!(error instanceof CommitNotDone)) throw error;
    });
  };

  return (polled) => {
    const records = mutation.holdsBack ? [...kept, ...polled.slice(0, -1)] : polled;
    if (mutation.holdsBack) kept = polled.slice(-1);
    return records.length === 0 ? undefined : workOn(records);
  };
}

function byPartition(records: readonly ConsumerRecord[]): Map<string, PartitionWork> {
  const found = new Map<string, PartitionWork & { records: ConsumerRecord[] }>();
  for (const record of records) {
    const { topic, partition, offset } = record;
    const name = nameOf(record);
    const one = found.get(name);
    if (one === undefined) found.set(name, { topic, partition, records: [record], next: offset });
    else one.records.push(record);
  }
  return found;
}
