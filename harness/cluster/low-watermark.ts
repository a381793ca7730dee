/**
 * The low watermark of a partition: its leader enters, and the least log start offset leaves of the replicas on brokers that
 * the leader takes for alive. Only what is below it is deleted for good, whoever leads next (KIP-107).
 */
import type { Replica } from './replica.ts';
import type { ClusterCore } from './simulated-cluster.ts';

export function lowWatermark({ brokers }: ClusterCore, { log, state, topic, partition }: Replica): number {
  let low = log.logStartOffset;
  const known = brokers.get(state.leader)?.image.brokers;
  for (const id of state.replicas) {
    // One that is gone counts until the leader has heard so, and for a leader that is cut off all the time.
    if (known?.get(id)?.fenced !== false) continue;
    const stored = brokers.get(id)?.storedLog(topic.id, partition);
    if (stored !== undefined) low = Math.min(low, stored.logStartOffset);
  }
  return low;
}
