/** Which partition a record goes to: its key and the number of partitions enter, the Java client's choice leaves. */
import { randomInteger } from '../clock.ts';

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** Kafka's Utils.murmur2, with the sign bit dropped as in Utils.toPositive. */
export function murmur2(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let hash = SEED ^ bytes.length;
  let position = 0;
  for (; position + 4 <= bytes.length; position += 4) {
    let word = Math.imul(view.getInt32(position, true), M);
    word ^= word >>> R;
    hash = Math.imul(hash, M) ^ Math.imul(word, M);
  }
  const rest = bytes.length - position;
  if (rest >= 3) hash ^= view.getUint8(position + 2) << 16;
  if (rest >= 2) hash ^= view.getUint8(position + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ view.getUint8(position), M);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, M);
  hash ^= hash >>> 15;
  return hash & 0x7fffffff;
}

interface Sticky {
  partition: number;
  sizeBytes: number;
}

export class Partitioner {
  readonly #kind: 'default' | 'RoundRobinPartitioner';
  readonly #stickyBytes: number;
  readonly #byTopic = new Map<string, Sticky>();

  /** @param stickyBytes after so many bytes, records without a key go to another partition (KIP-794) */
  constructor(kind: 'default' | 'RoundRobinPartitioner', stickyBytes: number) {
    this.#kind = kind;
    this.#stickyBytes = stickyBytes;
  }

  choose(topic: string, key: Uint8Array | null, valueBytes: number, partitions: number): number {
    if (this.#kind === 'default' && key !== null) return murmur2(key) % partitions;
    const last = this.#byTopic.get(topic);
    if (this.#kind === 'default' && last !== undefined && last.sizeBytes < this.#stickyBytes) {
      last.sizeBytes += valueBytes;
      return last.partition % partitions;
    }
    const isInTurn = this.#kind === 'RoundRobinPartitioner' && last !== undefined;
    const partition = isInTurn ? (last.partition + 1) % partitions : randomInteger(partitions);
    this.#byTopic.set(topic, { partition, sizeBytes: valueBytes });
    return partition;
  }
}
