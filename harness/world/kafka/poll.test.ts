/** Waiting with a bound: scripted questions enter, answers, time-outs and aborts are checked. */
import { expect, test } from 'vitest';
import { PollTimeoutError, pollUntil } from './poll.ts';

test('asks until there is an answer, through refusals and errors', async () => {
  const answers = [undefined, false, new Error('not yet'), 'there'];
  const asked: unknown[] = [];
  const answer = await pollUntil<string>(
    async () => {
      const next = answers.shift();
      asked.push(next);
      if (next instanceof Error) throw next;
      return next as string | undefined | false;
    },
    { what: 'it', timeoutMs: 5_000, intervalMs: 1 },
  );
  expect(answer).toBe('there');
  expect(asked).toHaveLength(4);
});

test('gives up at the bound, with the last error as the cause', async () => {
  const refusal = new Error('refused');
  const waiting = pollUntil(() => Promise.reject(refusal), {
    what: 'The start',
    timeoutMs: 30,
    intervalMs: 5,
  });
  await expect(waiting).rejects.toThrow(new PollTimeoutError('The start did not happen within 0 s'));
  await expect(waiting).rejects.toHaveProperty('cause', refusal);
});

test('an abort ends the wait at once, with its own reason', async () => {
  const abort = new AbortController();
  const reason = new Error('enough');
  setTimeout(() => abort.abort(reason), 10);
  const startedMs = performance.now();
  const options = { what: 'it', timeoutMs: 20_000, intervalMs: 10_000, signal: abort.signal };
  await expect(pollUntil(async () => false, options)).rejects.toBe(reason);
  expect(performance.now() - startedMs).toBeLessThan(5_000);
});
