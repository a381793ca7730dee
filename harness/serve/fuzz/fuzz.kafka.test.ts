/**
 * The protocol against real Kafka, of each release that this machine has an image of: what once differed, and some
 * generated sequences, without an unexplained difference, also where clients have to log in.
 */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ProfileName, profileNames } from '../../cluster/profiles.ts';
import { type ClusterSet, startClusterSet } from '../../world/kafka/cluster-set.ts';
import { versionsUnderTest } from '../../world/kafka/observer/kafka-versions.testing.ts';
import { type RunningCluster, startCluster } from '../index.ts';
import { addScramUsers, realGuard, simulatedGuard } from './guard.ts';
import { type Failure, Search } from './search.ts';
import { realSettings, simulatedSettings } from './settings.ts';
import { sequenceSchema } from './step.ts';

const SEED = 42;
const RUNS = 60;
const JOBS = 6;
const GUARDED_RUNS = 24;

/** Where the sequences are that once differed from the release. */
const folderOf = (profile: ProfileName): URL =>
  new URL(profile === '4.3' ? 'regressions/' : `regressions/${profile}/`, import.meta.url);

const GUARDED_FOLDER = new URL('regressions/sasl/', import.meta.url);

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
  let guarded: RunningCluster;
  let search: Search;
  let guardedSearch: Search;

  beforeAll(async () => {
    simulated = await startCluster({ profile, settings: simulatedSettings });
    guarded = await startCluster({ profile, settings: simulatedSettings, sasl: simulatedGuard });
    real = await startClusterSet({
      brokerCount: 1,
      sessionId: randomUUID(),
      groupInitialRebalanceDelayMs: 0,
      extraSettings: { ...realSettings, ...realGuard },
      hasSaslListener: true,
      image,
    });
    await addScramUsers(real.bootstrapServers[0] as string);
    search = new Search({
      simulated: simulated.bootstrapServers[0] as string,
      real: real.bootstrapServers[0] as string,
      profile,
    });
    guardedSearch = new Search({
      simulated: guarded.bootstrapServers[0] as string,
      real: real.saslBootstrapServers[0] as string,
      profile,
      isGuarded: true,
    });
  });
  afterAll(async () => {
    await simulated.close();
    await guarded.close();
    await real.stop();
  });

  const sequenceIn = (file: string, from: URL) =>
    sequenceSchema.parse(JSON.parse(readFileSync(new URL(file, from), 'utf8')));

  test.each(filesIn(folder))('what once differed does no more: %s', async (file) => {
    expect((await search.compare(sequenceIn(file, folder))).unexplained).toBeNull();
  });

  test.concurrent.each(filesIn(GUARDED_FOLDER))(
    'what once differed in a login does no more: %s',
    async (file) => {
      expect((await guardedSearch.compare(sequenceIn(file, GUARDED_FOLDER))).unexplained).toBeNull();
    },
  );

  test(`${RUNS} generated sequences are answered alike`, async () => {
    const failures: Failure[] = [];
    expect(await search.search(SEED, RUNS, JOBS, (failure) => failures.push(failure))).toBe(RUNS);
    expect(failures).toEqual([]);
  });

  test(`${GUARDED_RUNS} generated sequences with logins are answered alike`, async () => {
    const failures: Failure[] = [];
    const found = (failure: Failure): void => void failures.push(failure);
    expect(await guardedSearch.search(SEED, GUARDED_RUNS, 2 * JOBS, found)).toBe(GUARDED_RUNS);
    expect(failures).toEqual([]);
  });
});
