/**
 * The messages around an anomaly: what happened in a run, in order, and the anomaly enter; the few events and messages
 * leave that could have mattered to it and lead to each of its proving events.
 */
import { z } from 'zod';
import type { Happening } from '../harness/runner/inspect.ts';
import type { Anomaly } from '../properties/property.ts';
import type { Scenario } from '../scenarios/schema.ts';
import { causalSlice } from './causal-slice.ts';
import { happeningSchema } from './inspection.ts';

const counter = z.int().min(0);

/** trace.json of a kept scenario. */
export const traceSchema = z.strictObject({
  schema: z.literal(1),
  traces: z.array(
    z.strictObject({
      /** Index of the anomaly in verdict.json. */
      anomaly: counter,
      /** Stretches of the run, in order; between two of them something was left out. */
      stretches: z.array(z.array(happeningSchema)),
    }),
  ),
});

export type Trace = z.infer<typeof traceSchema>;
export type Stretches = readonly (readonly Happening[])[];

/** Of the proving events, the last so many have what led to them shown. */
const EVENTS_MAX = 4;
/** So much before each of them, and so much before the last one, which is where a person looks first. */
const BEFORE_MAX = 8;
const BEFORE_LAST_MAX = 30;

/** What of it could have mattered to the anomaly (see `causal-slice.ts`), close to what proves it. */
export function traceAround(
  happenings: readonly Happening[],
  anomaly: Pick<Anomaly, 'events' | 'subject'>,
  scenario: Scenario,
): Stretches {
  const proving = new Set(anomaly.events);
  const relevant = causalSlice(happenings, anomaly, scenario);
  const places = relevant
    .flatMap((one, index) => ('event' in one && proving.has(one.event.seq) ? [index] : []))
    .slice(-EVENTS_MAX);
  // What is found out at the end of a run has nothing that led to it just before: there everybody leaves.
  const isFact = (place: number): boolean => {
    const one = relevant[place];
    return one !== undefined && 'event' in one && one.event.kind.startsWith('fact-');
  };
  const last = places.findLast((place) => !isFact(place)) ?? places.at(-1);
  const wanted = new Set<number>();
  for (const place of places) {
    const before = place === last ? BEFORE_LAST_MAX : isFact(place) ? 0 : BEFORE_MAX;
    for (let index = Math.max(0, place - before); index <= place; index += 1) wanted.add(index);
  }
  const stretches: Happening[][] = [];
  let previous = Number.NEGATIVE_INFINITY;
  for (const index of [...wanted].sort((a, b) => a - b)) {
    if (index !== previous + 1) stretches.push([]);
    stretches.at(-1)?.push(relevant[index] as Happening);
    previous = index;
  }
  return stretches;
}
