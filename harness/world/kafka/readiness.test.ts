/** Whether brokers are ready: partitions as a broker tells them enter, what counts as ready is checked. */
import { expect, test } from 'vitest';
import { coordinatorPartition } from './broker-probe.ts';
import { isReplicated, keysForEveryPartition } from './readiness.ts';

test('there is a key for every partition', () => {
  for (const count of [1, 3, 50]) {
    const keys = keysForEveryPartition(count);
    expect(keys.map((key) => coordinatorPartition(key, count))).toEqual([...keys.keys()]);
    expect(keys).toHaveLength(count);
  }
});

test.each([
  ['all in sync, in another order', 2, [1, 2, 3], [3, 1, 2], true],
  ['one behind', 2, [1, 2, 3], [1, 2], false],
  ['no leader', -1, [1], [1], false],
])('%s', (_, leader, replicas, inSyncReplicas, replicated) => {
  expect(isReplicated({ topic: 'a', partition: 0, leader, replicas, inSyncReplicas })).toBe(replicated);
});
