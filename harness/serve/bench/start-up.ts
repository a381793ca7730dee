/**
 * How soon `kafka-trial serve` and `startCluster` answer: nothing enters, times from the start and from the moment that
 * start-up is done to the first answer leave. The first answer is one to ApiVersions, as every client begins.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { apiVersionsApi } from '../../cluster/protocol/18-api-versions.ts';
import { WorldUnavailableError } from '../../errors.ts';
import { packageRoot } from '../../version.ts';
import { FuzzConnection } from '../fuzz/connection.ts';
import { startCluster } from '../index.ts';
import { within } from './deadline.ts';

const LIMIT_MS = 30_000;
const command = join(packageRoot, 'dist/harness/cli/main.js');

export interface StartUp {
  /** From the start of the process, or the call, to the moment that it says its address. */
  readonly readyMs: number;
  /** From then to the first answer. */
  readonly answerMs: number;
}

const now = (): number => performance.now();

async function firstAnswer(address: string): Promise<void> {
  const connection = await within(LIMIT_MS, 'Connecting', FuzzConnection.open(address));
  try {
    const answer = await connection.ask(apiVersionsApi, 0, {});
    if (answer === null) throw new WorldUnavailableError('The first request was not answered.');
  } finally {
    connection.close();
  }
}

/** The simulated cluster in a process of its own, as `kafka-trial serve --json` starts it. */
export interface Served extends AsyncDisposable {
  readonly bootstrapServers: readonly string[];
}

export async function serve(): Promise<Served> {
  const child = spawn(process.execPath, [command, 'serve', '--port', '0', '--no-control', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGTERM');
    await within(LIMIT_MS, 'Ending kafka-trial serve', exit).catch((error: unknown) => {
      child.kill('SIGKILL');
      throw error;
    });
  };
  try {
    const text = await within(LIMIT_MS, 'Starting kafka-trial serve', readDocument(child));
    const { bootstrapServers } = JSON.parse(text) as { bootstrapServers: readonly string[] };
    return { bootstrapServers, [Symbol.asyncDispose]: stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The one JSON document, which ends where the lines so far can be read. */
async function readDocument(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new WorldUnavailableError('kafka-trial serve has no standard output.');
  let text = '';
  for await (const line of createInterface({ input: child.stdout })) {
    text += line;
    if (isDocument(text)) return text;
  }
  throw new WorldUnavailableError(`kafka-trial serve ended early, having said: ${text}`);
}

function isDocument(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

export async function measureCommand(): Promise<StartUp> {
  const startedMs = now();
  await using served = await serve();
  const readyMs = now();
  await firstAnswer(served.bootstrapServers[0] as string);
  return { readyMs: readyMs - startedMs, answerMs: now() - readyMs };
}

export async function measureLibrary(): Promise<StartUp> {
  const startedMs = now();
  await using cluster = await startCluster({});
  const readyMs = now();
  await firstAnswer(cluster.bootstrapServers[0] as string);
  return { readyMs: readyMs - startedMs, answerMs: now() - readyMs };
}
