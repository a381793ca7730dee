/** For tests of the scripts that build images: a script and the commands that it finds enter, its exit code and output leave. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

/** @param names the commands of the machine that the script finds, beside those that a test makes */
export function onBareMachine(script: string, names: readonly string[]) {
  let commands: string;
  beforeEach(async () => {
    commands = await mkdtemp(join(tmpdir(), 'kafka-trial-test-'));
    for (const name of names) {
      const folder = existsSync(`/usr/bin/${name}`) ? '/usr/bin' : '/bin';
      await symlink(`${folder}/${name}`, join(commands, name));
    }
  });
  afterEach(() => rm(commands, { recursive: true }));
  return {
    command: (name: string, text: string) =>
      writeFile(join(commands, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 }),
    build: (...scriptArguments: string[]): Promise<{ exitCode: number; output: string }> =>
      new Promise((resolve) => {
        execFile(
          '/bin/bash',
          [script, ...scriptArguments],
          { env: { PATH: commands, TMPDIR: commands } },
          (error, stdout, stderr) =>
            resolve({ exitCode: error === null ? 0 : Number(error.code), output: stdout + stderr }),
        );
      }),
  };
}
