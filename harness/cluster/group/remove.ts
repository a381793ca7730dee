/**
 * What takes offsets and groups away: OffsetDelete, DeleteGroups, deleted topics and retention. Names enter, tombstones
 * go to the log, and errors leave once these are replicated.
 *
 * Which tombstones are needed depends on what is stored, so all but OffsetDelete wait for the writes before them.
 */
import type { ErrorCode } from '../environment.ts';
import type { OffsetDeleteRequest } from '../protocol/47-offset-delete.ts';
import type { ClassicGroup } from './classic-group.ts';
import { CONSUMER_PROTOCOL_TYPE } from './classic-group.ts';
import type { Respond } from './classic-member.ts';
import type { CommitResult } from './commit.ts';
import {
  answerToAppendError,
  GROUP_ID_NOT_FOUND,
  GROUP_SUBSCRIBED_TO_TOPIC,
  NON_EMPTY_GROUP,
  NONE,
  NOT_COORDINATOR,
  REQUEST_TIMED_OUT,
} from './error-codes.ts';
import type { StoredOffset } from './offset-store.ts';
import type { CoordinatorEntry, OffsetEntry } from './records.ts';
import type { Shard } from './shard.ts';

const offsetTombstone = (group: string, topic: string, partition: number): OffsetEntry => ({
  kind: 'offset',
  group,
  topic,
  partition,
  value: null,
});

/** Calls `act` once earlier writes are settled, however they ended, or `fail` where this coordinator is at its end. */
function afterEarlierWrites(shard: Shard, fail: (error: ErrorCode) => void, act: () => void): void {
  shard.writes.afterWrites((error) => {
    if (error === NOT_COORDINATOR || error === REQUEST_TIMED_OUT) fail(answerToAppendError(error));
    else act();
  });
}

/** Writes, if there is anything to write. */
function write(
  shard: Shard,
  entries: readonly CoordinatorEntry[],
  settle: (answer: ErrorCode) => void,
): void {
  if (entries.length === 0) settle(NONE);
  else shard.writes.write(entries, (error) => settle(answerToAppendError(error)));
}

/** The old coordinator does not write that a group is gone that never had a generation: it only kept offsets. */
const groupTombstones = ({ isOld }: Shard, { id, generationId }: ClassicGroup): CoordinatorEntry[] =>
  isOld && generationId === 0 ? [] : [{ kind: 'group', group: id, value: null }];

/**
 * The old coordinator takes an empty group away with its last offset (GroupMetadataManager.cleanupGroupMetadata); later
 * it is left to retention.
 *
 * @param gone tombstones that are about to be written
 */
function isTakenAlong(shard: Shard, group: ClassicGroup, gone: readonly OffsetEntry[]): boolean {
  if (!shard.isOld || group.state !== 'Empty' || shard.offsets.hasOpenTransaction(group.id)) return false;
  const isGone = (topic: string, partition: number): boolean =>
    gone.some((one) => one.group === group.id && one.topic === topic && one.partition === partition);
  for (const [topic, partition] of shard.offsets.of(group.id)) if (!isGone(topic, partition)) return false;
  return true;
}

