/**
 * What a proxy does to the bytes of one direction: whether they are cut off and the link's conditions enter, the toxics of
 * that leave, always the same ones in the same order.
 *
 * A toxic is never added to a link in use and never removed, but has other numbers from then on: adding or removing one
 * has the toxic before it let go of what it holds. What is cut off waits in a latency longer than any run, and comes in
 * order when that is 0 again; Toxiproxy's own `timeout` would throw the bytes away.
 */
import type { LinkConditions } from '../../../../scenarios/schema.ts';
import type { Direction } from '../../administration.ts';
import type { Stream, Toxic } from './toxiproxy.ts';

const FOR_EVER_MS = 86_400_000;
/** Thousands of bytes a second; with 0 Toxiproxy never gets done with a chunk. */
const UNLIMITED_RATE = 1_000_000_000;

export const streamOf = (direction: Direction): Stream =>
  direction === 'to-broker' ? 'upstream' : 'downstream';

/** In the order in which bytes pass them: what was on its way before a cut still comes. */
export function toxicsOf(
  direction: Direction,
  isCut: boolean,
  conditions: LinkConditions | null,
): readonly Toxic[] {
  const stream = streamOf(direction);
  const held = isCut ? FOR_EVER_MS : 0;
  const jitter =
    conditions === null ? 0 : Math.floor((conditions.latencyMs.max - conditions.latencyMs.min) / 2);
  const latency = conditions === null ? 0 : Math.round(conditions.latencyMs.min) + jitter;
  const bytesPerSecond = conditions?.bytesPerSecond ?? null;
  const rate = bytesPerSecond === null ? UNLIMITED_RATE : bytesPerSecond / 1_000;
  return [
    // A FIN is no byte, and would pass a cut that holds nothing.
    { name: `${direction}.close`, type: 'slow_close', stream, attributes: { delay: held } },
    { name: `${direction}.cut`, type: 'latency', stream, attributes: { latency: held, jitter: 0 } },
    { name: `${direction}.latency`, type: 'latency', stream, attributes: { latency, jitter } },
    { name: `${direction}.rate`, type: 'bandwidth', stream, attributes: { rate } },
  ];
}

/** What Toxiproxy cannot do of a link's conditions: the end of a sentence, or null. */
export function refusalOf({ lossPerThousand, bytesPerSecond }: LinkConditions): string | null {
  if (lossPerThousand > 0) return 'lossPerThousand: Toxiproxy loses no single segments';
  if (bytesPerSecond !== null && bytesPerSecond % 1_000 !== 0)
    return `bytesPerSecond: Toxiproxy counts thousands of bytes, so it cannot be ${bytesPerSecond}`;
  return null;
}
