/**
 * What `kafka-trial bugs` gives: the catalogue, or the runs of known bugs, enter; one JSON document with a published
 * schema, or text for a terminal leaves.
 */
import pc from 'picocolors';
import { z } from 'zod';
import { count } from './describe-event.ts';
import { visible } from './escape.ts';
import { wrap } from './terminal.ts';

const bugSchema = z.strictObject({
  id: z.string(),
  title: z.string(),
  issue: z.string().nullable(),
  client: z.string(),
  /** The range of versions that have it. */
  versions: z.string(),
  text: z.string(),
  fixed: z.string(),
  trips: z.array(z.strictObject({ property: z.string(), signature: z.string() })),
  /** True, or why real Kafka cannot show it. */
  kafka: z.union([z.literal(true), z.string()]),
  /** For `replay`. */
  scenarioFile: z.string(),
});
export type BugEntry = z.infer<typeof bugSchema>;

const bugRunSchema = z.strictObject({
  id: z.string(),
  client: z.strictObject({ name: z.string(), version: z.string() }),
  /** Whether this version has it, as the catalogue says. */
  expected: z.boolean(),
  /** Whether it showed; null where it did not run to its end, or cannot be run. */
  shown: z.boolean().nullable(),
  result: z.enum(['as expected', 'not as expected', 'left out', 'unknown']),
  /** What happened, or why there is no result. */
  text: z.string(),
  anomalies: z.array(
    z.strictObject({ property: z.string(), signature: z.string(), policy: z.enum(['illegal', 'observed']) }),
  ),
  traceHash: z.string().nullable(),
});
export type BugRunResult = z.infer<typeof bugRunSchema>;

export const bugsResultSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('bugs'),
  /** Null where nothing was run. */
  world: z.enum(['simulated', 'kafka']).nullable(),
  bugs: z.array(bugSchema),
  runs: z.array(bugRunSchema),
});
export type BugsResult = z.infer<typeof bugsResultSchema>;

export const renderBugsJson = (result: BugsResult): string =>
  `${JSON.stringify(bugsResultSchema.parse(result), null, 2)}\n`;

export interface TextOptions {
  readonly color: boolean;
  readonly width: number;
}

export function renderBugList(bugs: readonly BugEntry[]): string {
  const idWidth = Math.max(...bugs.map(({ id }) => id.length));
  const versionWidth = Math.max(...bugs.map(({ client, versions }) => client.length + versions.length + 1));
  return bugs
    .map(
      ({ id, client, versions, title }) =>
        `${id.padEnd(idWidth)}  ${`${client} ${versions}`.padEnd(versionWidth)}  ${visible(title)}\n`,
    )
    .join('');
}

/** One bug in full, or its title alone, before its runs. */
export function renderBug(
  bug: BugEntry,
  { color, width, short }: TextOptions & { readonly short: boolean },
): string {
  const colors = pc.createColors(color);
  const title = colors.bold(`${bug.id}: ${visible(bug.title)}`);
  if (short) return `${title}\n`;
  return `${[
    title,
    ...wrap(visible(bug.text), width, '  '),
    ...wrap(visible(`Without it: ${bug.fixed}`), width, '  '),
    ...(bug.issue === null ? [] : [`  ${bug.issue}`]),
    ...(bug.kafka === true ? [] : wrap(visible(`Not on real Kafka: ${bug.kafka}`), width, '  ')),
    `  trips ${bug.trips.map(({ property, signature }) => `${property} (${signature})`).join(', ')}`,
  ].join('\n')}\n`;
}

/** Of a bug that this world cannot show. */
export const renderLeftOut = (why: string, { color, width }: TextOptions): string =>
  `${wrap(visible(`left out on real Kafka: ${why}`), width, '  ', '    ')
    .map((line) => pc.createColors(color).dim(line))
    .join('\n')}\n`;

const cells = {
  'as expected': (shown: boolean | null) => (shown === true ? 'shows it' : 'has it not'),
  'not as expected': (shown: boolean | null) => (shown === true ? 'SHOWS IT' : 'SHOWS IT NOT'),
  'left out': () => '-',
  unknown: () => 'no verdict',
} as const;

/** What came of many: a row for each bug, a column for each client, and how much of it was as the catalogue says. */
export function renderBugTable(
  { bugs, runs }: BugsResult,
  { color, width, planned }: TextOptions & { readonly planned: number },
): string {
  const colors = pc.createColors(color);
  const nameOf = ({ client }: BugRunResult): string => `${client.name} ${client.version}`;
  const clients = [...new Set(runs.map(nameOf))];
  const cell = (id: string, client: string): string => {
    const run = runs.find((one) => one.id === id && nameOf(one) === client);
    return run === undefined ? '' : cells[run.result](run.shown);
  };
  const rows = [
    ['known bug', ...clients],
    ...bugs.map(({ id }) => [id, ...clients.map((client) => cell(id, client))]),
  ];
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const of = (result: BugRunResult['result']): number => runs.filter((run) => run.result === result).length;
  const wrong = of('not as expected');
  const sums = [
    `${of('as expected')} of ${count(planned - of('left out'), 'run')} as the catalogue says`,
    ...(wrong === 0 ? [] : [`${wrong} not as it says, in capitals`]),
    ...(of('unknown') === 0 ? [] : [`${of('unknown')} without a verdict`]),
    ...(runs.length < planned ? [`${planned - runs.length} not run`] : []),
    ...(of('left out') === 0 ? [] : [`${of('left out')} left out (-)`]),
  ];
  const sentence = wrap(`${sums.join(', ')}.`, width, '');
  return `\n${[colors.dim(lines[0] ?? ''), ...lines.slice(1), '', ...sentence].join('\n')}\n`;
}

/** One line for each client, and what happened where it is asked for or not as expected. */
export function renderBugRun(run: BugRunResult, told: boolean, { color, width }: TextOptions): string {
  const colors = pc.createColors(color);
  const paint = {
    'as expected': colors.green,
    'not as expected': colors.red,
    'left out': colors.dim,
    unknown: colors.yellow,
  }[run.result];
  const what =
    run.shown === null ? run.result : `${run.shown ? 'shows it' : 'does not show it'}, ${run.result}`;
  const tell = run.text !== '' && (told || run.result !== 'as expected');
  return `${[
    `  ${run.client.name} ${run.client.version}: ${paint(what)}`,
    ...(tell ? wrap(visible(run.text), width, '    ') : []),
  ].join('\n')}\n`;
}
