/** A step of the build: the schemas in the code enter, the published JSON Schemas leave in dist/schemas/. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { publishedSchemas } from '../../reports/schemas.ts';
import { packageRoot } from '../version.ts';

const folder = join(packageRoot, 'dist', 'schemas');
await mkdir(folder, { recursive: true });
for (const [name, schema] of Object.entries(publishedSchemas()))
  await writeFile(join(folder, name), `${JSON.stringify(schema, null, 2)}\n`);
