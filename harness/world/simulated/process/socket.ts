/**
 * `node:net` and `node:tls` of a simulated process: calls of a client enter, connections on the simulated network
 * leave, with the events of Node's sockets in Node's order. TLS connects like TCP and encrypts nothing: whoever listens
 * is the simulation itself.
 */
import { EventEmitter } from 'node:events';
import * as platformNet from 'node:net';
import * as platformTls from 'node:tls';
import type { ConnectionError, Receiver, Sender } from '../network.ts';
import type { PartsOf } from './parts.ts';
import { refusing } from './refuse.ts';
import type { ProcessTimers, Timeout } from './timers.ts';

/** The process's door to the network. */
export interface Dialer {
  /** @returns null where no broker of that name exists */
  connect(host: string, port: number, receiver: Receiver): Sender | null;
}

type Callback = (error?: Error | null) => void;

interface ConnectOptions {
  readonly host?: string;
  readonly port?: number | string;
  readonly timeout?: number;
  readonly allowHalfOpen?: boolean;
}

/** An error as libuv's come: `connect ECONNREFUSED broker-1:9092`. */
const systemError = (syscall: string, code: string, place: string): Error =>
  Object.assign(new Error(place === '' ? `${syscall} ${code}` : `${syscall} ${code} ${place}`), {
    code,
    syscall,
    errno: code,
  });

const nodeError = (message: string, code: string): Error => Object.assign(new Error(message), { code });

export class SimulatedSocket extends EventEmitter implements Receiver {
  readonly #dialer: Dialer;
  readonly #timers: ProcessTimers;
  #sender: Sender | null = null;
  #place = '';
  #state: 'new' | 'connecting' | 'open' | 'ending' | 'closed' = 'new';
  #remoteEnded = false;
  #paused = false;
  #encoding: BufferEncoding | null = null;
  /** What came while nobody read. */
  #unread: Buffer[] = [];
  #unreadEnd = false;
  #idle: Timeout | null = null;
  #idleMs = 0;
  /** Callbacks of writes made before the connection was there. */
  #onceConnected: Callback[] = [];
  #failed = false;
  bytesWritten = 0;
  bytesRead = 0;
  remoteAddress: string | undefined = undefined;
  remotePort: number | undefined = undefined;
  remoteFamily: string | undefined = undefined;
  readonly localAddress = '127.0.0.1';
  readonly localPort = 0;
  allowHalfOpen = false;
  authorized = true;
  readonly encrypted: boolean;

  constructor(dialer: Dialer, timers: ProcessTimers, encrypted: boolean) {
    super();
    this.#dialer = dialer;
    this.#timers = timers;
    this.encrypted = encrypted;
  }

  get connecting(): boolean {
    return this.#state === 'connecting';
  }

  get pending(): boolean {
    return this.#state === 'new' || this.#state === 'connecting';
  }

  get destroyed(): boolean {
    return this.#state === 'closed';
  }

  get writable(): boolean {
    return this.#state === 'connecting' || this.#state === 'open';
  }

  get readable(): boolean {
    return this.#state !== 'closed' && !this.#remoteEnded;
  }

  get writableEnded(): boolean {
    return this.#state === 'ending' || this.#state === 'closed';
  }

  get writableLength(): number {
    return 0;
  }

  get writableNeedDrain(): boolean {
    return false;
  }

