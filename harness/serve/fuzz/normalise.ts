/**
 * What two clusters may differ in without differing: an answer of one arm enters, the same answer leaves with these in
 * the words of the sequence. Nothing else is passed over here; a difference that stays is explained in known.ts.
 *
 * - names lose the prefix of the sequence, and what belongs to other sequences is left out of lists of everything;
 * - ids of topics, members, producers, fetch sessions and the cluster become their number in order of appearance;
 * - hosts, ports, client addresses and times of the broker's clock become words;
 * - record batches become their fields, with what was said above of producers and times;
 * - texts of error messages are left out: they are for people;
 * - lists of topics, groups, partitions, configs and mechanisms that Kafka makes of hash tables are put in order;
 * - of ApiVersions only the keys that both arms announce are compared, and no features.
 */
import { crc32c } from '../../cluster/log/crc32c.ts';
import {
  ATTRIBUTES_POSITION,
  BATCH_HEADER_BYTES,
  CHECKSUM_POSITION,
  LOG_OVERHEAD_BYTES,
  MAGIC_POSITION,
  RecordBatch,
} from '../../cluster/log/record-batch.ts';

const IDS: Readonly<Record<string, string>> = {
  topicId: 'topic',
  memberId: 'member',
  leader: 'member',
  producerId: 'producer',
  clusterId: 'cluster',
};
const NO_UUID = '0'.repeat(32);
/** Where a list is of everything that there is. */
const NAMES = ['name', 'topic', 'groupId', 'resourceName'] as const;
const TEXTS = new Set(['errorMessage', 'batchIndexErrorMessage', 'documentation']);
const WORDS: Readonly<Record<string, string>> = {
  host: 'a host',
  port: 'a port',
  clientHost: 'an address',
  sessionId: 'a session',
};
/** Of names alone. */
const UNORDERED = new Set(['mechanisms']);
const FEATURES = new Set([
  'supportedFeatures',
  'finalizedFeatures',
  'finalizedFeaturesEpoch',
  'zkMigrationReady',
]);

/** The ids that one arm has given out in a sequence, by kind. */
export class Ids {
  readonly #topics: ReadonlyMap<string, string>;
  readonly #numbers = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  /** @param topics names of topics by id */
  constructor(topics: ReadonlyMap<string, string>) {
    this.#topics = topics;
  }

  word(kind: string, id: string): string {
    const topic = kind === 'topic' ? this.#topics.get(id) : undefined;
    if (topic !== undefined) return `id of ${topic}`;
    const key = `${kind} ${id}`;
    let number = this.#numbers.get(key);
    if (number === undefined) {
      number = (this.#counts.get(kind) ?? 0) + 1;
      this.#counts.set(kind, number);
      this.#numbers.set(key, number);
    }
    return `${kind} ${number}`;
  }
}

export interface Normalising {
  readonly ids: Ids;
  readonly prefix: string;
  /** Times at or after this are of a broker's clock. */
  readonly startedMs: number;
}

export function normalise(value: unknown, by: Normalising, field = ''): unknown {
  if (Array.isArray(value)) return normaliseList(value, by, field);
  if (ArrayBuffer.isView(value)) return normaliseBytes(value, by);
  if (typeof value === 'bigint') return normaliseNumber(value, by, field);
  if (typeof value === 'number') return field in WORDS && value > 0 ? WORDS[field] : value;
  if (typeof value === 'string') return normaliseText(value, by, field);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !TEXTS.has(name) && !FEATURES.has(name))
      .map(([name, one]) => [name, normalise(one, by, name)]),
  );
}

function normaliseList(list: readonly unknown[], by: Normalising, field: string): unknown[] {
  const own = list.filter((item) => isOfSequence(item, by.prefix));
  const made = own.map((item) => normalise(item, by, field));
  const isOfStructs = own.some(
    (item) => typeof item === 'object' && item !== null && !ArrayBuffer.isView(item),
  );
  return isOfStructs || UNORDERED.has(field)
    ? made.sort((left, right) => compareTexts(JSON.stringify(left), JSON.stringify(right)))
    : made;
}

const compareTexts = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** Of a sequence, or of no sequence at all, such as a name that was asked for. Internal topics come when they come. */
function isOfSequence(item: unknown, prefix: string): boolean {
  if (typeof item !== 'object' || item === null) return true;
  const values = item as Record<string, unknown>;
  const name = NAMES.map((one) => values[one]).find((one) => typeof one === 'string');
  if (typeof name !== 'string') return true;
  return name.startsWith(prefix) || !(name.startsWith('fuzz-') || name.startsWith('__'));
}

function normaliseText(text: string, { ids, prefix }: Normalising, field: string): string {
  const kind = IDS[field];
  if (kind !== undefined && text !== '' && text !== NO_UUID && text !== 'unknown' && !/^f+$/.test(text))
    return ids.word(kind, text);
  if (field in WORDS && text !== '') return WORDS[field] as string;
  return text.replaceAll(prefix, '');
}

function normaliseNumber(value: bigint, { ids, startedMs }: Normalising, field: string): string {
  const kind = IDS[field];
  if (kind !== undefined && value >= 0n) return ids.word(kind, String(value));
  const isTime = /timestamp|TimeMs$/i.test(field) && value >= BigInt(startedMs);
  return isTime ? 'now' : String(value);
}

/** Record batches in words, since a producer's id and a broker's time are in their bytes; other bytes as they are. */
function normaliseBytes(value: ArrayBufferView, by: Normalising): unknown {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  const batches: unknown[] = [];
  let position = 0;
  for (let end = endOfBatch(bytes, 0); end !== null; end = endOfBatch(bytes, position)) {
    batches.push(normaliseBatch(bytes.subarray(position, end), by));
    position = end;
  }
  const rest = bytes.toString('hex', position);
  return batches.length === 0 ? rest : { batches, rest };
}

/** Null where no whole batch of format 2 begins there. */
function endOfBatch(bytes: Buffer, position: number): number | null {
  if (bytes.length - position < BATCH_HEADER_BYTES || bytes[position + MAGIC_POSITION] !== 2) return null;
  const end = position + LOG_OVERHEAD_BYTES + bytes.readInt32BE(position + 8);
  return end >= position + BATCH_HEADER_BYTES && end <= bytes.length ? end : null;
}

function normaliseBatch(bytes: Buffer, by: Normalising): unknown {
  const batch = new RecordBatch(bytes);
  const isSound = crc32c(bytes, ATTRIBUTES_POSITION) === bytes.readUInt32BE(CHECKSUM_POSITION);
  const fields = {
    baseOffset: batch.baseOffset,
    leaderEpoch: batch.leaderEpoch,
    isSound,
    attributes: batch.attributes,
    lastOffset: batch.lastOffset,
    baseTimestamp: BigInt(batch.baseTimestampMs),
    maxTimestamp: BigInt(batch.maxTimestampMs),
    producerId: BigInt(batch.producerId),
    producerEpoch: batch.producerEpoch,
    baseSequence: batch.baseSequence,
    count: batch.count,
    records: bytes.toString('hex', BATCH_HEADER_BYTES),
  };
  return normalise(fields, by);
}
