/**
 * What the history keeps of each API: a decoded request enters, its events leave, together with what is to be done
 * with the answer when it comes.
 */
import { type FetchRequest, type FetchResponse, fetchApi } from '../../cluster/protocol/01-fetch.ts';
import { listOffsetsApi } from '../../cluster/protocol/02-list-offsets.ts';
import { metadataApi } from '../../cluster/protocol/03-metadata.ts';
import { offsetCommitApi } from '../../cluster/protocol/08-offset-commit.ts';
import { offsetFetchApi } from '../../cluster/protocol/09-offset-fetch.ts';
import { joinGroupApi } from '../../cluster/protocol/11-join-group.ts';
import { heartbeatApi } from '../../cluster/protocol/12-heartbeat.ts';
import { leaveGroupApi } from '../../cluster/protocol/13-leave-group.ts';
import { syncGroupApi } from '../../cluster/protocol/14-sync-group.ts';
import { txnOffsetCommitApi } from '../../cluster/protocol/28-txn-offset-commit.ts';
import type { AnyApi, Api } from '../../cluster/protocol/api.ts';
import { decodeAssignment } from '../../cluster/protocol/consumer-protocol.ts';
import { errorName, errorOrNull } from '../../cluster/protocol/errors.ts';
import type { ClientEvent } from '../host.ts';
import { fetchGlance, type Glance, heartbeatGlance, NO_REPLICA } from './glances.ts';

/** What the watchers share: within the process, and within one connection. */
export interface WatchContext {
  readonly emit: (event: ClientEvent) => void;
  /** Numbers the commits of the process. */
  readonly nextCommit: () => number;
  /** Names of topics by id, from Metadata answers; newer versions of some APIs name no topic. */
  readonly topicNames: Map<string, string>;
  /** What was asked for last by topic and partition: in a fetch session a request repeats only what has changed. */
  readonly asked: Map<string, { readonly fetchOffset: bigint; readonly currentLeaderEpoch: number }>;
}

export interface Answer<Response> {
  response(body: Response): void;
  /** No answer can come any more, or it came and could not be read. */
  lost?(reason: string): void;
}

export interface Watcher<Request = unknown, Response = unknown> {
  readonly api: AnyApi;
  /** @returns what to do with the answer, or null where it says nothing of interest */
  request(body: Request, context: WatchContext): Answer<Response> | null;
  /** Where given, requests and answers are read only where a glance finds that they matter. */
  readonly glance?: Glance;
}

const watch = <Request, Response>(
  api: Api<Request, never, Response, never>,
  request: (body: Request, context: WatchContext) => Answer<Response> | null,
  glance?: Glance,
): Watcher => ({
  api: api as AnyApi,
  request: request as Watcher['request'],
  ...(glance === undefined ? {} : { glance }),
});

const NO_OFFSET = -1n;
const NO_EPOCH = -1;

const offsetOrNull = (offset: bigint): string | null => (offset === NO_OFFSET ? null : String(offset));

const topicOf = (
  { topicNames }: WatchContext,
  { name, topicId }: { readonly name: string; readonly topicId: string },
): string => (name === '' ? (topicNames.get(topicId) ?? topicId) : name);

const metadata = watch(metadataApi, (_request, { topicNames }) => ({
  response({ topics }) {
    for (const { name, topicId } of topics) if (name !== null) topicNames.set(topicId, name);
  },
}));

const watchFetch = (
  { topics }: Pick<FetchRequest, 'topics'>,
  context: WatchContext,
): Answer<FetchResponse> => {
  const { asked, emit } = context;
  const key = (topic: string, partition: number): string => `${topic}/${partition}`;
  for (const { topic: name, topicId, partitions } of topics) {
    const topic = topicOf(context, { name, topicId });
    for (const { partition, fetchOffset, currentLeaderEpoch } of partitions)
      asked.set(key(topic, partition), { fetchOffset, currentLeaderEpoch });
  }
  return {
    response({ responses }) {
      for (const { topic: name, topicId, partitions } of responses) {
        const topic = topicOf(context, { name, topicId });
        for (const { partitionIndex: partition, errorCode, preferredReadReplica: broker } of partitions) {
          if (errorCode === 0) {
            if (broker !== NO_REPLICA) emit({ kind: 'wire-read-replica', topic, partition, broker });
            continue;
          }
          const { fetchOffset = NO_OFFSET, currentLeaderEpoch: leaderEpoch = NO_EPOCH } =
            asked.get(key(topic, partition)) ?? {};
          emit({
            kind: 'wire-fetch-error',
            topic,
            partition,
            offset: String(fetchOffset),
            ...(leaderEpoch === NO_EPOCH ? {} : { leaderEpoch }),
            error: errorName(errorCode),
          });
        }
      }
    },
  };
};

const fetch = watch(fetchApi, watchFetch, fetchGlance);

/** The negative time stamps that ask for a place in the log. */
const PLACES = new Map([
  [-1n, 'latest'],
  [-2n, 'earliest'],
]);

const listOffsets = watch(listOffsetsApi, ({ topics: asked }, { emit }) => ({
  response({ topics }) {
    for (const { name: topic, partitions } of topics) {
      for (const { partitionIndex: partition, errorCode, offset } of partitions) {
        const timestamp = asked
          .find(({ name }) => name === topic)
          ?.partitions.find((one) => one.partitionIndex === partition)?.timestamp;
        emit({
          kind: 'wire-list-offsets',
          topic,
          partition,
          at: timestamp === undefined ? 'unknown' : (PLACES.get(timestamp) ?? String(timestamp)),
          offset: errorCode === 0 ? offsetOrNull(offset) : null,
          error: errorOrNull(errorCode),
        });
      }
    }
  },
}));

