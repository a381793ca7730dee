/** The image's build script: bad arguments and a machine that lacks things enter, sentences and exit codes leave. */
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { onBareMachine } from '../bare-machine.testing.ts';

const script = fileURLToPath(new URL('build.sh', import.meta.url));
const { command, build } = onBareMachine(script, ['bash', 'cat', 'dirname']);

test.each(['four', '4.3', '--missing'])('%s is refused as neither version nor option', async (argument) => {
  const { exitCode, output } = await build(argument);
  expect(exitCode).toBe(2);
  expect(output).toContain(`'${argument}' is neither an option nor a Kafka version`);
});

test('without Docker it says so', async () => {
  expect(await build()).toEqual({
    exitCode: 3,
    output: expect.stringContaining('There is no docker command.'),
  });
});

test('without a daemon it says so', async () => {
  await command('docker', 'echo "Cannot connect to the Docker daemon" >&2; exit 1');
  expect(await build()).toEqual({
    exitCode: 3,
    output: expect.stringContaining('The Docker daemon does not answer.'),
  });
});

test('where the daemon may not be used it says so', async () => {
  await command('docker', 'echo "permission denied while trying to connect" >&2; exit 1');
  expect(await build()).toEqual({
    exitCode: 3,
    output: expect.stringContaining('may not use the Docker daemon'),
  });
});

test('an image that is there needs nothing else', async () => {
  await command('docker', '[[ $1 != image ]] || echo 796ceda0447a');
  expect(await build('--if-missing', '3.9.1')).toEqual({
    exitCode: 0,
    output: 'kafka:image: apache/kafka:3.9.1 is here already\n',
  });
});

test('an image of the same name that was pulled stays', async () => {
  await command('docker', '[[ "$1 $2" != "image ls" ]] || echo 796ceda0447a');
  const { exitCode, output } = await build();
  expect(exitCode).toBe(0);
  expect(output).toContain('was not built by this script; it stays as it is');
});

test('without Maven it says so', async () => {
  await command('docker', 'exit 0');
  expect(await build()).toEqual({ exitCode: 3, output: expect.stringContaining('There is no mvn command.') });
});
