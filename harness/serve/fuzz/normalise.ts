/**
 * What two clusters may differ in without differing: an answer of one arm enters, the same answer leaves with these in
 * the words of the sequence. Nothing else is passed over here; a difference that stays is explained in known.ts.
 *
 * - names lose the prefix of the sequence, and what belongs to other sequences is left out of lists of everything;
 * - ids of topics, members, producers, fetch sessions and the cluster become their number in order of appearance;
 * - hosts, ports, client addresses and times of the broker's clock become words;
 * - texts of error messages are left out: they are for people;
 * - lists of topics, groups, partitions and configs that Kafka makes of hash tables are put in order;
 * - of ApiVersions only the keys that both arms announce are compared, and no features.
 */

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
const FEATURES = new Set([
  'supportedFeatures',
  'finalizedFeatures',
  'finalizedFeaturesEpoch',
  'zkMigrationReady',
]);

/** The ids that one arm has given out in a sequence, by kind. */
export class Ids {
  readonly #numbers = new Map<string, number>();
  readonly #counts = new Map<string, number>();

  word(kind: string, id: string): string {
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
  return isOfStructs
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
  if (kind !== undefined && text !== '' && text !== NO_UUID && text !== 'unknown')
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

/** Records, whose producer's id and whose broker's time are in their bytes. */
function normaliseBytes(value: ArrayBufferView, _by: Normalising): string {
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex');
}
