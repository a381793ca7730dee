/**
 * Administration of topics and partition logs: names and numbers enter, the cluster's confirmation leaves, at the
 * earliest when every broker that answers knows of the change.
 */

import {
  createPartitionsV3,
  createTopicsV7,
  deleteRecordsV2,
  deleteTopicsV6,
  initProducerIdV4,
  type NumericMap,
  produceV9,
} from '@platformatic/kafka';
import { errorOrNull } from '../../../cluster/protocol/errors.ts';
import type { BrokerAddress } from './broker-connection.ts';
import { type ClusterLink, type PartitionMetadata, type TopicMetadata, withRetries } from './cluster-link.ts';
import type { Deadline } from './deadline.ts';
import { BrokerUnreachableError, KafkaRequestError, throwOnError } from './kafka-error.ts';
import { listOffsets } from './offsets-request.ts';

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** Topic configuration, such as `cleanup.policy`. */
  readonly configuration?: Readonly<Record<string, string>>;
}

export interface LogOffsets {
  readonly partition: number;
  readonly logStartOffset: bigint;
  /** The high watermark: where a consumer that starts at the end starts. */
  readonly logEndOffset: bigint;
}

/** How long a broker may work on a request before it answers REQUEST_TIMED_OUT; we wait a little longer. */
const BROKER_TIMEOUT_MS = 5_000;
const SLOW_REQUEST_TIMEOUT_MS = 8_000;

const UUID_OF_NONE = null;

/**
 * Who takes a request for the controller: first the broker that metadata names, then the others in turn, since with
 * KRaft every broker forwards such requests, and the one named may be paused.
 */
async function controller(link: ClusterLink, attempt: number): Promise<BrokerAddress> {
  const { brokers, controller: named } = await link.metadata([]);
  const inTurn = [...brokers].sort((a, b) => Number(b.nodeId === named) - Number(a.nodeId === named));
  const found = inTurn[attempt % inTurn.length];
  if (!found) throw new BrokerUnreachableError('the cluster has no living broker');
  return found;
}

/** Resolves when every partition of these topics has a leader that all answering brokers agree on. */
export async function createTopics(
  link: ClusterLink,
  topics: readonly NewTopic[],
  deadline: Deadline,
): Promise<void> {
  const what = `creating topics ${topics.map((topic) => topic.name).join(', ')}`;
  let open = [...topics];
  await withRetries(what, deadline, async (number) => {
    const requests = open.map(({ name, partitions, replicationFactor, configuration }) => ({
      name,
      numPartitions: partitions,
      replicationFactor,
      assignments: [],
      configs: Object.entries(configuration ?? {}).map(([key, value]) => ({ name: key, value })),
    }));
    const answer = await link.request(
      await controller(link, number),
      createTopicsV7.api,
      [requests, BROKER_TIMEOUT_MS, false],
      SLOW_REQUEST_TIMEOUT_MS,
    );
    for (const { name, errorCode, errorMessage } of answer.topics) {
      // An earlier attempt whose answer was lost, or came too late, has made it.
      if (number === 0 || errorOrNull(errorCode) !== 'TOPIC_ALREADY_EXISTS')
        throwOnError(what, errorCode, errorMessage);
      open = open.filter((topic) => topic.name !== name);
    }
  });
  await leadersKnown(link, new Map(topics.map((topic) => [topic.name, topic.partitions])), deadline);
}

