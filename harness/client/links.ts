/**
 * The process's end of links that can break: the brokers' addresses with the proxies in front of them enter, and every
 * connection to one of them, whoever makes it, goes to the proxy and sees what a kernel would show of the broken link.
 *
 * A proxy holds up bytes. What it cannot do is done here: it accepts a connection that would not come about on a link that
 * is cut, or to a broker that is not there, and it can end none but with a FIN, and all of them alike, later ones too.
 */
import net from 'node:net';
import type { LinkCommand, ProxiedLink } from './protocol.ts';

/** Linux: the first pause before a SYN is sent again, doubled each time, and how often that is. */
const SYN_RETRY_MS = 1_000;
const SYN_RETRIES_MAX = 6;
/** Not an address, so that Node asks `lookup` for one, which is where a connection is made to wait. */
const PROXY_NAME = 'proxy.kafka-trial.invalid';

export interface Links {
  /** @throws Error for a broker that no link leads to */
  change(command: LinkCommand): void;
}

type Connect = (this: net.Socket, ...words: unknown[]) => net.Socket;

/** From now on, and for as long as the process lives. */
export function throughProxies(links: readonly ProxiedLink[]): Links {
  const connect = Reflect.get(net.Socket.prototype, 'connect') as Connect;
  const byAddress = new Map(links.map((link) => [link.address, new Link(link, connect)]));
  const connectThrough: Connect = function (...words) {
    const asked = askedOf(words);
    const link = asked === null ? undefined : byAddress.get(`${asked.options.host}:${asked.options.port}`);
    if (asked === null || link === undefined) return connect.apply(this, words);
    return connect.call(this, { ...asked.options, ...link.open(this) }, ...asked.listeners);
  };
  net.Socket.prototype.connect = connectThrough as typeof net.Socket.prototype.connect;
  return {
    change(command) {
      const link = byAddress.get(command.address);
      if (link === undefined) throw new Error(`there is no link to ${command.address}`);
      link.change(command);
    },
  };
}

/** The options and listener of a call of `connect`, in which form ever; null for a path, which is no broker. */
function askedOf(words: unknown[]): { options: net.TcpSocketConnectOpts; listeners: unknown[] } | null {
  // Node itself calls with both in one array.
  const [first, ...rest] = Array.isArray(words[0]) ? (words[0] as unknown[]) : words;
  const listeners = rest.filter((word) => typeof word === 'function');
  if (typeof first === 'object' && first !== null)
    return 'port' in first ? { options: first as net.TcpSocketConnectOpts, listeners } : null;
  const [host] = rest;
  return { options: { port: Number(first), ...(typeof host === 'string' ? { host } : {}) }, listeners };
}

class Link {
  readonly #proxy: ProxiedLink['proxy'];
  readonly #broker: { readonly host: string; readonly port: number };
  readonly #connect: Connect;
  readonly #sockets = new Set<net.Socket>();
  #isCut: boolean;
  #latencyMs: ProxiedLink['latencyMs'];

  constructor({ address, proxy, isCut, latencyMs }: ProxiedLink, connect: Connect) {
    const colon = address.lastIndexOf(':');
    this.#broker = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
    this.#proxy = proxy;
    this.#connect = connect;
    this.#isCut = isCut;
    this.#latencyMs = latencyMs;
  }

  change({ isCut, latencyMs, ending }: LinkCommand): void {
    this.#isCut = isCut;
    this.#latencyMs = latencyMs;
    if (ending === null) return;
    for (const socket of this.#sockets)
      if (ending === 'reset') this.#reset(socket, this.#delayMs());
      else if (!socket.connecting) this.#halfOpen(socket);
  }

  /** @returns what the socket is to be connected with in place of the broker's address */
  open(socket: net.Socket): net.TcpSocketConnectOpts {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    return {
      host: PROXY_NAME,
      port: this.#proxy.port,
      family: 4,
      autoSelectFamily: false,
      lookup: (_name, _options, found) =>
        this.#handshake(socket, 0, (error) => found(error, this.#proxy.host, 4)),
    };
  }

  /** Until a connection to the broker itself would have come about, or failed. */
  #handshake(socket: net.Socket, attempt: number, done: (error: Error | null) => void): void {
    if (socket.destroyed) return;
    if (!this.#isCut) {
      afterMs(this.#delayMs() + this.#delayMs(), () => this.#askBroker(socket, done));
      return;
    }
    if (attempt === SYN_RETRIES_MAX) done(systemError('connect', 'ETIMEDOUT', -110, this.#broker));
    else afterMs(SYN_RETRY_MS * 2 ** attempt, () => this.#handshake(socket, attempt + 1, done));
  }

  /** A connection of its own, which says nothing: a proxy would accept where a broker that is gone refuses. */
  #askBroker(socket: net.Socket, done: (error: Error | null) => void): void {
    if (socket.destroyed) return;
    const question = new net.Socket();
    const end = (): void => void question.destroy();
    socket.once('close', end);
    question.once('error', done);
    this.#connect.call(question, this.#broker, () => {
      socket.off('close', end);
      end();
      done(null);
    });
  }

  #reset(socket: net.Socket, delayMs: number): void {
    afterMs(delayMs, () => void socket.destroy(systemError('read', 'ECONNRESET', -104)));
  }

  /** The broker's end is gone without a word: what is written from now on is lost, and answered by a reset. */
  #halfOpen(socket: net.Socket): void {
    const answer = (): void => this.#reset(socket, this.#delayMs() + this.#delayMs());
    socket._write = (_bytes, _encoding, written) => {
      answer();
      written();
    };
    socket._writev = (_chunks, written) => {
      answer();
      written();
    };
    // What had left the broker by then still comes.
    afterMs(this.#delayMs(), () => {
      socket.push = () => true;
    });
  }

  #delayMs(): number {
    const { min, max } = this.#latencyMs;
    return min + Math.random() * (max - min);
  }
}

function afterMs(delayMs: number, callback: () => void): void {
  if (delayMs === 0) callback();
  else setTimeout(callback, delayMs);
}

/** As Node makes it of an error number of Linux. */
const systemError = (
  syscall: string,
  code: string,
  errno: number,
  address?: { readonly host: string; readonly port: number },
): NodeJS.ErrnoException =>
  Object.assign(
    new Error(`${syscall} ${code}${address === undefined ? '' : ` ${address.host}:${address.port}`}`),
    { errno, code, syscall, ...(address === undefined ? {} : { address: address.host, port: address.port }) },
  );
