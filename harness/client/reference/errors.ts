/**
 * The client's errors, by the names of the Java client's exceptions and Kafka's error codes: a code or a reason enters,
 * an error of its own class leaves, which says whether trying again can help.
 */
import { type ErrorName, errorName } from '../../cluster/protocol/errors.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

const names = new Map<string, string[]>();
/** What is kept is bounded: more names than a trial has. */
const TOPICS_MAX = 1_000;
const PARTITIONS_MAX = 1_000;

/** `topic-0`; made once, since a map finds the same text fastest. */
export function nameOf({ topic, partition }: TopicPartition): string {
  let ofTopic = names.get(topic);
  if (ofTopic === undefined) {
    if (names.size === TOPICS_MAX) names.clear();
    ofTopic = [];
    names.set(topic, ofTopic);
  }
  const known = ofTopic[partition];
  if (known !== undefined) return known;
  const name = `${topic}-${partition}`;
  if (partition >= 0 && partition < PARTITIONS_MAX) ofTopic[partition] = name;
  return name;
}

/** Kafka's RetriableException: nothing is wrong with the request, so it may be made again. */
const RETRIABLE: ReadonlySet<string> = new Set<ErrorName>([
  'CORRUPT_MESSAGE',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REQUEST_TIMED_OUT',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NOT_CONTROLLER',
  'CONCURRENT_TRANSACTIONS',
  'KAFKA_STORAGE_ERROR',
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'UNSTABLE_OFFSET_COMMIT',
  'THROTTLING_QUOTA_EXCEEDED',
  'UNKNOWN_TOPIC_ID',
]);

/** Kafka's InvalidMetadataException: what the client knows of leaders is out of date. */
const STALE_METADATA: ReadonlySet<string> = new Set<ErrorName>([
  'UNKNOWN_TOPIC_OR_PARTITION',
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_TOPIC_ID',
  'NETWORK_EXCEPTION',
]);

/** Whether what was asked may nevertheless have been done: `unknown` where no broker said no. */
export type Fate = 'failed' | 'unknown';

/** Everything that the client throws on purpose. */
export class KafkaError extends Error {
  override name = 'KafkaException';
  readonly isRetriable: boolean = false;
  fate: Fate = 'failed';
}

/** The same error, where more is known of what became of the request than its class says. */
export function withFate<E extends KafkaError>(error: E, fate: Fate): E {
  error.fate = fate;
  return error;
}

/** A broker's answer that is an error; its name is Kafka's. */
export class BrokerError extends KafkaError {
  readonly code: number;
  readonly type: string;
  override readonly isRetriable: boolean;

  constructor(code: number, what: string, message: string | null = null) {
    const type = errorName(code);
    super(`${what}: ${type}${message === null ? '' : ` (${message})`}`);
    this.name = type;
    this.code = code;
    this.type = type;
    this.isRetriable = RETRIABLE.has(type);
  }

  get isStaleMetadata(): boolean {
    return STALE_METADATA.has(this.type);
  }
}

/** The time that a call was given is over. */
export class TimeoutError extends KafkaError {
  override name = 'TimeoutException';
  override readonly isRetriable = true;
  override fate: Fate = 'unknown';
}

/** The connection was lost, or never came about, before the answer. */
export class DisconnectError extends KafkaError {
  override name = 'DisconnectException';
  override readonly isRetriable = true;
  override fate: Fate = 'unknown';
}

/** The call was ended by `wakeup`. */
export class WakeupError extends KafkaError {
  override name = 'WakeupException';
  override fate: Fate = 'unknown';
}

/** The member is no longer in its group: the partitions may have another owner by now. */
export class CommitFailedError extends KafkaError {
  override name = 'CommitFailedException';

  constructor(reason: string, options?: ErrorOptions) {
    super(
      `The offsets cannot be committed: ${reason}. The time between two calls of poll was longer than max.poll.interval.ms, or the member was away for longer than session.timeout.ms.`,
      options,
    );
  }
}

/** An asynchronous commit failed for a passing reason; it is not made again, since a later one may have overtaken it. */
export class RetriableCommitFailedError extends KafkaError {
  override name = 'RetriableCommitFailedException';
  override readonly isRetriable = true;
  override fate: Fate;

  constructor(cause: Error) {
    super('The asynchronous commit failed and was not made again', { cause });
    this.fate = fateOf(cause);
  }
}

/** The group is being rebalanced: call poll to take part, then commit what is still owned. */
export class RebalanceInProgressError extends KafkaError {
  override name = 'RebalanceInProgressException';
}

const listOf = (partitions: readonly TopicPartition[]): string => partitions.map(nameOf).join(', ');

/** There is no committed offset, and auto.offset.reset is `none`. */
export class NoOffsetForPartitionError extends KafkaError {
  override name = 'NoOffsetForPartitionException';
  readonly partitions: readonly TopicPartition[];

  constructor(partitions: readonly TopicPartition[]) {
    super(`Undefined offset with no reset policy for partitions: ${listOf(partitions)}`);
    this.partitions = partitions;
  }
}

/** The position is not in the log, and auto.offset.reset is `none`. */
export class OffsetOutOfRangeError extends KafkaError {
  override name = 'OffsetOutOfRangeException';
  readonly offsets: ReadonlyMap<string, number>;

  constructor(offsets: ReadonlyMap<string, number>) {
    const list = [...offsets].map(([partition, offset]) => `${partition}@${offset}`).join(', ');
    super(`Fetch position out of range with no reset policy for partitions: ${list}`);
    this.offsets = offsets;
  }
}

/** A configuration that Kafka's client refuses. */
export class ConfigError extends KafkaError {
  override name = 'ConfigException';
}

/** The call does not fit what was called before. */
export class IllegalStateError extends KafkaError {
  override name = 'IllegalStateException';
}

/** Two calls of one consumer at once. */
export class ConcurrentModificationError extends KafkaError {
  override name = 'ConcurrentModificationException';
}

/** Another producer with the same transactional id has taken over. */
export class ProducerFencedError extends KafkaError {
  override name = 'ProducerFencedException';
}

/** One record is larger than max.request.size. */
export class RecordTooLargeError extends KafkaError {
  override name = 'RecordTooLargeException';
}

/** `failed` only where it is certain that nothing was done. */
export const fateOf = (error: unknown): Fate => (error instanceof KafkaError ? error.fate : 'unknown');
export const isRetriable = (error: unknown): boolean => error instanceof KafkaError && error.isRetriable;
export const typeOf = (error: unknown): string | null => (error instanceof BrokerError ? error.type : null);

/** @throws BrokerError for any code but 0 */
export function check(code: number, what: string, message: string | null = null): void {
  if (code !== 0) throw new BrokerError(code, what, message);
}
