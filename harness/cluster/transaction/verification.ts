/**
 * Leaders ask the transaction coordinator whether a partition belongs to an open transaction before they append the
 * first batch of one, or has it added (KIP-890, AddPartitionsToTxnManager): a producer and partitions enter, errors leave.
 *
 * Kafka refuses a batch behind the first one that is being verified for its sequence; here a connection's requests are
 * taken up one after another, so there is none. A request for the same transaction from another connection is asked
 * about by itself.
 */
import type { Broker } from '../broker.ts';
import type { ErrorCode } from '../environment.ts';
import type { PartitionLog } from '../log/partition-log.ts';
import type { ClusterCore } from '../simulated-cluster.ts';
import type { PartitionErrors, TransactionCoordinator } from './coordinator.ts';
import {
  CONCURRENT_TRANSACTIONS,
  COORDINATOR_NOT_AVAILABLE,
  INVALID_PRODUCER_EPOCH,
  INVALID_TXN_STATE,
  NETWORK_EXCEPTION,
  NONE,
  PRODUCER_FENCED,
  TRANSACTION_ABORTABLE,
} from './error-codes.ts';
import type { TransactionSettings } from './settings.ts';
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
  /** Whether partitions that are not part of the transaction become so. */
  readonly isAdding: boolean;
  /** Whether to wait a little for the transaction before, which is being completed. */
  readonly triesAgain: boolean;
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
  { verifiesPartitions, addRetryMs, addRetryMaxMs }: TransactionSettings,
): TransactionVerifier {
  const ask = (
    broker: Broker,
    { transactionalId, producer, isAdding }: ToVerify,
    asked: readonly TopicPartition[],
    done: (errors: PartitionErrors) => void,
  ): void => {
    const all = (error: ErrorCode): PartitionErrors => asked.map((one) => [one, error]);
    const partition = coordinatorOf(broker).partitionOf(transactionalId);
    const leader = cluster.leaderNode(topic, partition, broker.brokerId);
    if (leader === null) {
      done(all(COORDINATOR_NOT_AVAILABLE));
      return;
    }
    cluster.calls.call<PartitionErrors>(
      broker,
      leader.id,
      (brokerOfCoordinator, answer) => {
        const coordinator = coordinatorOf(brokerOfCoordinator);
        if (!isAdding) answer(coordinator.verifyPartitions(transactionalId, producer, asked));
        else coordinator.addPartitions(transactionalId, producer, asked, 2, (error) => answer(all(error)));
      },
      (errors) => done(errors ?? all(NETWORK_EXCEPTION)),
    );
  };

  return (broker, request, done) => {
    const { producer, partitions, knowsAbortable, isAdding, triesAgain } = request;
    const producerId = Number(producer.id);
    const asked = partitions.filter(
      ({ log }) => !log.producers.hasOpenTransaction(producerId, producer.epoch),
    );
    if (asked.length === 0 || !(verifiesPartitions || isAdding)) {
      done(ALLOWED);
      return;
    }
    const conclude = (errors: PartitionErrors, markers: readonly number[]): void => {
      const byName = new Map(errors.map(([one, error]) => [nameOf(one), error]));
      done((one) => {
        const error = byName.get(nameOf(one)) ?? NONE;
        if (error !== NONE) return asKnown(error, knowsAbortable);
        // The transaction has ended between the question and the append (VerificationGuard).
        const index = asked.findIndex((other) => nameOf(other) === nameOf(one));
        const marker = asked[index]?.log.producers.lastMarkerOffset(producerId);
        return index >= 0 && marker !== markers[index] ? INVALID_TXN_STATE : NONE;
      });
    };
    const untilMs = broker.nowMs() + (triesAgain ? addRetryMaxMs : 0);
    const attempt = (): void => {
      const markers = asked.map(({ log }) => log.producers.lastMarkerOffset(producerId));
      ask(broker, request, asked, (errors) => {
        const isConcurrent = errors.some(([, error]) => error === CONCURRENT_TRANSACTIONS);
        if (isConcurrent && broker.nowMs() < untilMs) broker.after(addRetryMs, attempt);
        else conclude(errors, markers);
      });
    };
    attempt();
  };
}

function asKnown(error: ErrorCode, knowsAbortable: boolean): ErrorCode {
  // Producers expect this one from a leader.
  if (error === PRODUCER_FENCED) return INVALID_PRODUCER_EPOCH;
  return error === TRANSACTION_ABORTABLE && !knowsAbortable ? INVALID_TXN_STATE : error;
}
