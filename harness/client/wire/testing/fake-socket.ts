/** A socket for tests of the tap: what the client writes and hears is kept, and bytes of a broker can be put in. */
import { EventEmitter } from 'node:events';
import type { ClientEvent } from '../../host.ts';
import { createWireTap } from '../tap.ts';

export class FakeSocket extends EventEmitter {
  readonly written: unknown[] = [];

  write(chunk: unknown): boolean {
    this.written.push(chunk);
    return true;
  }

  end(chunk?: unknown): void {
    if (chunk !== undefined) this.written.push(chunk);
  }
}

/** A process with a tap: sockets of it, what it recorded, and what it complained of. */
export function tappedProcess(clientId = 'm1.1') {
  const events: ClientEvent[] = [];
  const reports: string[] = [];
  const tap = createWireTap({
    clientId,
    emit: (event) => events.push(event),
    report: (message) => reports.push(message),
  });
  const connect = (): FakeSocket => {
    const socket = new FakeSocket();
    // An emitter throws where nobody listens to its errors; a client always does.
    socket.on('error', () => {});
    tap.attach(socket);
    return socket;
  };
  return { tap, events, reports, connect };
}
