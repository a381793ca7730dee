/** The command line on real Kafka, as a user has it: results, replays, every kind of ending, and a cluster of one's own. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { comparisonSchema } from '../../reports/comparison.ts';
import { outcomeOf, type RunResult, runResultSchema } from '../../reports/results.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { runCommand, startCommand } from '../testing/command-line.ts';
import { startClusterSet } from '../world/kafka/cluster-set.ts';
import { NAME_PREFIX } from '../world/kafka/names.ts';
import { openAdmin } from '../world/kafka/observer/admin.ts';
import { listProcesses } from '../world/kafka/process-list.ts';

const execute = promisify(execFile);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cli-kafka-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** What a harness process left behind on this machine. */
async function leftOf(harnessPid: number | undefined): Promise<string[]> {
  const label = `label=kafka-trial.harness-pid=${harnessPid}`;
  const [containers, networks, processes] = await Promise.all([
    execute('docker', ['ps', '--all', '--quiet', '--filter', label]),
    execute('docker', ['network', 'ls', '--quiet', '--filter', label]),
    listProcesses(),
  ]);
  const children = processes.filter(({ commandLine }) =>
    commandLine.some((word) => word.startsWith(`--kafka-trial-harness=${harnessPid}:`)),
  );
  return [
    ...`${containers.stdout}${networks.stdout}`.split('\n').filter((line) => line !== ''),
    ...children.map(({ pid }) => `process ${pid}`),
  ];
}

const runOf = (out: string): RunResult =>
  runResultSchema.parse(JSON.parse(readFileSync(join(out, 'latest', 'run.json'), 'utf8')));

describe('run, check and replay', () => {
  it('give results that agree, and leave nothing running', async () => {
    const out = join(folder, 'run');
    const words = [
      'run',
      '--world',
      'kafka',
      '--runs',
      '3',
      '--seed',
      '1',
      '--profile',
      'calm',
      '--json',
      '--out',
      out,
    ];
    const run = startCommand(words);
    const { stdout, code } = await run.ended;
    const result = runResultSchema.parse(JSON.parse(stdout));
    expect(result).toEqual(runOf(out));
    expect(result.scenarios).toMatchObject({ run: 3, unknown: 0 });
    expect(code).toBe(outcomeOf(result) === 'invalid' ? 1 : 0);
    expect(await leftOf(run.child.pid)).toEqual([]);
    expect(readdirSync(join(out, 'latest')).sort()).toEqual(
      expect.arrayContaining(['junit.xml', 'report.html', 'run.json', 'scenarios']),
    );

    const kept = result.results[0]?.directory as string;
    const check = await runCommand(['check', join(kept, 'history.jsonl'), '--json']);
    const messages = ({ anomalies }: RunResult) => anomalies.map(({ message }) => message);
    expect(messages(runResultSchema.parse(JSON.parse(check.stdout)))).toEqual(
      result.anomalies.filter(({ scenarioIndex }) => scenarioIndex === 0).map(({ message }) => message),
    );

    const replay = await runCommand([
      ...['replay', kept, '--world', 'kafka', '--times', '2', '--json'],
      ...['--out', join(folder, 'replay')],
    ]);
    expect(runResultSchema.parse(JSON.parse(replay.stdout)).scenarios).toMatchObject({ run: 2, unknown: 0 });
  });

  it('say that a history is broken when it was changed by hand', async () => {
    const out = join(folder, 'run');
    const kept = runOf(out).results[0]?.directory as string;
    const lines = readFileSync(join(kept, 'history.jsonl'), 'utf8').trimEnd().split('\n');
    // A record that nobody processed, although it is in the log: the last processing of the run is taken out.
    const end = lines.findLastIndex((line) => line.includes('"processing-end"'));
    const { topic, partition, offset } = JSON.parse(lines[end] as string) as Record<string, unknown>;
    const without = lines.filter((line) => {
      if (!line.includes('"processing-')) return true;
      const event = JSON.parse(line) as Record<string, unknown>;
      return !(event.topic === topic && event.partition === partition && event.offset === offset);
    });
    const changed = join(folder, 'changed.jsonl');
    writeFileSync(
      changed,
      `${without.map((line, seq) => JSON.stringify({ ...JSON.parse(line), seq })).join('\n')}\n`,
    );
    const { code, stdout } = await runCommand(['check', changed]);
    expect(stdout).toMatch(/at-least-once/);
    expect(code).toBe(1);
  });
});

describe('a broken application is caught by name in generated scenarios', () => {
  // The third mutant has to be killed inside a record's processing, which real time brings about too seldom for a
  // test; it is caught on virtual time in cli.test.ts.
  it.each([
    ['skip-partition', 'at-least-once'],
    ['rewind-commit', 'commit-monotonic'],
  ])('%s by %s', async (mutant, property) => {
    const words = [
      '--world',
      'kafka',
      '--mutant',
      mutant,
      '--runs',
      '3',
      '--seed',
      '7',
      '--profile',
      'members',
    ];
    const run = await runCommand(['run', ...words, '--json', '--out', join(folder, mutant)]);
    const anomalies = runResultSchema
      .parse(JSON.parse(run.stdout))
      .anomalies.filter((anomaly) => anomaly.property === property && anomaly.policy === 'illegal');
    expect(anomalies).not.toEqual([]);
    expect(run.code).toBe(1);
  });
});

