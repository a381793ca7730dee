/**
 * Between a client and a cluster: bytes pass, addresses in the answers are put in place so that everything passes here,
 * and what leaves is the list of API keys and versions that the client used.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { encodeResponse, readResponseBody } from '../../../cluster/protocol/api.ts';
import { apiByKey } from '../../../cluster/protocol/apis.ts';
import { Reader } from '../../../cluster/protocol/bytes.ts';

const METADATA = 3;
const FIND_COORDINATOR = 10;
const SIZE_BYTES = 4;

/** Cuts a stream into frames without their sizes. */
class Frames {
  #chunks: Buffer[] = [];
  #bytes = 0;
  *push(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes >= SIZE_BYTES) {
      const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      this.#chunks = [all];
      const end = SIZE_BYTES + all.readInt32BE(0);
      if (all.length < end) return;
      this.#chunks = [all.subarray(end)];
      this.#bytes -= end;
      yield all.subarray(SIZE_BYTES, end);
    }
  }
}

interface Asked {
  readonly key: number;
  readonly version: number;
}

interface Place {
  host: string;
  port: number;
}

export class RecordingProxy implements AsyncDisposable {
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();
  /** By the cluster's own address. */
  readonly #ports = new Map<string, number>();
  readonly #seen = new Set<string>();

  static async open(targets: readonly string[]): Promise<RecordingProxy> {
    const proxy = new RecordingProxy();
    for (const target of targets) await proxy.#listen(target);
    return proxy;
  }

  get bootstrapServers(): string[] {
    return [...this.#ports.values()].map((port) => `127.0.0.1:${port}`);
  }

  /** `key version` of everything that was asked and answered since the last call. */
  take(): string[] {
    const seen = [...this.#seen];
    this.#seen.clear();
    return seen;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(
      this.#servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    );
  }

  async #listen(target: string): Promise<void> {
    const server = createServer((socket) => this.#pass(socket, target));
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.#ports.set(target, (server.address() as { port: number }).port);
  }

  #pass(client: Socket, target: string): void {
    const [host, port] = target.split(/:(?=\d+$)/) as [string, string];
    const broker = connect({ host, port: Number(port) });
    const asked = new Map<number, Asked>();
    const [requests, answers] = [new Frames(), new Frames()];
    for (const [one, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(one);
      one.setNoDelay(true);
      one.on('error', () => undefined);
      one.on('close', () => {
        this.#sockets.delete(one);
        other.destroySoon();
      });
    }
    client.on('data', (chunk: Buffer) => {
      for (const frame of requests.push(chunk))
        asked.set(frame.readInt32BE(4), { key: frame.readInt16BE(0), version: frame.readInt16BE(2) });
      broker.write(chunk);
    });
    broker.on('data', (chunk: Buffer) => {
      for (const frame of answers.push(chunk)) client.write(this.#answer(frame, asked));
    });
  }

  #answer(frame: Buffer, asked: Map<number, Asked>): Buffer {
    const correlationId = frame.readInt32BE(0);
    const request = asked.get(correlationId);
    asked.delete(correlationId);
    if (request !== undefined) this.#seen.add(`${request.key} ${request.version}`);
    const isAddressed = request?.key === METADATA || request?.key === FIND_COORDINATOR;
    return (isAddressed ? this.#readdressed(frame, request) : null) ?? sized(frame);
  }

  #readdressed(frame: Buffer, { key, version }: Asked): Buffer | null {
    const api = apiByKey.get(key);
    if (api === undefined) return null;
    const reader = new Reader(frame);
    const correlationId = reader.int32();
    const body = readResponseBody(api as never, version, reader) as {
      brokers?: Place[];
      coordinators?: Place[];
      host?: string;
      port?: number;
    };
    for (const place of [...(body.brokers ?? []), ...(body.coordinators ?? []), body as Place]) {
      const port = this.#ports.get(`${place.host}:${place.port}`);
      if (port === undefined) continue;
      place.host = '127.0.0.1';
      place.port = port;
    }
    return encodeResponse(api as never, version, correlationId, body as never);
  }
}

function sized(frame: Buffer): Buffer {
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeInt32BE(frame.length);
  return Buffer.concat([size, frame]);
}
