/**
 * OffsetForLeaderEpoch (API key 23), versions 2 to 4: where a leader epoch ended in this leader's log, by which a
 * consumer notices that its position was truncated away (KIP-320).
 */
import type { Handler, RequestContext } from '../handler.ts';
import {
  type OffsetForLeaderEpochRequest,
  offsetForLeaderEpochApi,
} from '../protocol/23-offset-for-leader-epoch.ts';
import { errorCode } from '../protocol/errors.ts';
import { checkLeaderEpoch } from './01-fetch.ts';

type Answer = Parameters<typeof offsetForLeaderEpochApi.response.write>[1];
type PartitionAnswer = Answer['topics'][number]['partitions'][number];
type PartitionRequest = OffsetForLeaderEpochRequest['topics'][number]['partitions'][number];

const NONE = errorCode('NONE');
const NOT_LEADER = errorCode('NOT_LEADER_OR_FOLLOWER');
const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');

function answerPartition(
  { broker }: RequestContext,
  topic: string,
  wanted: PartitionRequest,
): PartitionAnswer {
  const { partition, leaderEpoch, currentLeaderEpoch } = wanted;
  const replica = broker.topicByName(topic)?.replicas[partition];
  if (replica === undefined) {
    const exists = broker.image.topics.get(topic)?.partitions[partition] !== undefined;
    return { partition, errorCode: exists ? NOT_LEADER : UNKNOWN_TOPIC_OR_PARTITION };
  }
  const error = checkLeaderEpoch(replica, currentLeaderEpoch);
  if (error !== NONE) return { partition, errorCode: error };
  if (!replica.isLeader) return { partition, errorCode: NOT_LEADER };
  const end = replica.log.endOfEpoch(leaderEpoch);
  if (end === null) return { partition, errorCode: NONE };
  return { partition, errorCode: NONE, leaderEpoch: end.epoch, endOffset: BigInt(end.endOffset) };
}

export const offsetForLeaderEpoch: Handler<OffsetForLeaderEpochRequest, Answer> = {
  api: offsetForLeaderEpochApi,
  handle(context, request, _version, respond) {
    respond({
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((wanted) => answerPartition(context, topic, wanted)),
      })),
    });
  },
  errorAnswer: (request, code) => ({
    topics: request.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partition, errorCode: code })),
    })),
  }),
};
