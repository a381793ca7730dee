/** What is kept of a run, where, and how it is read back. */
import { execFileSync } from 'node:child_process';
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes, UsageError } from '../harness/errors.ts';
import type { Verdict } from '../properties/property.ts';
import { renderJson } from './json.ts';
import { VALID_KEPT_MAX } from './keeping.ts';
import { createRunDirectory, loadRunDirectory, loadScenarioDirectory, makeRunId } from './run-directory.ts';
import { syntheticHistory, syntheticRun, syntheticScenario } from './testing/synthetic.ts';

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'kafka-trial-run-'));
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

const valid: Verdict = { outcome: 'valid', anomalies: [], unknown: [], properties: [], ledger: [] };
const judged = syntheticHistory();

describe('makeRunId', () => {
  test('is a file name that sorts by time', () => {
    const id = makeRunId(new Date('2025-11-03T14:05:09.123Z'), 'Seed 42 / ../x');
    expect(id).toBe('2025-11-03T14-05-09-seed-42-x');
    expect(makeRunId(new Date(0), '***')).toBe('1970-01-01T00-00-00-unnamed');
  });
});

describe('createRunDirectory', () => {
  test('makes it, and points latest to the newest', async () => {
    const first = await createRunDirectory(join(base, 'out'), 'a');
    expect(first.path).toBe(join(base, 'out', 'a'));
    expect(await readdir(first.path)).toEqual(['scenarios']);
    await createRunDirectory(join(base, 'out'), 'b');
    expect(await readlink(join(base, 'out', 'latest'))).toBe('b');
    expect((await readdir(join(base, 'out'))).toSorted()).toEqual(['a', 'b', 'latest']);
  });

  test('takes another name where the first is taken', async () => {
    await createRunDirectory(base, 'a');
    expect((await createRunDirectory(base, 'a')).runId).toBe('a-2');
    expect((await createRunDirectory(base, 'a')).runId).toBe('a-3');
  });

  test('goes on without latest where something else has that name', async () => {
    await mkdir(join(base, 'latest'));
    expect((await createRunDirectory(base, 'a')).runId).toBe('a');
    expect((await readdir(base)).toSorted()).toEqual(['a', 'latest']);
  });

  test('a file in the way: one sentence, exit code 3', async () => {
    await writeFile(join(base, 'file'), '');
    await expect(createRunDirectory(join(base, 'file'), 'a')).rejects.toMatchObject({
      name: 'HarnessError',
      exitCode: exitCodes.unknown,
      message: expect.stringContaining('something else is in its place'),
    });
    await writeFile(join(base, 'b'), '');
    await expect(createRunDirectory(base, 'b')).rejects.toThrow('something else is in its place');
  });

  test('refuses a run id that is a path', async () => {
    await expect(createRunDirectory(base, '../x')).rejects.toThrow('plain file name');
  });
});

