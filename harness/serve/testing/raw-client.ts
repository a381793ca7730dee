/** For tests: one connection over TCP that speaks through the schemas, or sends whatever bytes it is told to. */
import { connect, type Socket } from 'node:net';
import { type Api, encodeRequest, readResponseBody } from '../../cluster/protocol/api.ts';
import { Reader } from '../../cluster/protocol/bytes.ts';

const SIZE_BYTES = 4;

export class RawClient {
  readonly socket: Socket;
  /** How the connection ended: `ended` for in good order, or the system's error. */
  readonly closed: Promise<string>;
  #chunks: Buffer[] = [];
  #bufferedBytes = 0;
  #correlationId = 0;
  readonly #waiting = new Map<number, (frame: Buffer | null) => void>();
  #error: string | null = null;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#error = error.code ?? error.message;
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        for (const settle of this.#waiting.values()) settle(null);
        this.#waiting.clear();
        resolve(this.#error ?? 'ended');
      });
    });
    socket.on('data', (bytes: Buffer) => this.#receive(bytes));
  }

  /** @param address host:port */
  static async connect(address: string): Promise<RawClient> {
    const [host, port] = address.split(/:(?=\d+$)/) as [string, string];
    const socket = connect({ host, port: Number(port) });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new RawClient(socket);
  }

  send(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  /** @returns the answer, or null where the connection closed instead */
  async ask<Request, Response>(
    api: Api<unknown, Request, Response, unknown>,
    version: number,
    body: Request,
    clientId = 'raw',
  ): Promise<Response | null> {
    const correlationId = this.nextCorrelationId();
    const frame = this.answerTo(correlationId);
    this.send(encodeRequest(api, version, { correlationId, clientId }, body));
    const answer = await frame;
    if (answer === null) return null;
    const reader = new Reader(answer);
    reader.int32();
    const response = readResponseBody(api, version, reader);
    if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes behind the answer`);
    return response;
  }

  nextCorrelationId(): number {
    this.#correlationId += 1;
    return this.#correlationId;
  }

  /** Resolves with the frame without its size, or null where the connection closed before. */
  answerTo(correlationId: number): Promise<Buffer | null> {
    if (this.socket.destroyed) return Promise.resolve(null);
    return new Promise((resolve) => this.#waiting.set(correlationId, resolve));
  }

  close(): void {
    this.socket.destroy();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #receive(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bufferedBytes += chunk.length;
    while (this.#bufferedBytes >= SIZE_BYTES) {
      if ((this.#chunks[0] as Buffer).length < SIZE_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
      const end = SIZE_BYTES + (this.#chunks[0] as Buffer).readInt32BE(0);
      if (this.#bufferedBytes < end) return;
      const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#chunks = [bytes.subarray(end)];
      this.#bufferedBytes -= end;
      const correlationId = bytes.readInt32BE(SIZE_BYTES);
      const settle = this.#waiting.get(correlationId);
      this.#waiting.delete(correlationId);
      settle?.(bytes.subarray(SIZE_BYTES, end));
    }
  }
}
