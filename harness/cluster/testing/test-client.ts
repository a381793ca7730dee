/** For tests: a client with one connection, that speaks through the schemas and keeps every answer. */
import type { Connection } from '../broker-connection.ts';
import { type Api, encodeRequest, readResponseBody } from '../protocol/api.ts';
import { Reader } from '../protocol/bytes.ts';
import type { SimulatedCluster } from '../simulated-cluster.ts';

interface Asked {
  readonly api: Api<unknown, unknown, unknown, unknown>;
  readonly version: number;
  readonly answered: (answer: unknown) => void;
}

export class TestClient {
  readonly connection: Connection;
  closed: 'open' | 'ended' | 'reset' = 'open';
  /** Correlation ids in the order in which answers came. */
  readonly order: number[] = [];
  readonly #asked = new Map<number, Asked>();
  #bytes = Buffer.alloc(0);
  #correlationId = 0;

  constructor(cluster: SimulatedCluster, brokerId: number) {
    const connection = cluster.connect(brokerId, {
      onData: (bytes) => this.#receive(bytes),
      onClose: (reset) => {
        this.closed = reset ? 'reset' : 'ended';
      },
    });
    if (connection === null) throw new Error(`broker ${brokerId} refuses connections`);
    this.connection = connection;
  }

  /** @returns where the answer will be, once it has come */
  ask<Request, Response>(
    api: Api<unknown, Request, Response, unknown>,
    version: number,
    body: Request,
  ): { answer: Response | null } {
    this.#correlationId += 1;
    const correlationId = this.#correlationId;
    const place: { answer: Response | null } = { answer: null };
    this.#asked.set(correlationId, {
      api: api as Asked['api'],
      version,
      answered: (answer) => {
        place.answer = answer as Response;
      },
    });
    this.connection.receive(encodeRequest(api, version, { correlationId, clientId: 'test' }, body));
    return place;
  }

  #receive(bytes: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes]);
    while (this.#bytes.length >= 4 && this.#bytes.length >= 4 + this.#bytes.readInt32BE(0)) {
      const end = 4 + this.#bytes.readInt32BE(0);
      const reader = new Reader(this.#bytes.subarray(4, end));
      this.#bytes = this.#bytes.subarray(end);
      const correlationId = reader.int32();
      const asked = this.#asked.get(correlationId);
      if (asked === undefined) throw new Error(`an answer to ${correlationId}, which nobody asked`);
      this.#asked.delete(correlationId);
      this.order.push(correlationId);
      const answer = readResponseBody(asked.api, asked.version, reader);
      if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes behind the answer`);
      asked.answered(answer);
    }
  }
}
