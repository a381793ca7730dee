/** What `npm run bench:serve` measures can be measured, and no wait in it is without an end. */
import { expect, test } from 'vitest';
import { startCluster } from '../index.ts';
import { within } from './deadline.ts';
import { measureLibrary } from './start-up.ts';
import { measureThroughput } from './throughput.ts';

test('a wait ends by its deadline, and says what for', async () => {
  const never = new Promise<never>(() => undefined);
  await expect(within(20, 'Waiting for nothing', never)).rejects.toThrow(
    'Waiting for nothing took more than 0.02 s.',
  );
  await expect(within(10_000, 'Waiting', Promise.resolve(7))).resolves.toBe(7);
});

test('throughput and start-up are measured', async () => {
  await using cluster = await startCluster({});
  const load = { partitions: 2, records: 400, recordsPerSend: 50, valueBytes: 10, sendsAtOnce: 2 };
  const { produce, fetch } = await measureThroughput(cluster.bootstrapServers, load);
  expect(Math.min(produce, fetch)).toBeGreaterThan(0);
  const { readyMs, answerMs } = await measureLibrary();
  expect(Math.min(readyMs, answerMs)).toBeGreaterThan(0);
});
