/**
 * The way out of a client process: a line enters, and when the call returns, all of it is in the pipe, so that a
 * SIGKILL at the next instruction cannot lose it.
 */
import { writeSync } from 'node:fs';

const EVENT_FD = 1;
const RETRY_AFTER_MS = 1;

/** Blocks the thread; the pipe is full until the harness has read from it. */
const pause = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_AFTER_MS);
};

/**
 * @param write for tests; takes bytes and says how many were written, as `fs.writeSync` does
 * @throws Error where nobody reads the pipe any more (EPIPE)
 */
export function writeLine(
  line: string,
  write: (bytes: Uint8Array) => number = (bytes) => writeSync(EVENT_FD, bytes),
): void {
  let rest: Uint8Array = Buffer.from(`${line}\n`, 'utf8');
  while (rest.byteLength > 0) {
    try {
      rest = rest.subarray(write(rest));
    } catch (error) {
      // A pipe that is not blocking says EAGAIN when it is full.
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      pause();
    }
  }
}
