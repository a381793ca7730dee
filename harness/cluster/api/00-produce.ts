/**
 * Produce (API key 0), versions 3 to 13: one record batch per partition is checked, appended, and confirmed when as many
 * replicas have it as the client asked for.
 *
 * Before the first batch of a transaction the leader asks the transaction coordinator whether the partition was added to
 * it (KIP-890); from 11 on a client is told TRANSACTION_ABORTABLE where it was not, before INVALID_TXN_STATE. From 12 on
 * the leader adds the partition instead. Without transaction coordinators in the cluster a transactional batch is taken as
 * part of an open transaction.
 * Not implemented: a look into compressed batches, so a broken payload is found by its checksum alone.
 */
import type { LocalTopic } from '../broker.ts';
import type { Handler, RequestContext } from '../handler.ts';
import {
  type BatchFault,
  BatchFormatError,
  checkProducedBatch,
  hasFirstBatch,
  isOneBatch,
  isTransactionalBatch,
  maxTimestampOf,
  producerOf,
  recordCountOf,
} from '../log/record-batch.ts';
import { type ProduceRequest, produceApi } from '../protocol/00-produce.ts';
import { errorCode, errorName } from '../protocol/errors.ts';
import type { Replica } from '../replica.ts';
import { type TopicLimits, topicLimits } from '../topic-configs.ts';
import type { ToVerify, Verdict } from '../transaction/verification.ts';
import { eachOnce, type Naming } from './each-once.ts';

type Answer = Parameters<typeof produceApi.response.write>[1];
type PartitionAnswer = Answer['responses'][number]['partitionResponses'][number];
type PartitionData = ProduceRequest['topicData'][number]['partitionData'][number];

const NONE = errorCode('NONE');
const INVALID_REQUIRED_ACKS = errorCode('INVALID_REQUIRED_ACKS');
const UNKNOWN_TOPIC_OR_PARTITION = errorCode('UNKNOWN_TOPIC_OR_PARTITION');
const UNKNOWN_TOPIC_ID = errorCode('UNKNOWN_TOPIC_ID');
const NOT_LEADER = errorCode('NOT_LEADER_OR_FOLLOWER');
const NOT_ENOUGH_REPLICAS = errorCode('NOT_ENOUGH_REPLICAS');
const MESSAGE_TOO_LARGE = errorCode('MESSAGE_TOO_LARGE');
const INVALID_TOPIC = errorCode('INVALID_TOPIC_EXCEPTION');
const INVALID_TIMESTAMP = errorCode('INVALID_TIMESTAMP');
const INVALID_PRODUCER_ID_MAPPING = errorCode('INVALID_PRODUCER_ID_MAPPING');
const INVALID_TXN_STATE = errorCode('INVALID_TXN_STATE');
const ID_FROM = 13;
const ABORTABLE_FROM = 11;
const ADDED_FROM = 12;
const CONCURRENT_TRANSACTIONS = errorCode('CONCURRENT_TRANSACTIONS');
const ACKS_ALL = -1;

const TRANSACTIONAL_ID_AUTHORIZATION_FAILED = errorCode('TRANSACTIONAL_ID_AUTHORIZATION_FAILED');

const faultErrors: Readonly<Record<BatchFault, number>> = {
  malformed: errorCode('INVALID_RECORD'),
  corrupt: errorCode('CORRUPT_MESSAGE'),
  invalid: errorCode('INVALID_RECORD'),
};

const refused = (index: number, code: number): PartitionAnswer => ({
  index,
  errorCode: code,
  baseOffset: -1n,
});

/** What the log itself refuses is answered with the log start offset. */
const refusedByLog = (index: number, code: number, replica: Replica): PartitionAnswer => ({
  index,
  errorCode: code,
  baseOffset: -1n,
  logStartOffset: BigInt(replica.log.logStartOffset),
});

/** Counts down what still waits for replication, and answers when nothing does. */
class Pending {
  waiting = 1;
  readonly #finish: () => void;

  constructor(finish: () => void) {
    this.#finish = finish;
  }

  done(): void {
    this.waiting -= 1;
    if (this.waiting === 0) this.#finish();
  }
}

