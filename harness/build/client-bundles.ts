/**
 * How a client is bundled: its name, the package to take in its own's place and an output enter, esbuild's options
 * leave. There are two bundles of each: the child process, one file that starts fast, and the same adapter for simulated
 * processes, one CommonJS module without a wrapper, which the simulated world gives globals of its own.
 *
 * A child process ignores arguments of the form `--kafka-trial-...=...`; they are there for `doctor` to find processes
 * that a killed harness left.
 */
import { join } from 'node:path';
import type { BuildOptions } from 'esbuild';
import type { ClientName } from '../client/clients.ts';
import { packageRoot } from '../version.ts';

/** Bundles are made of compiled code, also where this file is run as it stands. */
const source = join(packageRoot, 'dist', 'harness', 'client');

const common = {
  bundle: true,
  platform: 'node',
  target: 'node20',
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** A package and the folder that is taken instead of it. */
export type Alias = Readonly<Record<string, string>>;

export const childBundle = (client: ClientName, outfile: string, alias: Alias = {}) =>
  ({
    ...common,
    stdin: {
      contents: `
        import { keepStandardOutputForEvents, runClientProcess } from './child-process.js';
        import * as adapter from './${client}/adapter.js';
        keepStandardOutputForEvents();
        runClientProcess(adapter);`,
      resolveDir: source,
    },
    outfile,
    alias,
    format: 'esm',
    // kafkajs is CommonJS: inside an ES module its calls of `require` for Node's own modules need one to call.
    banner: {
      js: "import { createRequire as createBundleRequire } from 'node:module'; const require = createBundleRequire(import.meta.url);",
    },
    sourcemap: 'linked',
  }) satisfies BuildOptions;

export const simulatedBundle = (client: ClientName, outfile: string, alias: Alias = {}) =>
  ({
    ...common,
    entryPoints: [join(source, client, 'adapter.js')],
    outfile,
    alias,
    format: 'cjs',
    // `import()` becomes a call of `require`, which a simulated process has one of its own of.
    supported: { 'dynamic-import': false },
  }) satisfies BuildOptions;
