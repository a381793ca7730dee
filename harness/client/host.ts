/**
 * What a client adapter may ask of the process it runs in; the same adapter file runs in a child process and in a
 * simulated one, so everything that differs between the two comes in through this interface.
 */
import type { ConsumerConfig, ConsumerRunConfig } from 'kafkajs';
import type { HistoryEvent } from '../history/schema.ts';
import type { CallCommand } from './protocol.ts';

/** An event as a client process writes it: the world adds the process id and the place in the history. */
export type ClientEvent = HistoryEvent extends infer E
  ? E extends HistoryEvent
    ? Omit<E, 'seq' | 'process' | 'time'>
    : never
  : never;

export interface Host {
  /** Writes one event; when it returns, the event has left this process. */
  emit(event: ClientEvent): void;
  /** Ends the process after all emitted events, and with it all members that run in it. */
  exit(code: number): void;
  /** What the members of one process have in common; left out where there is one member only. */
  readonly shared?: SharedHost;
  /** Takes what an application of the user's asked of its client; where it is given, nothing is really begun. */
  configured?(configuration: ApplicationConfiguration): void;
  /** Ends the process where what an application of the user's does cannot be put on trial, for this reason. */
  refuse(sentence: string): void;
  /** Takes an error that ended something of an application of the user's, for a world that may be the cause of it. */
  failed?(error: unknown): void;
}

export interface SharedHost {
  /** The client id of all of them. */
  readonly clientId: string;
  /** What the first of them makes, for all that follow. */
  common<T>(create: () => T): T;
  /**
   * The member on whose behalf code is running, as far as that began with a call of its own: what has been made together
   * can find out who uses it.
   * @throws Error where no member's code is running
   */
  current(): Host;
}

/** What an application of the user's asked of kafkajs when it started to consume. */
export interface ApplicationConfiguration {
  readonly consumer: ConsumerConfig;
  readonly run: ConsumerRunConfig;
  readonly subscribed: readonly { readonly topic: string | RegExp; readonly fromBeginning: boolean }[];
}

/** A running member or producer. */
export interface Application {
  /** Closes the client as a careful application would and resolves when it is done; never rejects. */
  close(): Promise<void>;
  /** Makes a call of the consumer's API and records it; never rejects. A producer has none. */
  call?(command: CallCommand): Promise<void>;
}
