/**
 * TxnOffsetCommit (API key 28), versions 0 to 5: offsets of a group that count once the producer's transaction commits.
 *
 * From 3 on they are refused where the member is not in the group's generation (KIP-447). The group's partition of
 * `__consumer_offsets` has to be part of the transaction: its leader asks the transaction coordinator (KIP-890), and
 * from 4 on a client is told TRANSACTION_ABORTABLE where it is not, before INVALID_TXN_STATE. Before 2 a coordinator
 * that loads calls itself not available (KAFKA-7296).
 * From 5 on the leader adds the partition to the transaction instead.
 */
import type { ErrorCode } from '../environment.ts';
import type { GroupCoordinator } from '../group/coordinator.ts';
import { answerToAppendError } from '../group/error-codes.ts';
import type { GroupPart } from '../group/part.ts';
import type { Handler, RequestContext } from '../handler.ts';
import {
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
  txnOffsetCommitApi,
} from '../protocol/28-txn-offset-commit.ts';
import { OFFSETS_TOPIC } from '../simulated-cluster.ts';
import {
  COORDINATOR_LOAD_IN_PROGRESS,
  COORDINATOR_NOT_AVAILABLE,
  NETWORK_EXCEPTION,
  NONE,
  UNKNOWN_TOPIC_OR_PARTITION,
} from '../transaction/error-codes.ts';
import { CommitAnswer } from './commit-answer.ts';
import { asCoordinatorKeeps } from './each-once.ts';

type Topic = TxnOffsetCommitRequest['topics'][number];
type TopicAnswer = TxnOffsetCommitResponse['topics'][number];

const LOADING_FROM = 2;
const ABORTABLE_FROM = 4;
const ADDED_FROM = 5;
const UNKNOWN_ID = '0'.repeat(32);

const commitOf = ({ groupId, memberId, groupInstanceId, generationId }: TxnOffsetCommitRequest) => ({
  groupId,
  memberId,
  groupInstanceId,
  generationId,
  retentionTimeMs: -1n,
});

/** Why the coordinator is not to take the offsets, or 0. */
function verify(
  { cluster, broker }: RequestContext,
  coordinator: GroupCoordinator,
  { transactionalId, producerId, producerEpoch, groupId }: TxnOffsetCommitRequest,
  version: number,
  done: (error: ErrorCode) => void,
): void {
  const partition = coordinator.partitionOf(groupId);
  const replica = broker.topicByName(OFFSETS_TOPIC)?.replicas[partition];
  if (cluster.transactionVerifier === null || groupId === '' || replica?.isLeader !== true) {
    // The coordinator, or its absence, speaks for itself.
    done(NONE);
    return;
  }
  const one = { topic: OFFSETS_TOPIC, partition, log: replica.log };
  cluster.transactionVerifier(
    broker,
    {
      transactionalId,
      producer: { id: producerId, epoch: producerEpoch },
      partitions: [one],
      knowsAbortable: version >= ABORTABLE_FROM,
      isAdding: version >= ADDED_FROM,
      triesAgain: false,
    },
    (verdict) => {
      const error = verdict(one);
      // So that older clients try again (CoordinatorOperationExceptionHelper).
      done(error === NETWORK_EXCEPTION ? COORDINATOR_LOAD_IN_PROGRESS : answerToAppendError(error));
    },
  );
}

const asKnown = (error: ErrorCode, version: number): ErrorCode =>
  error === COORDINATOR_LOAD_IN_PROGRESS && version < LOADING_FROM ? COORDINATOR_NOT_AVAILABLE : error;

export const txnOffsetCommit = (
  groups: GroupPart,
): Handler<TxnOffsetCommitRequest, TxnOffsetCommitResponse> => ({
  api: txnOffsetCommitApi,
  handle(context, request, version, respond) {
    const coordinator = groups.of(context.broker);
    const commit = commitOf(request);
    const answer = new CommitAnswer<TopicAnswer>();
    const existingTopics: { name: string; topicId: string; partitions: Topic['partitions'] }[] = [];
    for (const { name, partitions } of request.topics) {
      const refuse = (refused: TopicAnswer['partitions']): void =>
        answer.refuse(name, () => ({ name, partitions: [] }), refused);
      const topic = context.broker.image.topics.get(name);
      const count = topic?.partitions.length ?? 0;
      if (topic === undefined) refuse([]);
      const existing = partitions.filter(
        ({ partitionIndex }) => partitionIndex >= 0 && partitionIndex < count,
      );
      for (const partition of partitions) {
        if (existing.includes(partition)) continue;
        const { partitionIndex } = partition;
        refuse([{ partitionIndex, errorCode: UNKNOWN_TOPIC_OR_PARTITION }]);
        coordinator.commitRefused(commit, name, partition, UNKNOWN_TOPIC_OR_PARTITION);
      }
      if (existing.length > 0) existingTopics.push({ name, topicId: UNKNOWN_ID, partitions: existing });
    }
    const known = asCoordinatorKeeps(context, existingTopics);
    const finish = (errorsOf: (topic: number) => TopicAnswer['partitions']): void => {
      const coordinated = known.map(({ name }, index) => {
        const partitions = errorsOf(index).map(({ partitionIndex, errorCode }) => ({
          partitionIndex,
          errorCode: asKnown(errorCode, version),
        }));
        return { key: name, topic: { name, partitions } };
      });
      respond({ throttleTimeMs: 0, topics: answer.merge(coordinated) });
    };
    if (known.length === 0) {
      finish(() => []);
      return;
    }
    coordinator.transactionalCommitBegins(request.groupId);
    verify(context, coordinator, request, version, (error) => {
      if (error === NONE) {
        const producer = { id: request.producerId, epoch: request.producerEpoch };
        coordinator.commitTransactionalOffsets({ ...commit, topics: known }, producer, (results) =>
          finish((index) => results[index]?.partitions ?? []),
        );
        return;
      }
      for (const { name, partitions } of known)
        for (const partition of partitions) coordinator.commitRefused(commit, name, partition, error);
      finish((index) =>
        (known[index]?.partitions ?? []).map(({ partitionIndex }) => ({ partitionIndex, errorCode: error })),
      );
    });
  },
  errorAnswer: ({ topics }, errorCode) => ({
    throttleTimeMs: 0,
    topics: topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
    })),
  }),
});