describe('keepScenario', () => {
  test('writes scenario, history and verdict, which can be read back', async () => {
    const directory = await createRunDirectory(base, 'a');
    const kept = await directory.keepScenario({ index: 7, ...judged });
    expect(kept).toEqual({
      directory: join(base, 'a', 'scenarios', '0007-crash-takeover-and-a-zombie'),
      scenarioFile: join(base, 'a', 'scenarios', '0007-crash-takeover-and-a-zombie', 'scenario.json'),
      historyFile: join(base, 'a', 'scenarios', '0007-crash-takeover-and-a-zombie', 'history.jsonl'),
    });
    const loaded = await loadScenarioDirectory(kept?.directory ?? '');
    expect(loaded).toEqual({ directory: kept?.directory, index: 7, trace: null, shrunk: null, ...judged });
  });

  test('writes pretty JSON with a line end and keys in the order of the schema', async () => {
    const directory = await createRunDirectory(base, 'a');
    const scenario = Object.fromEntries(Object.entries(judged.scenario).reverse()) as typeof judged.scenario;
    const kept = await directory.keepScenario({ index: 0, ...judged, scenario });
    const text = await readFile(kept?.scenarioFile ?? '', 'utf8');
    expect(text).toMatch(/^\{\n {2}"version": 1,\n {2}"name": /);
    expect(text.endsWith('}\n')).toBe(true);
  });

  test('keeps every invalid and unknown scenario, and a sample of the valid ones', async () => {
    const directory = await createRunDirectory(base, 'a');
    const outcomes = [
      'valid',
      'invalid',
      'valid',
      'unknown',
      'valid',
      'valid',
      'invalid',
      'unknown',
      'valid',
    ] as const;
    // All at once, as parallel workers do.
    const kept = await Promise.all(
      outcomes.map((outcome, index) =>
        directory.keepScenario({
          index,
          scenario: judged.scenario,
          history: null,
          verdict: { ...valid, outcome },
        }),
      ),
    );
    expect(kept.map((one) => one !== null)).toEqual([true, true, true, true, true, false, true, true, false]);
    expect(outcomes.filter((outcome, index) => outcome === 'valid' && kept[index] !== null)).toHaveLength(
      VALID_KEPT_MAX,
    );
  });

  test('keeps the first valid scenario in which a thing was observed', async () => {
    const directory = await createRunDirectory(base, 'a');
    const anomaly = judged.verdict.anomalies.find((one) => one.policy === 'observed');
    const observed: Verdict = { ...valid, anomalies: anomaly === undefined ? [] : [anomaly] };
    const verdicts = [valid, valid, valid, valid, observed, observed];
    const kept = [];
    for (const [index, verdict] of verdicts.entries())
      kept.push(await directory.keepScenario({ index, scenario: judged.scenario, history: null, verdict }));
    expect(kept.map((one) => one !== null)).toEqual([true, true, true, false, true, false]);
  });

  test('a world that failed leaves a scenario and a verdict without a history', async () => {
    const directory = await createRunDirectory(base, 'a');
    const verdict: Verdict = { ...valid, outcome: 'unknown', unknown: ['no broker'] };
    const kept = await directory.keepScenario({
      index: 0,
      scenario: judged.scenario,
      history: null,
      verdict,
    });
    expect(kept?.historyFile).toBeNull();
    expect(await loadScenarioDirectory(kept?.directory ?? '')).toMatchObject({ history: null, verdict });
  });

  test('names of any kind make tame file names', async () => {
    const directory = await createRunDirectory(base, 'a');
    const scenario = { ...syntheticScenario(), name: `../../etc/passwd \u0000 ${'ü'.repeat(150)}` };
    const kept = await directory.keepScenario({ index: 0, scenario, history: null, verdict: valid });
    expect(kept?.directory).toBe(join(base, 'a', 'scenarios', '0000-etc-passwd'));
  });

  test('a scenario that cannot be written leaves nothing behind, and says why', async () => {
    const directory = await createRunDirectory(base, 'a');
    await rm(join(base, 'a', 'scenarios'), { recursive: true });
    await writeFile(join(base, 'a', 'scenarios'), '');
    await expect(directory.keepScenario({ index: 0, ...judged })).rejects.toMatchObject({
      exitCode: exitCodes.unknown,
      message: expect.stringContaining('something else is in its place'),
    });
  });

  test.skipIf(process.platform !== 'linux' || process.getuid?.() !== 0)(
    'a full disk leaves nothing of the scenario behind',
    async ({ skip }) => {
      const small = join(base, 'small');
      await mkdir(small);
      try {
        execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', small], { stdio: 'ignore' });
      } catch {
        skip('this machine does not let tests mount a file system');
      }
      try {
        const directory = await createRunDirectory(small, 'a');
        await expect(directory.keepScenario({ index: 0, ...judged })).rejects.toMatchObject({
          exitCode: exitCodes.unknown,
          message: expect.stringContaining('The disk is full'),
        });
        expect(await readdir(join(small, 'a', 'scenarios'))).toEqual([]);
      } finally {
        execFileSync('umount', [small]);
      }
    },
  );
});

describe('loadRunDirectory', () => {
  test('reads the result and every scenario back', async () => {
    const directory = await createRunDirectory(base, 'a');
    const { result, scenarios } = syntheticRun();
    for (const scenario of scenarios) await directory.keepScenario(scenario);
    await directory.writeResult(result);
    expect(await readFile(join(directory.path, 'run.json'), 'utf8')).toBe(renderJson(result));
    const loaded = await loadRunDirectory(directory.path);
    // It says of itself where it is now, not where it was when it was written.
    const moved = JSON.stringify(result).replaceAll('reports/out/run', await realpath(directory.path));
    expect(loaded.result).toEqual(JSON.parse(moved));
    expect(loaded.scenarios.map((one) => one.index)).toEqual([0, 1, 2]);
    expect(loaded.scenarios[0]?.history).toEqual(scenarios[0]?.history);
    // Through the link, too.
    expect((await loadRunDirectory(join(base, 'latest'))).result).toEqual(loaded.result);
  });

  test('a run of which nothing was kept is read back too', async () => {
    const directory = await createRunDirectory(base, 'a');
    await directory.writeResult(syntheticRun().result);
    await rm(join(directory.path, 'scenarios'), { recursive: true });
    expect((await loadRunDirectory(directory.path)).scenarios).toEqual([]);
  });

  test.each([
    ['no run.json', async () => undefined, 'is no run directory: there is no run.json in it.'],
    ['no JSON', () => writeFile(join(base, 'run.json'), '{'), 'run.json is not JSON: '],
    [
      'another shape',
      () => writeFile(join(base, 'run.json'), '{"schema": 2}'),
      'run.json is not what this version of kafka-trial writes:\n  schema: ',
    ],
  ])('refuses %s', async (_name, prepare, message) => {
    await prepare();
    const failure = await loadRunDirectory(base).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(UsageError);
    expect(String(failure)).toContain(message);
  });
});

describe('loadScenarioDirectory', () => {
  test('a directory that was renamed has no index', async () => {
    const directory = await createRunDirectory(base, 'a');
    const kept = await directory.keepScenario({
      index: 0,
      scenario: judged.scenario,
      history: null,
      verdict: valid,
    });
    await rename(kept?.directory ?? '', join(base, 'mine'));
    expect((await loadScenarioDirectory(join(base, 'mine'))).index).toBeNull();
  });

  test('refuses a directory without a scenario, and a verdict of another shape', async () => {
    await expect(loadScenarioDirectory(base)).rejects.toThrow('there is no scenario.json in it');
    await writeFile(join(base, 'scenario.json'), JSON.stringify(judged.scenario));
    expect(await loadScenarioDirectory(base)).toMatchObject({ history: null, verdict: null });
    await writeFile(join(base, 'verdict.json'), '{"outcome": "fine"}');
    await expect(loadScenarioDirectory(base)).rejects.toThrow('verdict.json is not what this version');
  });
});
