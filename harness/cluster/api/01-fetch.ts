/**
 * Fetch (API key 1), versions 4 to 18, for consumers: record batches from given offsets on, at once where there are
 * enough bytes, otherwise when there are or the wait is over.
 *
 * From version 11 on followers answer too (KIP-392), up to their own high watermark. Sessions (KIP-227) are never
 * opened: every answer says so by session id 0, which clients have to understand.
 *
 * Not implemented: requests of replicas, which are answered NOT_LEADER_OR_FOLLOWER; divergence by the last fetched epoch is answered (KIP-595).
 */
import type { LocalTopic } from '../broker.ts';
import type { Cancel } from '../environment.ts';
import type { Handler, RequestContext, Respond } from '../handler.ts';
import { NO_LEADER } from '../metadata-image.ts';
import { type FetchRequest, fetchApi } from '../protocol/01-fetch.ts';
import { errorCode } from '../protocol/errors.ts';
import type { FetchWaiter, Replica } from '../replica.ts';
import { isEachOnce } from './each-once.ts';

type Answer = Parameters<typeof fetchApi.response.write>[1];
type TopicAnswer = Answer['responses'][number];
type PartitionAnswer = TopicAnswer['partitions'][number];
type PartitionRequest = FetchRequest['topics'][number]['partitions'][number];

const NONE = errorCode('NONE');
const OFFSET_OUT_OF_RANGE = errorCode('OFFSET_OUT_OF_RANGE');
const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');
const UNKNOWN_TOPIC_ID = errorCode('UNKNOWN_TOPIC_ID');
const NOT_LEADER = errorCode('NOT_LEADER_OR_FOLLOWER');
const FENCED_LEADER_EPOCH = errorCode('FENCED_LEADER_EPOCH');
const UNKNOWN_LEADER_EPOCH = errorCode('UNKNOWN_LEADER_EPOCH');
const FETCH_SESSION_ID_NOT_FOUND = errorCode('FETCH_SESSION_ID_NOT_FOUND');

const FOLLOWERS_FROM = 11;
const ID_FROM = 13;
const ENDPOINTS_FROM = 16;
const READ_COMMITTED = 1;
const NO_EPOCH = -1;
/** Beyond this an offset is no longer exact as a number, and in no log. */
const OFFSET_MAX = Number.MAX_SAFE_INTEGER;

/** The fields of an error are those that Kafka sends: no offsets, no records, an empty list where nothing was read. */
const refused = (partitionIndex: number, code: number): PartitionAnswer => ({
  partitionIndex,
  errorCode: code,
  highWatermark: -1n,
  abortedTransactions: code === UNKNOWN_TOPIC_OR_PARTITION || code === UNKNOWN_TOPIC_ID ? [] : null,
  records: [],
});

const NO_RECORDS: readonly Uint8Array[] = [];
const NO_TRANSACTIONS: readonly never[] = [];

/** One partition of a request, with what was found out about it. */
interface Wanted {
  readonly request: PartitionRequest;
  readonly offset: number;
  readonly replica: Replica | null;
  /** The error that the partition has now, or 0. */
  error: number;
}

interface WantedTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly Wanted[];
}

/** The error for a leader epoch that a client believes in (KIP-320), or 0. */
export function checkLeaderEpoch(replica: Replica, currentLeaderEpoch: number): number {
  if (currentLeaderEpoch === NO_EPOCH || currentLeaderEpoch === replica.leaderEpoch) return NONE;
  return currentLeaderEpoch < replica.leaderEpoch ? FENCED_LEADER_EPOCH : UNKNOWN_LEADER_EPOCH;
}

class PendingFetch implements FetchWaiter {
  readonly #context: RequestContext;
  readonly #request: FetchRequest;
  readonly #version: number;
  readonly #respond: Respond<Answer>;
  readonly #topics: readonly WantedTopic[];
  /** What is beyond the client's quota by itself would never be sent. */
  readonly #bytesMax: number;
  readonly #minBytes: number;
  #cancel: Cancel | null = null;
  #isDone = false;

