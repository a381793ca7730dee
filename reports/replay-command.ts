/** The commands that repeat a finding: a result and one of its anomalies enter, lines for a shell leave. */
import type { ResultAnomaly, RunResult } from './results.ts';

/** How often a replay on real Kafka repeats the schedule, since one repetition proves little there. */
const TIMES_ON_REAL_KAFKA = 10;

/** One for each world. */
export interface ReplayCommands {
  readonly simulated: string;
  readonly kafka: string;
}

type Subject = Pick<RunResult, 'mutant' | 'options'>;
type Kept = Pick<ResultAnomaly, 'scenarioFile'>;

/** Null where the scenario was not kept. */
export function replayCommands({ mutant, options }: Subject, { scenarioFile }: Kept): ReplayCommands | null {
  if (scenarioFile === null) return null;
  const replay = ['kafka-trial', 'replay', scenarioFile];
  const subject = [
    ...(typeof options.client === 'string' ? ['--client', options.client] : []),
    ...(mutant === null ? [] : ['--mutant', mutant]),
    ...(Array.isArray(options.application) ? options.application.map(String) : []),
  ];
  const line = (...words: string[]): string => [...replay, ...words, ...subject].map(quoteForShell).join(' ');
  return { simulated: line(), kafka: line('--world', 'kafka', '--times', String(TIMES_ON_REAL_KAFKA)) };
}

/** The one for the world in which it happened; null where the scenario was not kept. */
export function replayCommand(result: Subject & Pick<RunResult, 'world'>, anomaly: Kept): string | null {
  return replayCommands(result, anomaly)?.[result.world] ?? null;
}

/** Indices from here on are of scenarios that were given, and run before the generated ones. */
export const REGRESSIONS_FROM = 1_000_000;

/** `7:3:calm`, from which `replay` makes the scenario again on any machine; null where it was not generated. */
export function planPath(
  { command, seed, options }: Pick<RunResult, 'command' | 'seed' | 'options'>,
  index: number,
): string | null {
  if (command !== 'run' || seed === null || index >= REGRESSIONS_FROM) return null;
  const { profile } = options;
  return `${seed}:${index}${typeof profile === 'string' && profile !== 'default' ? `:${profile}` : ''}`;
}

/** Safe to paste into a POSIX shell. */
export const quoteForShell = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
