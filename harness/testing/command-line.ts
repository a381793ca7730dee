/** Runs the built command line as a user would: arguments enter, its exit code and its two outputs leave. */
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../version.ts';

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  readonly ended: Promise<Ending>;
  /** Resolves when standard error has said something that matches; rejects where the command ends before. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** The same for standard output. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
}

/**
 * This repository has regressions of its own, which a run given in it would begin with; and making what was found small
 * takes longer than finding it, so that it has to be asked for.
 */
const asTested = (commandArguments: readonly string[]): readonly string[] =>
  commandArguments[0] === 'run' && !commandArguments.includes('--help')
    ? [
        ...commandArguments,
        '--no-regressions',
        ...(commandArguments.includes('--shrink') ? [] : ['--no-shrink']),
      ]
    : commandArguments;

export function startCommand(
  commandArguments: readonly string[],
  environment: Record<string, string> = {},
): RunningCommand {
  const child = spawn(
    process.execPath,
    [join(packageRoot, 'dist/harness/cli/main.js'), ...asTested(commandArguments)],
    {
      env: { ...process.env, NO_COLOR: '1', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (const watcher of watchers) watcher();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
    for (const watcher of watchers) watcher();
  });
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const seen = (text: () => string, pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const match = pattern.exec(text());
        if (match === null) return;
        watchers.delete(look);
        resolve(match);
      };
      watchers.add(look);
      look();
      ended.then(() => reject(new Error(`it ended without saying ${String(pattern)}:\n${stderr}`)), reject);
    });
  return {
    child,
    ended,
    said: (pattern) => seen(() => stderr, pattern),
    printed: (pattern) => seen(() => stdout, pattern),
  };
}

export const runCommand = (
  commandArguments: readonly string[],
  environment: Record<string, string> = {},
): Promise<Ending> => startCommand(commandArguments, environment).ended;
