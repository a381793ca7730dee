/** What a run found is made small at its end: as long as was asked for, in every report, and up to an interruption. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunResult, runResultSchema } from '../../reports/results.ts';
import { parseFinding } from '../../scenarios/finding.ts';
import { runCommand, startCommand } from '../testing/command-line.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-shrink-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const words = (name: string): string[] => [
  ...['run', '--runs', '2', '--seed', '3', '--mutant', 'skip-partition', '--properties', 'at-least-once'],
  ...['--json', '--out', join(folder, name)],
];
const smallOf = ({ anomalies }: RunResult): string[] => [
  ...new Set(anomalies.flatMap(({ shrunkFile }) => shrunkFile ?? [])),
];
const membersIn = (file: string): number =>
  parseFinding(JSON.parse(readFileSync(file, 'utf8')), file).scenario.groups.flatMap(({ members }) => members)
    .length;

describe('run', { timeout: 120_000 }, () => {
  it('makes what is new small, and names it in the result, the report and the summary', async () => {
    const { code, stdout } = await runCommand([...words('small'), '--shrink', '8s']);
    expect(code).toBe(1);
    const result = runResultSchema.parse(JSON.parse(stdout));
    const [file = ''] = smallOf(result);
    expect(membersIn(file)).toBe(1);
    const report = readFileSync(result.reportFile as string, 'utf8');
    expect(report).toContain('Made small');
    expect(report).toContain(`kafka-trial replay ${file} --mutant skip-partition`);
    expect(readFileSync(join(result.runDirectory as string, 'summary.md'), 'utf8')).toContain(file);
    // The small one fails in the same way, and is the recorded run again.
    const replayed = await runCommand(['replay', file, '--out', join(folder, 'again')]);
    expect(replayed.stderr).toContain('The recorded run again: 1 of 1 traces are equal.');
    expect(replayed.code).toBe(1);
  });

  it('leaves it as it is where that was asked for', async () => {
    const { stdout, stderr } = await runCommand(words('as-it-is'));
    const result = runResultSchema.parse(JSON.parse(stdout));
    expect(result.anomalies.length).toBeGreaterThan(0);
    expect(smallOf(result)).toEqual([]);
    expect(stderr).not.toContain('Making what is new small');
  });

  it('ends that at Ctrl-C, with all reports written', async () => {
    const command = startCommand([...words('interrupted'), '--shrink', '10m']);
    await command.said(/Making what is new small, for 600 s at most/);
    command.child.kill('SIGINT');
    const { code, stdout, stderr } = await command.ended;
    expect(code).toBe(1);
    expect(stderr).not.toMatch(/at .*\.js:\d+/);
    const result = runResultSchema.parse(JSON.parse(stdout));
    expect(result.scenarios.run).toBe(2);
    expect(existsSync(result.reportFile as string)).toBe(true);
  });
});
