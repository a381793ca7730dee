/** Small draws that every part of the generator has in common: bounds and values enter, fast-check arbitraries leave. */
import fc from 'fast-check';

/** True in `perTen` of ten cases; shrinks to false. */
export const switchedOn = (perTen: number): fc.Arbitrary<boolean> =>
  fc.integer({ min: 0, max: 9 }).map((draw) => draw >= 10 - perTen);

/** Milliseconds in steps of 50: short enough to place faults anywhere, round enough to read. */
export const time = (minMs: number, maxMs: number): fc.Arbitrary<number> =>
  fc.integer({ min: Math.ceil(minMs / 50), max: Math.floor(maxMs / 50) }).map((steps) => steps * 50);

/** One of a few values, the first the simplest. */
export const pick = <const T extends unknown[]>(...values: T): fc.Arbitrary<T[number]> =>
  fc.constantFrom(...values);

/** Left to the client in half of all cases. */
export const unset = <Value>(arbitrary: fc.Arbitrary<Value>): fc.Arbitrary<Value | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 2 });

/** Without the keys that have no value. */
export const defined = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };

/** The item that a number stands for, whatever the number. */
export const at = <T>(items: readonly T[], index: number): T => items[index % items.length] as T;
