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

export const hashOf = (mechanism: ScramMechanism): 'sha256' | 'sha512' =>
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

// The grammar is Kafka's (ScramMessages), which is RFC 5802's without channel bindings.
const NAME = String.raw`(?:[\x01-\x2B\x2D-\x3C\x3E-\x7F]|=2C|=3D)+`;
const VALUE = String.raw`[\x01-\x2B\x2D-\x7F]+`;
const NONCE = String.raw`[\x21-\x2B\x2D-\x7E]+`;
const BASE64 = '(?:[a-zA-Z0-9/+]{4})*(?:[a-zA-Z0-9/+]{3}=|[a-zA-Z0-9/+]{2}==)?';
const EXTENSIONS = `(?:,[A-Za-z]+=${VALUE})*`;
/** A header that binds no channel, then `n=name,r=nonce`; a name may hold =2C and =3D for a comma and an equals sign. */
const CLIENT_FIRST = new RegExp(
  `^n,(?:a=(${NAME}))?,(?:m=${VALUE},)?(n=(${NAME}),r=(${NONCE})(${EXTENSIONS}))$`,
);
const CLIENT_FINAL = new RegExp(`^c=(${BASE64}),r=(${NONCE})${EXTENSIONS},p=(${BASE64})$`);
/** The extension by which a delegation token would come in place of a user. */
const BY_TOKEN = /,tokenauth=true(,|$)/i;

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
    const [, authorizationId = '', bare = '', name = '', nonce = '', extensions = ''] = match;
    const user = unescapeName(name);
    // As it was sent, with its signs still escaped: Kafka compares it so.
    if (authorizationId !== '' && authorizationId !== user) return null;
    if (BY_TOKEN.test(extensions)) return null;
    const credential = this.#credentialOf(user);
    if (credential === null) return null;
    this.#user = user;
    this.#credential = credential;
    this.#nonce = nonce + this.#serverNonce;
    const serverFirst = `r=${this.#nonce},s=${credential.salt.toString('base64')},i=${ITERATIONS}`;
    this.#messages = `${bare},${serverFirst}`;
    return serverFirst;
  }

  /**
   * The client's final message, with the proof that it knows the password.
   *
   * @returns the server's proof; false where Kafka does not expect the proof's length, and fails at it
   */
  finish(message: string): string | null | false {
    const match = CLIENT_FINAL.exec(message);
    const credential = this.#credential;
    if (match === null || credential === null) return null;
    const [, binding = '', nonce = '', proofText = ''] = match;
    if (nonce !== this.#nonce) return null;
    // Kafka does not look at the binding, and leaves extensions out of the proof.
    const hash = hashOf(this.#mechanism);
    const authMessage = `${this.#messages},c=${binding},r=${nonce}`;
    const signature = hmac(hash, credential.storedKey, authMessage);
    const proof = Buffer.from(proofText, 'base64');
    if (proof.length !== signature.length) return false;
    const clientKey = Buffer.from(proof.map((byte, at) => byte ^ (signature[at] ?? 0)));
    const storedKey = createHash(hash).update(clientKey).digest();
    if (!timingSafeEqual(storedKey, credential.storedKey)) return null;
    return `v=${hmac(hash, credential.serverKey, authMessage).toString('base64')}`;
  }
}
