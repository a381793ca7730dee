/**
 * The simulated network: bytes enter at one end of a connection and leave at the other, whole and in order, after the
 * link's latency and in pieces of any size; links can be cut in either direction, slowed and reset, and each end sees
 * of it what a kernel would show it.
 *
 * One link joins each process with each broker. What TCP does is kept: bytes sent into a cut wait and come after it is
 * healed, a lost segment costs a retransmission timeout, a connection to a closed port is refused, one into a cut is
 * tried again and times out in the end. What is left out: window sizes, so a sender is never held up.
 */
import type { Direction } from '../administration.ts';
import type { RandomStream, RandomStreams } from './random.ts';
import type { Owner, Scheduled, Scheduler } from './scheduler.ts';
import { digestBytes, label } from './trace.ts';

export type ConnectionError = 'ECONNREFUSED' | 'ECONNRESET' | 'ETIMEDOUT';

/** What one end of a connection is told. Each call is an event of that end's owner. */
export interface Receiver {
  /** Only for the end that asked for the connection. */
  connected?(): void;
  /** The bytes are the receiver's own. */
  data(bytes: Buffer): void;
  /** The other end sends nothing more. */
  ended(): void;
  /** The connection is gone; nothing else follows. */
  failed(error: ConnectionError): void;
}

/** What one end of a connection can do; on a connection that is gone every call does nothing. */
export interface Sender {
  /** @param given whether the sender leaves the bytes alone from now on, so that they need not be copied */
  send(bytes: Uint8Array, given?: boolean): void;
  /** Sends nothing more; the other end is told when it has everything. */
  end(): void;
  /** Drops the connection at once; the other end is told so. */
  reset(): void;
}

export interface Acceptor {
  /** Whose events the broker's end are. */
  readonly owner: Owner;
  /** Whether a process listens on the port; where none does, connections are refused. */
  readonly listens: boolean;
  /**
   * A new connection; calls on the sender are heard by the client.
   * @param client the name of the client's owner
   */
  accept(sender: Sender, client: string): Receiver;
}

/** What the connections see when the process or broker behind them is gone. */
export type Ending =
  /** The kernel closes its sockets in order. */
  | 'fin'
  /** The kernel resets them, as where bytes were left unread. */
  | 'reset'
  /** The machine is gone, or the network to it: nothing. */
  | 'silent';

export interface LinkConditions {
  /** One way. */
  latencyUs: number;
  /** Added to it, drawn evenly from 0 up to this. */
  jitterUs: number;
  /** Null where size does not matter. */
  bytesPerSecond: number | null;
  /** Of a thousand segments, how many come only after a retransmission. */
  lossPerThousand: number;
  /** How long a FIN is held back. */
  closeDelayUs: number;
}

/** Connections within one machine room. */
export const LAN: LinkConditions = {
  latencyUs: 150,
  jitterUs: 350,
  bytesPerSecond: null,
  lossPerThousand: 0,
  closeDelayUs: 0,
};

/** Of a thousand writes, how many arrive in more than one piece, and how many in one piece with the next. */
const SPLIT_PER_THOUSAND = 60;
const MERGE_PER_THOUSAND = 250;
const PIECES_MAX = 4;
/** What may come between two pieces. */
const PIECE_GAP_US = 400;
/** A write that arrives this soon after the one before can arrive with it. */
const MERGE_WITHIN_US = 1_000;
/** Linux: the least retransmission timeout, the first pause of a SYN, and how long it goes on in all. */
const RETRANSMIT_US = 200_000;
const SYN_RETRY_US = 1_000_000;
const SYN_RETRIES_MAX = 6;
const REFUSED_AFTER_US = 30;

const kinds = {
  connect: label('connect'),
  accepted: label('accepted'),
  connected: label('connected'),
  data: label('data'),
  end: label('end'),
  failed: label('failed'),
  heal: label('heal'),
};

/** The path between one process and one broker. */
export class Link {
  readonly conditions: LinkConditions;
  readonly random: RandomStream;
  readonly cut: Record<Direction, boolean> = { 'to-broker': false, 'to-process': false };
  readonly connections = new Set<Connection>();

