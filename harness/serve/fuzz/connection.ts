/** A connection of the comparison: frames enter, answers leave, or how it ended, within a bounded time. */
import { connect, type Socket } from 'node:net';
import { type Api, encodeRequest, readResponseBody } from '../../cluster/protocol/api.ts';
import { Reader } from '../../cluster/protocol/bytes.ts';
import { Tokens } from './tokens.ts';

const SIZE_BYTES = 4;
const ID_BYTES = 4;
const ANSWER_MS_MAX = 20_000;
/** Waiting is counted in portions, so that it does not count while this process, which is the simulated arm too, stands still. */
const PORTION_MS = 100;

/** In place of the id of a request: the next frame is the answer, whatever is in it. */
export const ANY_ID = null;

export class FuzzConnection {
  readonly tokens = new Tokens();
  /** When handshakes were agreed to, the last one last. */
  readonly handshakesMs: number[] = [];
  readonly #socket: Socket;
  #bytes: Buffer = Buffer.alloc(0);
  #lastId = 0;
  #wanted: { readonly id: number | null; readonly settle: (frame: Buffer | 'closed') => void } | null = null;
  #isUsedUp = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#isUsedUp = true;
      this.#settle('closed');
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
  }

  static async open(address: string): Promise<FuzzConnection> {
    const [host, port] = address.split(/:(?=\d+$)/) as [string, string];
    const socket = connect({ host, port: Number(port), noDelay: true });
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new FuzzConnection(socket);
  }

  /** Closed, or waiting for an answer that has not come. */
  get isUsedUp(): boolean {
    return this.#isUsedUp;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  /** @returns the answer without its size */
  async exchange(
    id: number | null,
    request: Buffer,
    silenceMs: number,
  ): Promise<Buffer | 'closed' | 'silent'> {
    if (this.#isUsedUp) return 'closed';
    return await new Promise((resolve) => {
      let waitedMs = 0;
      const wait = (): void => {
        waitedMs += PORTION_MS;
        if (waitedMs <= silenceMs) {
          timer = setTimeout(wait, PORTION_MS);
          return;
        }
        this.#isUsedUp = true;
        this.#wanted = null;
        resolve('silent');
      };
      let timer = setTimeout(wait, PORTION_MS);
      this.#wanted = {
        id,
        settle: (frame) => {
          clearTimeout(timer);
          resolve(frame);
        },
      };
      this.#socket.write(request);
    });
  }

  /** Null where there was no answer. */
  async ask<Request, Response>(
    api: Api<unknown, Request, Response, unknown>,
    version: number,
    body: Request,
  ): Promise<Response | null> {
    const id = this.nextId();
    const request = encodeRequest(api, version, { correlationId: id, clientId: 'fuzz' }, body);
    const frame = await this.exchange(id, request, ANSWER_MS_MAX);
    if (typeof frame === 'string') return null;
    const reader = new Reader(frame);
    reader.int32();
    return readResponseBody(api, version, reader);
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= SIZE_BYTES) {
      const end = SIZE_BYTES + this.#bytes.readInt32BE(0);
      if (this.#bytes.length < end) return;
      const frame = this.#bytes.subarray(SIZE_BYTES, end);
      this.#bytes = this.#bytes.subarray(end);
      if (this.#isWanted(frame)) this.#settle(frame);
    }
  }

  #isWanted(frame: Buffer): boolean {
    if (this.#wanted === null) return false;
    const { id } = this.#wanted;
    return id === ANY_ID || (frame.length >= ID_BYTES && id === frame.readInt32BE(0));
  }

  #settle(frame: Buffer | 'closed'): void {
    const wanted = this.#wanted;
    this.#wanted = null;
    wanted?.settle(frame);
  }
}
