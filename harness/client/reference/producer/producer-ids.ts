/**
 * Sequence numbers of an idempotent producer (KIP-98): batches enter and are numbered under a producer id, which is asked
 * for when it is first needed, and again after a batch was given up whose number the broker may or may not have seen.
 */
import { initProducerIdApi } from '../../../cluster/protocol/22-init-producer-id.ts';
import { type Signal, sleep } from '../clock.ts';
import type { ProducerConfig } from '../config.ts';
import { check, isRetriable, type KafkaError } from '../errors.ts';
import type { NetworkClient } from '../network/client.ts';
import type { Batch, ProducerIdAndEpoch } from './batch.ts';

const SEQUENCES = 2 ** 31;

/** What the sender asks before it sends a batch, and tells when one was given up. */
export interface ProducerIds {
  /** Whether the batch may be sent now; if not, the signal says when it may. */
  isReadyFor(batch: Batch): boolean;
  /** Numbers a batch that is sent for the first time. */
  number(batch: Batch): void;
  failed(batch: Batch, error: KafkaError): void;
  /** Why nothing that waits will be sent any more, or null. */
  readonly obstacle: KafkaError | null;
}

/** Without idempotence a batch has no number. */
export const noProducerIds: ProducerIds = {
  isReadyFor: () => true,
  number: () => {},
  failed: () => {},
  obstacle: null,
};

/** The next number of each partition under one producer id. */
export class Sequences {
  readonly id: ProducerIdAndEpoch;
  readonly #next = new Map<string, number>();

  constructor(id: ProducerIdAndEpoch) {
    this.id = id;
  }

  number(batch: Batch): void {
    if (batch.sequence !== null) return;
    const first = this.#next.get(batch.name) ?? 0;
    batch.sequence = { ...this.id, first };
    this.#next.set(batch.name, (first + batch.count) % SEQUENCES);
  }
}

export class IdempotentProducerIds implements ProducerIds {
  readonly obstacle = null;
  readonly #config: ProducerConfig;
  readonly #network: NetworkClient;
  readonly #signal: Signal;
  #sequences: Sequences | null = null;
  /** An answer is under way, or the time until the next question. */
  #isAsking = false;

  constructor(config: ProducerConfig, network: NetworkClient, signal: Signal) {
    this.#config = config;
    this.#network = network;
    this.#signal = signal;
  }

  isReadyFor(batch: Batch): boolean {
    if (batch.sequence !== null || this.#sequences !== null) return true;
    if (!this.#isAsking) void this.#ask();
    return false;
  }

  number(batch: Batch): void {
    this.#sequences?.number(batch);
  }

  /** A hole in the numbers would have the broker refuse all that follows; under a new id they begin anew. */
  failed(batch: Batch): void {
    if (batch.sequence?.producerId === this.#sequences?.id.producerId) this.#sequences = null;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    try {
      const answer = await this.#network.requestAny(initProducerIdApi, {
        transactionalId: null,
        transactionTimeoutMs: this.#config['transaction.timeout.ms'],
      });
      check(answer.errorCode, 'InitProducerId');
      this.#sequences = new Sequences({
        producerId: Number(answer.producerId),
        epoch: answer.producerEpoch,
      });
    } catch (error) {
      console.error(`reference client: no producer id: ${(error as Error).message}`);
      // Batches expire by their own time; a refusal does not turn into an agreement sooner.
      const delayMs = this.#config[isRetriable(error) ? 'retry.backoff.ms' : 'retry.backoff.max.ms'];
      // By the timer alone: it may end before the clock says that its time is over, and nothing would ask again.
      await sleep(delayMs);
    }
    this.#isAsking = false;
    this.#signal.notify();
  }
}
