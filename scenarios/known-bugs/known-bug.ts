/**
 * A known bug of a client: the smallest scenario that shows it, which versions have it, what it trips and what a client
 * without it does; JSON enters `parseKnownBug`, a validated `KnownBug` or an error that names the offending key leaves.
 */
import { validRange } from 'semver';
import { z } from 'zod';
import { UsageError } from '../../harness/errors.ts';
import { formatPath, scenarioSchema } from '../schema.ts';

const breachSchema = z.strictObject({
  property: z.string(),
  signature: z.string(),
  /** A part of the anomaly's message, where the signature alone says too little, such as the client's own error. */
  message: z.string().min(1).optional(),
});

const consequenceSchema = breachSchema.extend({
  /**
   * Where it has many causes and names a process or a group: it follows only from a breach of the same one. What tells of
   * its cause by `itself` needs no other.
   */
  within: z.enum(['itself', 'process', 'group']).optional(),
});

const knownBugShape = z.strictObject({
  bug: z.strictObject({
    title: z.string().min(1).max(90),
    /** Where it is reported, or null where it is not. */
    issue: z.url().nullable(),
    /** Other reports of the same cause. */
    alsoReported: z.array(z.url()).optional(),
    client: z.string(),
    /** The versions that have it. */
    versions: z.string().refine((range) => validRange(range) !== null, 'a range of versions, such as <2.1.0'),
    /** What happens, and why. */
    text: z.string().min(1).max(900),
    /** What a client without it does instead. */
    fixed: z.string().min(1).max(400),
    /** What it trips in this scenario, all of it, each time. */
    trips: z.array(breachSchema).min(1),
    /** What may come of it in other scenarios, where one of the above is found in the same run. */
    consequences: z.array(consequenceSchema).optional(),
    /** Whether real Kafka can show it; or, as a sentence, why it cannot. */
    kafka: z.union([z.literal(true), z.string().min(1)]),
  }),
  scenario: scenarioSchema,
});
export type KnownBug = z.infer<typeof knownBugShape>;
export type Breach = z.infer<typeof breachSchema>;
export type Consequence = z.infer<typeof consequenceSchema>;

/**
 * @param source where the value comes from, for the message (a file name)
 * @throws UsageError with one line per offending key
 */
export function parseKnownBug(value: unknown, source: string): KnownBug {
  const result = knownBugShape.safeParse(value);
  if (result.success) return result.data;
  const lines = result.error.issues.map((issue) => `  ${formatPath(issue.path)}: ${issue.message}`);
  throw new UsageError(`${source} is not a known bug:\n${lines.join('\n')}`);
}
