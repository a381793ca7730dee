/**
 * A producer on kafkajs: a `start` command enters, its records are sent at their times, and each send call leaves
 * `produce-invoke` and one outcome.
 */
import { Partitioners, type RecordMetadata } from 'kafkajs';
import { describeError } from '../application/describe-error.ts';
import type { PlannedSend } from '../application/send-plan.ts';
import { SendSchedule } from '../application/send-schedule.ts';
import { createTransactions, transactionalIdOf } from '../application/transactions.ts';
import type { Application, Host } from '../host.ts';
import type { ProducerStart } from '../protocol.ts';
import { createKafka } from './cluster.ts';
import { protocolError } from './errors.ts';
import { nativeOptions } from './native-options.ts';
import { ProducerTransactions } from './producer-transactions.ts';

const ACKS = { 0: 0, 1: 1, all: -1 } as const;

/**
 * Answers of a broker that depend on nothing but the records and the settings, so that no earlier try of the same call
 * can have written them. Any other error, a timeout above all, leaves it open whether they were written.
 */
const REFUSALS = new Set([
  'CORRUPT_MESSAGE',
  'INVALID_RECORD',
  'INVALID_REQUIRED_ACKS',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
  'MESSAGE_TOO_LARGE',
  'POLICY_VIOLATION',
  'RECORD_LIST_TOO_LARGE',
  'TOPIC_AUTHORIZATION_FAILED',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
]);

/**
 * A call with records of several partitions is refused in part: kafkajs throws at the first partition's error and
 * says nothing of the others. Only where all records share a partition for certain is the refusal the whole answer.
 */
const isRefused = (error: unknown, { records }: PlannedSend): boolean => {
  const answer = protocolError(error);
  if (answer === undefined || answer.retriable || !REFUSALS.has(answer.type)) return false;
  return (
    records.length === 1 || (records[0]?.key !== null && new Set(records.map(({ key }) => key)).size === 1)
  );
};

const toAnswers = (metadata: RecordMetadata[]): { partition: number; baseOffset: string }[] =>
  metadata.map(({ partition, baseOffset, offset }) => ({
    partition,
    baseOffset: baseOffset ?? offset ?? '-1',
  }));

/** Starts the producer at once; the process ends by itself when all records are sent and settled. */
export function startProducer(start: ProducerStart, host: Host): Application {
  const { acks, idempotent, transactions } = start.producer;
  const producer = createKafka(start, host).producer({
    // Named, so that kafkajs does not warn of its new default.
    createPartitioner: Partitioners.DefaultPartitioner,
    idempotent,
    ...(transactions === undefined ? {} : { transactionalId: transactionalIdOf(start) }),
    // The documentation asks for it where order and exactly one write matter.
    ...(idempotent ? { maxInFlightRequests: 1 } : {}),
    ...nativeOptions(start, 'producer'),
  });
  const own = new ProducerTransactions(producer);
  const sendOptions = nativeOptions(start, 'send');
  const send = async (planned: PlannedSend): Promise<void> => {
    const { produce, topic, records } = planned;
    try {
      const messages = records.map(({ keyBytes: key, value }) => ({ key, value }));
      const metadata = await own.sender.send({ topic, acks: ACKS[acks], messages, ...sendOptions });
      host.emit({ kind: 'produce-ok', produce, answers: toAnswers(metadata) });
    } catch (error) {
      own.failed();
      const kind = isRefused(error, planned) ? 'produce-fail' : 'produce-unknown';
      host.emit({ kind, produce, error: describeError(error) });
    }
  };

  const frame = createTransactions(own, start.producer, host, () => schedule.settled());
  const schedule: SendSchedule = new SendSchedule(start, host, send, frame);

  const disconnect = async (): Promise<void> => {
    host.emit({ kind: 'producer-close', phase: 'begin', error: null });
    try {
      await producer.disconnect();
      host.emit({ kind: 'producer-close', phase: 'end', error: null });
    } catch (error) {
      host.emit({ kind: 'producer-close', phase: 'end', error: describeError(error) });
    }
  };

  const connect = async (): Promise<boolean> => {
    try {
      await producer.connect();
      return true;
    } catch (error) {
      host.emit({ kind: 'application-error', call: 'connect', error: describeError(error) });
      if (!schedule.isStopped) host.exit(1);
      return false;
    }
  };

  const run = async (): Promise<void> => {
    // Nothing has been sent before the client is connected, so an application that is told to end does not wait.
    const connected = await Promise.race([connect(), schedule.stopped.then(() => true)]);
    if (!connected) return;
    try {
      if (!schedule.isStopped) await schedule.begin();
    } catch (error) {
      // A transaction can be neither begun nor ended: a careful application ends, and is started again.
      host.emit({ kind: 'application-error', call: 'transaction', error: describeError(error) });
      host.exit(1);
      return;
    }
    await schedule.settled();
    await disconnect();
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
