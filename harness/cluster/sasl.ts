/**
 * SASL on one connection (KIP-43, KIP-84, KIP-152): handshakes and tokens enter, outcomes leave. Where the cluster
 * demands it, a connection may only ask for versions and log in until it has logged in. PLAIN and SCRAM.
 *
 * Not implemented: OAuth and Kerberos, re-authentication (KIP-368).
 */
import type { BrokerConnection } from './broker-connection.ts';
import { errorCode } from './protocol/errors.ts';
import { type ScramCredential, ScramExchange, type ScramMechanism, scramCredential } from './scram.ts';
import type { ClusterCore } from './simulated-cluster.ts';

export const saslMechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const;
export type SaslMechanism = (typeof saslMechanisms)[number];

export interface SaslDemand {
  /** Which of them a client may log in by. */
  readonly mechanisms: readonly SaslMechanism[];
  /** Passwords by user name. */
  readonly users: Readonly<Record<string, string>>;
}

export interface SaslSession {
  stage: 'handshake' | 'authenticate' | 'done';
  /** After a version 0 handshake tokens come raw, with nothing but their size. */
  expectsToken: boolean;
  mechanism: SaslMechanism;
  /** Between the client's first message and its proof. */
  scram: ScramExchange | null;
}

const HANDSHAKE = 17;
const API_VERSIONS = 18;
const AUTHENTICATE = 36;

export const newSaslSession = (demand: SaslDemand | null): SaslSession | null =>
  demand === null
    ? null
    : { stage: 'handshake', expectsToken: false, mechanism: demand.mechanisms[0] ?? 'PLAIN', scram: null };

/** Whether the session's stage allows this API. */
export function isSaslAllowed(session: SaslSession, apiKey: number): boolean {
  if (session.stage === 'done' || apiKey === API_VERSIONS) return true;
  return apiKey === (session.stage === 'handshake' ? HANDSHAKE : AUTHENTICATE);
}

export const ILLEGAL_SASL_STATE = errorCode('ILLEGAL_SASL_STATE');

/** A PLAIN token: authorization id, user and password, with a zero byte between. @returns the user, or null */
function checkPlain(demand: SaslDemand, token: Uint8Array): string | null {
  const [authorizationId, user, password, ...rest] = Buffer.from(token).toString('utf8').split('\0');
  if (user === undefined || password === undefined || rest.length > 0 || user === '') return null;
  if (authorizationId !== '' && authorizationId !== user) return null;
  return Object.hasOwn(demand.users, user) && demand.users[user] === password ? user : null;
}

/** Worked out once per user, since it takes thousands of hashes. */
const credentials = new WeakMap<SaslDemand, Map<string, ScramCredential>>();

function credentialOf(cluster: ClusterCore, mechanism: ScramMechanism, user: string): ScramCredential | null {
  const demand = cluster.sasl;
  if (demand === null || !Object.hasOwn(demand.users, user)) return null;
  let known = credentials.get(demand);
  if (known === undefined) {
    known = new Map();
    credentials.set(demand, known);
  }
  const key = `${mechanism} ${user}`;
  const credential =
    known.get(key) ?? scramCredential(mechanism, demand.users[user] ?? '', uuidBytes(cluster, 'scram-salt'));
  known.set(key, credential);
  return credential;
}

const uuidBytes = (cluster: ClusterCore, purpose: string): Buffer =>
  Buffer.from(cluster.environment.randomUuid(purpose).replaceAll('-', ''), 'hex');

/** A token of the mechanism that was agreed on. @returns the answer, or null where the client is refused */
export function acceptToken(
  connection: BrokerConnection,
  cluster: ClusterCore,
  token: Uint8Array,
): Buffer | null {
  const { sasl } = connection;
  if (sasl === null || cluster.sasl === null) return null;
  const { mechanism } = sasl;
  if (mechanism === 'PLAIN') {
    const user = checkPlain(cluster.sasl, token);
    return user === null ? null : loggedIn(connection, sasl, user, '');
  }
  const text = Buffer.from(token).toString('utf8');
  if (sasl.scram === null) {
    const nonce = uuidBytes(cluster, 'scram-nonce').toString('base64url');
    const exchange = new ScramExchange(mechanism, (user) => credentialOf(cluster, mechanism, user), nonce);
    const first = exchange.begin(text);
    if (first === null) return null;
    sasl.scram = exchange;
    return Buffer.from(first, 'utf8');
  }
  const final = sasl.scram.finish(text);
  return final === null ? null : loggedIn(connection, sasl, sasl.scram.user, final);
}

function loggedIn(connection: BrokerConnection, sasl: SaslSession, user: string, answer: string): Buffer {
  connection.principal = user;
  sasl.stage = 'done';
  sasl.expectsToken = false;
  sasl.scram = null;
  return Buffer.from(answer, 'utf8');
}
