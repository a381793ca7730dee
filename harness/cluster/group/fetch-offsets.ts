/**
 * OffsetFetch: partitions, or all of a group's, enter, and the committed offsets leave; with requireStable those that
 * an open transaction may change are refused (KIP-447, OffsetMetadataManager.fetchOffsets). The old coordinator refuses
 * those that a commit on its way may change, too, where the other one waits for it.
 */
import type { ErrorCode } from '../environment.ts';
import { uuid } from '../protocol/codec.ts';
import type { Respond } from './classic-member.ts';
import {
  answerToAppendError,
  COORDINATOR_NOT_AVAILABLE,
  NONE,
  NOT_COORDINATOR,
  UNSTABLE_OFFSET_COMMIT,
} from './error-codes.ts';
import type { StoredOffset } from './offset-store.ts';
import type { Shard } from './shard.ts';

export interface FetchedPartition {
  readonly partitionIndex: number;
  /** -1 where there is none. */
  readonly committedOffset: bigint;
  readonly committedLeaderEpoch: number;
  readonly metadata: string;
  readonly errorCode: ErrorCode;
}

export interface FetchedTopic {
  readonly name: string;
  readonly partitions: FetchedPartition[];
}

export interface FetchedGroup {
  readonly errorCode: ErrorCode;
  readonly topics: FetchedTopic[];
}

export interface FetchGroupRequest {
  readonly groupId: string;
  /** Null for all that the group has. */
  readonly topics: readonly TopicToFetch[] | null;
}

export interface TopicToFetch {
  readonly name: string;
  /** All 0 where the client asks by name; else offsets of another topic of that name do not count. */
  readonly topicId: string;
  readonly partitionIndexes: readonly number[];
}

export function fetchOffsets(
  shard: Shard,
  request: FetchGroupRequest,
  requireStable: boolean,
  respond: Respond<FetchedGroup>,
): void {
  if (!requireStable || shard.isOld) {
    respond({ errorCode: NONE, topics: read(shard, request, requireStable) });
    return;
  }
  // The answer holds for all commits that came before it, so it waits until they are replicated.
  shard.writes.afterWrites((error) => {
    if (error === NONE) respond({ errorCode: NONE, topics: read(shard, request, true) });
    else respond({ errorCode: answerToFetch(error), topics: [] });
  });
}

/** Consumers before 3.9 do not know COORDINATOR_NOT_AVAILABLE here (GroupCoordinatorService.handleOffsetFetchException). */
function answerToFetch(error: ErrorCode): ErrorCode {
  const answer = answerToAppendError(error);
  return answer === COORDINATOR_NOT_AVAILABLE ? NOT_COORDINATOR : answer;
}

function read(shard: Shard, { groupId, topics }: FetchGroupRequest, requireStable: boolean): FetchedTopic[] {
  const one = (name: string, partitionIndex: number, topicId: string): FetchedPartition => {
    const isUnstable = (): boolean =>
      shard.offsets.hasPending(groupId, name, partitionIndex) ||
      (shard.isOld && shard.writes.hasOffset(groupId, name, partitionIndex));
    if (requireStable && isUnstable()) return toFetched(partitionIndex, undefined, UNSTABLE_OFFSET_COMMIT);
    const stored = shard.offsets.get(groupId, name, partitionIndex);
    return toFetched(
      partitionIndex,
      stored !== undefined && isOf(stored, topicId) ? stored : undefined,
      NONE,
    );
  };
  if (topics !== null)
    return topics.map(({ name, topicId, partitionIndexes }) => ({
      name,
      partitions: partitionIndexes.map((partition) => one(name, partition, topicId)),
    }));
  const all = new Map<string, FetchedPartition[]>();
  for (const [name, partition] of shard.offsets.of(groupId)) {
    const partitions = all.get(name) ?? [];
    all.set(name, partitions);
    partitions.push(one(name, partition, uuid.empty));
  }
  return [...all].map(([name, partitions]) => ({ name, partitions }));
}

/** A topic that was deleted and made again has another id (OffsetMetadataManager.isMismatchedTopicId). */
const isOf = ({ topicId }: StoredOffset, wanted: string): boolean =>
  topicId === uuid.empty || wanted === uuid.empty || topicId === wanted;

const toFetched = (
  partitionIndex: number,
  stored: StoredOffset | undefined,
  errorCode: ErrorCode,
): FetchedPartition => ({
  partitionIndex,
  committedOffset: stored?.offset ?? -1n,
  committedLeaderEpoch: stored?.leaderEpoch ?? -1,
  metadata: stored?.metadata ?? '',
  errorCode,
});
