/**
 * SASL/PLAIN on one connection (KIP-43, KIP-152): handshakes and tokens enter, outcomes leave. Where the cluster demands
 * it, a connection may only ask for versions and log in until it has logged in.
 *
 * Not implemented: SCRAM, OAuth and Kerberos, re-authentication (KIP-368).
 */
import type { BrokerConnection } from './broker-connection.ts';
import { errorCode } from './protocol/errors.ts';

export interface SaslDemand {
  readonly mechanism: 'PLAIN';
  /** Passwords by user name. */
  readonly users: Readonly<Record<string, string>>;
}

export interface SaslSession {
  stage: 'handshake' | 'authenticate' | 'done';
  /** After a version 0 handshake tokens come raw, with nothing but their size. */
  expectsToken: boolean;
}

const HANDSHAKE = 17;
const API_VERSIONS = 18;
const AUTHENTICATE = 36;

export const newSaslSession = (demand: SaslDemand | null): SaslSession | null =>
  demand === null ? null : { stage: 'handshake', expectsToken: false };

/** Whether the session's stage allows this API. */
export function isSaslAllowed(session: SaslSession, apiKey: number): boolean {
  if (session.stage === 'done' || apiKey === API_VERSIONS) return true;
  return apiKey === (session.stage === 'handshake' ? HANDSHAKE : AUTHENTICATE);
}

export const ILLEGAL_SASL_STATE = errorCode('ILLEGAL_SASL_STATE');

/** A PLAIN token: authorization id, user and password, with a zero byte between. @returns the user, or null */
export function checkPlain(demand: SaslDemand, token: Uint8Array): string | null {
  const [authorizationId, user, password, ...rest] = Buffer.from(token).toString('utf8').split('\0');
  if (user === undefined || password === undefined || rest.length > 0 || user === '') return null;
  if (authorizationId !== '' && authorizationId !== user) return null;
  return Object.hasOwn(demand.users, user) && demand.users[user] === password ? user : null;
}

/** A raw token. @returns the raw answer, or null where the connection has to close */
export function saslToken(
  connection: BrokerConnection,
  demand: SaslDemand | null,
  token: Uint8Array,
): Buffer | null {
  const { sasl } = connection;
  const user = demand === null ? null : checkPlain(demand, token);
  if (sasl === null || user === null) return null;
  connection.principal = user;
  sasl.stage = 'done';
  sasl.expectsToken = false;
  return Buffer.alloc(0);
}
