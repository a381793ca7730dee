/** `run` and `replay` put a configuration over an application of the user's, or say by name what of it cannot be had. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { runCommand } from '../testing/command-line.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'application-configuration-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const application = [
  ...['--application', 'examples/outbox/consumer.fixed.ts'],
  ...['--value', '{"orderId":"{record}","amount":{number}}'],
  ...['--substitute', './outbox.ts=examples/outbox/outbox.memory.ts'],
];
const out = (): string[] => ['--out', join(folder, 'out')];

interface Result {
  readonly results: readonly { readonly outcome: string; readonly directory: string | null }[];
}
const keptGroup = (stdout: string): { sessionTimeoutMs: number; native?: object } => {
  const [{ outcome, directory } = { outcome: 'none', directory: null }] = (JSON.parse(stdout) as Result)
    .results;
  expect(outcome).toBe('valid');
  const scenario = JSON.parse(readFileSync(join(directory ?? '', 'scenario.json'), 'utf8')) as {
    groups: { sessionTimeoutMs: number; native?: object }[];
  };
  return scenario.groups[0] as { sessionTimeoutMs: number };
};

describe('a configuration over an application', { timeout: 120_000 }, () => {
  const patient = () => file('patient.yaml', 'consumer: { session.timeout.ms: 44000 }\n');

  it('is in the scenarios of a run, and the kept one needs no configuration to be run again', async () => {
    const words = ['--config', patient(), '--runs', '1', '--seed', '3', '--profile', 'calm', '--json'];
    const run = await runCommand(['run', ...application, ...words, ...out()]);
    expect(keptGroup(run.stdout)).toMatchObject({
      sessionTimeoutMs: 44_000,
      native: { application: { consumer: { sessionTimeout: 44_000 } } },
    });
  });

  it('is put over what a replay is given, and an inspection shows what its client then asks for', async () => {
    const scenario = file('scenario.json', JSON.stringify(generateScenario(3, 0, 'calm')));
    const words = ['replay', scenario, ...application, '--config', patient(), ...out()];
    const replay = await runCommand([...words, '--json']);
    expect(keptGroup(replay.stdout)).toMatchObject({ sessionTimeoutMs: 44_000 });
    const until = await runCommand([...words, '--until', 'delivery', '--verbose']);
    expect([until.code, until.stdout]).toEqual([
      0,
      expect.stringMatching(/JoinGroup.*sessionTimeoutMs=44000/),
    ]);
  });

  it.each([
    ['run', ['--runs', '1']],
    ['replay', ['7:3']],
    ['replay', ['7:3', '--until', 'finish']],
  ])('is refused where only the code can say it: %s %j', async (command, words) => {
    const committing = file('committing.yaml', 'application: { commitMode: per-batch }\n');
    const { code, stderr } = await runCommand([
      ...[command, ...words, ...application, '--config', committing, ...out()],
    ]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/committing\.yaml asks for what cannot be put over .*consumer\.fixed\.ts:/);
    expect(stderr).toMatch(/commitMode: the module itself does that, so its code has to say so\./);
  });
});
