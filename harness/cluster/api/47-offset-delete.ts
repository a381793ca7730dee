/**
 * OffsetDelete (API key 47), version 0: removes committed offsets of topics that no member is subscribed to (KIP-496).
 */
import type { CoordinatorOf } from '../group/coordinator-of.ts';
import { UNKNOWN_TOPIC_OR_PARTITION } from '../group/error-codes.ts';
import type { Handler } from '../handler.ts';
import {
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
  offsetDeleteApi,
} from '../protocol/47-offset-delete.ts';
import { CommitAnswer } from './commit-answer.ts';
import { asCoordinatorKeeps } from './each-once.ts';

type TopicAnswer = OffsetDeleteResponse['topics'][number];

export const offsetDelete = (
  coordinatorOf: CoordinatorOf,
): Handler<OffsetDeleteRequest, OffsetDeleteResponse> => ({
  api: offsetDeleteApi,
  handle(context, { groupId, topics }, _version, respond) {
    const answer = new CommitAnswer<TopicAnswer>();
    const existingTopics: OffsetDeleteRequest['topics'] = [];
    for (const { name, partitions } of topics) {
      const refuse = (refused: TopicAnswer['partitions']): void =>
        answer.refuse(name, () => ({ name, partitions: [] }), refused);
      const topic = context.broker.image.topics.get(name);
      const count = topic?.partitions.length ?? 0;
      if (topic === undefined) refuse([]);
      const existing = partitions.filter(
        ({ partitionIndex }) => partitionIndex >= 0 && partitionIndex < count,
      );
      for (const partition of partitions)
        if (!existing.includes(partition)) refuse([{ ...partition, errorCode: UNKNOWN_TOPIC_OR_PARTITION }]);
      if (existing.length > 0) existingTopics.push({ name, partitions: existing });
    }
    const known = asCoordinatorKeeps(context, existingTopics);
    coordinatorOf(context).deleteOffsets({ groupId, topics: [...known] }, (errorCode, results) => {
      const coordinated = known.map(({ name }, index) => ({
        key: name,
        topic: { name, partitions: [...(results[index]?.partitions ?? [])] },
      }));
      respond({ errorCode, throttleTimeMs: 0, topics: errorCode === 0 ? answer.merge(coordinated) : [] });
    });
  },
  errorAnswer: (_request, errorCode) => ({ errorCode, throttleTimeMs: 0, topics: [] }),
});
