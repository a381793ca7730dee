/** What a run's parts share: a run that waits for much at once is nobody's leak. */
import { expect, it } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { abortedBy, createRunContext, waitMs } from './run-context.ts';

it('waits for as much at once as there are actions, without a warning of Node', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): number => warnings.push(warning);
  process.on('warning', onWarning);
  const ends: (() => void)[] = [];
  const context = createRunContext({
    clock: {
      now: () => 0,
      after: (_delayMs, callback) => {
        ends.push(callback);
        return () => {};
      },
    },
    recorder: { record: () => {} },
    scenario: generateScenario(1, 0),
    subject: { client: 'reference', mutant: null },
    names: { real: (name) => name, toLogical: (name) => name },
    timeOriginEpochMs: 0,
    incomplete: () => {},
    signal: new AbortController().signal,
  });
  const part = abortedBy(context, AbortSignal.any([context.signal]));
  const waits = [context, part].flatMap((one) => Array.from({ length: 20 }, () => waitMs(one, 1_000)));
  for (const end of ends) end();
  await Promise.all(waits);
  await new Promise(setImmediate);
  process.off('warning', onWarning);
  expect(warnings).toEqual([]);
});
