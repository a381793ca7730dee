/**
 * OffsetCommit (API key 8), versions 2 to 10: offsets of a group's member, or of a consumer without group management,
 * for partitions that exist.
 *
 * 10 names topics by id. A commit for an unknown partition is refused by itself; the others go to the coordinator.
 * Not implemented: members of the new protocol (KIP-848), whose groups do not exist here.
 */
import type { CoordinatorOf } from '../group/coordinator-of.ts';
import { UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION } from '../group/error-codes.ts';
import type { Handler, RequestContext } from '../handler.ts';
import {
  type OffsetCommitRequest,
  type OffsetCommitResponse,
  offsetCommitApi,
} from '../protocol/08-offset-commit.ts';
import { CommitAnswer } from './commit-answer.ts';
import { asCoordinatorKeeps } from './each-once.ts';

type Topic = OffsetCommitRequest['topics'][number];
type TopicAnswer = OffsetCommitResponse['topics'][number];

/** First version that names topics by id. */
const TOPIC_ID_VERSION = 10;

const topicOf = ({ broker: { image } }: RequestContext, topic: Topic, version: number) =>
  version < TOPIC_ID_VERSION ? image.topics.get(topic.name) : image.topicsById.get(topic.topicId);

const answerTo = ({ name, topicId }: Topic): TopicAnswer => ({ name, topicId, partitions: [] });

const errorAnswer = ({ topics }: OffsetCommitRequest, errorCode: number): OffsetCommitResponse => ({
  throttleTimeMs: 0,
  topics: topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  })),
});

export const offsetCommit = (
  coordinatorOf: CoordinatorOf,
): Handler<OffsetCommitRequest, OffsetCommitResponse> => ({
  api: offsetCommitApi,
  handle(context, request, version, respond) {
    const { groupId, memberId, groupInstanceId, generationIdOrMemberEpoch, retentionTimeMs, topics } =
      request;
    const commit = {
      groupId,
      memberId,
      groupInstanceId,
      generationId: generationIdOrMemberEpoch,
      retentionTimeMs,
    };
    const coordinator = coordinatorOf(context);
    const answer = new CommitAnswer<TopicAnswer>();
    const existingTopics: {
      name: string;
      topicId: string;
      key: string;
      topic: Topic;
      partitions: Topic['partitions'];
    }[] = [];
    for (const topic of topics) {
      const key = version < TOPIC_ID_VERSION ? topic.name : topic.topicId;
      const refuse = (refused: TopicAnswer['partitions']): void =>
        answer.refuse(key, () => answerTo(topic), refused);
      const existing = topicOf(context, topic, version);
      const count = existing?.partitions.length ?? 0;
      const isUnknownId = existing === undefined && version >= TOPIC_ID_VERSION;
      const errorCode = isUnknownId ? UNKNOWN_TOPIC_ID : UNKNOWN_TOPIC_OR_PARTITION;
      const partitions = topic.partitions.filter(
        ({ partitionIndex }) => partitionIndex >= 0 && partitionIndex < count,
      );
      if (existing === undefined) refuse([]);
      for (const partition of topic.partitions) {
        if (partitions.includes(partition)) continue;
        refuse([{ partitionIndex: partition.partitionIndex, errorCode }]);
        coordinator.commitRefused(
          commit,
          existing?.name ?? (isUnknownId ? topic.topicId : topic.name),
          partition,
          errorCode,
        );
      }
      if (existing !== undefined && partitions.length > 0)
        existingTopics.push({ name: existing.name, topicId: existing.id, key, topic, partitions });
    }
    const known = asCoordinatorKeeps(context, existingTopics);
    if (known.length === 0) {
      respond({ throttleTimeMs: 0, topics: answer.merge([]) });
      return;
    }
    coordinator.commitOffsets(version, { ...commit, topics: known }, (results) => {
      const coordinated = known.map(({ key, topic }, index) => ({
        key,
        topic: { ...answerTo(topic), partitions: [...(results[index]?.partitions ?? [])] },
      }));
      respond({ throttleTimeMs: 0, topics: answer.merge(coordinated) });
    });
  },
  errorAnswer,
});
