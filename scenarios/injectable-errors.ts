/** The errors that a scenario can have a broker answer on purpose, by API: those that Kafka itself may answer there. */

export const injectableErrors = {
  Produce: ['NOT_LEADER_OR_FOLLOWER', 'NOT_ENOUGH_REPLICAS', 'REQUEST_TIMED_OUT'],
  Fetch: [
    'NOT_LEADER_OR_FOLLOWER',
    'FENCED_LEADER_EPOCH',
    'UNKNOWN_LEADER_EPOCH',
    'UNKNOWN_TOPIC_OR_PARTITION',
    // As a leader with an old view answers it, whatever the log has.
    'OFFSET_OUT_OF_RANGE',
  ],
  ListOffsets: ['NOT_LEADER_OR_FOLLOWER', 'LEADER_NOT_AVAILABLE', 'UNKNOWN_TOPIC_OR_PARTITION'],
  Metadata: ['LEADER_NOT_AVAILABLE'],
  OffsetCommit: [
    'ILLEGAL_GENERATION',
    'UNKNOWN_MEMBER_ID',
    'REBALANCE_IN_PROGRESS',
    'NOT_COORDINATOR',
    'COORDINATOR_LOAD_IN_PROGRESS',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  OffsetFetch: ['NOT_COORDINATOR', 'COORDINATOR_LOAD_IN_PROGRESS'],
  FindCoordinator: ['COORDINATOR_NOT_AVAILABLE'],
  JoinGroup: [
    'UNKNOWN_MEMBER_ID',
    'NOT_COORDINATOR',
    'COORDINATOR_LOAD_IN_PROGRESS',
    'COORDINATOR_NOT_AVAILABLE',
  ],
  SyncGroup: ['REBALANCE_IN_PROGRESS', 'UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'NOT_COORDINATOR'],
  Heartbeat: [
    'REBALANCE_IN_PROGRESS',
    'ILLEGAL_GENERATION',
    'UNKNOWN_MEMBER_ID',
    'NOT_COORDINATOR',
    'COORDINATOR_NOT_AVAILABLE',
  ],
} as const satisfies Record<string, readonly string[]>;

export type InjectableApi = keyof typeof injectableErrors;
export type InjectableError = (typeof injectableErrors)[InjectableApi][number];
export const injectableApis = Object.keys(injectableErrors) as InjectableApi[];
