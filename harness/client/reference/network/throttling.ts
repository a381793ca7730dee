/**
 * Which answers tell a client to wait by itself (KIP-219): an API and a version enter, and whether a throttle time in such an
 * answer is for the client to keep leaves. Before these versions the broker alone makes it wait.
 */
import type { AnyApi } from '../../../cluster/protocol/api.ts';

/** By API key, the first version (`shouldClientThrottle` of Java's responses). */
const since: ReadonlyMap<number, number> = new Map([
  [0, 6],
  [1, 8],
  [2, 3],
  [3, 6],
  [8, 4],
  [9, 4],
  [10, 2],
  [11, 3],
  [12, 2],
  [13, 2],
  [14, 2],
  [18, 2],
  [22, 1],
  [24, 1],
  [25, 1],
  [26, 1],
  [28, 1],
]);

/** How long nothing may be sent on a connection on which this answer came. */
export function throttleMsOf({ key }: Pick<AnyApi, 'key'>, version: number, answer: unknown): number {
  const from = since.get(key);
  if (from === undefined || version < from) return 0;
  return (answer as { readonly throttleTimeMs?: number }).throttleTimeMs ?? 0;
}
