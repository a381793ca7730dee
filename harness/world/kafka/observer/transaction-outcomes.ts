/**
 * How transactions ended, as a partition log tells: its records and markers enter in order, the records leave, each of a
 * transaction with the marker that followed it (KIP-98).
 */
import type { LogRecord } from './record-batches.ts';

export interface SettledRecord extends LogRecord {
  /** Only of a record that was written in a transaction: how that ended. */
  readonly transaction?: {
    readonly state: 'committed' | 'aborted' | 'open';
    /** By the clock of the leader that wrote the marker; null while it is open. */
    readonly endedAtEpochMs: number | null;
  };
}

export interface LogEntry extends LogRecord {
  /** Of a record in a transaction, and of a marker, which says how its producer's transaction ended. */
  readonly transaction?: { readonly producerId: bigint; readonly marker: 'commit' | 'abort' | null };
}

/** @param entries from where the log begins, so that no marker lacks its records */
export function withOutcomes(entries: Iterable<LogEntry>): SettledRecord[] {
  const records: SettledRecord[] = [];
  /** By producer: where its open transaction's records are. */
  const open = new Map<bigint, number[]>();
  for (const entry of entries) {
    // As nearly all are, and then it is as it is to be.
    if (entry.transaction === undefined) {
      records.push(entry as LogRecord);
      continue;
    }
    const { transaction, ...record } = entry;
    if (transaction.marker === null) {
      const places = open.get(transaction.producerId) ?? [];
      open.set(transaction.producerId, places);
      places.push(records.length);
      records.push({ ...record, transaction: { state: 'open', endedAtEpochMs: null } });
    } else {
      const state = transaction.marker === 'commit' ? 'committed' : 'aborted';
      for (const place of open.get(transaction.producerId) ?? [])
        records[place] = {
          ...(records[place] as SettledRecord),
          transaction: { state, endedAtEpochMs: record.timestampEpochMs },
        };
      open.delete(transaction.producerId);
    }
  }
  return records;
}
