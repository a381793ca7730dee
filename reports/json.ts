/** The JSON document of `run`, `replay` and `check`: a `RunResult` enters, text leaves; and its JSON Schema. */
import { z } from 'zod';
import { inOrder, type RunResult, runResultSchema } from './results.ts';

/** Pretty, with keys in the order of the schema and a line end, so that two results can be compared with diff. */
export const renderJson = (result: RunResult): string => `${JSON.stringify(inOrder(result), null, 2)}\n`;

/** The published schema of what `renderJson` prints (JSON Schema, draft 2020-12). */
export const runResultJsonSchema = (): object => ({
  ...z.toJSONSchema(runResultSchema),
  title: 'Result of kafka-trial run, replay, check and report',
});
