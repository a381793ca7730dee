/**
 * The broker's settings that transaction coordinators obey, with Kafka's own defaults (TransactionStateManagerConfig,
 * TransactionLogConfig), in milliseconds.
 */
export interface TransactionSettings {
  /** transaction.max.timeout.ms */
  readonly timeoutMaxMs: number;
  /** transaction.abort.timed.out.transaction.cleanup.interval.ms */
  readonly abortIntervalMs: number;
  /** transaction.partition.verification.enable */
  readonly verifiesPartitions: boolean;
  /** add.partitions.to.txn.retry.backoff.ms */
  readonly addRetryMs: number;
  /** add.partitions.to.txn.retry.backoff.max.ms: how long a leader tries. */
  readonly addRetryMaxMs: number;
  /** How long a new coordinator takes to load a partition; the real time depends on the log. */
  readonly loadingTimeMs: number;
}

/** Kafka's names of the settings that transaction coordinators obey. */
export const transactionSettingNames = [
  'transaction.max.timeout.ms',
  'transaction.abort.timed.out.transaction.cleanup.interval.ms',
  'transaction.partition.verification.enable',
  'add.partitions.to.txn.retry.backoff.ms',
  'add.partitions.to.txn.retry.backoff.max.ms',
] as const;

/** Kafka's settings by Kafka's names enter; names that transaction coordinators do not know are passed over. */
export function transactionSettings(
  kafkaSettings: Readonly<Record<string, string>>,
  loadingTimeMs = 20,
): TransactionSettings {
  const number = (name: (typeof transactionSettingNames)[number], fallback: number): number =>
    Number(kafkaSettings[name] ?? fallback);
  return {
    timeoutMaxMs: number('transaction.max.timeout.ms', 900_000),
    abortIntervalMs: number('transaction.abort.timed.out.transaction.cleanup.interval.ms', 10_000),
    verifiesPartitions: kafkaSettings['transaction.partition.verification.enable'] !== 'false',
    addRetryMs: number('add.partitions.to.txn.retry.backoff.ms', 20),
    addRetryMaxMs: number('add.partitions.to.txn.retry.backoff.max.ms', 100),
    loadingTimeMs,
  };
}
