/** Removing: the answers of a stand-in for the Docker daemon enter, what counts as gone is checked. */
import { expect, test } from 'vitest';
import type { ContainerRuntimeClient } from './container-runtime.ts';
import { removeContainer, removeNetwork } from './removal.ts';

type Dockerode = ContainerRuntimeClient['container']['dockerode'];

const refusal = (statusCode: number, message = '') =>
  Promise.reject(Object.assign(new Error(message), { statusCode }));

function daemon(
  remove: () => Promise<unknown>,
  inspect: () => Promise<unknown> = () => refusal(404),
): Dockerode {
  return {
    getContainer: () => ({ remove, inspect }),
    getNetwork: () => ({ remove }),
  } as unknown as Dockerode;
}

test.each([
  ['removed', async () => {}],
  ['gone already', () => refusal(404)],
])('what is %s is gone', async (_, remove) => {
  await expect(removeContainer(daemon(remove), 'a')).resolves.toBeUndefined();
  await expect(removeNetwork(daemon(remove), 'a')).resolves.toBeUndefined();
});

test('a container that somebody else is removing is waited for', async () => {
  let inspections = 0;
  const inspect = async () => (++inspections < 3 ? {} : refusal(404));
  await removeContainer(
    daemon(() => refusal(409, 'removal of container a is already in progress'), inspect),
    'a',
  );
  expect(inspections).toBe(3);
});

test('every other refusal is an error', async () => {
  await expect(
    removeContainer(
      daemon(() => refusal(500, 'driver failed')),
      'a',
    ),
  ).rejects.toThrow('driver failed');
  await expect(
    removeContainer(
      daemon(() => refusal(409, 'in use')),
      'a',
    ),
  ).rejects.toThrow('in use');
  await expect(
    removeNetwork(
      daemon(() => refusal(403, 'has active endpoints')),
      'a',
    ),
  ).rejects.toThrow('endpoints');
});
