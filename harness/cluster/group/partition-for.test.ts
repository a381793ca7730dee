import { expect, it } from 'vitest';
import { javaHashCode, partitionFor } from './partition-for.ts';

it.each([
  ['', 0],
  ['a', 97],
  ['hello', 99162322],
  ['my-group', -1906497762],
  // The well-known string whose hash code has no absolute value.
  ['polygenelubricants', -2147483648],
  ['é', 233],
])('hashes %j as Java does', (text, hash) => {
  expect(javaHashCode(text)).toBe(hash);
});

it('finds the partition by the hash code without its sign', () => {
  expect(partitionFor('hello', 50)).toBe(22);
  expect(partitionFor('polygenelubricants', 50)).toBe(0);
  for (const group of ['a', 'group-1', 'groupe-é', 'zzzzzzzzzz'])
    expect(partitionFor(group, 7)).toBeLessThan(7);
});
