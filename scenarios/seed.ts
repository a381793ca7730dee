/** Seeds from seeds: a seed and an index enter, one well-spread 32-bit integer leaves, the same on every machine. */

/** The finaliser of MurmurHash3 over seed and index. */
export function mixSeed(seed: number, index: number): number {
  let hash = (seed ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35) >>> 0;
  return (hash ^ (hash >>> 16)) | 0;
}
