/**
 * One connection to a simulated broker: bytes enter in any chunks, frames with answers leave in the order of the
 * requests. As in Kafka, a connection's next request is taken up when the one before has been answered.
 */
import type { Broker } from './broker.ts';
import type { AnyHandler, RequestContext } from './handler.ts';
import type { Interception } from './interception.ts';
import {
  encodeResponse,
  isKnownVersion,
  type RequestHeader,
  readRequestBody,
  readRequestHeader,
} from './protocol/api.ts';
import { ProtocolFormatError, Reader } from './protocol/bytes.ts';
import { charge } from './quota/charge.ts';
import {
  acceptToken,
  admit,
  FAILURE_DELAY_MS,
  ILLEGAL_SASL_STATE,
  newSaslSession,
  SASL_RECEIVE_BYTES_MAX,
  type SaslSession,
} from './sasl.ts';

/** The client's end. Both may be called while `receive` runs, so a network in between has to add its delay. */
export interface Peer {
  /** The client's address, without a port; 127.0.0.1 where it is left out. */
  readonly host?: string;
  onData(bytes: Buffer): void;
  /** @param reset whether the connection broke off (RST) instead of ending (FIN) */
  onClose(reset: boolean): void;
  /** Whether what was answered piles up unsent, so that no request is to be taken up until `proceed` is called. */
  readonly isFull?: boolean;
  /** The broker would read on: everything that came is taken up, and nothing waits for an answer. */
  onReady?(): void;
}

export interface Connection {
  /** Bytes from the client; the cluster keeps views of them only until their requests are answered. */
  receive(bytes: Uint8Array): void;
  /** The client has closed. */
  close(): void;
  /** The client has closed in good order: what came before is still read when its wait for a quota is over, as Kafka does it. */
  ended(): void;
  /** Whether the broker would not read on now; a bridge to a real socket should stop reading. */
  readonly isBusy: boolean;
  /** What has come and is not yet taken up. */
  readonly bufferedBytes: number;
  /** Takes up what has come, where it had to wait because the peer was full. */
  proceed(): void;
}

const SIZE_BYTES = 4;
/** A sender of tiny chunks would cost many times what it sends, so these are put together now and then. */
const TINY_CHUNK_BYTES = 1_024;
const TINY_CHUNKS_MAX = 1_024;
const API_VERSIONS = 18;
const NO_BYTES = Buffer.alloc(0);

export class BrokerConnection implements Connection {
  readonly id: number;
  /** Who has logged in; ANONYMOUS without SASL. */
  principal = 'ANONYMOUS';
  readonly sasl: SaslSession | null;
  readonly clientHost: string;
  /** What the latest request called its client; null before the first. */
  clientId: string | null = null;
  /** How many requests were taken up. */
  requests = 0;
  /** The API key of the request that waits for its answer. */
  waitingApiKey: number | null = null;
  readonly #broker: Broker;
  readonly #peer: Peer;
  /** Chunks that have come and are not yet taken up. */
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  /** How many of the last chunks are tiny. */
  #tinyChunks = 0;
  #isAnswering = false;
  /** Its client has to wait for the sake of a quota, so that nothing is read from it (KIP-219). */
  #isThrottled = false;
  /** Of the request that is being answered. */
  #requestBytes = 0;
  #isReading = false;
  /** The client has gone, and what it sent last is still to be read. */
  #hasEnded = false;
  #isClosed = false;

  constructor(id: number, broker: Broker, peer: Peer) {
    this.id = id;
    this.#broker = broker;
    this.#peer = peer;
    this.clientHost = peer.host ?? '127.0.0.1';
    this.sasl = newSaslSession(broker.cluster.sasl);
  }

