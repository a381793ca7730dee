/** The command line on bad input and without a world: a clear sentence, the right exit code, nothing started. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { watch } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectionSchema } from '../../reports/inspection.ts';
import { lessonsResultSchema } from '../../reports/lesson-result.ts';
import { outcomeOf, type RunResult, runResultSchema } from '../../reports/results.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { runCommand, startCommand } from '../testing/command-line.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

/** Points to a Docker daemon that is not there. */
const noDocker = { DOCKER_HOST: 'unix:///nonexistent/docker.sock' };

describe('bad input', () => {
  it.each<[string, () => string[], RegExp]>([
    ['an unknown command', () => ['explode'], /unknown command 'explode'/],
    ['an unknown option', () => ['run', '--speed', '9'], /unknown option '--speed'/],
    ['a number out of range', () => ['run', '--runs', '0'], /--runs.*whole number from 1/s],
    ['a seed that is none', () => ['run', '--seed', 'x'], /--seed.*whole number/s],
    ['an unknown profile', () => ['run', '--profile', 'wild'], /--profile.*default, calm/s],
    ['an unknown world', () => ['run', '--world', 'mars'], /--world.*sim, kafka/s],
    ['a cluster for the simulated world', () => ['run', '--brokers', 'a:1'], /with --world kafka only/],
    ['a shard that is none', () => ['run', '--shard', '3/2', '--seed', '1'], /--shard.*i from 1 to n/s],
    ['a shard of any seed', () => ['run', '--shard', '1/2'], /--shard needs --seed/],
    [
      'a shard without scenarios',
      () => ['run', '--shard', '3/3', '--seed', '1', '--runs', '2'],
      /nothing is left/,
    ],
    ['no jobs at all', () => ['run', '--jobs', '0'], /--jobs.*whole number from 1/s],
    ['an unknown mutant', () => ['run', '--mutant', 'none'], /--mutant.*skip-partition/s],
    ['an unknown property', () => ['run', '--properties', 'nope'], /no property 'nope'.*at-least-once/s],
    [
      'a bad address',
      () => ['run', '--world', 'kafka', '--brokers', 'nohost'],
      /'nohost' is not a broker address/,
    ],
    ['an unknown lesson', () => ['lessons', 'none'], /no lesson 'none'.*crash-before-commit, /s],
    ['a lesson and all of them', () => ['lessons', 'acks', '--all'], /a lesson or give --all/],
    ['a cluster for simulated lessons', () => ['lessons', '--all', '--brokers', 'a:1'], /kafka only/],
    [
      'an application that is not there',
      () => ['run', '--application', 'x.ts'],
      /no application module 'x\.ts'/,
    ],
    [
      'topics of no application',
      () => ['run', '--topics', 'a'],
      /--topics can be used with --application only/,
    ],
    [
      'an application and a client',
      () => ['replay', '7:3', '--application', 'x.ts', '--client', 'reference'],
      /brings its own client/,
    ],
    [
      'a substitute without a file',
      () => ['run', '--application', 'x.ts', '--substitute', './store.ts'],
      /--substitute \.\/store\.ts: expected two parts/,
    ],
    ['no target', () => ['replay'], /missing required argument 'target'/],
    ['a target that is not there', () => ['replay', join(folder, 'none')], /There is no file or directory/],
    [
      '--until on real Kafka',
      () => ['replay', '7:3', '--until', '5', '--world', 'kafka'],
      /--until.*sim only/,
    ],
    [
      '--verbose on real Kafka',
      () => ['replay', '7:3', '--verbose', '--world', 'kafka'],
      /--verbose.*sim only/,
    ],
    ['messages beside a document', () => ['replay', '7:3', '--verbose', '--json'], /--until finish/],
    [
      '--until in many runs',
      () => ['replay', '7:3', '--until', '5', '--times', '2'],
      /look into one run.*be 2/,
    ],
    [
      'an event that is none',
      () => ['replay', '7:3', '--until', 'boom'],
      /no kind of event 'boom'.*commit-fail/s,
    ],
    ['a cluster to look into', () => ['replay', '7:3', '--until', '5', '--brokers', 'a:1'], /kafka only/],
    [
      'a configuration that the client cannot have',
      () => ['run', '--config', file('polls.yaml', 'consumer:\n  max.poll.records: 5\n')],
      /polls\.yaml asks for what kafkajs cannot do:\n {2}consumer: max\.poll\.records: /,
    ],
    [
      'a configuration that is none',
      () => ['replay', '7:3', '--config', file('word.yaml', 'session.timeout.ms: 6000\n')],
      /word\.yaml is not a configuration:\n {2}session\.timeout\.ms: expected below 'consumer:'/,
    ],
    ['one alone to compare', () => ['compare', 'kafkajs'], /at least two to compare, got 'kafkajs' alone/],
    [
      'a client to compare that is none',
      () => ['compare', 'kafkajs', 'kafkaj'],
      /'kafkaj' is no client, no configuration file and no module/,
    ],
    [
      'a configuration to compare that its client cannot have',
      () => ['compare', 'kafkajs', `kafkajs:${file('polls.yaml', 'consumer:\n  max.poll.records: 5\n')}`],
      /polls\.yaml asks for what kafkajs cannot do:/,
    ],
    ['a sweep of nothing', () => ['compare', '--sweep', 'speed=1,2'], /no word 'speed' in a configuration/],
    ['a sweep of one point', () => ['compare', '--sweep', 'session.timeout=6000'], /two are the least/],
    ['broken JSON', () => ['replay', file('broken.json', '{"version":')], /broken\.json is not JSON/],
    [
      'an unknown key in a scenario',
      () => ['replay', file('keys.json', { ...generateScenario(1, 0), sped: 1 })],
      /keys\.json is not a scenario:\n {2}sped: expected no such key/,
    ],
    [
      'a history that is none',
      () => ['check', file('history.jsonl', '{"kind":"nothing"}\n')],
      /history\.jsonl.*line 1/s,
    ],
  ])('refuses %s with exit code 2', async (_, commandArguments, message) => {
    const out = mkdtempSync(join(folder, 'out-'));
    const words = commandArguments();
    const { code, stdout, stderr } = await runCommand(
      ['run', 'replay', 'compare'].includes(words[0] as string) ? [...words, '--out', out] : words,
    );
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/at .*\.js:\d+/);
    expect(stdout).toBe('');
    expect(code).toBe(2);
    expect(readdirSync(out)).toEqual([]);
  });

  it('refuses a scenario that the world cannot run, and says why', async () => {
    const scenario = generateScenario(1, 0);
    const [group] = scenario.groups;
    const path = file('none.json', { ...scenario, groups: [{ ...group, autoOffsetReset: 'none' }] });
    const { code, stderr } = await runCommand(['replay', path, '--out', join(folder, 'out')]);
    expect(stderr).toMatch(/autoOffsetReset.*kafkajs/s);
    expect(code).toBe(2);
  });
});

