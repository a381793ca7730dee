/**
 * SASL on one connection (KIP-43, KIP-84, KIP-152, KIP-368): handshakes and tokens enter, outcomes leave. Where the
 * cluster demands it, a connection may only ask for versions once and log in until it has logged in. PLAIN and SCRAM.
 *
 * Not implemented: OAuth and Kerberos, delegation tokens.
 */
import type { Broker } from './broker.ts';
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
  /** `connections.max.reauth.ms` by mechanism, which Kafka has behind a listener's prefix; 0 for no end of a session. */
  readonly maxReauthMs?: Readonly<Partial<Record<SaslMechanism, number | undefined>>> | undefined;
}

export interface SaslSession {
  /**
   * What may come: a question for versions or a handshake, a handshake, a SaslAuthenticate request, a token with nothing
   * but its size (after a handshake of version 0), or anything. After a handshake that was answered and yet refused, nothing.
   */
  stage: 'versions' | 'handshake' | 'authenticate' | 'token' | 'done' | 'refused';
  mechanism: SaslMechanism;
  /** Between the client's first message and its proof. */
  scram: ScramExchange | null;
  /** Who logs in again, by what; null the first time. */
  previous: { readonly user: string; readonly mechanism: SaslMechanism } | null;
  /** When the session ends; null where it does not. */
  expiresMs: number | null;
  /** When the client last began to log in again. */
  reauthenticatedMs: number | null;
}

const HANDSHAKE = 17;
const API_VERSIONS = 18;
const AUTHENTICATE = 36;

/** `connection.failed.authentication.delay.ms`. */
export const FAILURE_DELAY_MS = 100;
/** `sasl.server.max.receive.size`: what is larger closes a connection that has not logged in. */
export const SASL_RECEIVE_BYTES_MAX = 524_288;
/** Kafka refuses to log a client in again more often. */
const REAUTHENTICATION_INTERVAL_MS = 1_000;

export const newSaslSession = (demand: SaslDemand | null): SaslSession | null =>
  demand === null
    ? null
    : {
        stage: 'versions',
        mechanism: demand.mechanisms[0] ?? 'PLAIN',
        scram: null,
        previous: null,
        expiresMs: null,
        reauthenticatedMs: null,
      };

/** What becomes of a request: it is handled, answered with ILLEGAL_SASL_STATE and refused, refused, or the end at once. */
export type Admission = 'handled' | 'answered' | 'refused' | 'closed';

/** A handshake in time begins to log in again. */
export function admit(session: SaslSession, apiKey: number, user: string, nowMs: number): Admission {
  switch (session.stage) {
    case 'versions':
      return apiKey === API_VERSIONS || apiKey === HANDSHAKE ? 'handled' : 'refused';
    case 'handshake':
      // Kafka does not expect the second question, and fails at it.
      return apiKey === HANDSHAKE ? 'handled' : apiKey === API_VERSIONS ? 'closed' : 'refused';
    case 'authenticate':
      return apiKey === AUTHENTICATE ? 'handled' : 'answered';
    case 'done':
      break;
    default:
      return 'refused';
  }
  const { expiresMs, reauthenticatedMs } = session;
  if (expiresMs === null) return 'handled';
  const isEarly = reauthenticatedMs !== null && nowMs - reauthenticatedMs < REAUTHENTICATION_INTERVAL_MS;
  if (apiKey !== HANDSHAKE || isEarly) return nowMs > expiresMs ? 'closed' : 'handled';
  session.stage = 'handshake';
  session.previous = { user, mechanism: session.mechanism };
  session.reauthenticatedMs = nowMs;
  return 'handled';
}

export const ILLEGAL_SASL_STATE = errorCode('ILLEGAL_SASL_STATE');

/** A PLAIN token: authorization id, user and password, with a zero byte between. @returns the user, or null */
function checkPlain(demand: SaslDemand, token: Uint8Array): string | null {
  const [authorizationId, user, password, ...rest] = Buffer.from(token).toString('utf8').split('\0');
  if (user === undefined || password === undefined || rest.length > 0) return null;
  if (user === '' || password === '' || (authorizationId !== '' && authorizationId !== user)) return null;
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

export interface TokenAnswer {
  readonly bytes: Buffer;
  /** How long the session lasts; 0 for no end, or where the login goes on. */
  readonly lifetimeMs: number;
}

/**
 * A token of the mechanism that was agreed on.
 *
 * @returns the answer, null where the client is refused, and `close` where the connection ends at once
 */
export function acceptToken(
  connection: BrokerConnection,
  broker: Broker,
  token: Uint8Array,
): TokenAnswer | null | 'close' {
  const { sasl } = connection;
  const { cluster } = broker;
  if (sasl === null || cluster.sasl === null) return null;
  const { mechanism } = sasl;
  if (mechanism === 'PLAIN') {
    const user = checkPlain(cluster.sasl, token);
    return user === null ? null : loggedIn(connection, broker, user, '');
  }
  const text = Buffer.from(token).toString('utf8');
  if (sasl.scram === null) {
    const nonce = uuidBytes(cluster, 'scram-nonce').toString('base64url');
    const exchange = new ScramExchange(mechanism, (user) => credentialOf(cluster, mechanism, user), nonce);
    const first = exchange.begin(text);
    if (first === null) return null;
    sasl.scram = exchange;
    return { bytes: Buffer.from(first, 'utf8'), lifetimeMs: 0 };
  }
  const final = sasl.scram.finish(text);
  if (final === false) return 'close';
  return final === null ? null : loggedIn(connection, broker, sasl.scram.user, final);
}

function loggedIn(
  connection: BrokerConnection,
  broker: Broker,
  user: string,
  answer: string,
): TokenAnswer | null {
  const sasl = connection.sasl as SaslSession;
  if (sasl.previous !== null && sasl.previous.user !== user) return null;
  const { cluster } = broker;
  const lifetimeMs = cluster.sasl?.maxReauthMs?.[sasl.mechanism] ?? cluster.settings.connectionsMaxReauthMs;
  connection.principal = user;
  sasl.stage = 'done';
  sasl.scram = null;
  sasl.expiresMs = lifetimeMs > 0 ? broker.nowMs() + lifetimeMs : null;
  return { bytes: Buffer.from(answer, 'utf8'), lifetimeMs };
}
