/**
 * The observer's errors: Kafka's error codes and broken connections enter, typed errors that say whether another
 * attempt can help leave.
 */
import { errorOrNull } from '../../../cluster/protocol/errors.ts';
import { WorldUnavailableError } from '../../../errors.ts';

/**
 * Errors that pass by themselves: a leader or coordinator that moves, loads or waits for replicas. An unknown topic is
 * among them, since a broker's metadata lags behind the controller's by a moment.
 */
const passingErrors: ReadonlySet<string> = new Set([
  'BROKER_NOT_AVAILABLE',
  'CONCURRENT_TRANSACTIONS',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'KAFKA_STORAGE_ERROR',
  'LEADER_NOT_AVAILABLE',
  'LISTENER_NOT_FOUND',
  'NETWORK_EXCEPTION',
  'NOT_CONTROLLER',
  'NOT_COORDINATOR',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NOT_LEADER_OR_FOLLOWER',
  'OFFSET_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'REQUEST_TIMED_OUT',
  'THROTTLING_QUOTA_EXCEEDED',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNSTABLE_OFFSET_COMMIT',
]);

/** Kafka answered with an error, by Kafka's own name for it. */
export class KafkaRequestError extends WorldUnavailableError {
  override name = 'KafkaRequestError';
  /** Kafka's error name, such as INVALID_REPLICATION_FACTOR. */
  readonly errorName: string;
  constructor(what: string, errorName: string, detail: string | null = null) {
    super(`${what}: Kafka answered ${errorName}${detail ? ` (${detail})` : ''}`);
    this.errorName = errorName;
  }
}

/** The group still has members; those that ended without a word leave when their session times out. */
export class GroupNotEmptyError extends KafkaRequestError {
  override name = 'GroupNotEmptyError';
}

/** No answer: the connection could not be made, ended, or stayed silent for too long. The outcome is unknown. */
export class BrokerUnreachableError extends WorldUnavailableError {
  override name = 'BrokerUnreachableError';
}

/** The broker refused who we are, or is not who it should be: another attempt cannot help. */
export class BrokerRefusedError extends WorldUnavailableError {
  override name = 'BrokerRefusedError';
}

/** The deadline passed; `cause` is what went wrong last. */
export class DeadlineExceededError extends WorldUnavailableError {
  override name = 'DeadlineExceededError';
  constructor(what: string, timeoutMs: number, last: unknown) {
    const detail = last instanceof Error ? `; last: ${last.message}` : '';
    super(`${what}: not done within ${timeoutMs / 1000} s${detail}`, { cause: last });
  }
}

/** Can another attempt succeed? */
export const canRetry = (error: unknown): boolean =>
  error instanceof BrokerUnreachableError ||
  error instanceof GroupNotEmptyError ||
  (error instanceof KafkaRequestError && passingErrors.has(error.errorName));

/** @throws KafkaRequestError where the code is not success */
export function throwOnError(what: string, code: number, detail: string | null = null): void {
  const name = errorOrNull(code);
  if (name !== null) throw new KafkaRequestError(what, name, detail);
}
