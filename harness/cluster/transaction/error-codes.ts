/** The error codes that transaction coordinators answer with. */
import type { ErrorCode } from '../environment.ts';
import { errorCode } from '../protocol/errors.ts';

export const NONE: ErrorCode = 0;
export const REQUEST_TIMED_OUT = errorCode('REQUEST_TIMED_OUT');
export const COORDINATOR_LOAD_IN_PROGRESS = errorCode('COORDINATOR_LOAD_IN_PROGRESS');
export const COORDINATOR_NOT_AVAILABLE = errorCode('COORDINATOR_NOT_AVAILABLE');
export const NOT_COORDINATOR = errorCode('NOT_COORDINATOR');
export const INVALID_REQUEST = errorCode('INVALID_REQUEST');
export const INVALID_PRODUCER_EPOCH = errorCode('INVALID_PRODUCER_EPOCH');
export const PRODUCER_FENCED = errorCode('PRODUCER_FENCED');
export const INVALID_TXN_STATE = errorCode('INVALID_TXN_STATE');
export const INVALID_PRODUCER_ID_MAPPING = errorCode('INVALID_PRODUCER_ID_MAPPING');
export const INVALID_TRANSACTION_TIMEOUT = errorCode('INVALID_TRANSACTION_TIMEOUT');
export const CONCURRENT_TRANSACTIONS = errorCode('CONCURRENT_TRANSACTIONS');
export const TRANSACTION_COORDINATOR_FENCED = errorCode('TRANSACTION_COORDINATOR_FENCED');
export const TRANSACTION_ABORTABLE = errorCode('TRANSACTION_ABORTABLE');
export const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');
export const NOT_LEADER_OR_FOLLOWER = errorCode('NOT_LEADER_OR_FOLLOWER');
export const OPERATION_NOT_ATTEMPTED = errorCode('OPERATION_NOT_ATTEMPTED');
export const NETWORK_EXCEPTION = errorCode('NETWORK_EXCEPTION');

/** Clients that do not know PRODUCER_FENCED (KIP-588) are told what their version calls it. */
export const fencedAs = (error: ErrorCode, version: number, knownFrom: number): ErrorCode =>
  error === PRODUCER_FENCED && version < knownFrom ? INVALID_PRODUCER_EPOCH : error;
