/** Shards share out a run: every scenario is in exactly one of them, and each knows how many it has. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { isInShard, parseShard, sizeOfShard } from './shard.ts';

it('gives every scenario to exactly one shard', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 0, max: 60 }), (of, runs) => {
      const indices = Array.from({ length: runs }, (_, index) => index);
      const shards = Array.from({ length: of }, (_, index) => ({ number: index + 1, of }));
      for (const index of indices) expect(shards.filter((shard) => isInShard(shard, index))).toHaveLength(1);
      for (const shard of shards)
        expect(sizeOfShard(shard, runs)).toBe(indices.filter((index) => isInShard(shard, index)).length);
    }),
  );
});

it.each(['0/2', '3/2', '1', '1/0', 'a/b', '1/2/3', '-1/2', '1/99999'])('refuses %s', (text) => {
  expect(() => parseShard(text)).toThrow('Expected i/n');
});

it('reads 2/4', () => {
  expect(parseShard('2/4')).toEqual({ number: 2, of: 4 });
});
