/**
 * One client process: commands enter on standard input, the adapter's application runs, or those of several members, their
 * events leave on standard output, and the process ends as `protocol.ts` says.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { z } from 'zod';
import type { HistoryEvent } from '../history/schema.ts';
import { describeError } from './application/describe-error.ts';
import { epochMs, roundMs } from './epoch-clock.ts';
import { writeLine } from './event-pipe.ts';
import type { Application, ClientEvent, Host, SharedHost } from './host.ts';
import { type Links, throughProxies } from './links.ts';
import { findMutant } from './mutants.ts';
import {
  type LaterCommand,
  laterCommandSchema,
  type MemberStart,
  type ProducerStart,
  type StartCommand,
  startCommandSchema,
} from './protocol.ts';

export interface Adapter {
  startMember(start: MemberStart, host: Host): Application;
  startProducer(start: ProducerStart, host: Host): Application;
}

const anyCommandSchema = z.union([startCommandSchema, laterCommandSchema]);

const exitCodes = { closed: 0, failed: 1, badInput: 2 } as const;

/** Standard output belongs to the events: a client that prints must not be able to break them. */
export function keepStandardOutputForEvents(): void {
  // Replaced before anyone has touched it, since the first access makes file descriptor 1 non-blocking.
  Object.defineProperty(process, 'stdout', {
    configurable: true,
    enumerable: true,
    get: () => process.stderr,
  });
}

const complain = (sentence: string): void => console.error(`kafka-trial client: ${sentence}`);

/** @throws Error with one clear sentence */
const parseCommand = <S extends z.ZodType>(schema: S, line: string, what: string): z.infer<S> => {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`expected ${what} as one line of JSON, got '${line.slice(0, 60)}'`);
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`expected ${what}:\n${z.prettifyError(result.error)}`);
};

const createHost = (timeOriginEpochMs: number, ofMember?: { process: string; shared: SharedHost }): Host => ({
  emit(event: ClientEvent) {
    const placed: Omit<HistoryEvent, 'seq' | 'process'> = {
      time: roundMs(epochMs() - timeOriginEpochMs),
      ...event,
    };
    writeLine(JSON.stringify(ofMember === undefined ? placed : { process: ofMember.process, ...placed }));
  },
  exit: (code) => process.exit(code),
  refuse(sentence) {
    complain(sentence);
    process.exit(exitCodes.badInput);
  },
  ...(ofMember === undefined ? {} : { shared: ofMember.shared }),
});

/** A member or producer that has been started. */
interface Running {
  readonly host: Host;
  readonly application: Application;
  closing: boolean;
}

/** On whose behalf code runs: kept by Node.js over promises, timers and sockets. */
const callers = new AsyncLocalStorage<Host>();

const createShared = (clientId: string): SharedHost => {
  let made: { readonly value: unknown } | null = null;
  return {
    clientId,
    common<T>(create: () => T): T {
      made ??= { value: create() };
      return made.value as T;
    },
    current() {
      const host = callers.getStore();
      if (host === undefined) throw new Error(`no member's code is running in ${clientId}`);
      return host;
    },
  };
};

/** Reads commands until the process ends. */
export function runClientProcess(adapter: Adapter): void {
  const running = new Map<string, Running>();
  let links: Links | undefined;
  let shared: SharedHost | undefined;
  /** Of all. */
  let closing = false;
  let started = false;

  const closeOne = async (one: Running): Promise<void> => {
    if (one.closing) return;
    one.closing = true;
    await one.application.close();
  };

  const closeAll = async (): Promise<void> => {
    if (closing) return;
    closing = true;
    await Promise.all([...running.values()].map(closeOne));
    process.exit(exitCodes.closed);
  };

  /** One of several: the process goes on for the others. */
  const closeMember = async (name: string, one: Running): Promise<void> => {
    if (one.closing) return;
    await callers.run(one.host, async () => await closeOne(one));
    running.delete(name);
    writeLine(JSON.stringify({ closed: name }));
  };

  const start = (command: StartCommand): void => {
    // A misspelt mutant would run an application that is not broken, and prove nothing.
    if (command.mutant !== null && findMutant(command.mutant) === undefined)
      throw new Error(`there is no mutant '${command.mutant}'`);
    const { process: name, timeOriginEpochMs } = command;
    started = true;
    if (command.role === 'member' && command.sharedProcess !== undefined) {
      shared ??= createShared(command.sharedProcess);
      const host = createHost(timeOriginEpochMs, { process: name, shared });
      const application = callers.run(host, () => adapter.startMember(command, host));
      running.set(name, { host, application, closing: false });
      return;
    }
    const host = createHost(timeOriginEpochMs);
    // Before the client makes its first connection; without links nothing of the platform is touched.
    if (command.links !== undefined) links = throughProxies(command.links);
    const application =
      command.role === 'member' ? adapter.startMember(command, host) : adapter.startProducer(command, host);
    running.set(name, { host, application, closing: false });
  };

  const obeyLater = (command: LaterCommand): void => {
    if (command.command === 'link') {
      links?.change(command);
      return;
    }
    if (shared === undefined) {
      const [one] = running.values();
      if (command.command === 'close') void closeAll();
      else if (!closing) void one?.application.call?.(command);
      return;
    }
    const name = command.process ?? '';
    const one = running.get(name);
    // It has ended meanwhile.
    if (one === undefined || one.closing) return;
    if (command.command === 'close') void closeMember(name, one);
    else callers.run(one.host, () => void one.application.call?.(command));
  };

  const obey = (line: string): void => {
    try {
      if (!started) start(parseCommand(startCommandSchema, line, 'a start command'));
      else if (shared === undefined)
        obeyLater(parseCommand(laterCommandSchema, line, 'a close, a call or a link command'));
      else {
        const command = parseCommand(anyCommandSchema, line, 'a start, a close, a call or a link command');
        if (command.command !== 'start') obeyLater(command);
        else if (!closing) start(command);
      }
    } catch (error) {
      complain((error as Error).message);
      process.exit(exitCodes.badInput);
    }
  };

  const fail = (call: string) => (error: unknown) => {
    complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    // Node.js does not always say whose code it was; the process ends for all.
    const [first] = running.values();
    const host = callers.getStore() ?? first?.host;
    host?.emit({ kind: 'application-error', call, error: describeError(error) });
    process.exit(exitCodes.failed);
  };
  process.on('uncaughtException', fail('uncaughtException'));
  process.on('unhandledRejection', fail('unhandledRejection'));
  process.on('SIGTERM', () => void closeAll());
  // Ctrl-C reaches the whole process group; the harness decides when its clients end.
  process.on('SIGINT', () => {});

  let pending = '';
  process.stdin.setEncoding('utf8');
  process.stdin.on('data', (chunk: string) => {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') obey(line);
  });
  // The harness is gone: nobody reads the events, so there is nothing to end carefully.
  process.stdin.on('end', () => process.exit(exitCodes.closed));
  process.stdin.on('error', () => process.exit(exitCodes.closed));
}
