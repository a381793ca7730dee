/**
 * Reads a partition log: topic, partition and a range of offsets enter, its records leave as they are in the log now,
 * whatever transaction they belong to (read_uncommitted), with how that ended. Control records are left out; their offsets
 * are gaps.
 */
import { errorOrNull } from '../../../cluster/protocol/errors.ts';
import type { ClusterLink } from './cluster-link.ts';
import { withRetries } from './cluster-link.ts';
import type { Deadline } from './deadline.ts';
import { fetchV11 } from './fetch-request.ts';
import { BrokerUnreachableError, KafkaRequestError, throwOnError } from './kafka-error.ts';
import { listOffsets } from './offsets-request.ts';
import { CorruptBatchError, decodeRecordBatches, type RecordBatch } from './record-batches.ts';
import { type LogEntry, type SettledRecord, withOutcomes } from './transaction-outcomes.ts';

const MAX_WAIT_MS = 250;
const PARTITION_BYTES_MAX = 8 * 1024 * 1024;

/**
 * All records with `fromOffset` <= offset < `toOffset`. Records deleted meanwhile are not among them.
 * @throws DeadlineExceededError where the log did not reach `toOffset` in time
 */
export async function readPartition(
  link: ClusterLink,
  topic: string,
  partition: number,
  fromOffset: bigint,
  toOffset: bigint,
  deadline: Deadline,
): Promise<SettledRecord[]> {
  const what = `reading ${topic}-${partition} from ${fromOffset} to ${toOffset}`;
  const entries: LogEntry[] = [];
  let position = fromOffset;
  let leader: Awaited<ReturnType<ClusterLink['leaderOf']>> | null = null;
  while (position < toOffset) {
    await withRetries(what, deadline, async () => {
      try {
        leader ??= await link.leaderOf(topic, partition);
        const answer = await link.request(leader.broker, fetchV11, [
          {
            topic,
            partitions: [{ partition, currentLeaderEpoch: leader.leaderEpoch, fetchOffset: position }],
            maxWaitMs: MAX_WAIT_MS,
            partitionMaxBytes: PARTITION_BYTES_MAX,
          },
        ]);
        throwOnError(what, answer.errorCode);
        const fetched = answer.partitions[0];
        if (!fetched) throw new BrokerUnreachableError(`${what}: the answer lacks the partition`);
        // The log's start may have moved past us (DeleteRecords, retention): what is gone is not in the log.
        if (errorOrNull(fetched.errorCode) === 'OFFSET_OUT_OF_RANGE') {
          const [start] = await listOffsets(link, leader.broker, topic, [{ partition, ...leader }], 'start');
          throwOnError(what, start?.errorCode ?? 0);
          if (start && start.offset > position) {
            position = start.offset;
            return;
          }
        }
        throwOnError(what, fetched.errorCode);
        const batches = decodeRecordBatches(fetched.recordBytes);
        for (const batch of batches)
          for (const entry of entriesOf(batch))
            if (entry.offset >= position && entry.offset < toOffset) entries.push(entry);
        const last = batches.at(-1);
        if (last) position = last.lastOffset + 1n;
        // Nothing yet: a new leader's high watermark may be behind for a moment.
        else throw new KafkaRequestError(what, 'OFFSET_NOT_AVAILABLE');
      } catch (error) {
        leader = null;
        if (error instanceof CorruptBatchError)
          throw new KafkaRequestError(what, 'CORRUPT_MESSAGE', error.message);
        throw error;
      }
    });
  }
  return withOutcomes(entries);
}

function entriesOf({
  control,
  transactional,
  producerId,
  records,
  baseOffset,
  timestampEpochMs,
}: RecordBatch): LogEntry[] {
  if (control === 'commit' || control === 'abort')
    return [
      {
        offset: baseOffset,
        timestampEpochMs,
        key: null,
        value: null,
        transaction: { producerId, marker: control },
      },
    ];
  return transactional
    ? records.map((record) => ({ ...record, transaction: { producerId, marker: null } }))
    : [...records];
}
