/**
 * One connection to one broker: requests enter, answers leave, each within its own time limit; a connection that once
 * failed or stayed silent is never used again.
 */
import { isIP } from 'node:net';
import {
  type API,
  type ConnectionOptions,
  Connection as KafkaConnection,
  ResponseError,
} from '@platformatic/kafka';
import type { Connection } from '../../../client/protocol.ts';
import { BrokerRefusedError, BrokerUnreachableError } from './kafka-error.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

const CONNECT_TIMEOUT_MS = 3_000;

/**
 * The library's own limits are not used but for SASL's requests: after one has passed, it cannot read the connection's
 * later answers. Ours destroy the socket instead. The limit on requests in flight has to stay out of our way as well.
 */
const LIBRARY_REQUEST_TIMEOUT_MS = 60_000;
const LIBRARY_INFLIGHT_MAX = 10_000;

/**
 * Node's codes for credentials, certificates and TLS settings that will be no better next time. Other TLS errors, such
 * as an end in the middle of a handshake, are those of a broker that is being killed.
 */
const lastingFailures = [
  /^PLT_KFK_AUTHENTICATION$/,
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_CERT|ERR_OSSL_)/,
  /^ERR_SSL_\w*ALERT\w*(CERTIFICATE|CA|HANDSHAKE_FAILURE|PROTOCOL_VERSION|INSUFFICIENT_SECURITY)/,
  /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNSUPPORTED_PROTOCOL)$/,
];

export class BrokerConnection {
  readonly #address: BrokerAddress;
  readonly #connection: KafkaConnection;
  /** Why the connection is of no use any more. */
  #failure: Error | null = null;
  readonly #pending = new Set<(error: Error) => void>();

  private constructor(connection: Connection, clientId: string, address: BrokerAddress) {
    this.#address = address;
    this.#connection = new KafkaConnection(clientId, libraryOptions(connection, address));
    // Without a listener, an 'error' event would end the whole process.
    this.#connection.on('error', (error) => this.#fail(error));
    this.#connection.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  /** @throws BrokerUnreachableError, or BrokerRefusedError where another attempt cannot help */
  static async open(
    connection: Connection,
    clientId: string,
    address: BrokerAddress,
  ): Promise<BrokerConnection> {
    const opened = new BrokerConnection(connection, clientId, address);
    await opened.#within('connecting', CONNECT_TIMEOUT_MS, (done) => {
      // With a callback it returns no promise.
      void opened.#connection.connect(address.host, address.port, (error) => done(error ?? null, undefined));
    });
    return opened;
  }

  get usable(): boolean {
    return this.#failure === null;
  }

  /**
   * Sends one request. An answer that holds error codes is an answer: the caller looks at the codes.
   * @throws BrokerUnreachableError where there was none in time; the connection is destroyed then; BrokerRefusedError
   */
  async request<A extends unknown[], R>(api: API<A, R>, args: A, timeoutMs: number): Promise<R> {
    return await this.#within<R>(`request ${api.key} version ${api.version}`, timeoutMs, (done) => {
      // The library's type knows either all arguments with a callback or none; here there are always all.
      const send = api as unknown as (
        ...all: [KafkaConnection, ...A, (error: Error | null, response?: R) => void]
      ) => void;
      send(this.#connection, ...args, (error, response) => {
        if (error instanceof ResponseError) done(null, (error as unknown as { response: R }).response);
        else if (error) done(error, undefined);
        else done(null, response as R);
      });
    });
  }

  destroy(reason: string): void {
    this.#fail(new Error(reason));
  }

  async #within<R>(
    what: string,
    timeoutMs: number,
    start: (done: (error: Error | null, result: R | undefined) => void) => void,
  ): Promise<R> {
    if (this.#failure) throw this.#unreachable(this.#failure);
    return await new Promise<R>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer);
        this.#pending.delete(giveUp);
      };
      const giveUp = (error: Error) => {
        settle();
        reject(this.#unreachable(error));
      };
      const timer = setTimeout(
        () => this.#fail(new Error(`${what} had no answer within ${timeoutMs / 1000} s`)),
        timeoutMs,
      );
      this.#pending.add(giveUp);
      try {
        start((error, result) => {
          // Whatever went wrong, the state of the stream is not known any more.
          if (error) this.#fail(error);
          else {
            settle();
            resolve(result as R);
          }
        });
      } catch (error) {
        this.#fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const giveUp of [...this.#pending]) giveUp(error);
    // A paused broker never reads what is queued, so a polite end could wait for ever.
    this.#connection.socket?.destroy();
  }

  #unreachable(error: Error): Error {
    const refusal = refusalOf(error);
    if (refusal !== null)
      return new BrokerRefusedError(`${format(this.#address)} refused the connection: ${refusal}`, {
        cause: error,
      });
    return new BrokerUnreachableError(
      `${format(this.#address)} could not be reached: ${deepMessage(error)}`,
      {
        cause: error,
      },
    );
  }
}

function libraryOptions(connection: Connection, address: BrokerAddress): ConnectionOptions {
  const options: ConnectionOptions = {
    connectTimeout: CONNECT_TIMEOUT_MS,
    requestTimeout: LIBRARY_REQUEST_TIMEOUT_MS,
    maxInflights: LIBRARY_INFLIGHT_MAX,
  };
  if (connection.tls) {
    const { certificateAuthority, certificate, key, serverName } = connection.tls;
    options.tls = {
      ...(certificateAuthority === undefined ? {} : { ca: certificateAuthority }),
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(key === undefined ? {} : { key }),
    };
    // Server Name Indication takes no IP addresses (RFC 6066, section 3).
    const name = serverName ?? (isIP(address.host) === 0 ? address.host : undefined);
    if (name !== undefined) options.tlsServerName = name;
  }
  if (connection.sasl) options.sasl = { ...connection.sasl };
  return options;
}

/** What is at fault where certificates, TLS settings or credentials are, else null. */
function refusalOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause as unknown) {
    const code = (at as { code?: unknown }).code;
    if (typeof code === 'string' && lastingFailures.some((pattern) => pattern.test(code))) return at.message;
  }
  return null;
}

/** The innermost cause says most: outer layers only say that something failed. */
function deepMessage(error: Error): string {
  let at: Error = error;
  while (at.cause instanceof Error) at = at.cause;
  return at.message || (at as NodeJS.ErrnoException).code || at.name;
}

export const format = (address: BrokerAddress): string => `${address.host}:${address.port}`;
