/**
 * Kafka's primitive types as bytes: a buffer enters and values are read from it in order, or values are written and a
 * buffer leaves. What is made of them is in `codec.ts`.
 */

/** Bytes that are not what the schema says. */
export class ProtocolFormatError extends Error {
  override name = 'ProtocolFormatError';
}

/** Longer texts than these are no names, and seldom come twice. */
const NAME_BYTES_MAX = 64;
const NAMES = 1_024;
/** Names read before, each at the place that its bytes give it, until another one takes that. */
const names = new Array<{ readonly bytes: Uint8Array; readonly text: string } | undefined>(NAMES).fill(
  undefined,
);

/**
 * The text of these bytes. Nearly all are names of topics, groups and members, again and again: to find one is cheaper
 * than to make it, and a map knows it at once.
 */
function nameIn(buffer: Buffer, start: number, length: number): string {
  let hash = length;
  for (let i = 0; i < length; i++) hash = (Math.imul(hash, 31) + (buffer[start + i] as number)) | 0;
  const place = (hash ^ (hash >>> 10)) & (NAMES - 1);
  const known = names[place];
  if (known !== undefined && known.bytes.length === length) {
    let same = 0;
    while (same < length && known.bytes[same] === buffer[start + same]) same++;
    if (same === length) return known.text;
  }
  const text = buffer.toString('utf8', start, start + length);
  names[place] = { bytes: Uint8Array.prototype.slice.call(buffer, start, start + length), text };
  return text;
}

/** Puts eight bytes together: V8 makes a few instructions of it, where Buffer's own methods add up each byte. */
const scratch = new DataView(new ArrayBuffer(8));

export class Reader {
  readonly #buffer: Buffer;
  #position: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.#buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#buffer.length - this.#position;
  }

  int8(): number {
    return ((this.#buffer[this.#advance(1)] as number) << 24) >> 24;
  }

  int16(): number {
    const start = this.#advance(2);
    const buffer = this.#buffer;
    return (((buffer[start] as number) << 24) >> 16) | (buffer[start + 1] as number);
  }

  int32(): number {
    return this.#word(this.#advance(4));
  }

  int64(): bigint {
    const start = this.#advance(8);
    scratch.setInt32(0, this.#word(start));
    scratch.setInt32(4, this.#word(start + 4));
    return scratch.getBigInt64(0);
  }

  float64(): number {
    const start = this.#advance(8);
    scratch.setInt32(0, this.#word(start));
    scratch.setInt32(4, this.#word(start + 4));
    return scratch.getFloat64(0);
  }

  /** Base 128, least significant group first, at most 32 bits. */
  unsignedVarint(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 35; scale *= 0x80) {
      const byte = this.#buffer[this.#advance(1)] as number;
      if (byte < 0x80) return value + byte * scale;
      value += (byte & 0x7f) * scale;
    }
    throw new ProtocolFormatError(`a varint at ${this.#position} is longer than 5 bytes`);
  }

  skip(length: number): void {
    this.#advance(length);
  }

  /** A view of the next bytes, not a copy. */
  view(length: number): Buffer {
    const start = this.#advance(length);
    return this.#buffer.subarray(start, start + length);
  }

  utf8(length: number): string {
    const start = this.#advance(length);
    return length <= NAME_BYTES_MAX
      ? nameIn(this.#buffer, start, length)
      : this.#buffer.toString('utf8', start, start + length);
  }

  #word(start: number): number {
    const buffer = this.#buffer;
    return (
      ((buffer[start] as number) << 24) |
      ((buffer[start + 1] as number) << 16) |
      ((buffer[start + 2] as number) << 8) |
      (buffer[start + 3] as number)
    );
  }

  #advance(length: number): number {
    const start = this.#position;
    if (length < 0 || length > this.#buffer.length - start)
      throw new ProtocolFormatError(`expected ${length} bytes at ${start}, of ${this.#buffer.length}`);
    this.#position = start + length;
    return start;
  }
}

const INITIAL_BYTES = 256;

/** @throws RangeError for what the bytes would cut */
function requireRange(value: number, bound: number): void {
  if (value >= bound || value < -bound) throw new RangeError(`${value} does not fit`);
}

export class Writer {
  #buffer: Buffer = Buffer.allocUnsafe(INITIAL_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** How many bytes fit before the buffer has to grow. */
  get capacity(): number {
    return this.#buffer.length;
  }

  /** Begins anew in the same buffer, so what `bytes` gave out before is overwritten. */
  reset(): this {
    this.#length = 0;
    return this;
  }

  int8(value: number): this {
    requireRange(value, 0x80);
    this.#byte(value);
    return this;
  }

  int16(value: number): this {
    requireRange(value, 0x8000);
    const start = this.#reserve(2);
    const buffer = this.#buffer;
    buffer[start] = value >>> 8;
    buffer[start + 1] = value;
    return this;
  }

  int32(value: number): this {
    requireRange(value, 0x8000_0000);
    this.#word(this.#reserve(4), value);
    return this;
  }

  int64(value: bigint): this {
    const start = this.#reserve(8);
    // A DataView would cut a value that is too large instead of refusing it.
    if (BigInt.asIntN(64, value) !== value) throw new RangeError(`${value} does not fit into 64 bits`);
    scratch.setBigInt64(0, value);
    this.#word(start, scratch.getInt32(0));
    this.#word(start + 4, scratch.getInt32(4));
    return this;
  }

  float64(value: number): this {
    const start = this.#reserve(8);
    scratch.setFloat64(0, value);
    this.#word(start, scratch.getInt32(0));
    this.#word(start + 4, scratch.getInt32(4));
    return this;
  }

  unsignedVarint(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.#byte((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.#byte(rest);
    return this;
  }

  append(bytes: Uint8Array): this {
    const start = this.#reserve(bytes.byteLength);
    this.#buffer.set(bytes, start);
    return this;
  }

  utf8(text: string, byteLength: number): this {
    const start = this.#reserve(byteLength);
    const isShortAscii = byteLength === text.length && byteLength <= NAME_BYTES_MAX;
    if (isShortAscii) for (let i = 0; i < byteLength; i++) this.#buffer[start + i] = text.charCodeAt(i);
    else this.#buffer.write(text, start, 'utf8');
    return this;
  }

  /** Overwrites four bytes written before, such as a size that is known only at the end. */
  patchInt32(position: number, value: number): this {
    this.#word(position, value);
    return this;
  }

  /** A view of what was written; writing on may leave it behind. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** A copy of what was written, which stays as it is. */
  copy(): Buffer {
    const copy = Buffer.allocUnsafe(this.#length);
    this.#buffer.copy(copy, 0, 0, this.#length);
    return copy;
  }

  #byte(value: number): void {
    const start = this.#reserve(1);
    this.#buffer[start] = value;
  }

  #word(start: number, value: number): void {
    const buffer = this.#buffer;
    buffer[start] = value >>> 24;
    buffer[start + 1] = value >>> 16;
    buffer[start + 2] = value >>> 8;
    buffer[start + 3] = value;
  }

  /** Makes room; it may replace the buffer, so it comes before every use of that. */
  #reserve(length: number): number {
    const start = this.#length;
    const needed = start + length;
    if (needed > this.#buffer.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(larger, 0, 0, start);
      this.#buffer = larger;
    }
    this.#length = needed;
    return start;
  }
}
