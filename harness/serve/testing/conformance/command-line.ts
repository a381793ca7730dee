/** A program of the command line, once: its arguments and standard input enter, what it wrote leaves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Written {
  readonly output: string;
  readonly errors: string;
}

/** @throws Error with its last words where its exit code is not 0 */
export async function runTool(
  program: string,
  programArguments: readonly string[],
  input = '',
): Promise<Written> {
  const child = spawn(program, programArguments, { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  // Where the process ends early, its exit code says why.
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0)
    throw new Error(`${program} ended with ${code}:\n${errors.slice(-2_000)}${output.slice(-500)}`);
  return { output, errors };
}
