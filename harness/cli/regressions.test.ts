/** Scenarios that every run begins with: which are taken from a folder, and what the committed ones come to. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { judge } from '../../properties/index.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { knownIssues } from '../bugs/known-issues.ts';
import { loadKnownBugs } from '../bugs/load.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { describeClient } from '../subject/builds.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { TrialOptions } from './options.ts';
import { loadRegressions, REGRESSIONS_FOLDER } from './regressions.ts';

const options: TrialOptions = { world: 'sim', client: 'kafkajs', out: 'nowhere' };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'regressions-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('loadRegressions', () => {
  it('takes every scenario of the folder in order, but those that the client cannot run', async () => {
    const plain = generateScenario(1, 1);
    writeFileSync(join(folder, 'b.json'), JSON.stringify(plain));
    writeFileSync(join(folder, 'a.json'), JSON.stringify({ ...plain, name: 'first' }));
    const java = { ...plain, groups: plain.groups.map((group) => ({ ...group, maxPollRecords: 5 })) };
    writeFileSync(join(folder, 'c.json'), JSON.stringify({ ...java, name: 'java' }));
    writeFileSync(join(folder, 'notes.md'), 'not a scenario');
    const names = async (client: string) =>
      (await loadRegressions(folder, { ...options, client })).map(({ name }) => name);
    expect(await names('kafkajs')).toEqual(['first', plain.name]);
    expect(await names('reference')).toEqual(['first', plain.name, 'java']);
  });

  it('asks for nothing where nobody has such a folder, and refuses one that was named and is not there', async () => {
    await expect(loadRegressions(join(folder, 'none'), options)).rejects.toThrow(/There is no folder/);
  });
});

describe('the regressions of this repository', () => {
  it.each([
    ['kafkajs', 1],
    ['reference', 0],
  ])('have nothing new with %s', async (client, knownMin) => {
    const scenarios = await loadRegressions(REGRESSIONS_FOLDER, { ...options, client });
    const known = knownIssues(await loadKnownBugs(), describeClient(client));
    const found = { known: 0, fresh: [] as string[] };
    for (const scenario of scenarios) {
      const recorder = new HistoryRecorder();
      await new SimulatedWorld().run(scenario, { client, mutant: null }, recorder);
      const verdict = judge(recorder.finishHistory());
      for (const anomaly of verdict.anomalies.filter(({ policy }) => policy === 'illegal')) {
        if (known(anomaly, verdict) === null) found.fresh.push(`${scenario.name}: ${anomaly.message}`);
        else found.known++;
      }
    }
    expect(found.fresh).toEqual([]);
    expect(found.known).toBeGreaterThanOrEqual(knownMin);
  });
});
