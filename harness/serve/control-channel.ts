/**
 * The control channel: HTTP requests with JSON on a loopback port enter, orders go to the cluster's controls, and what
 * came of them, or how the cluster looks, leaves as JSON.
 *
 * Anyone on this machine can use it, but no web page can: an order has to say that it is JSON, which a page of another
 * origin may not without being asked for leave, and the Host header has to name this machine.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { formatPath } from '../../scenarios/schema.ts';
import { orderSchema, orders, perform } from './actions.ts';
import { type Controls, type Fault, RefusedError } from './controls.ts';
import type { Inspection } from './inspection.ts';

const LOOPBACK = '127.0.0.1';
const BODY_BYTES_MAX = 1 << 16;
const RECORDS_MAX = 1_000;
const LOCAL_HOST = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/;

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface OpenFault {
  readonly kind: string;
  readonly order: unknown;
  readonly fault: Fault;
}

class BadRequest extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** What can be asked, for a person who asks for `/`. */
const routes = {
  'GET /': 'this list, and the orders with their JSON Schemas',
  'GET /brokers': 'brokers, their addresses and phases',
  'GET /connections': 'open connections, their clients and what they wait for',
  'GET /topics': 'topics with their partitions and offsets',
  'GET /topics/NAME': 'one topic',
  'GET /topics/NAME/PARTITION/records?from=OFFSET': `records of a partition, ${RECORDS_MAX} at most, key and value in base64`,
  'GET /groups': 'groups with their members and committed offsets',
  'GET /groups/NAME': 'one group',
  'GET /faults': 'orders that last and have not been ended',
  'POST /orders': 'gives an order; one that lasts answers with the id of a fault',
  'DELETE /faults/ID': 'ends a fault',
} as const;

export class ControlChannel {
  readonly #controls: Controls;
  readonly #inspect: Inspection;
  readonly #server: Server;
  readonly #faults = new Map<number, OpenFault>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #port: number;
  #lastFault = 0;

  constructor(port: number, controls: Controls, inspect: Inspection) {
    this.#port = port;
    this.#controls = controls;
    this.#inspect = inspect;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  get url(): string {
    return `http://${LOOPBACK}:${this.#port}`;
  }

  /** @throws Error of the system, such as EADDRINUSE */
  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(this.#port, LOOPBACK, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    if (!this.#server.listening) return;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status, body } = await this.#answer(request);
    const text = `${JSON.stringify(body, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value), 2)}\n`;
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
    });
    response.end(text);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    try {
      if (!LOCAL_HOST.test(request.headers.host ?? ''))
        throw new BadRequest(403, 'The Host header has to name this machine.');
      return await this.#route(request);
    } catch (error) {
      if (error instanceof BadRequest) return { status: error.status, body: { error: error.message } };
      if (error instanceof RefusedError) return { status: 409, body: { error: error.message } };
      return { status: 500, body: { error: error instanceof Error ? error.message : String(error) } };
    }
  }

  async #route(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', this.url);
    const [first = '', ...rest] = url.pathname.slice(1).split('/').map(decodePart);
    const what = `${request.method} /${first}`;
    switch (what) {
      case 'GET /':
        return found(describe());
      case 'GET /brokers':
        return found(this.#inspect.brokers());
      case 'GET /connections':
        return found(this.#inspect.connections());
      case 'GET /groups':
        return found(rest[0] === undefined ? this.#inspect.groups() : this.#inspect.group(rest[0]));
      case 'GET /topics':
        return this.#topics(rest, url.searchParams.get('from') ?? '0');
      case 'GET /faults':
        return found([...this.#faults].map(([id, { order }]) => ({ id, order })));
      case 'POST /orders':
        return await this.#order(request);
      case 'DELETE /faults':
        return this.#endFault(Number(rest[0]));
      default:
        throw new BadRequest(404, `There is no '${what}'. There is: ${Object.keys(routes).join(', ')}.`);
    }
  }

  #topics([name, partition, records]: readonly string[], from: string): Answer {
    if (name === undefined) return found(this.#inspect.topics());
    const topic = this.#inspect.topic(name);
    if (topic === null) throw new BadRequest(404, `There is no topic '${name}'.`);
    if (partition === undefined) return found(topic);
    if (records !== 'records' || !/^\d{1,9}$/.test(partition) || !/^\d{1,18}$/.test(from))
      throw new BadRequest(404, 'Expected /topics/NAME/PARTITION/records?from=OFFSET.');
    const all = this.#inspect.records(name, Number(partition));
    if (all === null) throw new BadRequest(404, `There is no partition ${name}-${partition}.`);
    const shown = all.filter(({ offset }) => offset >= BigInt(from)).slice(0, RECORDS_MAX);
    return found(
      shown.map(({ key, value, ...record }) => ({
        ...record,
        key: key?.toString('base64') ?? null,
        value: value?.toString('base64') ?? null,
      })),
    );
  }

  async #order(request: IncomingMessage): Promise<Answer> {
    const result = orderSchema.safeParse(await readJson(request));
    if (!result.success) {
      const lines = result.error.issues.map(
        ({ path, message }) => `${path.length === 0 ? 'the order' : formatPath(path)}: ${message}`,
      );
      throw new BadRequest(400, lines.join('; '));
    }
    const order = result.data;
    const outcome = await perform(this.#controls, order);
    if (outcome === null) return found({ done: true });
    if (!isFault(outcome)) return found({ done: true, ...outcome });
    this.#lastFault += 1;
    const id = this.#lastFault;
    this.#faults.set(id, { kind: order.kind, order, fault: outcome });
    const { durationMs } = order as { durationMs?: number };
    if (durationMs !== undefined) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#end(id);
      }, durationMs);
      this.#timers.add(timer);
    }
    return found({ done: true, fault: id });
  }

  #endFault(id: number): Answer {
    if (!this.#end(id)) throw new BadRequest(404, 'There is no such fault, or it has ended.');
    return found({ done: true });
  }

  #end(id: number): boolean {
    const open = this.#faults.get(id);
    this.#faults.delete(id);
    open?.fault.end();
    return open !== undefined;
  }
}

const found = (body: unknown): Answer => ({ status: 200, body });

const isFault = (outcome: object): outcome is Fault => Symbol.dispose in outcome;

const describe = (): unknown => ({
  routes,
  orders: Object.fromEntries(
    Object.entries(orders).map(([kind, { summary, fields }]) => [
      kind,
      {
        summary,
        schema: z.toJSONSchema(z.strictObject({ kind: z.literal(kind), ...fields }), { io: 'input' }),
      },
    ]),
  ),
});

function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new BadRequest(400, `'${part}' is not a part of an address.`);
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? ''))
    throw new BadRequest(415, 'Expected the content type application/json.');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new BadRequest(413, `An order has at most ${BODY_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new BadRequest(400, 'The body is not JSON.');
  }
}
