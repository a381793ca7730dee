/**
 * The last step of the build: the compiled client and everything it imports enter, and two bundles leave: the child
 * process, one file that starts fast (dist/child/kafkajs.mjs), and the same adapter for simulated processes
 * (dist/simulated/kafkajs.cjs), one CommonJS module without a wrapper, which the simulated world gives globals of its
 * own.
 */
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const dist = new URL('../../', import.meta.url);

await build({
  entryPoints: [fileURLToPath(new URL('harness/client/child-main.js', dist))],
  outfile: fileURLToPath(new URL('child/kafkajs.mjs', dist)),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'esm',
  // kafkajs is CommonJS: inside an ES module its calls of `require` for Node's own modules need one to call.
  banner: {
    js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
  },
  sourcemap: 'linked',
  legalComments: 'linked',
  logLevel: 'warning',
});

await build({
  entryPoints: [fileURLToPath(new URL('harness/client/kafkajs/adapter.js', dist))],
  outfile: fileURLToPath(new URL('simulated/kafkajs.cjs', dist)),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // `import()` becomes a call of `require`, which a simulated process has one of its own of.
  supported: { 'dynamic-import': false },
  legalComments: 'linked',
  logLevel: 'warning',
});
