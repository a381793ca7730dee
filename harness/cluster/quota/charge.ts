/**
 * What one answer comes to under a broker's quotas: a request and its answer enter, and the answer as it is sent leaves, with
 * how long nothing is read from the connection afterwards (KIP-219).
 */
import type { Broker } from '../broker.ts';
import { produceApi } from '../protocol/00-produce.ts';
import { fetchApi } from '../protocol/01-fetch.ts';
import { type AnyApi, encodeResponse, type RequestHeader } from '../protocol/api.ts';
import type { QuotaClient } from './client-quotas.ts';

interface Charged {
  readonly response: unknown;
  readonly throttleMs: number;
}

/** @param response null for a Produce with acks 0, to which the time is never told */
export function charge(
  broker: Broker,
  client: QuotaClient,
  api: AnyApi,
  { apiVersion, correlationId }: RequestHeader,
  requestBytes: number,
  response: unknown,
): Charged {
  const { quotas } = broker;
  const nowMs = broker.nowMs();
  if (api.key === produceApi.key)
    return told(response, quotas.produce(client, requestBytes, response !== null, nowMs));
  if (api.key !== fetchApi.key) return told(response, quotas.request(client, nowMs));
  const bytes = encodeResponse(api, apiVersion, correlationId, response).length;
  const throttleMs = quotas.fetch(client, bytes, nowMs);
  // A consumer that has to wait is given nothing, and asks for the same again.
  return told(throttleMs > 0 ? { responses: [] } : response, throttleMs);
}

const told = (response: unknown, throttleMs: number): Charged =>
  throttleMs === 0 || response === null
    ? { response, throttleMs }
    : { response: { ...(response as object), throttleTimeMs: throttleMs }, throttleMs };
