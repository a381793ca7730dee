/** What a killed harness leaves: real processes that name a dead harness enter, and are found and removed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { hostname } from 'node:os';
import { afterEach, describe, expect, test } from 'vitest';
import { type HarnessIdentity, harnessArguments } from './harness-identity.ts';
import { describeLeftovers, findLeftovers, type Leftovers, removeLeftovers } from './leftovers.ts';
import { readProcess } from './process-list.ts';

const children: ChildProcess[] = [];

async function start(commandLineArguments: readonly string[] = []): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, [
    '-e',
    'setInterval(() => {}, 1_000)',
    '--',
    ...commandLineArguments,
  ]);
  children.push(child);
  await once(child, 'spawn');
  return child as ChildProcess & { pid: number };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

async function identityOf(harness: { pid: number }): Promise<HarnessIdentity> {
  const { started } = (await readProcess(harness.pid)) as { started: string };
  return { pid: harness.pid, started, host: hostname() };
}

/** Only what carries this test's session, since other trials may run on the machine. */
async function findOwn(sessionId: string): Promise<Leftovers> {
  const { processes } = await findLeftovers();
  return {
    containers: [],
    networks: [],
    processes: processes.filter((found) => found.sessionId === sessionId),
    dockerUnavailable: null,
  };
}

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

describe('child processes', () => {
  test('those of a dead harness are found and removed, also one that is stopped', async () => {
    const sessionId = randomUUID();
    const harness = await start();
    const identity = await identityOf(harness);
    const running = await start(harnessArguments(sessionId, identity));
    const stopped = await start(harnessArguments(sessionId, identity));
    stopped.kill('SIGSTOP');

    expect((await findOwn(sessionId)).processes, 'while the harness lives').toEqual([]);
    await kill(harness);
    const found = await findOwn(sessionId);
    expect(new Set(found.processes.map(({ pid }) => pid))).toEqual(new Set([running.pid, stopped.pid]));

    const ended = Promise.all([once(running, 'exit'), once(stopped, 'exit')]);
    await removeLeftovers(found);
    expect((await ended).map(([, signal]) => signal)).toEqual(['SIGKILL', 'SIGKILL']);
    expect((await findOwn(sessionId)).processes).toEqual([]);
  });

  test('those of this very harness are left alone', async () => {
    const sessionId = randomUUID();
    await start(harnessArguments(sessionId));
    expect((await findOwn(sessionId)).processes).toEqual([]);
  });

  test('a process that got the id of one that was found is not killed in its place', async () => {
    const bystander = await start();
    const facts = await readProcess(bystander.pid);
    const stale = { pid: bystander.pid, started: `1${facts?.started}`, commandLine: [], sessionId: 'gone' };
    await removeLeftovers({ containers: [], networks: [], processes: [stale], dockerUnavailable: null });
    expect(await readProcess(bystander.pid)).toEqual(facts);
  });
});

test('the sentence counts what there is', () => {
  const nothing: Leftovers = { containers: [], networks: [], processes: [], dockerUnavailable: null };
  const resource = { id: '1', name: 'one', sessionId: 'a' };
  const child = { pid: 1, started: '1', commandLine: [], sessionId: 'a' };
  expect(describeLeftovers(nothing)).toBeNull();
  expect(describeLeftovers({ ...nothing, networks: [resource] })).toBe(
    'A harness that no longer runs left 1 network behind.',
  );
  expect(
    describeLeftovers({
      ...nothing,
      containers: [resource, resource],
      networks: [resource],
      processes: [child, child],
    }),
  ).toBe('A harness that no longer runs left 2 containers, 1 network and 2 child processes behind.');
});
