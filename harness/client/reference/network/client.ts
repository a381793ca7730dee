/**
 * The connections to all brokers: a broker's id and a request enter, its answer leaves over that broker's connection,
 * which is made when it is first needed and again, after a backoff, when it was lost.
 */
import type { Api } from '../../../cluster/protocol/api.ts';
import { backoffMs, nowMs, randomInteger, sleep } from '../clock.ts';
import type { NetworkConfig } from '../config.ts';
import { DisconnectError } from '../errors.ts';
import { type Address, Connection, type RequestOptions, type Transport } from './connection.ts';

interface Node {
  readonly id: number;
  address: Address;
  connection: Connection | null;
  opening: Promise<Connection> | null;
  /** Attempts to connect that failed, one after the other. */
  failures: number;
  notBeforeMs: number;
}

const NO_NODE: Pick<Node, 'connection'> = { connection: null };
const LATER = Promise.resolve();

/** The Java client keeps a connection of its own for the group coordinator, so that no fetch is in its way. */
const COORDINATOR_ID_BASE = 2_147_483_647;
export const coordinatorNodeId = (brokerId: number): number => COORDINATOR_ID_BASE - brokerId;

export class NetworkClient {
  readonly config: NetworkConfig;
  readonly #transport: Transport;
  readonly #nodes = new Map<number, Node>();
  #bootstrap: number[] = [];
  #brokers: number[] = [];
  #isClosed = false;

  constructor(config: NetworkConfig, transport: Transport) {
    this.config = config;
    this.#transport = transport;
    this.#bootstrap = config['bootstrap.servers'].map((server, index) => {
      const colon = server.lastIndexOf(':');
      const id = -1 - index;
      this.#setNode(id, { host: server.slice(0, colon), port: Number(server.slice(colon + 1)) });
      return id;
    });
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The brokers that there are, as Metadata says. */
  setBrokers(brokers: readonly (Address & { readonly nodeId: number })[]): void {
    for (const { nodeId, host, port } of brokers) this.#setNode(nodeId, { host, port });
    this.#brokers = brokers.map(({ nodeId }) => nodeId);
  }

  /** @returns the id for requests to the coordinator */
  setCoordinator(brokerId: number, address: Address): number {
    const id = coordinatorNodeId(brokerId);
    this.#setNode(id, address);
    return id;
  }

  /** @throws DisconnectError, TimeoutError, BrokerError (UNSUPPORTED_VERSION, or where a login is refused) */
  request<RequestIn, Response>(
    nodeId: number,
    api: Api<unknown, RequestIn, Response, never>,
    body: RequestIn,
    options?: RequestOptions,
  ): Promise<Response> {
    const { connection } = this.#nodes.get(nodeId) ?? NO_NODE;
    // Never from inside the call, whether or not there is a connection.
    return connection === null || this.#isClosed
      ? this.#connection(nodeId).then((open) => open.request(api, body, options))
      : LATER.then(() => connection.request(api, body, options));
  }

  /** Asks whichever broker is likely to answer soonest. */
  async requestAny<RequestIn, Response>(
    api: Api<unknown, RequestIn, Response, never>,
    body: RequestIn,
    options?: RequestOptions,
  ): Promise<Response> {
    return await this.request(this.#leastLoaded(), api, body, options);
  }

  /** Whether a request would have to wait for the backoff after a lost connection. */
  isBackingOff(nodeId: number): boolean {
    const node = this.#nodes.get(nodeId);
    return node !== undefined && node.connection === null && nowMs() < node.notBeforeMs;
  }

  /** How long a broker has told us not to ask it anything (KIP-219). */
  throttleMs(nodeId: number): number {
    return this.#nodes.get(nodeId)?.connection?.throttleMs ?? 0;
  }

  /** Ends a connection whose broker is not to be trusted any more; what waits for it is tried again. */
  disconnect(nodeId: number): void {
    this.#nodes.get(nodeId)?.connection?.close();
  }

  close(): void {
    this.#isClosed = true;
    for (const { connection } of this.#nodes.values()) connection?.close();
  }

  #setNode(id: number, address: Address): void {
    const node = this.#nodes.get(id);
    if (node === undefined)
      this.#nodes.set(id, { id, address, connection: null, opening: null, failures: 0, notBeforeMs: 0 });
    else if (node.address.host !== address.host || node.address.port !== address.port) {
      node.address = address;
      node.connection?.close();
    }
  }

  async #connection(nodeId: number): Promise<Connection> {
    const node = this.#nodes.get(nodeId);
    if (node === undefined || this.#isClosed) throw new DisconnectError(`broker ${nodeId} is not known`);
    if (node.connection !== null) return node.connection;
    node.opening ??= this.#open(node).finally(() => {
      node.opening = null;
    });
    return await node.opening;
  }

  async #open(node: Node): Promise<Connection> {
    const waitMs = node.notBeforeMs - nowMs();
    if (waitMs > 0) await sleep(waitMs);
    if (this.#isClosed) throw new DisconnectError('the client is closed');
    const { config } = this;
    const delayNext = (failures: number): void => {
      const [initialMs, maxMs] = [config['reconnect.backoff.ms'], config['reconnect.backoff.max.ms']];
      node.notBeforeMs = nowMs() + backoffMs(initialMs, maxMs, failures);
    };
    try {
      const connection: Connection = await Connection.open({
        address: node.address,
        transport: this.#transport,
        clientId: config['client.id'],
        setupTimeoutMs: config['socket.connection.setup.timeout.ms'],
        requestTimeoutMs: config['request.timeout.ms'],
        onClosed: () => {
          if (node.connection === null) return;
          node.connection = null;
          delayNext(0);
        },
      });
      node.failures = 0;
      if (this.#isClosed) connection.close();
      else if (connection.isOpen) node.connection = connection;
      return connection;
    } catch (error) {
      delayNext(node.failures++);
      throw error;
    }
  }

  /** An idle connection, else a broker that may be tried, else the one that may be tried or asked first. */
  #leastLoaded(): number {
    const known = this.#brokers.map((id) => this.#nodes.get(id) as Node);
    const failing = known.every(({ connection, failures }) => connection === null && failures > 0);
    const bootstrap = this.#bootstrap.map((id) => this.#nodes.get(id) as Node);
    const candidates = failing ? [...known, ...bootstrap] : known;
    const start = randomInteger(candidates.length);
    const rotated = [...candidates.slice(start), ...candidates.slice(0, start)];
    const load = ({ connection, notBeforeMs }: Node): number => {
      const waitMs = connection === null ? Math.max(0, notBeforeMs - nowMs()) : connection.throttleMs;
      return connection === null || waitMs > 0 ? 1e6 + waitMs : connection.inFlight;
    };
    return rotated.reduce((best, one) => (load(one) < load(best) ? one : best)).id;
  }
}
