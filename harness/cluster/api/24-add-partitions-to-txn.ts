/**
 * AddPartitionsToTxn (API key 24), versions 0 to 5: partitions become part of a producer's transaction, all or none; the
 * first ones open it.
 *
 * Before 2 a fenced producer is told INVALID_PRODUCER_EPOCH instead of PRODUCER_FENCED (KIP-588). 4 and 5 are for
 * brokers, with several transactions, perhaps only to verify them (KIP-890); as without an authorizer, any client may
 * use them. The simulated brokers' own questions do not take this way (transaction/verification.ts).
 */
import type { Handler, RequestContext } from '../handler.ts';
import {
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
  addPartitionsToTxnApi,
} from '../protocol/24-add-partitions-to-txn.ts';
import type { TransactionCoordinator } from '../transaction/coordinator.ts';
import type { CoordinatorOf } from '../transaction/coordinator-of.ts';
import {
  fencedAs,
  NONE,
  OPERATION_NOT_ATTEMPTED,
  UNKNOWN_TOPIC_OR_PARTITION,
} from '../transaction/error-codes.ts';
import type { TopicPartition } from '../transaction/transaction.ts';
import { eachOnce, type Naming } from './each-once.ts';

type Added = AddPartitionsToTxnRequest['transactions'][number];
type TopicResults = AddPartitionsToTxnResponse['resultsByTopicV3AndBelow'];

const PRODUCER_FENCED_FROM = 2;
const SEVERAL_FROM = 4;

const transactionsOf = (request: AddPartitionsToTxnRequest, version: number): readonly Added[] =>
  version >= SEVERAL_FROM
    ? request.transactions
    : [
        {
          transactionalId: request.v3AndBelowTransactionalId,
          producerId: request.v3AndBelowProducerId,
          producerEpoch: request.v3AndBelowProducerEpoch,
          verifyOnly: false,
          topics: request.v3AndBelowTopics,
        },
      ];

const naming: Naming<Added['topics'][number], number> = {
  keyOf: ({ name }) => name,
  itemsOf: ({ partitions }) => partitions,
  indexOf: (partition) => partition,
  withItems: ({ name }, partitions) => ({ name, partitions }),
};

/** An error of the whole is answered in the words of the request, and one of partitions for each of them once. */
const resultsOf = (
  topics: Added['topics'],
  errorOf: (topic: string, partition: number) => number,
): TopicResults =>
  topics.map(({ name, partitions }) => ({
    name,
    resultsByPartition: partitions.map((partitionIndex) => ({
      partitionIndex,
      partitionErrorCode: errorOf(name, partitionIndex),
    })),
  }));

function add(
  { broker: { image } }: RequestContext,
  coordinator: TransactionCoordinator,
  added: Added,
  version: number,
  done: (results: TopicResults) => void,
): void {
  const exists = (topic: string, partition: number): boolean =>
    image.topics.get(topic)?.partitions[partition] !== undefined;
  const once = [...eachOnce(added.topics, naming)];
  const partitions: readonly TopicPartition[] = once.flatMap(({ name, partitions }) =>
    partitions.map((partition) => ({ topic: name, partition })),
  );
  if (!partitions.every(({ topic, partition }) => exists(topic, partition))) {
    done(
      resultsOf(once, (topic, partition) =>
        exists(topic, partition) ? OPERATION_NOT_ATTEMPTED : UNKNOWN_TOPIC_OR_PARTITION,
      ),
    );
    return;
  }
  const producer = { id: added.producerId, epoch: added.producerEpoch };
  if (added.verifyOnly) {
    const results = coordinator.verifyPartitions(added.transactionalId, producer, partitions);
    const errors = new Map(results.map(([{ topic, partition }, error]) => [`${topic}-${partition}`, error]));
    done(resultsOf(once, (topic, partition) => errors.get(`${topic}-${partition}`) ?? NONE));
    return;
  }
  coordinator.addPartitions(
    added.transactionalId,
    producer,
    partitions,
    version >= SEVERAL_FROM ? 2 : 0,
    (error) => done(resultsOf([...added.topics], () => fencedAs(error, version, PRODUCER_FENCED_FROM))),
  );
}

const toResponse = (
  results: readonly { transactionalId: string; topicResults: TopicResults }[],
  version: number,
  errorCode = NONE,
): AddPartitionsToTxnResponse => ({
  throttleTimeMs: 0,
  errorCode,
  resultsByTransaction: version >= SEVERAL_FROM ? [...results] : [],
  resultsByTopicV3AndBelow: version >= SEVERAL_FROM ? [] : (results[0]?.topicResults ?? []),
});

export const addPartitionsToTxn = (
  coordinatorOf: CoordinatorOf,
): Handler<AddPartitionsToTxnRequest, AddPartitionsToTxnResponse> => ({
  api: addPartitionsToTxnApi,
  handle(context, request, version, respond) {
    const transactions = transactionsOf(request, version);
    const results = transactions.map(({ transactionalId }) => ({
      transactionalId,
      topicResults: [] as TopicResults,
    }));
    let open = transactions.length;
    if (open === 0) respond(toResponse([], version));
    for (const [index, added] of transactions.entries())
      add(context, coordinatorOf(context), added, version, (topicResults) => {
        results[index] = { transactionalId: added.transactionalId, topicResults };
        open -= 1;
        if (open === 0) respond(toResponse(results, version));
      });
  },
  errorAnswer: (request, code, version) => {
    const results = transactionsOf(request, version).map((added) => ({
      transactionalId: added.transactionalId,
      topicResults: resultsOf([...added.topics], () => code),
    }));
    return version >= SEVERAL_FROM ? toResponse([], version, code) : toResponse(results, version);
  },
});