/** Resolves as createTopics does. @throws KafkaRequestError INVALID_PARTITIONS where the topic has more already */
export async function addPartitions(
  link: ClusterLink,
  topic: string,
  total: number,
  deadline: Deadline,
): Promise<void> {
  const what = `raising ${topic} to ${total} partitions`;
  await withRetries(what, deadline, async (number) => {
    // Null lets the controller place the replicas; the library's type lacks it.
    const request = { name: topic, count: total, assignments: null as never };
    const answer = await link.request(
      await controller(link, number),
      createPartitionsV3.api,
      [[request], BROKER_TIMEOUT_MS, false],
      SLOW_REQUEST_TIMEOUT_MS,
    );
    const result = answer.results[0];
    if (number > 0 && errorOrNull(result?.errorCode ?? 0) === 'INVALID_PARTITIONS') {
      const known = (await link.metadata([topic])).topics[0];
      if (known?.partitions.length === total) return;
    }
    throwOnError(what, result?.errorCode ?? 0, result?.errorMessage);
  });
  await leadersKnown(link, new Map([[topic, total]]), deadline);
}

/** Topics that do not exist (any more) are fine. */
export async function deleteTopics(
  link: ClusterLink,
  names: readonly string[],
  deadline: Deadline,
): Promise<void> {
  if (names.length === 0) return;
  const what = `deleting topics ${names.join(', ')}`;
  await withRetries(what, deadline, async (number) => {
    const answer = await link.request(
      await controller(link, number),
      deleteTopicsV6.api,
      [names.map((name) => ({ name, topicId: UUID_OF_NONE as never })), BROKER_TIMEOUT_MS],
      SLOW_REQUEST_TIMEOUT_MS,
    );
    for (const { errorCode, errorMessage } of answer.responses)
      if (errorOrNull(errorCode) !== 'UNKNOWN_TOPIC_OR_PARTITION')
        throwOnError(what, errorCode, errorMessage);
  });
}

/** @returns the log start offset afterwards */
export async function deleteRecords(
  link: ClusterLink,
  topic: string,
  partition: number,
  beforeOffset: bigint,
  deadline: Deadline,
): Promise<bigint> {
  const what = `deleting records of ${topic}-${partition} before ${beforeOffset}`;
  return await withRetries(what, deadline, async () => {
    const { broker } = await link.leaderOf(topic, partition);
    const answer = await link.request(
      broker,
      deleteRecordsV2.api,
      [
        [{ name: topic, partitions: [{ partitionIndex: partition, offset: beforeOffset }] }],
        BROKER_TIMEOUT_MS,
      ],
      SLOW_REQUEST_TIMEOUT_MS,
    );
    const result = answer.topics[0]?.partitions[0];
    if (!result) throw new BrokerUnreachableError(`${what}: the answer lacks the partition`);
    throwOnError(what, result.errorCode);
    return result.lowWatermark;
  });
}

export async function logOffsets(
  link: ClusterLink,
  topic: string,
  deadline: Deadline,
): Promise<LogOffsets[]> {
  const what = `reading the offsets of ${topic}`;
  return await withRetries(what, deadline, async () => {
    const metadata = await link.metadata([topic]);
    const found = metadata.topics[0];
    throwOnError(what, found?.errorCode ?? 3);
    const offsets: LogOffsets[] = [];
    for (const [node, partitions] of byLeader(found as TopicMetadata)) {
      const broker = metadata.brokers.find((one) => one.nodeId === node);
      if (!broker) throw new KafkaRequestError(what, 'LEADER_NOT_AVAILABLE');
      // The end first: a start listed later may have passed it, and an empty range is then the truth.
      const ends = await listOffsets(link, broker, topic, partitions, 'end');
      const starts = await listOffsets(link, broker, topic, partitions, 'start');
      for (const listed of [...ends, ...starts]) throwOnError(what, listed.errorCode);
      for (const { partition } of partitions) {
        const start = starts.find((one) => one.partition === partition)?.offset ?? 0n;
        const end = ends.find((one) => one.partition === partition)?.offset ?? 0n;
        offsets.push({ partition, logStartOffset: start, logEndOffset: end > start ? end : start });
      }
    }
    return offsets.sort((a, b) => a.partition - b.partition);
  });
}

function byLeader(topic: TopicMetadata): Map<number, PartitionMetadata[]> {
  const groups = new Map<number, PartitionMetadata[]>();
  for (const partition of topic.partitions)
    groups.set(partition.leader, [...(groups.get(partition.leader) ?? []), partition]);
  return groups;
}

