/** `compare` as a user runs it: what it prints and writes, the same for any number of jobs. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Comparison, comparisonSchema } from '../../reports/comparison.ts';
import { runCommand } from '../testing/command-line.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'compare-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: string): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};

const short = () => file('short.yaml', 'consumer: { session.timeout.ms: 3000 }\n');
const long = () => file('long.json', JSON.stringify({ consumer: { 'session.timeout.ms': 30_000 } }));

async function compare(...words: string[]): Promise<{ comparison: Comparison; code: number | null }> {
  const { code, stdout, stderr } = await runCommand([
    ...['compare', ...words, '--json', '--out', join(folder, 'out')],
  ]);
  expect(stderr).not.toMatch(/at .*\.js:\d+/);
  return { comparison: comparisonSchema.parse(JSON.parse(stdout)), code };
}

/** What depends on when and how it was run, and no more. */
const withoutCircumstances = ({
  startedAt: _startedAt,
  cpuSeconds: _cpuSeconds,
  wallSeconds: _wallSeconds,
  runDirectory,
  ...rest
}: Comparison): unknown => JSON.parse(JSON.stringify(rest).replaceAll(runDirectory, 'DIRECTORY'));

describe('compare', { timeout: 240_000 }, () => {
  it('gives the same for any number of jobs, with all files that it names', async () => {
    const words = [short(), long(), '--runs', '3', '--seed', '11'];
    const { comparison, code } = await compare(...words, '--jobs', '1');
    const other = await compare(...words, '--jobs', '3');
    expect(withoutCircumstances(other.comparison)).toEqual(withoutCircumstances(comparison));
    expect(code).toBe(0);
    expect(comparison.subjects.map(({ label }) => label)).toEqual(['short', 'long']);
    expect(comparison.scenarios.run).toBe(3);
    expect(comparison.figures).toEqual(comparison.comparisons[0]?.figures);
    expect(comparison.figures['requests:Heartbeat']?.a).toBeGreaterThan(0);

    const { files, examples } = comparison;
    expect(readFileSync(files.markdown, 'utf8')).toMatch(/\| figure \| A \| B \|/);
    const page = readFileSync(files.html, 'utf8');
    expect(examples.length).toBeGreaterThan(0);
    for (const { runs } of examples) {
      expect(runs.map(({ label }) => label)).toEqual(['short', 'long']);
      for (const { scenarioFile, historyFile, command } of runs) {
        expect(existsSync(scenarioFile) && existsSync(historyFile)).toBe(true);
        expect(page).toContain(command);
      }
    }
    // Two swim-lanes for each example.
    expect(page.split('class="plot"').length - 1).toBe(2 * examples.length);
  });

  it('runs clients against each other, named with their versions', async () => {
    const { comparison } = await compare(
      'kafkajs',
      'kafkajs@2.2.3',
      `reference:${short()}`,
      '--runs',
      '1',
      '--seed',
      '2',
    );
    expect(comparison.subjects.map(({ label }) => label)).toEqual([
      'kafkajs 2.2.4',
      'kafkajs 2.2.3',
      expect.stringMatching(/^reference \S+ short$/),
    ]);
    expect(comparison.comparisons.map(({ a, b }) => [a, b])).toEqual([
      ['kafkajs 2.2.4', 'kafkajs 2.2.3'],
      ['kafkajs 2.2.4', comparison.subjects[2]?.label],
    ]);
  });

  it('runs versions of a user’s own consumer, also with a configuration, and names the command that repeats each', async () => {
    const [early, mended] = ['examples/outbox/consumer.ts', 'examples/outbox/consumer.fixed.ts'] as const;
    const value = ['--value', '{"orderId":"{record}","amount":{number}}'];
    const substitute = ['--substitute', './outbox.ts=examples/outbox/outbox.memory.ts'];
    const subjects = [early, mended, `${mended}:${long()}`];
    // In two of these, scenario 9 among them, committing early loses records.
    const { comparison, code } = await compare(
      ...subjects,
      ...value,
      ...substitute,
      '--runs',
      '10',
      '--seed',
      '7',
    );
    expect(code).toBe(0);
    expect(comparison.subjects.map(({ label, application }) => [label, application])).toEqual([
      ['consumer.ts', early],
      ['consumer.fixed.ts', mended],
      ['consumer.fixed.ts long', mended],
    ]);
    const [repair, patience] = comparison.comparisons;
    expect(repair?.figures.lost).toMatchObject({ a: expect.any(Number), b: 0, aBetter: 0, bBetter: 2 });
    expect(patience?.figures['ownerless.worst']?.verdict).toBe('worse');

    // What the user's own code does wrong is new; what the client below it does is known by its name.
    const { findings, files } = comparison;
    expect(findings.filter(({ known }) => known === null)).toEqual([
      {
        ...{ property: 'at-least-once', signature: 'lost: committed before it was processed', known: null },
        seen: [2, 0, 0].map((scenarios) => ({ scenarios, anomalies: scenarios === 0 ? 0 : 3 })),
        first: 'seed-7-0-members',
      },
    ]);
    const stopping = findings.find(({ known }) => known === 'kafkajs-commit-while-stopping');
    expect(stopping?.property).toBe('no-lost-commit');
    expect(repair?.figures['illegal.new']).toMatchObject({ aBetter: 0, bBetter: 2 });
    expect(repair?.figures['illegal.known']).toMatchObject({ a: 0, aBetter: 4 });
    expect(readFileSync(files.markdown, 'utf8')).toMatch(
      /\*\*New illegal anomalies\*\*.*\*\*Known bugs of the clients\*\*.*\| kafkajs-commit-while-stopping \|/s,
    );
    expect(readFileSync(files.html, 'utf8')).toMatch(
      /known issue <a href="https:[^"]*"[^>]*>kafkajs-1712<\/a>/,
    );

    // The configuration is in the scenario, so a replay needs the application alone.
    const configured = comparison.examples
      .flatMap(({ runs }) => runs)
      .find(({ label }) => label === 'consumer.fixed.ts long');
    expect(configured?.command).toContain(`--application ${mended}`);
    const out = join(folder, 'replayed');
    const replayed = await runCommand([
      ...['replay', configured?.scenarioFile ?? '', '--application', mended, ...value, ...substitute],
      ...['--json', '--out', out],
    ]);
    const { anomalies, results } = JSON.parse(replayed.stdout) as {
      anomalies: unknown[];
      results: { outcome: string; directory: string | null }[];
    };
    expect([anomalies.length === 0, results[0]?.outcome]).not.toContain('unknown');
    const kept = results[0]?.directory;
    expect(kept).not.toBeNull();
    expect(readFileSync(join(kept as string, 'history.jsonl'), 'utf8').split('\n').length).toBe(
      readFileSync(configured?.historyFile ?? '', 'utf8').split('\n').length,
    );
  });

  it.each([
    [['consumer.ts', 'kafkajs'], /compared with applications alone/],
    [['kafkajs', 'reference', '--value', 'x'], /--value can be used with consumer modules of yours only/],
    [['nowhere.ts', 'nothing.ts'], /There is no application module 'nowhere\.ts'/],
  ])('refuses %j', async (words, message) => {
    const { code, stderr } = await runCommand(['compare', ...words, '--out', join(folder, 'out')]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it('sweeps a grid, and marks what no other point beats', async () => {
    const out = join(folder, 'out');
    const words = ['--sweep', 'session.timeout=3000,9000', '--sweep', 'heartbeat=500,1000'];
    const { code, stdout } = await runCommand([
      'compare',
      ...words,
      '--runs',
      '2',
      '--seed',
      '11',
      '--out',
      out,
    ]);
    expect(stdout).toMatch(/session\.timeout\.ms {2}heartbeat\.interval\.ms {2}delivered twice/);
    expect(stdout.match(/^(3000|9000) +(500|1000) /gm)).toHaveLength(4);
    expect(stdout).toMatch(/ \*$/m);
    expect(code).toBe(0);
    const page = readFileSync(join(out, 'latest', 'compare.html'), 'utf8');
    expect(page).toContain('class="front"');
  });

  it('sweeps words over a user’s own consumer, and tells what it does wrong from what kafkajs does', async () => {
    const { code, stdout, stderr } = await runCommand([
      ...['compare', 'examples/outbox/consumer.ts', '--sweep', 'session.timeout=10000,30000'],
      ...['--value', '{"orderId":"{record}","amount":{number}}'],
      ...['--substitute', './outbox.ts=examples/outbox/outbox.memory.ts'],
      ...['--runs', '1', '--seed', '7', '--out', join(folder, 'out')],
    ]);
    expect([code, stderr]).toEqual([0, expect.not.stringMatching(/error/i)]);
    expect(stdout).toMatch(/^session\.timeout\.ms .*illegal, new {2}illegal, known bugs$/m);
    expect(stdout).toMatch(/^10000 .* s +2\.00 +0( +\*)?$/m);
    expect(stdout).toMatch(/^30000 .* s +2\.00 +0( +\*)?$/m);
    expect(stdout).toMatch(/New illegal anomalies.*\n {2}at-least-once: lost: committed before/);
    expect(stdout).not.toContain('Known bugs');
  });

  it('refuses to sweep what only the code of a user’s consumer says', async () => {
    const words = ['examples/outbox/consumer.ts', '--sweep', 'commitMode=per-batch,per-record'];
    const { code, stderr } = await runCommand(['compare', ...words, '--out', join(folder, 'out')]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/--sweep at commitMode=per-batch asks for what cannot be put over .*consumer\.ts/);
    expect(stderr).toContain('the module itself does that, so its code has to say so');
  });

  it('fails on what is worse where that was asked for', async () => {
    const slow = file('slow.yaml', 'consumer: { fetch.max.wait.ms: 200 }\n');
    const usual = file('usual.yaml', 'consumer: { fetch.max.wait.ms: 1000 }\n');
    const words = [usual, slow, '--runs', '6', '--seed', '3', '--profile', 'calm'];
    const { comparison, code } = await compare(...words, '--fail-on-worse');
    expect(comparison.figures['requests:Fetch']?.verdict).toBe('worse');
    expect(code).toBe(1);
  });
});
