/**
 * What `kafka-trial shrink` gives: the scenario before and after, and how it got there, enter; one JSON document with a
 * published schema, or text for a terminal leaves.
 */
import pc from 'picocolors';
import { z } from 'zod';
import type { Scenario } from '../scenarios/schema.ts';
import { count } from './describe-event.ts';
import { visible } from './escape.ts';
import { quoteForShell } from './replay-command.ts';
import { wrap } from './terminal.ts';

const sizeSchema = z.strictObject({
  members: z.int().min(0),
  actions: z.int().min(0),
  groups: z.int().min(0),
  producers: z.int().min(0),
  records: z.int().min(0),
  topics: z.int().min(0),
  partitions: z.int().min(0),
  brokers: z.int().min(0),
});
export type ScenarioSize = z.infer<typeof sizeSchema>;

export const shrinkResultSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('shrink'),
  client: z.strictObject({ name: z.string(), version: z.string() }),
  /** What had to go on failing. */
  property: z.string(),
  signature: z.string(),
  policy: z.enum(['illegal', 'observed']),
  /** `scenarioFile` is null where the scenario came from a seed. */
  before: sizeSchema.extend({ scenarioFile: z.string().nullable() }),
  after: sizeSchema.extend({ scenarioFile: z.string() }),
  /** Scenarios that were tried, and those of them that still failed in the same way. */
  attempts: z.int().min(0),
  steps: z.int().min(0),
  /** `smallest`: nothing can be taken away any more. */
  ended: z.enum(['smallest', 'time', 'interrupted']),
  seconds: z.number().min(0),
  traceHash: z.string().nullable(),
  /** What happens in the smallest scenario. */
  text: z.string(),
});
export type ShrinkResult = z.infer<typeof shrinkResultSchema>;

export function sizeOf({ topology, groups, producers, actions }: Scenario): ScenarioSize {
  return {
    members: groups.reduce((sum, { members }) => sum + members.length, 0),
    actions: actions.length,
    groups: groups.length,
    producers: producers.length,
    records: producers.reduce((sum, { records }) => sum + records, 0),
    topics: topology.topics.length,
    partitions: topology.topics.reduce((sum, { partitions }) => sum + partitions, 0),
    brokers: topology.brokers,
  };
}

export const renderShrinkJson = (result: ShrinkResult): string =>
  `${JSON.stringify(shrinkResultSchema.parse(result), null, 2)}\n`;

export interface TextOptions {
  readonly color: boolean;
  readonly width: number;
}

const endings = {
  smallest: 'nothing more can be taken away',
  time: 'the time was over; --time gives it more',
  interrupted: 'interrupted; this is the smallest so far',
} as const satisfies Record<ShrinkResult['ended'], string>;

export function renderShrink(result: ShrinkResult, { color, width }: TextOptions): string {
  const colors = pc.createColors(color);
  const { property, signature, before, after, attempts, steps, ended, seconds } = result;
  const rows = (
    ['members', 'actions', 'groups', 'producers', 'records', 'topics', 'partitions', 'brokers'] as const
  )
    .filter((name) => before[name] > 0)
    .map(
      (name) => `  ${name.padEnd(12)}${String(before[name]).padStart(8)}${String(after[name]).padStart(8)}`,
    );
  return `${[
    colors.bold(visible(`${property}: ${signature}`)),
    colors.dim(`  ${''.padEnd(12)}${'before'.padStart(8)}${'after'.padStart(8)}`),
    ...rows,
    `  ${count(steps, 'step')} of ${count(attempts, 'attempt')} in ${seconds.toFixed(1)} s; ${endings[ended]}`,
    '',
    ...wrap(visible(result.text), width, '  '),
    '',
    `  file      ${visible(after.scenarioFile)}`,
    `  replay    ${colors.cyan(visible(`kafka-trial replay ${quoteForShell(after.scenarioFile)}`))}`,
  ].join('\n')}\n`;
}
