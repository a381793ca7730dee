/**
 * Which version of the user's own code a command judged: a folder enters; the commit that Git has there leaves, and
 * whether anything was changed since.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Longer than that, a report is not worth waiting for a disk that sleeps. */
const TIMEOUT_MS = 5_000;

/** `0a1b2c3d4e5f`, or `0a1b2c3d4e5f with uncommitted changes`; null outside a repository or without Git. */
export async function commitOf(folder: string): Promise<string | null> {
  const git = async (...words: string[]): Promise<string> => {
    const { stdout } = await run('git', words, { cwd: folder, timeout: TIMEOUT_MS });
    return stdout.trim();
  };
  try {
    const commit = await git('rev-parse', '--short=12', 'HEAD');
    return (await git('status', '--porcelain')) === '' ? commit : `${commit} with uncommitted changes`;
  } catch {
    return null;
  }
}
