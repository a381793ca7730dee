import { expect, it } from 'vitest';
import { JavaHashMap, javaHashCode } from './java-hash-map.ts';

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

const mapOf = (...keys: string[]): JavaHashMap<number> => {
  const map = new JavaHashMap<number>();
  for (const [i, key] of keys.entries()) map.set(key, i);
  return map;
};

it('gives keys by bucket, and those of one bucket as they came', () => {
  // Both are 2112 in Java.
  expect(mapOf('BB', 'a', 'Aa').keys()).toEqual(['BB', 'Aa', 'a']);
  expect(mapOf('Aa', 'a', 'BB').keys()).toEqual(['Aa', 'BB', 'a']);
  // Modulo 16, 'p' is 0, 'q' is 1 and 'b' is 2.
  expect(mapOf('b', 'q', 'p').keys()).toEqual(['p', 'q', 'b']);
});

it('has twice as many buckets from the thirteenth key on, and keeps them', () => {
  const map = mapOf('0', '@', ...'ABCDEFGHIJ'.split(''));
  expect(map.keys().slice(0, 2)).toEqual(['0', '@']);
  map.set('K', 12);
  expect(map.keys().slice(0, 2)).toEqual(['@', 'A']);
  map.delete('K');
  expect(map.keys().slice(0, 2)).toEqual(['@', 'A']);
});

it('puts a key that was removed behind the others of its bucket, and leaves one that gets a new value in its place', () => {
  const map = mapOf('Aa', 'BB');
  map.set('Aa', 5);
  expect([...map]).toEqual([
    ['Aa', 5],
    ['BB', 1],
  ]);
  map.delete('Aa');
  map.set('Aa', 6);
  expect(map.keys()).toEqual(['BB', 'Aa']);
  expect([map.size, map.get('Aa'), map.get('x'), map.has('BB')]).toEqual([2, 6, undefined, true]);
});
