/** Toxiproxy's build script: bad arguments and a machine that lacks things enter, sentences and exit codes leave. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { onBareMachine } from '../../bare-machine.testing.ts';
import { DEFAULT_TOXIPROXY_VERSION } from '../image-name.ts';

const script = fileURLToPath(new URL('build.sh', import.meta.url));
const { command, build } = onBareMachine(script, ['bash', 'cat', 'dirname', 'mktemp', 'mv', 'rm', 'tail']);

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
