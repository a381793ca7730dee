/** The two arms that the conformance cases run against, with the same settings. */
import { randomUUID } from 'node:crypto';
import { startClusterSet } from '../../../world/kafka/cluster-set.ts';
import { DEFAULT_KAFKA_VERSION } from '../../../world/kafka/image-name.ts';
import { startCluster } from '../../index.ts';
import type { Arm } from './suite.ts';

const INITIAL_REBALANCE_DELAY_MS = 50;
/** Kafka looks for transactions that take too long every 10 s. */
const abortInterval = { 'transaction.abort.timed.out.transaction.cleanup.interval.ms': '100' } as const;

export const simulated: Arm = {
  name: 'the simulated cluster (4.3)',
  start: async () =>
    await startCluster({
      settings: { 'group.initial.rebalance.delay.ms': INITIAL_REBALANCE_DELAY_MS, ...abortInterval },
    }),
};

export const realKafka: Arm = {
  name: `Kafka ${DEFAULT_KAFKA_VERSION}`,
  start: async () =>
    await startClusterSet({
      brokerCount: 1,
      sessionId: randomUUID(),
      groupInitialRebalanceDelayMs: INITIAL_REBALANCE_DELAY_MS,
      extraSettings: abortInterval,
    }),
};
