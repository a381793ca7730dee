/**
 * What one API's handler is to a broker: a decoded request and its context enter, a response leaves by `respond`, at
 * once or later. Handlers register in one table by API key, so that coordinators plug in beside the data plane.
 */
import type { Broker } from './broker.ts';
import type { BrokerConnection } from './broker-connection.ts';
import type { Api } from './protocol/api.ts';
import type { ClusterCore } from './simulated-cluster.ts';

export interface RequestContext {
  readonly cluster: ClusterCore;
  readonly broker: Broker;
  readonly connection: BrokerConnection;
  readonly clientId: string | null;
}

/**
 * Answers a request, once; calling it again, or after the connection has closed, does nothing. Null sends no answer, as
 * for acks 0, and `close` closes the connection instead. The connection's next request is taken up only then, as
 * Kafka's network threads do it.
 */
export type Respond<ResponseIn> = (response: ResponseIn | null | 'close') => void;

export interface Handler<Request, ResponseIn> {
  readonly api: Api<Request, never, unknown, ResponseIn>;
  handle(context: RequestContext, request: Request, version: number, respond: Respond<ResponseIn>): void;
  /** The answer that has this error in every place that can have one; for faults on purpose. */
  errorAnswer?(request: Request, code: number, version: number): ResponseIn;
  /** The answer to a fault on purpose, where a broker that meets it by itself has more to say; else null. */
  faultAnswer?(request: Request, code: number, version: number, context: RequestContext): ResponseIn | null;
  /** The answer to a request that came in the middle of a login, where Kafka has another than `errorAnswer`. */
  untimelyAnswer?(request: Request, code: number, version: number): ResponseIn;
}

/** Any handler, for tables of them. */
export type AnyHandler = Handler<unknown, unknown>;
