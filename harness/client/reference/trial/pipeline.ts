/**
 * The transactions of a pipeline in the Java client's terms: a start command and a consumer enter, the calls that the
 * application makes leave. The consumer's group metadata goes with the offsets, so that the coordinator fences a member that
 * is no longer one (KIP-447).
 */
import { type TransactionCalls, transactionalIdOf } from '../../application/pipeline.ts';
import type { MemberStart } from '../../protocol.ts';
import type { Consumer } from '../consumer/consumer.ts';
import { fateOf } from '../errors.ts';
import type { Transport } from '../network/connection.ts';
import { Producer } from '../producer/producer.ts';
import { commonOptions } from './transport.ts';

/** So that what a dead member has left open does not hold up the group for a minute. */
const TRANSACTION_TIMEOUT_MS = 10_000;

export interface PipelineProducer extends TransactionCalls {
  connect(): Promise<void>;
  close(): Promise<void>;
}

export function createPipelineProducer(
  start: MemberStart,
  transport: Transport,
  consumer: Pick<Consumer, 'groupMetadata'>,
): PipelineProducer {
  const producer = new Producer(
    {
      ...commonOptions(start),
      'transactional.id': transactionalIdOf(start),
      'transaction.timeout.ms': TRANSACTION_TIMEOUT_MS,
    },
    transport,
  );
  return {
    connect: async () => await producer.initTransactions(),
    close: async () => await producer.close(0),
    async begin() {
      producer.beginTransaction();
      await Promise.resolve();
    },
    async send(topic, values) {
      await Promise.all(values.map(async (value) => await producer.send({ topic, value })));
    },
    async sendOffset(topic, partition, offset) {
      const offsets = [{ topic, partition, offset: Number(offset) }];
      await producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
    },
    commit: async () => await producer.commitTransaction(),
    abort: async () => await producer.abortTransaction(),
    fateOf,
  };
}
