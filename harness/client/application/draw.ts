/**
 * Draws that depend on nothing but their arguments: a seed and some names enter, a number leaves. A stateful
 * generator would give each record a number that depends on the order in which records arrive; this one does not.
 */

const FNV_OFFSET_BASIS = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** 32-bit FNV-1a over the UTF-16 code units of a text, going on from `hash`. */
const addText = (hash: number, text: string): number => {
  let result = hash;
  for (let i = 0; i < text.length; i++) result = Math.imul(result ^ text.charCodeAt(i), FNV_PRIME);
  return result;
};

/** MurmurHash3's finalizer: FNV alone leaves the high bits of short, similar texts nearly equal. */
const mix = (hash: number): number => {
  let result = hash ^ (hash >>> 16);
  result = Math.imul(result, 0x85ebca6b);
  result ^= result >>> 13;
  result = Math.imul(result, 0xc2b2ae35);
  return (result ^ (result >>> 16)) >>> 0;
};

type Part = string | number;

const addParts = (hash: number, parts: readonly Part[]): number => {
  let result = hash;
  // The separator keeps ('a', 'bc') and ('ab', 'c') apart.
  for (const part of parts) result = addText(addText(result, String(part)), '\u0000');
  return result;
};

/** An unsigned 32-bit number, the same for the same arguments on every machine. */
export const draw = (...parts: Part[]): number => mix(addParts(FNV_OFFSET_BASIS, parts));

/** An integer from `min` to `max`, both included. */
export const drawInteger = (min: number, max: number, ...parts: Part[]): number =>
  min === max ? min : toInteger(min, max, draw(...parts));

/** The same for many draws whose parts begin alike: the one part that is left. */
export const drawerOfIntegers = (min: number, max: number, ...parts: Part[]): ((last: number) => number) => {
  const hash = addParts(FNV_OFFSET_BASIS, parts);
  return (last) => (min === max ? min : toInteger(min, max, mix(addParts(hash, [last]))));
};

const toInteger = (min: number, max: number, drawn: number): number =>
  min + Math.floor((drawn / 2 ** 32) * (max - min + 1));
