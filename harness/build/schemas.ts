/** A step of the build: the schemas of files that people write or read enter, their JSON Schemas leave (dist/schemas). */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { configurationJsonSchema } from '../../scenarios/configuration.ts';
import { scenarioJsonSchema } from '../../scenarios/schema.ts';

const folder = fileURLToPath(new URL('../../schemas/', import.meta.url));
await mkdir(folder, { recursive: true });
for (const [name, schema] of Object.entries({
  configuration: configurationJsonSchema(),
  scenario: scenarioJsonSchema(),
}))
  await writeFile(path.join(folder, `${name}.json`), `${JSON.stringify(schema, null, 2)}\n`);
