/**
 * The adapter of an application of the user's: a start command enters, the module is loaded as its own process would
 * load it, and it is told to end as an operator would tell it. Its producers are the harness's, in another bundle.
 */
import { getEventListeners } from 'node:events';
import { describeError } from '../application/describe-error.ts';
import type { Application, Host } from '../host.ts';
import type { MemberStart } from '../protocol.ts';
import type { StartApplication } from './contract.ts';
import { beginSession, type Session } from './session.ts';

export interface ApplicationParts {
  /** Imports the user's module. */
  readonly load: () => Promise<unknown>;
  /** Environment variables of the user's. */
  readonly environment: Readonly<Record<string, string>>;
}

export const createAdapter = (parts: ApplicationParts) => ({
  startMember: (start: MemberStart, host: Host): Application => new UserApplication(parts, start, host),
  startProducer(): never {
    throw new Error('an application of the user has no producers of the scenario');
  },
});

type Stop = () => unknown;

class UserApplication implements Application {
  readonly #session: Session;
  readonly #controller = new AbortController();
  readonly #listenersBefore = process.listenerCount('SIGTERM');
  #signalled = false;
  /** What `start` returned to stop it; null before, and where it returned nothing of the kind. */
  #stop: Stop | null = null;

  constructor({ load, environment }: ApplicationParts, start: MemberStart, host: Host) {
    this.#session = beginSession(start, host);
    const { names } = this.#session;
    const brokers = start.connection.bootstrapServers;
    const groupId = names.own(start.group.id);
    const topics = start.group.topics.map((topic) => names.own(topic));
    Object.assign(process.env, {
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_GROUP_ID: groupId,
      KAFKA_TOPICS: topics.join(','),
      ...environment,
    });
    process.on('SIGTERM', () => {
      this.#signalled = true;
    });
    const { signal } = this.#controller;
    void load()
      .then(async (module) => {
        this.#stop = stopOf(await startOf(module)?.({ brokers, groupId, topics, signal }));
      })
      .catch((error: unknown) => {
        console.error(error);
        host.failed?.(error);
        host.emit({ kind: 'application-error', call: 'start', error: describeError(error) });
        // An application that cannot start ends, and its supervisor starts it again.
        host.exit(1);
      });
  }

  async close(): Promise<void> {
    // A signal reaches all its listeners before anything that waits goes on.
    await Promise.resolve();
    const { consumers } = this.#session;
    const disconnected = new Promise<void>((resolve) => {
      const look = (): void => {
        if (consumers.size === 0) resolve();
      };
      this.#session.onDisconnected = look;
      look();
    });
    const hearsAbort = getEventListeners(this.#controller.signal, 'abort').length > 0;
    const hearsSignal = process.listenerCount('SIGTERM') > this.#listenersBefore + 1;
    this.#controller.abort();
    if (hearsSignal && !this.#signalled) process.emit('SIGTERM', 'SIGTERM');
    if (this.#stop !== null) await this.#call(this.#stop);
    // Whoever hears of nothing is ended as the signal ends any process: its consumers do not leave.
    else if (hearsAbort || hearsSignal) await disconnected;
  }

  async #call(stop: Stop): Promise<void> {
    try {
      await stop();
    } catch (error) {
      this.#session.host.emit({ kind: 'application-error', call: 'stop', error: describeError(error) });
    }
  }
}

/** The function that starts it, or undefined where importing it did. */
function startOf(module: unknown): StartApplication | undefined {
  const { start, default: main } = module as { start?: unknown; default?: unknown };
  // A CommonJS module has its exports under `default`.
  const nested = typeof main === 'object' && main !== null ? (main as { start?: unknown }).start : undefined;
  const found = [start, nested, main].find((one) => typeof one === 'function');
  return found as StartApplication | undefined;
}

function stopOf(returned: unknown): Stop | null {
  if (typeof returned === 'function') return returned as Stop;
  if (typeof returned !== 'object' || returned === null) return null;
  const { stop, close } = returned as { stop?: unknown; close?: unknown };
  const found = typeof stop === 'function' ? stop : typeof close === 'function' ? close : null;
  return found === null ? null : () => Reflect.apply(found, returned, []) as unknown;
}
