/** Where coordinators keep a key: keys enter, partitions known from Java leave. */
import { expect, test } from 'vitest';
import { coordinatorPartition } from './broker-probe.ts';
import { keysForEveryPartition } from './readiness.ts';

test.each([
  // Java's String.hashCode of these: 99162322, 0, -1439978388, -1482116162 and -2147483648, which has no opposite.
  ['hello', 50, 22],
  ['', 50, 0],
  ['latitude', 50, 38],
  ['Zürich', 50, 12],
  ['polygenelubricants', 50, 0],
])('%j of %i partitions is on %i', (key, partitionCount, partition) => {
  expect(coordinatorPartition(key, partitionCount)).toBe(partition);
});

test('there is a key for every partition', () => {
  for (const count of [1, 3, 50]) {
    const keys = keysForEveryPartition(count);
    expect(keys.map((key) => coordinatorPartition(key, count))).toEqual([...keys.keys()]);
    expect(keys).toHaveLength(count);
  }
});