  get isBusy(): boolean {
    return this.#isAnswering || this.#isThrottled || this.#broker.isPaused || this.#peer.isFull === true;
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  receive(bytes: Uint8Array): void {
    if (this.#isClosed || bytes.length === 0) return;
    this.#chunks.push(
      Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    );
    this.#bufferedBytes += bytes.length;
    this.#tinyChunks = bytes.length < TINY_CHUNK_BYTES ? this.#tinyChunks + 1 : 0;
    if (this.#tinyChunks > TINY_CHUNKS_MAX) this.#mergeTinyChunks();
    // A peer that goes on sending what nobody reads would be held back by TCP; here it is cut off in the end.
    if (this.#bufferedBytes > 2 * this.#broker.cluster.settings.socketRequestBytesMax) {
      this.end(true);
      return;
    }
    this.proceed();
  }

  /** Takes up what has come, as far as the order of answers allows. */
  proceed(): void {
    // An answer given at once comes back here; the loop below then goes on by itself.
    if (this.#isReading) return;
    this.#isReading = true;
    while (!this.#isClosed && !this.isBusy) {
      const frame = this.#nextFrame();
      if (frame === null) break;
      this.#take(frame);
    }
    this.#isReading = false;
    if (!this.#isClosed && !this.isBusy) this.#ready();
  }

  #ready(): void {
    if (this.#hasEnded) this.close();
    else this.#peer.onReady?.();
  }

  /** The next whole frame without its size, or null; an impossible size ends the connection. */
  #nextFrame(): Buffer | null {
    if (this.#bufferedBytes < SIZE_BYTES) return null;
    let first = this.#chunks[0] as Buffer;
    if (first.length < SIZE_BYTES) first = this.#merge();
    const size = first.readInt32BE(0);
    if (size < 0 || size > this.#frameBytesMax) {
      this.end(false);
      return null;
    }
    const end = SIZE_BYTES + size;
    if (this.#bufferedBytes < end) return null;
    if (first.length < end) first = this.#merge();
    const frame = first.subarray(SIZE_BYTES, end);
    this.#bufferedBytes -= end;
    if (first.length === end) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(end);
    return frame;
  }

  get #frameBytesMax(): number {
    const isLoggedIn = this.sasl === null || this.sasl.stage === 'done';
    return isLoggedIn ? this.#broker.cluster.settings.socketRequestBytesMax : SASL_RECEIVE_BYTES_MAX;
  }

  #merge(): Buffer {
    const merged = Buffer.concat(this.#chunks);
    this.#chunks = [merged];
    return merged;
  }

  #mergeTinyChunks(): void {
    const count = Math.min(this.#tinyChunks, this.#chunks.length);
    this.#chunks.push(Buffer.concat(this.#chunks.splice(-count)));
    this.#tinyChunks = 0;
  }

  #take(frame: Buffer): void {
    if (this.sasl?.stage === 'token') {
      this.#answerToken(frame);
      return;
    }
    let header: RequestHeader;
    const reader = new Reader(frame);
    try {
      header = readRequestHeader(reader);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    const { apiKey, apiVersion } = header;
    this.#requestBytes = frame.length;
    this.clientId = header.clientId;
    this.requests += 1;
    this.#broker.cluster.countRequest(apiKey);
    const handler = this.#broker.cluster.handler(apiKey);
    if (handler === undefined) {
      this.end(false);
      return;
    }
    const admission =
      this.sasl === null ? 'handled' : admit(this.sasl, apiKey, this.principal, this.#broker.nowMs());
    if (admission === 'closed') {
      this.end(false);
      return;
    }
    if (admission === 'refused') {
      this.#refuseLogin(null);
      return;
    }
    if (!this.#isKnown(handler, apiVersion)) {
      // KIP-511: a client that knows a newer version of ApiVersions learns from the answer which one to use.
      if (apiKey !== API_VERSIONS) this.end(false);
      else if (admission === 'answered') this.#refuseLogin(this.#outOfOrder(handler, header, 0, {}));
      else this.#write(this.#broker.unsupportedApiVersions(header.correlationId));
      return;
    }
    let request: unknown;
    try {
      request = readRequestBody(handler.api, apiVersion, reader);
    } catch (error) {
      this.#refuse(error);
      return;
    }
    if (admission === 'answered') this.#refuseLogin(this.#outOfOrder(handler, header, apiVersion, request));
    else this.#dispatch(handler, header, request);
  }

  /** What Kafka answers to a request that comes in the middle of a login. */
  #outOfOrder(handler: AnyHandler, header: RequestHeader, version: number, request: unknown): Buffer | null {
    const answer =
      handler.untimelyAnswer?.(request, ILLEGAL_SASL_STATE, version) ??
      handler.errorAnswer?.(request, ILLEGAL_SASL_STATE, version);
    return answer === undefined ? null : encodeResponse(handler.api, version, header.correlationId, answer);
  }

  /** Nothing more is read; the connection ends when Kafka would tell the client so (KIP-306). */
  #refuseLogin(answer: Buffer | null): void {
    this.#isAnswering = true;
    this.#broker.after(FAILURE_DELAY_MS, () => {
      if (answer !== null && !this.#isClosed) this.#write(answer);
      this.end(false);
    });
  }

  #isKnown(handler: AnyHandler, version: number): boolean {
    const range = this.#broker.cluster.profile.versions.get(handler.api.key);
    if (range !== undefined && (version < range.min || version > range.max)) return false;
    return isKnownVersion(handler.api, version);
  }

  /** Bytes that are no request: Kafka closes the connection. Anything else that was thrown is a mistake of ours. */
  #refuse(error: unknown): void {
    if (!(error instanceof ProtocolFormatError)) throw error;
    this.end(false);
  }

