/** Toxiproxy's build script: bad arguments and a machine that lacks things enter, sentences and exit codes leave. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DEFAULT_TOXIPROXY_VERSION } from '../image-name.ts';

const script = fileURLToPath(new URL('build.sh', import.meta.url));
/** Holds the only commands that the script finds. */
let commands: string;

beforeEach(async () => {
  commands = await mkdtemp(join(tmpdir(), 'kafka-trial-test-'));
  for (const name of ['bash', 'cat', 'dirname', 'mktemp', 'mv', 'rm', 'tail']) {
    const folder = existsSync(`/usr/bin/${name}`) ? '/usr/bin' : '/bin';
    await symlink(`${folder}/${name}`, join(commands, name));
  }
});
afterEach(() => rm(commands, { recursive: true }));

const command = (name: string, text: string) =>
  writeFile(join(commands, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });

function build(...scriptArguments: string[]): Promise<{ exitCode: number; output: string }> {
  return new Promise((resolve) => {
    execFile(
      '/bin/bash',
      [script, ...scriptArguments],
      { env: { PATH: commands, TMPDIR: commands } },
      (error, stdout, stderr) =>
        resolve({ exitCode: error === null ? 0 : Number(error.code), output: stdout + stderr }),
    );
  });
}

test('the script builds the version that the harness asks for', async () => {
  expect(await readFile(script, 'utf8')).toContain(`readonly version=${DEFAULT_TOXIPROXY_VERSION}\n`);
});

test('what is no option is refused', async () => {
  expect(await build('--missing')).toEqual({
    exitCode: 2,
    output: expect.stringContaining("'--missing' is no option."),
  });
});

test('without Docker it says so', async () => {
  expect(await build()).toEqual({
    exitCode: 3,
    output:
      'toxiproxy:image: There is no docker command. Install Docker (on Debian: apt-get install docker.io) and start it.\n',
  });
});

test('an image that is there needs nothing else', async () => {
  await command('docker', '[[ $1 != image ]] || echo 796ceda0447a');
  expect(await build('--if-missing')).toEqual({
    exitCode: 0,
    output: `toxiproxy:image: ghcr.io/shopify/toxiproxy:${DEFAULT_TOXIPROXY_VERSION} is here already\n`,
  });
});

test('without Go it says so', async () => {
  await command('docker', 'exit 0');
  expect(await build()).toEqual({ exitCode: 3, output: expect.stringContaining('There is no go command.') });
});

test("where Go cannot build it, Go's own words are passed on", async () => {
  await command('docker', 'exit 0');
  await command('go', 'echo "proxy refused" >&2; exit 1');
  const { exitCode, output } = await build();
  expect(exitCode).toBe(3);
  expect(output).toContain('proxy refused\ntoxiproxy:image: Go could not build Toxiproxy');
});
