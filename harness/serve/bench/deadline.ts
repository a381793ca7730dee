/** A wait that ends: a promise and a time limit enter, its outcome or an error that says what was waited for leaves. */
import { WorldUnavailableError } from '../../errors.ts';

export async function within<T>(limitMs: number, what: string, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new WorldUnavailableError(`${what} took more than ${limitMs / 1_000} s.`)),
      limitMs,
    );
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
