/**
 * Looks at what goes between clients and simulated brokers: the bytes of connections enter, as the brokers read and
 * write them, and every request and answer leaves decoded. It only looks, so a run is the same with it and without.
 */
import { FrameAssembler, type FrameSink } from '../../client/wire/frames.ts';
import {
  type AnyApi,
  isKnownVersion,
  type RequestHeader,
  readRequestBody,
  readRequestHeader,
  readResponseBody,
} from '../../cluster/protocol/api.ts';
import { ProtocolFormatError, Reader } from '../../cluster/protocol/bytes.ts';
import { at } from '../../cluster/protocol/codec.ts';
import { type Plain, plainMessage } from '../../cluster/protocol/plain.ts';

/** One request or answer. */
export interface WireMessage {
  /** Milliseconds of scenario time at which the broker read or wrote it. */
  readonly time: number;
  /** How many events of the history had been recorded by then. */
  readonly eventsBefore: number;
  readonly direction: 'request' | 'answer';
  /** Whose connection it passes on. */
  readonly process: string;
  readonly broker: number;
  /** Kafka's name of the API, or its key where it is not known. */
  readonly api: string;
  readonly version: number;
  readonly correlationId: number;
  /** Without the four bytes of the size. */
  readonly bytes: number;
  /** Null where it cannot be decoded. */
  readonly body: Plain;
}

/** A request that has no answer yet. */
export type UnansweredRequest = Pick<
  WireMessage,
  'time' | 'process' | 'broker' | 'api' | 'version' | 'correlationId'
>;

export interface MessageTapOptions {
  readonly now: () => { readonly time: number; readonly eventsBefore: number };
  readonly apiOf: (key: number) => AnyApi | undefined;
  /** Null where only the unanswered requests are wanted, so that nothing else is decoded. */
  readonly onMessage: ((message: WireMessage) => void) | null;
}

/** One connection's two directions. */
export interface ConnectionTap {
  toBroker(bytes: Buffer): void;
  toProcess(bytes: Buffer): void;
  closed(): void;
}

interface Asked {
  readonly request: UnansweredRequest;
  readonly description: AnyApi | undefined;
}

const API_VERSIONS = 18;
const PRODUCE = 0;

export class MessageTap {
  readonly #options: MessageTapOptions;
  /** Of connections that are open, by correlation id. */
  readonly #connections = new Set<Map<number, Asked>>();

  constructor(options: MessageTapOptions) {
    this.#options = options;
  }

  /** In the order in which they came. */
  unanswered(): UnansweredRequest[] {
    return [...this.#connections]
      .flatMap((asked) => [...asked.values()])
      .map(({ request }) => request)
      .sort((a, b) => a.time - b.time);
  }

  /** @param process whose connection it is */
  connection(broker: number, process: string): ConnectionTap {
    const asked = new Map<number, Asked>();
    this.#connections.add(asked);
    const requests = assembler((frame) => this.#request(broker, process, asked, frame));
    const answers = assembler((frame) => this.#answer(asked, frame));
    return {
      toBroker: requests,
      toProcess: answers,
      closed: () => this.#connections.delete(asked),
    };
  }

  #request(broker: number, process: string, asked: Map<number, Asked>, frame: Buffer): void {
    const reader = new Reader(frame);
    const header = attempt(() => readRequestHeader(reader));
    if (header === null) return;
    const { apiKey, apiVersion: version, correlationId } = header;
    const description = this.#options.apiOf(apiKey);
    const { now, onMessage } = this.#options;
    const { time, eventsBefore } = now();
    const api = description?.name ?? `API ${apiKey}`;
    const request = { time, process, broker, api, version, correlationId };
    const body = description === undefined ? undefined : readRequest(description, header, reader);
    // acks 0: no answer will come.
    const isAnswered = apiKey !== PRODUCE || (body as { acks?: number } | undefined)?.acks !== 0;
    if (isAnswered) asked.set(correlationId, { request, description });
    onMessage?.({
      ...request,
      eventsBefore,
      direction: 'request',
      bytes: frame.length,
      body: body === undefined ? null : plain(description as AnyApi, 'request', version, body),
    });
  }

  #answer(asked: Map<number, Asked>, frame: Buffer): void {
    const reader = new Reader(frame);
    const correlationId = attempt(() => reader.int32());
    const known = correlationId === null ? undefined : asked.get(correlationId);
    if (known === undefined) return;
    const { request, description } = known;
    asked.delete(request.correlationId);
    const { onMessage, now } = this.#options;
    if (onMessage === null) return;
    // KIP-511: whoever asks for a version of ApiVersions that the broker does not know is answered in version 0.
    const isUnknown = description !== undefined && !isKnownVersion(description, request.version);
    const version = isUnknown && description.key === API_VERSIONS ? 0 : request.version;
    const body =
      description === undefined
        ? null
        : attempt(() => readResponseBody(description as never, version, reader));
    onMessage({
      ...now(),
      direction: 'answer',
      process: request.process,
      broker: request.broker,
      api: request.api,
      version,
      correlationId: request.correlationId,
      bytes: frame.length,
      body: body === null ? null : plain(description as AnyApi, 'response', version, body),
    });
  }
}

function readRequest(api: AnyApi, { apiVersion }: RequestHeader, reader: Reader): unknown {
  if (!isKnownVersion(api, apiVersion)) return undefined;
  return attempt(() => readRequestBody(api as never, apiVersion, reader)) ?? undefined;
}

const plain = (api: AnyApi, part: 'request' | 'response', version: number, body: unknown): Plain =>
  plainMessage(api[part].shape, body, at(version, version >= api.flexibleFrom));

/** Null where the bytes are not what they should be; the broker deals with them in its own way. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof ProtocolFormatError) return null;
    throw error;
  }
}

/** Takes chunks until they cannot be Kafka's. */
function assembler(frame: (bytes: Buffer) => void): (bytes: Buffer) => void {
  const sink: FrameSink = { wants: () => true, frame };
  const frames = new FrameAssembler(sink);
  let isKafka = true;
  return (bytes) => {
    if (!isKafka) return;
    try {
      frames.push(bytes);
    } catch {
      isKafka = false;
    }
  };
}
