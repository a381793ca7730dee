/** What this machine offers: versions, sizes and an absent daemon enter, the findings are checked. */
import { afterEach, expect, test, vi } from 'vitest';
import { checkApiVersion, checkCores, checkMemory, inspectDocker } from './docker.ts';

afterEach(() => vi.unstubAllEnvs());

test.each([
  ['1.39', 'missing'],
  ['1.40', 'good'],
  ['1.41', 'good'],
  ['1.9', 'missing'],
  ['2.0', 'good'],
])('API version %s is %s', (version, status) => {
  expect(checkApiVersion(version)).toMatchObject({ status, sentence: expect.stringContaining(version) });
});

test('memory and cores are never what stops a trial, but what makes it tight', () => {
  expect(checkMemory(8 * 1024 ** 3)).toMatchObject({ status: 'good', hint: null });
  expect(checkMemory(2 * 1024 ** 3).sentence).toBe(
    'Docker has 2.0 GiB of memory, enough for one broker, tight for three.',
  );
  expect(checkMemory(1024 ** 3).sentence).toBe('Docker has 1.0 GiB of memory, tight even for one broker.');
  expect(checkMemory(1024 ** 3)).toMatchObject({ status: 'poor', hint: expect.stringContaining('4 GiB') });
  expect(checkCores(2)).toMatchObject({ status: 'good', sentence: 'Docker has 2 cores.' });
  expect(checkCores(1)).toMatchObject({ status: 'poor', sentence: expect.stringContaining('1 core,') });
});

test('where no daemon answers, that is the finding', async () => {
  vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
  const { ready, checks } = await inspectDocker();
  expect(ready).toBe(false);
  expect(checks).toEqual([
    {
      name: 'docker',
      status: 'missing',
      sentence: 'No Docker daemon answers.',
      hint: expect.stringContaining('docker info'),
    },
  ]);
});
