/** Where coordinators keep a key: keys enter, partitions known from Java leave. */
import { expect, test } from 'vitest';
import { coordinatorPartition } from './broker-probe.ts';

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
