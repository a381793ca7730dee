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

type TopicAnswer = OffsetDeleteResponse['topics'][number];

export const offsetDelete = (
  coordinatorOf: CoordinatorOf,
): Handler<OffsetDeleteRequest, OffsetDeleteResponse> => ({
  api: offsetDeleteApi,
  handle(context, { groupId, topics }, _version, respond) {
    const answers: TopicAnswer[] = [];
    const known: { name: string; answer: TopicAnswer; partitions: { partitionIndex: number }[] }[] = [];
    for (const { name, partitions } of topics) {
      const answer: TopicAnswer = { name, partitions: [] };
      answers.push(answer);
      const count = context.broker.image.topics.get(name)?.partitions.length ?? 0;
      const existing = partitions.filter(
        ({ partitionIndex }) => partitionIndex >= 0 && partitionIndex < count,
      );
      for (const partition of partitions)
        if (!existing.includes(partition))
          answer.partitions.push({ ...partition, errorCode: UNKNOWN_TOPIC_OR_PARTITION });
      if (existing.length > 0) known.push({ name, answer, partitions: existing });
    }
    coordinatorOf(context).deleteOffsets({ groupId, topics: known }, (errorCode, results) => {
      for (const [i, { partitions }] of results.entries()) known[i]?.answer.partitions.push(...partitions);
      respond({ errorCode, throttleTimeMs: 0, topics: errorCode === 0 ? answers : [] });
    });
  },
  errorAnswer: (_request, errorCode) => ({ errorCode, throttleTimeMs: 0, topics: [] }),
});
