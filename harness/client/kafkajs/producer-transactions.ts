/**
 * A transactional producer on kafkajs: a producer with a transactional id enters, what its application needs to send one
 * transaction after another leaves.
 */
import type { Producer, Transaction } from 'kafkajs';
import type { TransactionalProducer } from '../application/transactions.ts';
import { outcomeOf } from './errors.ts';

/** A transaction after another, as kafkajs' documentation shows it: its sends are awaited, and one that fails aborts it. */
export class ProducerTransactions implements TransactionalProducer {
  readonly #producer: Producer;
  #current: Transaction | null = null;
  #hasFailed = false;
  readonly flushesOnCommit = false;
  readonly fateOf = outcomeOf;

  constructor(producer: Producer) {
    this.#producer = producer;
  }

  /** What sends the records of the transaction that is open. */
  get sender(): Pick<Producer, 'send'> {
    return this.#current ?? this.#producer;
  }

  /** kafkajs does it with the first transaction. */
  async init(): Promise<void> {}

  async begin(): Promise<void> {
    this.#hasFailed = false;
    this.#current = await this.#producer.transaction();
  }

  failed(): void {
    this.#hasFailed = true;
  }

  hasFailed(): boolean {
    return this.#hasFailed;
  }

  async commit(): Promise<void> {
    await this.#current?.commit();
  }

  async abort(): Promise<void> {
    await this.#current?.abort();
  }
}
