/**
 * One direction of one connection: chunks enter, and leave in order, at once or as late as the link's conditions say.
 * As under TCP nothing is lost: what is sent into a cut waits, and a lost segment comes after a retransmission.
 */
import type { LinkConditions } from '../../scenarios/schema.ts';

/** Linux: the least retransmission timeout. */
const RETRANSMIT_MS = 200;

interface Waiting {
  /** Null for the end of the stream. */
  readonly bytes: Buffer | null;
  readonly atMs: number;
}

export class Lane {
  readonly #deliver: (bytes: Buffer | null) => void;
  #conditions: LinkConditions | null = null;
  #isCut = false;
  #queue: Waiting[] = [];
  #timer: NodeJS.Timeout | null = null;
  /** When the last chunk in the queue is due, which no later one may overtake. */
  #lastAtMs = 0;
  #waitingBytes = 0;

  /** @param deliver gets the chunks, and null for the end */
  constructor(deliver: (bytes: Buffer | null) => void) {
    this.#deliver = deliver;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  set(conditions: LinkConditions | null, isCut: boolean): void {
    this.#conditions = conditions;
    this.#isCut = isCut;
    this.#flush();
  }

  push(bytes: Buffer | null): void {
    if (this.#queue.length === 0 && !this.#isCut && this.#conditions === null) {
      this.#deliver(bytes);
      return;
    }
    const nowMs = performance.now();
    const atMs = Math.max(this.#lastAtMs, nowMs + this.#delayMs()) + this.#transferMs(bytes);
    this.#lastAtMs = atMs;
    this.#waitingBytes += bytes?.length ?? 0;
    this.#queue.push({ bytes, atMs });
    this.#flush();
  }

  clear(): void {
    this.#queue = [];
    this.#waitingBytes = 0;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #delayMs(): number {
    if (this.#conditions === null) return 0;
    const { latencyMs, lossPerThousand } = this.#conditions;
    const delay = latencyMs.min + Math.random() * (latencyMs.max - latencyMs.min);
    return Math.random() * 1_000 < lossPerThousand ? delay + RETRANSMIT_MS : delay;
  }

  #transferMs(bytes: Buffer | null): number {
    const perSecond = this.#conditions?.bytesPerSecond ?? null;
    return perSecond === null || bytes === null ? 0 : (bytes.length / perSecond) * 1_000;
  }

  #flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    while (!this.#isCut) {
      const [next] = this.#queue;
      if (next === undefined) return;
      const leftMs = next.atMs - performance.now();
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.#flush(), leftMs);
        return;
      }
      this.#queue.shift();
      this.#waitingBytes -= next.bytes?.length ?? 0;
      this.#deliver(next.bytes);
    }
  }
}
