/**
 * Kafka's framing: chunks of a byte stream enter, cut anywhere, and whole frames leave, without their size. A frame
 * that nobody wants is passed over as it arrives and never kept.
 */

/** Beyond this a size is taken for garbage: Kafka's own limit for a request is 100 MiB. */
const FRAME_BYTES_MAX = 1 << 30;
const SIZE_BYTES = 4;
/** What a decision needs to see: the API key and version of a request, or the correlation id of a response. */
const HEAD_BYTES = 4;

export interface FrameSink {
  /** @param head the first four bytes as an integer, or null where the frame is shorter */
  wants(head: number | null): boolean;
  /** @param bytes good until the call returns, since they can be a view of a chunk that the client uses again */
  frame(bytes: Buffer): void;
}

export class FrameAssembler {
  readonly #sink: FrameSink;
  /** The size, then the head of the frame in hand. */
  readonly #start = Buffer.alloc(SIZE_BYTES + HEAD_BYTES);
  #startLength = 0;
  /** Bytes of the frame in hand that are still to come, once its size and head are known. */
  #missing = 0;
  /** Pieces of the frame in hand, or null where it is passed over. */
  #pieces: Buffer[] | null = null;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** @throws Error where the stream cannot be Kafka's, after which the assembler is of no more use */
  push(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length) {
      const isBetween = this.#missing === 0 && this.#startLength === 0;
      const taken = isBetween ? this.#whole(chunk, position) : 0;
      if (taken > 0) position += taken;
      else if (this.#missing > 0) position = this.#continue(chunk, position);
      else position = this.#begin(chunk, position);
    }
  }

  /** A frame that lies in one chunk, as nearly all do. @returns how many bytes it takes, or 0 where it is another */
  #whole(chunk: Buffer, position: number): number {
    const left = chunk.length - position - SIZE_BYTES;
    if (left < HEAD_BYTES) return 0;
    const size = chunk.readInt32BE(position);
    if (size < HEAD_BYTES || size > left) return 0;
    const start = position + SIZE_BYTES;
    if (this.#sink.wants(chunk.readInt32BE(start))) this.#sink.frame(chunk.subarray(start, start + size));
    return SIZE_BYTES + size;
  }

  /** @returns where the rest of the chunk begins */
  #begin(chunk: Buffer, position: number): number {
    const wanted = this.#startLength < SIZE_BYTES ? SIZE_BYTES : SIZE_BYTES + this.#headLength();
    const taken = chunk.subarray(position, position + wanted - this.#startLength);
    this.#start.set(taken, this.#startLength);
    this.#startLength += taken.length;
    const complete = this.#startLength >= SIZE_BYTES && this.#startLength === SIZE_BYTES + this.#headLength();
    if (complete) this.#decide();
    return position + taken.length;
  }

  #size(): number {
    const size = this.#start.readInt32BE(0);
    if (size < 0 || size > FRAME_BYTES_MAX) {
      // As text, since what answers in Kafka's place is most often an HTTP server or a TLS listener.
      const text = JSON.stringify(this.#start.toString('latin1', 0, SIZE_BYTES));
      throw new Error(`a frame of ${size} bytes (${text}) is none of Kafka's`);
    }
    return size;
  }

  #headLength(): number {
    return Math.min(HEAD_BYTES, this.#size());
  }

  #decide(): void {
    const headLength = this.#headLength();
    const head = this.#start.subarray(SIZE_BYTES, SIZE_BYTES + headLength);
    this.#missing = this.#size() - headLength;
    this.#startLength = 0;
    const wanted = this.#sink.wants(headLength === HEAD_BYTES ? head.readInt32BE(0) : null);
    this.#pieces = wanted ? [Buffer.from(head)] : null;
    if (this.#missing === 0) this.#finish();
  }

  #continue(chunk: Buffer, position: number): number {
    const taken = chunk.subarray(position, position + this.#missing);
    this.#missing -= taken.length;
    this.#pieces?.push(taken);
    if (this.#missing === 0) this.#finish();
    return position + taken.length;
  }

  #finish(): void {
    const pieces = this.#pieces;
    this.#pieces = null;
    if (pieces !== null) this.#sink.frame(Buffer.concat(pieces));
  }
}