describe('no world', () => {
  it('says that no Docker daemon answers, with exit code 3', async () => {
    const { code, stderr, stdout } = await runCommand(
      ['run', '--world', 'kafka', '--runs', '1', '--seed', '1', '--out', join(folder, 'no-docker')],
      noDocker,
    );
    expect(stderr).toMatch(/Docker/);
    expect(stderr).not.toMatch(/at .*\.js:\d+/);
    expect(stdout).toBe('');
    expect(code).toBe(3);
  });

  it('says that a cluster cannot be reached, with exit code 3', async () => {
    const { code, stderr } = await runCommand([
      ...['run', '--world', 'kafka', '--runs', '1', '--seed', '1', '--brokers', '127.0.0.1:1'],
      ...['--out', join(folder, 'unreachable')],
    ]);
    expect(stderr).toMatch(/127\.0\.0\.1:1/);
    expect(stderr).not.toMatch(/at .*\.js:\d+/);
    expect(code).toBe(3);
  });

  it('lets the doctor say what is missing, as text and as JSON', async () => {
    const text = await runCommand(['doctor'], noDocker);
    expect(text.stdout).toMatch(/cannot run here yet/);
    expect(text.code).toBe(3);
    const json = await runCommand(['doctor', '--json'], noDocker);
    expect(JSON.parse(json.stdout)).toMatchObject({ worlds: { sim: true, kafka: false } });
    expect(json.code).toBe(3);
  });
});

/** A result without what differs between two runs of the same: when, how long, and where to. */
function timeless(result: RunResult): unknown {
  const { startedAt: _, cpuSeconds: __, wallSeconds: ___, runDirectory, ...rest } = result;
  const results = rest.results.map(({ wallSeconds: ____, ...one }) => one);
  const text = JSON.stringify({ ...rest, results });
  return JSON.parse(text.replaceAll(runDirectory as string, '<run>'));
}

/** The files of a kept scenario, from the run directory. */
const filesOf = (directory: string | null, index: number): string[] =>
  directory === null
    ? []
    : ['scenario.json', 'history.jsonl', 'verdict.json'].map((name) =>
        join('scenarios', `${String(index).padStart(4, '0')}-seed-3-${index}`, name),
      );

