/**
 * A process's own `crypto`: its parts enter, `node:crypto` and the global `crypto` leave, with the platform's
 * hashes, random bytes from the process's stream, and nothing that works in another thread.
 */
import * as platform from 'node:crypto';
import type { PartsOf } from './parts.ts';
import { refusing } from './refuse.ts';

type Answer<T> = (error: Error | null, value: T) => void;

/** Calls back as the platform does, later; what is thrown goes to the callback. */
const later = <T>(compute: () => T, callback: Answer<T>): void => {
  let value: T;
  try {
    value = compute();
  } catch (error) {
    process.nextTick(callback, error as Error);
    return;
  }
  process.nextTick(callback, null, value);
};

export function createCrypto(parts: PartsOf) {
  const bytes = (size: number): Buffer => {
    const filled = Buffer.alloc(size);
    parts().cryptoRandom.fill(filled);
    return filled;
  };
  const getRandomValues = <A extends NodeJS.TypedArray>(array: A): A => {
    parts().cryptoRandom.fill(new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
    return array;
  };
  const randomBytes = (size: number, callback?: Answer<Buffer>): Buffer | undefined => {
    if (callback === undefined) return bytes(size);
    later(() => bytes(size), callback);
    return undefined;
  };
  const randomInt = (
    first: number,
    second?: number | Answer<number>,
    callback?: Answer<number>,
  ): number | undefined => {
    const answer = typeof second === 'function' ? second : callback;
    const [min, max] = typeof second === 'number' ? [first, second] : [0, first];
    const draw = (): number => min + parts().cryptoRandom.int(max - min);
    if (answer === undefined) return draw();
    later(draw, answer);
    return undefined;
  };
  const randomFillSync = <A extends NodeJS.TypedArray>(array: A): A => getRandomValues(array);
  const randomFill = <A extends NodeJS.TypedArray>(array: A, ...rest: (Answer<A> | number)[]): void => {
    const callback = rest.at(-1);
    if (typeof callback === 'function') later(() => getRandomValues(array), callback);
  };
  const randomUUID = (): string => parts().cryptoRandom.uuid();
  type Pbkdf2 = Parameters<typeof platform.pbkdf2Sync>;
  const pbkdf2 = (...values: [...Pbkdf2, Answer<Buffer>]): void => {
    const callback = values.pop() as Answer<Buffer>;
    later(() => platform.pbkdf2Sync(...(values as unknown as Pbkdf2)), callback);
  };
  const webcrypto = refusing('crypto', { getRandomValues, randomUUID }, platform.webcrypto);
  const { createHash, createHmac, createCipheriv, createDecipheriv, timingSafeEqual } = platform;
  const { getHashes, getCiphers, pbkdf2Sync, constants } = platform;
  const module = refusing(
    'node:crypto',
    {
      createHash,
      createHmac,
      createCipheriv,
      createDecipheriv,
      timingSafeEqual,
      getHashes,
      getCiphers,
      pbkdf2Sync,
      pbkdf2,
      constants,
      randomBytes,
      pseudoRandomBytes: randomBytes,
      randomInt,
      randomFill,
      randomFillSync,
      randomUUID,
      getRandomValues,
      webcrypto,
      // Node 20.12 and later; undefined before, where a client has to look before it calls.
      hash: platform.hash,
    },
    platform,
  );
  return { module, webcrypto };
}
