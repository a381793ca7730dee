/**
 * Logging in by SASL: a connection and credentials enter, an authenticated connection leaves. PLAIN (RFC 4616) and SCRAM
 * (RFC 5802) with SHA-256 or SHA-512.
 */
import crypto from 'node:crypto';
import { saslHandshakeApi } from '../../../cluster/protocol/17-sasl-handshake.ts';
import { saslAuthenticateApi } from '../../../cluster/protocol/36-sasl-authenticate.ts';
import { check, KafkaError } from '../errors.ts';
import type { Connection } from './connection.ts';

export interface Sasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';
  readonly username: string;
  readonly password: string;
}

/** @throws BrokerError, such as SASL_AUTHENTICATION_FAILED */
export async function authenticate(connection: Connection, sasl: Sasl): Promise<void> {
  const { mechanism, username, password } = sasl;
  const { errorCode } = await connection.request(saslHandshakeApi, { mechanism });
  check(errorCode, `SASL ${mechanism}`);
  const exchange = async (text: string): Promise<string> => {
    const answer = await connection.request(saslAuthenticateApi, { authBytes: Buffer.from(text, 'utf8') });
    check(answer.errorCode, `SASL ${mechanism}`, answer.errorMessage);
    return Buffer.from(answer.authBytes).toString('utf8');
  };
  if (mechanism === 'PLAIN') await exchange(`\0${username}\0${password}`);
  else await scram(exchange, mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512', sasl);
}

const NONCE_BYTES = 24;

async function scram(
  exchange: (text: string) => Promise<string>,
  hash: 'sha256' | 'sha512',
  { username, password }: Sasl,
): Promise<void> {
  const hmac = (key: Uint8Array, text: string): Buffer => crypto.createHmac(hash, key).update(text).digest();
  const digest = (bytes: Uint8Array): Buffer => crypto.createHash(hash).update(bytes).digest();
  const name = username.replaceAll('=', '=3D').replaceAll(',', '=2C');
  const nonce = crypto.randomBytes(NONCE_BYTES).toString('base64');
  const clientFirst = `n=${name},r=${nonce}`;
  const serverFirst = await exchange(`n,,${clientFirst}`);
  const { r = '', s = '', i = '' } = attributes(serverFirst);
  if (!r.startsWith(nonce)) throw new KafkaError('SASL SCRAM: the server has changed the nonce');
  const bytes = hash === 'sha256' ? 32 : 64;
  const salted = crypto.pbkdf2Sync(password, Buffer.from(s, 'base64'), Number(i), bytes, hash);
  const clientKey = hmac(salted, 'Client Key');
  const withoutProof = `c=biws,r=${r}`;
  const message = `${clientFirst},${serverFirst},${withoutProof}`;
  const signature = hmac(digest(clientKey), message);
  const clientProof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
  const { v } = attributes(await exchange(`${withoutProof},p=${clientProof.toString('base64')}`));
  if (v !== hmac(hmac(salted, 'Server Key'), message).toString('base64'))
    throw new KafkaError('SASL SCRAM: the server does not know the password');
}

const attributes = (text: string): Partial<Record<string, string>> =>
  Object.fromEntries(text.split(',').map((part) => [part[0] ?? '', part.slice(2)]));
