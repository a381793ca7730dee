/**
 * The protocol against real Kafka, of each release that this machine has an image of: what once differed, and some
 * generated sequences, without an unexplained difference.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProfileName, profileNames } from '../../cluster/profiles.ts';
import { type ClusterSet, startClusterSet } from '../../world/kafka/cluster-set.ts';
import { versionsUnderTest } from '../../world/kafka/observer/kafka-versions.testing.ts';
import { type RunningCluster, startCluster } from '../index.ts';
import { type Failure, Search } from './search.ts';
import { realSettings, simulatedSettings } from './settings.ts';
import { sequenceSchema } from './step.ts';

const SEED = 42;
const RUNS = 60;
const JOBS = 6;

/** Where the sequences are that once differed from the release. */
const folderOf = (profile: ProfileName): URL =>
  new URL(profile === '4.3' ? 'regressions/' : `regressions/${profile}/`, import.meta.url);

const profileOf = (version: string): ProfileName => {
  const profile = profileNames.find((name) => version.startsWith(`${name}.`));
  if (profile === undefined) throw new Error(`No profile is that of Kafka ${version}.`);
  return profile;
};

const filesIn = (folder: URL): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .sort();

describe.each(versionsUnderTest())('raw requests to Kafka $version', ({ version, image }) => {
  const profile = profileOf(version);
  const folder = folderOf(profile);
  let simulated: RunningCluster;
  let real: ClusterSet;
  let search: Search;

  beforeAll(async () => {
    simulated = await startCluster({ profile, settings: simulatedSettings });
    real = await startClusterSet({
      brokerCount: 1,
      sessionId: randomUUID(),
      groupInitialRebalanceDelayMs: 0,
      extraSettings: realSettings,
      image,
    });
    search = new Search({
      simulated: simulated.bootstrapServers[0] as string,
      real: real.bootstrapServers[0] as string,
      profile,
    });
  });
  afterAll(async () => {
    await simulated.close();
    await real.stop();
  });

  test.each(filesIn(folder))('what once differed does no more: %s', async (file) => {
    const sequence = sequenceSchema.parse(JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
    expect((await search.compare(sequence)).unexplained).toBeNull();
  });

  test(`${RUNS} generated sequences are answered alike`, async () => {
    const failures: Failure[] = [];
    expect(await search.search(SEED, RUNS, JOBS, (failure) => failures.push(failure))).toBe(RUNS);
    expect(failures).toEqual([]);
  });
});
