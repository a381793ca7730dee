/** Where no Toxiproxy is to be had: scenarios with and without faults of links enter, why those are skipped is checked. */
import { afterEach, expect, test, vi } from 'vitest';
import { generateScenario } from '../../../../scenarios/arbitrary.ts';
import type { Action, Scenario } from '../../../../scenarios/schema.ts';
import type { Cluster } from '../clusters.ts';
import { DEFAULT_TOXIPROXY_VERSION, defaultToxiproxyImage, toxiproxyHint } from './image-name.ts';
import { Toxiproxies } from './toxiproxies.ts';

afterEach(() => vi.unstubAllEnvs());

const calm = generateScenario(1, 0, 'calm');
const breaking: Scenario = {
  ...calm,
  actions: [
    {
      kind: 'reset-link',
      atMs: 0,
      link: { process: calm.producers[0]?.id as string, broker: null },
      ending: 'reset',
    } as Action,
  ],
};

test('a scenario that breaks links is told why it cannot, and a person once; any other asks for nothing', async () => {
  vi.stubEnv('DOCKER_HOST', 'tcp://127.0.0.1:1');
  const told: string[] = [];
  const toxiproxies = new Toxiproxies({
    sessionId: 'test',
    signal: new AbortController().signal,
    onProgress: (sentence) => told.push(sentence),
  });
  const cluster = {} as Cluster;
  expect(await toxiproxies.linksOf(calm, cluster, '')).toEqual({ unbreakable: 'the scenario breaks none' });
  expect(told).toEqual([]);
  const reason =
    'there is no Toxiproxy to break links with: No Docker daemon answers at tcp://127.0.0.1:1, which DOCKER_HOST names. Start it there, or unset DOCKER_HOST.';
  expect(await toxiproxies.linksOf(breaking, cluster, '')).toEqual({ unbreakable: reason });
  expect(await toxiproxies.linksOf(breaking, cluster, '')).toEqual({ unbreakable: reason });
  expect(told).toEqual([`Faults of links are skipped, since ${reason}`]);
  await toxiproxies[Symbol.asyncDispose]();
});

test('the image is the pinned one, or the one that is asked for, and the hint says how to get it', () => {
  const image = `ghcr.io/shopify/toxiproxy:${DEFAULT_TOXIPROXY_VERSION}`;
  expect(defaultToxiproxyImage()).toBe(image);
  expect(toxiproxyHint(image)).toContain('`npm run toxiproxy:image`');
  vi.stubEnv('KAFKA_TRIAL_TOXIPROXY_IMAGE', 'registry.example/toxiproxy:2');
  expect(defaultToxiproxyImage()).toBe('registry.example/toxiproxy:2');
  expect(toxiproxyHint('registry.example/toxiproxy:2')).toContain(
    '`docker pull registry.example/toxiproxy:2`',
  );
});
