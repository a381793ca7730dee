/**
 * The messages around an anomaly: what happened in a run, in order, and the anomaly enter; the few events and messages
 * that lead to each of its proving events leave, of the processes that it concerns.
 */
import { z } from 'zod';
import type { HistoryEvent } from '../harness/history/schema.ts';
import type { Happening } from '../harness/runner/inspect.ts';
import type { Anomaly } from '../properties/property.ts';
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

/** Of the proving events, the last so many have their surroundings shown. */
const EVENTS_MAX = 4;
const BEFORE_MAX = 8;
const AFTER_MAX = 3;

/** Those are sent all the time; where one of them matters, the history has an event for it. */
const QUIET_APIS: ReadonlySet<string> = new Set(['Fetch', 'Metadata', 'ApiVersions', 'Produce']);
const QUIET_EVENTS: ReadonlySet<string> = new Set(['start', 'finish', 'fact-log', 'fact-committed']);
/** Of the harness, which sends marker after marker while a run settles. */
const QUIET_OF_HARNESS: ReadonlySet<string> = new Set(['produce-invoke', 'produce-ok']);
const NOBODY: ReadonlySet<string> = new Set(['harness', 'coordinator', 'cluster']);

const isQuiet = ({ kind, process }: HistoryEvent): boolean =>
  QUIET_EVENTS.has(kind) || (process === 'harness' && QUIET_OF_HARNESS.has(kind));

export function traceAround(
  happenings: readonly Happening[],
  { events, subject }: Pick<Anomaly, 'events' | 'subject'>,
): Stretches {
  const proving = new Set(events);
  const isProving = (one: Happening): boolean => 'event' in one && proving.has(one.event.seq);
  const concerned = new Set(
    happenings.flatMap((one) => ('event' in one && isProving(one) ? [one.event.process] : [])),
  );
  if (subject.process !== undefined) concerned.add(subject.process);
  for (const name of NOBODY) concerned.delete(name);
  const isOfThem = (process: string | null): boolean =>
    concerned.size === 0 || (process !== null && (concerned.has(process) || NOBODY.has(process)));
  const isOfPartition = (one: object): boolean =>
    !('partition' in one && 'topic' in one) ||
    subject.partition === undefined ||
    (one.topic === subject.topic && one.partition === subject.partition);
  const relevant = happenings.filter(
    (one) =>
      isProving(one) ||
      ('event' in one
        ? !isQuiet(one.event) && isOfThem(one.event.process) && isOfPartition(one.event)
        : !QUIET_APIS.has(one.message.api) && isOfThem(one.message.process)),
  );
  const wanted = new Set<number>();
  const places = relevant.flatMap((one, index) => (isProving(one) ? [index] : [])).slice(-EVENTS_MAX);
  for (const place of places)
    for (let index = place - BEFORE_MAX; index <= place + AFTER_MAX; index += 1)
      if (index >= 0 && index < relevant.length) wanted.add(index);
  const stretches: Happening[][] = [];
  let previous = Number.NEGATIVE_INFINITY;
  for (const index of [...wanted].sort((a, b) => a - b)) {
    if (index !== previous + 1) stretches.push([]);
    stretches.at(-1)?.push(relevant[index] as Happening);
    previous = index;
  }
  return stretches;
}
