/**
 * OffsetCommit: a member's or a simple consumer's offsets enter, and an error for each partition leaves once they are
 * replicated (OffsetMetadataManager.commitOffset, ClassicGroup.validateOffsetCommit).
 */
import type { ErrorCode, TransactionalProducer } from '../environment.ts';
import { errorName } from '../protocol/errors.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { Respond } from './classic-member.ts';
import {
  answerToAppendError,
  GROUP_ID_NOT_FOUND,
  ILLEGAL_GENERATION,
  NONE,
  NOT_COORDINATOR,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  NOT_LEADER_OR_FOLLOWER,
  OFFSET_METADATA_TOO_LARGE,
  REBALANCE_IN_PROGRESS,
  REQUEST_TIMED_OUT,
  UNKNOWN_MEMBER_ID,
} from './error-codes.ts';
import type { GroupEvidence } from './evidence.ts';
import { extendSession } from './rebalance.ts';
import type { OffsetEntry } from './records.ts';
import type { Shard } from './shard.ts';

export interface PartitionToCommit {
  readonly partitionIndex: number;
  readonly committedOffset: bigint;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
}

/** What OffsetCommit and TxnOffsetCommit have in common; topics by name. */
export interface CommitRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  /** -1 outside group management. */
  readonly generationId: number;
  /** -1 for the broker's own. */
  readonly retentionTimeMs: bigint;
  readonly topics: readonly TopicToCommit[];
}

export interface TopicToCommit {
  readonly name: string;
  /** All 0 where it is not known, as in transactions. */
  readonly topicId: string;
  readonly partitions: readonly PartitionToCommit[];
}

export type CommitResult = {
  name: string;
  partitions: { partitionIndex: number; errorCode: ErrorCode }[];
}[];

/** From this version on a client is told that the group does not exist (KIP-848). */
const GROUP_ID_NOT_FOUND_VERSION = 9;

export function commitOffsets(
  shard: Shard,
  apiVersion: number,
  request: CommitRequest,
  respond: Respond<CommitResult>,
): void {
  const { groupId, memberId, generationId } = request;
  const known = shard.groups.get(groupId);
  if (known === undefined && generationId >= 0) {
    const isTold = apiVersion >= GROUP_ID_NOT_FOUND_VERSION && !shard.isOld;
    const error = isTold ? GROUP_ID_NOT_FOUND : ILLEGAL_GENERATION;
    refuse(shard.evidence, request, error, respond);
    return;
  }
  const error = known === undefined ? NONE : validate(known, request, false);
  if (error !== NONE) {
    refuse(shard.evidence, request, error, respond);
    return;
  }
  const member = known?.members.get(memberId);
  // A commit is as good as a heartbeat, but for CompletingRebalance, where it is refused.
  if (member !== undefined) extendSession(shard, member);
  write(shard, request, null, respond);
}

/** @see GroupMetadataManager; the group's state is not looked at, since the transaction decides */
export function commitTransactionalOffsets(
  shard: Shard,
  request: CommitRequest,
  producer: TransactionalProducer,
  respond: Respond<CommitResult>,
): void {
  const known = shard.groups.get(request.groupId);
  let error = NONE;
  if (known !== undefined) error = validate(known, request, true);
  else if (request.generationId >= 0) error = ILLEGAL_GENERATION;
  if (error !== NONE) refuse(shard.evidence, request, error, respond);
  else write(shard, request, producer, respond);
}

function validate(group: ClassicGroup, request: CommitRequest, isTransactional: boolean): ErrorCode {
  const { memberId, groupInstanceId, generationId } = request;
  // An administrator, or a consumer that does without group management, may commit while nobody is in the group.
  if (generationId < 0 && group.state === 'Empty') return NONE;
  if (generationId >= 0 || memberId !== '' || groupInstanceId !== null) {
    const error = group.validateMember(memberId, groupInstanceId);
    if (error !== NONE) return error;
    if (generationId !== group.generationId) return ILLEGAL_GENERATION;
  } else if (!isTransactional) return UNKNOWN_MEMBER_ID;
  // The member knows the new generation and has no assignment in it yet, so it cannot have anything to commit.
  if (!isTransactional && group.state === 'CompletingRebalance') return REBALANCE_IN_PROGRESS;
  return NONE;
}

