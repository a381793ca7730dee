/**
 * What a run asks of its cluster besides what the clients do: real topic and group names enter, confirmed changes and
 * facts leave. The observer's `ClusterAdmin` has all of it; the simulated world answers at once.
 */

/** @throws Error with Kafka's own word where it refuses, or where it cannot be done within the limit */
export interface Administration {
  /** Raises a topic to `total` partitions. */
  addPartitions(topic: string, total: number, timeoutMs: number): Promise<void>;
  /** DeleteRecords (KIP-107). @returns the log start offset afterwards */
  deleteRecords(topic: string, partition: number, beforeOffset: bigint, timeoutMs: number): Promise<bigint>;
  /** Per partition Kafka's error name or null. */
  deleteGroupOffsets(
    group: string,
    topic: string,
    partitions: readonly number[],
    timeoutMs: number,
  ): Promise<{ partition: number; error: string | null }[]>;
  /** Start and end (high watermark) of each partition log, in order of partitions. */
  logOffsets(
    topic: string,
    timeoutMs: number,
  ): Promise<{ partition: number; logStartOffset: bigint; logEndOffset: bigint }[]>;
  /** Writes one record without a key, with acks all, once. @returns its offset */
  produce(topic: string, partition: number, value: string, timeoutMs: number): Promise<bigint>;
}

/** The brokers, where they are ours to break. */
export interface BrokerFaults {
  /** It dies at once; its disk survives. */
  crashBroker(id: number): Promise<void>;
  /** It shuts down in good order. */
  stopBroker(id: number): Promise<void>;
  /** Starts a broker that was crashed or stopped; resolves when it serves and the others know it. */
  startBroker(id: number): Promise<void>;
  /** Freezes the broker: connections stay, nothing answers. */
  pauseBroker(id: number): Promise<void>;
  unpauseBroker(id: number): Promise<void>;
}
