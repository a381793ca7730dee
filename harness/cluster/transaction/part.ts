/**
 * The transaction coordinators as a part of a simulated cluster: the brokers' leaderships of `__transaction_state` and
 * the group coordinators enter, handlers of the APIs of transactions and the leaders' verifier leave.
 */
import { initProducerId } from '../api/22-init-producer-id.ts';
import { addPartitionsToTxn } from '../api/24-add-partitions-to-txn.ts';
import { addOffsetsToTxn } from '../api/25-add-offsets-to-txn.ts';
import { endTxn } from '../api/26-end-txn.ts';
import { txnOffsetCommit } from '../api/28-txn-offset-commit.ts';
import type { Broker } from '../broker.ts';
import type { GroupPart } from '../group/part.ts';
import type { RequestContext } from '../handler.ts';
import { type ClusterCore, TRANSACTIONS_TOPIC } from '../simulated-cluster.ts';
import { TransactionCoordinator } from './coordinator.ts';
import { MarkerSender } from './markers.ts';
import { transactionSettings } from './settings.ts';
import { transactionVerifier } from './verification.ts';

export interface TransactionPartOptions {
  /** How long a new coordinator takes to load a partition. */
  readonly loadingTimeMs?: number;
}

/** Attaches the transaction coordinators to a cluster; Kafka's own settings are taken from the cluster's extra ones. */
export function addTransactionCoordinators(
  cluster: ClusterCore,
  groups: GroupPart,
  { loadingTimeMs }: TransactionPartOptions = {},
): void {
  const settings = transactionSettings(cluster.settings.extra, loadingTimeMs);
  const coordinators = new Map<Broker, TransactionCoordinator>();
  const transactionVersion =
    cluster.profile.features.find(({ name }) => name === 'transaction.version')?.level ?? 0;

  const of = (broker: Broker): TransactionCoordinator => {
    const known = coordinators.get(broker);
    if (known !== undefined) return known;
    const markers = new MarkerSender(cluster, groups, broker);
    const made = new TransactionCoordinator({
      environment: broker,
      settings,
      valueVersion: transactionVersion >= 1 ? 1 : 0,
      serverVersion: transactionVersion >= 2 ? 2 : 0,
      partitionCount: cluster.settings.transactionStateLogNumPartitions,
      nextProducerId: () => BigInt(broker.nextProducerId()),
      hasProducerIds: () => broker.hasProducerIds,
      sendMarkers: (shard, transaction) => markers.complete(shard, transaction),
    });
    coordinators.set(broker, made);
    return made;
  };

  cluster.onLeadership(TRANSACTIONS_TOPIC, (partition, change, broker) => {
    const log =
      change === 'elected' ? cluster.coordinatorLog(TRANSACTIONS_TOPIC, partition, broker.brokerId) : null;
    if (log === null) of(broker).resigned(partition);
    else of(broker).elected(log);
  });
  cluster.transactionVerifier = transactionVerifier(cluster, of, TRANSACTIONS_TOPIC, settings);

  const coordinatorOf = ({ broker }: RequestContext): TransactionCoordinator => of(broker);
  cluster.registerHandlers([
    initProducerId(coordinatorOf),
    addPartitionsToTxn(coordinatorOf),
    addOffsetsToTxn(coordinatorOf, groups),
    endTxn(coordinatorOf),
    txnOffsetCommit(groups),
  ]);
}
