/**
 * A finding as a file, fit to commit: the smallest scenario that shows it, what fails in it, what happens in it in plain
 * words, and the run that was recorded; JSON enters `parseFinding`, a validated `Finding` or an error that names the
 * offending key leaves. `kafka-trial shrink` writes it; in scenarios/regressions/ it is a test.
 */
import { z } from 'zod';
import { UsageError } from '../harness/errors.ts';
import { formatPath, scenarioSchema } from './schema.ts';

/** What a replay is held against. */
export const recordedSchema = z.strictObject({
  /** Equal traces are equal runs; null in a world that does not repeat itself. */
  traceHash: z.string().nullable(),
  /** As `--client` takes it. */
  client: z.string(),
  /** Exactly what that was then. */
  clientVersion: z.string(),
  /** A client or application broken on purpose, or null. */
  mutant: z.string().nullable(),
  /** What took part, by name: node, kafka-trial, the version of the generator where a scenario was generated. */
  versions: z.record(z.string(), z.string()),
});
export type Recorded = z.infer<typeof recordedSchema>;

const findingShape = z.strictObject({
  finding: z.strictObject({
    property: z.string(),
    signature: z.string(),
    policy: z.enum(['illegal', 'observed']),
    /** What happens in it, as one paragraph. */
    text: z.string().min(1),
    recorded: recordedSchema,
  }),
  scenario: scenarioSchema,
});
export type Finding = z.infer<typeof findingShape>;

export const isFinding = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'finding' in value && 'scenario' in value;

/**
 * @param source where the value comes from, for the message (a file name)
 * @throws UsageError with one line per offending key
 */
export function parseFinding(value: unknown, source: string): Finding {
  const result = findingShape.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `  ${formatPath(issue.path)}: ${issue.message}`);
  throw new UsageError(`${source} is not a finding:\n${lines.join('\n')}`);
}
