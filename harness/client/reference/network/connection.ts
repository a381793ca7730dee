/**
 * One connection to one broker: requests enter and leave in order, several at a time, and each is settled by its answer,
 * by its timeout, or by the end of the connection. A request that times out ends the connection, as in Kafka's
 * NetworkClient: nothing says whether the broker is still alive. While a broker has told the client to wait (KIP-219),
 * requests wait here, and one that has waited too long fails by itself.
 */
import net from 'node:net';
import tls from 'node:tls';
import { apiVersionsApi } from '../../../cluster/protocol/18-api-versions.ts';
import { type AnyApi, type Api, encodeRequest, readResponseBody } from '../../../cluster/protocol/api.ts';
import { Reader } from '../../../cluster/protocol/bytes.ts';
import { errorCode } from '../../../cluster/protocol/errors.ts';
import { FrameAssembler } from '../../wire/frames.ts';
import { after, nowMs, startTimer, stopTimer, type Timer } from '../clock.ts';
import { BrokerError, check, DisconnectError, TimeoutError } from '../errors.ts';
import { authenticate, type Sasl } from './sasl.ts';
import { throttleMsOf } from './throttling.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** How to reach brokers, beside their addresses. */
export interface Transport {
  readonly tls: tls.ConnectionOptions | null;
  readonly sasl: Sasl | null;
  /** Given each socket before anything has passed on it, for a wire tap. */
  readonly onSocket?: (socket: net.Socket) => void;
}

export interface ConnectionOptions {
  readonly address: Address;
  readonly transport: Transport;
  readonly clientId: string;
  readonly setupTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** Called once, when nothing more can be sent. */
  readonly onClosed: () => void;
}

interface Pending {
  readonly correlationId: number;
  /** Makes of the answer's frame what the request resolves to. */
  readonly read: (frame: Buffer) => unknown;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
  /** Of its timeout; null while the connection is made. */
  readonly timer: Timer | null;
}

/** A request that waits until the broker may be asked again. */
interface Held {
  readonly send: () => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

export interface RequestOptions {
  readonly timeoutMs?: number;
  /** False where the broker does not answer: Produce with acks 0. */
  readonly isAnswered?: boolean;
  /** The highest version that the caller can use, where the schema knows more. */
  readonly versionMax?: number;
}

const SOFTWARE = { clientSoftwareName: 'kafka-trial-reference', clientSoftwareVersion: '1' };
const UNSUPPORTED_VERSION = errorCode('UNSUPPORTED_VERSION');
const API_VERSIONS_ASKED = 3;

export class Connection {
  readonly address: Address;
  readonly #options: ConnectionOptions;
  readonly #socket: net.Socket;
  /** In the order in which they were sent, which is that of the answers. */
  readonly #pending: Pending[] = [];
  readonly #versions = new Map<number, { min: number; max: number }>();
  /** In the order in which they were to be sent. */
  readonly #held: Held[] = [];
  #throttle: { readonly untilMs: number; readonly timer: Timer } | null = null;
  #correlationId = 0;
  #closedBy: Error | null = null;

  private constructor(options: ConnectionOptions) {
    this.#options = options;
    this.address = options.address;
    this.#socket = openSocket(options);
    const frames = new FrameAssembler({ wants: () => true, frame: (bytes) => this.#receive(bytes) });
    this.#socket.on('data', (bytes: Buffer) => {
      try {
        frames.push(bytes);
      } catch (error) {
        this.#end(new DisconnectError(`${this.#name} sent what is not Kafka's`, { cause: error }));
      }
    });
    // An error takes its stack along, for nothing where we have ended the connection ourselves.
    const lost = (sentence: string, options?: ErrorOptions): void => {
      if (this.isOpen) this.#end(new DisconnectError(sentence, options));
    };
    this.#socket.on('error', (error) => lost(`connection to ${this.#name} failed`, { cause: error }));
    this.#socket.on('end', () => lost(`${this.#name} closed the connection`));
    this.#socket.on('close', () => lost(`connection to ${this.#name} ended`));
  }

