/**
 * How long a broker tells its client to wait (KIP-13, KIP-219): the frame of an answer enters, the time leaves. It is read
 * where it stands, since nearly every answer says 0 and is of no other interest.
 */
import { type AnyApi, isKnownVersion, readResponseBody } from '../../cluster/protocol/api.ts';
import { apiByKey } from '../../cluster/protocol/apis.ts';
import { Reader } from '../../cluster/protocol/bytes.ts';
import { skipTagged } from '../../cluster/protocol/codec.ts';

const PRODUCE = 0;
const API_VERSIONS = 18;
/** What is said before a client is let in may lie among bare tokens. */
const SASL = new Set([17, 36]);
const FIELD = 'throttleTimeMs';
const TIME_BYTES = 4;
/** From there on a Produce names its transactional id, and from there on lengths are varints and fields are tagged. */
const PRODUCE_TRANSACTIONAL_FROM = 3;
const PRODUCE_FLEXIBLE_FROM = 9;

/** The API of a request whose answer may have such a time, or null. */
export function throttlingApi(apiKey: number, version: number): AnyApi | null {
  const api = SASL.has(apiKey) ? undefined : apiByKey.get(apiKey);
  return api !== undefined && isKnownVersion(api, version) && placeOf(api, version) !== 'nowhere'
    ? api
    : null;
}

type Place = 'first' | 'last' | 'inside' | 'nowhere';

/** By API key and version. */
const places = new Map<number, Place>();
const VERSIONS_MAX = 256;

function placeOf(api: AnyApi, version: number): Place {
  const key = api.key * VERSIONS_MAX + version;
  const place = places.get(key) ?? findPlace(api, version);
  places.set(key, place);
  return place;
}

function findPlace({ response, key }: AnyApi, version: number): Place {
  const { shape } = response;
  if (shape.kind !== 'struct') return 'nowhere';
  const fields = shape.fields.filter(({ from, to, tag }) => from <= version && version <= to && tag === null);
  const index = fields.findIndex(({ name }) => name === FIELD);
  if (index < 0) return 'nowhere';
  // Of a flexible version nothing says where the tagged fields behind it begin.
  return index === 0 ? 'first' : key === PRODUCE && version < PRODUCE_FLEXIBLE_FROM ? 'last' : 'inside';
}

/** Whether a request has an answer: a Produce with acks 0 has none. */
export function isAnswered({ key }: AnyApi, version: number, request: Reader): boolean {
  if (key !== PRODUCE) return true;
  if (version >= PRODUCE_FLEXIBLE_FROM) {
    skipTagged(request);
    request.skip(Math.max(0, request.unsignedVarint() - 1));
  } else if (version >= PRODUCE_TRANSACTIONAL_FROM) request.skip(Math.max(0, request.int16()));
  return request.int16() !== 0;
}

/** @param position behind the correlation id */
export function throttleTimeMsOf(api: AnyApi, version: number, answer: Buffer, position: number): number {
  switch (placeOf(api, version)) {
    case 'first': {
      if (version < api.flexibleFrom) return answer.readInt32BE(position);
      const reader = new Reader(answer, position);
      skipTagged(reader);
      return reader.int32();
    }
    case 'last':
      return answer.readInt32BE(answer.length - TIME_BYTES);
    case 'inside':
      // Of an unknown version a broker answers in version 0, which has no such time (KIP-511).
      return api.key === API_VERSIONS && answer.readInt16BE(position) !== 0
        ? 0
        : read(api, version, answer, position);
    case 'nowhere':
      return 0;
  }
}

const read = (api: AnyApi, version: number, answer: Buffer, position: number): number =>
  (readResponseBody(api, version, new Reader(answer, position)) as { readonly [FIELD]: number })[FIELD];
