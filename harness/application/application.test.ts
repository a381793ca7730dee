/** Applications of a user's on trial in the simulated world: bundled, asked what they do, run unmodified, and watched. */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { judge } from '../../properties/index.ts';
import { fitToApplication } from '../../scenarios/application.ts';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { parseScenario, type Scenario } from '../../scenarios/schema.ts';
import type { EventKind, EventOf, History } from '../history/schema.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { runCommand } from '../testing/command-line.ts';
import { packageRoot } from '../version.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import type { BuiltApplication } from '../world/world.ts';
import { type ApplicationOptions, openApplication } from './open.ts';

const module = (name: string): string =>
  relative(process.cwd(), join(packageRoot, 'harness/application/testing/modules', name));

const awaiting: ApplicationOptions = {
  file: module('awaiting.ts'),
  values: { 'shop.orders': '{"id":"{record}","number":{number}}' },
};
const starting: ApplicationOptions = {
  file: module('starting.cjs'),
  groupId: 'writers',
  topics: ['orders'],
  environment: { STORE_PREFIX: 'kept ' },
  substitutes: { './store.cjs': module('store-in-memory.cjs') },
};

/** Two members that join; the first is killed, stalled, told to leave or sent SIGTERM. */
function scenarioFor({ shape }: BuiltApplication, actions: Scenario['actions'] = []): Scenario {
  const [drawn] = [generateScenario(1, 0, 'calm')] as [Scenario];
  const fitted = fitToApplication(drawn, shape);
  const topic = shape.topics[0]?.name as string;
  return parseScenario(
    {
      ...fitted,
      topology: {
        ...fitted.topology,
        topics: fitted.topology.topics.map((one) => ({ ...one, partitions: 3 })),
      },
      producers: [
        {
          id: 'p1',
          topics: [topic],
          acks: 'all',
          idempotent: false,
          keys: null,
          records: 60,
          recordsPerSend: 3,
          valueBytes: 0,
          startMs: 500,
          stopMs: 8_000,
        },
      ],
      groups: [{ ...fitted.groups[0], members: [{ id: 'm1' }, { id: 'm2' }] }],
      actions: [{ kind: 'join', atMs: 0, member: 'm1' }, { kind: 'join', atMs: 0, member: 'm2' }, ...actions],
      settling: { boundMs: 60_000 },
    },
    'the test',
  );
}

async function run(application: BuiltApplication, scenario: Scenario) {
  const recorder = new HistoryRecorder();
  const log: string[] = [];
  const world = new SimulatedWorld({ onLog: (_origin, line) => log.push(line) });
  await world.run(scenario, { client: 'kafkajs', mutant: null, application }, recorder);
  return { history: recorder.finishHistory(), hash: recorder.trace?.hash, log };
}

const eventsOf = <K extends EventKind>({ events }: History, kind: K): EventOf<K>[] =>
  events.filter((event): event is EventOf<K> => event.kind === kind);

const illegal = (history: History) => judge(history).anomalies.filter(({ policy }) => policy === 'illegal');

describe('the words that name an application again', () => {
  it('are options of the command line', async () => {
    await using opened = await openApplication({ ...starting, values: '{record}' });
    const named = opened.words.filter((word) => word.startsWith('--'));
    expect(named).toEqual(['--application', '--topics', '--group', '--value', '--env', '--substitute']);
    const { stdout } = await runCommand(['replay', '--help']);
    for (const option of named) expect(stdout).toContain(`${option} <`);
  });
});

describe('a module that starts when it is imported', () => {
  it('is asked what it does: its group, its topics and its configuration', async () => {
    await using opened = await openApplication(awaiting);
    expect(opened.application.clientVersion).toBe('2.2.4');
    expect(opened.application.shape).toEqual({
      topics: [{ name: 'shop.orders', consumed: true, value: '{"id":"{record}","number":{number}}' }],
      group: expect.objectContaining({
        id: 'shop.Outbox',
        sessionTimeoutMs: 6_000,
        rebalanceTimeoutMs: 60_000,
        heartbeatIntervalMs: 500,
        autoOffsetReset: 'earliest',
        consumeMode: 'each-message',
        commitMode: { kind: 'per-record' },
        commitOrder: 'process-then-commit',
      }),
    });
  });

  it('is watched without a change in it: joins, deliveries, processing, its commits, on the wire too', async () => {
    await using opened = await openApplication(awaiting);
    const { history, log } = await run(opened.application, scenarioFor(opened.application));
    expect(log).toEqual([]);
    expect(illegal(history)).toEqual([]);
    expect(new Set(eventsOf(history, 'client-joined').map(({ process }) => process))).toEqual(
      new Set(['m1.1', 'm2.1']),
    );
    const records = new Set(eventsOf(history, 'processing-begin').map(({ record }) => record));
    for (let n = 0; n < 60; n++) expect(records).toContain(`p1-${n}`);
    const begun = eventsOf(history, 'processing-begin').length;
    for (const kind of ['delivery', 'processing-end', 'application-commit-end', 'commit-ok'] as const)
      expect([kind, eventsOf(history, kind).length]).toEqual([kind, begun]);
    expect(eventsOf(history, 'wire-sync').length).toBeGreaterThan(0);
  });

  it('gives the same trace on every run', async () => {
    await using one = await openApplication(awaiting);
    await using other = await openApplication(awaiting);
    const scenario = scenarioFor(one.application, [{ kind: 'crash', atMs: 3_000, member: 'm1' }]);
    const hash = (await run(one.application, scenario)).hash;
    expect((await run(other.application, scenario)).hash).toBe(hash);
  });

  it.each(['leave', 'terminate'] as const)(
    'hears of its %s by SIGTERM and leaves its group',
    async (kind) => {
      await using opened = await openApplication(awaiting);
      const scenario = scenarioFor(opened.application, [{ kind, atMs: 4_000, member: 'm1' }]);
      const { history } = await run(opened.application, scenario);
      expect(eventsOf(history, 'wire-leave').map(({ process }) => process)).toContain('m1.1');
      const exit = eventsOf(history, 'process-exit').find(({ process }) => process === 'm1.1');
      expect(exit).toMatchObject({ code: 0, signal: null });
      expect(exit?.time).toBeLessThan(5_000);
      expect(illegal(history)).toEqual([]);
    },
  );
});

