/**
 * The transactions of a producer's application, the same in front of every client: its send calls enter, each in a
 * transaction of so many, which the application commits or aborts as the scenario says; the calls leave as `transaction`
 * events, and their answers.
 */
import type { Host } from '../host.ts';
import type { ProducerStart } from '../protocol.ts';
import { describeError } from './describe-error.ts';
import type { Frame } from './send-schedule.ts';

/** A transactional producer, in words that every client has. */
export interface TransactionalProducer {
  init(): Promise<void>;
  begin(): void | Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  /** What became of a call that threw this. */
  fateOf(error: unknown): 'failed' | 'unknown';
  /** Whether a send of the transaction has failed, so that its application does not try to commit it; asked when all are settled. */
  hasFailed(): boolean;
  /** Whether its commit waits for the sends that are under way, or the application has to. */
  readonly flushesOnCommit: boolean;
}

/** No other scenario's on a shared cluster: the real name of a topic is the run's own. */
export const transactionalIdOf = ({ producer: { id, topics } }: ProducerStart): string =>
  `${topics[0]}.${id}`;

/** @param settled resolves when every send call that has begun has its outcome */
export function createTransactions(
  producer: TransactionalProducer,
  { transactions, records, recordsPerSend }: ProducerStart['producer'],
  host: Host,
  settled: () => Promise<void>,
): Frame | null {
  if (transactions === undefined) return null;
  const { sends, abortEvery } = transactions;
  const last = Math.ceil(records / recordsPerSend) - 1;
  const numberOf = (produce: number): number => Math.floor(produce / sends);

  const end = async (transaction: number, ending: 'commit' | 'abort'): Promise<void> => {
    host.emit({ kind: 'transaction', transaction, call: ending });
    const error = await producer[ending]().then(
      () => null,
      (reason: unknown) => reason,
    );
    host.emit({
      kind: 'transaction-end',
      transaction,
      ending,
      outcome: error === null ? 'ok' : producer.fateOf(error),
      error: error === null ? null : describeError(error),
    });
    // Kafka's documentation: what cannot be committed is aborted.
    if (error !== null && ending === 'commit') await end(transaction, 'abort');
    else if (error !== null) throw error;
  };

  return {
    async before({ produce }) {
      const transaction = numberOf(produce);
      if (produce === 0) await producer.init();
      if (produce % sends === 0) {
        host.emit({ kind: 'transaction', transaction, call: 'begin' });
        await producer.begin();
      }
      return transaction;
    },
    async after({ produce }) {
      const transaction = numberOf(produce);
      if (produce !== last && numberOf(produce + 1) === transaction) return;
      const isAborted = abortEvery !== null && (transaction + 1) % abortEvery === 0;
      // So that what is aborted has been written, and a reader could see it.
      if (isAborted || !producer.flushesOnCommit) await settled();
      await end(transaction, isAborted || producer.hasFailed() ? 'abort' : 'commit');
    },
  };
}
