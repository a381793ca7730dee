/**
 * Whole requests and responses: an API's description and a body enter, a frame with its size and header leaves, and
 * back again. Headers: request v1 has the client id, v2 adds tagged fields; response v1 adds tagged fields to v0.
 */
import { type Reader, Writer } from './bytes.ts';
import { type At, at, skipTagged, type Type } from './codec.ts';

export interface Api<Request, RequestIn, Response, ResponseIn> {
  readonly key: number;
  readonly name: string;
  /** Versions that the schemas describe. */
  readonly versions: { readonly min: number; readonly max: number };
  /** First flexible version (KIP-482); beyond `versions.max` where there is none. */
  readonly flexibleFrom: number;
  readonly request: Type<Request, RequestIn>;
  readonly response: Type<Response, ResponseIn>;
}

/** Any API, for tables of them. */
export type AnyApi = Api<unknown, unknown, unknown, unknown>;

const API_VERSIONS_KEY = 18;

export const isKnownVersion = ({ versions }: Pick<AnyApi, 'versions'>, version: number): boolean =>
  versions.min <= version && version <= versions.max;

const atVersion = ({ flexibleFrom }: Pick<AnyApi, 'flexibleFrom'>, version: number): At =>
  at(version, version >= flexibleFrom);

/** A client asks ApiVersions before it knows what the broker understands, so its answer never has tagged fields. */
const hasResponseTags = (api: Pick<AnyApi, 'key' | 'flexibleFrom'>, version: number): boolean =>
  api.key !== API_VERSIONS_KEY && version >= api.flexibleFrom;

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

/** Reads what all request headers since v1 have in common; the client id is never a compact string. */
export function readRequestHeader(reader: Reader): RequestHeader {
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  const length = reader.int16();
  return { apiKey, apiVersion, correlationId, clientId: length < 0 ? null : reader.utf8(length) };
}

/** The same, for those who do not ask whose request it is. */
export function skipRequestHeader(reader: Reader): Omit<RequestHeader, 'clientId'> {
  const apiKey = reader.int16();
  const apiVersion = reader.int16();
  const correlationId = reader.int32();
  reader.skip(Math.max(0, reader.int16()));
  return { apiKey, apiVersion, correlationId };
}

/** Reads the body of a request whose common header has been read. */
export function readRequestBody<Request>(
  api: Api<Request, never, unknown, never>,
  version: number,
  reader: Reader,
): Request {
  if (version >= api.flexibleFrom) skipTagged(reader);
  return api.request.read(reader, atVersion(api, version));
}

/** Reads what follows the correlation id of a response. */
export function readResponseBody<Response>(
  api: Api<unknown, never, Response, never>,
  version: number,
  reader: Reader,
): Response {
  if (hasResponseTags(api, version)) skipTagged(reader);
  return api.response.read(reader, atVersion(api, version));
}

/** One for all frames, each of which is written at one go; one that has grown beyond this is let go again. */
let frameWriter = new Writer();
const WRITER_BYTES_MAX = 1 << 20;

/** Begins with room for the size. */
const begin = (): Writer => frameWriter.reset().int32(0);

function finish(): Buffer {
  const frame = frameWriter.patchInt32(0, frameWriter.length - 4).copy();
  if (frameWriter.capacity > WRITER_BYTES_MAX) frameWriter = new Writer();
  return frame;
}

/** @returns the frame, its size first */
export function encodeRequest<RequestIn>(
  api: Api<unknown, RequestIn, unknown, never>,
  version: number,
  header: Pick<RequestHeader, 'correlationId' | 'clientId'>,
  body: RequestIn,
): Buffer {
  const writer = begin().int16(api.key).int16(version).int32(header.correlationId);
  const { clientId } = header;
  const byteLength = clientId === null ? -1 : Buffer.byteLength(clientId, 'utf8');
  writer.int16(byteLength);
  if (clientId !== null) writer.utf8(clientId, byteLength);
  if (version >= api.flexibleFrom) writer.unsignedVarint(0);
  api.request.write(writer, body, atVersion(api, version));
  return finish();
}

/** @returns the frame, its size first */
export function encodeResponse<ResponseIn>(
  api: Api<unknown, never, unknown, ResponseIn>,
  version: number,
  correlationId: number,
  body: ResponseIn,
): Buffer {
  const writer = begin().int32(correlationId);
  if (hasResponseTags(api, version)) writer.unsignedVarint(0);
  api.response.write(writer, body, atVersion(api, version));
  return finish();
}
