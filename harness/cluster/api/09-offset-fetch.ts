/**
 * OffsetFetch (API key 9), versions 1 to 10: the committed offsets of one group, or from version 8 of several.
 *
 * 10 names topics by id; a group's topics that exist no more are left out of the answer for all. Version 1 has no place
 * for a group's error but its partitions.
 * Not implemented: members of the new protocol (KIP-848), whose epoch is not looked at.
 */
import type { CoordinatorOf } from '../group/coordinator-of.ts';
import { UNKNOWN_TOPIC_ID } from '../group/error-codes.ts';
import type { FetchedGroup, FetchGroupRequest } from '../group/fetch-offsets.ts';
import type { Handler, RequestContext } from '../handler.ts';
import {
  type OffsetFetchRequest,
  type OffsetFetchResponse,
  offsetFetchApi,
} from '../protocol/09-offset-fetch.ts';
import { eachOnce, type Naming } from './each-once.ts';

type GroupRequest = OffsetFetchRequest['groups'][number];
type GroupAnswer = OffsetFetchResponse['groups'][number];
type TopicRequest = NonNullable<GroupRequest['topics']>[number];
type TopicAnswer = GroupAnswer['topics'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];

const TOPIC_ID_VERSION = 10;
const SEVERAL_GROUPS_VERSION = 8;
const TOP_LEVEL_ERROR_VERSION = 2;
const NO_ID = '0'.repeat(32);

const failed = (partitionIndex: number, errorCode: number): PartitionAnswer => ({
  partitionIndex,
  committedOffset: -1n,
  committedLeaderEpoch: -1,
  metadata: '',
  errorCode,
});

const failedTopic = (
  { name, topicId, partitionIndexes }: { name: string; topicId: string; partitionIndexes: readonly number[] },
  errorCode: number,
): TopicAnswer => ({
  name,
  topicId,
  partitions: partitionIndexes.map((partition) => failed(partition, errorCode)),
});

/** The old group coordinator keeps the partitions of a request in a map. */
const asKept = ({ cluster }: RequestContext, group: GroupRequest): GroupRequest =>
  cluster.profile.oldGroupCoordinator && group.topics !== null
    ? { ...group, topics: [...eachOnce(group.topics, naming)] }
    : group;

const naming: Naming<TopicRequest, number> = {
  keyOf: ({ name }) => name,
  itemsOf: ({ partitionIndexes }) => partitionIndexes,
  indexOf: (index) => index,
  withItems: (topic, partitionIndexes) => ({ ...topic, partitionIndexes }),
};

/** One group, whichever way the version puts it. */
function groupsOf(request: OffsetFetchRequest, version: number): GroupRequest[] {
  if (version >= SEVERAL_GROUPS_VERSION) return request.groups;
  const topics = request.topics?.map((topic) => ({ ...topic, topicId: NO_ID })) ?? null;
  return [{ groupId: request.groupId, memberId: null, memberEpoch: -1, topics }];
}

interface Plan {
  readonly request: FetchGroupRequest;
  /** The request's topics in their order: a name, or null for an id that nobody knows. */
  readonly names: readonly (string | null)[] | null;
}

function plan({ broker }: RequestContext, { groupId, topics }: GroupRequest, version: number): Plan {
  if (topics === null) return { request: { groupId, topics: null }, names: null };
  const names = topics.map(({ name, topicId }) =>
    version < TOPIC_ID_VERSION ? name : (broker.image.topicsById.get(topicId)?.name ?? null),
  );
  const known = topics.flatMap(({ topicId, partitionIndexes }, i) => {
    const name = names[i] ?? null;
    return name === null ? [] : [{ name, topicId, partitionIndexes }];
  });
  return { request: { groupId, topics: known }, names };
}

function answerGroup(
  { broker }: RequestContext,
  asked: GroupRequest,
  { names }: Plan,
  fetched: FetchedGroup,
  version: number,
): GroupAnswer {
  const { groupId } = asked;
  const { errorCode } = fetched;
  if (errorCode !== 0 || asked.topics === null || names === null) {
    const topics = fetched.topics.flatMap(({ name, partitions }): TopicAnswer[] => {
      const topicId = version < TOPIC_ID_VERSION ? NO_ID : broker.image.topics.get(name)?.id;
      return topicId === undefined ? [] : [{ name, topicId, partitions }];
    });
    return { groupId, errorCode, topics };
  }
  const found = fetched.topics.values();
  const topics = asked.topics.map((topic, i) => {
    if (names[i] === null) return failedTopic(topic, UNKNOWN_TOPIC_ID);
    return { name: topic.name, topicId: topic.topicId, partitions: found.next().value?.partitions ?? [] };
  });
  return { groupId, errorCode, topics };
}

function toResponse(
  request: OffsetFetchRequest,
  version: number,
  groups: readonly GroupAnswer[],
): OffsetFetchResponse {
  const response = { throttleTimeMs: 0, topics: [], errorCode: 0, groups: [...groups] };
  const [only] = groups;
  if (version >= SEVERAL_GROUPS_VERSION || only === undefined) return response;
  const { errorCode } = only;
  const topics =
    errorCode !== 0 && version < TOP_LEVEL_ERROR_VERSION
      ? (request.topics ?? []).map((topic) => failedTopic({ ...topic, topicId: NO_ID }, errorCode))
      : only.topics;
  return { ...response, errorCode, topics };
}

export const offsetFetch = (
  coordinatorOf: CoordinatorOf,
): Handler<OffsetFetchRequest, OffsetFetchResponse> => ({
  api: offsetFetchApi,
  handle(context, request, version, respond) {
    const asked = groupsOf(request, version).map((group) => asKept(context, group));
    const answers = new Map<number, GroupAnswer>();
    const finish = (): void => {
      if (answers.size < asked.length) return;
      const inOrder = asked.flatMap((_, i) => answers.get(i) ?? []);
      respond(toResponse(request, version, inOrder));
    };
    if (asked.length === 0) finish();
    for (const [i, group] of asked.entries()) {
      const planned = plan(context, group, version);
      coordinatorOf(context).fetchOffsets(planned.request, request.requireStable, (fetched) => {
        answers.set(i, answerGroup(context, group, planned, fetched, version));
        finish();
      });
    }
  },
  errorAnswer: (request, errorCode, version) =>
    toResponse(
      request,
      version,
      groupsOf(request, version).map(({ groupId }) => ({ groupId, errorCode, topics: [] })),
    ),
});
