/**
 * What a worker thread and the thread that hands out the units say to each other: units and what they came to enter,
 * values that can be posted leave, and back again.
 */
import { type ExitCode, HarnessError, messageOf, WorldUnavailableError } from '../errors.ts';
import type { EventOf, History, HistoryEvent } from '../history/schema.ts';
import type { ClientBuild } from '../subject/builds.ts';
import type { Subject } from '../world/world.ts';
import type { Ran } from './unit.ts';

/** What every unit of a run has in common, given to a thread when it starts. */
/** What `Threads` is asked to run. */
export interface ThreadsTask {
  readonly subject: Subject;
  /** Ids of the properties to check. */
  readonly properties: readonly string[];
  /** Whether figures are wanted in place of histories. */
  readonly measures?: boolean;
}

export interface ThreadTask extends ThreadsTask {
  /** Of the subject's client: it is made once for all threads. */
  readonly build: ClientBuild;
}

/** An error without its class, which does not get through. */
interface PostedError {
  readonly kind: 'world-unavailable' | 'harness' | 'other';
  readonly message: string;
  readonly stack: string;
  readonly exitCode: ExitCode | null;
  readonly hint: string | null;
}

export type PostedRan = Omit<Ran, 'history' | 'failure'> & {
  /** The events as JSON: as bytes they change hands without a copy, and most are never read. */
  readonly history: Uint8Array | null;
  readonly failure: PostedError | null;
};

export type Answer = { readonly ran: PostedRan } | { readonly error: PostedError };

export const packRan = (ran: Ran, log: Ran['log']): PostedRan => ({
  ...ran,
  history: ran.history === null ? null : new TextEncoder().encode(JSON.stringify(ran.history.events)),
  failure: ran.failure === null ? null : packError(ran.failure),
  log,
});

export function unpackRan(posted: PostedRan): Ran {
  const { history: bytes, failure, ...rest } = posted;
  let history: History | null = null;
  return {
    ...rest,
    failure: failure === null ? null : (unpackError(failure) as WorldUnavailableError),
    get history(): History | null {
      if (bytes !== null) history ??= unpackHistory(bytes);
      return history;
    },
  };
}

function unpackHistory(bytes: Uint8Array): History {
  const events = JSON.parse(new TextDecoder().decode(bytes)) as HistoryEvent[];
  return { start: events[0] as EventOf<'start'>, events };
}

export const packError = (error: unknown): PostedError => ({
  kind:
    error instanceof WorldUnavailableError
      ? 'world-unavailable'
      : error instanceof HarnessError
        ? 'harness'
        : 'other',
  message: messageOf(error),
  stack: error instanceof Error ? (error.stack ?? '') : '',
  exitCode: error instanceof HarnessError ? error.exitCode : null,
  hint: error instanceof HarnessError ? (error.hint ?? null) : null,
});

export function unpackError({ kind, message, stack, exitCode, hint }: PostedError): Error {
  const hinted = hint === null ? {} : { hint };
  if (kind === 'world-unavailable') return new WorldUnavailableError(message, hinted);
  if (kind === 'harness' && exitCode !== null) return new HarnessError(message, { exitCode, ...hinted });
  const error = new Error(message);
  // Where it happened, not where it was unpacked.
  error.stack = stack;
  return error;
}
