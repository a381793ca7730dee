/** Why a broker did not start: errors as Docker words them enter, sentences for a person are checked. */
import { expect, test } from 'vitest';
import { exitCodes, UsageError, WorldUnavailableError } from '../../errors.ts';
import { explainFailedStart, type FailedStart } from './start-failure.ts';

const start: FailedStart = { brokerId: 2, hostPort: 20_002, image: 'apache/kafka:4.3.1', logTail: '' };

test.each([
  [
    'driver failed programming external connectivity: Bind for 0.0.0.0:20002 failed: port is already allocated',
    'Port 20002 of this machine is taken, so broker 2 cannot start.',
  ],
  [
    'Error starting userland proxy: listen tcp4 127.0.0.1:20002: bind: address already in use',
    'Port 20002 of this machine is taken, so broker 2 cannot start.',
  ],
  ['write /var/lib/docker/tmp: no space left on device', 'The disk is full, so broker 2 cannot start.'],
  [
    'could not find an available, non-overlapping IPv4 address pool among the defaults',
    'Docker has no address range left for another network.',
  ],
  [
    'connect ECONNREFUSED /var/run/docker.sock',
    'The Docker daemon stopped answering while broker 2 was being started.',
  ],
  [
    '(HTTP code 404) no such container - No such image: apache/kafka:4.3.1',
    'The image apache/kafka:4.3.1 is not on this machine and could not be pulled ((HTTP code 404) no such container - No such image: apache/kafka:4.3.1).',
  ],
  ['something new', 'Broker 2 did not start: something new.'],
])('%s', (message, sentence) => {
  const cause = new Error(message);
  const explained = explainFailedStart(cause, start);
  expect(explained).toBeInstanceOf(WorldUnavailableError);
  expect(explained).toMatchObject({ message: sentence, exitCode: exitCodes.unknown, cause });
  expect(explained.hint).toBeTruthy();
});

const logEnded = new Error('Log stream ended and message "started" was not received');

test('a broker that ended says with what, and its last lines are the hint', () => {
  const container = { running: false, outOfMemory: false, exitCode: 1 };
  expect(explainFailedStart(logEnded, { ...start, container, logTail: 'Invalid value x' })).toMatchObject({
    message: 'Broker 2 ended while it started, with exit code 1.',
    hint: 'Its last lines:\nInvalid value x',
  });
});

test.each([
  { running: false, outOfMemory: true, exitCode: 1 },
  { running: false, outOfMemory: false, exitCode: 137 },
])('a broker that was killed points to memory: %o', (container) => {
  expect(explainFailedStart(logEnded, { ...start, container }).message).toBe(
    'Broker 2 was killed while it started, most likely for lack of memory.',
  );
});

test('an error that is clear already stays as it is', () => {
  const clear = new UsageError('Say it otherwise.');
  expect(explainFailedStart(clear, start)).toBe(clear);
});
