/**
 * Leaders ask the transaction coordinator whether a partition belongs to an open transaction before they append the
 * first batch of one (KIP-890, AddPartitionsToTxnManager): a producer and partitions enter, errors leave.
 *
 * Kafka refuses a batch behind the first one that is being verified for its sequence; here a connection's requests are
 * taken up one after another, so there is none. A request for the same transaction from another connection is asked
 * about by itself.
 */
import type { Broker } from '../broker.ts';
import type { ErrorCode } from '../environment.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { ClusterCore } from '../simulated-cluster.ts';
import type { TransactionCoordinator } from './coordinator.ts';
import {
  COORDINATOR_NOT_AVAILABLE,
  INVALID_PRODUCER_EPOCH,
  INVALID_TXN_STATE,
  NETWORK_EXCEPTION,
  NONE,
  PRODUCER_FENCED,
  TRANSACTION_ABORTABLE,
} from './error-codes.ts';
import type { ProducerIdAndEpoch, TopicPartition } from './transaction.ts';

export interface PartitionToVerify extends TopicPartition {
  readonly log: PartitionLog;
}

export interface ToVerify {
  readonly transactionalId: string;
  readonly producer: ProducerIdAndEpoch;
  readonly partitions: readonly PartitionToVerify[];
  /** Whether the client knows TRANSACTION_ABORTABLE. */
  readonly knowsAbortable: boolean;
}

/** @returns why a batch must not be appended, at the time of the append, or 0 */
export type Verdict = (one: TopicPartition) => ErrorCode;

/** @param done called at once where nothing has to be asked */
export type TransactionVerifier = (
  broker: Broker,
  request: ToVerify,
  done: (verdict: Verdict) => void,
) => void;

const ALLOWED: Verdict = () => NONE;
const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;

export function transactionVerifier(
  cluster: ClusterCore,
  coordinatorOf: (broker: Broker) => TransactionCoordinator,
  topic: string,
): TransactionVerifier {
  return (broker, { transactionalId, producer, partitions, knowsAbortable }, done) => {
    const producerId = Number(producer.id);
    const asked = partitions.filter(({ log }) => !log.producers.hasOpenTransaction(producerId));
    if (asked.length === 0) {
      done(ALLOWED);
      return;
    }
    const markers = new Map(
      asked.map((one) => [nameOf(one), one.log.producers.lastMarkerOffset(producerId)]),
    );
    const logs = new Map(asked.map((one) => [nameOf(one), one.log]));
    const conclude = (errors: ReadonlyMap<string, ErrorCode>): void =>
      done((one) => {
        const name = nameOf(one);
        const error = errors.get(name) ?? NONE;
        if (error !== NONE) return asKnown(error, knowsAbortable);
        // The transaction has ended between the question and the append (VerificationGuard).
        const producers = logs.get(name)?.producers;
        const isStale =
          producers !== undefined && producers.lastMarkerOffset(producerId) !== markers.get(name);
        return isStale ? INVALID_TXN_STATE : NONE;
      });
    const failAll = (error: ErrorCode): void =>
      conclude(new Map(asked.map((one) => [nameOf(one), error] as const)));
    const partition = coordinatorOf(broker).partitionOf(transactionalId);
    const leader = cluster.leaderNode(topic, partition, broker.brokerId);
    if (leader === null) {
      failAll(COORDINATOR_NOT_AVAILABLE);
      return;
    }
    cluster.calls.call<readonly (readonly [TopicPartition, ErrorCode])[]>(
      broker,
      leader.id,
      (coordinator, answer) =>
        answer(coordinatorOf(coordinator).verifyPartitions(transactionalId, producer, asked)),
      (results) => {
        if (results === null) failAll(NETWORK_EXCEPTION);
        else conclude(new Map(results.map(([one, error]) => [nameOf(one), error])));
      },
    );
  };
}

function asKnown(error: ErrorCode, knowsAbortable: boolean): ErrorCode {
  // Producers expect this one from a leader.
  if (error === PRODUCER_FENCED) return INVALID_PRODUCER_EPOCH;
  return error === TRANSACTION_ABORTABLE && !knowsAbortable ? INVALID_TXN_STATE : error;
}
