/**
 * The server's side of SCRAM (RFC 5802) with SHA-256 or SHA-512, as Kafka does it: a user's password and a client's
 * messages enter, the server's messages leave, or null where the client does not know the password.
 *
 * Not implemented: delegation tokens, channel binding.
 */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from 'node:crypto';

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

/** Kafka's least. */
const ITERATIONS = 4_096;

/** What is stored of a user in place of the password. */
export interface ScramCredential {
  readonly salt: Buffer;
  readonly storedKey: Buffer;
  readonly serverKey: Buffer;
}

const hashOf = (mechanism: ScramMechanism): 'sha256' | 'sha512' =>
  mechanism === 'SCRAM-SHA-256' ? 'sha256' : 'sha512';

const hmac = (hash: string, key: Uint8Array, text: string): Buffer =>
  createHmac(hash, key).update(text).digest();

export function scramCredential(mechanism: ScramMechanism, password: string, salt: Buffer): ScramCredential {
  const hash = hashOf(mechanism);
  const salted = pbkdf2Sync(password, salt, ITERATIONS, hash === 'sha256' ? 32 : 64, hash);
  const storedKey = createHash(hash)
    .update(hmac(hash, salted, 'Client Key'))
    .digest();
  return { salt, storedKey, serverKey: hmac(hash, salted, 'Server Key') };
}

/** `n=name,r=nonce` with a header that binds no channel; a name may hold =2C and =3D for a comma and an equals sign. */
const CLIENT_FIRST = /^n,(?:a=([^,]*))?,(n=([^,]*),r=([\x21-\x2B\x2D-\x7E]+)(?:,.*)?)$/s;
const CLIENT_FINAL = /^(c=([^,]*),r=([^,]*)(?:,[^p][^,]*)*),p=([^,]*)$/s;

const unescapeName = (name: string): string => name.replaceAll('=2C', ',').replaceAll('=3D', '=');

export class ScramExchange {
  readonly #mechanism: ScramMechanism;
  readonly #credentialOf: (user: string) => ScramCredential | null;
  readonly #serverNonce: string;
  #user = '';
  #nonce = '';
  /** The two first messages, which the proof is about. */
  #messages = '';
  #credential: ScramCredential | null = null;

  /** @param serverNonce new for every exchange, of printable characters other than a comma */
  constructor(
    mechanism: ScramMechanism,
    credentialOf: (user: string) => ScramCredential | null,
    serverNonce: string,
  ) {
    this.#mechanism = mechanism;
    this.#credentialOf = credentialOf;
    this.#serverNonce = serverNonce;
  }

  get user(): string {
    return this.#user;
  }

  /** The client's first message. @returns the server's first */
  begin(message: string): string | null {
    const match = CLIENT_FIRST.exec(message);
    if (match === null) return null;
    const [, authorizationId = '', bare = '', name = '', nonce = ''] = match;
    const user = unescapeName(name);
    if (authorizationId !== '' && unescapeName(authorizationId) !== user) return null;
    const credential = this.#credentialOf(user);
    if (credential === null) return null;
    this.#user = user;
    this.#credential = credential;
    this.#nonce = nonce + this.#serverNonce;
    const serverFirst = `r=${this.#nonce},s=${credential.salt.toString('base64')},i=${ITERATIONS}`;
    this.#messages = `${bare},${serverFirst}`;
    return serverFirst;
  }

  /** The client's final message, with the proof that it knows the password. @returns the server's proof */
  finish(message: string): string | null {
    const match = CLIENT_FINAL.exec(message);
    const credential = this.#credential;
    if (match === null || credential === null) return null;
    const [, withoutProof = '', binding = '', nonce = '', proofText = ''] = match;
    if (nonce !== this.#nonce || !Buffer.from(binding, 'base64').toString('utf8').startsWith('n,'))
      return null;
    const hash = hashOf(this.#mechanism);
    const authMessage = `${this.#messages},${withoutProof}`;
    const signature = hmac(hash, credential.storedKey, authMessage);
    const proof = Buffer.from(proofText, 'base64');
    if (proof.length !== signature.length) return null;
    const clientKey = Buffer.from(proof.map((byte, at) => byte ^ (signature[at] ?? 0)));
    const storedKey = createHash(hash).update(clientKey).digest();
    if (!timingSafeEqual(storedKey, credential.storedKey)) return null;
    return `v=${hmac(hash, credential.serverKey, authMessage).toString('base64')}`;
  }
}
