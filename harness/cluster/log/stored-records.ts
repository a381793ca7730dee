/** What a partition log holds, as it is told to others: a log enters, its records and the markers of transactions leave, in order. */
import type { StoredRecord } from '../environment.ts';
import type { PartitionLog } from './partition-log.ts';
import { markerOf, readRecords } from './record-batch.ts';

/** @throws UnreadableBatchError where a batch is compressed in a way that cannot be read here */
export function* storedRecords(log: PartitionLog): Generator<StoredRecord> {
  for (const batch of log.batches) {
    const marker = batch.isControl ? (markerOf(batch)?.marker ?? null) : null;
    if (batch.isControl && marker === null) continue;
    for (const { offset, timestampMs, key, value } of readRecords(batch)) {
      if (offset < log.logStartOffset) continue;
      const record = { offset: BigInt(offset), timestampMs, key, value };
      yield batch.isTransactional
        ? { ...record, transaction: { producerId: BigInt(batch.producerId), marker } }
        : record;
    }
  }
}
