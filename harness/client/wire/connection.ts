/**
 * One connection under the tap: the bytes of both directions enter as they pass, and each request is matched with its
 * answer by correlation id.
 */
import {
  type AnyApi,
  isKnownVersion,
  readRequestBody,
  readRequestHeader,
  readResponseBody,
  skipRequestHeader,
} from '../../cluster/protocol/api.ts';
import { Reader } from '../../cluster/protocol/bytes.ts';
import { FrameAssembler } from './frames.ts';
import type { Glance } from './glances.ts';
import { isAnswered, throttleTimeMsOf, throttlingApi } from './throttle.ts';
import { type Answer, type WatchContext, type Watcher, watchers } from './watchers.ts';

const SASL_HANDSHAKE_KEY = 17;

interface Pending {
  readonly correlationId: number;
  readonly api: AnyApi;
  readonly version: number;
  /**
   * What is to be done with the answer; or a copy of the request, to be read where the answer makes it matter; or null where
   * nothing of the answer matters but how long the client has to wait.
   */
  readonly answer: Answer<unknown> | Buffer | null;
}

export interface ConnectionOptions {
  readonly context: WatchContext;
  /** The client id in every request of this process; tells requests from the tokens of an old SASL exchange. */
  readonly clientId: string;
  /** Tells a person of something that could not be read; `topic` for saying it once. */
  readonly report: (topic: string, message: string) => void;
}

