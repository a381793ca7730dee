/** The protocol against real Kafka: what once differed, and some generated sequences, without an unexplained difference. */
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ClusterSet, startClusterSet } from '../../world/kafka/cluster-set.ts';
import { type RunningCluster, startCluster } from '../index.ts';
import { type Failure, Search } from './search.ts';
import { realSettings, simulatedSettings } from './settings.ts';
import { sequenceSchema } from './step.ts';

const SEED = 42;
const RUNS = 60;
const JOBS = 6;
const folder = new URL('regressions/', import.meta.url);

let simulated: RunningCluster;
let real: ClusterSet;
let search: Search;

beforeAll(async () => {
  simulated = await startCluster({ settings: simulatedSettings });
  real = await startClusterSet({
    brokerCount: 1,
    sessionId: randomUUID(),
    groupInitialRebalanceDelayMs: 0,
    extraSettings: realSettings,
  });
  search = new Search({
    simulated: simulated.bootstrapServers[0] as string,
    real: real.bootstrapServers[0] as string,
    profile: '4.3',
  });
});
afterAll(async () => {
  await simulated.close();
  await real.stop();
});

describe('raw requests', () => {
  test.each(readdirSync(folder).sort())('what once differed does no more: %s', async (file) => {
    const sequence = sequenceSchema.parse(JSON.parse(readFileSync(new URL(file, folder), 'utf8')));
    expect((await search.compare(sequence)).unexplained).toBeNull();
  });

  test(`${RUNS} generated sequences are answered alike`, async () => {
    const failures: Failure[] = [];
    expect(await search.search(SEED, RUNS, JOBS, (failure) => failures.push(failure))).toBe(RUNS);
    expect(failures).toEqual([]);
  });
});
