/** The command that compares runs of the same scenarios in several processes: arguments enter, its last line is checked. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { packageRoot } from '../version.ts';

const main = path.join(packageRoot, 'dist', 'harness', 'determinism', 'main.js');
const run = async (...commandArguments: string[]) =>
  await promisify(execFile)(process.execPath, [main, ...commandArguments]).catch(
    (error: { code: number; stdout: string; stderr: string }) => error,
  );

test('two processes give the same traces', async () => {
  const { stdout } = await run('--runs', '3', '--seed', '9', '--profile', 'network', '--node', 'this,this');
  expect(stdout).toBe('3 scenarios under Node.js this, this: 0 with traces that differ, 0 failed.\n');
});

test.each([
  [['--runs', 'many'], "--runs takes a whole number, not 'many'."],
  [['--profile', 'stormy'], "There is no profile 'stormy'."],
  [['--node', 'this'], '--node takes two versions or more to compare, such as this,this.'],
])('%j is refused', async (commandArguments, sentence) => {
  expect(await run(...commandArguments)).toMatchObject({ code: 2, stdout: '', stderr: `${sentence}\n` });
});
