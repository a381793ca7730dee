/**
 * A producer on the reference client: a `start` command enters, its records are sent at their times, and each send call
 * leaves `produce-invoke` and one outcome.
 */
import { describeError } from '../../application/describe-error.ts';
import { abortsForCommit, closingOf } from '../../application/mutation.ts';
import type { PlannedSend } from '../../application/send-plan.ts';
import { SendSchedule } from '../../application/send-schedule.ts';
import { createTransactions, transactionalIdOf } from '../../application/transactions.ts';
import type { Application, Host } from '../../host.ts';
import type { ProducerStart } from '../../protocol.ts';
import { fateOf } from '../errors.ts';
import type { RecordMetadata } from '../producer/batch.ts';
import { Producer } from '../producer/producer.ts';
import { commonOptions, createTransport } from './transport.ts';

const LINGER_MS = 5;
const REQUEST_TIMEOUT_MS = 30_000;

/** Kafka refuses a delivery.timeout.ms that has no room for the wait in the client and one request. */
function deliveryOptions(asked: number, lingerMs = LINGER_MS) {
  const deliveryMs = Math.max(asked, lingerMs + 1);
  return {
    'delivery.timeout.ms': deliveryMs,
    'request.timeout.ms': Math.min(REQUEST_TIMEOUT_MS, deliveryMs - lingerMs),
  };
}

/**
 * One answer for each record: of neighbouring offsets nobody can tell whether they were one batch, and of two batches one
 * may be lost. Records without an offset have one for their partition.
 */
function toAnswers(all: readonly RecordMetadata[]): { partition: number; baseOffset: string }[] {
  const without = new Set<number>();
  return all.flatMap(({ partition, offset }) => {
    if (offset < 0 && without.has(partition)) return [];
    if (offset < 0) without.add(partition);
    return [{ partition, baseOffset: String(offset) }];
  });
}

/** Starts the producer at once; the process ends by itself when all records are sent and settled. */
export function startProducer(start: ProducerStart, host: Host): Application {
  const { acks, idempotent, keys, lingerMs, batchBytes, deliveryTimeoutMs, native, transactions } =
    start.producer;
  const closing = closingOf(start.producer, start.mutant);
  const producer = new Producer(
    {
      ...commonOptions(start),
      acks,
      'enable.idempotence': idempotent,
      ...(transactions === undefined ? {} : { 'transactional.id': transactionalIdOf(start) }),
      ...(lingerMs === undefined ? {} : { 'linger.ms': lingerMs }),
      ...(batchBytes === undefined ? {} : { 'batch.size': batchBytes }),
      ...(deliveryTimeoutMs === undefined ? {} : deliveryOptions(deliveryTimeoutMs, lingerMs)),
      // Java's own would put all records of a short trial into one partition.
      'partitioner.class': keys === null ? 'RoundRobinPartitioner' : 'default',
      ...native?.reference?.producer,
    },
    createTransport(start, host),
  );
  let isClosing = false;
  const send = async ({ produce, topic, records }: PlannedSend): Promise<void> => {
    const outcomes = await Promise.allSettled(
      records.map(({ keyBytes: key, value }) => producer.send({ topic, key, value })),
    );
    // An application that does not care does not hear of what its close has dropped either.
    if (isClosing && closing === 'drop' && start.producer.closing !== 'drop') return;
    const refused = outcomes.filter((one) => one.status === 'rejected');
    const written = outcomes.filter((one) => one.status === 'fulfilled');
    const [first] = refused;
    if (first === undefined) {
      host.emit({ kind: 'produce-ok', produce, answers: toAnswers(written.map(({ value }) => value)) });
      return;
    }
    const isRefused = written.length === 0 && refused.every(({ reason }) => fateOf(reason) === 'failed');
    const kind = isRefused ? 'produce-fail' : 'produce-unknown';
    host.emit({ kind, produce, error: describeError(first.reason) });
  };

  const transactional = {
    init: async () => await producer.initTransactions(),
    begin: () => producer.beginTransaction(),
    commit: async () =>
      abortsForCommit(start.mutant) ? await producer.abortTransaction() : await producer.commitTransaction(),
    abort: async () => await producer.abortTransaction(),
    fateOf,
    // Its commit says so itself.
    hasFailed: () => false,
    flushesOnCommit: true,
  };
  const frame = createTransactions(transactional, start.producer, host, () => schedule.settled());
  const schedule: SendSchedule = new SendSchedule(start, host, send, frame);

  const run = async (): Promise<void> => {
    await schedule.begin();
    // A careless application does not ask what has become of its records.
    if (closing !== 'drop') await schedule.settled();
    host.emit({ kind: 'producer-close', phase: 'begin', error: null });
    isClosing = true;
    await producer.close(closing === 'drop' ? 0 : Number.POSITIVE_INFINITY);
    host.emit({ kind: 'producer-close', phase: 'end', error: null });
    await schedule.settled();
    host.exit(0);
  };

  const running = run();
  return {
    async close() {
      schedule.stop();
      await running;
    },
  };
}
