/**
 * The facts at the end of a run: an admin and real topic and group names enter, events with what the partition logs
 * and the coordinators hold leave, still without a time.
 */
import { decodeRecordValue } from '../../../client/record-value.ts';
import type { EventOf } from '../../../history/schema.ts';
import type { ClusterAdmin } from './admin.ts';
import { Deadline } from './deadline.ts';

type Untimed<K extends 'fact-log' | 'fact-committed' | 'fact-group'> = K extends string
  ? Omit<EventOf<K>, 'seq' | 'time'>
  : never;
export type Fact = Untimed<'fact-log' | 'fact-committed' | 'fact-group'>;

const PROCESS = 'cluster';

/** Where facts come from: the observer's admin, or the simulated world's. */
type FactSource = Pick<ClusterAdmin, 'logOffsets' | 'readPartition' | 'committedOffsets' | 'describeGroup'>;

export interface FactGroup {
  readonly id: string;
  readonly topics: readonly string[];
}

/**
 * What each partition log holds, and what each group has committed for each partition of its topics.
 * @param timeOriginEpochMs scenario time 0, by the wall clock
 */
export async function collectFacts(
  admin: FactSource,
  topics: readonly string[],
  groups: readonly FactGroup[],
  emit: (fact: Fact) => void,
  timeoutMs: number,
  timeOriginEpochMs: number,
): Promise<void> {
  const deadline = new Deadline(timeoutMs);
  const partitionCounts = new Map<string, number>();
  for (const topic of topics) {
    const logs = await admin.logOffsets(topic, deadline.remainingMs);
    partitionCounts.set(topic, logs.length);
    for (const { partition, logStartOffset, logEndOffset } of logs) {
      const records = await admin.readPartition(
        topic,
        partition,
        logStartOffset,
        logEndOffset,
        deadline.remainingMs,
      );
      emit({
        process: PROCESS,
        kind: 'fact-log',
        topic,
        partition,
        logStartOffset: String(logStartOffset),
        logEndOffset: String(logEndOffset),
        records: records.map(({ offset, value, transaction }) => {
          const record = { offset: String(offset), record: decodeRecordValue(value) };
          if (transaction === undefined) return record;
          const { state, endedAtEpochMs } = transaction;
          const endedAt = endedAtEpochMs === null ? null : endedAtEpochMs - timeOriginEpochMs;
          return { ...record, transaction: { state, endedAt } };
        }),
      });
    }
  }
  for (const group of groups) {
    const asked = group.topics.map((topic) => ({
      topic,
      partitions: Array.from({ length: partitionCounts.get(topic) ?? 0 }, (_, partition) => partition),
    }));
    const committed = await admin.committedOffsets(group.id, deadline.remainingMs, asked);
    for (const { topic, partitions } of asked)
      for (const partition of partitions) {
        const found = committed.find((one) => one.topic === topic && one.partition === partition);
        const offset = found?.offset ?? null;
        emit({
          process: PROCESS,
          kind: 'fact-committed',
          group: group.id,
          topic,
          partition,
          offset: offset === null ? null : String(offset),
        });
      }
  }
}

/** The groups as their coordinators describe them; to be taken while the members still live. */
export async function collectGroupFacts(
  admin: FactSource,
  groups: readonly FactGroup[],
  emit: (fact: Fact) => void,
  timeoutMs: number,
): Promise<void> {
  const deadline = new Deadline(timeoutMs);
  for (const { id } of groups) {
    const { state, members } = await admin.describeGroup(id, deadline.remainingMs);
    emit({ process: PROCESS, kind: 'fact-group', group: id, state, members });
  }
}
