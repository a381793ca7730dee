/**
 * Java's HashMap as far as its order goes: keys and values enter, and leave in the order in which Java's iterator would
 * give them. Kafka's brokers and clients let that order decide in a few places, and every JVM has the same one.
 */

/** Java's String.hashCode: 32 bits, over UTF-16 units. */
export function javaHashCode(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

const CAPACITY_INITIAL = 16;
const LOAD_FACTOR = 0.75;

interface Entry<V> {
  value: V;
  readonly spread: number;
}

/**
 * A map of the default initial capacity that is filled key by key. It does not know the trees into which Java turns a
 * bucket of more than eight keys: names that are not made to collide do not fill one.
 */
export class JavaHashMap<V> {
  readonly #hashOf: (key: string, value: V) => number;
  /** In order of insertion, which is the order within a bucket; growing keeps it. */
  readonly #entries = new Map<string, Entry<V>>();
  /** Never shrinks, as in Java. */
  #capacity = CAPACITY_INITIAL;

  /** @param hashOf where the key stands for an object whose hash code is not that of the string */
  constructor(hashOf: (key: string, value: V) => number = javaHashCode) {
    this.#hashOf = hashOf;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)?.value;
  }

  set(key: string, value: V): this {
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.value = value;
      return this;
    }
    const hash = this.#hashOf(key, value);
    this.#entries.set(key, { value, spread: hash ^ (hash >>> 16) });
    if (this.#entries.size > this.#capacity * LOAD_FACTOR) this.#capacity *= 2;
    return this;
  }

  delete(key: string): boolean {
    return this.#entries.delete(key);
  }

  keys(): string[] {
    return [...this].map(([key]) => key);
  }

  values(): V[] {
    return [...this].map(([, value]) => value);
  }

  [Symbol.iterator](): Iterator<[string, V]> {
    const mask = this.#capacity - 1;
    return [...this.#entries]
      .sort(([, a], [, b]) => (a.spread & mask) - (b.spread & mask))
      .map(([key, { value }]): [string, V] => [key, value])
      .values();
  }
}
