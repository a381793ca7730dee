/** The errors that end a command: each carries one clear sentence, a hint and the exit code; nothing else leaves. */

/** The exit codes of the command line, the same for every command. */
export const exitCodes = { valid: 0, invalid: 1, usage: 2, unknown: 3 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export class HarnessError extends Error {
  override name = 'HarnessError';
  readonly exitCode: ExitCode;
  /** What the person can do about it, or undefined where the message says so. */
  readonly hint: string | undefined;
  constructor(message: string, options: { exitCode: ExitCode; hint?: string; cause?: unknown }) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode;
    this.hint = options.hint;
  }
}

/** Bad input or usage: nothing was started. Exit code 2. */
export class UsageError extends HarnessError {
  override name = 'UsageError';
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { ...options, exitCode: exitCodes.usage });
  }
}

/** The world or the harness could not do its work, so there is no verdict. Exit code 3. */
export class WorldUnavailableError extends HarnessError {
  override name = 'WorldUnavailableError';
  constructor(message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { ...options, exitCode: exitCodes.unknown });
  }
}

/** What a thrown value says, whatever it is. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
