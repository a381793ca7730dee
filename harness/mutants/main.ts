/**
 * `npm run mutants`: every mutant is put on trial with generated scenarios until a property catches it; the table, or with
 * --json the value, leaves on standard output. Exit code 1 where one is not caught, or too many are caught late.
 */
import { findMutant, type Mutant, mutants } from '../client/mutants.ts';
import { exitCodes, UsageError } from '../errors.ts';
import { readOptions, runTool, wholeNumber } from '../tool.ts';
import { huntAll } from './hunt-all.ts';
import type { MutantsResult } from './result.ts';
import { isEnough, killSentence, renderMutants } from './table.ts';

const RUNS_MAX = 2_000;

function select(name: string | undefined): readonly Mutant[] {
  if (name === undefined) return mutants;
  const mutant = findMutant(name);
  if (mutant === undefined)
    throw new UsageError(
      `There is no mutant '${name}'; there are ${mutants.map(({ id }) => id).join(', ')}.`,
    );
  return [mutant];
}

async function main(signal: AbortSignal): Promise<number> {
  const values = readOptions({
    runs: { type: 'string', default: String(RUNS_MAX) },
    seed: { type: 'string', default: '1' },
    mutant: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const [runs, seed] = [wholeNumber('runs', values.runs), wholeNumber('seed', values.seed)];
  if (runs < 1) throw new UsageError('--runs takes at least 1.');
  const { kills } = await huntAll({
    mutants: select(values.mutant),
    seed,
    runs,
    timeMs: null,
    onKill: (kill) => console.error(killSentence(kill)),
    signal,
  });
  const result: MutantsResult = { schema: 1, seed, runs, kills: [...kills] };
  process.stdout.write(values.json ? `${JSON.stringify(result, null, 2)}\n` : renderMutants(result));
  if (signal.aborted) return exitCodes.unknown;
  return isEnough(result) ? exitCodes.valid : exitCodes.invalid;
}

await runTool(main);
