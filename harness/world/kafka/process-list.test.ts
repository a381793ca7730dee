/** The processes of this machine: real children and recorded listings enter, their facts are checked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { listProcesses, ownStart, parsePs, parseStat, readProcess } from './process-list.ts';

test('a command with spaces and parentheses does not shift the fields', () => {
  const stat =
    '4711 (a) b (c) T 1 4711 4711 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 1000 200 18446744073709551615';
  expect(parseStat(stat)).toEqual({ state: 'T', startTicks: '987654' });
  expect(() => parseStat('4711 (short) S 1')).toThrow('not a process status');
});

test('a listing of ps is read, without the dead that wait for their parents', () => {
  const listing = [
    '    1 Ss   Sun Nov 22 15:50:01 2026     /sbin/init',
    ' 4711 S+   Sun Nov  2 16:01:02 2026     node main.js --kafka-trial-session=a',
    ' 4712 Z    Sun Nov 22 16:01:03 2026     (node)',
    '',
  ].join('\n');
  expect(parsePs(listing)).toEqual([
    { pid: 1, started: '1795362601', commandLine: ['/sbin/init'] },
    { pid: 4711, started: '1793635262', commandLine: ['node', 'main.js', '--kafka-trial-session=a'] },
  ]);
});

test('this process is found, and its start is the same however it is asked for', async () => {
  const self = await readProcess(process.pid);
  expect(self?.started).toBe(ownStart());
  expect((await listProcesses()).find(({ pid }) => pid === process.pid)?.started).toBe(ownStart());
});

test('a child is found with its arguments, and no more once it has ended', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1_000)', '--', 'an argument']);
  await once(child, 'spawn');
  const pid = child.pid as number;
  expect((await readProcess(pid))?.commandLine).toContain('an argument');
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await readProcess(pid)).toBeUndefined();
});

test('a process that has ended but not been waited for is gone', async () => {
  // The inner shell ends when it is told to, after the outer one has become a program that never asks after it.
  const script = 'exec 3<&0; /bin/sh -c "read line <&3" & echo $!; exec sleep 60';
  const parent = spawn('/bin/sh', ['-c', script]);
  try {
    const [output] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(output.toString());
    const isSleep = async () => (await readProcess(parent.pid as number))?.commandLine[0] === 'sleep';
    await expect.poll(isSleep, { timeout: 5_000 }).toBe(true);
    parent.stdin.write('\n');
    await expect.poll(() => readProcess(pid), { timeout: 5_000 }).toBeUndefined();
    // The system itself still lists it.
    expect(() => process.kill(pid, 0)).not.toThrow();
  } finally {
    parent.kill('SIGKILL');
  }
});
