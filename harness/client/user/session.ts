/**
 * What the parts of one process with an application of the user's share: the start command and the host enter when the
 * process begins, and whatever wraps the client finds them here. Each process has this module to itself.
 */
import type { Host } from '../host.ts';
import { createTap } from '../kafkajs/sockets.ts';
import type { MemberStart } from '../protocol.ts';
import type { WireTap } from '../wire/tap.ts';
import { Names } from './names.ts';

export interface Session {
  readonly start: MemberStart;
  readonly host: Host;
  readonly names: Names;
  readonly tap: WireTap;
  /** The consumers that the application has made and not disconnected. */
  readonly consumers: Set<object>;
  /** Those of them that are of the group on trial. */
  readonly onTrial: Set<object>;
  /** Called when one of them has been disconnected. */
  onDisconnected: () => void;
  /** Errors that the client itself gave the application, from a heartbeat or a commit. */
  readonly clientErrors: WeakSet<object>;
  /** Numbers the commits that the application itself makes. */
  commitCalls: number;
}

let current: Session | null = null;

export function beginSession(start: MemberStart, host: Host): Session {
  current = {
    start,
    host,
    names: new Names(start.names ?? {}),
    tap: createTap(host, start.process),
    consumers: new Set(),
    onTrial: new Set(),
    onDisconnected: () => {},
    clientErrors: new WeakSet(),
    commitCalls: 0,
  };
  return current;
}

/** @throws Error where the client is used before the process has begun */
export function session(): Session {
  if (current === null) throw new Error('the application was loaded outside of a process on trial');
  return current;
}

/** Calls the client, and keeps in mind what it throws. */
export async function callClient<T>({ clientErrors }: Session, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (typeof error === 'object' && error !== null) clientErrors.add(error);
    throw error;
  }
}
