/**
 * The error codes that group coordinators answer with, and how an append's error turns into one of them
 * (CoordinatorOperationExceptionHelper).
 */
import type { ErrorCode } from '../environment.ts';
import { errorCode } from '../protocol/errors.ts';

export const NONE: ErrorCode = 0;
export const UNKNOWN_SERVER_ERROR = errorCode('UNKNOWN_SERVER_ERROR');
export const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');
export const UNKNOWN_TOPIC_ID = errorCode('UNKNOWN_TOPIC_ID');
export const NOT_ENOUGH_REPLICAS = errorCode('NOT_ENOUGH_REPLICAS');
export const NOT_ENOUGH_REPLICAS_AFTER_APPEND = errorCode('NOT_ENOUGH_REPLICAS_AFTER_APPEND');
export const NOT_LEADER_OR_FOLLOWER = errorCode('NOT_LEADER_OR_FOLLOWER');
export const REQUEST_TIMED_OUT = errorCode('REQUEST_TIMED_OUT');
export const OFFSET_METADATA_TOO_LARGE = errorCode('OFFSET_METADATA_TOO_LARGE');
export const COORDINATOR_LOAD_IN_PROGRESS = errorCode('COORDINATOR_LOAD_IN_PROGRESS');
export const COORDINATOR_NOT_AVAILABLE = errorCode('COORDINATOR_NOT_AVAILABLE');
export const NOT_COORDINATOR = errorCode('NOT_COORDINATOR');
export const ILLEGAL_GENERATION = errorCode('ILLEGAL_GENERATION');
export const INCONSISTENT_GROUP_PROTOCOL = errorCode('INCONSISTENT_GROUP_PROTOCOL');
export const INVALID_GROUP_ID = errorCode('INVALID_GROUP_ID');
export const UNKNOWN_MEMBER_ID = errorCode('UNKNOWN_MEMBER_ID');
export const INVALID_SESSION_TIMEOUT = errorCode('INVALID_SESSION_TIMEOUT');
export const REBALANCE_IN_PROGRESS = errorCode('REBALANCE_IN_PROGRESS');
export const INVALID_REQUEST = errorCode('INVALID_REQUEST');
export const UNSUPPORTED_VERSION = errorCode('UNSUPPORTED_VERSION');
export const NON_EMPTY_GROUP = errorCode('NON_EMPTY_GROUP');
export const GROUP_ID_NOT_FOUND = errorCode('GROUP_ID_NOT_FOUND');
export const MEMBER_ID_REQUIRED = errorCode('MEMBER_ID_REQUIRED');
export const GROUP_MAX_SIZE_REACHED = errorCode('GROUP_MAX_SIZE_REACHED');
export const FENCED_INSTANCE_ID = errorCode('FENCED_INSTANCE_ID');
export const GROUP_SUBSCRIBED_TO_TOPIC = errorCode('GROUP_SUBSCRIBED_TO_TOPIC');
export const UNSTABLE_OFFSET_COMMIT = errorCode('UNSTABLE_OFFSET_COMMIT');

const ANSWER_BY_APPEND_ERROR: ReadonlyMap<ErrorCode, ErrorCode> = new Map([
  [UNKNOWN_TOPIC_OR_PARTITION, COORDINATOR_NOT_AVAILABLE],
  [NOT_ENOUGH_REPLICAS, COORDINATOR_NOT_AVAILABLE],
  [NOT_ENOUGH_REPLICAS_AFTER_APPEND, COORDINATOR_NOT_AVAILABLE],
  [REQUEST_TIMED_OUT, COORDINATOR_NOT_AVAILABLE],
  [NOT_LEADER_OR_FOLLOWER, NOT_COORDINATOR],
  [errorCode('KAFKA_STORAGE_ERROR'), NOT_COORDINATOR],
  [errorCode('MESSAGE_TOO_LARGE'), UNKNOWN_SERVER_ERROR],
  [errorCode('RECORD_LIST_TOO_LARGE'), UNKNOWN_SERVER_ERROR],
  [errorCode('INVALID_FETCH_SIZE'), UNKNOWN_SERVER_ERROR],
]);

/** What a client is told when the write that its answer depends on has failed. */
export const answerToAppendError = (error: ErrorCode): ErrorCode =>
  ANSWER_BY_APPEND_ERROR.get(error) ?? error;
