/** Administration of consumer groups: group names enter, the coordinator's answers leave. */

import {
  deleteGroupsV2,
  describeGroupsV5,
  findCoordinatorV4,
  listGroupsV4,
  offsetCommitV8,
  offsetDeleteV0,
  offsetFetchV8,
} from '@platformatic/kafka';
import { errorOrNull } from '../../../cluster/protocol/errors.ts';
import type { GroupMember } from '../../../history/schema.ts';
import type { BrokerAddress } from './broker-connection.ts';
import { type ClusterLink, withRetries } from './cluster-link.ts';
import type { Deadline } from './deadline.ts';
import {
  canRetry,
  DeadlineExceededError,
  GroupNotEmptyError,
  KafkaRequestError,
  throwOnError,
} from './kafka-error.ts';
import { byMemberId, decodeMember } from './member.ts';

export interface GroupDescription {
  /** Kafka's word: Empty, PreparingRebalance, CompletingRebalance, Stable, Dead (also where there is no such group). */
  readonly state: string;
  /** Subscriptions and assignments are known to the coordinator in state Stable only; else they are empty. */
  readonly members: GroupMember[];
}

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  /** Null where the group has committed none. */
  readonly offset: bigint | null;
}

const GROUP_KEY = 0;

async function coordinatorOf(link: ClusterLink, group: string): Promise<BrokerAddress> {
  const answer = await link.requestAny(findCoordinatorV4.api, [GROUP_KEY, [group]]);
  const found = answer.coordinators[0];
  const what = `finding the coordinator of ${group}`;
  if (!found) throw new KafkaRequestError(what, 'COORDINATOR_NOT_AVAILABLE');
  throwOnError(what, found.errorCode, found.errorMessage);
  return { host: found.host, port: found.port };
}

/**
 * Resolves when the group has a coordinator that answers for it. On a fresh cluster this makes Kafka create
 * `__consumer_offsets`.
 */
export async function ensureCoordinator(link: ClusterLink, group: string, deadline: Deadline): Promise<void> {
  await describeGroup(link, group, deadline);
}

export async function describeGroup(
  link: ClusterLink,
  group: string,
  deadline: Deadline,
): Promise<GroupDescription> {
  const what = `describing group ${group}`;
  return await withRetries(what, deadline, async () => {
    const coordinator = await coordinatorOf(link, group);
    const answer = await link.request(coordinator, describeGroupsV5.api, [[group], false]);
    const found = answer.groups[0];
    if (!found) throw new KafkaRequestError(what, 'COORDINATOR_NOT_AVAILABLE');
    throwOnError(what, found.errorCode);
    const members = found.members.map(
      (member) =>
        decodeMember(found.protocolType, {
          memberId: member.memberId,
          clientId: member.clientId,
          groupInstanceId: member.groupInstanceId ?? null,
          subscription: member.memberMetadata,
          assignment: member.memberAssignment,
        }).member,
    );
    return { state: found.groupState, members: members.sort(byMemberId) };
  });
}

export interface AskedPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

/**
 * The group's committed offsets, those of open transactions settled first.
 * @param of the partitions asked for; null asks for all that the group has committed. Kafka 3.9 then leaves out a
 * partition whose only commit is in an open transaction, instead of letting us wait for it.
 */
export async function committedOffsets(
  link: ClusterLink,
  group: string,
  of: readonly AskedPartitions[] | null,
  deadline: Deadline,
): Promise<CommittedOffset[]> {
  const what = `reading the committed offsets of group ${group}`;
  return await withRetries(what, deadline, async () => {
    const coordinator = await coordinatorOf(link, group);
    const topics = of?.map(({ topic, partitions }) => ({ name: topic, partitionIndexes: [...partitions] }));
    // The library's type lacks the null that stands for all topics; version 8 sends no member epoch.
    const request = { groupId: group, topics: topics ?? (null as never), memberEpoch: -1 };
    const answer = await link.request(coordinator, offsetFetchV8.api, [[request], true]);
    const found = answer.groups[0];
    if (!found) throw new KafkaRequestError(what, 'COORDINATOR_NOT_AVAILABLE');
    throwOnError(what, found.errorCode);
    return found.topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset, errorCode }) => {
        throwOnError(what, errorCode);
        return {
          topic: name,
          partition: partitionIndex,
          offset: committedOffset < 0n ? null : committedOffset,
        };
      }),
    );
  });
}

