/**
 * ListOffsets (API key 2), versions 1 to 11: the offset at a time, or at one of the times that negative numbers stand
 * for: -1 the end, -2 the start, -3 the record with the largest time stamp (KIP-734), -4 the start of what is on the
 * broker itself (KIP-405), -5 the end of what is in tiered storage (KIP-1005, never any here), -6 the start of what is
 * not yet there (KIP-1023).
 *
 * Not implemented: waiting for remote storage, since there is none.
 */
import type { Handler, RequestContext } from '../handler.ts';
import { type ListOffsetsRequest, listOffsetsApi } from '../protocol/02-list-offsets.ts';
import { errorCode } from '../protocol/errors.ts';
import type { Replica } from '../replica.ts';
import { checkLeaderEpoch } from './01-fetch.ts';
import { eachOnce, type Naming } from './each-once.ts';

type Answer = Parameters<typeof listOffsetsApi.response.write>[1];
type PartitionAnswer = Answer['topics'][number]['partitions'][number];
type PartitionRequest = ListOffsetsRequest['topics'][number]['partitions'][number];

const NONE = errorCode('NONE');
const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');
const NOT_LEADER = errorCode('NOT_LEADER_OR_FOLLOWER');
const OFFSET_NOT_AVAILABLE = errorCode('OFFSET_NOT_AVAILABLE');
const LEADER_NOT_AVAILABLE = errorCode('LEADER_NOT_AVAILABLE');
const UNSUPPORTED_VERSION = errorCode('UNSUPPORTED_VERSION');
const INVALID_REQUEST = errorCode('INVALID_REQUEST');
const READ_COMMITTED = 1;
/** First version in which OFFSET_NOT_AVAILABLE may be answered. */
const NOT_AVAILABLE_FROM = 5;

const LATEST = -1n;
const EARLIEST = -2n;
const MAX_TIMESTAMP = -3n;
const EARLIEST_LOCAL = -4n;
const LATEST_TIERED = -5n;
const EARLIEST_PENDING_UPLOAD = -6n;

const refused = (partitionIndex: number, code: number): PartitionAnswer => ({
  partitionIndex,
  errorCode: code,
  timestamp: -1n,
  offset: -1n,
});

function found(
  { partitionIndex }: PartitionRequest,
  replica: Replica,
  at: { offset: number; timestampMs: number } | null,
): PartitionAnswer {
  if (at === null) return { partitionIndex, errorCode: NONE };
  return {
    partitionIndex,
    errorCode: NONE,
    timestamp: BigInt(at.timestampMs),
    offset: BigInt(at.offset),
    leaderEpoch: replica.log.epochs.epochAt(at.offset),
  };
}

const CONSUMER = -1;

function lookUp(replica: Replica, wanted: PartitionRequest, isolationLevel: number | null): PartitionAnswer {
  const { log } = replica;
  const end =
    isolationLevel === null
      ? log.logEndOffset
      : isolationLevel === READ_COMMITTED
        ? log.lastStableOffset
        : log.highWatermark;
  switch (wanted.timestamp) {
    case LATEST:
      // The end belongs to the epoch that will write it, not to the one that wrote before it.
      return {
        ...found(wanted, replica, { offset: end, timestampMs: -1 }),
        leaderEpoch: replica.leaderEpoch,
      };
    case EARLIEST:
    case EARLIEST_LOCAL:
      return found(wanted, replica, { offset: log.logStartOffset, timestampMs: -1 });
    // Without tiered storage there is neither.
    case LATEST_TIERED:
    case EARLIEST_PENDING_UPLOAD:
      return found(wanted, replica, null);
    case MAX_TIMESTAMP:
      return found(wanted, replica, log.offsetOfMaxTimestamp(end));
    default:
      return found(wanted, replica, log.offsetForTime(Number(wanted.timestamp), end));
  }
}

/** First versions that know the special times. */
const specialFrom: ReadonlyMap<bigint, number> = new Map([
  [MAX_TIMESTAMP, 7],
  [EARLIEST_LOCAL, 8],
  [LATEST_TIERED, 9],
  [EARLIEST_PENDING_UPLOAD, 11],
]);

const isUnsupported = (timestamp: bigint, version: number): boolean => {
  if (timestamp >= 0n || timestamp === LATEST || timestamp === EARLIEST) return false;
  return version < (specialFrom.get(timestamp) ?? Number.POSITIVE_INFINITY);
};

function answerPartition(
  { broker }: RequestContext,
  topicName: string,
  wanted: PartitionRequest,
  isolationLevel: number | null,
  version: number,
): PartitionAnswer {
  const { partitionIndex } = wanted;
  if (isUnsupported(wanted.timestamp, version)) return refused(partitionIndex, UNSUPPORTED_VERSION);
  const replica = broker.topicByName(topicName)?.replicas[partitionIndex];
  if (replica === undefined) {
    const exists = broker.image.topics.get(topicName)?.partitions[partitionIndex] !== undefined;
    return refused(partitionIndex, exists ? NOT_LEADER : UNKNOWN_TOPIC_OR_PARTITION);
  }
  if (!replica.isLeader) return refused(partitionIndex, NOT_LEADER);
  const error = checkLeaderEpoch(replica, wanted.currentLeaderEpoch);
  if (error !== NONE) return refused(partitionIndex, error);
  // KIP-207: a new leader whose watermark still trails would let consumers see offsets go backwards.
  const isBehind = replica.log.highWatermark < replica.epochStartOffset;
  if (
    isolationLevel !== null &&
    isBehind &&
    wanted.timestamp !== EARLIEST &&
    wanted.timestamp !== EARLIEST_LOCAL
  )
    return refused(
      partitionIndex,
      version >= NOT_AVAILABLE_FROM ? OFFSET_NOT_AVAILABLE : LEADER_NOT_AVAILABLE,
    );
  return lookUp(replica, wanted, isolationLevel);
}

const keyOf = (name: string, { partitionIndex }: PartitionRequest): string => `${name} ${partitionIndex}`;

/** Partitions that are asked for more than once, which Kafka refuses here alone. */
function askedTwice({ topics }: ListOffsetsRequest): ReadonlySet<string> {
  const keys = topics.flatMap(({ name, partitions }) => partitions.map((one) => keyOf(name, one)));
  return new Set(keys.filter((key, position) => keys.indexOf(key) !== position));
}

const naming: Naming<ListOffsetsRequest['topics'][number], PartitionRequest> = {
  keyOf: ({ name }) => name,
  itemsOf: ({ partitions }) => partitions,
  indexOf: ({ partitionIndex }) => partitionIndex,
  withItems: ({ name }, partitions) => ({ name, partitions }),
};

export const listOffsets: Handler<ListOffsetsRequest, Answer> = {
  api: listOffsetsApi,
  handle(context, request, version, respond) {
    const twice = askedTwice(request);
    // Only a consumer has an isolation level: anyone else is told where the log ends.
    const isolationLevel = request.replicaId === CONSUMER ? request.isolationLevel : null;
    // 3.9 answers each partition where it stands (KafkaApis).
    const topics = context.cluster.profile.name === '3.9' ? request.topics : eachOnce(request.topics, naming);
    respond({
      topics: topics.map(({ name, partitions }) => ({
        name,
        partitions: partitions.map((wanted) =>
          twice.has(keyOf(name, wanted))
            ? refused(wanted.partitionIndex, INVALID_REQUEST)
            : answerPartition(context, name, wanted, isolationLevel, version),
        ),
      })),
    });
  },
  errorAnswer: (request, code) => ({
    topics: request.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => refused(partitionIndex, code)),
    })),
  }),
};