  constructor(conditions: LinkConditions, random: RandomStream) {
    this.conditions = { ...conditions };
    this.random = random;
  }

  delayUs(): number {
    const { latencyUs, jitterUs, lossPerThousand } = this.conditions;
    const delay = latencyUs + this.random.int(jitterUs + 1);
    return this.random.chance(lossPerThousand) ? delay + RETRANSMIT_US : delay;
  }
}

/** A path between a process and a broker, as it stands at an instant. */
export interface Path {
  /** The process's id in the scenario. */
  readonly process: string;
  readonly broker: number;
  readonly open: number;
  /** Connections that the process asked for and does not have yet. */
  readonly opening: number;
  readonly cuts: readonly Direction[];
}

export class Network {
  readonly #scheduler: Scheduler;
  readonly #streams: RandomStreams;
  readonly #defaults: LinkConditions;
  readonly #links = new Map<string, Link>();
  readonly #acceptors = new Map<number, Acceptor>();

  constructor(scheduler: Scheduler, streams: RandomStreams, defaults: LinkConditions = LAN) {
    this.#scheduler = scheduler;
    this.#streams = streams;
    this.#defaults = defaults;
  }

  /** The path between a process (by its id in the scenario, over all its incarnations) and a broker. */
  link(process: string, broker: number): Link {
    const key = `${process} ${broker}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = new Link(this.#defaults, this.#streams.of(`link ${key}`));
      this.#links.set(key, link);
    }
    return link;
  }

  /** Puts a broker behind its address. */
  attach(broker: number, acceptor: Acceptor): void {
    this.#acceptors.set(broker, acceptor);
  }

  /** The broker's process is gone; its connections end in the given way. */
  lost(broker: number, ending: Ending): void {
    for (const [key, link] of this.#links)
      if (key.endsWith(` ${broker}`)) for (const one of link.connections) one.lose('broker', ending);
  }

  /** The process is gone; its connections end in the given way. */
  gone(owner: Owner, ending: Ending): void {
    for (const link of this.#links.values())
      for (const one of link.connections) if (one.client.owner === owner) one.lose('process', ending);
  }

  connect(owner: Owner, process: string, broker: number, receiver: Receiver): Sender {
    const connection = new Connection(
      this.#scheduler,
      this.link(process, broker),
      { owner, receiver },
      () => {
        const acceptor = this.#acceptors.get(broker);
        return acceptor?.listens === true ? acceptor : null;
      },
    );
    connection.open();
    return connection.client;
  }

  /** Whether something that the process sent before it closed its connections has not been taken up by its end. */
  isArriving(process: string): boolean {
    for (const [key, { connections }] of this.#links)
      if (key.startsWith(`${process} `)) for (const one of connections) if (one.isArriving) return true;
    return false;
  }

  /** Every path with a connection or a cut, in the order in which they were first used. */
  paths(): Path[] {
    return [...this.#links].flatMap(([key, { connections, cut }]) => {
      const [process = '', broker] = key.split(' ');
      const cuts = (['to-broker', 'to-process'] as const).filter((direction) => cut[direction]);
      if (connections.size === 0 && cuts.length === 0) return [];
      const open = [...connections].filter(({ established }) => established).length;
      return [{ process, broker: Number(broker), open, opening: connections.size - open, cuts }];
    });
  }

  /** Bytes in this direction wait from now on. */
  cut(process: string, broker: number, direction: Direction): void {
    this.link(process, broker).cut[direction] = true;
  }

  /** Bytes that waited come, each connection's after a retransmission timeout of its own. */
  heal(process: string, broker: number, direction: Direction): void {
    const link = this.link(process, broker);
    if (!link.cut[direction]) return;
    link.cut[direction] = false;
    for (const one of link.connections) one.healed(direction);
  }

  /** From now on; null for those that every link has at first. */
  setConditions(process: string, broker: number, conditions: LinkConditions | null): void {
    Object.assign(this.link(process, broker).conditions, conditions ?? this.#defaults);
  }

  /** Resets all connections of the link, at both ends. */
  reset(process: string, broker: number): void {
    for (const one of this.link(process, broker).connections) one.resetBoth();
  }

  /** The broker's machine forgets the connections without a word: half-open, until the process writes. */
  halfOpen(process: string, broker: number): void {
    for (const one of this.link(process, broker).connections) one.lose('broker', 'silent');
  }
}

interface Piece {
  event: Scheduled;
  readonly buffers: Buffer[];
  readonly arrivalUs: number;
}

/** One end of a connection and the bytes that are on their way to it. */
class End implements Sender {
  readonly owner: Owner;
  receiver: Receiver | null;
  /** It exists: neither closed altogether, nor gone. */
  alive = true;
  /** It has sent its FIN. */
  finSent = false;
  /** Nothing arrives before this. */
  arrivalUs = 0;
  /** The wire is busy with earlier bytes until then. */
  busyUntilUs = 0;
  /** What arrives waits here while the direction is cut. */
  waiting: Buffer[] = [];
  waitingFin = false;
  /** The last piece on its way, for a merge. */
  lastPiece: Piece | null = null;
  /** The network itself: where this end is gone, an event here still reaches the wire. */
  readonly connection: Connection;
  readonly direction: Direction;

  constructor(connection: Connection, direction: Direction, owner: Owner, receiver: Receiver | null) {
    this.connection = connection;
    this.direction = direction;
    this.owner = owner;
    this.receiver = receiver;
  }

  send(bytes: Uint8Array, given = false): void {
    this.connection.send(this, bytes, given);
  }

  end(): void {
    this.connection.end(this);
  }

  reset(): void {
    this.connection.resetFrom(this);
  }
}

/** Buffer.from looks at what it is given for longer than it copies. */
function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafe(bytes.byteLength);
  copy.set(bytes);
  return copy;
}

class Connection {
  readonly #scheduler: Scheduler;
  readonly #link: Link;
  readonly #acceptor: () => Acceptor | null;
  /** Pieces on their way to an end that runs nothing of its own yet, or any more, are events of the network. */
  readonly #network: Owner;
  readonly client: End;
  #server: End | null = null;
  #synAttempts = 0;
  /** The client's end knows that it is connected. */
  established = false;
  /** What the client wrote before it was connected. */
  #early: Buffer[] = [];
  #earlyFin = false;

  constructor(
    scheduler: Scheduler,
    link: Link,
    client: { owner: Owner; receiver: Receiver },
    acceptor: () => Acceptor | null,
  ) {
    this.#scheduler = scheduler;
    this.#link = link;
    this.#acceptor = acceptor;
    this.#network = networkOwner(scheduler);
    this.client = new End(this, 'to-process', client.owner, client.receiver);
  }

  /** The client has sent its last, and the broker's end, which lives, has not closed upon it. */
  get isArriving(): boolean {
    return this.client.finSent && this.#server?.alive === true && !this.#server.finSent;
  }

  open(): void {
    this.#link.connections.add(this);
    this.#after(this.#network, this.#link.delayUs(), kinds.connect, () => this.#syn());
  }

  #syn(): void {
    if (!this.client.alive) return;
    const { cut } = this.#link;
    if (cut['to-broker'] || cut['to-process']) {
      if (this.#synAttempts >= SYN_RETRIES_MAX) {
        this.#fail(this.client, 'ETIMEDOUT', 0);
        return;
      }
      const pause = SYN_RETRY_US * 2 ** this.#synAttempts++;
      this.#after(this.#network, pause, kinds.connect, () => this.#syn());
      return;
    }
    const acceptor = this.#acceptor();
    if (acceptor === null) {
      this.#fail(this.client, 'ECONNREFUSED', this.#link.delayUs() + REFUSED_AFTER_US);
      return;
    }
    // The kernel completes the handshake, whatever the broker's process is doing; the broker hears of it when it runs.
    const server = new End(this, 'to-broker', acceptor.owner, null);
    this.#server = server;
    this.#after(
      acceptor.owner,
      0,
      kinds.accepted,
      () => {
        if (server.alive) server.receiver = acceptor.accept(server, this.client.owner.label.name);
      },
      server,
    );
    const { client } = this;
    this.#after(
      client.owner,
      this.#link.delayUs(),
      kinds.connected,
      () => {
        if (!client.alive) return;
        this.established = true;
        for (const bytes of this.#early) this.send(client, bytes, true);
        if (this.#earlyFin) this.end(client);
        this.#early = [];
        client.receiver?.connected?.();
      },
      client,
    );
  }

  send(from: End, bytes: Uint8Array, given: boolean): void {
    if (!from.alive || from.finSent || bytes.byteLength === 0) return;
    // As a kernel does: what the sender writes over it afterwards does not travel.
    const copy = given && Buffer.isBuffer(bytes) ? bytes : copyOf(bytes);
    if (from === this.client && !this.established) {
      this.#early.push(copy);
      return;
    }
    const to = this.#otherEnd(from);
    if (to === null) return;
    if (!to.alive) {
      this.#answerReset(from);
      return;
    }
    if (this.#link.cut[to.direction]) {
      to.waiting.push(copy);
      return;
    }
    this.#transmit(to, copy, 0);
  }

  end(from: End): void {
    if (!from.alive || from.finSent) return;
    if (from === this.client && !this.established) {
      this.#earlyFin = true;
      return;
    }
    from.finSent = true;
    const to = this.#otherEnd(from);
    if (to === null) return;
    if (this.#link.cut[to.direction]) to.waitingFin = true;
    else this.#transmitFin(to);
    this.#closeWhereDone();
  }

  resetFrom(from: End): void {
    if (!from.alive) return;
    from.alive = false;
    const to = this.#otherEnd(from);
    if (to === null) this.#link.connections.delete(this);
    else if (!this.#link.cut[to.direction]) {
      // Behind the bytes that are on their way already.
      const arrivalUs = Math.max(this.#scheduler.nowUs + this.#link.delayUs(), to.arrivalUs);
      this.#fail(to, 'ECONNRESET', arrivalUs - this.#scheduler.nowUs);
    }
  }

  resetBoth(): void {
    const ends = this.#server === null ? [this.client] : [this.client, this.#server];
    for (const end of ends) if (end.alive) this.#fail(end, 'ECONNRESET', this.#link.delayUs());
  }

  /** One side is gone with all its sockets. */
  lose(side: 'process' | 'broker', ending: Ending): void {
    const from = side === 'process' ? this.client : this.#server;
    if (from === null || !from.alive) return;
    if (ending === 'fin') {
      this.end(from);
      from.alive = false;
      this.#closeWhereDone();
    } else if (ending === 'reset' && !from.finSent) this.resetFrom(from);
    else {
      from.alive = false;
      this.#closeWhereDone();
    }
  }

  healed(direction: Direction): void {
    const to = direction === 'to-process' ? this.client : this.#server;
    if (to === null || (to.waiting.length === 0 && !to.waitingFin)) return;
    const pauseUs = this.#link.random.int(RETRANSMIT_US);
    if (to.waiting.length > 0) {
      const bytes = Buffer.concat(to.waiting);
      to.waiting = [];
      this.#transmit(to, bytes, pauseUs);
    }
    if (to.waitingFin) {
      to.waitingFin = false;
      this.#transmitFin(to);
    }
  }

  #otherEnd(end: End): End | null {
    return end === this.client ? this.#server : this.client;
  }

  #transmit(to: End, bytes: Buffer, pauseUs: number): void {
    const { conditions, random } = this.#link;
    const now = this.#scheduler.nowUs;
    let leavesUs = now + pauseUs;
    if (conditions.bytesPerSecond !== null) {
      leavesUs =
        Math.max(leavesUs, to.busyUntilUs) +
        Math.ceil((bytes.length * 1_000_000) / conditions.bytesPerSecond);
      to.busyUntilUs = leavesUs;
    }
    const arrivalUs = Math.max(leavesUs + this.#link.delayUs(), to.arrivalUs);
    const last = to.lastPiece;
    if (last !== null && arrivalUs - last.arrivalUs <= MERGE_WITHIN_US && random.chance(MERGE_PER_THOUSAND)) {
      last.buffers.push(bytes);
      last.event.digest = digestBytes(bytes, last.event.digest);
      return;
    }
    if (bytes.length > 1 && random.chance(SPLIT_PER_THOUSAND)) this.#transmitSplit(to, bytes, arrivalUs);
    else this.#deliverAt(to, bytes, arrivalUs);
  }

  #transmitSplit(to: End, bytes: Buffer, arrivalUs: number): void {
    const { random } = this.#link;
    let rest = bytes;
    let atUs = arrivalUs;
    for (let pieces = 1 + random.int(PIECES_MAX - 1); pieces > 0 && rest.length > 1; pieces--) {
      const cutAt = 1 + random.int(rest.length - 1);
      this.#deliverAt(to, rest.subarray(0, cutAt), atUs);
      rest = rest.subarray(cutAt);
      atUs += random.int(PIECE_GAP_US);
    }
    this.#deliverAt(to, rest, atUs);
  }

  #deliverAt(to: End, bytes: Buffer, arrivalUs: number): void {
    to.arrivalUs = arrivalUs;
    const piece: Piece = {
      buffers: [bytes],
      arrivalUs,
      event: this.#scheduler.after(
        to.owner,
        arrivalUs - this.#scheduler.nowUs,
        kinds.data,
        () => {
          if (to.lastPiece === piece) to.lastPiece = null;
          this.#arrive(to, piece.buffers);
        },
        to,
        digestBytes(bytes),
      ),
    };
    to.lastPiece = piece;
  }

  #arrive(to: End, buffers: Buffer[]): void {
    const bytes = buffers.length === 1 ? (buffers[0] as Buffer) : Buffer.concat(buffers);
    if (to.alive && to.receiver !== null) to.receiver.data(bytes);
  }

  #transmitFin(to: End): void {
    const arrivalUs = Math.max(
      this.#scheduler.nowUs + this.#link.conditions.closeDelayUs + this.#link.delayUs(),
      to.arrivalUs,
    );
    to.arrivalUs = arrivalUs;
    to.lastPiece = null;
    this.#after(
      to.owner,
      arrivalUs - this.#scheduler.nowUs,
      kinds.end,
      () => {
        if (to.alive) to.receiver?.ended();
      },
      to,
    );
  }

  /** The machine at the other end knows no such connection (any more). */
  #answerReset(from: End): void {
    const { cut } = this.#link;
    // Where no machine is there, nothing answers at all.
    if (cut['to-broker'] || cut['to-process'] || this.#acceptor() === null) return;
    this.#fail(from, 'ECONNRESET', this.#link.delayUs() + this.#link.delayUs());
  }

  #fail(end: End, error: ConnectionError, delayUs: number): void {
    this.#after(
      end.owner,
      delayUs,
      kinds.failed,
      () => {
        if (!end.alive) return;
        end.alive = false;
        this.#closeWhereDone();
        end.receiver?.failed(error);
      },
      end,
    );
  }

  #closeWhereDone(): void {
    const ends = [this.client, this.#server];
    const open = ends.some(
      (end) => end !== null && ((end.alive && !end.finSent) || end.waiting.length > 0 || end.waitingFin),
    );
    if (!open) this.#link.connections.delete(this);
  }

  #after(
    owner: Owner,
    delayUs: number,
    kind: (typeof kinds)['data'],
    run: () => void,
    lane: object | null = null,
  ) {
    this.#scheduler.after(owner, delayUs, kind, run, lane);
  }
}

const networkOwners = new WeakMap<Scheduler, Owner>();

/** Handshakes and timeouts belong to kernels, which no fault of a process stops. */
function networkOwner(scheduler: Scheduler): Owner {
  let owner = networkOwners.get(scheduler);
  if (owner === undefined) {
    owner = scheduler.owner('network');
    networkOwners.set(scheduler, owner);
  }
  return owner;
}
