/**
 * The parent's side of a client process: a start command enters, the process runs, and its events leave in order, to
 * the last one that was in the pipe when it died.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Command, StartCommand } from '../../client/protocol.ts';
import { WorldUnavailableError } from '../../errors.ts';
import type { UnplacedEvent } from '../../history/schema.ts';
import { buildOf } from '../../subject/builds.ts';
import type { ClientExit, ClientProcess } from '../client-process.ts';
import type { Driver } from '../world.ts';
import { parseClientEvent } from './client-event.ts';

export interface ClientProcessOptions {
  /** The client to run, such as `kafkajs` or `kafkajs@2.0.2`, unless there is a driver. */
  readonly client: string;
  readonly driver?: Driver;
  /** Arguments that the process ignores, for finding processes that a killed harness left behind. */
  readonly sessionArguments: readonly string[];
  /** Takes one event as the client wrote it, with the process id added. */
  readonly onEvent: (event: UnplacedEvent) => void;
  /** Takes a line of the client's standard error, or a sentence about a line that was no event. */
  readonly onLog: (line: string) => void;
  /** The driver's script; by default the built child of the adapter. */
  readonly entry?: string;
}

/** Environment variables that a person may have set to reach a cluster, or to see more of the client's log. */
const PASSED_ON = ['KAFKAJS_LOG_LEVEL', 'NODE_EXTRA_CA_CERTS', 'SSL_CERT_DIR', 'SSL_CERT_FILE', 'TZ'];

const environment = (): NodeJS.ProcessEnv => ({
  // kafkajs retries otherwise under NODE_ENV=test, which a test runner sets.
  NODE_ENV: 'production',
  ...Object.fromEntries(
    PASSED_ON.flatMap((name) => (name in process.env ? [[name, process.env[name]]] : [])),
  ),
});

/** Calls `onLine` for each complete line of a stream and `onRest` once for what follows the last one. */
function readLines(
  stream: NodeJS.ReadableStream,
  onLine: (line: string) => void,
  onRest: (rest: string) => void,
): void {
  let pending = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) onLine(line);
  });
  stream.on('end', () => {
    if (pending !== '') onRest(pending);
  });
}

/** What a child process writes, line by line. */
export interface ChildOutput {
  readonly onLine: (line: string) => void;
  readonly onLog: (line: string) => void;
}

/** Starts a child process that speaks the protocol; nothing has been said to it yet. */
export function launchChild(
  { client, driver, entry, sessionArguments }: Omit<ClientProcessOptions, 'onEvent' | 'onLog'>,
  { onLine, onLog }: ChildOutput,
) {
  const program =
    driver === undefined
      ? { command: process.execPath, arguments: [entry ?? buildOf(client).childFile] }
      : driver;
  const child = spawn(program.command, [...program.arguments, ...sessionArguments], {
    env: { ...environment(), ...driver?.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  // Killed inside a write: what the line announces had not happened yet.
  readLines(child.stdout, onLine, (rest) =>
    onLog(`the last line was cut off after ${rest.length} characters`),
  );
  readLines(child.stderr, onLog, onLog);
  // A process that has just died cannot take a command; its exit says so already.
  child.stdin.on('error', () => {});
  return child;
}

/** Resolves when the process has ended and its output has been read; rejects where it never started. */
export const exitOf = (child: ChildProcess): Promise<Pick<ClientExit, 'code' | 'signal'>> =>
  new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      if (child.pid === undefined)
        reject(new WorldUnavailableError(`cannot start a client process: ${cause.message}`, { cause }));
    });
    // 'close' and not 'exit': it comes after standard output has been read to its end.
    child.once('close', (code, signal) => resolve({ code, signal }));
  });

export function spawnClient(start: StartCommand, options: ClientProcessOptions): ClientProcess {
  const { onEvent, onLog } = options;
  let invalidLines = 0;
  const child = launchChild(options, {
    onLine(line) {
      const event = parseClientEvent(line, start.process);
      if (typeof event !== 'string') return onEvent(event);
      invalidLines++;
      onLog(event);
    },
    onLog,
  });
  const exited = exitOf(child).then((exit): ClientExit => ({ ...exit, invalidLines }));
  // Whoever awaits it later gets the rejection all the same.
  exited.catch(() => {});
  const command = (one: Command): void => {
    if (child.stdin.writable) child.stdin.write(`${JSON.stringify(one)}\n`);
  };
  command(start);
  return {
    pid: child.pid,
    exited,
    command,
    signal: (signal) => void child.kill(signal),
  };
}
