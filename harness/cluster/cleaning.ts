/** Retention and compaction of a broker's logs, on the broker's own timers (Kafka's LogManager and LogCleaner). */
import type { Broker } from './broker.ts';
import { topicLimits } from './topic-configs.ts';

/** Begins the periodic checks of this life of the broker. */
export function startCleaning(broker: Broker): void {
  const { logRetentionCheckIntervalMs, logCleanerIntervalMs } = broker.cluster.settings;
  every(broker, logRetentionCheckIntervalMs, () => applyRetention(broker));
  if (logCleanerIntervalMs !== null) every(broker, logCleanerIntervalMs, () => compact(broker));
}

function every(broker: Broker, intervalMs: number, act: () => void): void {
  broker.after(intervalMs, () => {
    act();
    every(broker, intervalMs, act);
  });
}

function applyRetention(broker: Broker): void {
  const nowMs = broker.nowMs();
  for (const replica of broker.replicas()) {
    const limits = topicLimits(replica.topic, broker.cluster.settings);
    if (!limits.isDeleted) continue;
    if (replica.log.applyRetention(limits, nowMs) && replica.isLeader) replica.appended();
  }
}

function compact(broker: Broker): void {
  for (const replica of broker.replicas())
    if (!replica.topic.isInternal && topicLimits(replica.topic, broker.cluster.settings).isCompacted)
      replica.log.compact();
}
