/**
 * What the commands that work on this repository itself have in common (`npm run agreement`, `npm run soak`):
 * options and a `main` enter, values and an exit code leave; bad input is one sentence and exit code 2.
 */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { listenForInterruption } from './cli/interrupt.ts';
import { exitCodes, HarnessError, messageOf, UsageError } from './errors.ts';

type Options = NonNullable<ParseArgsConfig['options']>;

/** The values of the options on the command line; where they cannot be read, or are asked for, the process ends. */
export function readOptions<const T extends Options>(
  options: T,
): ReturnType<typeof parseArgs<{ options: T }>>['values'] {
  const names = Object.keys(options).map((name) => `--${name}`);
  if (process.argv.includes('--help')) {
    console.log(`Options: ${names.join(', ')}`);
    process.exit(exitCodes.valid);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`${messageOf(error)}. Options: ${names.join(', ')}`);
    process.exit(exitCodes.usage);
  }
}

/** For a command that reads its options with commander, which has 1 for bad ones. */
export const endWith = ({ exitCode }: { readonly exitCode: number }): never =>
  process.exit(exitCode === 0 ? exitCodes.valid : exitCodes.usage);

/** @throws UsageError */
export function wholeNumber(name: string, text: string, max = Number.MAX_SAFE_INTEGER): number {
  if (!/^\d+$/.test(text) || Number(text) > max)
    throw new UsageError(
      `--${name} takes a whole number${max === Number.MAX_SAFE_INTEGER ? '' : ` up to ${max}`}, not '${text.slice(0, 40)}'.`,
    );
  return Number(text);
}

/** Runs it until it ends, or is interrupted, and sets the exit code of the process. */
export async function runTool(main: (signal: AbortSignal) => Promise<number>): Promise<void> {
  using interruption = listenForInterruption((sentence) => console.error(sentence));
  const { signal } = interruption;
  process.exitCode = await main(signal).catch((error: unknown) => {
    if (signal.aborted) return exitCodes.unknown;
    if (!(error instanceof HarnessError)) throw error;
    console.error([error.message, error.hint].filter((line) => line !== undefined).join('\n'));
    return error.exitCode;
  });
}
