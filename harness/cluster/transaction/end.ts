/**
 * What EndTxn does to a transaction (TransactionCoordinator.endTransaction): the transaction, who asks, and for what
 * enter; an error code, or that it is to be ended, leaves.
 */
import type { ErrorCode, TransactionOutcome } from '../environment.ts';
import {
  CONCURRENT_TRANSACTIONS,
  INVALID_PRODUCER_ID_MAPPING,
  INVALID_TXN_STATE,
  NONE,
  PRODUCER_FENCED,
} from './error-codes.ts';
import type { TransactionState } from './state.ts';
import {
  type ClientVersion,
  isEpochExhausted,
  type ProducerIdAndEpoch,
  type Transaction,
} from './transaction.ts';

type Decision = ErrorCode | 'end';

const PREPARED: Readonly<Record<TransactionOutcome, TransactionState>> = {
  commit: 'PrepareCommit',
  abort: 'PrepareAbort',
};
const COMPLETE: Readonly<Record<TransactionOutcome, TransactionState>> = {
  commit: 'CompleteCommit',
  abort: 'CompleteAbort',
};

export const decideEnd = (
  transaction: Transaction,
  producer: ProducerIdAndEpoch,
  outcome: TransactionOutcome,
  clientVersion: ClientVersion,
): Decision =>
  clientVersion === 2
    ? decideBumping(transaction, producer, outcome)
    : decide(transaction, producer, outcome);

function decide(
  { value, pending }: Transaction,
  producer: ProducerIdAndEpoch,
  outcome: TransactionOutcome,
): Decision {
  if (value.producerId !== producer.id) return INVALID_PRODUCER_ID_MAPPING;
  if (value.producerEpoch !== producer.epoch) return PRODUCER_FENCED;
  if (pending !== null) return CONCURRENT_TRANSACTIONS;
  if (value.state === 'Ongoing') return 'end';
  if (value.state === COMPLETE[outcome]) return NONE;
  return value.state === PREPARED[outcome] ? CONCURRENT_TRANSACTIONS : INVALID_TXN_STATE;
}

/** Where each end begins a new epoch, the epoch tells a repetition from the next end (KIP-890). */
function decideBumping(
  { value, pending }: Transaction,
  producer: ProducerIdAndEpoch,
  outcome: TransactionOutcome,
): Decision {
  const { state } = value;
  if (pending !== null) return CONCURRENT_TRANSACTIONS;
  const isRotated =
    value.previousProducerId === producer.id && isEpochExhausted(producer.epoch) && value.producerEpoch === 0;
  const isBumped = value.clientVersion === 2 && value.producerEpoch === producer.epoch + 1;
  if (value.producerId !== producer.id && !isRotated) return INVALID_PRODUCER_ID_MAPPING;
  const isPrepared = state === 'PrepareCommit' || state === 'PrepareAbort';
  const isComplete = state === 'CompleteCommit' || state === 'CompleteAbort';
  const isRetry = (isPrepared && isBumped) || (isComplete && (isBumped || isRotated));
  if (!isRetry && (isPrepared || value.producerEpoch !== producer.epoch)) return PRODUCER_FENCED;
  if (state === 'Ongoing') return 'end';
  if (isPrepared) return state === PREPARED[outcome] ? CONCURRENT_TRANSACTIONS : INVALID_TXN_STATE;
  if (isRetry) return state === COMPLETE[outcome] ? NONE : INVALID_TXN_STATE;
  // An abort without anything to abort gives the client its new epoch.
  return outcome === 'abort' ? 'end' : INVALID_TXN_STATE;
}
