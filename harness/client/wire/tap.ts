/**
 * The wire tap: a client's sockets enter, and what passes on them leaves as history events; the client notices nothing.
 * A request is seen before its bytes leave, an answer before the client's own handler sees it.
 */
import type { ClientEvent } from '../host.ts';
import { TappedConnection } from './connection.ts';
import type { WatchContext } from './watchers.ts';

/** What the tap needs of a socket; Node's `net` and `tls` sockets have it, and so do simulated ones. */
export interface TappableSocket {
  write(chunk: unknown, ...rest: never[]): boolean;
  end(chunk?: unknown, ...rest: never[]): unknown;
  emit(event: string | symbol, ...values: unknown[]): boolean;
}

export interface WireTap {
  /** Attaches to a socket on which nothing has been sent or received. */
  attach(socket: TappableSocket): void;
}

export interface WireTapOptions {
  /** The client id in every request of this process. */
  readonly clientId: string;
  readonly emit: (event: ClientEvent) => void;
  /** Takes one sentence about something that could not be read; each kind of thing is told once. */
  readonly report: (message: string) => void;
}

/** Events after which no answer comes, with the reason that the history gives. */
const ENDINGS = new Map<string | symbol, string>([
  ['end', 'the connection was closed by the broker'],
  ['error', 'the connection failed'],
  ['close', 'the connection ended'],
]);

const toBuffer = (chunk: unknown, encoding: unknown): Buffer | null => {
  if (Buffer.isBuffer(chunk)) return chunk;
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  if (typeof chunk !== 'string') return null;
  return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8');
};

export function createWireTap({ clientId, emit, report }: WireTapOptions): WireTap {
  const reported = new Set<string>();
  const reportOnce = (topic: string, message: string): void => {
    if (reported.has(topic)) return;
    reported.add(topic);
    report(message);
  };
  let commits = 0;
  const shared: Omit<WatchContext, 'asked'> = {
    emit,
    nextCommit: () => commits++,
    topicNames: new Map(),
  };

  return {
    attach(socket) {
      const context = { ...shared, asked: new Map() };
      const connection = new TappedConnection({ context, clientId, report: reportOnce });
      const broken = { sending: false, received: false };

      /** Whatever goes wrong in the tap stays in the tap; a stream that makes no sense is left alone from then on. */
      const observe = (direction: 'sending' | 'received', chunk: unknown, encoding?: unknown): void => {
        if (broken[direction]) return;
        try {
          const bytes = toBuffer(chunk, encoding);
          if (bytes !== null) connection[direction](bytes);
        } catch (error) {
          broken[direction] = true;
          reportOnce(direction, `a connection cannot be read any more (${direction}): ${String(error)}`);
        }
      };

      const finish = (reason: string): void => {
        try {
          connection.ended(reason);
        } catch (error) {
          reportOnce('ended', `the end of a connection could not be recorded: ${String(error)}`);
        }
      };

      // Wrapped and not listened to: a 'data' listener would make the socket flow before the client asks for it, and
      // would see each chunk in the order of registration.
      const write = socket.write.bind(socket);
      socket.write = (chunk, ...rest) => {
        observe('sending', chunk, rest[0]);
        return write(chunk, ...rest);
      };
      const end = socket.end.bind(socket);
      socket.end = (chunk, ...rest) => {
        observe('sending', chunk, rest[0]);
        return end(chunk, ...rest);
      };
      const emitEvent = socket.emit.bind(socket);
      socket.emit = (event, ...values) => {
        if (event === 'data') observe('received', values[0]);
        const reason = ENDINGS.get(event);
        if (reason !== undefined) finish(reason);
        return emitEvent(event, ...values);
      };
    },
  };
}
