/**
 * Drivers in other languages: a process is started, orders go to it as JSON lines `{id, op, args}`, and what came of them
 * comes back as `{id, result}` or `{id, error}`. The process ends when its standard input does.
 */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Driver, Session } from './driver.ts';

const operations = [
  'createTopic',
  'deleteTopic',
  'topics',
  'addPartitions',
  'partitionCount',
  'config',
  'setConfig',
  'produce',
  'transact',
  'fenced',
  'leaveOpen',
  'commitLeft',
  'consume',
  'share',
  'committed',
  'alterOffset',
  'deleteOffset',
  'deleteRecords',
  'groups',
  'deleteGroup',
] as const satisfies readonly (keyof Session)[];

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** @param command the program and its arguments, to which the addresses are added */
export function externalDriver(
  name: string,
  command: () => readonly [string, ...string[]],
  cannot: Driver['cannot'],
): Driver {
  return { name, cannot, open: (bootstrapServers) => open([...command(), bootstrapServers.join(',')]) };
}

function open([program = '', ...programArguments]: readonly string[]): Session & AsyncDisposable {
  const child = spawn(program, programArguments, { stdio: ['pipe', 'pipe', 'pipe'] });
  const waiting = new Map<number, Waiting>();
  let said = '';
  let lastId = 0;
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-4_000);
  });
  const ended = new Promise<void>((resolve) => {
    const end = (why: string): void => {
      for (const { reject } of waiting.values()) reject(new Error(`${program} has ended (${why}):\n${said}`));
      waiting.clear();
      resolve();
    };
    child.once('error', (error) => end(error.message));
    child.once('close', (code) => end(`exit code ${code}`));
  });
  child.stdin.on('error', () => undefined);
  createInterface({ input: child.stdout }).on('line', (line) => {
    const { id, result, error } = JSON.parse(line) as { id: number; result?: unknown; error?: string };
    const one = waiting.get(id);
    waiting.delete(id);
    if (error === undefined) one?.resolve(result);
    else one?.reject(new Error(error));
  });
  const ask = (op: string, args: readonly unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      lastId += 1;
      waiting.set(lastId, { resolve, reject });
      child.stdin.write(`${JSON.stringify({ id: lastId, op, args })}\n`);
    });
  const calls = operations.map((op) => [op, (...args: unknown[]) => ask(op, args)] as const);
  return {
    ...(Object.fromEntries(calls) as unknown as Session),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
