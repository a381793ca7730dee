/** Small values shared by all evidence: an offset's text or a pair of names enters, a number or a key leaves. */

/**
 * How far apart a coordinator's time stamp and a client's must be before their order says anything. Coordinators stamp
 * whole milliseconds on their own clock, so anything closer is treated as simultaneous.
 */
export const CLOCK_TOLERANCE_MS = 10;

/** The same between a client's event and the time stamp of a record in a partition log, which a broker's host gives it. */
export const REAL_TIME_TOLERANCE_MS = 50;

/** An offset of the history as a number; offsets beyond 2^53 are outside what a trial can produce, so they assert. */
export function toOffset(text: string): number {
  const offset = Number(text);
  if (!Number.isSafeInteger(offset)) throw new Error(`offset ${text} is not a safe integer`);
  return offset;
}

const keys = new Map<string, string[]>();
/** What is kept is bounded: more names than any scenario has, and partitions beyond those that there are. */
const TOPICS_MAX = 1_000;
const PARTITIONS_MAX = 1_000;

/** A partition's name, as it stands in messages and as a map's key; made once, since a map finds the same text fastest. */
export function partitionKey(topic: string, partition: number): string {
  let ofTopic = keys.get(topic);
  if (ofTopic === undefined) {
    if (keys.size === TOPICS_MAX) keys.clear();
    ofTopic = [];
    keys.set(topic, ofTopic);
  }
  const known = ofTopic[partition];
  if (known !== undefined) return known;
  const key = `${topic}/${partition}`;
  if (partition >= 0 && partition < PARTITIONS_MAX) ofTopic[partition] = key;
  return key;
}

/** The two names in a partition's key. */
export const partitionOf = (key: string): { topic: string; partition: number } => {
  const slash = key.lastIndexOf('/');
  return { topic: key.slice(0, slash), partition: Number(key.slice(slash + 1)) };
};

/** The value of a key that has to be there: a miss is a mistake of the history's author, so it asserts. */
export function required<K, V>(map: ReadonlyMap<K, V>, key: K, what: string): V {
  const value = map.get(key);
  if (value === undefined)
    throw new Error(`the history names ${what} '${String(key)}', which its scenario does not have`);
  return value;
}

/** The list under a key, created at the first asking. */
export function listAt<K, V>(map: Map<K, V[]>, key: K): V[] {
  let list = map.get(key);
  if (list === undefined) {
    list = [];
    map.set(key, list);
  }
  return list;
}

/** The map under a key, created at the first asking. */
export function mapAt<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  let inner = map.get(key);
  if (inner === undefined) {
    inner = new Map();
    map.set(key, inner);
  }
  return inner;
}

/** Index of the first item for which `isAfter` holds; the items for which it holds are all at the end. */
export function firstIndexWhere<T>(items: readonly T[], isAfter: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isAfter(items[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The last item whose `seq` is smaller, in a list ordered by `seq`. */
export const lastBefore = <T extends { readonly seq: number }>(items: readonly T[], seq: number): T | null =>
  items[firstIndexWhere(items, (item) => item.seq >= seq) - 1] ?? null;

/** The items whose `seq` lies between two places, both excluded, in a list ordered by `seq`. */
export const between = <T extends { readonly seq: number }>(
  items: readonly T[],
  afterSeq: number,
  beforeSeq: number,
): readonly T[] =>
  items.slice(
    firstIndexWhere(items, (item) => item.seq > afterSeq),
    firstIndexWhere(items, (item) => item.seq >= beforeSeq),
  );

/** `1 record`, `2 records`. */
export const count = (number: number, noun: string): string => `${number} ${noun}${number === 1 ? '' : 's'}`;

/** `3`, `3 and 4` or `3, 5 to 7 and 9`: offsets in ascending order, as a person would write them. */
export function describeOffsets(offsets: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const offset of offsets) {
    const last = ranges.at(-1);
    if (last !== undefined && offset === last[1] + 1) last[1] = offset;
    else ranges.push([offset, offset]);
  }
  const shown = ranges
    .slice(0, 5)
    .flatMap(([from, to]) => (to - from < 2 ? [...new Set([from, to])].map(String) : [`${from} to ${to}`]));
  if (ranges.length > 5) shown.push(count(ranges.length - 5, 'further range'));
  return shown.length === 1 ? (shown[0] ?? '') : `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

/** `offset 3` or `offsets 3 to 7`. */
export const nameOffsets = (offsets: readonly number[]): string =>
  `${offsets.length === 1 ? 'offset' : 'offsets'} ${describeOffsets(offsets)}`;
