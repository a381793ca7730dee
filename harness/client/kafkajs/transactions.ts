/**
 * The transactions of a pipeline in kafkajs' terms, as its documentation shows them: a start command and a client enter,
 * the calls that the application makes leave.
 */
import { type Kafka, Partitioners, type Transaction } from 'kafkajs';
import { type TransactionCalls, transactionalIdOf } from '../application/pipeline.ts';
import type { MemberStart } from '../protocol.ts';
import { outcomeOf } from './errors.ts';

/** So that what a dead member has left open does not hold up the group for a minute. */
const TRANSACTION_TIMEOUT_MS = 10_000;

export interface PipelineProducer extends TransactionCalls {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

export function createPipelineProducer(kafka: Kafka, start: MemberStart): PipelineProducer {
  const producer = kafka.producer({
    // Named, so that kafkajs does not warn of its new default.
    createPartitioner: Partitioners.DefaultPartitioner,
    transactionalId: transactionalIdOf(start),
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: TRANSACTION_TIMEOUT_MS,
  });
  let current: Transaction | null = null;
  const open = (): Transaction => {
    if (current === null) throw new Error('there is no transaction');
    return current;
  };
  return {
    connect: async () => await producer.connect(),
    disconnect: async () => await producer.disconnect(),
    async begin() {
      current = await producer.transaction();
    },
    async send(topic, values) {
      await open().send({ topic, acks: -1, messages: values.map((value) => ({ value })) });
    },
    async sendOffset(topic, partition, offset) {
      await open().sendOffsets({
        consumerGroupId: start.group.id,
        topics: [{ topic, partitions: [{ partition, offset }] }],
      });
    },
    commit: async () => await open().commit(),
    abort: async () => await open().abort(),
    fateOf: outcomeOf,
  };
}
