/**
 * One client process: commands enter on standard input, the adapter's application runs, its events leave on standard
 * output, and the process ends as `protocol.ts` says.
 */
import { z } from 'zod';
import type { HistoryEvent } from '../history/schema.ts';
import { describeError } from './application/describe-error.ts';
import { writeLine } from './event-pipe.ts';
import type { Application, ClientEvent, Host } from './host.ts';
import { type Links, throughProxies } from './links.ts';
import { findMutant } from './mutants.ts';
import {
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

const createHost = (timeOriginEpochMs: number): Host => ({
  emit(event: ClientEvent) {
    // Monotonic inside the process, and of a finer grain than Date.now(); three decimals are microseconds.
    const time = performance.timeOrigin + performance.now() - timeOriginEpochMs;
    const placed: Omit<HistoryEvent, 'seq' | 'process'> = {
      time: Math.round(time * 1_000) / 1_000,
      ...event,
    };
    writeLine(JSON.stringify(placed));
  },
  exit: (code) => process.exit(code),
});

/** Reads commands until the process ends. */
export function runClientProcess(adapter: Adapter): void {
  let host: Host | undefined;
  let application: Application | undefined;
  let links: Links | undefined;
  let closing = false;

  const close = async (): Promise<void> => {
    if (closing) return;
    closing = true;
    await application?.close();
    process.exit(exitCodes.closed);
  };

  const start = (command: StartCommand): void => {
    // A misspelt mutant would run an application that is not broken, and prove nothing.
    if (command.mutant !== null && findMutant(command.mutant) === undefined)
      throw new Error(`there is no mutant '${command.mutant}'`);
    host = createHost(command.timeOriginEpochMs);
    // Before the client makes its first connection; without links nothing of the platform is touched.
    if (command.links !== undefined) links = throughProxies(command.links);
    application =
      command.role === 'member' ? adapter.startMember(command, host) : adapter.startProducer(command, host);
  };

  const obey = (line: string): void => {
    try {
      if (application === undefined && !closing)
        start(parseCommand(startCommandSchema, line, 'a start command'));
      else {
        const command = parseCommand(laterCommandSchema, line, 'a close, a call or a link command');
        if (command.command === 'link') links?.change(command);
        else if (command.command === 'close') void close();
        else if (!closing) void application?.call?.(command);
      }
    } catch (error) {
      complain((error as Error).message);
      process.exit(exitCodes.badInput);
    }
  };

  const fail = (call: string) => (error: unknown) => {
    complain(error instanceof Error ? (error.stack ?? error.message) : String(error));
    host?.emit({ kind: 'application-error', call, error: describeError(error) });
    process.exit(exitCodes.failed);
  };
  process.on('uncaughtException', fail('uncaughtException'));
  process.on('unhandledRejection', fail('unhandledRejection'));
  process.on('SIGTERM', () => void close());
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