/** @param respond gets the error of the whole request, or one for each partition */
export function deleteOffsets(
  shard: Shard,
  { groupId, topics }: Pick<OffsetDeleteRequest, 'groupId' | 'topics'>,
  respond: (error: ErrorCode, result: CommitResult) => void,
): void {
  const fail = (error: ErrorCode): void => respond(error, []);
  const act = () => {
    const group = shard.groups.get(groupId);
    if (group === undefined) return fail(GROUP_ID_NOT_FOUND);
    // Only of consumers does a coordinator know what they are subscribed to.
    if (group.state !== 'Empty' && group.protocolType !== CONSUMER_PROTOCOL_TYPE)
      return fail(NON_EMPTY_GROUP);
    const entries: OffsetEntry[] = [];
    const result = topics.map(({ name, partitions }) => {
      const errorCode = group.isSubscribedTo(name) ? GROUP_SUBSCRIBED_TO_TOPIC : NONE;
      for (const { partitionIndex } of errorCode === NONE ? partitions : [])
        if (isKnown(shard, groupId, name, partitionIndex))
          entries.push(offsetTombstone(groupId, name, partitionIndex));
      return { name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
    });
    const isAnyFree = result.some(({ partitions }) => partitions.some(({ errorCode }) => errorCode === NONE));
    const taken = isAnyFree && isTakenAlong(shard, group, entries) ? [group] : [];
    const settle = (error: ErrorCode): void => respond(error, error === NONE ? result : []);
    // An answer that writes nothing holds for what came before it.
    if (entries.length === 0 && !shard.isOld)
      shard.writes.afterWrites((error) => settle(answerToAppendError(error)));
    else writeDeletion(shard, entries, taken, settle);
  };
  // The tombstones follow at once what is on its way, so that who asks for offsets later waits for them too. A group that
  // is not known may come with a commit that is on its way.
  if (shard.isOld || !shard.groups.has(groupId)) afterEarlierWrites(shard, fail, act);
  else act();
}

/** Whether there is an offset, once what is on its way is replicated, which the old coordinator does not look at. */
const isKnown = (
  { offsets, writes, isOld }: Shard,
  group: string,
  topic: string,
  partition: number,
): boolean => {
  const last = isOld ? undefined : writes.lastOffset(group, topic, partition);
  if (last !== undefined) return last.value !== null;
  return offsets.get(group, topic, partition) !== undefined || offsets.hasPending(group, topic, partition);
};

export interface DeletedGroup {
  readonly groupId: string;
  readonly errorCode: ErrorCode;
}

export function deleteGroups(
  shard: Shard,
  groupIds: readonly string[],
  respond: Respond<DeletedGroup[]>,
): void {
  const failAll = (errorCode: ErrorCode): void =>
    respond(groupIds.map((groupId) => ({ groupId, errorCode })));
  afterEarlierWrites(shard, failAll, () => {
    const entries: OffsetEntry[] = [];
    const deleted: ClassicGroup[] = [];
    const results = groupIds.map((groupId) => {
      const group = shard.groups.get(groupId);
      if (group === undefined) return { groupId, errorCode: GROUP_ID_NOT_FOUND };
      if (group.state !== 'Empty') return { groupId, errorCode: NON_EMPTY_GROUP };
      for (const [topic, partition] of shard.offsets.partitionsOf(groupId))
        entries.push(offsetTombstone(groupId, topic, partition));
      deleted.push(group);
      return { groupId, errorCode: NONE };
    });
    writeDeletion(shard, entries, deleted, (error) => {
      if (error === NONE) respond(results);
      else failAll(error);
    });
  });
}

/**
 * From now on a member that joins makes a new group; if the write fails, the old one is back.
 *
 * @param offsets tombstones of offsets, which those of the groups follow
 */
function writeDeletion(
  shard: Shard,
  offsets: readonly OffsetEntry[],
  deleted: readonly ClassicGroup[],
  settle: (answer: ErrorCode) => void,
): void {
  for (const group of deleted) shard.groups.delete(group.id);
  const entries = [...offsets, ...deleted.flatMap((group) => groupTombstones(shard, group))];
  write(shard, entries, (error) => {
    if (error !== NONE)
      for (const group of deleted) if (!shard.groups.has(group.id)) shard.groups.set(group.id, group);
    settle(error);
  });
}

/** The topics are gone, and so are the offsets committed for them (OffsetMetadataManager.onPartitionsDeleted). */
export function forgetPartitions(
  shard: Shard,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
): void {
  afterEarlierWrites(
    shard,
    () => {},
    () => {
      const entries: OffsetEntry[] = [];
      for (const group of shard.offsets.groups())
        for (const { topic, partition } of partitions)
          if (isKnown(shard, group, topic, partition)) entries.push(offsetTombstone(group, topic, partition));
      const taken = [...shard.groups.values()].filter((group) => isTakenAlong(shard, group, entries));
      writeDeletion(shard, entries, taken, () => {});
    },
  );
}

/** Removes what retention no longer keeps, and groups that have nothing left (cleanupGroupMetadata, KIP-211). */
export function expire(shard: Shard): void {
  afterEarlierWrites(
    shard,
    () => {},
    () => {
      const entries: OffsetEntry[] = [];
      const deleted: ClassicGroup[] = [];
      for (const group of [...shard.groups.values()]) {
        const isBare = expireOffsets(shard, group, entries);
        if (isBare && group.state === 'Empty') deleted.push(group);
      }
      writeDeletion(shard, entries, deleted, () => {});
    },
  );
}

/**
 * Removes of one group what retention would remove once its time has passed, at once; for faults on purpose.
 *
 * @param respond gets how many offsets went
 */
export function expireGroup(
  shard: Shard,
  groupId: string,
  respond: (error: ErrorCode, removed: number) => void,
): void {
  const fail = (error: ErrorCode): void => respond(error, 0);
  afterEarlierWrites(shard, fail, () => {
    const group = shard.groups.get(groupId);
    if (group === undefined) return fail(GROUP_ID_NOT_FOUND);
    const entries: OffsetEntry[] = [];
    const isBare = expireOffsets(shard, group, entries, Number.POSITIVE_INFINITY);
    const removed = entries.length;
    const deleted = isBare && group.state === 'Empty' ? [group] : [];
    writeDeletion(shard, entries, deleted, (error) => respond(error, error === NONE ? removed : 0));
  });
}

/** @returns whether the group has no offsets left */
function expireOffsets(
  shard: Shard,
  group: ClassicGroup,
  entries: OffsetEntry[],
  nowMs = shard.nowMs(),
): boolean {
  const baseOf = retentionBase(group);
  let isBare = true;
  for (const [topic, partition, stored] of shard.offsets.of(group.id)) {
    const isExpired =
      baseOf !== null &&
      !group.isSubscribedTo(topic) &&
      nowMs >= (stored.expireTimestampMs ?? baseOf(stored) + shard.settings.offsetsRetentionMs) &&
      !shard.offsets.hasPending(group.id, topic, partition);
    if (isExpired) entries.push(offsetTombstone(group.id, topic, partition));
    else isBare = false;
  }
  return isBare && !shard.offsets.hasOpenTransaction(group.id);
}

/**
 * From when the retention of an offset counts: in an empty group from when it became empty; in a stable group of
 * consumers, for topics that they no longer subscribe to, and in a simple group from the commit; else offsets are kept
 * (ClassicGroup.offsetExpirationCondition).
 */
function retentionBase(group: ClassicGroup): ((stored: StoredOffset) => number) | null {
  const fromCommit = (stored: StoredOffset): number => stored.commitTimestampMs;
  if (group.protocolType === null) return fromCommit;
  if (group.state === 'Empty') return (stored) => group.stateTimestampMs ?? stored.commitTimestampMs;
  const isKnown = group.protocolType === CONSUMER_PROTOCOL_TYPE && group.subscribedTopics !== null;
  return isKnown && group.state === 'Stable' ? fromCommit : null;
}
