/**
 * The group coordinators of one broker: one for each partition of `__consumer_offsets` that it leads. Requests enter
 * with a group's name, go to the coordinator in charge, and answers leave; where there is none, or it is not ready,
 * the answer says so (GroupCoordinatorService, CoordinatorRuntime).
 */
import type {
  Cancel,
  CoordinatorLog,
  ErrorCode,
  TransactionalProducer,
  TransactionOutcome,
} from '../environment.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../protocol/11-join-group.ts';
import type { HeartbeatRequest } from '../protocol/12-heartbeat.ts';
import type { LeaveGroupRequest, LeaveGroupResponse } from '../protocol/13-leave-group.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../protocol/14-sync-group.ts';
import type { DescribedGroup } from '../protocol/15-describe-groups.ts';
import type { ListedGroup, ListGroupsRequest } from '../protocol/16-list-groups.ts';
import type { OffsetDeleteRequest } from '../protocol/47-offset-delete.ts';
import type { ClassicGroup } from './classic-group.ts';
import type { Respond } from './classic-member.ts';
import {
  type CommitRequest,
  type CommitResult,
  commitOffsets,
  commitTransactionalOffsets,
  type PartitionToCommit,
  refuse,
  reject,
} from './commit.ts';
import { describeGroup, listGroups, undescribed } from './describe.ts';
import { joinError, syncError } from './error-answers.ts';
import {
  answerToAppendError,
  COORDINATOR_LOAD_IN_PROGRESS,
  GROUP_ID_NOT_FOUND,
  INVALID_GROUP_ID,
  INVALID_SESSION_TIMEOUT,
  NONE,
  NOT_COORDINATOR,
  REBALANCE_IN_PROGRESS,
  UNKNOWN_MEMBER_ID,
} from './error-codes.ts';
import { type FetchedGroup, type FetchGroupRequest, fetchOffsets } from './fetch-offsets.ts';
import { heartbeat } from './heartbeat.ts';
import { joinGroup } from './join.ts';
import { leaveGroup } from './leave.ts';
import { catchUp, load } from './load.ts';
import type { OffsetStore } from './offset-store.ts';
import { partitionFor } from './partition-for.ts';
import { expireSession } from './rebalance.ts';
import { type DeletedGroup, deleteGroups, deleteOffsets, expireGroup, forgetPartitions } from './remove.ts';
import { resign } from './resign.ts';
import { type GroupRequestContext, Shard, type ShardParts } from './shard.ts';
import { syncGroup } from './sync.ts';

export interface GroupCoordinatorParts extends ShardParts {
  /** How many partitions `__consumer_offsets` has. */
  readonly partitionCount: number;
}

interface Term {
  log: CoordinatorLog;
  /** Null while it loads. */
  shard: Shard | null;
  cancelLoading: Cancel;
}

export class GroupCoordinator {
  readonly #parts: GroupCoordinatorParts;
  /** By partition, in order of election. */
  readonly #terms = new Map<number, Term>();

  constructor(parts: GroupCoordinatorParts) {
    this.#parts = parts;
  }

