/** What came of putting the mutants on trial: the value that the command prints as JSON and that a report can show. */
import { z } from 'zod';

export const killSchema = z.strictObject({
  mutant: z.string(),
  description: z.string(),
  breaks: z.enum(['application', 'client', 'leader', 'coordinator', 'broker']),
  client: z.string(),
  profile: z.string(),
  /** Ids of the properties that have to catch it. */
  expected: z.array(z.string()),
  /** The first of them that did, with its sentence; null where none did. */
  property: z.string().nullable(),
  message: z.string().nullable(),
  /** How many scenarios were run: the last one is the one that caught it. */
  scenarios: z.int().min(0),
  /** What replays that scenario, or null. */
  replay: z.string().nullable(),
});
export type Kill = z.infer<typeof killSchema>;

export const mutantsResultSchema = z.strictObject({
  schema: z.literal(1),
  seed: z.int(),
  /** At most so many scenarios for each mutant. */
  runs: z.int(),
  kills: z.array(killSchema),
});
export type MutantsResult = z.infer<typeof mutantsResultSchema>;
