/**
 * Where one simulated broker listens: a host, a port and perhaps TLS enter, and every connection becomes a bridge. While
 * the broker is down the port is closed, so that clients are refused as by a machine without a process.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { Bridge, type BridgeParts } from './bridge.ts';

export class Listener {
  readonly bridges = new Set<Bridge>();
  readonly #parts: Omit<BridgeParts, 'onEnd'>;
  readonly #tls: TlsOptions | null;
  readonly #host: string;
  #port: number;
  #server: Server | null = null;
  /** Those in the middle of a TLS handshake too. */
  readonly #sockets = new Set<Socket>();

  /** @param port 0 for one that is free, which it keeps from then on */
  constructor(host: string, port: number, tls: TlsOptions | null, parts: Omit<BridgeParts, 'onEnd'>) {
    this.#host = host;
    this.#port = port;
    this.#tls = tls;
    this.#parts = parts;
  }

  get port(): number {
    return this.#port;
  }

  /** @throws Error of the system, such as EADDRINUSE */
  async open(): Promise<void> {
    const accept = (socket: Socket): void => this.#accept(socket);
    const server =
      this.#tls === null
        ? createServer(accept)
        : createTlsServer(this.#tls, accept).on('tlsClientError', (_error, socket) => socket.destroy());
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: this.#host, port: this.#port, backlog: 1_024 }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.#parts.onFailure(error));
        resolve();
      });
    });
    const address = server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  /** Takes no connections from now on; those that are open stay. */
  shut(): Server | null {
    const server = this.#server;
    this.#server = null;
    return server?.close() ?? null;
  }

  /** Ends everything; resolves when the port is free and no socket is left. */
  async close(): Promise<void> {
    for (const bridge of [...this.bridges]) bridge.resetNow();
    for (const socket of this.#sockets) socket.destroy();
    const server = this.shut();
    if (server !== null) await new Promise<void>((resolve) => server.once('close', () => resolve()));
  }

  #accept(socket: Socket): void {
    const bridge: Bridge = new Bridge(socket, {
      ...this.#parts,
      onEnd: () => this.bridges.delete(bridge),
    });
    this.bridges.add(bridge);
    bridge.open();
  }
}
