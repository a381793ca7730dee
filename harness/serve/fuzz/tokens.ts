/**
 * SASL tokens of one connection: plans enter as they stand in a sequence, bytes leave; what a cluster answers enters, and
 * leaves without what it drew at random (its nonce, the salt), which the next token of the connection is made of.
 */
import { createHash, createHmac } from 'node:crypto';
import { saltedPassword } from './guard.ts';

/** Any bytes, so many of them, or the final message of SCRAM, which depends on what has been said before. */
export type TokenPlan =
  | { readonly text: string }
  | { readonly bytes: number }
  | {
      readonly final: {
        readonly hash: 'sha256' | 'sha512';
        readonly password: string;
        readonly binding?: string;
        /** What stands before the right nonce, or nothing but this where `isWrong`. */
        readonly nonce?: { readonly prefix: string; readonly isWrong: boolean };
        /** Between the nonce and the proof, such as `,x=y`. */
        readonly extensions?: string;
        readonly proof?: 'right' | 'short' | 'none';
      };
    };

const SERVER_FIRST = /^r=([^,]*),s=([^,]*),i=(\d+)$/;
/** What the proof is about of a client's first message. */
const CLIENT_FIRST = /^n,(?:a=[^,]*)?,(?:m=[^,]*,)?(n=.*)$/s;

export class Tokens {
  #clientFirst = '';
  #serverFirst = '';
  /** By which the server proves that it knows the password too. */
  #serverSignature = '';

  bytes(plan: TokenPlan): Buffer {
    if ('bytes' in plan) return Buffer.alloc(plan.bytes, 'x');
    if ('text' in plan) {
      const first = CLIENT_FIRST.exec(plan.text)?.[1];
      if (first !== undefined) this.#clientFirst = first;
      return Buffer.from(plan.text, 'utf8');
    }
    const { hash, password, binding = 'biws', nonce, extensions = '', proof = 'right' } = plan.final;
    const [, serverNonce = 'none', salt = ''] = SERVER_FIRST.exec(this.#serverFirst) ?? [];
    const said = `c=${binding},r=${nonce?.prefix ?? ''}${nonce?.isWrong === true ? '' : serverNonce}`;
    if (proof === 'none') return Buffer.from(said + extensions, 'utf8');
    const message = `${this.#clientFirst},${this.#serverFirst},${said}`;
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest();
    const salted = saltedPassword(password, Buffer.from(salt, 'base64'), hash);
    const clientKey = hmac(salted, 'Client Key');
    const signature = hmac(createHash(hash).update(clientKey).digest(), message);
    this.#serverSignature = hmac(hmac(salted, 'Server Key'), message).toString('base64');
    const bytes = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)));
    const text = (proof === 'short' ? bytes.subarray(0, 6) : bytes).toString('base64');
    return Buffer.from(`${said}${extensions},p=${text}`, 'utf8');
  }

  /** The answer in words that both arms have in common. */
  words(answer: Uint8Array): string {
    const text = Buffer.from(answer).toString('utf8');
    const first = SERVER_FIRST.exec(text);
    if (first !== null) {
      this.#serverFirst = text;
      const [, nonce = '', , iterations] = first;
      const own = /,r=([^,]*)/.exec(this.#clientFirst)?.[1] ?? '';
      const isLonger = nonce.startsWith(own) && nonce.length > own.length;
      return `${isLonger ? "the client's nonce and more" : nonce}, a salt, ${iterations} iterations`;
    }
    return text === `v=${this.#serverSignature}` ? 'the right proof' : text;
  }
}