export class TappedConnection {
  readonly #options: ConnectionOptions;
  /** A few at a time: a list is cheaper than a map, which is made anew whenever it comes to be empty. */
  readonly #pending: Pending[] = [];
  readonly #requests: FrameAssembler;
  readonly #responses: FrameAssembler;
  /** After SaslHandshake version 0 come bare tokens in frames, not requests, until the client is let in. */
  #saslTokens = false;
  #tokensUnanswered = 0;
  #ended = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#requests = new FrameAssembler({
      wants: (head) => this.#wantsRequest(head),
      frame: (bytes) => this.#request(bytes),
    });
    this.#responses = new FrameAssembler({
      wants: (head) => this.#wantsResponse(head),
      frame: (bytes) => this.#response(bytes),
    });
  }

  /** Bytes that are about to leave. */
  sending(chunk: Buffer): void {
    this.#requests.push(chunk);
  }

  /** Bytes that have come and that the client has not seen. */
  received(chunk: Buffer): void {
    this.#responses.push(chunk);
  }

  /** No more bytes will come. */
  ended(reason: string): void {
    this.#ended = true;
    for (const { answer } of this.#pending.splice(0)) if (!Buffer.isBuffer(answer)) answer?.lost?.(reason);
  }

  #wantsRequest(head: number | null): boolean {
    if (this.#saslTokens) return true;
    if (head === null) return false;
    const apiKey = head >> 16;
    const version = head & 0xffff;
    if (apiKey === SASL_HANDSHAKE_KEY && version === 0) this.#saslTokens = true;
    const api = watchers.get(apiKey)?.api;
    if (api === undefined) return throttlingApi(apiKey, version) !== null;
    if (isKnownVersion(api, version)) return true;
    this.#options.report(
      `${api.name} ${version}`,
      `${api.name} version ${version} is not known and not recorded`,
    );
    return false;
  }

  #request(frame: Buffer): void {
    if (this.#saslTokens && this.#isToken(frame)) return;
    const reader = new Reader(frame);
    const { apiKey, apiVersion: version, correlationId } = skipRequestHeader(reader);
    const watcher = watchers.get(apiKey);
    if (watcher === undefined) {
      const api = throttlingApi(apiKey, version);
      if (api !== null && isAnswered(api, version, reader))
        this.#awaitAnswer(correlationId, api, version, null);
      return;
    }
    const { api } = watcher;
    if (!isKnownVersion(api, version)) return;
    if (watcher.glance !== undefined && canWait(watcher.glance, version, frame, reader.position)) {
      this.#awaitAnswer(correlationId, api, version, copyOf(frame));
      return;
    }
    const answer = this.#readRequest(watcher, version, reader);
    // The client wrote to a connection that had ended.
    if (this.#ended) answer?.lost?.('the connection had ended');
    else this.#awaitAnswer(correlationId, api, version, answer);
  }

  #awaitAnswer(correlationId: number, api: AnyApi, version: number, answer: Pending['answer']): void {
    if (!this.#ended) this.#pending.push({ correlationId, api, version, answer });
  }

  /** @returns null where the answer will say nothing of interest, or the request cannot be read */
  #readRequest(watcher: Watcher, version: number, reader: Reader): Answer<unknown> | null {
    try {
      return watcher.request(readRequestBody(watcher.api, version, reader), this.#options.context);
    } catch (error) {
      this.#tell(`${watcher.api.name} request, version ${version}`, error);
      return null;
    }
  }

  #isToken(frame: Buffer): boolean {
    try {
      if (readRequestHeader(new Reader(frame)).clientId === this.#options.clientId) {
        this.#saslTokens = false;
        return false;
      }
    } catch {
      // Too short for a request.
    }
    this.#tokensUnanswered++;
    return true;
  }

  #wantsResponse(head: number | null): boolean {
    // A broker answers in order, so the next frames belong to the tokens.
    if (this.#tokensUnanswered > 0) {
      this.#tokensUnanswered--;
      return false;
    }
    return head !== null && this.#placeOf(head) >= 0;
  }

  #placeOf(correlationId: number): number {
    const pending = this.#pending;
    for (let place = 0; place < pending.length; place++)
      if (pending[place]?.correlationId === correlationId) return place;
    return -1;
  }

  #takePending(correlationId: number): Pending | undefined {
    const place = this.#placeOf(correlationId);
    if (place < 0) return undefined;
    // Brokers answer in order, so it is nearly always the first.
    return place === 0 ? this.#pending.shift() : this.#pending.splice(place, 1)[0];
  }

  #response(frame: Buffer): void {
    const reader = new Reader(frame);
    const correlationId = reader.int32();
    const pending = this.#takePending(correlationId);
    if (pending === undefined) return;
    const { api, version } = pending;
    this.#noteThrottle(pending, frame, reader.position);
    const answer = Buffer.isBuffer(pending.answer)
      ? this.#readLate(pending, pending.answer, frame, reader.position)
      : pending.answer;
    if (answer === null) return;
    try {
      answer.response(readResponseBody(api, version, reader));
    } catch (error) {
      this.#tell(`${api.name} answer, version ${version}`, error);
      answer.lost?.('the answer could not be read');
    }
  }

  #noteThrottle({ api, version }: Pending, frame: Buffer, position: number): void {
    try {
      const throttleTimeMs = throttleTimeMsOf(api, version, frame, position);
      if (throttleTimeMs > 0)
        this.#options.context.emit({ kind: 'wire-throttle', api: api.name, throttleTimeMs });
    } catch (error) {
      this.#tell(`${api.name} throttle time, version ${version}`, error);
    }
  }

  /** Reads a request that could wait for its answer, or not even now where the answer says nothing. */
  #readLate(
    { api, version }: Pending,
    request: Buffer,
    answer: Buffer,
    position: number,
  ): Answer<unknown> | null {
    const watcher = watchers.get(api.key);
    if (watcher?.glance === undefined) return null;
    if (hasNoNews(watcher.glance, version, answer, position)) return null;
    const reader = new Reader(request);
    skipRequestHeader(reader);
    return this.#readRequest(watcher, version, reader);
  }

  #tell(what: string, error: unknown): void {
    this.#options.report(what, `a frame could not be read (${what}): ${(error as Error).message}`);
  }
}

/** Buffer.from looks at what it is given for longer than it copies. */
function copyOf(frame: Buffer): Buffer {
  const copy = Buffer.allocUnsafe(frame.length);
  copy.set(frame);
  return copy;
}

// A glance at bytes that make no sense finds nothing, and what is wrong with them is told when they are read.

function canWait(glance: Glance, version: number, request: Buffer, position: number): boolean {
  try {
    return glance.canWait(version, new Reader(request, position));
  } catch {
    return false;
  }
}

function hasNoNews(glance: Glance, version: number, answer: Buffer, position: number): boolean {
  try {
    return !glance.hasNews(version, new Reader(answer, position));
  } catch {
    return false;
  }
}
