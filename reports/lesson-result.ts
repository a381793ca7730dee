/**
 * What `kafka-trial lessons` gives: the runs of lessons enter; one JSON document with a published schema, or text for a
 * terminal leaves.
 */
import pc from 'picocolors';
import { z } from 'zod';
import { formatSeconds } from './describe-event.ts';
import { visible } from './escape.ts';
import { wrap } from './terminal.ts';

const lessonSchema = z.strictObject({ name: z.string(), title: z.string(), text: z.string() });

const lessonRunSchema = lessonSchema.extend({
  /** `left out`: it cannot be run in this world; `unknown`: the world failed. `reasons` says why. */
  result: z.enum(['as expected', 'not as expected', 'left out', 'unknown']),
  reasons: z.array(z.string()),
  /** Null where it did not run to its end. */
  verdict: z.enum(['valid', 'invalid', 'unknown']).nullable(),
  anomalies: z.array(
    z.strictObject({
      property: z.string(),
      policy: z.enum(['illegal', 'observed']),
      signature: z.string(),
      message: z.string(),
    }),
  ),
  /** What happened, in order, each from this time on. */
  steps: z.array(z.strictObject({ timeMs: z.number(), text: z.string() })),
  /** What became of the records, and why. */
  findings: z.array(z.string()),
});

/** The one document of `lessons --json`: the list, or what was run. */
export const lessonsResultSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('lessons'),
  /** Null where nothing was run. */
  world: z.enum(['simulated', 'kafka']).nullable(),
  lessons: z.union([z.array(lessonSchema), z.array(lessonRunSchema)]),
});

export type LessonsResult = z.infer<typeof lessonsResultSchema>;
export type LessonRunResult = z.infer<typeof lessonRunSchema>;

export const renderLessonsJson = (result: LessonsResult): string =>
  `${JSON.stringify(lessonsResultSchema.parse(result), null, 2)}\n`;

export interface TextOptions {
  readonly color: boolean;
  readonly width: number;
}

export function renderLessonList(lessons: readonly z.infer<typeof lessonSchema>[]): string {
  const width = Math.max(...lessons.map(({ name }) => name.length));
  return lessons.map(({ name, title }) => `${name.padEnd(width)}  ${title}\n`).join('');
}

/** One lesson in full. */
export function renderLesson(run: LessonRunResult, { color, width }: TextOptions): string {
  const colors = pc.createColors(color);
  const lines = [
    colors.bold(visible(run.title)),
    ...wrap(visible(run.text), width, ''),
    '',
    ...run.steps.flatMap(({ timeMs, text }) =>
      wrap(visible(text), width, `${formatSeconds(Math.max(0, timeMs)).padStart(8)}  `, ' '.repeat(10)),
    ),
    ...(run.steps.length === 0 ? [] : ['']),
    ...(run.findings.length === 0 ? [] : [colors.bold('What it shows')]),
    ...run.findings.flatMap((finding) => wrap(visible(finding), width, '  ')),
    ...(run.verdict === null ? [] : ['', verdictLine(run)]),
    renderLessonLine(run, 0, color).trimEnd(),
  ];
  return `${lines.join('\n')}\n`;
}

const verdictLine = ({ verdict, anomalies }: LessonRunResult): string => {
  const kinds = [...new Set(anomalies.map(({ property, policy }) => `${property} ${policy}`))];
  return `${(verdict ?? 'unknown').toUpperCase()}: ${kinds.length === 0 ? 'every property held' : kinds.join(', ')}`;
};

/** One line, and the reasons below it where it did not come as expected. */
export function renderLessonLine(run: LessonRunResult, nameWidth: number, color: boolean): string {
  const colors = pc.createColors(color);
  const paint = {
    'as expected': colors.green,
    'not as expected': colors.red,
    'left out': colors.dim,
    unknown: colors.yellow,
  }[run.result];
  const reasons = run.reasons.map((reason) => `    ${visible(reason)}\n`).join('');
  return `${run.name.padEnd(nameWidth)}  ${paint(run.result)}\n${reasons}`.trimStart();
}
