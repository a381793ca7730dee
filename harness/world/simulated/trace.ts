/**
 * The trace of a simulated run: every event enters as (virtual time, owner, kind, payload digest) in the order in which
 * it ran, a 128-bit hash leaves, and a checkpoint hash every thousand events, so that two runs that should be equal can
 * be compared by one string, and the first event in which they differ can be found.
 */
import type { TraceSummary } from '../world.ts';

/** A word of the trace: its name for people, its digest for the hash. */
export interface Label {
  readonly name: string;
  readonly digest: number;
}

/** One event as people read it; only kept while recording. */
export interface TraceEvent {
  readonly sequence: number;
  readonly timeUs: number;
  readonly owner: string;
  readonly kind: string;
  readonly digest: number;
}

export interface RecordedTrace extends TraceSummary {
  readonly recorded: readonly TraceEvent[];
}

/** Which events to keep: from the first sequence number up to, not including, the last. */
export interface Recording {
  readonly from: number;
  readonly to: number;
}

export const CHECKPOINT_EVENTS = 1_000;

const rotateLeft = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

/** The finaliser of MurmurHash3. */
const finish = (value: number): number => {
  let hash = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
};

const mixWord = (hash: number, word: number): number =>
  (Math.imul(rotateLeft(hash ^ Math.imul(rotateLeft(Math.imul(word, 0xcc9e2d51), 15), 0x1b873593), 13), 5) +
    0xe6546b64) |
  0;

/** A 32-bit digest of bytes, four at a time: the body of MurmurHash3, written out since it runs for every byte sent. */
export function digestBytes(bytes: Uint8Array, seed = 0): number {
  const { length } = bytes;
  const whole = length & ~3;
  let hash = seed;
  for (let i = 0; i < whole; i += 4) {
    const word =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    const mixed = Math.imul(word, 0xcc9e2d51);
    hash ^= Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = whole; i < length; i++) tail |= (bytes[i] as number) << (8 * (i - whole));
  if (whole < length) hash = mixWord(hash, tail);
  return finish(hash ^ length) | 0;
}

