/**
 * clients.log of a run directory: what the processes on trial wrote to standard error, for a person who looks for
 * the cause of something; nothing is judged by it.
 */
import { createWriteStream, type WriteStream } from 'node:fs';
import { LOG_BYTES_MAX } from '../runner/log-limit.ts';

export class ClientLog implements AsyncDisposable {
  readonly #path: string;
  #stream: WriteStream | null = null;
  #bytes = 0;
  #failed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** @param origin scenario and process */
  write(origin: string, line: string): void {
    if (this.#failed || this.#bytes > LOG_BYTES_MAX) return;
    const text = `${origin}: ${line}\n`;
    this.#bytes += Buffer.byteLength(text);
    this.#stream ??= this.#open();
    this.#stream.write(this.#bytes > LOG_BYTES_MAX ? 'No more is written here: the log is full.\n' : text);
  }

  #open(): WriteStream {
    const stream = createWriteStream(this.#path);
    // The history is what counts; where the disk is full, that write says so.
    stream.on('error', () => {
      this.#failed = true;
    });
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stream = this.#stream;
    if (stream === null || this.#failed) return;
    await new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.end();
    });
  }
}
