/** The commands that repeat a finding: a result and one of its anomalies enter, lines for a shell leave. */
import type { ResultAnomaly, RunResult } from './results.ts';

/** How often a replay on real Kafka repeats the schedule, since one repetition proves little there. */
const TIMES_ON_REAL_KAFKA = 10;

/** One for each world. */
export interface ReplayCommands {
  readonly simulated: string;
  /** Null where real Kafka cannot do what the scenario asks for. */
  readonly kafka: string | null;
  /** Then why. */
  readonly whyNotKafka: readonly string[];
}

type Subject = Pick<RunResult, 'mutant' | 'options'>;
type Kept = Pick<ResultAnomaly, 'scenarioFile'>;

/**
 * Null where the scenario was not kept.
 * @param whyNotKafka why it can be run in the simulated world alone
 */
export function replayCommands(
  { mutant, options }: Subject,
  { scenarioFile }: Kept,
  whyNotKafka: readonly string[] = [],
): ReplayCommands | null {
  if (scenarioFile === null) return null;
  const replay = ['kafka-trial', 'replay', scenarioFile];
  const subject = [
    ...(typeof options.client === 'string' ? ['--client', options.client] : []),
    ...(mutant === null ? [] : ['--mutant', mutant]),
    ...(Array.isArray(options.application) ? options.application.map(String) : []),
  ];
  const line = (...words: string[]): string => [...replay, ...words, ...subject].map(quoteForShell).join(' ');
  const kafka = line('--world', 'kafka', '--times', String(TIMES_ON_REAL_KAFKA));
  return { simulated: line(), kafka: whyNotKafka.length === 0 ? kafka : null, whyNotKafka };
}

/** Those of a finding's example, as the result has it. */
export const commandsOf = (
  result: Subject & Pick<RunResult, 'results'>,
  example: ResultAnomaly,
): ReplayCommands | null =>
  replayCommands(
    result,
    example,
    result.results.find(({ index }) => index === example.scenarioIndex)?.simulatedOnly,
  );

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