function checkTimestamps(bytes: Buffer, limits: TopicLimits, nowMs: number): boolean {
  if (limits.hasLogAppendTime) return true;
  const timestampMs = maxTimestampOf(bytes);
  if (timestampMs < 0) return true;
  return (
    timestampMs - nowMs <= limits.timestampAfterMaxMs && nowMs - timestampMs <= limits.timestampBeforeMaxMs
  );
}

/** The error that keeps a batch out of the log, or 0. */
function checkPartition(replica: Replica, bytes: Buffer, acks: number, limits: TopicLimits): number {
  if (!replica.isLeader) return NOT_LEADER;
  if (acks === ACKS_ALL && !replica.hasEnoughReplicas(limits.minInsyncReplicas)) return NOT_ENOUGH_REPLICAS;
  checkProducedBatch(bytes);
  return bytes.length > limits.messageBytesMax ? MESSAGE_TOO_LARGE : NONE;
}

const areKnownAcks = (acks: number): boolean => acks === ACKS_ALL || acks === 0 || acks === 1;

/** Acks that do not exist are found out by the replica manager, after the batch's form and before its checksum. */
function checkedWithoutAcks(bytes: Buffer): number {
  if (!hasFirstBatch(bytes) || !isOneBatch(bytes))
    throw new BatchFormatError('malformed', 'expected exactly one record batch');
  return INVALID_REQUIRED_ACKS;
}

const TIMESTAMP_MESSAGE = 'Timestamp is out of the range that the topic allows.';

/** Each record is named, although the batch is looked at as a whole. */
const refusedForTime = (index: number, bytes: Buffer, replica: Replica): PartitionAnswer => ({
  ...refusedByLog(index, INVALID_TIMESTAMP, replica),
  recordErrors: Array.from({ length: recordCountOf(bytes) }, (_, batchIndex) => ({
    batchIndex,
    batchIndexErrorMessage: TIMESTAMP_MESSAGE,
  })),
  errorMessage: 'One or more records have been rejected due to invalid timestamp',
});

/** What holds for all partitions of a request. */
interface Order {
  readonly request: ProduceRequest;
  readonly pending: Pending;
  /** Whether a producer that a log does not know has to begin with sequence 0. */
  readonly beginsAtZero: boolean;
}

function append(
  context: RequestContext,
  local: LocalTopic | undefined,
  { index, records }: PartitionData,
  order: Order,
): PartitionAnswer {
  const { request } = order;
  if (local?.topic.isInternal === true) return refused(index, INVALID_TOPIC);
  const replica = local?.replicas[index];
  if (local === undefined || replica === undefined) {
    const isElsewhere = (local?.topic.partitions.length ?? 0) > index && index >= 0;
    return refused(index, isElsewhere ? NOT_LEADER : UNKNOWN_TOPIC_OR_PARTITION);
  }
  const limits = topicLimits(local.topic, context.cluster.settings);
  const bytes = (records ?? NO_BYTES) as Buffer;
  try {
    const error = areKnownAcks(request.acks)
      ? checkPartition(replica, bytes, request.acks, limits)
      : checkedWithoutAcks(bytes);
    if (error !== NONE) return refused(index, error);
  } catch (error) {
    if (!(error instanceof BatchFormatError)) throw error;
    const code = faultErrors[error.fault];
    return error.fault === 'invalid' ? refusedByLog(index, code, replica) : refused(index, code);
  }
  if (!checkTimestamps(bytes, limits, context.broker.nowMs())) return refusedForTime(index, bytes, replica);
  return appendChecked(context, replica, index, bytes, order, limits);
}

const NO_BYTES = Buffer.alloc(0);

