/** Versions of a client side by side: found, bundled, put on trial in both kinds of process, and told apart. */
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateScenario } from '../../scenarios/arbitrary.ts';
import { UsageError } from '../errors.ts';
import { HistoryRecorder } from '../history/writer.ts';
import { Threads } from '../runner/threads.ts';
import { packageRoot } from '../version.ts';
import type { Isolation } from '../world/simulated/process/client-bundle.ts';
import { SimulatedWorld } from '../world/simulated/simulated-world.ts';
import { buildOf, describeClient } from './builds.ts';
import { findPackage } from './installed-package.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'builds-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const scenario = generateScenario(1, 4, 'members');

async function run(client: string, isolation?: Isolation) {
  const recorder = new HistoryRecorder();
  const world = new SimulatedWorld(isolation === undefined ? {} : { isolation });
  await world.run(scenario, { client, mutant: null }, recorder);
  return { start: recorder.finishHistory().start, hash: recorder.trace?.hash };
}

/** A working copy of kafkajs, with something added to one of its files. */
function workingCopy(name: string, added: string): string {
  const copy = join(folder, name);
  cpSync(join(packageRoot, 'node_modules', 'kafkajs'), copy, { recursive: true });
  appendFileSync(join(copy, 'src', 'consumer', 'runner.js'), added);
  return `kafkajs@${copy}`;
}

describe('a version of a client', () => {
  it('is the one that was asked for, and the history says so', async () => {
    const [own, same, old] = [await run('kafkajs'), await run('kafkajs@2.2.4'), await run('kafkajs@2.0.0')];
    expect(own.start.client).toEqual({ name: 'kafkajs', version: '2.2.4' });
    expect(old.start.client).toEqual({ name: 'kafkajs', version: '2.0.0' });
    expect(same.hash).toBe(own.hash);
    expect(old.hash).not.toBe(own.hash);
  });

  it.each(['kafkajs@2.0.0', 'kafkajs@2.0.2', 'kafkajs@2.2.3'])(
    '%s runs the same whether its processes share modules or not',
    async (client) => {
      expect((await run(client, 'process')).hash).toBe((await run(client, 'thread')).hash);
    },
  );

  it('runs in worker threads as in this one', async () => {
    await using threads = new Threads({ subject: { client: 'kafkajs@2.0.2', mutant: null }, properties: [] });
    const ran = await threads.execute({ index: 1, scenario }, new AbortController().signal);
    expect(ran.traceHash).toBe((await run('kafkajs@2.0.2')).hash);
  });

  it('runs in a child process', () => {
    const { childFile } = buildOf('kafkajs@2.0.2');
    const { status, stderr } = spawnSync(process.execPath, [childFile], {
      input: 'hello\n',
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/expected a start command/);
    expect(status).toBe(2);
  });

  it('that is not installed is refused, with how to install it', () => {
    let error: unknown;
    try {
      buildOf('kafkajs@2.1.0');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({
      message: 'kafkajs 2.1.0 is not installed.',
      hint: 'Install it beside the others: npm install --save-dev kafkajs-2.1.0@npm:kafkajs@2.1.0 (installed: 2.0.0, 2.0.2, 2.2.3, 2.2.4).',
    });
  });
});

describe('a working copy', () => {
  it('is told from the release and from another state of itself by its files alone', async () => {
    const [one, same, other] = [
      workingCopy('one', '// changed'),
      workingCopy('same', '// changed'),
      workingCopy('other', '\nconst other = 1;'),
    ];
    const versions = [one, same, other].map((client) => describeClient(client).version);
    for (const version of versions) expect(version).toMatch(/^2\.2\.4\+local\.[0-9a-f]{8}$/);
    expect(versions[0]).toBe(versions[1]);
    expect(versions[0]).not.toBe(versions[2]);
    expect((await run(one)).hash).toBe((await run('kafkajs')).hash);
  });

  it('without a package.json, or of a version that is too old, is refused', () => {
    expect(() => buildOf(`kafkajs@${folder}/nothing`)).toThrow(/no package\.json with a version/);
    const old = join(folder, 'old');
    mkdirSync(old);
    writeFileSync(join(old, 'package.json'), '{"name":"kafkajs","version":"1.16.0"}');
    expect(() => buildOf(`kafkajs@${old}`)).toThrow(/kafkajs 1\.16\.0 is too old/);
  });

  it('that cannot be bundled says why', () => {
    const broken = workingCopy('broken', '\nrequire("./no-such-file");');
    expect(() => buildOf(broken)).toThrow(/cannot be bundled: .*no-such-file/s);
  });
});

describe('where packages are looked for', () => {
  it("is first where the command was given, then among kafka-trial's own", () => {
    const own = join(folder, 'project', 'node_modules', 'kafkajs');
    mkdirSync(own, { recursive: true });
    writeFileSync(join(own, 'package.json'), '{"name":"kafkajs","version":"2.1.0"}');
    const deep = join(folder, 'project', 'deep');
    const find = (version: string) =>
      findPackage({ name: 'kafkajs', source: { kind: 'version', version } }, deep);
    expect(find('2.1.0')).toEqual({ folder: own, version: '2.1.0', released: true });
    expect(find('2.0.0').folder).toBe(join(packageRoot, 'node_modules', 'kafkajs-2.0.0'));
  });

  it('finds a fork under its own name, and says that it is none of the releases', () => {
    const fork = join(folder, 'project', 'node_modules', '@acme', 'kafkajs');
    mkdirSync(fork, { recursive: true });
    writeFileSync(join(fork, 'package.json'), '{"name":"@acme/kafkajs","version":"2.2.4"}');
    const find = (packageName: string) =>
      findPackage({ name: 'kafkajs', source: { kind: 'package', packageName } }, join(folder, 'project'));
    expect(find('@acme/kafkajs')).toEqual({ folder: fork, version: '2.2.4', released: false });
    expect(find('kafkajs-2.0.2')).toMatchObject({ version: '2.0.2', released: true });
    expect(() => find('kafkajs-nobody')).toThrow(/'kafkajs-nobody' is not installed/);
  });
});