  partitionOf(groupId: string): number {
    return partitionFor(groupId, this.#parts.partitionCount);
  }

  /** This broker now leads the partition, or leads it in a new epoch: it loads, and then coordinates its groups. */
  elected(log: CoordinatorLog): void {
    const known = this.#terms.get(log.partition);
    if (known !== undefined) {
      known.log = log;
      known.shard?.continueWith(log);
      if (known.shard !== null) catchUp(known.shard);
      return;
    }
    const { environment, settings } = this.#parts;
    const term: Term = { log, shard: null, cancelLoading: () => {} };
    this.#terms.set(log.partition, term);
    term.cancelLoading = environment.after(settings.loadingTimeMs, () => {
      const shard = new Shard(this.#parts, term.log);
      term.shard = shard;
      load(shard);
    });
  }

  /** Another broker leads the partition now, or none: whoever waits is told to look for the coordinator. */
  resigned(partition: number): void {
    const term = this.#terms.get(partition);
    if (term === undefined) return;
    this.#terms.delete(partition);
    term.cancelLoading();
    if (term.shard !== null) resign(term.shard);
  }

  joinGroup(
    context: GroupRequestContext,
    request: JoinGroupRequest,
    respond: Respond<JoinGroupResponse>,
  ): void {
    const { sessionTimeoutMinMs, sessionTimeoutMaxMs } = this.#parts.settings;
    const { groupId, sessionTimeoutMs, memberId } = request;
    const shard = this.#find(groupId);
    if (groupId === '') respond(joinError(INVALID_GROUP_ID, memberId));
    else if (sessionTimeoutMs < sessionTimeoutMinMs || sessionTimeoutMs > sessionTimeoutMaxMs)
      respond(joinError(INVALID_SESSION_TIMEOUT, memberId));
    else if (typeof shard === 'number') respond(joinError(shard, ''));
    else joinGroup(shard, context, request, respond);
  }

  syncGroup(request: SyncGroupRequest, respond: Respond<SyncGroupResponse>): void {
    const shard = this.#findNamed(request.groupId);
    if (typeof shard === 'number') {
      // What members had agreed on is lost while it loads, and older clients do not know that error here.
      const isOldLoading = this.#parts.isOld && shard === COORDINATOR_LOAD_IN_PROGRESS;
      respond(syncError(isOldLoading ? REBALANCE_IN_PROGRESS : shard));
    } else syncGroup(shard, request, respond);
  }

  heartbeat(request: HeartbeatRequest, respond: Respond<ErrorCode>): void {
    const shard = this.#findNamed(request.groupId);
    if (typeof shard === 'number') {
      // Nothing is lost while it loads: the sessions start anew afterwards.
      respond(shard === COORDINATOR_LOAD_IN_PROGRESS ? NONE : shard);
      return;
    }
    const answer = heartbeat(shard, request);
    // Answers wait for the writes before them; a refusal is an exception in Kafka, and waits for nothing.
    if (shard.isOld || (answer !== NONE && answer !== REBALANCE_IN_PROGRESS)) respond(answer);
    else shard.writes.afterWrites((error) => respond(error === NONE ? answer : answerToAppendError(error)));
  }

  leaveGroup(
    groupId: string,
    members: LeaveGroupRequest['members'],
    respond: (error: ErrorCode, members: LeaveGroupResponse['members']) => void,
  ): void {
    const shard = this.#findNamed(groupId);
    if (typeof shard === 'number') {
      respond(shard, []);
      return;
    }
    const left = leaveGroup(shard, groupId, members);
    if (shard.isOld) respond(NONE, left);
    else shard.writes.afterWrites((error) => respond(answerToAppendError(error), error === NONE ? left : []));
  }

  commitOffsets(apiVersion: number, request: CommitRequest, respond: Respond<CommitResult>): void {
    const shard = this.#find(request.groupId);
    if (typeof shard === 'number') refuse(this.#parts.evidence, request, shard, respond);
    else commitOffsets(shard, apiVersion, request, respond);
  }

  /** Refused before it came to the coordinator, since there is no such partition. */
  commitRefused(
    request: Omit<CommitRequest, 'topics'>,
    topic: string,
    partition: PartitionToCommit,
    error: ErrorCode,
  ): void {
    reject(this.#parts.evidence, request, topic, partition, error);
  }

  /** The old coordinator makes the group before it asks about the transaction, and keeps it whatever it hears. */
  transactionalCommitBegins(groupId: string): void {
    const shard = this.#findNamed(groupId);
    if (typeof shard !== 'number' && shard.isOld && !shard.groups.has(groupId)) shard.createGroup(groupId);
  }

  commitTransactionalOffsets(
    request: CommitRequest,
    producer: TransactionalProducer,
    respond: Respond<CommitResult>,
  ): void {
    const shard = this.#findNamed(request.groupId);
    if (typeof shard === 'number') refuse(this.#parts.evidence, request, shard, respond);
    else commitTransactionalOffsets(shard, request, producer, respond);
  }

  /** Ends a transaction in one partition of `__consumer_offsets`: writes its marker, then its offsets count, or go. */
  completeTransaction(
    partition: number,
    producer: TransactionalProducer,
    outcome: TransactionOutcome,
    coordinatorEpoch: number,
    respond: Respond<ErrorCode>,
  ): void {
    const shard = this.#at(partition);
    if (typeof shard === 'number') {
      respond(shard);
      return;
    }
    shard.log.appendMarker(producer, outcome, coordinatorEpoch, (error, offset) => {
      if (error === NONE) shard.endTransaction(producer.id, outcome, offset);
      respond(answerToAppendError(error));
    });
  }

  fetchOffsets(request: FetchGroupRequest, requireStable: boolean, respond: Respond<FetchedGroup>): void {
    const shard = this.#find(request.groupId);
    if (typeof shard === 'number') respond({ errorCode: shard, topics: [] });
    else fetchOffsets(shard, request, requireStable, respond);
  }

  deleteOffsets(
    request: Pick<OffsetDeleteRequest, 'groupId' | 'topics'>,
    respond: (error: ErrorCode, result: CommitResult) => void,
  ): void {
    const shard = this.#findNamed(request.groupId);
    if (typeof shard === 'number') respond(shard, []);
    else deleteOffsets(shard, request, respond);
  }

  /** As if the retention of the group's offsets were over; for faults on purpose. */
  expireOffsets(groupId: string, respond: (error: ErrorCode, removed: number) => void): void {
    const shard = this.#findNamed(groupId);
    if (typeof shard === 'number') respond(shard, 0);
    else expireGroup(shard, groupId, respond);
  }

  /**
   * As if the member's session had run out; for faults on purpose.
   *
   * @returns REBALANCE_IN_PROGRESS for a member whose session cannot run out now, since it waits for an answer
   */
  expireMember(groupId: string, memberId: string): ErrorCode {
    const shard = this.#findNamed(groupId);
    if (typeof shard === 'number') return shard;
    const group = shard.groups.get(groupId);
    if (group === undefined) return GROUP_ID_NOT_FOUND;
    const member = group.members.get(memberId);
    if (member === undefined && !group.pendingMembers.has(memberId)) return UNKNOWN_MEMBER_ID;
    if (member?.keepsSession === true) return REBALANCE_IN_PROGRESS;
    expireSession(shard, groupId, memberId);
    return NONE;
  }

  describeGroup(apiVersion: number, groupId: string): DescribedGroup {
    const shard = this.#find(groupId);
    return typeof shard === 'number'
      ? undescribed(groupId, shard)
      : describeGroup(shard, apiVersion, groupId);
  }

  /**
   * A group and its committed offsets as they stand at this instant, for looking at and never for changing.
   * @returns null where this broker does not coordinate the group, or not yet
   */
  look(
    groupId: string,
  ): { readonly group: Readonly<ClassicGroup> | null; readonly offsets: OffsetStore } | null {
    const shard = this.#find(groupId);
    return typeof shard === 'number'
      ? null
      : { group: shard.groups.get(groupId) ?? null, offsets: shard.offsets };
  }

  /** Of this broker alone. @returns an error where one of its coordinators is still loading */
  listGroups(request: ListGroupsRequest): ListedGroup[] | ErrorCode {
    const groups: ListedGroup[] = [];
    for (const { shard } of this.#terms.values()) {
      if (shard === null) return COORDINATOR_LOAD_IN_PROGRESS;
      groups.push(...listGroups(shard, request));
    }
    return groups;
  }

  deleteGroups(groupIds: readonly string[], respond: Respond<DeletedGroup[]>): void {
    const results = new Map<string, ErrorCode>();
    const byShard = new Map<Shard, string[]>();
    const ids = new Set(groupIds);
    for (const groupId of ids) {
      const shard = this.#find(groupId);
      if (typeof shard === 'number') results.set(groupId, shard);
      else byShard.set(shard, [...(byShard.get(shard) ?? []), groupId]);
    }
    const finish = (): void => {
      if (results.size < ids.size) return;
      respond([...ids].map((groupId) => ({ groupId, errorCode: results.get(groupId) ?? NONE })));
    };
    if (byShard.size === 0) finish();
    for (const [shard, groups] of byShard)
      deleteGroups(shard, groups, (deleted) => {
        for (const { groupId, errorCode } of deleted) results.set(groupId, errorCode);
        finish();
      });
  }

  /** The partitions were deleted with their topics. */
  partitionsDeleted(partitions: readonly { readonly topic: string; readonly partition: number }[]): void {
    for (const { shard } of this.#terms.values()) if (shard !== null) forgetPartitions(shard, partitions);
  }

  /** Offsets may be kept under the empty name, which older consumers without a group use; nothing else may. */
  #findNamed(groupId: string): Shard | ErrorCode {
    return groupId === '' ? INVALID_GROUP_ID : this.#find(groupId);
  }

  #find(groupId: string): Shard | ErrorCode {
    return this.#at(this.partitionOf(groupId));
  }

  #at(partition: number): Shard | ErrorCode {
    const term = this.#terms.get(partition);
    if (term === undefined) return NOT_COORDINATOR;
    return term.shard ?? COORDINATOR_LOAD_IN_PROGRESS;
  }
}
