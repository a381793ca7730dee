/** What the commands that compare worlds or clients have in common: options and `main` enter, an exit code leaves. */
import { listenForInterruption } from '../cli/interrupt.ts';
import { exitCodes, HarnessError, UsageError } from '../errors.ts';

/** @throws UsageError */
export function wholeNumber(name: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`--${name} takes a whole number, not '${text}'.`);
  return Number(text);
}

/** Runs it until it ends, or is interrupted, and sets the exit code of the process. */
export async function runCommand(main: (signal: AbortSignal) => Promise<number>): Promise<void> {
  using interruption = listenForInterruption((sentence) => console.error(sentence));
  const { signal } = interruption;
  process.exitCode = await main(signal).catch((error: unknown) => {
    if (signal.aborted) return exitCodes.unknown;
    if (!(error instanceof HarnessError)) throw error;
    console.error(error.message);
    return error.exitCode;
  });
}
