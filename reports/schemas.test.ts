/** What is published is what the code says, and what commands print is what is published. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { packageRoot } from '../harness/version.ts';
import { renderJson } from './json.ts';
import { publishedSchemas } from './schemas.ts';
import { syntheticRun } from './testing/synthetic.ts';

const folder = join(packageRoot, 'dist', 'schemas');

test('the built package has a file for each schema and no other', () => {
  expect(readdirSync(folder).toSorted()).toEqual(Object.keys(publishedSchemas()).toSorted());
});

test.each(Object.entries(publishedSchemas()))('%s is what the code says', (name, schema) => {
  expect(JSON.parse(readFileSync(join(folder, name), 'utf8'))).toEqual(JSON.parse(JSON.stringify(schema)));
});

test('others find it in the package by its name, and a result is valid by it', () => {
  const require = createRequire(join(packageRoot, 'package.json'));
  const file = require.resolve('kafka-trial/schemas/run-result.json');
  const published = z.fromJSONSchema(JSON.parse(readFileSync(file, 'utf8')));
  const { result } = syntheticRun();
  expect(published.safeParse(JSON.parse(renderJson(result))).error).toBeUndefined();
  const { seed: _, ...seedless } = result;
  expect(published.safeParse(seedless).success).toBe(false);
  expect(published.safeParse({ ...result, surprise: 1 }).success).toBe(false);
});