describe('the simulated world', () => {
  it('gives the same result and the same files for a seed, run after run, with any number of jobs', async () => {
    const run = async (out: string, jobs: number): Promise<RunResult> => {
      const words = ['run', '--runs', '4', '--seed', '3', '--strict', '--jobs', String(jobs), '--json'];
      words.push('--out', join(folder, out));
      const { code, stdout } = await runCommand(words, noDocker);
      const result = runResultSchema.parse(JSON.parse(stdout));
      expect(code).toBe(outcomeOf(result) === 'invalid' ? 1 : 0);
      return result;
    };
    const [first, second] = [await run('sim-1', 1), await run('sim-2', 2)];
    expect(first.scenarios.unknown).toBe(0);
    expect(first.traceHash).toMatch(/^[0-9a-f]{64}$/);
    expect(second.traceHash).toBe(first.traceHash);
    expect(first.anomalies.length).toBeGreaterThan(0);
    expect(timeless(second)).toEqual(timeless(first));
    // Not run.json, the reports and junit.xml, which show how long it took.
    const files = [
      'clients.log',
      ...first.results.flatMap(({ directory, index }) => filesOf(directory, index)),
    ];
    expect(files.length).toBeGreaterThan(6);
    for (const file of files)
      expect(readFileSync(join(folder, 'sim-2', 'latest', file)), file).toEqual(
        readFileSync(join(folder, 'sim-1', 'latest', file)),
      );
    // Two whole commands, which share the processors with the other tests.
  }, 120_000);

  it.each([1, 2])('ends at Ctrl-C with what was found, with %i jobs', async (jobs) => {
    const out = join(folder, `interrupted-${jobs}`);
    const words = ['run', '--runs', '100000', '--seed', '3', '--strict', '--profile', 'members', '--json'];
    const command = startCommand([...words, '--jobs', String(jobs), '--out', out], noDocker);
    await command.said(/running/);
    const scenarios = join(out, 'latest', 'scenarios');
    const changes = watch(scenarios)[Symbol.asyncIterator]();
    if (readdirSync(scenarios).length === 0) await changes.next();
    command.child.kill('SIGINT');
    const { code, stdout, stderr } = await command.ended;
    await changes.return?.();
    const result = runResultSchema.parse(JSON.parse(stdout));
    expect(result.interrupted).toBe(true);
    expect(result.scenarios.run).toBeGreaterThan(0);
    expect(result.results.map(({ index }) => index)).toEqual(result.results.map((_, place) => place));
    expect(code).toBe(result.scenarios.invalid > 0 ? 1 : 3);
    expect(stderr).toMatch(/keeping what was found/);
  });
});