function appendChecked(
  context: RequestContext,
  replica: Replica,
  index: number,
  bytes: Buffer,
  { request, pending, beginsAtZero }: Order,
  limits: TopicLimits,
): PartitionAnswer {
  const { log } = replica;
  const result = log.append(
    bytes,
    replica.leaderEpoch,
    limits.hasLogAppendTime ? context.broker.nowMs() : null,
    beginsAtZero,
  );
  if (result.errorCode !== NONE) return refusedByLog(index, result.errorCode, replica);
  const answer = {
    index,
    errorCode: NONE,
    baseOffset: BigInt(result.baseOffset),
    logAppendTimeMs: BigInt(result.logAppendTimeMs),
    logStartOffset: BigInt(log.logStartOffset),
  };
  if (request.acks === ACKS_ALL) {
    pending.waiting += 1;
    replica.whenReplicated(result, request.timeoutMs, (error) => {
      if (error !== NONE)
        Object.assign(answer, refused(index, error), { logAppendTimeMs: -1n, logStartOffset: -1n });
      pending.done();
    });
  }
  replica.appended();
  return answer;
}

const topicOf = ({ broker }: RequestContext, topic: { name: string; topicId: string }, version: number) =>
  version >= ID_FROM ? broker.topicById(topic.topicId) : broker.topicByName(topic.name);

/** A topic of which this broker has no replica at all is still known to it. */
function missing(
  { broker }: RequestContext,
  topic: { name: string; topicId: string },
  version: number,
  index: number,
): PartitionAnswer {
  const known =
    version >= ID_FROM ? broker.image.topicsById.get(topic.topicId) : broker.image.topics.get(topic.name);
  if (known !== undefined && index >= 0 && index < known.partitions.length) return refused(index, NOT_LEADER);
  return refused(index, version >= ID_FROM ? UNKNOWN_TOPIC_ID : UNKNOWN_TOPIC_OR_PARTITION);
}

/**
 * Whether any partition's first batch is transactional. The look ends at the first that is, and at the first that cannot
 * be a batch, for which Kafka refuses the whole request.
 *
 * @throws BatchFormatError
 */
const hasTransactionalRecords = ({ topicData }: ProduceRequest): boolean =>
  topicData.some(({ partitionData }) =>
    partitionData.some(
      ({ records }) =>
        records !== null && hasFirstBatch(records as Buffer) && isTransactionalBatch(records as Buffer),
    ),
  );

const answerAll = (request: ProduceRequest, code: number): Answer => ({
  responses: request.topicData.map(({ name, topicId, partitionData }) => ({
    name,
    topicId,
    partitionResponses: partitionData.map(({ index }) => refused(index, code)),
  })),
});

/** What a client may not know how to deal with becomes something that makes it try again. */
const TRY_AGAIN: ReadonlySet<number> = new Set(
  (
    [
      'NETWORK_EXCEPTION',
      'COORDINATOR_LOAD_IN_PROGRESS',
      'COORDINATOR_NOT_AVAILABLE',
      'NOT_COORDINATOR',
    ] as const
  ).map(errorCode),
);

function unverified(index: number, code: number, version: number): PartitionAnswer {
  if (TRY_AGAIN.has(code) || (code === CONCURRENT_TRANSACTIONS && version < ADDED_FROM))
    return {
      ...refused(index, NOT_ENOUGH_REPLICAS),
      errorMessage: `Unable to verify the partition has been added to the transaction. Underlying error: ${errorName(code)}`,
    };
  const answer = refused(index, code);
  return code === INVALID_TXN_STATE
    ? { ...answer, errorMessage: 'Partition was not added to the transaction' }
    : answer;
}

const NO_PRODUCER = -1n;

/** The transactional batches for partitions that are led here; null where they are of several producers. */
function toVerify(
  context: RequestContext,
  request: ProduceRequest,
  transactionalId: string,
  version: number,
): ToVerify | null {
  let producer: ToVerify['producer'] | null = null;
  const partitions: ToVerify['partitions'][number][] = [];
  for (const topic of request.topicData) {
    const local = topicOf(context, topic, version);
    for (const { index, records } of topic.partitionData) {
      if (records === null || !isTransactionalBatch(records as Buffer) || !isOneBatch(records as Buffer))
        continue;
      const of = producerOf(records as Buffer);
      if (local?.topic.partitions[index] === undefined || of.id === NO_PRODUCER) continue;
      if (producer !== null && (producer.id !== of.id || producer.epoch !== of.epoch)) return null;
      producer = of;
      const replica = local?.replicas[index];
      if (replica?.isLeader === true)
        partitions.push({ topic: replica.topic.name, partition: index, log: replica.log });
    }
  }
  return {
    transactionalId,
    producer: producer ?? { id: -1n, epoch: -1 },
    partitions,
    knowsAbortable: version >= ABORTABLE_FROM,
    isAdding: version >= ADDED_FROM,
    triesAgain: version >= ADDED_FROM,
  };
}

