/**
 * The last step of the build: the compiled client and everything it imports enter, and two bundles leave: the child
 * process, one file that starts fast (dist/child/kafkajs.mjs), and the same adapter for simulated processes
 * (dist/simulated/kafkajs.cjs), one CommonJS module without a wrapper, which the simulated world gives globals of its
 * own. The licences of the packages inside stand beside the first.
 */
import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const dist = fileURLToPath(new URL('../../', import.meta.url));
const outfile = path.join(dist, 'child', 'kafkajs.mjs');

const { metafile } = await build({
  entryPoints: [path.join(dist, 'harness', 'client', 'child-main.js')],
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

/** The folder of the package that a bundled file belongs to, or null for a file of our own. */
const packageOf = (file: string): string | null =>
  /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? null;

const packages = [...new Set(Object.keys(metafile.inputs).flatMap((file) => packageOf(file) ?? []))].sort();
const licences = await Promise.all(
  packages.map(async (folder) => {
    const name = folder.split('node_modules/').at(-1) ?? folder;
    const root = path.resolve(folder);
    const file = existsSync(root) ? (await readdir(root)).find((one) => /^licen[cs]e/i.test(one)) : undefined;
    if (file === undefined) throw new Error(`the licence of ${name} is not in ${root}`);
    return `${name}\n\n${await readFile(path.join(root, file), 'utf8')}`;
  }),
);
await writeFile(`${outfile}.LICENSES.txt`, licences.join(`\n${'-'.repeat(80)}\n\n`));

await build({
  entryPoints: [path.join(dist, 'harness', 'client', 'kafkajs', 'adapter.js')],
  outfile: path.join(dist, 'simulated', 'kafkajs.cjs'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // `import()` becomes a call of `require`, which a simulated process has one of its own of.
  supported: { 'dynamic-import': false },
  legalComments: 'none',
  logLevel: 'warning',
});
