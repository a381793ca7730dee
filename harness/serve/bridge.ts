/**
 * Between one socket and one connection of a simulated broker: bytes enter on either side and leave on the other, held
 * up, delayed or dropped as the links say, and never more of them in memory than both sides can take.
 */
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { LinkConditions } from '../../scenarios/schema.ts';
import type { BrokerConnection, Connection, Peer } from '../cluster/broker-connection.ts';
import type { SimulatedCluster } from '../cluster/simulated-cluster.ts';
import type { Direction } from '../world/administration.ts';
import { Lane } from './lane.ts';
import type { Linked, Links } from './links.ts';
import type { Holder, MemoryBudget } from './memory-budget.ts';

/** Answers that pile up beyond this hold up the next request, as a full socket does in a real broker. */
const UNSENT_BYTES_MAX = 1 << 20;
/** Beyond this nothing is read from the socket while the broker is busy; TCP then holds up the client. */
const UNREAD_BYTES_MAX = 1 << 16;
/** How long a connection that the broker has closed may take to send what is left. */
const LINGER_MS = 5_000;

export interface BridgeParts {
  readonly cluster: SimulatedCluster;
  readonly brokerId: number;
  readonly links: Links;
  readonly budget: MemoryBudget;
  /** `connections.max.idle.ms` */
  readonly idleMs: number;
  readonly onFailure: (error: unknown) => void;
  /** Called once, when nothing of it is left. */
  readonly onEnd: (bridge: Bridge) => void;
}

export class Bridge implements Peer, Linked, Holder {
  readonly brokerId: number;
  readonly host: string;
  readonly remotePort: number;
  bytesIn = 0;
  bytesOut = 0;
  readonly #socket: Socket;
  readonly #parts: BridgeParts;
  readonly #in: Lane;
  readonly #out: Lane;
  #connection: Connection | null = null;
  #clientId: string | null = null;
  #isReading = true;
  /** The broker's end is gone and the client does not know. */
  #isHalfOpen = false;
  #isOver = false;