export async function listTopics(link: ClusterLink, prefix: string, deadline: Deadline): Promise<string[]> {
  const metadata = await withRetries('listing topics', deadline, async () => await link.metadata(null));
  return metadata.topics
    .map((topic) => topic.name)
    .filter((name) => name.startsWith(prefix))
    .sort();
}

/**
 * Writes one record and waits for all in-sync replicas. An attempt whose answer was lost is repeated under the same
 * producer id and sequence number (KIP-98), so the record is in the log once.
 * @returns its offset
 */
export async function produce(
  link: ClusterLink,
  topic: string,
  partition: number,
  value: string,
  deadline: Deadline,
): Promise<bigint> {
  const what = `writing to ${topic}-${partition}`;
  // Each call is a producer of its own: its sequence numbers start at 0 and nothing has to be remembered.
  const producer = await withRetries(what, deadline, async () => {
    const answer = await link.requestAny(initProducerIdV4.api, [null, 0, -1n, -1]);
    throwOnError(what, answer.errorCode);
    return answer;
  });
  const { producerId, producerEpoch } = producer;
  // The time stamp is fixed here: a repeated batch has to be the same batch.
  const message = { topic, partition, value: Buffer.from(value), timestamp: BigInt(Date.now()) };
  return await withRetries(what, deadline, async () => {
    const { broker } = await link.leaderOf(topic, partition);
    const answer = await link.request(
      broker,
      produceV9.api,
      [-1, BROKER_TIMEOUT_MS, [message], { producerId, producerEpoch, sequences: sequencesFromZero }],
      SLOW_REQUEST_TIMEOUT_MS,
    );
    const result = typeof answer === 'boolean' ? undefined : answer.responses[0]?.partitionResponses[0];
    if (!result) throw new BrokerUnreachableError(`${what}: the answer lacks the partition`);
    throwOnError(what, result.errorCode, result.errorMessage);
    return result.baseOffset;
  });
}

/** What the library asks for the sequence number of a batch. */
const sequencesFromZero = { getWithDefault: () => 0 } as unknown as NumericMap;

/**
 * Waits until all brokers that answer know the topics with these partition counts and agree on a leader for each
 * partition. A broker that does not answer (down or paused) is not waited for: it may be meant to be so.
 */
async function leadersKnown(
  link: ClusterLink,
  partitionCounts: ReadonlyMap<string, number>,
  deadline: Deadline,
): Promise<void> {
  const names = [...partitionCounts.keys()];
  const what = `waiting for leaders of ${names.join(', ')}`;
  await withRetries(what, deadline, async () => {
    const { brokers } = await link.metadata([]);
    const views = await Promise.all(
      brokers.map(async (broker) => {
        try {
          return (await link.metadata(names, broker)).topics;
        } catch (error) {
          if (error instanceof BrokerUnreachableError) return null;
          throw error;
        }
      }),
    );
    const answered = views.filter((view) => view !== null);
    const agreed = answered.map((topics) => leadersOf(topics, partitionCounts));
    if (answered.length === 0 || agreed.some((leaders) => leaders === null || leaders !== agreed[0]))
      throw new KafkaRequestError(what, 'LEADER_NOT_AVAILABLE');
  });
}

/** All leaders in one comparable text, or null where one is missing. */
function leadersOf(
  topics: readonly TopicMetadata[],
  partitionCounts: ReadonlyMap<string, number>,
): string | null {
  const parts: string[] = [];
  for (const [name, count] of partitionCounts) {
    const topic = topics.find((one) => one.name === name);
    if (topic?.errorCode !== 0 || topic.partitions.length < count) return null;
    if (topic.partitions.some((partition) => partition.leader < 0)) return null;
    parts.push(`${name} ${topic.partitions.map((one) => one.leader).join(' ')}`);
  }
  return parts.join('\n');
}
