/**
 * Writes a file whole or not at all: a path and its text in pieces enter; the finished file is there, or a
 * `HarnessError` with one clear sentence leaves and nothing of the attempt stays behind.
 */
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { exitCodes, HarnessError } from '../errors.ts';

/** Pieces are joined up to this size before a write, since one call per history line would be slow. */
const CHUNK_LENGTH_MIN = 64 * 1024;

let attempts = 0;

/**
 * Writes to a temporary file in the same folder and renames it, so that a reader never sees half a file.
 * @param openFile how to open the temporary file; tests put a full device here
 * @throws HarnessError with exit code 3 where the disk is full or the folder cannot be written to
 */
export async function writeFileAtomically(
  path: string,
  pieces: Iterable<string>,
  openFile: (path: string) => ReturnType<typeof open> = (temporary) => open(temporary, 'wx'),
): Promise<void> {
  attempts += 1;
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}-${attempts}.partial`);
  try {
    const file = await openFile(temporary);
    try {
      let chunk = '';
      for (const piece of pieces) {
        chunk += piece;
        if (chunk.length < CHUNK_LENGTH_MIN) continue;
        await file.writeFile(chunk);
        chunk = '';
      }
      await file.writeFile(chunk);
    } finally {
      // Some file systems report a full disk only here.
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asWriteError(error, path);
  }
}

/** The sentence and the hint for what went wrong while writing to a path; other errors pass through unchanged. */
export function asWriteError(error: unknown, path: string): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code !== 'string') return error;
  const [message, hint] = explain(code, path);
  return new HarnessError(message, { exitCode: exitCodes.unknown, hint, cause: error });
}

function explain(code: string, path: string): [message: string, hint: string] {
  const elsewhere = 'or choose another folder with --out';
  switch (code) {
    case 'ENOSPC':
      return [`The disk is full: '${path}' could not be written.`, `Free some space there ${elsewhere}.`];
    case 'EDQUOT':
      return [
        `The disk quota is used up: '${path}' could not be written.`,
        `Free some space there ${elsewhere}.`,
      ];
    case 'EFBIG':
      return [
        `'${path}' would be larger than a file may be here.`,
        `Raise the limit (ulimit -f) ${elsewhere}.`,
      ];
    case 'EACCES':
    case 'EPERM':
      return [`No permission to write '${path}'.`, `Change the folder's permissions ${elsewhere}.`];
    case 'EROFS':
      return [
        `The file system is read-only: '${path}' could not be written.`,
        'Choose another folder with --out.',
      ];
    case 'ENOENT':
      return [
        `'${path}' could not be written: its folder does not exist.`,
        `Create the folder ${elsewhere}.`,
      ];
    case 'ENOTDIR':
    case 'EEXIST':
    case 'EISDIR':
      return [
        `'${path}' could not be written: something else is in its place.`,
        `Move that away ${elsewhere}.`,
      ];
    default:
      return [`'${path}' could not be written (${code}).`, `Look at that folder ${elsewhere}.`];
  }
}