function appendAll(
  context: RequestContext,
  request: ProduceRequest,
  version: number,
  verdict: Verdict,
  respond: (answer: Answer | null | 'close') => void,
): void {
  const answer: Answer = { responses: [] };
  const pending = new Pending(() => respond(answer));
  const beginsAtZero =
    request.transactionalId !== null &&
    version >= ADDED_FROM &&
    context.cluster.profile.newProducersBeginAtZero;
  const order: Order = { request, pending, beginsAtZero };
  const responses = request.topicData.map((topic) => {
    const local = topicOf(context, topic, version);
    return {
      name: topic.name,
      topicId: topic.topicId,
      partitionResponses: topic.partitionData.map((data) => {
        if (local === undefined) return missing(context, topic, version, data.index);
        const error = verdict({ topic: local.topic.name, partition: data.index });
        return error === NONE || !isOneBatch((data.records ?? NO_BYTES) as Buffer)
          ? append(context, local, data, order)
          : unverified(data.index, error, version);
      }),
    };
  });
  Object.assign(answer, { responses });
  if (request.acks === 0) {
    const hasError = responses.some(({ partitionResponses }) =>
      partitionResponses.some(({ errorCode }) => errorCode !== NONE),
    );
    // Without answers, the end of the connection is all that tells a client to look for the leader again.
    respond(hasError ? 'close' : null);
    return;
  }
  pending.done();
}

const ALLOWED: Verdict = () => NONE;

/** Why the whole request is refused, or whether it is transactional. */
function lookThrough(request: ProduceRequest): { error: number; isTransactional: boolean } {
  try {
    const isTransactional = hasTransactionalRecords(request);
    const isRefused = isTransactional && request.transactionalId === null;
    return { error: isRefused ? TRANSACTIONAL_ID_AUTHORIZATION_FAILED : NONE, isTransactional };
  } catch (error) {
    if (!(error instanceof BatchFormatError)) throw error;
    return { error: faultErrors.corrupt, isTransactional: false };
  }
}

type TopicData = ProduceRequest['topicData'][number];

const naming = (keyOf: (topic: TopicData) => string): Naming<TopicData, PartitionData> => ({
  keyOf,
  itemsOf: ({ partitionData }) => partitionData,
  indexOf: ({ index }) => index,
  withItems: (topic, partitionData) => ({ ...topic, partitionData }),
});
const byName = naming(({ name }) => name);
const byId = naming(({ topicId }) => topicId);

const onceNamed = (request: ProduceRequest, version: number): ProduceRequest => {
  const topicData = eachOnce(request.topicData, version >= ID_FROM ? byId : byName);
  return topicData === request.topicData ? request : { ...request, topicData: [...topicData] };
};

export const produce: Handler<ProduceRequest, Answer> = {
  api: produceApi,
  handle(context, given, version, respond) {
    const request = onceNamed(given, version);
    const { transactionalId } = request;
    const { error, isTransactional } = lookThrough(given);
    if (error !== NONE) {
      respond(request.acks === 0 ? 'close' : answerAll(request, error));
      return;
    }
    const verifier = context.cluster.transactionVerifier;
    if (transactionalId === null || !isTransactional || verifier === null) {
      appendAll(context, request, version, ALLOWED, respond);
      return;
    }
    const asked = toVerify(context, request, transactionalId, version);
    if (asked === null)
      respond(request.acks === 0 ? 'close' : answerAll(request, INVALID_PRODUCER_ID_MAPPING));
    else verifier(context.broker, asked, (verdict) => appendAll(context, request, version, verdict, respond));
  },
  errorAnswer: answerAll,
};
