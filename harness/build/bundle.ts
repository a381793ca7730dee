/**
 * The last step of the build: the compiled child entry and everything it imports enter, one file that starts fast
 * leaves, dist/child/kafkajs.mjs.
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