  /**
   * Connects, learns what the broker understands and logs in.
   * @throws DisconnectError, TimeoutError, or BrokerError where the login is refused
   */
  static async open(options: ConnectionOptions): Promise<Connection> {
    const connection = new Connection(options);
    const cancel = after(options.setupTimeoutMs, () =>
      connection.#end(
        new TimeoutError(`no connection to ${connection.#name} in ${options.setupTimeoutMs} ms`),
      ),
    );
    try {
      await connection.#connected();
      await connection.#negotiate();
      const { sasl } = options.transport;
      if (sasl !== null) await authenticate(connection, sasl);
    } catch (error) {
      connection.#end(error as Error);
      throw error;
    } finally {
      cancel();
    }
    return connection;
  }

  get isOpen(): boolean {
    return this.#closedBy === null;
  }

  /** Requests without an answer so far. */
  get inFlight(): number {
    return this.#pending.length;
  }

  /** How long the broker is still not to be asked. */
  get throttleMs(): number {
    return this.#throttle === null ? 0 : Math.max(0, this.#throttle.untilMs - nowMs());
  }

  /**
   * Sends at once, or as soon as the broker may be asked again, in the order of the calls.
   * @throws DisconnectError, TimeoutError, BrokerError with UNSUPPORTED_VERSION
   */
  request<RequestIn, Response>(
    api: Api<unknown, RequestIn, Response, never>,
    body: RequestIn,
    options: RequestOptions = {},
  ): Promise<Response> {
    const version = this.#versionOf(api as unknown as AnyApi, options.versionMax);
    if (version === null)
      return Promise.reject(new BrokerError(UNSUPPORTED_VERSION, `${api.name} on ${this.#name}`));
    return this.#send(api, version, body, options, (frame) => {
      const answer = decode(api, version, frame);
      this.#waitFor(throttleMsOf(api, version, answer));
      return answer;
    });
  }

  /** The version that a request would have, or null. */
  versionOf(api: Pick<AnyApi, 'key' | 'versions'>): number | null {
    return this.#versionOf(api);
  }

  close(): void {
    this.#end(new DisconnectError(`connection to ${this.#name} was closed`));
  }

  get #name(): string {
    return `${this.address.host}:${this.address.port}`;
  }

  #connected(): Promise<void> {
    const event = this.#options.transport.tls === null ? 'connect' : 'secureConnect';
    return new Promise((resolve, reject) => {
      this.#pending.push({ correlationId: -1, read: asItIs, resolve, reject, timer: null });
      this.#socket.once(event, () => {
        this.#pending.shift();
        resolve();
      });
    });
  }

  async #negotiate(): Promise<void> {
    let version = API_VERSIONS_ASKED;
    let frame = await this.#send(apiVersionsApi, version, SOFTWARE, {}, asItIs);
    // A broker that does not know the version answers so in version 0 (KIP-511).
    if (frame.readInt16BE(4) === UNSUPPORTED_VERSION) {
      version = 0;
      frame = await this.#send(apiVersionsApi, version, SOFTWARE, {}, asItIs);
    }
    const answer = decode(apiVersionsApi, version, frame);
    check(answer.errorCode, 'ApiVersions');
    this.#waitFor(throttleMsOf(apiVersionsApi, version, answer));
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys)
      this.#versions.set(apiKey, { min: minVersion, max: maxVersion });
  }

  #versionOf(
    { key, versions }: Pick<AnyApi, 'key' | 'versions'>,
    versionMax = Number.POSITIVE_INFINITY,
  ): number | null {
    const known = this.#versions.get(key);
    if (known === undefined) return null;
    const version = Math.min(known.max, versions.max, versionMax);
    return version >= Math.max(known.min, versions.min) ? version : null;
  }

  /** @param read makes what is resolved to out of the answer's frame; not called where there is none */
  #send<RequestIn, Result>(
    api: Api<unknown, RequestIn, unknown, never>,
    version: number,
    body: RequestIn,
    { timeoutMs = this.#options.requestTimeoutMs, isAnswered = true }: RequestOptions,
    read: (frame: Buffer) => Result,
  ): Promise<Result> {
    if (this.#closedBy !== null) return Promise.reject(this.#closedBy);
    return new Promise((resolve, reject) => {
      const send = (): void => {
        const correlationId = this.#correlationId++;
        const { clientId } = this.#options;
        const bytes = encodeRequest(api, version, { correlationId, clientId }, body);
        if (isAnswered) {
          const timer = startTimer(timeoutMs, () =>
            this.#end(new TimeoutError(`${api.name} to ${this.#name} had no answer in ${timeoutMs} ms`)),
          );
          this.#pending.push({ correlationId, read, resolve, reject, timer });
          this.#socket.write(bytes);
        } else
          this.#socket.write(bytes, (error) => {
            if (error) reject(new DisconnectError(`${this.#name} is gone`, { cause: error }));
            else resolve(undefined as Result);
          });
      };
      if (this.#throttle === null) send();
      else this.#hold(send, reject, timeoutMs, api.name);
    });
  }

  #hold(send: () => void, reject: (error: Error) => void, timeoutMs: number, name: string): void {
    const held: Held = {
      send,
      reject,
      timer: startTimer(timeoutMs, () => {
        this.#held.splice(this.#held.indexOf(held), 1);
        reject(new TimeoutError(`${name} to ${this.#name} could not be sent in ${timeoutMs} ms`));
      }),
    };
    this.#held.push(held);
  }

  /** Of several such times the one that ends last counts. */
  #waitFor(throttleMs: number): void {
    if (throttleMs <= this.throttleMs || this.#closedBy !== null) return;
    if (this.#throttle !== null) stopTimer(this.#throttle.timer);
    const timer = startTimer(throttleMs, () => {
      this.#throttle = null;
      for (const one of this.#held.splice(0)) {
        stopTimer(one.timer);
        one.send();
      }
    });
    this.#throttle = { untilMs: nowMs() + throttleMs, timer };
  }

  #receive(frame: Buffer): void {
    const correlationId = frame.readInt32BE(0);
    const pending = this.#pending.shift();
    if (pending?.correlationId !== correlationId)
      throw new Error(`an answer to ${correlationId}, which is not its turn`);
    if (pending.timer !== null) stopTimer(pending.timer);
    try {
      pending.resolve(pending.read(frame) as never);
    } catch (error) {
      pending.reject(error as Error);
    }
  }

  #end(error: Error): void {
    if (this.#closedBy !== null) return;
    this.#closedBy = error;
    this.#socket.destroy();
    for (const { reject, timer } of this.#pending.splice(0)) {
      if (timer !== null) stopTimer(timer);
      reject(error);
    }
    if (this.#throttle !== null) stopTimer(this.#throttle.timer);
    for (const { reject, timer } of this.#held.splice(0)) {
      stopTimer(timer);
      reject(error);
    }
    this.#options.onClosed();
  }
}

const CORRELATION_ID_BYTES = 4;

const asItIs = (frame: Buffer): Buffer => frame;

const decode = <Response>(
  api: Api<unknown, never, Response, never>,
  version: number,
  frame: Buffer,
): Response => readResponseBody(api, version, new Reader(frame, CORRELATION_ID_BYTES));

function openSocket({ address: { host, port }, transport }: ConnectionOptions): net.Socket {
  const socket =
    transport.tls === null
      ? net.connect({ host, port })
      : tls.connect({ host, port, ...(net.isIP(host) ? {} : { servername: host }), ...transport.tls });
  socket.setNoDelay(true);
  transport.onSocket?.(socket);
  return socket;
}
