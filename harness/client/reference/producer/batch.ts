/** One batch of records on its way to one partition: records enter, and each is settled together with the batch. */
import { BATCH_HEADER_BYTES, type BatchRecord, buildBatch } from '../../../cluster/log/record-batch.ts';
import { nowMs } from '../clock.ts';
import { type Fate, type KafkaError, nameOf, type TopicPartition, withFate } from '../errors.ts';

/** Where a record is, or -1 in place of the offset where no broker has said. */
export class RecordMetadata implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;

  constructor({ topic, partition }: TopicPartition, offset: number, timestampMs: number) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.timestampMs = timestampMs;
  }

  /** As the Java client prints it: `topic-0@4`. */
  toString(): string {
    return `${nameOf(this)}@${this.offset}`;
  }
}

export interface ProducerIdAndEpoch {
  readonly producerId: number;
  readonly epoch: number;
}

/** Kafka's upper bound for what a record needs beside its key and value. */
const RECORD_OVERHEAD_BYTES = 21;
export const sizeOf = ({ key, value }: Pick<BatchRecord, 'key' | 'value'>): number =>
  RECORD_OVERHEAD_BYTES + (key?.length ?? 0) + (value?.length ?? 0);

export class Batch implements TopicPartition {
  readonly topic: string;
  readonly partition: number;
  readonly name: string;
  readonly createdMs = nowMs();
  readonly #records: (BatchRecord & { readonly timestampMs: number })[] = [];
  readonly #settle: {
    resolve: (metadata: RecordMetadata) => void;
    reject: (error: Error) => void;
  }[] = [];
  sizeBytes = BATCH_HEADER_BYTES;
  attempts = 0;
  retryAtMs = 0;
  isFull = false;
  /** A broker has it, and has not answered. */
  isInFlight = false;
  isSettled = false;
  /** Given when it is first sent, and kept for every attempt, so that the broker can tell. */
  sequence: (ProducerIdAndEpoch & { readonly first: number }) | null = null;
  /** `unknown` once an attempt has ended without a broker's no. */
  fate: Fate = 'failed';

  constructor({ topic, partition }: TopicPartition) {
    this.topic = topic;
    this.partition = partition;
    this.name = nameOf(this);
  }

  get count(): number {
    return this.#records.length;
  }

  add(record: BatchRecord & { readonly timestampMs: number }): Promise<RecordMetadata> {
    this.#records.push(record);
    this.sizeBytes += sizeOf(record);
    return new Promise((resolve, reject) => void this.#settle.push({ resolve, reject }));
  }

  encode(isTransactional: boolean): Buffer {
    const { sequence } = this;
    return buildBatch(
      {
        baseOffset: 0,
        leaderEpoch: -1,
        timestampMs: this.#records[0]?.timestampMs ?? 0,
        ...(sequence === null
          ? {}
          : {
              producerId: sequence.producerId,
              producerEpoch: sequence.epoch,
              baseSequence: sequence.first,
              transactional: isTransactional,
            }),
      },
      this.#records,
    ).bytes;
  }

  succeed(baseOffset: number, logAppendTimeMs: number): void {
    if (this.isSettled) return;
    this.isSettled = true;
    for (const [index, { resolve }] of this.#settle.entries()) {
      const timestampMs = logAppendTimeMs >= 0 ? logAppendTimeMs : (this.#records[index]?.timestampMs ?? -1);
      resolve(new RecordMetadata(this, baseOffset < 0 ? -1 : baseOffset + index, timestampMs));
    }
  }

  fail(error: KafkaError): void {
    if (this.isSettled) return;
    this.isSettled = true;
    if (this.fate === 'unknown') withFate(error, 'unknown');
    for (const { reject } of this.#settle) reject(error);
  }
}
