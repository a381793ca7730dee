/**
 * A new coordinator rebuilds its state: the log's records enter, in order, and groups, offsets and the members' session
 * timers are there afterwards (GroupMetadataManager.replay, onLoaded).
 *
 * A generation is written only when its leader has assigned, so a rebalance that was going on is forgotten: the members
 * are back in the generation before it until their heartbeats and joins say otherwise.
 */
import type { StoredRecord } from '../environment.ts';
import { ClassicGroup } from './classic-group.ts';
import { ClassicMember } from './classic-member.ts';
import { expireSession, extendSession, prepareRebalance, sessionTimer } from './rebalance.ts';
import { decodeEntry, type StoredGroup, type StoredMember } from './records.ts';
import { expire } from './remove.ts';
import type { Shard } from './shard.ts';

const EXPIRY_TIMER = 'expire-group-metadata';

export function load(shard: Shard): void {
  const records = [...shard.log.read()];
  shard.evidence.endsAt(shard.log.partition, (records.at(-1)?.offset ?? -1n) + 1n);
  for (const record of records) replay(shard, record);
  for (const group of shard.groups.values()) {
    group.isDurable = true;
    for (const member of group.members.values()) extendSession(shard, member);
    // The limit may have been lowered since.
    if (group.members.size > shard.settings.groupSizeMax) prepareRebalance(shard, group);
  }
  scheduleExpiry(shard);
}

/**
 * The same broker is elected again, as after a pause that cost it the leadership for a while: it goes on as it was, with
 * what it had written and not seen replicated (CoordinatorRuntime.scheduleLoadOperation loads nothing anew).
 */
export function catchUp(shard: Shard): void {
  const next = shard.evidence.next(shard.log.partition);
  for (const record of shard.log.read()) {
    if (record.offset < next) continue;
    const entry = record.transaction?.marker == null ? decodeEntry(record) : null;
    if (entry?.kind === 'group') shard.replicated([entry], record.offset, null);
    else replay(shard, record);
  }
}

function scheduleExpiry(shard: Shard): void {
  shard.timers.set(EXPIRY_TIMER, shard.settings.offsetsRetentionCheckIntervalMs, () => {
    expire(shard);
    scheduleExpiry(shard);
  });
}

function replay(shard: Shard, record: StoredRecord): void {
  const { offset, transaction } = record;
  if (transaction !== undefined && transaction.marker !== null) {
    shard.endTransaction(transaction.producerId, transaction.marker, offset);
    return;
  }
  const entry = decodeEntry(record);
  if (entry === null) return;
  if (entry.kind === 'group') {
    if (entry.value === null) shard.groups.delete(entry.group);
    else shard.groups.set(entry.group, toGroup(shard, entry.group, entry.value));
  }
  shard.replicated([entry], offset, transaction?.producerId ?? null);
}

function toGroup(shard: Shard, id: string, stored: StoredGroup): ClassicGroup {
  const { currentStateTimestamp, members, protocolType } = stored;
  const group = new ClassicGroup(id, currentStateTimestamp < 0n ? null : Number(currentStateTimestamp));
  if (members.length > 0) group.state = 'Stable';
  group.generationId = stored.generation;
  group.protocolType = protocolType === '' ? null : protocolType;
  group.protocolName = stored.protocol;
  group.leaderId = stored.leader;
  for (const member of members) group.add(toMember(shard, id, stored, member), null);
  group.readSubscriptions();
  return group;
}

/** Of the member's protocols only the chosen one is known until it joins again. */
function toMember(shard: Shard, groupId: string, group: StoredGroup, stored: StoredMember): ClassicMember {
  const { memberId, groupInstanceId, clientId, clientHost, sessionTimeoutMs, rebalanceTimeoutMs } = stored;
  const member = new ClassicMember(
    { memberId, groupInstanceId, clientId, clientHost, protocolType: group.protocolType },
    {
      rebalanceTimeoutMs: rebalanceTimeoutMs < 0 ? sessionTimeoutMs : rebalanceTimeoutMs,
      sessionTimeoutMs,
      protocols: [{ name: group.protocol ?? '', metadata: stored.subscription }],
    },
    sessionTimer(groupId, memberId),
    () => expireSession(shard, groupId, memberId),
  );
  member.assignment = stored.assignment;
  return member;
}