describe('a module with a start function', () => {
  it('is given names and addresses, and a substitute for what reaches the machine', async () => {
    await using opened = await openApplication(starting);
    expect(opened.application.shape.group).toMatchObject({
      id: 'writers',
      consumeMode: 'manual',
      commitMode: { kind: 'auto', intervalMs: null, thresholdRecords: null },
    });
    const scenario = scenarioFor(opened.application, [
      { kind: 'crash', atMs: 3_000, member: 'm1' },
      { kind: 'join', atMs: 4_000, member: 'm1' },
      { kind: 'leave', atMs: 12_000, member: 'm2' },
    ]);
    const { history, log } = await run(opened.application, scenario);
    expect(log).toEqual([]);
    expect(illegal(history)).toEqual([]);
    const records = new Set(eventsOf(history, 'processing-begin').map(({ record }) => record));
    for (let n = 0; n < 60; n++) expect(records).toContain(`p1-${n}`);
    // It is told to end by the signal that it was given.
    expect(eventsOf(history, 'wire-leave').map(({ process }) => process)).toContain('m2.1');
  });

  it('fails by the name of what it may not use, with the way out, and without a verdict', async () => {
    const { substitutes: _, ...unsubstituted } = starting;
    await using opened = await openApplication(unsubstituted);
    await expect(run(opened.application, scenarioFor(opened.application))).rejects.toMatchObject({
      name: 'WorldUnavailableError',
      exitCode: 3,
      message: expect.stringMatching(/^m[12]\.1 cannot run in the simulated world/),
      hint: expect.stringMatching(
        /'node:fs\/promises\.appendFile' is not to be had in the simulated world.*--substitute.*--world kafka/,
      ),
    });
  });

  it('is refused where it runs several consumers of its group, which nobody could tell apart', async () => {
    await using opened = await openApplication({
      file: module('two-consumers.cjs'),
      groupId: 'writers',
      topics: ['orders'],
    });
    await expect(run(opened.application, scenarioFor(opened.application))).rejects.toMatchObject({
      message: expect.stringMatching(/^m[12]\.1 cannot be put on trial/),
      hint: expect.stringContaining("several consumers of group 'writers' in one process"),
    });
  });

  it('leaves nothing behind', async () => {
    let bundle: string;
    {
      await using opened = await openApplication(starting);
      bundle = opened.application.bundle;
      expect(existsSync(bundle)).toBe(true);
    }
    expect(existsSync(bundle)).toBe(false);
  });
});

describe('what cannot be put on trial', () => {
  it.each<[string, ApplicationOptions, RegExp]>([
    ['a file that is not there', { file: 'nowhere.ts' }, /^There is no application module 'nowhere\.ts'\.$/],
    ['a module without kafkajs', { file: module('without-kafka.mjs') }, /imports no kafkajs/],
    [
      'a module that fails before it consumes',
      { file: module('not-consuming.mjs') },
      /has not begun to consume with kafkajs\.\n {2}Error: the configuration is missing/,
    ],
    [
      'a substitute that is not there',
      { ...starting, substitutes: { './store.cjs': 'nothing.cjs' } },
      /There is no file '.*nothing\.cjs' to put in the place of '\.\/store\.cjs'/,
    ],
    [
      'topics other than its own',
      { ...awaiting, topics: ['payments'] },
      /subscribes to 'shop\.orders', which is none of its topics \(payments\)/,
    ],
    [
      'a promise that no scenario knows',
      { ...awaiting, group: { sessionTimeoutMs: 1 } },
      /sessionTimeoutMs: .*500/,
    ],
  ])('%s', async (_what, options, message) => {
    await expect(openApplication(options)).rejects.toMatchObject({ message: expect.stringMatching(message) });
  });
});

describe('a generated scenario', () => {
  it('keeps its course with the group, topics and sessions of the application', async () => {
    await using opened = await openApplication(awaiting);
    const { shape } = opened.application;
    const kinds = new Set<string>();
    for (let index = 0; index < 200; index++) {
      const drawn = generateScenario(
        5,
        index,
        (['default', 'network', 'members', 'brokers'] as const)[index % 4],
      );
      const fitted = parseScenario(fitToApplication(drawn, shape), 'the fitted scenario');
      expect(fitted.groups).toHaveLength(1);
      expect(fitted.groups[0]).toMatchObject({ id: 'shop.Outbox', topics: ['shop.orders'] });
      expect(fitted.groups[0]?.members).toHaveLength(drawn.groups[0]?.members.length as number);
      for (const action of fitted.actions) kinds.add(action.kind);
      const stallsMs = fitted.actions.flatMap((one) => (one.kind === 'stall' ? [one.durationMs] : []));
      expect(Math.min(...stallsMs, Number.POSITIVE_INFINITY)).toBeGreaterThan(6_000);
    }
    expect(kinds.size).toBeGreaterThan(10);
  });
});
