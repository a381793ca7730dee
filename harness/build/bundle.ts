/**
 * The last step of the build: the compiled clients and everything they import enter, and two bundles of each leave
 * (dist/child/<client>.mjs and dist/simulated/<client>.cjs), with the licences of the packages inside beside the first.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';
import { type ClientName, clients } from '../client/clients.ts';
import { packageRoot } from '../version.ts';
import { childBundle, simulatedBundle } from './client-bundles.ts';

const dist = path.join(packageRoot, 'dist');

/** The folder of the package that a bundled file belongs to, or null for a file of our own. */
const packageOf = (file: string): string | null =>
  /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? null;

const licenceOf = async (folder: string): Promise<string> => {
  const name = folder.split('node_modules/').at(-1) ?? folder;
  const root = path.resolve(folder);
  const file = existsSync(root) ? (await readdir(root)).find((one) => /^licen[cs]e/i.test(one)) : undefined;
  if (file === undefined) throw new Error(`the licence of ${name} is not in ${root}`);
  return `${name}\n\n${await readFile(path.join(root, file), 'utf8')}`;
};

for (const client of Object.keys(clients) as ClientName[]) {
  const outfile = path.join(dist, 'child', `${client}.mjs`);
  const { metafile } = await build({ ...childBundle(client, outfile), metafile: true });
  const packages = [...new Set(Object.keys(metafile.inputs).flatMap((file) => packageOf(file) ?? []))].sort();
  const licences = await Promise.all(packages.map(licenceOf));
  await writeFile(`${outfile}.LICENSES.txt`, licences.join(`\n${'-'.repeat(80)}\n\n`));
  await build(simulatedBundle(client, path.join(dist, 'simulated', `${client}.cjs`)));
}