/** A 32-bit digest of a text's UTF-16 code units: FNV-1a, and the finaliser of MurmurHash3. */
export function digestText(text: string): number {
  const { length } = text;
  let hash = 0x811c9dc5;
  for (let i = 0; i < length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return finish(hash ^ length) | 0;
}

/** Digests of the keys of events, of which there are few. */
const keys = new Map<string, number>();

function digestKey(key: string): number {
  let digest = keys.get(key);
  if (digest === undefined) {
    digest = digestText(key);
    keys.set(key, digest);
  }
  return digest;
}

/**
 * The digest of plain data (what JSON can hold, and bigints), without writing it out: keys count in their order, as
 * they do in JSON.
 */
export function digestValue(value: unknown, seed = 0): number {
  switch (typeof value) {
    case 'string':
      return mixWord(seed ^ 1, digestText(value));
    case 'number':
      return Number.isInteger(value)
        ? mixWord(mixWord(seed ^ 2, value | 0), Math.floor(value / 0x1_0000_0000) | 0)
        : mixWord(seed ^ 2, digestText(String(value)));
    case 'bigint':
      return mixWord(seed ^ 3, digestText(String(value)));
    case 'boolean':
      return mixWord(seed ^ 4, value ? 1 : 0);
    case 'object': {
      if (value === null) return mixWord(seed, 5);
      let hash = mixWord(seed, Array.isArray(value) ? 6 : 7);
      if (Array.isArray(value)) for (const item of value) hash = digestValue(item, hash);
      else
        for (const key in value)
          hash = digestValue((value as Record<string, unknown>)[key], mixWord(hash, digestKey(key)));
      return hash;
    }
    default:
      return mixWord(seed, 8);
  }
}

export const label = (name: string): Label => ({ name, digest: digestText(name) });

export class Trace {
  #a = 0x243f6a88;
  #b = 0x85a308d3 | 0;
  #c = 0x13198a2e;
  #d = 0x03707344;
  #events = 0;
  readonly #checkpoints: string[] = [];
  readonly #recording: Recording;
  readonly #recorded: TraceEvent[] = [];

  constructor(recording: Recording | null = null) {
    this.#recording = recording ?? { from: 0, to: 0 };
  }

  /** The block step of MurmurHash3_x86_128 over the four words of the event. */
  add(timeUs: number, owner: Label, kind: Label, digest: number): void {
    const sequence = this.#events++;
    let k1 = timeUs | 0;
    let k2 = Math.floor(timeUs / 0x1_0000_0000) ^ kind.digest;
    let k3 = owner.digest;
    let k4 = digest;
    k1 = Math.imul(rotateLeft(Math.imul(k1, 0x239b961b), 15), 0xab0e9789);
    this.#a = (Math.imul(rotateLeft(this.#a ^ k1, 19) + this.#b, 5) + 0x561ccd1b) | 0;
    k2 = Math.imul(rotateLeft(Math.imul(k2, 0xab0e9789), 16), 0x38b34ae5);
    this.#b = (Math.imul(rotateLeft(this.#b ^ k2, 17) + this.#c, 5) + 0x0bcaa747) | 0;
    k3 = Math.imul(rotateLeft(Math.imul(k3, 0x38b34ae5), 17), 0xa1e38b93);
    this.#c = (Math.imul(rotateLeft(this.#c ^ k3, 15) + this.#d, 5) + 0x96cd1c35) | 0;
    k4 = Math.imul(rotateLeft(Math.imul(k4, 0xa1e38b93), 18), 0x239b961b);
    this.#d = (Math.imul(rotateLeft(this.#d ^ k4, 13) + this.#a, 5) + 0x32ac3b17) | 0;
    if (sequence >= this.#recording.from && sequence < this.#recording.to)
      this.#recorded.push({ sequence, timeUs, owner: owner.name, kind: kind.name, digest });
    if (this.#events % CHECKPOINT_EVENTS === 0) this.#checkpoints.push(this.#hash());
  }

  get events(): number {
    return this.#events;
  }

  summary(): RecordedTrace {
    return {
      hash: this.#hash(),
      events: this.#events,
      checkpoints: this.#checkpoints,
      recorded: this.#recorded,
    };
  }

  #hash(): string {
    let a = this.#a ^ this.#events;
    let b = this.#b ^ this.#events;
    let c = this.#c ^ this.#events;
    let d = this.#d ^ this.#events;
    a = (a + b + c + d) | 0;
    b = finish((b + a) | 0);
    c = finish((c + a) | 0);
    d = finish((d + a) | 0);
    a = finish((a + b + c + d) | 0);
    return [a, (b + a) | 0, (c + a) | 0, (d + a) | 0]
      .map((word) => (word >>> 0).toString(16).padStart(8, '0'))
      .join('');
  }
}

/** The first thousand events in which two traces differ, or null where they are equal. */
export function firstDifference(first: TraceSummary, second: TraceSummary): Recording | null {
  if (first.hash === second.hash && first.events === second.events) return null;
  const shared = Math.min(first.checkpoints.length, second.checkpoints.length);
  let equal = 0;
  while (equal < shared && first.checkpoints[equal] === second.checkpoints[equal]) equal++;
  return { from: equal * CHECKPOINT_EVENTS, to: (equal + 1) * CHECKPOINT_EVENTS };
}

export interface Divergence {
  readonly sequence: number;
  /** Null where that run had already ended. */
  readonly first: TraceEvent | null;
  readonly second: TraceEvent | null;
}

/** The first recorded event in which two traces differ, or null where what was recorded of both is equal. */
export function compareTraces(first: RecordedTrace, second: RecordedTrace): Divergence | null {
  const count = Math.max(first.recorded.length, second.recorded.length);
  for (let i = 0; i < count; i++) {
    const one = first.recorded[i] ?? null;
    const other = second.recorded[i] ?? null;
    if (one === null || other === null || !sameEvent(one, other))
      return { sequence: (one ?? (other as TraceEvent)).sequence, first: one, second: other };
  }
  return null;
}

const sameEvent = (one: TraceEvent, other: TraceEvent): boolean =>
  one.sequence === other.sequence &&
  one.timeUs === other.timeUs &&
  one.owner === other.owner &&
  one.kind === other.kind &&
  one.digest === other.digest;

const describeEvent = (event: TraceEvent | null): string =>
  event === null
    ? 'the end of the run'
    : `${event.kind} of ${event.owner} at ${event.timeUs / 1_000} ms (payload ${(event.digest >>> 0).toString(16).padStart(8, '0')})`;

export const describeDivergence = ({ sequence, first, second }: Divergence): string =>
  `The runs differ first in event ${sequence}: ${describeEvent(first)} in one, ${describeEvent(second)} in the other.`;
