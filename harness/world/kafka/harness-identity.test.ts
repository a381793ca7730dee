/** Who made it: identities enter labels and arguments and come out again; living and dead are told apart. */
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import {
  type HarnessIdentity,
  harnessArguments,
  harnessLabels,
  identityFromArguments,
  identityFromLabels,
  isHarnessAlive,
  ownIdentity,
} from './harness-identity.ts';

const sessionId = '0c9c6b6e-0000-4000-8000-000000000001';
const identity: HarnessIdentity = { pid: 4711, started: '123@abcdef01', host: 'build-7' };

test('labels name the harness', () => {
  expect(identityFromLabels(harnessLabels(sessionId, identity))).toEqual({ sessionId, identity });
});

test('arguments name the harness, on this host', () => {
  const commandLine = ['node', 'member.js', ...harnessArguments(sessionId, identity), '--more'];
  expect(identityFromArguments(commandLine)).toEqual({
    sessionId,
    identity: { ...identity, host: hostname() },
  });
});

test.each([
  ['none', {}],
  ['a session only', { 'kafka-trial.session': 'a' }],
  ['a process id that is none', { ...harnessLabels('a', identity), 'kafka-trial.harness-pid': 'x' }],
  [
    'a process id that kill takes for a group',
    { ...harnessLabels('a', identity), 'kafka-trial.harness-pid': '-1' },
  ],
])('labels of somebody else are not ours: %s', (_, labels) => {
  expect(identityFromLabels(labels)).toBeUndefined();
});

test.each([
  ['none', ['node', 'main.js']],
  ['a session only', ['--kafka-trial-session=a']],
  ['no start', ['--kafka-trial-session=a', '--kafka-trial-harness=4711']],
  ['part of a longer one', [`grep -- --kafka-trial-session=a`, 'sh --kafka-trial-harness=1:2']],
])('arguments of somebody else are not ours: %s', (_, commandLine) => {
  expect(identityFromArguments(commandLine)).toBeUndefined();
});

test('this harness lives, and a later process with the id of a dead one is not it', async () => {
  const own = ownIdentity();
  expect(await isHarnessAlive(own)).toBe(true);
  expect(await isHarnessAlive({ ...own, started: `1${own.started}` })).toBe(false);
  expect(await isHarnessAlive({ ...own, pid: 2 ** 22 + 1 })).toBe(false);
  expect(await isHarnessAlive({ ...own, host: `not-${own.host}` })).toBe('elsewhere');
});