const offsetCommit = watch(offsetCommitApi, (request, context) => {
  const { groupId: group, memberId, generationIdOrMemberEpoch: generation, topics } = request;
  const { emit } = context;
  const commit = context.nextCommit();
  emit({
    kind: 'commit-invoke',
    group,
    commit,
    memberId,
    generation,
    offsets: topics.flatMap((topic) =>
      topic.partitions.map(({ partitionIndex, committedOffset }) => ({
        topic: topicOf(context, topic),
        partition: partitionIndex,
        offset: String(committedOffset),
      })),
    ),
  });
  return {
    response({ topics: answers }) {
      const errors = answers.flatMap((topic) =>
        topic.partitions
          .filter(({ errorCode }) => errorCode !== 0)
          .map(({ partitionIndex, errorCode }) => ({
            topic: topicOf(context, topic),
            partition: partitionIndex,
            error: errorName(errorCode),
          })),
      );
      if (errors.length === 0) emit({ kind: 'commit-ok', group, commit });
      else emit({ kind: 'commit-fail', group, commit, errors });
    },
    lost: (reason) => emit({ kind: 'commit-unknown', group, commit, reason }),
  };
});

const txnOffsetCommit = watch(
  txnOffsetCommitApi,
  ({ groupId: group, memberId, generationId, topics }, context) => {
    const { emit } = context;
    const commit = context.nextCommit();
    const offsets = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset }) => ({
        topic: name,
        partition: partitionIndex,
        offset: String(committedOffset),
      })),
    );
    const generation = generationId;
    emit({ kind: 'commit-invoke', group, commit, memberId, generation, offsets, transactional: true });
    return {
      response({ topics: answers }) {
        const errors = answers.flatMap(({ name, partitions }) =>
          partitions
            .filter(({ errorCode }) => errorCode !== 0)
            .map(({ partitionIndex, errorCode }) => ({
              topic: name,
              partition: partitionIndex,
              error: errorName(errorCode),
            })),
        );
        if (errors.length === 0) emit({ kind: 'commit-ok', group, commit });
        else emit({ kind: 'commit-fail', group, commit, errors });
      },
      lost: (reason) => emit({ kind: 'commit-unknown', group, commit, reason }),
    };
  },
);

interface FetchedTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly { partitionIndex: number; committedOffset: bigint; errorCode: number }[];
}

/** A partition with an error is left out: whether the coordinator has an offset for it is not known. */
const emitOffsetFetch = (
  group: string,
  topics: readonly FetchedTopic[],
  errorCode: number,
  context: WatchContext,
): void => {
  const errors = topics.flatMap(({ partitions }) => partitions.map((one) => one.errorCode));
  context.emit({
    kind: 'wire-offset-fetch',
    group,
    offsets: topics.flatMap((topic) =>
      topic.partitions
        .filter((one) => one.errorCode === 0)
        .map(({ partitionIndex, committedOffset }) => ({
          topic: topicOf(context, topic),
          partition: partitionIndex,
          offset: offsetOrNull(committedOffset),
        })),
    ),
    error: errorOrNull(errorCode || (errors.find((one) => one !== 0) ?? 0)),
  });
};

const offsetFetch = watch(offsetFetchApi, ({ groupId, groups: asked }, context) => ({
  response({ topics, errorCode, groups }) {
    for (const one of groups) emitOffsetFetch(one.groupId, one.topics, one.errorCode, context);
    // Before version 8 a request is about one group.
    if (asked.length === 0)
      emitOffsetFetch(
        groupId,
        topics.map((topic) => ({ ...topic, topicId: '' })),
        errorCode,
        context,
      );
  },
}));

const joinGroup = watch(joinGroupApi, ({ groupId: group, memberId: asked }, { emit }) => ({
  response({ memberId, generationId, leader, errorCode }) {
    emit({
      kind: 'wire-join',
      group,
      memberId: memberId === '' ? asked : memberId,
      generation: generationId,
      leaderMemberId: leader,
      error: errorOrNull(errorCode),
    });
  },
}));

const syncGroup = watch(syncGroupApi, ({ groupId: group, memberId, generationId }, { emit }) => ({
  response({ assignment, errorCode }) {
    // A member that is given nothing may be sent no bytes at all.
    const decoded = assignment.byteLength === 0 ? [] : decodeAssignment(assignment).assignment;
    const error = errorOrNull(errorCode);
    emit({ kind: 'wire-sync', group, memberId, generation: generationId, assignment: decoded, error });
  },
}));

const heartbeat = watch(
  heartbeatApi,
  ({ groupId: group, memberId, generationId }, { emit }) => ({
    response({ errorCode }) {
      if (errorCode === 0) return;
      const error = errorName(errorCode);
      emit({ kind: 'wire-heartbeat', group, memberId, generation: generationId, error });
    },
  }),
  heartbeatGlance,
);

const leaveGroup = watch(leaveGroupApi, ({ groupId: group, memberId, members }, { emit }) => {
  const memberIds = members.length === 0 ? [memberId] : members.map((member) => member.memberId);
  emit({ kind: 'wire-leave', group, memberIds });
  return null;
});

const all = [
  fetch,
  listOffsets,
  metadata,
  offsetCommit,
  txnOffsetCommit,
  offsetFetch,
  joinGroup,
  heartbeat,
  leaveGroup,
  syncGroup,
];

/** By API key. */
export const watchers: ReadonlyMap<number, Watcher> = new Map(all.map((one) => [one.api.key, one]));
