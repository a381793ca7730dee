/** The example in examples/outbox as its owner has it: its tests, its types, its scripts, and what they say. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../version.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'example-'));
  cpSync(join(packageRoot, 'examples/outbox'), folder, { recursive: true });
  // What `npm install` would put there, the package itself as it is built here.
  const modules = join(folder, 'node_modules');
  mkdirSync(join(modules, '.bin'), { recursive: true });
  symlinkSync(packageRoot, join(modules, 'kafka-trial'));
  for (const name of ['kafkajs', 'vitest', 'typescript', '@types'])
    symlinkSync(join(packageRoot, 'node_modules', name), join(modules, name));
  const main = join(packageRoot, 'dist/harness/cli/main.js');
  writeFileSync(join(modules, '.bin/kafka-trial'), `#!/bin/sh\nexec node '${main}' "$@"\n`, { mode: 0o755 });
  for (const name of ['vitest', 'tsc'])
    symlinkSync(join(packageRoot, 'node_modules/.bin', name), join(modules, '.bin', name));
});
afterAll(() => rmSync(folder, { recursive: true }));

interface Outcome {
  readonly code: number;
  readonly output: string;
}

/** A command line as its owner types it. */
const shell = (command: string, environment: Record<string, string> = {}): Promise<Outcome> =>
  new Promise((resolve) => {
    const { PATH, ...rest } = process.env;
    // This test's own vitest is none of its business.
    const inherited = Object.fromEntries(
      Object.entries(rest).filter(([name]) => !/^VITEST|^NODE_ENV$|^TEST$/.test(name)),
    );
    const env = {
      ...inherited,
      NO_COLOR: '1',
      PATH: `${folder}/node_modules/.bin:${PATH}`,
      TRIAL_RUNS: '4',
      ...environment,
    };
    execFile('sh', ['-c', command], { cwd: folder, env }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, output: stdout + stderr }),
    );
  });

const scripts = () =>
  (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { scripts: Record<string, string> })
    .scripts;

// Each runs the tools of a whole project, so a busy machine takes its time.
describe('the outbox writer', { timeout: 300_000 }, () => {
  it('is found to lose orders by its test, which names the scenario and repeats it', async () => {
    const { code, output } = await shell('npm test');
    expect(code).toBe(1);
    expect(output).toMatch(/FAIL {2}outbox\.test\.ts > the outbox writer loses no order/);
    expect(output).toMatch(/TrialFailure: \d+ of 4 scenarios broke what the consumer promises/);
    expect(output).toMatch(/at-least-once: lost: committed before it was processed/);
    expect(output).toMatch(/Made small: There is one broker.*never processed offset/);
    expect(output).toMatch(
      /Scenario seed-\d+-\d+-members: 1 member, orders with 1 partition, \d+ records?; join member-\d/,
    );

    const [trial] = (
      JSON.parse(readFileSync(join(folder, 'reports/trials.json'), 'utf8')) as {
        failed: {
          test: string;
          shrunk: { scenarioFile: string };
          failures: { property: string; scenarioFile: string; replay: string }[];
        }[];
      }
    ).failed;
    expect(trial?.test).toBe('the outbox writer loses no order');
    const finding = trial?.failures.find(({ property }) => property === 'at-least-once');
    expect(output).toContain(`    scenario  ${finding?.scenarioFile}`);
    // The small one is named beside the one that was found, and both fail again.
    const small = finding?.replay.replace('scenario.json', 'shrunk.json') as string;
    expect(output).toContain(`small     ${trial?.shrunk.scenarioFile}`);
    expect((await shell(small)).output).toMatch(/lost: committed before it was processed, .*in 1 of 1 run/);
    const again = await shell(finding?.replay as string);
    expect(again.output).toMatch(/lost: committed before it was processed, .*in 1 of 1 run/);
    expect(again.code).toBe(1);
  });

  it('loses none when it is mended', async () => {
    const { code, output } = await shell('npm test', { CONSUMER: './consumer.fixed.ts' });
    expect(output).toMatch(/Tests {2}1 passed/);
    expect(code).toBe(0);
  });

  it('is typed', async () => {
    expect(await shell('tsc --noEmit')).toEqual({ code: 0, output: '' });
  });

  it('is what the README shows: its command, its test and the function', async () => {
    const readme = readFileSync(join(packageRoot, 'README.md'), 'utf8');
    const [, command = ''] = /```sh\n(npx kafka-trial run --application[\s\S]*?)\n```/.exec(readme) ?? [];
    const ran = await shell(`${command} --runs 2 --seed 1 --profile calm`);
    expect(ran.output).toMatch(/2 scenarios: \d valid, \d invalid, 0 unknown/);

    const [, test = ''] =
      /```ts\n(import \{ trial \} from 'kafka-trial\/vitest';[\s\S]*?)```/.exec(readme) ?? [];
    writeFileSync(join(folder, 'readme.test.ts'), test.replace('runs: 50', "runs: 2, profile: 'calm'"));
    const tested = await shell('npm test -- readme.test.ts');
    rmSync(join(folder, 'readme.test.ts'));
    expect(tested.output).toMatch(/Test Files {2}1 passed/);

    const [, script = ''] = /```ts\n(import \{ trial \} from 'kafka-trial';[\s\S]*?)```/.exec(readme) ?? [];
    writeFileSync(join(folder, 'readme.mjs'), script);
    expect((await shell('node readme.mjs')).output).toMatch(/^(?:valid 0|invalid \d) (?:IN)?VALID: /);
  });

  it('goes on trial with its script, as its workflow calls it', async () => {
    const workflow = readFileSync(join(folder, '.github/workflows/trial.yml'), 'utf8');
    const commands = [...workflow.matchAll(/run: (npm .*)/g)].map(([, command]) => command as string);
    expect(commands).toEqual(['npm ci', 'npm test', 'npm run trial -- --runs 2000']);
    expect(Object.keys(scripts())).toEqual(['test', 'trial']);
    const { code, output } = await shell('npm run trial -- --runs 2 --seed 1 --profile calm');
    expect(output).toMatch(/VALID: every property held in 2 scenarios/);
    expect(code).toBe(0);
  });
});
