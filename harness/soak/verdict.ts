/** What a soak comes to: its result and the mutants' enter, what is wrong and an exit code leave. */
import { goals } from '../../properties/goals/index.ts';
import { type ExitCode, exitCodes } from '../errors.ts';
import type { MutantsResult } from '../mutants/result.ts';
import { isEnough } from '../mutants/table.ts';
import type { SoakFinding, SoakResult } from './soak.ts';

/** So many scenarios have to reach every goal that is not rare. */
export const SCENARIOS_FOR_GOALS = 20_000;

/** Goals that nothing reached, those that may be missed left out. */
export const missedGoals = ({ goals: reached }: Pick<SoakResult, 'goals'>): string[] =>
  goals.filter(({ name, isRare }) => !isRare && (reached.get(name) ?? 0) === 0).map(({ name }) => name);

/** Findings that are the harness's own mistakes: the control keeps all promises. */
export const mistakes = ({ findings }: Pick<SoakResult, 'findings'>): SoakFinding[] =>
  findings.filter(({ client, policy }) => client === 'reference' && policy === 'illegal');

/** @param mutants null where none were asked for */
export function exitCodeOfSoak(result: SoakResult, mutants: MutantsResult | null = null): ExitCode {
  if (mistakes(result).length > 0) return exitCodes.invalid;
  if (result.scenarios >= SCENARIOS_FOR_GOALS && missedGoals(result).length > 0) return exitCodes.invalid;
  if (mutants !== null && !isEnough(mutants)) return exitCodes.invalid;
  if (result.scenarios === 0 || result.parts.some(({ unknown }) => unknown > 0)) return exitCodes.unknown;
  return exitCodes.valid;
}
