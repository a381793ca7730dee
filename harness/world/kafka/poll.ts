/** Waiting with a bound: a question and a time limit enter, the first answer leaves. */
import { setTimeout as pause } from 'node:timers/promises';

export interface PollOptions {
  /** What is awaited, to complete the sentence "… did not happen within 5 s". */
  readonly what: string;
  readonly timeoutMs: number;
  readonly intervalMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/** The bound of a wait passed; `cause` is the last error that the question ended in, if any. */
export class PollTimeoutError extends Error {
  override name = 'PollTimeoutError';
}

/**
 * Asks until the answer is neither undefined nor false. A question that throws is asked again, since what is awaited
 * (a broker, a daemon) commonly refuses to talk until it is there.
 * @throws PollTimeoutError after `timeoutMs`; the signal's reason when it aborts
 */
export async function pollUntil<Answer>(
  question: () => Promise<Answer | undefined | false>,
  options: PollOptions,
): Promise<Answer> {
  const { what, timeoutMs, intervalMs = 50, signal } = options;
  const deadlineMs = performance.now() + timeoutMs;
  let cause: unknown;
  for (;;) {
    signal?.throwIfAborted();
    try {
      const answer = await question();
      if (answer !== undefined && answer !== false) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() >= deadlineMs) {
      const seconds = Math.round(timeoutMs / 100) / 10;
      throw new PollTimeoutError(`${what} did not happen within ${seconds} s`, { cause });
    }
    // The signal's own reason, not the timer's, is what the caller is to see.
    await pause(intervalMs, undefined, signal ? { signal } : {}).catch(() => signal?.throwIfAborted());
  }
}
