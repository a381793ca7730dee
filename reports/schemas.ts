/**
 * The published JSON Schemas of scenario and configuration files and of what commands print with --json: nothing enters,
 * each schema by the name of its file leaves. The package has these files as `kafka-trial/schemas/<name>`.
 */
import { z } from 'zod';
import { configurationJsonSchema } from '../scenarios/configuration.ts';
import { scenarioJsonSchema } from '../scenarios/schema.ts';
import { bugsResultSchema } from './bugs-result.ts';
import { comparisonJsonSchema } from './comparison.ts';
import { inspectionJsonSchema } from './inspection.ts';
import { runResultJsonSchema } from './json.ts';
import { lessonsResultSchema } from './lesson-result.ts';
import { shrinkResultSchema } from './shrink-result.ts';

export const publishedSchemas = (): Record<string, object> => ({
  'configuration.json': configurationJsonSchema(),
  'comparison.json': comparisonJsonSchema(),
  'scenario.json': scenarioJsonSchema(),
  'run-result.json': runResultJsonSchema(),
  'inspection.json': inspectionJsonSchema(),
  'lessons-result.json': {
    ...z.toJSONSchema(lessonsResultSchema),
    title: 'Result of kafka-trial lessons',
  },
  'shrink-result.json': {
    ...z.toJSONSchema(shrinkResultSchema),
    title: 'Result of kafka-trial shrink',
  },
  'bugs-result.json': {
    ...z.toJSONSchema(bugsResultSchema),
    title: 'Result of kafka-trial bugs',
  },
});
