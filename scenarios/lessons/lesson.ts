/**
 * A lesson: a short scenario, what it shows, and what has to come of it in each world; JSON enters `parseLesson`, a
 * validated `Lesson` or a `LessonError` that names the offending key leaves.
 */
import { z } from 'zod';
import { UsageError } from '../../harness/errors.ts';
import { formatPath, scenarioSchema } from '../schema.ts';

/** `p-12`, or `p-12 to p-15`: records of one producer, both ends included. */
const recordSpan = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]*-\d+( to [a-z][a-z0-9-]*-\d+)?$/,
    "a record such as 'p-12', or a span such as 'p-12 to p-15'",
  );

/** Exactly these records, or how many there may be where that is up to the timing. */
const recordSet = z.union([
  z.array(recordSpan),
  z
    .strictObject({ atLeast: z.int().min(0), atMost: z.int().min(0) })
    .refine(({ atLeast, atMost }) => atLeast <= atMost, 'atLeast has to be at most atMost'),
]);

/** What each member owns, as in `{ "m1": "orders-0 orders-1", "m2": "" }`. */
const owners = z.record(z.string(), z.string());

const expectationSchema = z.strictObject({
  /** Of the verdict, over all properties. */
  outcome: z.enum(['valid', 'invalid']),
  /** All that are found, each kind once; any other anomaly is a difference. */
  anomalies: z.array(
    z.strictObject({
      property: z.string(),
      policy: z.enum(['illegal', 'observed']),
      signature: z.string(),
      /** How many; left out where that is up to the timing, and then there may be none. */
      count: z.int().min(1).optional(),
    }),
  ),
  /** By group: records whose processing began more than once; none where the group is left out. */
  processedAgain: z.record(z.string(), recordSet).optional(),
  /** By group: records sent to its topics that nobody processed to the end; none where the group is left out. */
  neverProcessed: z.record(z.string(), recordSet).optional(),
  /** Records sent that no partition log holds at the end; none where it is left out. */
  notInLog: recordSet.optional(),
  /** By group: who owned what in each stable generation until settling ended; all of them, in order. */
  generations: z.record(z.string(), z.array(owners).min(1)).optional(),
  /** The same, where there may be other generations before, between and after. */
  passesThrough: z.record(z.string(), z.array(owners).min(1)).optional(),
  /** By member: how many commit requests it sent until settling ended. */
  commitRequests: z.record(z.string(), z.int().min(0)).optional(),
  /** By member: how often the application was told that a commit had failed. */
  commitFailures: z.record(z.string(), z.int().min(0)).optional(),
  /** By member: how many Fetch answers brought it records until settling began; the simulated world alone counts them. */
  fetchesWithRecords: z.record(z.string(), z.int().min(0)).optional(),
  /** By member: in how many handovers its application got the records of producers. */
  deliveries: z.record(z.string(), z.int().min(0)).optional(),
  /** By member: Kafka's errors in answers to its commits and heartbeats, each once, REBALANCE_IN_PROGRESS left out. */
  refusals: z.record(z.string(), z.array(z.string())).optional(),
  /** Members whose poll failed in the application, with a part of the error. */
  applicationErrors: z.record(z.string(), z.string().min(1)).optional(),
});

const lessonShape = z.strictObject({
  lesson: z.strictObject({
    title: z.string().min(1).max(80),
    /** Two or three sentences on what it shows. */
    text: z.string().min(1).max(600),
    client: z.literal('reference'),
    expect: z.strictObject({
      /** Virtual time repeats itself, so here everything can be said exactly. */
      simulated: expectationSchema,
      /** What timing cannot change; or, as a sentence, why the lesson cannot be run on real Kafka. */
      kafka: z.union([expectationSchema, z.string().min(1)]),
    }),
  }),
  scenario: scenarioSchema,
});

export type Lesson = z.infer<typeof lessonShape>;
export type Expectation = z.infer<typeof expectationSchema>;
export type RecordSet = z.infer<typeof recordSet>;
export type Owners = z.infer<typeof owners>;

/** A lesson file that is none: one line per offending key. Exit code 2. */
export class LessonError extends UsageError {
  override name = 'LessonError';
}

/**
 * Validates any value as a lesson.
 * @param source where the value comes from, for the message (a file name)
 * @throws LessonError
 */
export function parseLesson(value: unknown, source: string): Lesson {
  const result = lessonShape.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `  ${formatPath(issue.path)}: ${issue.message}`);
  throw new LessonError(`${source} is not a lesson:\n${lines.join('\n')}`);
}

/** `p-12 to p-15` as `['p-12', 'p-13', 'p-14', 'p-15']`. @throws LessonError for a span that is none */
export function expandRecords(spans: readonly string[]): string[] {
  return spans.flatMap((span) => {
    const [from, to = from] = span.split(' to ').map(splitRecord);
    if (from === undefined || to === undefined || from.producer !== to.producer || from.number > to.number)
      throw new LessonError(`'${span}' is no span of records.`);
    return Array.from(
      { length: to.number - from.number + 1 },
      (_, index) => `${from.producer}-${from.number + index}`,
    );
  });
}

function splitRecord(record: string): { producer: string; number: number } {
  const dash = record.lastIndexOf('-');
  return { producer: record.slice(0, dash), number: Number(record.slice(dash + 1)) };
}

/** Records as spans, in the order of their producers' names and their numbers. */
export function recordSpans(records: Iterable<string>): string[] {
  const sorted = [...records]
    .map(splitRecord)
    .sort((a, b) => (a.producer < b.producer ? -1 : a.producer > b.producer ? 1 : a.number - b.number));
  const spans: { producer: string; from: number; to: number }[] = [];
  for (const { producer, number } of sorted) {
    const last = spans.at(-1);
    if (last?.producer === producer && last.to + 1 === number) last.to = number;
    else spans.push({ producer, from: number, to: number });
  }
  return spans.map(({ producer, from, to }) =>
    from === to ? `${producer}-${from}` : `${producer}-${from} to ${producer}-${to}`,
  );
}
