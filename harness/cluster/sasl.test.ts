/** Logging in, and in again, at virtual time: what a connection may ask before, in between and after, and when it ends. */
import { beforeEach, describe, expect, test } from 'vitest';
import { kafka43 } from './profiles.ts';
import { metadataApi } from './protocol/03-metadata.ts';
import { saslHandshakeApi } from './protocol/17-sasl-handshake.ts';
import { apiVersionsApi } from './protocol/18-api-versions.ts';
import { saslAuthenticateApi } from './protocol/36-sasl-authenticate.ts';
import { errorName } from './protocol/errors.ts';
import { createSimulatedCluster, type SimulatedCluster } from './simulated-cluster.ts';
import { TestClient } from './testing/test-client.ts';
import { VirtualTime } from './testing/virtual-time.ts';

const SESSION_MS = 5_000;
let world: VirtualTime;
let cluster: SimulatedCluster;

beforeEach(() => {
  world = new VirtualTime();
  cluster = createSimulatedCluster({
    brokerCount: 1,
    profile: kafka43,
    environment: world,
    settings: { connectionsMaxReauthMs: SESSION_MS },
    sasl: {
      mechanisms: ['PLAIN', 'SCRAM-SHA-256'],
      users: { ada: 'secret', grace: 'hopper', none: '' },
      maxReauthMs: { 'SCRAM-SHA-256': 0 },
    },
  });
});

class LoginClient extends TestClient {
  constructor() {
    super(cluster, 1);
  }

  handshake(mechanism = 'PLAIN'): string | null {
    const place = this.ask(saslHandshakeApi, 1, { mechanism });
    world.run(200);
    return place.answer === null ? null : errorName(place.answer.errorCode);
  }

  token(text: string): { error: string; lifetimeMs: number } | null {
    const place = this.ask(saslAuthenticateApi, 2, { authBytes: Buffer.from(text) });
    world.run(200);
    if (place.answer === null) return null;
    const { errorCode, sessionLifetimeMs } = place.answer;
    return { error: errorName(errorCode), lifetimeMs: Number(sessionLifetimeMs) };
  }

  login(user = 'ada', password = 'secret'): string | undefined {
    this.handshake();
    return this.token(`\0${user}\0${password}`)?.error;
  }

  /** The error of the first broker's topics, or null where there is no answer. */
  metadata(): string | null {
    const place = this.ask(metadataApi, 1, { topics: [{ name: 'orders' }] });
    world.run(200);
    const error = place.answer?.topics[0]?.errorCode;
    return error === undefined ? null : errorName(error);
  }

  versions(): boolean {
    return this.ask(apiVersionsApi, 0, {}).answer !== null;
  }
}

describe('before the login', () => {
  test('nothing goes but one question for versions, and the connection ends after a delay', () => {
    const early = new LoginClient();
    const place = early.ask(metadataApi, 1, { topics: null });
    world.run(50);
    expect(early.closed).toBe('open');
    world.run(100);
    expect([place.answer, early.closed]).toEqual([null, 'ended']);
    const curious = new LoginClient();
    expect([curious.versions(), curious.versions(), curious.closed]).toEqual([true, false, 'ended']);
  });

  test('a mechanism that is not offered ends the connection', () => {
    const client = new LoginClient();
    expect([client.handshake('SCRAM-SHA-512'), client.closed]).toEqual([
      'UNSUPPORTED_SASL_MECHANISM',
      'ended',
    ]);
  });

  test.each([
    ['a wrong password', '\0ada\0guess'],
    ['no password, though the user has none', '\0none\0'],
    ['a name that all objects have', '\0toString\0secret'],
    ['another authorization id', 'grace\0ada\0secret'],
  ])('%s is refused, and the connection ends', (_what, token) => {
    const client = new LoginClient();
    client.handshake();
    expect(client.token(token)?.error).toBe('SASL_AUTHENTICATION_FAILED');
    expect(client.closed).toBe('ended');
  });

  test('a question in the middle of a login has an error for an answer, and the connection ends', () => {
    const client = new LoginClient();
    client.handshake();
    expect([client.metadata(), client.closed]).toEqual(['ILLEGAL_SASL_STATE', 'ended']);
  });

  test('a frame that is too large for a login ends the connection, and not one after it', () => {
    const large = (client: LoginClient): string => {
      client.connection.receive(Buffer.from('00080001', 'hex'));
      return client.closed;
    };
    expect(large(new LoginClient())).toBe('ended');
    const known = new LoginClient();
    expect([known.login(), large(known)]).toEqual(['NONE', 'open']);
  });
});

describe('a session that ends', () => {
  test('lasts as long as the client was told, and then its connection is closed', () => {
    const client = new LoginClient();
    client.handshake();
    expect(client.token('\0ada\0secret')).toEqual({ error: 'NONE', lifetimeMs: SESSION_MS });
    expect(client.metadata()).toBe('UNKNOWN_TOPIC_OR_PARTITION');
    world.run(SESSION_MS);
    expect([client.metadata(), client.closed]).toEqual([null, 'ended']);
  });

  test('is renewed by the same user, even when it is over, and by nobody else', () => {
    const client = new LoginClient();
    client.login();
    world.run(SESSION_MS + 1);
    expect([client.login(), client.metadata()]).toEqual(['NONE', 'UNKNOWN_TOPIC_OR_PARTITION']);
    world.run(1_000);
    expect([client.login('grace', 'hopper'), client.closed]).toEqual(['SASL_AUTHENTICATION_FAILED', 'ended']);
  });

  test('is not renewed twice within a second, which leaves it as it is', () => {
    const client = new LoginClient();
    client.login();
    client.login();
    expect([client.handshake(), client.metadata()]).toEqual([
      'ILLEGAL_SASL_STATE',
      'UNKNOWN_TOPIC_OR_PARTITION',
    ]);
  });

  test('is not renewed by another mechanism', () => {
    const client = new LoginClient();
    client.login();
    expect([client.handshake('SCRAM-SHA-256'), client.token('n,,n=ada,r=abc')]).toEqual(['NONE', null]);
    expect(client.closed).toBe('ended');
    const other = new LoginClient();
    other.login();
    expect([other.handshake('nonsense'), other.closed]).toEqual([null, 'ended']);
  });
});