  get readyState(): string {
    if (this.#state === 'connecting') return 'opening';
    if (this.#state === 'open') return this.#remoteEnded ? 'writeOnly' : 'open';
    return this.#state === 'ending' && !this.#remoteEnded ? 'readOnly' : 'closed';
  }

  connect(options: ConnectOptions, onConnect?: () => void): this {
    const host = options.host ?? 'localhost';
    const port = Number(options.port);
    this.allowHalfOpen = options.allowHalfOpen ?? false;
    if (options.timeout !== undefined) this.setTimeout(options.timeout);
    if (onConnect !== undefined) this.once(this.encrypted ? 'secureConnect' : 'connect', onConnect);
    this.#state = 'connecting';
    this.#place = `${host}:${port}`;
    this.remotePort = port;
    this.remoteAddress = host;
    this.remoteFamily = 'IPv4';
    this.#sender = this.#dialer.connect(host, port, this);
    if (this.#sender === null)
      process.nextTick(() => this.destroy(systemError('getaddrinfo', 'ENOTFOUND', host)));
    return this;
  }

  write(chunk: string | Uint8Array, encoding?: BufferEncoding | Callback, callback?: Callback): boolean {
    const done = typeof encoding === 'function' ? encoding : callback;
    if (this.#remoteEnded && !this.allowHalfOpen && this.#state !== 'closed') {
      const error = nodeError('This socket has been ended by the other party', 'EPIPE');
      if (done) process.nextTick(done, error);
      this.destroy(error);
      return false;
    }
    if (this.#state === 'ending' || this.#state === 'closed') {
      const error =
        this.#state === 'ending'
          ? nodeError('write after end', 'ERR_STREAM_WRITE_AFTER_END')
          : nodeError('Cannot call write after a stream was destroyed', 'ERR_STREAM_DESTROYED');
      if (done) process.nextTick(done, error);
      if (this.#state === 'ending') process.nextTick(() => this.destroy(error));
      return false;
    }
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, asEncoding(encoding)) : chunk;
    this.bytesWritten += bytes.byteLength;
    this.#sender?.send(bytes);
    this.#touch();
    if (done !== undefined) {
      if (this.#state === 'connecting') this.#onceConnected.push(done);
      else process.nextTick(done, null);
    }
    return true;
  }

  end(
    chunk?: string | Uint8Array | Callback,
    encoding?: BufferEncoding | Callback,
    callback?: Callback,
  ): this {
    const done = [chunk, encoding, callback].find((one) => typeof one === 'function') as Callback | undefined;
    if (chunk !== undefined && chunk !== null && typeof chunk !== 'function')
      this.write(chunk, typeof encoding === 'function' ? undefined : encoding);
    if (this.#state === 'ending' || this.#state === 'closed') {
      if (done) process.nextTick(done);
      return this;
    }
    if (done !== undefined) this.once('finish', done);
    this.#state = 'ending';
    this.#sender?.end();
    process.nextTick(() => {
      if (!this.#failed) this.emit('finish');
      if (this.#remoteEnded) this.#close(false);
    });
    return this;
  }

  destroy(error?: Error | null): this {
    if (this.#state === 'closed') return this;
    // Closing a socket is a FIN; Node resets only where it is asked to.
    this.#sender?.end();
    this.#state = 'closed';
    this.#failed = error !== undefined && error !== null;
    this.#release();
    process.nextTick(() => {
      if (error !== undefined && error !== null) this.emit('error', error);
      this.emit('close', this.#failed);
    });
    return this;
  }

  destroySoon(): void {
    this.end();
  }

  resetAndDestroy(): this {
    this.#sender?.reset();
    return this.destroy();
  }

  pause(): this {
    this.#paused = true;
    return this;
  }

  resume(): this {
    this.#paused = false;
    process.nextTick(() => this.#deliver());
    return this;
  }

  isPaused(): boolean {
    return this.#paused;
  }

  setEncoding(encoding: BufferEncoding): this {
    this.#encoding = encoding;
    return this;
  }

  /** Emits `timeout` after so long without traffic; 0 ends that. */
  setTimeout(timeoutMs: number, onTimeout?: () => void): this {
    this.#idleMs = timeoutMs;
    this.#idle?.close();
    this.#idle = null;
    if (onTimeout !== undefined) {
      if (timeoutMs === 0) this.off('timeout', onTimeout);
      else this.once('timeout', onTimeout);
    }
    if (timeoutMs > 0) this.#idle = this.#timers.timeout(() => this.emit('timeout'), timeoutMs);
    return this;
  }

  get timeout(): number | undefined {
    return this.#idleMs > 0 ? this.#idleMs : undefined;
  }

  override on(event: string | symbol, listener: (...values: never[]) => void): this {
    super.on(event, listener as (...values: unknown[]) => void);
    if (event === 'data' && !this.#paused && this.#unread.length > 0) process.nextTick(() => this.#deliver());
    return this;
  }

  address(): object {
    return { address: this.localAddress, family: 'IPv4', port: this.localPort };
  }

  setKeepAlive(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  cork(): void {}

  uncork(): void {}

  // What the network says.

  connected(): void {
    const ending = this.#state === 'ending';
    if (!ending && this.#state !== 'connecting') return;
    if (!ending) this.#state = 'open';
    this.#touch();
    for (const done of this.#onceConnected.splice(0)) process.nextTick(done, null);
    this.emit('connect');
    if (this.encrypted) this.emit('secureConnect');
    if (!ending) this.emit('ready');
  }

  data(bytes: Buffer): void {
    if (this.#state === 'closed') return;
    this.bytesRead += bytes.length;
    this.#touch();
    if (this.#paused || this.#unread.length > 0 || this.listenerCount('data') === 0) this.#unread.push(bytes);
    else this.#emitData(bytes);
  }

  ended(): void {
    if (this.#state === 'closed') return;
    if (this.#unread.length > 0) this.#unreadEnd = true;
    else this.#endOfStream();
  }

  failed(error: ConnectionError): void {
    if (this.#state === 'closed') return;
    const connecting = this.#state === 'connecting';
    this.#state = 'closed';
    this.#failed = true;
    this.#release();
    this.emit(
      'error',
      connecting ? systemError('connect', error, this.#place) : systemError('read', error, ''),
    );
    process.nextTick(() => this.emit('close', true));
  }

  #emitData(bytes: Buffer): void {
    this.emit('data', this.#encoding === null ? bytes : bytes.toString(this.#encoding));
  }

  #deliver(): void {
    while (!this.#paused && this.#unread.length > 0 && this.listenerCount('data') > 0)
      this.#emitData(this.#unread.shift() as Buffer);
    if (this.#unreadEnd && this.#unread.length === 0 && !this.destroyed) {
      this.#unreadEnd = false;
      this.#endOfStream();
    }
  }

  #endOfStream(): void {
    this.#remoteEnded = true;
    this.emit('end');
    if (this.#state === 'ending') process.nextTick(() => this.#close(false));
    else if (this.#state === 'open' && !this.allowHalfOpen) this.end();
  }

  #close(hadError: boolean): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#release();
    this.emit('close', hadError);
  }

  #release(): void {
    this.#idle?.close();
    this.#idle = null;
    this.#unread = [];
  }

  #touch(): void {
    this.#idle?.refresh();
  }
}

const asEncoding = (encoding: BufferEncoding | Callback | undefined): BufferEncoding =>
  typeof encoding === 'string' ? encoding : 'utf8';

/** net.connect takes an object, or port and host. */
function connectArguments(values: unknown[]): { options: ConnectOptions; onConnect?: () => void } {
  const callback = values.find((value) => typeof value === 'function') as (() => void) | undefined;
  const [first, second] = values;
  const options =
    typeof first === 'object' && first !== null
      ? (first as ConnectOptions)
      : { port: first as number, ...(typeof second === 'string' ? { host: second } : {}) };
  return { options, ...(callback === undefined ? {} : { onConnect: callback }) };
}

/** The two modules, over the door to the network of whichever process calls. */
export function createSocketModules(parts: PartsOf): { net: object; tls: object } {
  const open = (encrypted: boolean, values: unknown[]): SimulatedSocket => {
    const { options, onConnect } = connectArguments(values);
    const { dialer, timers } = parts();
    return new SimulatedSocket(dialer, timers, encrypted).connect(options, onConnect);
  };
  class Socket extends SimulatedSocket {
    constructor() {
      const { dialer, timers } = parts();
      super(dialer, timers, false);
    }
  }
  const netConnect = (...values: unknown[]): SimulatedSocket => open(false, values);
  const tlsConnect = (...values: unknown[]): SimulatedSocket => open(true, values);
  return {
    net: refusing(
      'node:net',
      {
        connect: netConnect,
        createConnection: netConnect,
        Socket,
        Stream: Socket,
        isIP: platformNet.isIP,
        isIPv4: platformNet.isIPv4,
        isIPv6: platformNet.isIPv6,
      },
      platformNet,
    ),
    tls: refusing(
      'node:tls',
      { connect: tlsConnect, TLSSocket: Socket, createSecureContext: () => ({}) },
      platformTls,
    ),
  };
}
