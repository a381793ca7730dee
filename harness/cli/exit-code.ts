/** How a command ends: its result enters, the exit code leaves. */
import { outcomeOf, type RunResult } from '../../reports/results.ts';
import { type ExitCode, exitCodes } from '../errors.ts';

/** A command that was interrupted before it found anything has no verdict. */
export function exitCodeOf(result: RunResult): ExitCode {
  const outcome = outcomeOf(result);
  return outcome === 'valid' && result.interrupted ? exitCodes.unknown : exitCodes[outcome];
}

/** Each command is given a way to say how it ended, since commander's actions return nothing. */
export type Ended = (code: ExitCode) => void;
