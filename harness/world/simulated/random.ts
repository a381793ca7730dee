/**
 * Randomness of a simulated run: a scenario's seed and the name of a purpose enter, a stream of numbers leaves that is
 * the same on every machine. Each purpose has a stream of its own, so that a change to what one part draws (a member
 * dropped by the shrinker, a fault more) leaves the draws of all others alone.
 *
 * The generator is xoshiro128** 1.1 by Blackman and Vigna (period 2^128 - 1), which needs only 32-bit operations, seeded
 * by hashing. fast-check's own generator is not used: it is a dependency of a dependency, and a new version of it could
 * change what a stored scenario does.
 */
import { draw } from '../../client/application/draw.ts';

const rotateLeft = (value: number, bits: number): number => (value << bits) | (value >>> (32 - bits));

export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(seed: number, purpose: string) {
    this.#a = draw(seed, purpose, 0) | 0;
    this.#b = draw(seed, purpose, 1) | 0;
    this.#c = draw(seed, purpose, 2) | 0;
    // The state must not be zero throughout.
    this.#d = draw(seed, purpose, 3) | 1;
  }

  /** 32 unsigned bits. */
  bits(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** From 0 up to, not including, 1, with all 53 bits that a number has. */
  fraction(): number {
    return ((this.bits() >>> 5) * 67_108_864 + (this.bits() >>> 6)) / 9_007_199_254_740_992;
  }

  /** An integer from 0 up to, not including, the bound; a choice of one takes nothing from the stream. */
  int(bound: number): number {
    if (bound <= 1) return 0;
    if (bound <= 0x1_0000_0000) return Math.floor((this.bits() / 0x1_0000_0000) * bound);
    return Math.floor(this.fraction() * bound);
  }

  /** True in `perThousand` of a thousand cases; what never or always happens takes nothing from the stream. */
  chance(perThousand: number): boolean {
    if (perThousand <= 0) return false;
    if (perThousand >= 1_000) return true;
    return this.int(1_000) < perThousand;
  }

  fill(bytes: Uint8Array): void {
    for (let i = 0; i < bytes.length; i += 4) {
      const word = this.bits();
      for (let j = 0; j < 4 && i + j < bytes.length; j++) bytes[i + j] = word >>> (8 * j);
    }
  }

  /** A version 4 UUID in its text form. */
  uuid(): string {
    const bytes = Buffer.alloc(16);
    this.fill(bytes);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = bytes.toString('hex');
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
  }
}

/** The streams of one run, made when first asked for. */
export class RandomStreams {
  readonly #seed: number;
  readonly #streams = new Map<string, RandomStream>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  of(purpose: string): RandomStream {
    let stream = this.#streams.get(purpose);
    if (stream === undefined) {
      stream = new RandomStream(this.#seed, purpose);
      this.#streams.set(purpose, stream);
    }
    return stream;
  }
}