  constructor(socket: Socket, parts: BridgeParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.brokerId = parts.brokerId;
    this.host = (socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
    this.remotePort = socket.remotePort ?? 0;
    this.#in = new Lane((bytes) => this.#toBroker(bytes));
    this.#out = new Lane((bytes) => this.#toClient(bytes));
  }

  /** Begins to pass bytes on; a broker that is not up resets the connection. */
  open(): void {
    const { cluster, links, idleMs } = this.#parts;
    const socket = this.#socket;
    socket.setNoDelay(true);
    socket.setTimeout(idleMs, () => this.#end(false));
    socket.on('error', () => this.#over());
    socket.on('close', () => this.#over());
    socket.on('end', () => this.#in.push(null));
    socket.on('drain', () => this.#drained());
    socket.on('data', (bytes: Buffer) => {
      this.bytesIn += bytes.length;
      if (this.#clientId === null) this.#learnClientId(bytes);
      this.#in.push(bytes);
      this.#considerReading();
    });
    this.#connection = cluster.connect(this.brokerId, this);
    if (this.#connection === null) this.resetNow();
    else links.add(this);
  }

  get clientId(): string | null {
    return this.#clientId;
  }

  /** The broker's end, to look at; null where there is none. */
  get connection(): BrokerConnection | null {
    return this.#connection as BrokerConnection | null;
  }

  // As the broker sees it

  get isFull(): boolean {
    return this.#unsentBytes > UNSENT_BYTES_MAX;
  }

  onData(bytes: Buffer): void {
    this.#out.push(bytes);
    this.#measure();
  }

  onClose(reset: boolean): void {
    this.#connection = null;
    if (reset) this.resetNow();
    else this.#out.push(null);
  }

  onReady(): void {
    this.#considerReading();
  }

  // As the links see it

  condition(direction: Direction, conditions: LinkConditions | null, isCut: boolean): void {
    (direction === 'to-broker' ? this.#in : this.#out).set(conditions, isCut);
    this.#considerReading();
    this.#drained();
  }

  resetNow(): void {
    const socket = this.#socket;
    // The handle of a TLS socket cannot be reset, nor one whose end is on its way: libuv refuses, and then spins on it.
    if (socket instanceof TLSSocket || socket.destroyed || socket.writableEnded) socket.destroy();
    else socket.resetAndDestroy();
    this.#over();
  }

  halfOpen(): void {
    this.#isHalfOpen = true;
    this.#in.clear();
    this.#out.clear();
    const connection = this.#connection;
    this.#connection = null;
    connection?.close();
    this.#considerReading();
  }

  cutOff(): void {
    this.resetNow();
  }

  // Bytes

  #toBroker(bytes: Buffer | null): void {
    if (this.#isHalfOpen) return;
    if (bytes === null) {
      this.#end(false);
      return;
    }
    try {
      this.#connection?.receive(bytes);
    } catch (error) {
      // A mistake of the cluster's; its client sees what it would see of a broker that failed.
      this.#parts.onFailure(error);
      this.resetNow();
    }
  }

  #toClient(bytes: Buffer | null): void {
    if (bytes === null) {
      this.#finish();
      return;
    }
    this.bytesOut += bytes.length;
    this.#socket.write(bytes);
  }

  get #unsentBytes(): number {
    return this.#socket.writableLength + this.#out.waitingBytes;
  }

  #drained(): void {
    this.#measure();
    if (this.#isOver || this.isFull) return;
    try {
      this.#connection?.proceed();
    } catch (error) {
      this.#parts.onFailure(error);
      this.resetNow();
    }
  }

  #measure(): void {
    if (this.#isOver) return;
    const unread = (this.#connection?.bufferedBytes ?? 0) + this.#in.waitingBytes;
    this.#parts.budget.set(this, unread + this.#unsentBytes);
  }

  /** Reads on only where what is read finds room. */
  #considerReading(): void {
    this.#measure();
    if (this.#isOver) return;
    const connection = this.#connection;
    const isStuck =
      this.#in.waitingBytes > UNREAD_BYTES_MAX ||
      (connection?.isBusy === true && connection.bufferedBytes > UNREAD_BYTES_MAX);
    if (isStuck === !this.#isReading) return;
    this.#isReading = !isStuck;
    if (isStuck) this.#socket.pause();
    else this.#socket.resume();
  }

  /** From the header of the first request, since links are chosen by it before the broker reads it. */
  #learnClientId(bytes: Buffer): void {
    this.#clientId = clientIdOf(bytes);
    this.#parts.links.apply(this);
  }

  // Endings

  /** The client has closed, or says nothing any more. */
  #end(reset: boolean): void {
    if (reset) this.resetNow();
    else this.#finish();
  }

  #finish(): void {
    if (this.#isOver) return;
    const socket = this.#socket;
    const connection = this.#connection;
    this.#connection = null;
    connection?.close();
    const linger = setTimeout(() => socket.destroy(), LINGER_MS);
    socket.once('close', () => clearTimeout(linger));
    // What came after the last request that was taken up is of no interest, but unread it would stop the socket's end.
    socket.removeAllListeners('data');
    socket.resume();
    socket.destroySoon();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#parts.budget.set(this, 0);
    this.#isOver = true;
    this.#parts.links.remove(this);
    this.#in.clear();
    this.#out.clear();
    const connection = this.#connection;
    this.#connection = null;
    connection?.close();
    this.#parts.onEnd(this);
  }
}

const SIZE_AND_HEADER_BYTES = 12;

/** @returns the empty string where the first chunk holds no whole header, or no name */
function clientIdOf(bytes: Buffer): string {
  if (bytes.length < SIZE_AND_HEADER_BYTES + 2) return '';
  const from = SIZE_AND_HEADER_BYTES + 2;
  const length = Math.max(0, bytes.readInt16BE(SIZE_AND_HEADER_BYTES));
  return bytes.toString('utf8', from, from + length);
}