  #dispatch(handler: AnyHandler, header: RequestHeader, request: unknown): void {
    const { cluster } = this.#broker;
    const context: RequestContext = {
      cluster,
      broker: this.#broker,
      connection: this,
      clientId: header.clientId,
    };
    this.#isAnswering = true;
    this.waitingApiKey = header.apiKey;
    const { apiKey, apiVersion } = header;
    const interception = cluster.interceptions.isEmpty
      ? null
      : cluster.interceptions.take(apiKey, request, context, apiVersion);
    if (interception === null) this.#handle(handler, header, context, request);
    else this.#intercept(interception, handler, header, context, request);
  }

  #handle(handler: AnyHandler, header: RequestHeader, context: RequestContext, request: unknown): void {
    let isAnswered = false;
    handler.handle(context, request, header.apiVersion, (response) => {
      if (isAnswered) return;
      isAnswered = true;
      this.#answer(handler, header, response);
    });
  }

  #intercept(
    interception: Interception,
    handler: AnyHandler,
    header: RequestHeader,
    context: RequestContext,
    request: unknown,
  ): void {
    const { errorCode, drop, delayMs } = interception;
    const apply = () => {
      if (this.#isClosed) return;
      if (drop === true) this.#finish(handler, header, null);
      else if (errorCode === undefined || handler.errorAnswer === undefined)
        this.#handle(handler, header, context, request);
      else {
        const { apiVersion } = header;
        const response =
          handler.faultAnswer?.(request, errorCode, apiVersion, context) ??
          handler.errorAnswer(request, errorCode, apiVersion);
        this.#answer(handler, header, response);
      }
    };
    if (delayMs === undefined) apply();
    else this.#broker.after(delayMs, apply);
  }

  #answer(handler: AnyHandler, header: RequestHeader, response: unknown): void {
    if (this.#isClosed || response === 'close' || !this.#broker.quotas.isEnabled) {
      this.#finish(handler, header, response);
      return;
    }
    const { principal: user } = this;
    const client = { user, clientId: header.clientId ?? '' };
    const charged = charge(this.#broker, client, handler.api, header, this.#requestBytes, response);
    // The answer is sent at once, and tells the client how long it is not read from.
    if (charged.throttleMs > 0) {
      this.#isThrottled = true;
      this.#broker.after(charged.throttleMs, () => {
        this.#isThrottled = false;
        this.proceed();
      });
    }
    this.#finish(handler, header, charged.response);
  }

  #finish(handler: AnyHandler, header: RequestHeader, response: unknown): void {
    if (this.#isClosed) return;
    this.#isAnswering = false;
    this.waitingApiKey = null;
    if (response === 'close') {
      this.end(false);
      return;
    }
    if (response !== null)
      this.#write(encodeResponse(handler.api, header.apiVersion, header.correlationId, response));
    // Never from inside whoever answers: a coordinator that answers its members one after another is between two
    // states until the last of them, and must not see a member's next request there. The reading loop goes on itself.
    if (this.#isReading || this.#isThrottled) return;
    if (this.#bufferedBytes > 0) this.#broker.after(0, () => this.proceed());
    else this.#ready();
  }

  #answerToken(frame: Buffer): void {
    const answer = acceptToken(this, this.#broker, frame);
    if (answer === 'close') {
      this.end(false);
      return;
    }
    if (answer === null) {
      this.#refuseLogin(null);
      return;
    }
    const size = Buffer.alloc(SIZE_BYTES);
    size.writeInt32BE(answer.bytes.length);
    this.#write(Buffer.concat([size, answer.bytes]));
  }

  /** Where nobody is left to read an answer, the connection breaks off at it, and with it what was not read. */
  #write(bytes: Buffer): void {
    if (this.#hasEnded) this.close();
    else this.#peer.onData(bytes);
  }

  /** Closes from the broker's side. */
  end(reset: boolean): void {
    if (this.#isClosed) return;
    this.close();
    this.#peer.onClose(reset);
  }

  ended(): void {
    if (this.#isThrottled && this.#bufferedBytes > 0) this.#hasEnded = true;
    else this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#chunks = [NO_BYTES];
    this.#bufferedBytes = 0;
    this.#broker.disconnected(this);
  }
}