/**
 * OffsetDelete (KIP-496). What Kafka refuses, such as GROUP_SUBSCRIBED_TO_TOPIC, is an answer; an error of the whole
 * group is every partition's answer.
 */
export async function deleteGroupOffsets(
  link: ClusterLink,
  group: string,
  topic: string,
  partitions: readonly number[],
  deadline: Deadline,
): Promise<{ partition: number; error: string | null }[]> {
  const what = `deleting offsets of group ${group}`;
  return await withRetries(what, deadline, async () => {
    const coordinator = await coordinatorOf(link, group);
    const answer = await link.request(coordinator, offsetDeleteV0.api, [
      group,
      [{ name: topic, partitions: partitions.map((partition) => ({ partitionIndex: partition })) }],
    ]);
    const groupError = asAnswer(what, answer.errorCode);
    if (groupError !== null) return partitions.map((partition) => ({ partition, error: groupError }));
    return (answer.topics[0]?.partitions ?? []).map(({ partitionIndex, errorCode }) => ({
      partition: partitionIndex,
      error: asAnswer(what, errorCode),
    }));
  });
}

/**
 * Commits an offset as a member of none of the group's generations, which Kafka allows while the group is empty; what it
 * refuses, such as UNKNOWN_MEMBER_ID, is an answer.
 */
export async function alterGroupOffset(
  link: ClusterLink,
  group: string,
  topic: string,
  partition: number,
  offset: bigint,
  deadline: Deadline,
): Promise<string | null> {
  const what = `setting an offset of group ${group}`;
  return await withRetries(what, deadline, async () => {
    const coordinator = await coordinatorOf(link, group);
    const committed = {
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: -1,
      committedMetadata: '',
    };
    const answer = await link.request(coordinator, offsetCommitV8.api, [
      group,
      -1,
      '',
      null,
      [{ name: topic, partitions: [committed] }],
    ]);
    return asAnswer(what, answer.topics[0]?.partitions[0]?.errorCode ?? 0);
  });
}

/** The error's name as an answer. @throws KafkaRequestError where the error passes by itself */
function asAnswer(what: string, errorCode: number): string | null {
  const name = errorOrNull(errorCode);
  if (name === null) return null;
  const error = new KafkaRequestError(what, name);
  // An unknown partition is an answer here, not a broker whose metadata lags.
  if (canRetry(error) && name !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
  return name;
}

/**
 * Deletes groups and, while they still have members that are being expired, tries again until the deadline.
 * @returns the groups that are still there, each with the reason
 */
export async function deleteGroups(
  link: ClusterLink,
  groups: readonly string[],
  deadline: Deadline,
): Promise<{ group: string; error: string }[]> {
  const left = await Promise.all(groups.map(async (group) => await deleteGroup(link, group, deadline)));
  return left.filter((one) => one !== null);
}

async function deleteGroup(
  link: ClusterLink,
  group: string,
  deadline: Deadline,
): Promise<{ group: string; error: string } | null> {
  const what = `deleting group ${group}`;
  try {
    await withRetries(what, deadline, async () => {
      const coordinator = await coordinatorOf(link, group);
      const answer = await link.request(coordinator, deleteGroupsV2.api, [[group]]);
      const name = errorOrNull(answer.results[0]?.errorCode ?? 0);
      // Not there is what we want; an earlier attempt may have done it.
      if (name === null || name === 'GROUP_ID_NOT_FOUND') return;
      if (name === 'NON_EMPTY_GROUP') throw new GroupNotEmptyError(what, name);
      throw new KafkaRequestError(what, name);
    });
    return null;
  } catch (error) {
    const last = error instanceof DeadlineExceededError ? error.cause : error;
    if (last instanceof KafkaRequestError) return { group, error: last.errorName };
    throw error;
  }
}

/** Groups of all brokers whose names begin so. */
export async function listGroups(link: ClusterLink, prefix: string, deadline: Deadline): Promise<string[]> {
  const what = 'listing groups';
  return await withRetries(what, deadline, async () => {
    const { brokers } = await link.metadata([]);
    const names = await Promise.all(
      brokers.map(async (broker) => {
        const answer = await link.request(broker, listGroupsV4.api, [[], undefined as never]);
        throwOnError(what, answer.errorCode);
        return answer.groups.map((group) => group.groupId);
      }),
    );
    return [...new Set(names.flat())].filter((name) => name.startsWith(prefix)).sort();
  });
}
