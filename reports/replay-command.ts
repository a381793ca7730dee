/** The command that repeats a finding: a result and one of its anomalies enter, a line for a shell leaves. */
import type { ResultAnomaly, RunResult } from './results.ts';

/** How often a replay on real Kafka repeats the schedule, since one repetition proves little there. */
const TIMES_ON_REAL_KAFKA = 10;

/** Null where the scenario was not kept. */
export function replayCommand(
  result: Pick<RunResult, 'world' | 'mutant'> & Partial<Pick<RunResult, 'options'>>,
  anomaly: Pick<ResultAnomaly, 'scenarioFile'>,
): string | null {
  if (anomaly.scenarioFile === null) return null;
  const words = ['kafka-trial', 'replay', anomaly.scenarioFile];
  if (result.world === 'kafka') words.push('--world', 'kafka', '--times', String(TIMES_ON_REAL_KAFKA));
  if (result.mutant !== null) words.push('--mutant', result.mutant);
  const application = result.options?.application;
  if (Array.isArray(application)) words.push(...application.map(String));
  return words.map(quoteForShell).join(' ');
}

/** Safe to paste into a POSIX shell. */
export const quoteForShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
