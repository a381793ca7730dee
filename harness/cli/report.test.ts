/** `report` on runs of the simulated world: shards merge to what one machine gives, formats are written or printed. */
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunResult, runResultSchema } from '../../reports/results.ts';
import { traceSchema } from '../../reports/trace.ts';
import { type Ending, runCommand } from '../testing/command-line.ts';

let folder: string;
let whole: RunResult;
let shards: readonly RunResult[];

const run = async (out: string, ...words: string[]): Promise<RunResult> => {
  const { stdout } = await runCommand([
    ...['run', '--runs', '3', '--seed', '7', '--profile', 'members', '--mutant', 'rewind-commit', '--json'],
    ...['--out', join(folder, out), ...words],
  ]);
  return runResultSchema.parse(JSON.parse(stdout));
};

const report = async (...words: string[]): Promise<Ending> => await runCommand(['report', ...words]);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'report-'));
  whole = await run('whole');
  shards = [await run('shards', '--shard', '2/2'), await run('shards', '--shard', '1/2')];
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true }));

const directoryOf = ({ runDirectory }: RunResult): string => runDirectory as string;

/** A result without what differs between two runs of the same: when, how long, and where to. */
function timeless(result: RunResult): unknown {
  const { startedAt: _, cpuSeconds: __, wallSeconds: ___, virtualSeconds, ...rest } = result;
  const results = rest.results.map(({ wallSeconds: ____, ...one }) => one);
  const text = JSON.stringify({ ...rest, results }).replaceAll(directoryOf(result), '<run>');
  // Of rounded numbers the sum is a rounded one too, but not always the same.
  return { ...(JSON.parse(text) as object), virtualSeconds: Math.round(virtualSeconds) };
}

describe('--merge', () => {
  it('makes of shards what one machine gives, with everything that was kept', async () => {
    const out = join(folder, 'merged');
    const { code, stdout } = await report(...shards.map(directoryOf), '--merge', '--out', out, '--json');
    const merged = runResultSchema.parse(JSON.parse(stdout));
    expect(timeless(merged)).toEqual(timeless(whole));
    expect(merged.scenarios.run).toBe(3);
    expect(merged.anomalies.length).toBeGreaterThan(0);
    expect(code).toBe(1);
    const files = (result: RunResult): string[] =>
      readdirSync(directoryOf(result), { recursive: true, encoding: 'utf8' })
        // Each shard looks at the messages around its own examples.
        .filter((name) => !/(^clients\.log|trace\.json)$/.test(name))
        .toSorted();
    expect(files(merged)).toEqual(files(whole));
    for (const { scenarioFile } of merged.anomalies) expect(existsSync(scenarioFile as string)).toBe(true);
  });

  it('says which shard is missing, and gives no verdict that would need it', async () => {
    const calm = await runCommand([
      ...[
        'run',
        '--runs',
        '2',
        '--seed',
        '7',
        '--profile',
        'calm',
        '--client',
        'reference',
        '--shard',
        '1/2',
        '--json',
      ],
      ...['--out', join(folder, 'calm')],
    ]);
    expect(calm.code).toBe(0);
    const { code, stderr } = await report(
      join(folder, 'calm', 'latest'),
      '--merge',
      '--out',
      join(folder, 'part'),
    );
    expect(stderr).toContain('Shard 2/2 is missing.');
    expect(code).toBe(3);
  });
});

describe('a run of the simulated world', () => {
  it('shows the messages around the example of a finding', () => {
    const example = whole.anomalies.find(({ account }) => account.length > 0);
    const { directory } = whole.results.find(({ index }) => index === example?.scenarioIndex) ?? {};
    const trace = traceSchema.parse(
      JSON.parse(readFileSync(join(directory as string, 'trace.json'), 'utf8')),
    );
    const happenings = trace.traces[0]?.stretches.flat() ?? [];
    expect(happenings.some((one) => 'message' in one && one.message.api === 'OffsetCommit')).toBe(true);
    expect(happenings.some((one) => 'event' in one && one.event.kind === 'commit-accepted')).toBe(true);
    const html = readFileSync(join(directoryOf(whole), 'report.html'), 'utf8');
    expect(html).toMatch(/The messages and events that led to it[\s\S]*-> broker \d {2}OffsetCommit v\d/);
  });

  it('says how often each action was scheduled', () => {
    expect(whole.actions.join).toBeGreaterThan(0);
    expect(Object.keys(whole.actions)).toEqual(Object.keys(whole.actions).toSorted());
  });
});

describe('formats', () => {
  it('one that is text is printed, and nothing is written', async () => {
    // Moved, as the artifact of a job is: its paths lead to where it is now.
    const moved = join(folder, 'moved');
    cpSync(directoryOf(whole), moved, { recursive: true });
    const before = readdirSync(moved);
    const markdown = await report(moved, '--format', 'markdown');
    expect(markdown.stdout).toMatch(/^## ❌ kafka-trial: invalid\n/);
    expect(markdown.stdout).toContain(`kafka-trial replay ${moved}/scenarios/`);
    expect(markdown.code).toBe(1);
    const github = await report(moved, '--format', 'github');
    expect(github.stdout).toMatch(/^::error title=commit-monotonic%3A /);
    const json = await report(moved, '--format', 'json');
    expect(runResultSchema.parse(JSON.parse(json.stdout)).runDirectory).toBe(moved);
    expect(readdirSync(moved)).toEqual(before);
  });

  it('the usual ones are written again, as they were', async () => {
    const names = ['report.html', 'junit.xml', 'summary.md'];
    const read = (): string[] => names.map((name) => readFileSync(join(directoryOf(whole), name), 'utf8'));
    const before = read();
    for (const name of names) rmSync(join(directoryOf(whole), name));
    const { code, stdout } = await report(directoryOf(whole));
    expect(read()).toEqual(before);
    expect(stdout).toMatch(/^INVALID: /);
    expect(code).toBe(1);
  });
});

describe('bad input', () => {
  it.each<[string, () => string[], RegExp]>([
    ['an unknown format', () => ['x', '--format', 'pdf'], /'pdf' is no format.*html, junit/s],
    ['no run directory', () => [join(folder, 'whole')], /is no run directory: there is no run\.json/],
    ['one document of several runs', () => ['a', 'b', '--json'], /--json prints one document/],
    ['what is no shard', () => [directoryOf(whole), '--merge'], /is no shard of a run/],
    [
      'a shard twice',
      () => [...shards.map(directoryOf), directoryOf(shards[0] as RunResult), '--merge'],
      /are both shard 2\/2/,
    ],
  ])('%s', async (_name, words, sentence) => {
    const out = join(folder, 'refused');
    const { code, stderr, stdout } = await report(...words(), '--out', out);
    expect(stderr).toMatch(sentence);
    expect(stdout).toBe('');
    expect(code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});
