import { expect, it } from 'vitest';
import { partitionFor } from './partition-for.ts';

it('finds the partition by the hash code without its sign', () => {
  expect(partitionFor('hello', 50)).toBe(22);
  expect(partitionFor('polygenelubricants', 50)).toBe(0);
  for (const group of ['a', 'group-1', 'groupe-é', 'zzzzzzzzzz'])
    expect(partitionFor(group, 7)).toBeLessThan(7);
});