function write(
  shard: Shard,
  request: CommitRequest,
  producer: TransactionalProducer | null,
  respond: Respond<CommitResult>,
): void {
  const { groupId, topics } = request;
  const entries: OffsetEntry[] = [];
  const result: CommitResult = topics.map((topic) => ({
    name: topic.name,
    partitions: topic.partitions.map((partition) => {
      const { partitionIndex } = partition;
      const metadata = partition.committedMetadata ?? '';
      if (metadata.length > shard.settings.offsetMetadataSizeMax) {
        reject(shard.evidence, request, topic.name, partition, OFFSET_METADATA_TOO_LARGE);
        return { partitionIndex, errorCode: OFFSET_METADATA_TOO_LARGE };
      }
      entries.push(toEntry(shard, request, topic, partition, metadata));
      return { partitionIndex, errorCode: NONE };
    }),
  }));
  // Also where nothing is left to write: the group is there from then on.
  const created = shard.groups.has(groupId) ? null : shard.createGroup(groupId);
  if (entries.length === 0) {
    shard.writes.afterWrites(() => respond(result));
    return;
  }
  shard.writes.write(
    entries,
    (error) => {
      if (error === NONE) {
        respond(result);
        return;
      }
      if (created !== null && !isUncertain(error)) forgetSimple(shard, created);
      const answer = answerToAppendError(error);
      if (isUncertain(error)) respond(failAll(request, answer));
      else refuse(shard.evidence, request, answer, respond);
    },
    producer,
  );
}

function toEntry(
  shard: Shard,
  { groupId, retentionTimeMs }: CommitRequest,
  { name, topicId }: TopicToCommit,
  { partitionIndex, committedOffset, committedLeaderEpoch }: PartitionToCommit,
  metadata: string,
): OffsetEntry {
  const nowMs = shard.nowMs();
  return {
    kind: 'offset',
    group: groupId,
    topic: name,
    partition: partitionIndex,
    value: {
      offset: committedOffset,
      leaderEpoch: committedLeaderEpoch,
      metadata,
      commitTimestampMs: nowMs,
      expireTimestampMs: retentionTimeMs < 0n ? null : nowMs + Number(retentionTimeMs),
      topicId,
    },
  };
}

/** The client is told no, and the records may be replicated all the same. */
const UNCERTAIN: ReadonlySet<ErrorCode> = new Set([
  REQUEST_TIMED_OUT,
  NOT_COORDINATOR,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  NOT_LEADER_OR_FOLLOWER,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND,
]);
const isUncertain = (error: ErrorCode): boolean => UNCERTAIN.has(error);

function forgetSimple(shard: Shard, group: ClassicGroup): void {
  if (!group.isDurable && group.isSimple && shard.groups.get(group.id) === group)
    shard.groups.delete(group.id);
}

const failAll = ({ topics }: CommitRequest, errorCode: ErrorCode): CommitResult =>
  topics.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  }));

/** Answers every partition with the error, and reports that nothing of this will be committed. */
export function refuse(
  evidence: GroupEvidence,
  request: CommitRequest,
  errorCode: ErrorCode,
  respond: Respond<CommitResult>,
): void {
  for (const { name, partitions } of request.topics)
    for (const partition of partitions) reject(evidence, request, name, partition, errorCode);
  respond(failAll(request, errorCode));
}

export const reject = (
  evidence: GroupEvidence,
  { groupId, memberId, generationId }: Pick<CommitRequest, 'groupId' | 'memberId' | 'generationId'>,
  topic: string,
  { partitionIndex, committedOffset }: Pick<PartitionToCommit, 'partitionIndex' | 'committedOffset'>,
  errorCode: ErrorCode,
): void =>
  evidence.observe({
    kind: 'commit-rejected',
    group: groupId,
    topic,
    partition: partitionIndex,
    offset: String(committedOffset),
    error: errorName(errorCode),
    memberId,
    generation: generationId,
  });
