/**
 * The part of a producer's application that is the same for every client: its send plan enters, each send call is
 * announced in the history and begun at its time, whatever has become of those before it.
 */
import type { Host } from '../host.ts';
import type { ProducerStart } from '../protocol.ts';
import { type PlannedSend, planSends } from './send-plan.ts';

/** What an application does around its send calls, such as a transaction; each call is awaited. */
export interface Frame {
  /** @returns the number of the transaction that the send call is in */
  before(planned: PlannedSend): Promise<number>;
  after(planned: PlannedSend): Promise<void>;
}

export class SendSchedule {
  readonly #start: ProducerStart;
  readonly #host: Host;
  readonly #send: (planned: PlannedSend) => Promise<void>;
  readonly #frame: Frame | null;
  readonly #outstanding = new Set<Promise<void>>();
  #stop: () => void = () => {};
  /** Resolves when no more is to be begun. */
  readonly stopped = new Promise<void>((resolve) => {
    this.#stop = resolve;
  });
  isStopped = false;
  /** Ends the wait for the next send, where there is one. */
  #wake: () => void = () => {};

  /** @param send calls the client and records the outcome; never rejects */
  constructor(
    start: ProducerStart,
    host: Host,
    send: (planned: PlannedSend) => Promise<void>,
    frame: Frame | null = null,
  ) {
    this.#frame = frame;
    this.#start = start;
    this.#host = host;
    this.#send = send;
  }

  /** Resolves when the last send has begun, or it was stopped. */
  async begin(): Promise<void> {
    const { producer, seed, values } = this.#start;
    for (const planned of planSends(producer, seed, values)) {
      await this.#waitUntil(planned.dueMs);
      if (this.isStopped) return;
      const { produce, topic, records } = planned;
      const transaction = this.#frame === null ? undefined : await this.#frame.before(planned);
      this.#host.emit({
        kind: 'produce-invoke',
        produce,
        ...(transaction === undefined ? {} : { transaction }),
        topic,
        acks: producer.acks,
        records: records.map(({ record, key }) => ({ record, key })),
      });
      // Not awaited here: a server that handles requests does not wait for one to answer the next.
      const one = this.#send(planned).finally(() => this.#outstanding.delete(one));
      this.#outstanding.add(one);
      if (this.#frame !== null) await this.#frame.after(planned);
    }
  }

  /** Resolves when every send that has begun has its outcome. */
  async settled(): Promise<void> {
    await Promise.all(this.#outstanding);
  }

  stop(): void {
    this.isStopped = true;
    this.#stop();
    this.#wake();
  }

  async #waitUntil(dueMs: number): Promise<void> {
    const waitMs = this.#start.timeOriginEpochMs + dueMs - Date.now();
    if (waitMs <= 0) return;
    if (this.isStopped) return;
    // Not a race with `stopped`, which would keep something of every wait until it resolves.
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