describe('a look into a simulated run', () => {
  const replay = async (...words: string[]) =>
    await runCommand(['replay', '3:3:calm', ...words, '--out', join(folder, 'looks')], noDocker);

  it('ends at an event, with the state there, as one document', async () => {
    const { code, stdout } = await replay('--until', 'group-generation:20', '--verbose', '--json');
    const { until, happenings, state, scenario } = inspectionSchema.parse(JSON.parse(stdout));
    expect(scenario.name).toBe('seed-3-3-calm');
    const last = happenings.at(-1);
    expect(last).toMatchObject({ event: { kind: 'group-generation', seq: until.seq } });
    expect(until.seq).toBeGreaterThanOrEqual(20);
    expect(happenings.some((one) => 'message' in one)).toBe(true);
    expect(state.groups.length).toBeGreaterThan(0);
    expect(code).toBe(0);
    // Nothing was judged, so nothing was kept.
    expect(existsSync(join(folder, 'looks'))).toBe(false);
  });

  it('says which events there are where none is meant', async () => {
    const { code, stdout, stderr } = await replay('--until', '100000');
    expect(stderr).toMatch(/no such event happens\.\nThe history has the events 0 to \d+\./);
    expect(stdout).toBe('');
    expect(code).toBe(2);
  });

  it('shows all messages and events, and then the verdict', async () => {
    const { code, stdout } = await replay('--verbose');
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/event 0 \(start\): the run began: kafkajs/);
    const end = lines.indexOf('');
    expect(lines[end - 1]).toMatch(/event \d+ \(finish\): the run ended$/);
    expect(lines.slice(0, end).filter((line) => / Fetch v\d+ #\d+ \{/.test(line)).length).toBeGreaterThan(20);
    expect(lines[end + 1]).toMatch(/^(VALID|INVALID): /);
    expect(code).toBe(lines[end + 1]?.startsWith('VALID') === true ? 0 : 1);
  });
});

describe('lessons', () => {
  it('are listed with their titles, as text and as one document', async () => {
    const [text, json] = await Promise.all([runCommand(['lessons']), runCommand(['lessons', '--json'])]);
    const { world, lessons } = lessonsResultSchema.parse(JSON.parse(json.stdout));
    expect(world).toBeNull();
    expect(lessons.length).toBeGreaterThan(25);
    const lines = text.stdout.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual(lessons.map(({ name, title }) => [name, title]));
    expect([text.code, json.code]).toEqual([0, 0]);
  });

  it('are told step by step, with what they show and the verdict', async () => {
    const { code, stdout } = await runCommand(['lessons', 'commit-before-processing'], noDocker);
    expect(stdout).toMatch(/^Commit before processing: a crash loses records\n/);
    expect(stdout).toMatch(/ {2}2\.30 s {2}m1 was killed \(SIGKILL\)\n/);
    expect(stdout).toMatch(/What it shows\n {2}Records p-8 to p-9 were never processed in billing\.\n/);
    expect(stdout).toMatch(
      /\nVALID: at-least-once observed, commit-within-processed observed\ncommit-before-processing {2}as expected\n$/,
    );
    expect(code).toBe(0);
  });

  it('are one document each with --json', async () => {
    const { code, stdout } = await runCommand(['lessons', 'crash-before-commit', '--json'], noDocker);
    const { world, lessons } = lessonsResultSchema.parse(JSON.parse(stdout));
    expect(world).toBe('simulated');
    expect(lessons).toEqual([
      expect.objectContaining({ name: 'crash-before-commit', result: 'as expected', verdict: 'valid' }),
    ]);
    expect(code).toBe(0);
  });

  it('on real Kafka without a Docker daemon give no result, with exit code 3', async () => {
    const { code, stderr, stdout } = await runCommand(
      ['lessons', 'crash-before-commit', '--world', 'kafka'],
      noDocker,
    );
    expect(`${stdout}${stderr}`).toMatch(/Docker/);
    expect(`${stdout}${stderr}`).not.toMatch(/at .*\.js:\d+/);
    expect(code).toBe(3);
  });
});

describe('a broken application is caught by name in at most twenty generated scenarios', () => {
  // So many scenarios as it takes with this seed.
  it.each([
    ['skip-partition', 'at-least-once', 'lost: delivered and never processed', '1'],
    ['rewind-commit', 'commit-monotonic', 'commit went back in one member', '1'],
    ['commit-before-processing', 'at-least-once', 'lost: committed before it was processed', '10'],
  ])('%s by %s', async (mutant, property, signature, runs) => {
    const words = ['--mutant', mutant, '--runs', runs, '--seed', '7', '--profile', 'members'];
    const run = await runCommand(['run', ...words, '--json', '--out', join(folder, mutant)], noDocker);
    expect(runResultSchema.parse(JSON.parse(run.stdout)).anomalies).toContainEqual(
      expect.objectContaining({ property, signature, policy: 'illegal' }),
    );
    expect(run.code).toBe(1);
  });
});

describe('a history that shows a known bug', () => {
  it('is judged by check as by the run that recorded it: known by name, and invalid', async () => {
    const bug = JSON.parse(
      readFileSync('scenarios/known-bugs/kafkajs-commit-while-stopping.json', 'utf8'),
    ) as { scenario: unknown };
    const out = join(folder, 'known');
    const replayed = await runCommand(['replay', file('bug.json', bug.scenario), '--out', out, '--json']);
    const [shown] = runResultSchema.parse(JSON.parse(replayed.stdout)).anomalies;
    const checked = await runCommand(['check', shown?.historyFile ?? '', '--json']);
    const { anomalies } = runResultSchema.parse(JSON.parse(checked.stdout));
    expect([replayed.code, checked.code]).toEqual([1, 1]);
    expect(anomalies).toContainEqual(
      expect.objectContaining({ property: 'no-lost-commit', known: 'kafkajs-commit-while-stopping' }),
    );
  });
});

describe('help', () => {
  it.each([
    ['--help'],
    ['run', '--help'],
    ['replay', '--help'],
    ['compare', '--help'],
    ['check', '--help'],
    ['lessons', '--help'],
    ['report', '--help'],
    ['doctor', '--help'],
    ['completion', '--help'],
  ])('is given for %s %s', async (...words) => {
    const { code, stdout } = await runCommand(words.filter((word) => word !== undefined));
    expect(stdout).toMatch(/^Usage: kafka-trial/);
    expect(words.length === 1 || /\nExamples?:\n {2}kafka-trial /.test(stdout)).toBe(true);
    expect(code).toBe(0);
  });
});
