/**
 * The result of `kafka-trial compare` as a plain value: what every renderer takes and `--json` prints, with its schema,
 * which is published as JSON Schema too.
 */
import { z } from 'zod';

const counter = z.int().min(0);

const figureSchema = z.strictObject({
  title: z.string(),
  unit: z.string(),
  /** Means over the scenarios in which both subjects have the figure. */
  a: z.number(),
  b: z.number(),
  /** The mean of b - a. */
  difference: z.number(),
  /** Its 95 % interval, by a seeded bootstrap over scenarios. */
  interval: z.tuple([z.number(), z.number()]),
  /** Of b against a; less is better in every figure. Shown by an interval that excludes 0, in enough scenarios. */
  verdict: z.enum(['better', 'worse', 'no difference shown']),
  pairs: counter,
  /** Scenarios in which a had less than b, and b less than a. */
  aBetter: counter,
  bBetter: counter,
  /** The most in any scenario. */
  aWorst: z.number(),
  bWorst: z.number(),
});
const figuresSchema = z.record(z.string(), figureSchema);

const exampleSchema = z.strictObject({
  /** Name of the generated scenario, and its index in `seed`. */
  scenario: z.string(),
  index: counter,
  /** The figure in which the subjects differ so much. */
  figure: z.string(),
  runs: z.array(
    z.strictObject({
      label: z.string(),
      value: z.number(),
      scenarioFile: z.string(),
      historyFile: z.string(),
      /** Runs it again. */
      command: z.string(),
    }),
  ),
});

export const comparisonSchema = z.strictObject({
  schema: z.literal(1),
  command: z.literal('compare'),
  seed: counter,
  profile: z.string(),
  world: z.enum(['kafka', 'simulated']),
  versions: z.record(z.string(), z.string()),
  startedAt: z.iso.datetime(),
  /** Figures that this world has no way to measure, with the reason. */
  notMeasured: z.array(z.strictObject({ title: z.string(), reason: z.string() })),
  /** In the order given; the first is what the others are held against. */
  subjects: z.array(
    z.strictObject({
      label: z.string(),
      client: z.strictObject({ name: z.string(), version: z.string() }),
      /** The module of the user's that is on trial in place of kafka-trial's own application, or null. */
      application: z.string().nullable(),
      configuration: z.record(z.string(), z.unknown()).nullable(),
      /** Over the traces of its scenarios, in order; null in a world that has none. */
      traceHash: z.string().nullable(),
    }),
  ),
  scenarios: z.strictObject({
    run: counter,
    /** Those that cannot be compared, and why. */
    excluded: z.array(z.strictObject({ scenario: z.string(), label: z.string(), reason: z.string() })),
  }),
  /** Of the second subject against the first. */
  figures: figuresSchema,
  /** Of each subject against the first, in their order; the first of them has the figures above. */
  comparisons: z.array(z.strictObject({ a: z.string(), b: z.string(), figures: figuresSchema })),
  /** The kinds of illegal anomalies that any subject showed, new ones first, over all scenarios that were run. */
  findings: z.array(
    z.strictObject({
      property: z.string(),
      signature: z.string(),
      /** The known bug of the client that it is, as `id` or `id (link)`, or null for a new one. */
      known: z.string().nullable(),
      /** By subject in their order: how many, and in how many scenarios. */
      seen: z.array(z.strictObject({ anomalies: counter, scenarios: counter })),
      /** Name of the first scenario in which it was seen. */
      first: z.string(),
    }),
  ),
  /** The figures of every scenario that was compared, by subject in their order: for plots of pairs. */
  measurements: z.array(
    z.strictObject({
      scenario: z.string(),
      figures: z.array(z.record(z.string(), z.number().nullable())),
    }),
  ),
  /** Of a sweep: its points in the order of the subjects. */
  sweep: z
    .strictObject({
      words: z.array(z.strictObject({ word: z.string(), values: z.array(z.unknown()) })),
      points: z.array(
        z.strictObject({
          label: z.string(),
          values: z.record(z.string(), z.unknown()),
          /** Means per scenario. */
          duplicates: z.number(),
          ownerlessMs: z.number(),
          newIllegal: z.number(),
          knownIllegal: z.number(),
          /** Whether no other point is better in one of the two and as good in the other. */
          pareto: z.boolean(),
        }),
      ),
    })
    .nullable(),
  /** The scenarios with the largest differences. */
  examples: z.array(exampleSchema),
  virtualSeconds: z.number().min(0),
  cpuSeconds: z.number().min(0),
  wallSeconds: z.number().min(0),
  runDirectory: z.string(),
  files: z.strictObject({ json: z.string(), markdown: z.string(), html: z.string() }),
  /** True where it was ended before all scenarios had been run; what had been is compared. */
  interrupted: z.boolean(),
});

export type Comparison = z.infer<typeof comparisonSchema>;
export type ComparedFinding = Comparison['findings'][number];
export type ComparedFigure = z.infer<typeof figureSchema>;

export const comparisonJsonSchema = (): object => ({
  ...z.toJSONSchema(comparisonSchema),
  title: 'Result of kafka-trial compare',
});

export const renderComparisonJson = (comparison: Comparison): string =>
  `${JSON.stringify(comparisonSchema.parse(comparison), null, 2)}\n`;
