/** What a producer sends and when: a producer of the scenario enters, its send calls in order of time leave. */
import type { Producer } from '../../../scenarios/schema.ts';
import { encodeRecordValue, fillTemplate } from '../record-value.ts';
import { drawerOfIntegers } from './draw.ts';

export interface PlannedRecord {
  readonly record: string;
  /** As the history names it. */
  readonly key: string | null;
  /** As the client is given it. */
  readonly keyBytes: string | Buffer | null;
  readonly value: string;
}

export interface PlannedSend {
  /** Number of the send call, from 0. */
  readonly produce: number;
  /** Scenario time. */
  readonly dueMs: number;
  readonly topic: string;
  readonly records: PlannedRecord[];
}

/** The number of a key as Java's IntegerSerializer writes it. */
function toInteger(number: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(number);
  return bytes;
}

/**
 * The send calls, spread evenly from startMs to stopMs and over the topics in turn; made one by one.
 * @param templates of record values, by topic
 */
export function* planSends(
  producer: Producer,
  seed: number,
  templates: Readonly<Record<string, string>> = {},
): Generator<PlannedSend> {
  const { id, topics, keys, keyFormat, records, recordsPerSend, valueBytes, startMs, stopMs } = producer;
  const sends = Math.ceil(records / recordsPerSend);
  const gapMs = sends > 1 ? (stopMs - startMs) / (sends - 1) : 0;
  const keyOf = keys === null ? null : drawerOfIntegers(0, keys - 1, 'record-key', seed);
  for (let produce = 0; produce < sends; produce++) {
    const first = produce * recordsPerSend;
    const count = Math.min(recordsPerSend, records - first);
    const topic = topics[produce % topics.length] as string;
    const template = templates[topic];
    yield {
      produce,
      dueMs: startMs + produce * gapMs,
      topic,
      records: Array.from({ length: count }, (_, i) => {
        const record = `${id}-${first + i}`;
        const number = keyOf === null ? null : keyOf(first + i);
        const key = number === null ? null : `k${number}`;
        return {
          record,
          key,
          keyBytes: number !== null && keyFormat === 'integer' ? toInteger(number) : key,
          value:
            template === undefined ? encodeRecordValue(record, valueBytes) : fillTemplate(template, record),
        };
      }),
    };
  }
}
