/**
 * DeleteRecords (API key 21), versions 0 to 2: the log start offset moves up, at most to the high watermark, and the
 * answer comes once all live replicas have moved theirs, or when the time is over (KIP-107).
 */
import type { Handler, RequestContext } from '../handler.ts';
import { lowWatermark } from '../low-watermark.ts';
import { type DeleteRecordsRequest, deleteRecordsApi } from '../protocol/21-delete-records.ts';
import { errorCode } from '../protocol/errors.ts';
import type { Replica } from '../replica.ts';
import { topicLimits } from '../topic-configs.ts';
import { eachOnce } from './each-once.ts';

type Answer = Parameters<typeof deleteRecordsApi.response.write>[1];
type PartitionAnswer = Answer['topics'][number]['partitions'][number];

const NONE = errorCode('NONE');
const NOT_LEADER = errorCode('NOT_LEADER_OR_FOLLOWER');
const OFFSET_OUT_OF_RANGE = errorCode('OFFSET_OUT_OF_RANGE');
const POLICY_VIOLATION = errorCode('POLICY_VIOLATION');
const REQUEST_TIMED_OUT = errorCode('REQUEST_TIMED_OUT');
const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');
const INVALID_TOPIC = errorCode('INVALID_TOPIC_EXCEPTION');
const UP_TO_HIGH_WATERMARK = -1n;
/** How often the followers are looked at. */
const POLL_MS = 1;

interface Part {
  readonly replica: Replica | null;
  readonly target: number;
  readonly answer: { partitionIndex: number; lowWatermark: bigint; errorCode: number };
}

function begin(
  { broker, cluster }: RequestContext,
  topicName: string,
  partitionIndex: number,
  offset: bigint,
): Part {
  const refuse = (code: number): Part => ({
    replica: null,
    target: -1,
    answer: { partitionIndex, lowWatermark: -1n, errorCode: code },
  });
  const replica = broker.topicByName(topicName)?.replicas[partitionIndex];
  if (replica === undefined) {
    const exists = broker.image.topics.get(topicName)?.partitions[partitionIndex] !== undefined;
    return refuse(exists ? NOT_LEADER : UNKNOWN_TOPIC_OR_PARTITION);
  }
  if (replica.topic.isInternal) return refuse(INVALID_TOPIC);
  if (!replica.isLeader) return refuse(NOT_LEADER);
  if (!topicLimits(replica.topic, cluster.settings).isDeleted) return refuse(POLICY_VIOLATION);
  const { log } = replica;
  const target = offset === UP_TO_HIGH_WATERMARK ? log.highWatermark : Number(offset);
  if (target < 0 || target > log.highWatermark) return refuse(OFFSET_OUT_OF_RANGE);
  if (log.advanceLogStart(target)) replica.appended();
  return { replica, target, answer: { partitionIndex, lowWatermark: -1n, errorCode: NONE } };
}

/** Takes note of what is done. @returns whether everything is */
function settle(context: RequestContext, parts: readonly Part[], isTimeOver: boolean): boolean {
  let isSettled = true;
  for (const { replica, target, answer } of parts) {
    if (replica === null || answer.lowWatermark >= 0n || answer.errorCode !== NONE) continue;
    const low = lowWatermark(context.cluster, replica);
    if (!replica.isLeader) answer.errorCode = NOT_LEADER;
    else if (low >= target) answer.lowWatermark = BigInt(low);
    else if (isTimeOver) answer.errorCode = REQUEST_TIMED_OUT;
    else isSettled = false;
  }
  return isSettled;
}

export const deleteRecords: Handler<DeleteRecordsRequest, Answer> = {
  api: deleteRecordsApi,
  handle(context, request, _version, respond) {
    const once = eachOnce(request.topics, {
      keyOf: ({ name }) => name,
      itemsOf: ({ partitions }) => partitions,
      indexOf: ({ partitionIndex }) => partitionIndex,
      withItems: ({ name }, partitions) => ({ name, partitions }),
    });
    const topics = once.map(({ name, partitions }) => ({
      name,
      parts: partitions.map(({ partitionIndex, offset }) => begin(context, name, partitionIndex, offset)),
    }));
    const parts = topics.flatMap((topic) => topic.parts);
    const deadlineMs = context.broker.nowMs() + request.timeoutMs;
    const look = () => {
      if (settle(context, parts, context.broker.nowMs() >= deadlineMs))
        respond({
          topics: topics.map((topic) => ({
            name: topic.name,
            partitions: topic.parts.map(({ answer }): PartitionAnswer => answer),
          })),
        });
      else context.broker.after(POLL_MS, look);
    };
    look();
  },
  errorAnswer: (request, code) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        lowWatermark: -1n,
        errorCode: code,
      })),
    })),
  }),
};