  constructor(context: RequestContext, request: FetchRequest, version: number, respond: Respond<Answer>) {
    this.#context = context;
    this.#request = request;
    this.#version = version;
    this.#respond = respond;
    const { cluster, broker, connection, clientId } = context;
    this.#bytesMax = Math.min(
      request.maxBytes,
      cluster.settings.fetchBytesMax,
      broker.quotas.fetchBytesMax({ user: connection.principal, clientId: clientId ?? '' }),
    );
    this.#minBytes = Math.min(request.minBytes, this.#bytesMax);
    this.#topics = inOrderOfAnswer(request.topics, version >= ID_FROM, (topic) =>
      version >= ID_FROM
        ? context.broker.image.topicsById.get(topic.topicId)?.partitions.length
        : context.broker.image.topics.get(topic.topic)?.partitions.length,
    ).map((topic) => this.#lookUp(topic));
  }

  #lookUp(topic: FetchRequest['topics'][number]): WantedTopic {
    const { broker } = this.#context;
    const byId = this.#version >= ID_FROM;
    const local = byId ? broker.topicById(topic.topicId) : broker.topicByName(topic.topic);
    const known = byId ? broker.image.topicsById.get(topic.topicId) : broker.image.topics.get(topic.topic);
    const unknownError = known === undefined && byId ? UNKNOWN_TOPIC_ID : UNKNOWN_TOPIC_OR_PARTITION;
    const partitions = topic.partitions.map((request) => {
      const replica = replicaOf(local, request.partition);
      const exists = known !== undefined && known.partitions[request.partition] !== undefined;
      const offset = Number(request.fetchOffset);
      const wanted: Wanted = { request, offset, replica, error: NONE };
      wanted.error = replica === null ? (exists ? NOT_LEADER : unknownError) : this.#check(wanted, replica);
      return wanted;
    });
    return { topic: topic.topic, topicId: topic.topicId, partitions };
  }

  /** The error that a partition has now, or 0. */
  #check(wanted: Wanted, replica: Replica): number {
    if (replica.isGone) return this.#version >= ID_FROM ? UNKNOWN_TOPIC_ID : UNKNOWN_TOPIC_OR_PARTITION;
    if (!replica.isLeader) {
      if (this.#version < FOLLOWERS_FROM) return NOT_LEADER;
      replica.readAsFollower();
    }
    const { request, offset } = wanted;
    const error = checkLeaderEpoch(replica, request.currentLeaderEpoch);
    if (error !== NONE) return error;
    const { log } = replica;
    // An epoch that this log has never seen.
    if (request.lastFetchedEpoch !== NO_EPOCH && log.endOfEpoch(request.lastFetchedEpoch) === null)
      return OFFSET_OUT_OF_RANGE;
    if (offset < log.logStartOffset) return OFFSET_OUT_OF_RANGE;
    // A reader whose log parted from this one may well be past its end, and is told where instead.
    if (hasDiverged(wanted, replica)) return NONE;
    return offset > log.logEndOffset || offset > OFFSET_MAX ? OFFSET_OUT_OF_RANGE : NONE;
  }

  start(): void {
    const { maxWaitMs } = this.#request;
    if (maxWaitMs <= 0 || this.#minBytes <= 0 || this.#isReady()) {
      this.#finish();
      return;
    }
    for (const { partitions } of this.#topics) for (const { replica } of partitions) replica?.watch(this);
    this.#cancel = this.#context.broker.after(maxWaitMs, () => this.#finish());
  }

  check(changed: boolean): void {
    if (!this.#isDone && (changed || this.#isReady())) this.#finish();
  }

  /** Whether there is anything to answer before the wait is over: an error, enough bytes, or another replica to ask. */
  #isReady(): boolean {
    const minBytes = this.#minBytes;
    let bytes = 0;
    let isEmpty = true;
    for (const { partitions } of this.#topics)
      for (const wanted of partitions) {
        isEmpty = false;
        const { replica, error } = wanted;
        if (replica === null || error !== NONE) return true;
        if (this.#preferredReplica(replica, wanted.offset) !== NO_LEADER || hasDiverged(wanted, replica))
          return true;
        bytes += Math.min(
          replica.log.bytesBetween(wanted.offset, this.#readableEnd(replica), minBytes),
          wanted.request.partitionMaxBytes,
        );
        if (bytes >= minBytes) return true;
      }
    return isEmpty;
  }

  #readableEnd(replica: Replica): number {
    return this.#request.isolationLevel === READ_COMMITTED
      ? replica.log.lastStableOffset
      : replica.log.highWatermark;
  }

  /** KIP-392: the leader sends a consumer to an in-sync follower in its own rack that has the offset. */
  #preferredReplica(replica: Replica, offset: number): number {
    const { cluster, broker } = this.#context;
    const { rackId } = this.#request;
    if (rackId === '' || !cluster.settings.rackAwareReplicaSelector || !replica.isLeader) return NO_LEADER;
    if (cluster.node(broker.brokerId).rack === rackId || this.#version < FOLLOWERS_FROM) return NO_LEADER;
    const preferred = replica
      .inSyncFollowersWith(offset)
      .find((id) => cluster.node(id).rack === rackId && broker.image.brokers.get(id)?.fenced === false);
    return preferred ?? NO_LEADER;
  }

  #finish(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#cancel?.();
    if (this.#cancel !== null)
      for (const { partitions } of this.#topics) for (const { replica } of partitions) replica?.unwatch(this);
    this.#respond(this.#answer());
  }

  #answer(): Answer {
    const budget = { leftBytes: this.#bytesMax, isFirst: true };
    const leaders = new Set<number>();
    const responses = this.#topics.map(({ topic, topicId, partitions }) => ({
      topic,
      topicId,
      partitions: partitions.map((wanted) => this.#read(wanted, budget, leaders)),
    }));
    if (leaders.size === 0 || this.#version < ENDPOINTS_FROM) return { responses };
    return { responses, nodeEndpoints: [...leaders].map((id) => this.#endpoint(id)) };
  }

  #endpoint(id: number) {
    const { host, port, rack } = this.#context.cluster.node(id);
    return { nodeId: id, host, port, rack };
  }

  #read(
    wanted: Wanted,
    budget: { leftBytes: number; isFirst: boolean },
    leaders: Set<number>,
  ): PartitionAnswer {
    const { request, offset, replica } = wanted;
    if (replica === null) return refused(request.partition, wanted.error);
    const error = this.#check(wanted, replica);
    if (error !== NONE) return this.#refusedBy(replica, request.partition, error, leaders);
    const { log } = replica;
    const isCommitted = this.#request.isolationLevel === READ_COMMITTED;
    const highWatermark = log.highWatermark;
    const lastStableOffset = log.lastStableOffset;
    // One literal for all outcomes, since this is where most of a fetch's time goes.
    const answer = {
      partitionIndex: request.partition,
      errorCode: NONE,
      highWatermark: BigInt(highWatermark),
      lastStableOffset: BigInt(lastStableOffset),
      logStartOffset: BigInt(log.logStartOffset),
      divergingEpoch: undefined as { epoch: number; endOffset: bigint } | undefined,
      abortedTransactions: (isCommitted ? NO_TRANSACTIONS : null) as PartitionAnswer['abortedTransactions'],
      preferredReadReplica: this.#preferredReplica(replica, offset),
      records: NO_RECORDS,
    };
    const diverging = divergence(wanted, replica);
    if (answer.preferredReadReplica !== NO_LEADER || diverging !== null) {
      // Nothing was read, so nothing is said of transactions.
      answer.abortedTransactions = null;
      if (answer.preferredReadReplica === NO_LEADER) answer.divergingEpoch = diverging ?? undefined;
      return answer as PartitionAnswer;
    }
    const end = isCommitted ? lastStableOffset : highWatermark;
    if (offset >= end) return answer as PartitionAnswer;
    const bytesMax = Math.min(request.partitionMaxBytes, Math.max(0, budget.leftBytes));
    const { chunks, sizeBytes, aborted } = log.read(offset, end, bytesMax, budget.isFirst, isCommitted);
    if (sizeBytes > 0) budget.isFirst = false;
    budget.leftBytes -= sizeBytes;
    answer.records = chunks;
    if (aborted !== null && aborted.length > 0)
      answer.abortedTransactions = aborted.map((one) => ({
        producerId: BigInt(one.producerId),
        firstOffset: BigInt(one.firstOffset),
      }));
    return answer as PartitionAnswer;
  }

  /** KIP-951: a client that asked the wrong broker is told the right one. */
  #refusedBy(replica: Replica, partition: number, error: number, leaders: Set<number>): PartitionAnswer {
    const answer = refused(partition, error);
    if (error !== NOT_LEADER && error !== FENCED_LEADER_EPOCH) return answer;
    const { leader: leaderId, leaderEpoch } = replica.state;
    if (leaderId !== NO_LEADER) leaders.add(leaderId);
    return { ...answer, currentLeader: { leaderId, leaderEpoch } };
  }
}

type TopicRequest = FetchRequest['topics'][number];

/** One of the two is empty, by the request's version. */
const keyOf = ({ topic, topicId }: TopicRequest): string => topic || topicId;
const naming = {
  keyOf,
  itemsOf: ({ partitions }: TopicRequest) => partitions,
  indexOf: ({ partition }: PartitionRequest) => partition,
};

/**
 * Kafka answers topics of unknown ids behind partitions that exist, and other partitions that do not exist last, each partition once with what was asked of it last, and puts
 * neighbours of one topic together. A topic of which nothing is asked has no place in the answer.
 */
function inOrderOfAnswer(
  topics: readonly TopicRequest[],
  areNamedById: boolean,
  countOf: (topic: TopicRequest) => number | undefined,
): readonly TopicRequest[] {
  const exists = (topic: TopicRequest, { partition }: PartitionRequest): boolean =>
    partition >= 0 && partition < (countOf(topic) ?? 0);
  const areAllThere = topics.every((topic) => topic.partitions.every((one) => exists(topic, one)));
  if (areAllThere && isEachOnce(topics, naming)) return topics;
  const partitions = new Map<string, { topic: TopicRequest; wanted: PartitionRequest }>();
  for (const topic of topics)
    for (const wanted of topic.partitions)
      partitions.set(`${keyOf(topic)} ${wanted.partition}`, { topic, wanted });
  const all = [...partitions.values()];
  const rankOf = ({ topic, wanted }: { topic: TopicRequest; wanted: PartitionRequest }): number => {
    if (exists(topic, wanted)) return 0;
    return areNamedById && countOf(topic) === undefined ? 1 : 2;
  };
  const inOrder = [0, 1, 2].flatMap((rank) => all.filter((one) => rankOf(one) === rank));
  const grouped: { topic: string; topicId: string; partitions: PartitionRequest[] }[] = [];
  for (const { topic, wanted } of inOrder) {
    const last = grouped.at(-1);
    if (last !== undefined && keyOf(last as TopicRequest) === keyOf(topic)) last.partitions.push(wanted);
    else grouped.push({ topic: topic.topic, topicId: topic.topicId, partitions: [wanted] });
  }
  return grouped;
}

const replicaOf = (local: LocalTopic | undefined, partition: number): Replica | null =>
  local?.replicas[partition] ?? null;

const hasDiverged = (wanted: Wanted, replica: Replica): boolean => divergence(wanted, replica) !== null;

/** Where the log that the reader has in mind parts from this one, if it does. */
function divergence(
  { request, offset }: Wanted,
  replica: Replica,
): { epoch: number; endOffset: bigint } | null {
  if (request.lastFetchedEpoch === NO_EPOCH) return null;
  const end = replica.log.endOfEpoch(request.lastFetchedEpoch);
  if (end === null || (end.epoch >= request.lastFetchedEpoch && end.endOffset >= offset)) return null;
  return { epoch: end.epoch, endOffset: BigInt(end.endOffset) };
}

/** From here on an answer can have an error of its own, and from there on that stands for those of partitions. */
const ERROR_OF_ALL_FROM = 7;
const ERROR_ALONE_FROM = 13;

/** An error of the whole answer is about sessions alone; partitions have their own. */
const answerAll = (request: FetchRequest, code: number): Answer => ({
  errorCode: NONE,
  responses: request.topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition }) => ({ ...refused(partition, code), abortedTransactions: [] })),
  })),
});

export const fetch: Handler<FetchRequest, Answer> = {
  api: fetchApi,
  handle(context, request, version, respond) {
    if (request.replicaId >= 0 || request.replicaState.replicaId >= 0) {
      respond(answerAll(request, NOT_LEADER));
      return;
    }
    // There are no sessions, as in a broker whose cache is full: a full fetch begins none, whatever the old id.
    if (request.sessionEpoch > 0) {
      respond({ errorCode: FETCH_SESSION_ID_NOT_FOUND, responses: [] });
      return;
    }
    new PendingFetch(context, request, version, respond).start();
  },
  errorAnswer: answerAll,
  untimelyAnswer: (request, code, version) => ({
    ...answerAll(request, code),
    ...(version < ERROR_OF_ALL_FROM ? {} : { errorCode: code, sessionId: request.sessionId }),
    ...(version < ERROR_ALONE_FROM ? {} : { responses: [] }),
  }),
};
