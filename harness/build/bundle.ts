/**
 * The last step of the build: the compiled clients and everything they import enter, and two bundles of each leave: the
 * child process, one file that starts fast (dist/child/<client>.mjs), and the same adapter for simulated processes
 * (dist/simulated/<client>.cjs), one CommonJS module without a wrapper, which the simulated world gives globals of its
 * own. The licences of the packages inside stand beside the first.
 *
 * A child process ignores arguments of the form `--kafka-trial-...=...`; they are there for `doctor` to find processes
 * that a killed harness left.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { clients } from '../client/clients.ts';

const dist = fileURLToPath(new URL('../../', import.meta.url));
const source = path.join(dist, 'harness', 'client');

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

/** @param adapter statements that define it */
async function buildChild(name: string, adapter: string): Promise<void> {
  const outfile = path.join(dist, 'child', `${name}.mjs`);
  const { metafile } = await build({
    stdin: {
      contents: `
        import { keepStandardOutputForEvents, runClientProcess } from './child-process.js';
        ${adapter}
        keepStandardOutputForEvents();
        runClientProcess(adapter);`,
      resolveDir: source,
    },
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    // kafkajs is CommonJS: inside an ES module its calls of `require` for Node's own modules need one to call.
    banner: {
      js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
    },
    sourcemap: 'linked',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
  });
  const packages = [...new Set(Object.keys(metafile.inputs).flatMap((file) => packageOf(file) ?? []))].sort();
  const licences = await Promise.all(packages.map(licenceOf));
  await writeFile(`${outfile}.LICENSES.txt`, licences.join(`\n${'-'.repeat(80)}\n\n`));
}

// An application of the user's is bundled when it is put on trial; this is the process around it.
await buildChild(
  'application',
  `import { loadApplication } from './user/load.js';
   const adapter = loadApplication(process.argv[2], process.argv[3]);`,
);

for (const client of Object.keys(clients)) {
  await buildChild(client, `import * as adapter from './${client}/adapter.js';`);
  await build({
    entryPoints: [path.join(source, client, 'adapter.js')],
    outfile: path.join(dist, 'simulated', `${client}.cjs`),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    // `import()` becomes a call of `require`, which a simulated process has one of its own of.
    supported: { 'dynamic-import': false },
    legalComments: 'none',
    logLevel: 'warning',
  });
}
