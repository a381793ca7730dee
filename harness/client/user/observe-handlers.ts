/**
 * The application's handlers, watched: what it gave to `consumer.run` enters, the same leaves with handlers that say
 * what was delivered, whose processing began and how it ended. What the application sees stays as it was.
 */
import type { Batch, ConsumerRunConfig, EachBatchPayload, EachMessagePayload, KafkaMessage } from 'kafkajs';
import { causes } from '../application/describe-error.ts';
import { decodeRecordValue } from '../record-value.ts';
import { callClient, type Session } from './session.ts';

export function observeHandlers(config: ConsumerRunConfig, session: Session): ConsumerRunConfig {
  const { eachMessage, eachBatch } = config;
  return {
    ...config,
    ...(eachMessage === undefined
      ? {}
      : { eachMessage: async (payload) => await observeMessage(payload, eachMessage, session) }),
    ...(eachBatch === undefined
      ? {}
      : { eachBatch: async (payload) => await observeBatch(payload, eachBatch, config, session) }),
  };
}

async function observeMessage(
  payload: EachMessagePayload,
  handle: NonNullable<ConsumerRunConfig['eachMessage']>,
  session: Session,
): Promise<void> {
  const { topic, partition, message } = payload;
  const work = new ObservedWork(topic, partition, [message], session);
  work.beginUpTo(0);
  await work.settle(async () => {
    await handle({
      ...payload,
      topic: session.names.own(topic),
      heartbeat: async () => await callClient(session, async () => await payload.heartbeat()),
    });
  });
}

/**
 * Nobody outside can see when the work on one record of a batch begins, so it does when the application takes the record
 * out of `batch.messages`; it ends when the application resolves its offset, or when the handler returns.
 */
async function observeBatch(
  payload: EachBatchPayload,
  handle: NonNullable<ConsumerRunConfig['eachBatch']>,
  { eachBatchAutoResolve = true }: ConsumerRunConfig,
  session: Session,
): Promise<void> {
  const { batch } = payload;
  const { topic, partition, messages } = batch;
  const work = new ObservedWork(topic, partition, messages, session);
  const observed = Object.create(batch, {
    topic: { value: session.names.own(topic), enumerable: true },
    messages: { value: watchElements(messages, (index) => work.beginUpTo(index)), enumerable: true },
  }) as Batch;
  await work.settle(async () => {
    await handle({
      ...payload,
      batch: observed,
      heartbeat: async () => await callClient(session, async () => await payload.heartbeat()),
      commitOffsetsIfNecessary: async (offsets) =>
        await callClient(session, async () => await payload.commitOffsetsIfNecessary(offsets)),
      resolveOffset(offset) {
        work.endUpTo(offset);
        payload.resolveOffset(offset);
      },
    });
    // Without it, records that the application has not resolved are not done, and come again.
    if (!eachBatchAutoResolve) work.forget();
  });
}

const INDEX = /^\d+$/;

/** The same array; `onTaken` hears of each element that is read, by whatever way. */
const watchElements = <T>(elements: readonly T[], onTaken: (index: number) => void): readonly T[] =>
  new Proxy(elements, {
    get(target, key, receiver) {
      if (typeof key === 'string' && INDEX.test(key) && Number(key) < target.length) onTaken(Number(key));
      return Reflect.get(target, key, receiver);
    },
  });

/** One handler call: begins and ends are told in the order of the records, each once. */
class ObservedWork {
  readonly #topic: string;
  readonly #partition: number;
  readonly #messages: readonly KafkaMessage[];
  readonly #session: Session;
  #begun = 0;
  #ended = 0;

  constructor(topic: string, partition: number, messages: readonly KafkaMessage[], session: Session) {
    this.#topic = topic;
    this.#partition = partition;
    this.#messages = messages;
    this.#session = session;
    if (messages.length > 0)
      session.host.emit({
        kind: 'delivery',
        group: session.start.group.id,
        topic,
        partition,
        offsets: messages.map(({ offset }) => offset),
      });
  }

  beginUpTo(index: number): void {
    for (; this.#begun <= index; this.#begun++) {
      const { offset, value } = this.#messages[this.#begun] as KafkaMessage;
      this.#session.host.emit({
        kind: 'processing-begin',
        ...this.#place(offset),
        record: decodeRecordValue(value),
      });
    }
  }

  /** What is resolved is done, also where it was never looked at. */
  endUpTo(offset: string): void {
    const index = this.#messages.findLastIndex((message) => BigInt(message.offset) <= BigInt(offset));
    this.beginUpTo(index);
    this.#end(index, 'ok');
  }

  /** Leaves what has begun and not ended as it is. */
  forget(): void {
    this.#ended = this.#begun;
  }

  /**
   * A handler that ends by an error which the client gave it, from a heartbeat in a rebalance or a commit, says nothing
   * of its records: what it has taken counts as done, since whoever commits only afterwards would be accused otherwise.
   * @throws what the handler throws
   */
  async settle(handle: () => Promise<void>): Promise<void> {
    try {
      await handle();
    } catch (error) {
      const { host, clientErrors } = this.#session;
      const isOfClient = causes(error).some(
        (one) => typeof one === 'object' && one !== null && clientErrors.has(one),
      );
      if (!isOfClient) host.failed?.(error);
      this.#end(this.#begun - 1, isOfClient ? 'ok' : 'failed');
      throw error;
    }
    this.#end(this.#begun - 1, 'ok');
  }

  #end(last: number, outcome: 'ok' | 'failed'): void {
    for (; this.#ended <= last; this.#ended++) {
      const { offset } = this.#messages[this.#ended] as KafkaMessage;
      this.#session.host.emit({ kind: 'processing-end', ...this.#place(offset), outcome });
    }
  }

  #place(offset: string) {
    return {
      group: this.#session.start.group.id,
      topic: this.#topic,
      partition: this.#partition,
      offset,
    };
  }
}
