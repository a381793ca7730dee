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
  /** How long a new coordinator takes to load a partition; the real time depends on the log. */
  readonly loadingTimeMs: number;
}

/** Kafka's settings by Kafka's names enter; names that transaction coordinators do not know are passed over. */
export function transactionSettings(
  kafkaSettings: Readonly<Record<string, string>>,
  loadingTimeMs = 20,
): TransactionSettings {
  const number = (name: string, fallback: number): number => Number(kafkaSettings[name] ?? fallback);
  return {
    timeoutMaxMs: number('transaction.max.timeout.ms', 900_000),
    abortIntervalMs: number('transaction.abort.timed.out.transaction.cleanup.interval.ms', 10_000),
    verifiesPartitions: kafkaSettings['transaction.partition.verification.enable'] !== 'false',
    loadingTimeMs,
  };
}