describe('every ending', () => {
  const begun = ['run', '--world', 'kafka', '--runs', '50', '--seed', '3', '--profile', 'members'];

  it.each(['SIGINT', 'SIGTERM'] as const)('%s keeps what was found and leaves nothing', async (signal) => {
    const out = join(folder, signal);
    const run = startCommand([...begun, '--out', out]);
    await run.said(/\b[1-9]\d* of 50/);
    run.child.kill(signal);
    const { code, stderr } = await run.ended;
    expect(stderr).toMatch(/Ending: keeping what was found/);
    expect([1, 3]).toContain(code);
    expect(await leftOf(run.child.pid)).toEqual([]);
    expect(runOf(out)).toMatchObject({ interrupted: true });
    expect(existsSync(join(out, 'latest', 'report.html'))).toBe(true);
  });

  it('kill -9 leaves what doctor then removes', async () => {
    const run = startCommand([...begun, '--out', join(folder, 'killed')]);
    await run.said(/\b[1-9]\d* of 50/);
    run.child.kill('SIGKILL');
    await run.ended;
    expect(await leftOf(run.child.pid)).not.toEqual([]);
    const doctor = await runCommand(['doctor']);
    expect(doctor.stdout).toMatch(/left .* behind\. They are removed now\./);
    expect(doctor.code).toBe(0);
    expect(await leftOf(run.child.pid)).toEqual([]);
  });

  it('an image that is not to be had is said, with what to do', async () => {
    const run = startCommand(
      ['run', '--world', 'kafka', '--runs', '1', '--seed', '1', '--out', join(folder, 'no-image')],
      {
        KAFKA_TRIAL_IMAGE: 'kafka-trial.invalid/none:1',
      },
    );
    const { code, stderr } = await run.ended;
    expect(stderr).toMatch(
      /The image kafka-trial\.invalid\/none:1 is not on this machine and could not be pulled/,
    );
    expect(code).toBe(3);
    expect(await leftOf(run.child.pid)).toEqual([]);
  });

  // Only the super-user can make a full disk; the image needs one too, so whoever has built it gets this far.
  it.runIf(process.getuid?.() === 0)('a full disk is said, and nothing is left', async () => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    await execute('mount', ['-t', 'tmpfs', '-o', 'size=48k', 'tmpfs', disk]);
    try {
      const words = [
        'run',
        '--world',
        'kafka',
        '--runs',
        '3',
        '--seed',
        '1',
        '--profile',
        'calm',
        '--out',
        disk,
      ];
      const run = startCommand(words);
      const { code, stderr } = await run.ended;
      expect(stderr).toMatch(/disk is full|no space left/i);
      expect(stderr).not.toMatch(/at .*\.js:\d+/);
      expect(code).toBe(3);
      expect(await leftOf(run.child.pid)).toEqual([]);
    } finally {
      await execute('umount', [disk]);
    }
  });
});

describe('a cluster of the user', () => {
  it('is used, left clean, and its brokers are left alone', async () => {
    await using set = await startClusterSet({ brokerCount: 1, sessionId: randomUUID() });
    await using admin = openAdmin({ bootstrapServers: [...set.bootstrapServers], tls: null, sasl: null });
    await admin.createTopics([{ name: 'not-ours', partitions: 1, replicationFactor: 1 }]);
    const scenario = generateScenario(1, 0, 'calm');
    const file = join(folder, 'external.json');
    writeFileSync(
      file,
      JSON.stringify({
        ...scenario,
        actions: [
          ...scenario.actions,
          { kind: 'crash-broker', atMs: 60_000, durationMs: 100, broker: 1 },
        ].map((action) =>
          action.kind === 'crash-broker' ? { ...action, atMs: scenario.actions.at(-1)?.atMs ?? 0 } : action,
        ),
      }),
    );
    const words = ['replay', file, '--world', 'kafka', '--brokers', set.bootstrapServers.join(','), '--json'];
    const { code, stdout } = await runCommand([...words, '--out', join(folder, 'external')]);
    const result = runResultSchema.parse(JSON.parse(stdout));
    expect(result.results[0]?.skippedActions).toEqual([expect.stringContaining('not ours')]);
    expect(result.scenarios.unknown).toBe(0);
    expect(code).toBe(result.scenarios.invalid);

    const comparison = comparisonSchema.parse(
      JSON.parse(
        (
          await runCommand([
            ...[
              'compare',
              'kafkajs',
              'reference',
              '--runs',
              '1',
              '--seed',
              '1',
              '--profile',
              'calm',
              '--json',
            ],
            ...[
              '--world',
              'kafka',
              '--brokers',
              set.bootstrapServers.join(','),
              '--out',
              join(folder, 'compared'),
            ],
          ])
        ).stdout,
      ),
    );
    expect(comparison.scenarios).toEqual({ run: 1, excluded: [] });
    expect(comparison.figures.commits).toMatchObject({ pairs: 1, a: expect.any(Number) });
    expect(Object.keys(comparison.figures).filter((name) => name.startsWith('requests'))).toEqual([]);
    expect(comparison.notMeasured.map(({ title }) => title)).toEqual(['requests, in all and by API']);
    expect(await set.unexpectedStates()).toEqual([]);
    expect(await admin.listTopics(NAME_PREFIX)).toEqual([]);
    expect(await admin.listGroups(NAME_PREFIX)).toEqual([]);
    expect(await admin.listTopics('not-ours')).toEqual(['not-ours']);
  });
});
